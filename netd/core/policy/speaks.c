/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `speaks_for`: addresses of others that are a tier's containers' as well. */
#include <errno.h>
#include <stdlib.h>

#include "core/policy/decode.h"
#include "core/policy/zone.h"

static bool is_single(const struct ip_prefix *prefix)
{
	return prefix->len == 8 * ip_len(&prefix->addr);
}

static bool is_link_local(const struct ip_prefix *prefix)
{
	static const struct ip_prefix local[] = { { { IP_V4, { 169, 254 } }, 16 },
						  { { IP_V6, { 0xfe, 0x80 } }, 10 } };

	return policy_prefix_contains(&local[0], prefix) ||
	       policy_prefix_contains(&local[1], prefix);
}

/* What Docker was told with --link-local-ip, which its lists do not show. Not the metadata service
 * that all clouds have, and not the address that Docker gives its bridges. */
static bool is_docker_link_local(const struct ip_prefix *prefix)
{
	static const struct ip_prefix never[] = {
		{ { IP_V4, { 169, 254, 169, 254 } }, 32 },
		{ { IP_V6, { 0xfe, 0x80, [15] = 1 } }, 128 },
	};

	return is_single(prefix) && ip_compare(&prefix->addr, &never[0].addr) != 0 &&
	       ip_compare(&prefix->addr, &never[1].addr) != 0;
}

/* Of a wide one, what lies in neither zone is left out by the compiler. */
static void check_address(struct decoder *d, const struct node *node,
			  const struct ip_prefix *prefix)
{
	const unsigned int unicast = ZONE_MEETS_LAN | ZONE_MEETS_INTERNET;
	char word[TEXT_QUOTE_LEN];

	if (is_link_local(prefix) ? is_docker_link_local(prefix)
				  : policy_zone_relation(prefix) & unicast)
		return;
	policy_report(d->diags, F_BAD_SPEAKS_FOR, node->loc,
		      "name unicast addresses of the local network or the internet",
		      "no container can speak for `%s`", text_quote(node->text, word));
}

static void decode_spoken_address(struct decoder *d, const struct node *node, const char *name,
				  struct policy_spoken *ret)
{
	const char *text = policy_decode_text(d, node, name);
	enum peer_problem problem;

	*ret = (struct policy_spoken){ .loc = node->loc };
	if (!text)
		return;
	problem = policy_prefix_parse(text, &ret->prefix);
	if (problem == PEER_OK)
		check_address(d, node, &ret->prefix);
	else
		policy_report_prefix(d, node, problem, &ret->prefix);
}

int policy_decode_speaks_for(struct decoder *d, const struct node *key, void *object)
{
	static const struct decode_list how = { "an address or a list of addresses", true,
						F_EMPTY_LIST, "name an address, or leave it out" };
	struct policy_tier *tier = &((struct draft_tier *)object)->tier;
	const struct node *item = policy_decode_items(d, key, &how);
	size_t n = !item ? 0 : key->value->kind == NODE_SEQUENCE ? key->value->n : 1;
	struct policy_spoken *all = arena_alloc(d->arena, n * sizeof(*all));

	if (!all)
		return -ENOMEM;
	for (size_t i = 0; item && i < n; i++, item = item->next) {
		decode_spoken_address(d, item, key->text, &all[i]);
		if (all[i].prefix.addr.family && all[i].prefix.len == 0)
			tier->routes[all[i].prefix.addr.family == IP_V6] = true;
	}
	tier->speaks_for = all;
	tier->n_speaks_for = n;
	return 0;
}

/* ---- of all tiers ---- */

static int by_prefix(const void *left, const void *right)
{
	const struct policy_spoken *a = left, *b = right;
	int order = ip_compare(&a->prefix.addr, &b->prefix.addr);

	if (order == 0)
		order = (int)a->prefix.len - (int)b->prefix.len;
	return order ? order : (a->tier > b->tier) - (a->tier < b->tier);
}

static void report_twice(struct decoder *d, const struct policy_spoken *one,
			 const struct policy_spoken *other)
{
	char text[PREFIX_TEXT_LEN], place[DIAG_PLACE_LEN];

	policy_report(d->diags, F_BAD_SPEAKS_FOR, other->loc,
		      "an address is one tier's: take it out of one of the two",
		      "tier `%s` speaks for `%s` as well, %s", d->policy->tiers[one->tier].name,
		      ip_prefix_format(&other->prefix, text),
		      diag_place(other->loc, one->loc, place));
}

/* Sorted, what contains a prefix stands before it, and of ranges what was kept last is the only one
 * that can. A single address in a range of its own tier stays: it may be on one of Docker's
 * networks, which the range leaves out. */
static size_t keep_widest(struct decoder *d, struct policy_spoken *all, size_t n)
{
	struct policy_spoken around = { 0 };
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		struct policy_spoken one = all[i];
		bool inside =
			around.prefix.len && policy_prefix_contains(&around.prefix, &one.prefix);
		bool again = kept &&
			     ip_compare(&all[kept - 1].prefix.addr, &one.prefix.addr) == 0 &&
			     all[kept - 1].prefix.len == one.prefix.len;
		if (inside && around.tier != one.tier)
			report_twice(d, &around, &one);
		else if (!again && (!inside || is_single(&one.prefix)))
			all[kept++] = one;
		if (!inside)
			around = one;
	}
	return kept;
}

int policy_gather_spoken(struct decoder *d, struct policy_tier *tiers, size_t n)
{
	struct policy_spoken *all;
	size_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += tiers[i].n_speaks_for;
	all = arena_alloc(d->arena, total * sizeof(*all));
	if (!all)
		return -ENOMEM;
	total = 0;
	for (uint32_t i = 0; i < n; i++)
		for (size_t k = 0; k < tiers[i].n_speaks_for; k++) {
			struct policy_spoken one = tiers[i].speaks_for[k];
			one.tier = i;
			if (one.prefix.addr.family && one.prefix.len > 0)
				all[total++] = one;
		}
	if (total > LIMIT_SPEAKS_FOR)
		policy_report(d->diags, F_TOO_MANY_ITEMS, all[LIMIT_SPEAKS_FOR].loc,
			      "join neighbouring addresses in a CIDR",
			      "all `speaks_for` together have more than %u entries",
			      LIMIT_SPEAKS_FOR);
	if (total)
		qsort(all, total, sizeof(*all), by_prefix);
	d->policy->n_spoken = keep_widest(d, all, total);
	d->policy->spoken = all;
	return 0;
}

int policy_find_speaker(const struct policy *policy, const struct ip_prefix *prefix)
{
	size_t low = 0, high = policy->n_spoken;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (ip_compare(&policy->spoken[middle].prefix.addr, &prefix->addr) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low > 0; low--) {
		const struct policy_spoken *spoken = &policy->spoken[low - 1];
		if (policy_prefix_contains(&spoken->prefix, prefix))
			return (int)spoken->tier;
		if (!is_single(&spoken->prefix)) /* it alone could be around */
			return -1;
	}
	return -1;
}
