/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is meant by addresses outside: those alone where they are few and stay, the networks around
 * them, or the zone. What a rule then lets in or out is as wide as the evidence makes it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/policy/zone.h"
#include "core/suggest/draft.h"

/* More addresses than that are not listed one by one: nobody would read them. */
#define LISTED 4u
/* Addresses of the internet that change within it are one name's: web services move. */
#define STAYS_S (7 * 86400)

/* The edges of one tier-to-be in one direction, with one port and zone. */
struct outside_run {
	struct suggest_edge **edges;
	size_t n;
};

struct outside_addresses {
	struct ip_prefix items[LISTED];
	int64_t first[LISTED], last[LISTED];
	size_t n;
	bool full, cut; /* there are more; the flows themselves name a prefix, or the zone alone */
};

static const struct suggest_side *inner(const struct suggest_edge *edge)
{
	return edge->from.kind == SUGGEST_WHO ? &edge->from : &edge->to;
}

static const struct flow_end *outer(const struct suggest_edge *edge)
{
	return edge->from.kind == SUGGEST_OUTSIDE ? &edge->flow->from : &edge->flow->to;
}

static int by_run(const void *left, const void *right)
{
	const struct suggest_edge *a = *(struct suggest_edge *const *)left;
	const struct suggest_edge *b = *(struct suggest_edge *const *)right;

	if (inner(a)->who != inner(b)->who)
		return inner(a)->who < inner(b)->who ? -1 : 1;
	if (a->from.kind != b->from.kind)
		return a->from.kind < b->from.kind ? -1 : 1;
	if (a->port.proto != b->port.proto)
		return a->port.proto < b->port.proto ? -1 : 1;
	if (a->port.lo != b->port.lo)
		return a->port.lo < b->port.lo ? -1 : 1;
	return (int)outer(a)->zone - (int)outer(b)->zone;
}

/* ---- the addresses, or what is around them ---- */

static void shorten(struct ip_prefix *prefix, uint8_t len)
{
	size_t bits = ip_len(&prefix->addr) * 8;

	for (size_t bit = len; bit < bits; bit++)
		prefix->addr.bytes[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
	prefix->len = len;
}

static void note_address(struct outside_addresses *list, const struct ip_prefix *prefix,
			 const struct flow *flow)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->items[i].len != prefix->len ||
		    ip_compare(&list->items[i].addr, &prefix->addr) != 0)
			continue;
		list->first[i] = flow->first < list->first[i] ? flow->first : list->first[i];
		list->last[i] = flow->last > list->last[i] ? flow->last : list->last[i];
		return;
	}
	if (list->n == LISTED) {
		list->full = true;
		return;
	}
	list->items[list->n] = *prefix;
	list->first[list->n] = flow->first;
	list->last[list->n++] = flow->last;
}

/* @around: the networks of the addresses. */
static struct outside_addresses gather(const struct outside_run *run, bool around)
{
	struct outside_addresses list = { .n = 0 };

	for (size_t i = 0; i < run->n; i++) {
		const struct flow_end *end = outer(run->edges[i]);
		struct ip_prefix prefix = { end->addr, end->len };
		uint8_t len = end->addr.family == IP_V4 ? 24 : 64;
		if (around && prefix.len > len)
			shorten(&prefix, len);
		/* A zone leaves metadata services out, a network around them does not. */
		if (end->len == 0 || end->addr.family == IP_NONE ||
		    policy_prefix_holds_metadata(&prefix)) {
			list.full = list.cut = true;
			continue;
		}
		list.cut |= end->len < ip_len(&end->addr) * 8;
		note_address(&list, &prefix, run->edges[i]->flow);
	}
	return list;
}

static bool all_stay(const struct outside_addresses *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->last[i] - list->first[i] < STAYS_S)
			return false;
	return true;
}

static int by_prefix(const void *left, const void *right)
{
	const struct ip_prefix *a = left, *b = right;
	int order = ip_compare(&a->addr, &b->addr);

	return order ? order : (int)a->len - (int)b->len;
}

static const char *prefix_text(const struct ip_prefix *prefix, char ret[PREFIX_TEXT_LEN])
{
	if (prefix->len == ip_len(&prefix->addr) * 8)
		return ip_format(&prefix->addr, ret);
	return ip_prefix_format(prefix, ret);
}

/* "192.168.1.5", "[192.168.1.5, \"fd00::5\"]". */
static int list_text(struct outside_addresses *list, struct arena *arena, const char **ret_peer,
		     const char **ret_sample)
{
	struct text text CLEANUP(text_done) = { 0 };
	char one[PREFIX_TEXT_LEN];

	qsort(list->items, list->n, sizeof(*list->items), by_prefix);
	text_add(&text, list->n > 1 ? "[" : "");
	for (size_t i = 0; i < list->n; i++) {
		const char *quote = list->items[i].addr.family == IP_V6 ? "\"" : "";
		text_printf(&text, "%s%s%s%s", i ? ", " : "", quote,
			    prefix_text(&list->items[i], one), quote);
	}
	text_add(&text, list->n > 1 ? "]" : "");
	if (text_failed(&text))
		return -ENOMEM;
	bool v6 = list->items[0].addr.family == IP_V6;
	*ret_peer = arena_strdup(arena, text_str(&text));
	*ret_sample = arena_printf(arena, v6 ? "\"%s\"" : "%s", prefix_text(&list->items[0], one));
	return *ret_peer && *ret_sample ? 0 : -ENOMEM;
}

static int choose_peer(const struct outside_run *run, struct arena *arena)
{
	enum flow_zone zone = outer(run->edges[0])->zone;
	struct outside_addresses list = gather(run, false);
	const char *peer = flow_zone_name(zone), *sample = peer;
	int r = 0;

	if (zone == FLOW_LAN && list.full)
		list = gather(run, true);
	if (!list.full && (zone == FLOW_LAN || (!list.cut && all_stay(&list))))
		r = list_text(&list, arena, &peer, &sample);
	for (size_t i = 0; i < run->n && r == 0; i++) {
		struct suggest_edge *edge = run->edges[i];
		struct suggest_side *side =
			edge->from.kind == SUGGEST_OUTSIDE ? &edge->from : &edge->to;
		side->peer = peer;
		side->sample = sample;
	}
	return r;
}

int suggest_choose_peers(struct suggest *s)
{
	struct suggest_edge **open =
		arena_alloc(s->arena, s->edges.n * sizeof(struct suggest_edge *));
	size_t n = 0;
	int r = open ? 0 : -ENOMEM;

	for (size_t i = 0; i < s->edges.n && r == 0; i++) {
		struct suggest_edge *edge = &s->edges.items[i];
		bool outside =
			edge->from.kind == SUGGEST_OUTSIDE || edge->to.kind == SUGGEST_OUTSIDE;
		const char *known = edge->to.peer;
		bool is_dns = known && strcmp(known, "dns") == 0;
		if (edge->fate == SUGGEST_RULE && outside && !is_dns)
			open[n++] = edge;
	}
	if (n)
		qsort(open, n, sizeof(*open), by_run);
	for (size_t i = 0, end; i < n && r == 0; i = end) {
		for (end = i + 1; end < n && by_run(&open[i], &open[end]) == 0;)
			end++;
		r = choose_peer(&(struct outside_run){ open + i, end - i }, s->arena);
	}
	return r;
}
