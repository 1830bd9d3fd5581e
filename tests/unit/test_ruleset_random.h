/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random rulesets that pass ruleset_seal(): names and values come from small pools, so that two of
 * them have much in common, as two generations of one policy have. */
#pragma once

#include <stdlib.h>

#include "core/ruleset/protocol.h"
#include "test_ruleset_sample.h"

struct dice {
	uint64_t state; /* the seed; never 0 */
};

static inline uint32_t roll(struct dice *dice, uint32_t n) /* 0..n-1 */
{
	dice->state ^= dice->state << 13;
	dice->state ^= dice->state >> 7;
	dice->state ^= dice->state << 17;
	return (uint32_t)((dice->state >> 16) % n);
}

static inline struct rs_key random_value(struct dice *dice, enum rs_type type)
{
	static const uint16_t ethertypes[] = { 0x0800, 0x86dd, 0x0806, 0x8100, 0x88cc };
	static const uint8_t protocols[] = { 1, 6, 17, 58, 132, 47 };
	static const uint32_t states[] = { 1, 2, 4, 8, 64 };
	uint32_t n = roll(dice, 40);
	char text[40];

	switch (type) {
	case RS_TYPE_IFNAME:
		snprintf(text, sizeof(text), "veth%u", n);
		return key_ifname(text);
	case RS_TYPE_IPV4:
		snprintf(text, sizeof(text), "172.18.%u.%u", n % 3, n);
		return key_ip(text);
	case RS_TYPE_IPV6:
		snprintf(text, sizeof(text), "fd00:%u::%x", n % 3, n);
		return key_ip(text);
	case RS_TYPE_ND_HIGH:
	case RS_TYPE_ND_LOW: {
		struct rs_key key = random_value(dice, RS_TYPE_IPV6);
		return key_of(type, key.bytes + (type == RS_TYPE_ND_LOW ? 8 : 0));
	}
	case RS_TYPE_ETHER_ADDR:
		snprintf(text, sizeof(text), "02:42:ac:12:00:%02x", n);
		return key_mac(text);
	case RS_TYPE_ETHER_TYPE:
		return key_u16(type, ethertypes[n % 5]);
	case RS_TYPE_INET_PROTO:
		return key_u8(type, protocols[n % 6]);
	case RS_TYPE_INET_SERVICE:
		return key_u16(type, (uint16_t)(n * 217 + 1));
	case RS_TYPE_MARK:
	case RS_TYPE_INTEGER32:
		return key_u32(type, n << (n % 24));
	case RS_TYPE_CT_DIR:
		return key_u8(type, n % 2);
	case RS_TYPE_CT_STATE:
		return key_u32(type, states[n % 5]);
	case RS_TYPE_CT_STATUS:
		return key_u32(type, 1u << n % 6);
	case RS_TYPE_ICMPV6_TYPE:
		return key_u8(type, (uint8_t)(128 + n % 16));
	case RS_TYPE_INTEGER8:
		return key_u8(type, (uint8_t)(n * 6));
	case RS_TYPE_PKT_TYPE:
		return key_u8(type, n % 4);
	case RS_TYPE_LINK_ADDR: {
		struct rs_key key = random_value(dice, RS_TYPE_ETHER_ADDR);
		return key_of(type, key.bytes);
	}
	case RS_TYPE_TCP_FLAGS:
		return key_u8(type, (uint8_t)(1u << n % 5));
	case RS_TYPE_FRAGMENT:
		return key_u16(type, (uint16_t)(n * 217));
	case RS_TYPE_ICMP_TYPE:
		return key_u8(type, (uint8_t)(n % 16));
	case RS_TYPE_COUNT:
		break;
	}
	abort(); /* not a type */
	return (struct rs_key){ 0 };
}

static inline struct rs_key random_key(struct dice *dice, const struct rs_set *set)
{
	struct rs_key keys[RS_KEY_FIELDS];

	for (size_t i = 0; i < set->n_types; i++)
		keys[i] = random_value(dice, set->types[i]);
	return set->n_types == 1 ? keys[0] : key_join(keys, set->n_types);
}

static inline bool has_key(const struct rs_set *set, const struct rs_key *key)
{
	for (size_t i = 0; i < set->n_elems; i++)
		if (memcmp(rs_set_elem(set, i).key.bytes, key->bytes, key->len) == 0)
			return true;
	return false;
}

/* Ranges that do not overlap: the i-th lies in 10.i.0.0/16 or fd00:i::/32; some touch. */
static inline void fill_ranges(struct ruleset *rs, struct dice *dice, struct rs_set *set)
{
	bool v4 = set->types[0] == RS_TYPE_IPV4;

	set->interval = true;
	for (uint32_t i = 0; i < 12; i++) {
		struct rs_elem elem = { 0 };
		uint32_t kind = roll(dice, 5);
		char text[40];
		if (kind == 0)
			continue;
		snprintf(text, sizeof(text), v4 ? "10.%u.0.0" : "fd00:%u::", i);
		elem.key = key_ip(text);
		elem.last = elem.key;
		size_t fixed = v4 ? 2 : 4;
		memset(elem.last.bytes + fixed, kind == 1 ? 0 : 0xff, elem.last.len - fixed);
		if (kind == 2)
			elem.last.bytes[elem.last.len - 1] = 9;
		int r = ruleset_add_elem(rs, set, &elem);
		assert(r == 0);
	}
}

static inline void fill_set(struct ruleset *rs, struct dice *dice, struct rs_set *set)
{
	uint32_t n = roll(dice, 20);

	for (uint32_t i = 0; i < n; i++) {
		struct rs_key key = random_key(dice, set);
		char target[8];
		if (has_key(set, &key))
			continue;
		uint32_t kind = set->map ? roll(dice, 5) : 0;
		snprintf(target, sizeof(target), "r%u", roll(dice, 2));
		if (!set->map)
			add_elem(rs, set, key);
		else if (kind < 2)
			add_verdict(rs, set, key, kind ? RS_DROP : RS_ACCEPT, NULL);
		else
			add_verdict(rs, set, key, RS_GOTO, arena_strdup(rs->arena, target));
	}
}

static inline void random_sets(struct ruleset *rs, struct dice *dice, enum rs_family family)
{
	static const struct {
		const char *name;
		enum rs_type types[RS_KEY_FIELDS];
		uint8_t n;
		bool map, interval, meter;
	} pool[] = {
		{ "addr4", { RS_TYPE_IPV4 }, 1, false, false, false },
		{ "addr4", { RS_TYPE_IPV4, RS_TYPE_INET_PROTO }, 2, false, false, false },
		{ "addr6", { RS_TYPE_IPV6 }, 1, false, false, false },
		{ "names", { RS_TYPE_IFNAME }, 1, false, false, false },
		{ "macs", { RS_TYPE_ETHER_ADDR }, 1, false, false, false },
		{ "marks", { RS_TYPE_MARK }, 1, false, false, false },
		{ "ports", { RS_TYPE_INET_SERVICE }, 1, false, false, false },
		{ "guard",
		  { RS_TYPE_IFNAME, RS_TYPE_ETHER_ADDR, RS_TYPE_IPV4 },
		  3,
		  false,
		  false,
		  false },
		{ "guard6",
		  { RS_TYPE_IFNAME, RS_TYPE_ETHER_ADDR, RS_TYPE_ND_HIGH, RS_TYPE_ND_LOW },
		  4,
		  false,
		  false,
		  false },
		{ "svc",
		  { RS_TYPE_IPV4, RS_TYPE_INET_PROTO, RS_TYPE_INET_SERVICE },
		  3,
		  false,
		  false,
		  false },
		{ "net4", { RS_TYPE_IPV4 }, 1, false, true, false },
		{ "net6", { RS_TYPE_IPV6 }, 1, false, true, false },
		{ "to4", { RS_TYPE_IPV4 }, 1, true, false, false },
		{ "to4", { RS_TYPE_IPV6 }, 1, true, false, false },
		{ "toif", { RS_TYPE_IFNAME }, 1, true, false, false },
		{ "seen4", { RS_TYPE_IPV4 }, 1, false, false, true },
		{ "seen6", { RS_TYPE_IPV6 }, 1, false, false, true },
	};
	const char *before = "";

	for (size_t i = 0; i < ARRAY_LEN(pool); i++) {
		if (roll(dice, 6) == 0 || strcmp(pool[i].name, before) == 0)
			continue;
		struct rs_set *set =
			ruleset_add_set(rs, family, pool[i].name, pool[i].types, pool[i].n);
		assert(set);
		before = pool[i].name;
		set->map = pool[i].map;
		set->meter = pool[i].meter;
		if (pool[i].interval)
			fill_ranges(rs, dice, set);
		else if (!set->meter)
			fill_set(rs, dice, set);
	}
}

/* Some field of that type, or RS_FIELD_COUNT. */
static inline enum rs_field random_field(struct dice *dice, enum rs_type type)
{
	uint32_t start = roll(dice, RS_FIELD_COUNT);

	for (uint32_t i = 0; i < RS_FIELD_COUNT; i++) {
		enum rs_field field = (enum rs_field)((start + i) % RS_FIELD_COUNT);
		if (ruleset_field_info(field)->type == type)
			return field;
	}
	return RS_FIELD_COUNT;
}

static inline struct rs_match random_lookup(struct dice *dice, const struct rs_set *set)
{
	struct rs_match match = { .op = roll(dice, 3) ? RS_IN : RS_NOT_IN,
				  .set = set->name,
				  .n_fields = set->n_types };

	for (size_t i = 0; i < set->n_types; i++)
		match.fields[i] = random_field(dice, set->types[i]);
	return match;
}

static inline struct rs_match random_masked(struct dice *dice, enum rs_field field)
{
	enum rs_type type = ruleset_field_info(field)->type;
	struct rs_match match = match_op(RS_BITS, field, random_value(dice, type));

	match.mask = random_value(dice, type);
	for (size_t i = 0; i < match.mask.len; i++) {
		if (ruleset_type_info(type)->bits)
			match.mask.bytes[i] = match.value.bytes[i];
		else
			match.mask.bytes[i] |= match.value.bytes[i];
	}
	if (match.mask.bytes[0] == 0 && !ruleset_type_info(type)->bits)
		match.mask.bytes[0] = 0xff;
	return match;
}

static inline struct rs_match random_match(struct dice *dice, const struct rs_table *table)
{
	enum rs_field field = (enum rs_field)roll(dice, RS_FIELD_COUNT);
	const struct rs_field_info *info = ruleset_field_info(field);
	const struct rs_type_info *type = ruleset_type_info(info->type);
	const struct rs_set *set =
		table->sets.n ? table->sets.items[roll(dice, (uint32_t)table->sets.n)] : NULL;

	if (field == RS_CT_SECMARK) /* nft has no other way */
		return random_masked(dice, field);
	switch (roll(dice, 6)) {
	case 0:
		return match_op(RS_NE, field, random_value(dice, info->type));
	case 1:
		if (type->bits || info->type == RS_TYPE_MARK || info->type == RS_TYPE_IPV4)
			return random_masked(dice, field);
		break;
	case 2:
		if (!type->host_order && info->type != RS_TYPE_CT_DIR &&
		    info->type != RS_TYPE_PKT_TYPE) {
			struct rs_key a = random_value(dice, info->type);
			struct rs_key b = random_value(dice, info->type);
			if (rs_key_compare(&a, &b) < 0)
				return match_range(field, a, b);
		}
		break;
	case 3:
	case 4:
		if (set && !set->map && !set->meter)
			return random_lookup(dice, set);
		break;
	default:
		break;
	}
	return match_eq(field, random_value(dice, info->type));
}

/* The rule that is being drawn. */
struct random_conditions {
	struct rs_protocol known;
	struct rs_match matches[6];
	size_t n;
};

/* Where a comparison with bytes of one header stands in it; nft puts one in front for ARP. */
static inline bool random_place(enum rs_field field, enum rs_op op, size_t *at, size_t *end)
{
	const struct rs_field_info *info = ruleset_field_info(field);

	*at = 1000u * info->key + info->detail;
	*end = *at + info->len;
	return info->load == RS_LOAD_PAYLOAD && (op == RS_EQ || op == RS_NE);
}

/* nft would load neighbours in a header at once, which says the same in other words; the compiler
 * makes no such rule. What nft puts in front (an ethertype) has the one neighbour that is tested.
 */
static inline bool random_neighbours(const struct random_conditions *so_far,
				     const struct rs_match *match)
{
	size_t a, a_end, b, b_end;
	bool place = random_place(match->fields[0], match->op, &a, &a_end);

	if (match->fields[0] == RS_ETHER_SADDR && match->n_fields == 1)
		return true;
	for (size_t i = 0; place && i < so_far->n; i++)
		if (random_place(so_far->matches[i].fields[0], so_far->matches[i].op, &b, &b_end) &&
		    (a == b_end || b == a_end))
			return true;
	return false;
}

/* As ruleset_seal() sees it. */
static inline void random_add(struct random_conditions *so_far, struct rs_match match)
{
	struct rs_implied implied[RS_IMPLIED_MAX];
	struct rs_protocol after = so_far->known;
	size_t n;

	for (size_t i = 0; i < match.n_fields; i++)
		/* Many kernels have no connection tracking in family bridge. */
		if ((after.family == RS_BRIDGE &&
		     ruleset_field_info(match.fields[i])->load == RS_LOAD_CT) ||
		    rs_protocol_need(&after, ruleset_field_info(match.fields[i])->need, implied,
				     &n))
			return;
	if (random_neighbours(so_far, &match))
		return;
	rs_protocol_learn(&after, &match);
	so_far->known = after;
	so_far->matches[so_far->n++] = match;
}

static inline void random_verdict(struct dice *dice, const struct rs_table *table, uint32_t level,
				  struct rs_rule *rule)
{
	static const char *const targets[] = { "r0", "r1", "r2", "r3", "r4", "r5" };
	uint32_t kind = roll(dice, level ? 6 : 3);

	rule->verdict = (enum rs_verdict[]){ RS_ACCEPT, RS_DROP, RS_RETURN,
					     RS_JUMP,	RS_GOTO, RS_VMAP }[kind];
	if (rule->verdict == RS_JUMP || rule->verdict == RS_GOTO)
		rule->target = targets[roll(dice, level < 6 ? level : 6)];
	if (rule->verdict != RS_VMAP)
		return;
	rule->verdict = RS_DROP;
	for (size_t i = 0; level > 2 && i < table->sets.n; i++)
		if (table->sets.items[i]->map && table->sets.items[i]->types[0] == RS_TYPE_IFNAME) {
			rule->verdict = RS_VMAP;
			rule->target = table->sets.items[i]->name;
			rule->vmap_fields[0] = RS_META_IIFNAME;
			rule->n_vmap_fields = 1;
		}
}

/* A limit for each source, where the rule may be about such packets. */
static inline void random_meter(const struct rs_table *table, const struct rs_protocol *known,
				struct rs_log *log)
{
	struct rs_implied implied[RS_IMPLIED_MAX];
	struct rs_protocol after = *known;
	size_t n;

	for (size_t i = 0; i < table->sets.n; i++) {
		const struct rs_set *set = table->sets.items[i];
		enum rs_field field = set->types[0] == RS_TYPE_IPV4 ? RS_IP_SADDR : RS_IP6_SADDR;
		if (!set->meter ||
		    rs_protocol_need(&after, ruleset_field_info(field)->need, implied, &n) < 0)
			continue;
		log->meter = set->name;
		log->source = field;
		return;
	}
}

static inline void random_rule(struct ruleset *rs, struct dice *dice, struct rs_chain *chain,
			       enum rs_family family, uint32_t level)
{
	static const char *const comments[] = { NULL, "10-base.yaml:3", "20-shop.yaml:31" };
	struct rs_log log = { roll(dice, 2) ? "deny x" : "deny t=web>db ",
			      (uint16_t)roll(dice, 3),
			      1 + roll(dice, 3),
			      5 + roll(dice, 3),
			      NULL,
			      RS_IP_SADDR };
	struct rs_mark mark = { RS_META_MARK, roll(dice, 2) ? ~0xf00u : 0xf0u, 0x100, false };
	struct random_conditions conditions = { .known = { .family = family } };
	struct rs_rule rule = { .matches = conditions.matches, .comment = comments[roll(dice, 3)] };

	for (uint32_t i = roll(dice, 5); i < 4; i++)
		random_add(&conditions, random_match(dice, &rs->tables[family]));
	rule.n_matches = conditions.n;
	if (roll(dice, 8) == 0) {
		rule.log = &log;
		random_meter(&rs->tables[family], &conditions.known, &log);
	} else {
		random_verdict(dice, &rs->tables[family], level, &rule);
		if (roll(dice, 4) == 0)
			rule.mark = &mark;
	}
	if (roll(dice, 3) == 0 && rs->tables[family].counters.n)
		rule.counter = rs->tables[family].counters.items[0];
	add_rule(rs, chain, rule);
}

static inline void random_table(struct ruleset *rs, struct dice *dice, enum rs_family family)
{
	static const char *const chains[] = { "r0", "r1", "r2", "r3", "r4", "r5", "b0", "b1" };
	static const char *const counters[] = { "c0", "c1", "c2" };

	for (size_t i = 0; i < ARRAY_LEN(counters); i++)
		if (roll(dice, 3))
			assert(ruleset_add_counter(rs, family, counters[i]) == 0);
	random_sets(rs, dice, family);
	for (uint32_t i = 0; i < ARRAY_LEN(chains); i++) {
		struct rs_base base = { .hook = roll(dice, 4) ? RS_HOOK_FORWARD : RS_HOOK_INPUT,
					.priority = roll(dice, 4) ? -10 : -20 };
		bool is_base = i >= 6;
		if (is_base && roll(dice, 4) == 0)
			continue;
		struct rs_chain *chain =
			ruleset_add_chain(rs, family, chains[i], is_base ? &base : NULL);
		assert(chain);
		for (uint32_t n = roll(dice, 6); n > 0; n--)
			random_rule(rs, dice, chain, family, i);
	}
}

static inline struct ruleset *random_ruleset(struct arena *arena, uint64_t seed)
{
	struct dice dice = { seed * 0x9e3779b97f4a7c15u + 1 };
	struct ruleset *rs = ruleset_new(arena);
	const char *why = "";

	assert(rs);
	rs->stamp_mask = SAMPLE_STAMP_MASK;
	for (uint32_t i = 0; i < 8; i++)
		(void)roll(&dice, 2);
	random_table(rs, &dice, RS_INET);
	random_table(rs, &dice, RS_BRIDGE);
	int r = ruleset_seal(rs, &why);
	if (r < 0)
		fprintf(stderr, "seed %llu: %s\n", (unsigned long long)seed, why);
	assert(r == 0);
	return rs;
}
