/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/fw/merge.h"

#include <linux/netfilter/nf_tables.h>
#include <string.h>

#define REGISTER_BYTES 16u
#define FAST_BYTES 4u /* the kernel has a short cut for loads of up to 4 bytes */

static void add_implied(struct fw_terms *terms, struct rs_implied implied)
{
	struct fw_term *term = &terms->items[terms->n++];

	*term = (struct fw_term){ .implied = implied };
	if (implied.kind != RS_IMPLIED_ETHER_TYPE)
		return;
	const struct rs_field_info *info = ruleset_field_info(RS_ETHER_TYPE);
	term->payload = term->protocol = true;
	term->header = info->key;
	term->offset = info->detail;
	term->len = info->len;
	term->bytes[0] = (uint8_t)(implied.value >> 8);
	term->bytes[1] = (uint8_t)implied.value;
}

static void add_match(struct fw_terms *terms, const struct rs_match *match)
{
	const struct rs_field_info *info = ruleset_field_info(match->fields[0]);
	struct fw_term *term = &terms->items[terms->n++];

	*term = (struct fw_term){ .match = match };
	if ((match->op != RS_EQ && match->op != RS_NE) || info->load != RS_LOAD_PAYLOAD)
		return;
	term->payload = true;
	term->negated = match->op == RS_NE;
	term->protocol = match->fields[0] == RS_ETHER_TYPE;
	term->header = info->key;
	term->offset = info->detail;
	term->len = info->len;
	memcpy(term->bytes, match->value.bytes, info->len);
}

/* A sealed rule has no contradictions. */
static void add_needs(struct fw_terms *terms, const enum rs_field *fields, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct rs_implied implied[RS_IMPLIED_MAX];
		size_t n_implied;
		enum rs_need need = ruleset_field_info(fields[i])->need;
		if (rs_protocol_need(&terms->known, need, implied, &n_implied) < 0)
			continue;
		for (size_t j = 0; j < n_implied; j++)
			add_implied(terms, implied[j]);
	}
}

/* Headers are numbered from the outermost. */
static bool comes_after(const struct fw_term *a, const struct fw_term *b)
{
	return a->header != b->header ? a->header > b->header : a->offset > b->offset;
}

/* nft's payload_can_merge(): loads of up to 4 bytes are quick by themselves, so they are joined
 * only when the result is one of these, or where there is no short cut to lose. A negated one
 * between two keeps them apart. */
static bool can_join(const struct fw_term *a, const struct fw_term *b)
{
	unsigned int total = (unsigned int)a->len + b->len;

	if (a->negated || b->negated || a->header != b->header || a->offset + a->len != b->offset ||
	    total > REGISTER_BYTES)
		return false;
	return total <= FAST_BYTES || a->header == NFT_PAYLOAD_LL_HEADER || a->len > FAST_BYTES ||
	       b->len > FAST_BYTES;
}

/* Into the place of @a, unless @b must stay before what depends on it. Returns where it went. */
static struct fw_term *join(struct fw_term *a, struct fw_term *b)
{
	struct fw_term *into = b->protocol ? b : a, *from = b->protocol ? a : b;
	uint8_t bytes[REGISTER_BYTES];

	memcpy(bytes, a->bytes, a->len);
	memcpy(bytes + a->len, b->bytes, b->len);
	uint8_t offset = a->offset, len = (uint8_t)(a->len + b->len);
	memcpy(into->bytes, bytes, len);
	into->offset = offset;
	into->len = len;
	from->gone = true;
	return into;
}

static void join_neighbours(struct fw_terms *terms)
{
	struct fw_term *sorted[FW_TERMS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < terms->n; i++) {
		if (!terms->items[i].payload)
			continue;
		size_t at = n++;
		for (; at > 0 && comes_after(sorted[at - 1], &terms->items[i]); at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = &terms->items[i];
	}
	for (size_t i = 1, last = 0; i < n; i++) {
		if (can_join(sorted[last], sorted[i]))
			sorted[i] = join(sorted[last], sorted[i]);
		last = i;
	}
}

void fw_terms_of(const struct rs_rule *rule, enum rs_family family, struct fw_terms *ret)
{
	ret->n = 0;
	ret->known = (struct rs_protocol){ .family = family };
	for (size_t i = 0; i < rule->n_matches && i < RS_MAX_MATCHES; i++) {
		const struct rs_match *match = &rule->matches[i];
		add_needs(ret, match->fields, match->n_fields);
		add_match(ret, match);
		rs_protocol_learn(&ret->known, match);
	}
	join_neighbours(ret);
}
