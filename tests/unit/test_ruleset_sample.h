/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rulesets for the tests of core/ruleset and edge/fw: one that uses every kind of thing once, and
 * random ones. Every allocation is checked by assert: a test has memory. */
#pragma once

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "core/ruleset/ruleset.h"

#define SAMPLE_STAMP_MASK 0xffff0000u

static inline struct rs_key key_of(enum rs_type type, const void *bytes)
{
	struct rs_key key = { 0 };

	rs_key_add(&key, type, bytes, false);
	return key;
}

static inline struct rs_key key_ip(const char *text)
{
	struct ip_addr addr;
	int r = ip_parse(text, &addr);

	assert(r == 0);
	return key_of(addr.family == IP_V4 ? RS_TYPE_IPV4 : RS_TYPE_IPV6, addr.bytes);
}

static inline struct rs_key key_ifname(const char *name)
{
	char bytes[16] = { 0 };

	memcpy(bytes, name, strlen(name));
	return key_of(RS_TYPE_IFNAME, bytes);
}

static inline struct rs_key key_u8(enum rs_type type, uint8_t value)
{
	return key_of(type, &value);
}

static inline struct rs_key key_u16(enum rs_type type, uint16_t value)
{
	uint8_t bytes[2] = { (uint8_t)(value >> 8), (uint8_t)value };

	return key_of(type, bytes);
}

static inline struct rs_key key_u32(enum rs_type type, uint32_t value) /* host order types */
{
	return key_of(type, &value);
}

static inline struct rs_key key_mac(const char *text)
{
	struct mac_addr mac;
	int r = mac_parse(text, &mac);

	assert(r == 0);
	return key_of(RS_TYPE_ETHER_ADDR, mac.bytes);
}

/* Joins single keys, each padded. */
static inline struct rs_key key_join(const struct rs_key *keys, size_t n)
{
	struct rs_key joined = { 0 };

	for (size_t i = 0; i < n; i++) {
		size_t padded = (keys[i].len + 3u) / 4 * 4;
		memcpy(joined.bytes + joined.len, keys[i].bytes, keys[i].len);
		joined.len = (uint8_t)(joined.len + padded);
	}
	return joined;
}

static inline struct rs_match match_eq(enum rs_field field, struct rs_key value)
{
	return (struct rs_match){ .op = RS_EQ, .fields = { field }, .n_fields = 1, .value = value };
}

static inline struct rs_match match_op(enum rs_op op, enum rs_field field, struct rs_key value)
{
	struct rs_match match = match_eq(field, value);

	match.op = op;
	return match;
}

static inline struct rs_match match_bits(enum rs_op op, enum rs_field field, struct rs_key mask,
					 struct rs_key value)
{
	struct rs_match match = match_op(op, field, value);

	match.mask = mask;
	return match;
}

static inline struct rs_match match_range(enum rs_field field, struct rs_key first,
					  struct rs_key last)
{
	struct rs_match match = match_op(RS_RANGE, field, first);

	match.last = last;
	return match;
}

static inline struct rs_match match_set(enum rs_op op, enum rs_field field, const char *set)
{
	return (struct rs_match){ .op = op, .fields = { field }, .n_fields = 1, .set = set };
}

#define L4(n) match_eq(RS_META_L4PROTO, key_u8(RS_TYPE_INET_PROTO, (n)))

static inline void add_elem(struct ruleset *rs, struct rs_set *set, struct rs_key key)
{
	int r = ruleset_add_elem(rs, set, &(struct rs_elem){ .key = key });

	assert(r == 0);
}

static inline void add_range(struct ruleset *rs, struct rs_set *set, const char *first,
			     const char *last)
{
	struct rs_elem elem = { .key = key_ip(first), .last = key_ip(last) };
	int r = ruleset_add_elem(rs, set, &elem);

	assert(r == 0);
}

/* All names that begin so. */
static inline void add_pattern(struct ruleset *rs, struct rs_set *set, const char *prefix)
{
	struct rs_elem elem = { .key = key_ifname(prefix), .last = key_ifname(prefix) };

	memset(elem.last.bytes + strlen(prefix), 0xff, 16 - strlen(prefix));
	int r = ruleset_add_elem(rs, set, &elem);

	assert(r == 0);
}

static inline void add_verdict(struct ruleset *rs, struct rs_set *map, struct rs_key key,
			       enum rs_verdict verdict, const char *target)
{
	struct rs_elem elem = { .key = key, .outcome = { .verdict = verdict, .target = target } };
	int r = ruleset_add_elem(rs, map, &elem);

	assert(r == 0);
}

static inline struct rs_set *add_set(struct ruleset *rs, enum rs_family family, const char *name,
				     enum rs_type type)
{
	struct rs_set *set = ruleset_add_set(rs, family, name, &type, 1);

	assert(set);
	return set;
}

static inline struct rs_chain *add_chain(struct ruleset *rs, enum rs_family family,
					 const char *name)
{
	struct rs_chain *chain = ruleset_add_chain(rs, family, name, NULL);

	assert(chain);
	return chain;
}

static inline struct rs_chain *add_base(struct ruleset *rs, enum rs_family family, const char *name,
					enum rs_hook hook, int32_t priority)
{
	struct rs_chain *chain = ruleset_add_chain(
		rs, family, name, &(struct rs_base){ .hook = hook, .priority = priority });

	assert(chain);
	return chain;
}

static inline void add_rule(struct ruleset *rs, struct rs_chain *chain, struct rs_rule rule)
{
	int r = ruleset_add_rule(rs, chain, &rule);

	assert(r == 0);
}

#define MATCHES(...)                                   \
	.matches = (struct rs_match[]){ __VA_ARGS__ }, \
	.n_matches = sizeof((const struct rs_match[]){ __VA_ARGS__ }) / sizeof(struct rs_match)

/* `ct secmark & MASK == STAMP accept`, and the stamping rule. */
static inline void sample_stamp(struct ruleset *rs)
{
	struct rs_chain *accepted = add_chain(rs, RS_INET, "accepted");
	struct rs_mark mark = { RS_CT_SECMARK, ~SAMPLE_STAMP_MASK, 0, true };

	add_rule(rs, accepted, (struct rs_rule){ .mark = &mark, .verdict = RS_ACCEPT });
	struct rs_chain *stamped = add_chain(rs, RS_INET, "stamped");
	struct rs_match match =
		match_bits(RS_BITS, RS_CT_SECMARK, key_u32(RS_TYPE_INTEGER32, SAMPLE_STAMP_MASK),
			   key_u32(RS_TYPE_INTEGER32, 0));
	match.is_stamp = true;
	add_rule(rs, stamped, (struct rs_rule){ MATCHES(match), .verdict = RS_ACCEPT });
}

static inline void sample_sets(struct ruleset *rs)
{
	struct rs_set *web = add_set(rs, RS_INET, "frontend4", RS_TYPE_IPV4);
	add_elem(rs, web, key_ip("172.18.0.3"));
	add_elem(rs, web, key_ip("172.18.0.2"));
	(void)add_set(rs, RS_INET, "nobody6", RS_TYPE_IPV6);
	struct rs_set *lan = add_set(rs, RS_INET, "lan4", RS_TYPE_IPV4);
	lan->interval = true;
	add_range(rs, lan, "192.168.0.0", "192.168.255.255");
	add_range(rs, lan, "10.0.0.0", "10.255.255.255");
	add_range(rs, lan, "11.0.0.0", "11.0.0.9");
	add_range(rs, lan, "240.0.0.0", "255.255.255.254");
	struct rs_set *low = add_set(rs, RS_INET, "low6", RS_TYPE_IPV6);
	low->interval = true;
	add_range(rs, low, "::1", "::5");
	add_elem(rs, low, key_ip("fd00::1"));
	struct rs_set *bridges = add_set(rs, RS_INET, "bridges", RS_TYPE_IFNAME);
	add_elem(rs, bridges, key_ifname("br-7fda1ba91b69"));
	add_elem(rs, bridges, key_ifname("docker0"));
	/* The kernel and Docker take any letter. */
	add_elem(rs, bridges, key_ifname("a*b"));
	add_elem(rs, bridges, key_ifname("back\\s"));
	add_elem(rs, bridges, key_ifname("br\xc3\xa4'{#"));
	struct rs_set *names = add_set(rs, RS_INET, "names", RS_TYPE_IFNAME);
	names->interval = true;
	add_pattern(rs, names, "br-0a");
	add_pattern(rs, names, "br-09");
	add_elem(rs, names, key_ifname("docker0"));
	struct rs_set *to = add_set(rs, RS_INET, "to4", RS_TYPE_IPV4);
	to->map = true;
	add_verdict(rs, to, key_ip("172.18.0.2"), RS_GOTO, "to_frontend");
	add_verdict(rs, to, key_ip("172.18.0.9"), RS_DROP, NULL);
	add_verdict(rs, to, key_ip("172.18.0.8"), RS_ACCEPT, NULL);
	struct rs_set *pair = ruleset_add_set(
		rs, RS_INET, "pairs", (enum rs_type[]){ RS_TYPE_IPV4, RS_TYPE_INET_SERVICE }, 2);
	assert(pair);
	add_elem(rs, pair,
		 key_join((struct rs_key[]){ key_ip("172.18.0.2"),
					     key_u16(RS_TYPE_INET_SERVICE, 80) },
			  2));
}

/* Every match that has a form of its own in nft. */
static inline void sample_matches(struct ruleset *rs, struct rs_chain *chain)
{
	struct rs_key dnat = key_u32(RS_TYPE_CT_STATUS, 32);
	struct rs_match matches[] = {
		match_bits(RS_BITS, RS_CT_STATUS, dnat, dnat),
		match_bits(RS_BITS, RS_CT_STATUS, key_u32(RS_TYPE_CT_STATUS, 48),
			   key_u32(RS_TYPE_CT_STATUS, 32)),
		match_eq(RS_CT_STATE, key_u32(RS_TYPE_CT_STATE, 8)),
		match_op(RS_NE, RS_CT_STATE, key_u32(RS_TYPE_CT_STATE, 1)),
		match_eq(RS_CT_DIRECTION, key_u8(RS_TYPE_CT_DIR, 1)),
		match_op(RS_NE, RS_META_OIFNAME, key_ifname("docker0")),
		match_bits(RS_BITS, RS_META_MARK, key_u32(RS_TYPE_MARK, 0xff00),
			   key_u32(RS_TYPE_MARK, 0x1200)),
		match_bits(RS_BITS, RS_IP_DADDR, key_ip("240.0.0.0"), key_ip("224.0.0.0")),
		match_range(RS_IP_SADDR, key_ip("10.0.0.1"), key_ip("10.0.0.9")),
		match_eq(RS_IP6_HOPLIMIT, key_u8(RS_TYPE_INTEGER8, 255)),
		match_set(RS_NOT_IN, RS_CT_ORIGINAL_IP_SADDR, "lan4"),
		match_set(RS_IN, RS_IP6_SADDR, "low6"),
		match_set(RS_IN, RS_META_IIFNAME, "names"),
		match_eq(RS_META_OIFKIND, key_ifname("bridge")),
		match_eq(RS_CT_ORIGINAL_IP6_DADDR, key_ip("2001:db8::1")),
		match_eq(RS_CT_REPLY_IP_SADDR, key_ip("172.18.0.2")),
	};

	for (size_t i = 0; i < ARRAY_LEN(matches); i++)
		add_rule(rs, chain, (struct rs_rule){ MATCHES(matches[i]), .verdict = RS_RETURN });
}

static inline void sample_inet(struct ruleset *rs)
{
	struct rs_log log = { "deny t=web>db ", 5, 10, 20, NULL, RS_IP_SADDR };
	struct rs_mark mark = { RS_META_MARK, ~0x100u, 0x100, false };
	struct rs_chain *denied = add_chain(rs, RS_INET, "denied");
	add_rule(rs, denied, (struct rs_rule){ .log = &log });
	for (size_t i = 0; i < 2; i++) { /* a limit for each source */
		struct rs_log metered = log;
		metered.meter = i ? "seen6" : "seen4";
		metered.source = i ? RS_IP6_SADDR : RS_IP_SADDR;
		add_set(rs, RS_INET, metered.meter, i ? RS_TYPE_IPV6 : RS_TYPE_IPV4)->meter = true;
		add_rule(rs, denied, (struct rs_rule){ .log = &metered });
	}
	add_rule(rs, denied, (struct rs_rule){ .counter = "denied", .verdict = RS_DROP });

	struct rs_chain *to = add_chain(rs, RS_INET, "to_frontend");
	to->comment = "tier frontend: public web servers";
	add_rule(rs, to,
		 (struct rs_rule){ MATCHES(L4(6),
					   match_eq(RS_CT_REPLY_PROTO_SRC,
						    key_u16(RS_TYPE_INET_SERVICE, 8080)),
					   match_set(RS_IN, RS_CT_ORIGINAL_IP_SADDR, "frontend4")),
				   .counter = "shop_31", .verdict = RS_GOTO, .target = "accepted",
				   .comment = "20-shop.yaml:31" });
	add_rule(
		rs, to,
		(struct rs_rule){ MATCHES(L4(17), match_range(RS_CT_ORIGINAL_PROTO_DST,
							      key_u16(RS_TYPE_INET_SERVICE, 9000),
							      key_u16(RS_TYPE_INET_SERVICE, 9010))),
				  .mark = &mark, .verdict = RS_JUMP, .target = "accepted" });
	struct rs_match pair = { .op = RS_IN,
				 .fields = { RS_CT_REPLY_IP_SADDR, RS_CT_REPLY_PROTO_SRC },
				 .n_fields = 2,
				 .set = "pairs" };
	add_rule(rs, to, (struct rs_rule){ MATCHES(L4(6), pair), .verdict = RS_ACCEPT });
	sample_matches(rs, to);
	add_rule(rs, to, (struct rs_rule){ .verdict = RS_GOTO, .target = "denied" });

	struct rs_chain *forward = add_base(rs, RS_INET, "forward", RS_HOOK_FORWARD, -10);
	add_rule(rs, forward, (struct rs_rule){ .verdict = RS_JUMP, .target = "stamped" });
	add_rule(rs, forward,
		 (struct rs_rule){ .verdict = RS_VMAP,
				   .target = "to4",
				   .vmap_fields = { RS_CT_REPLY_IP_SADDR },
				   .n_vmap_fields = 1 });
	add_rule(rs, forward,
		 (struct rs_rule){ MATCHES(match_set(RS_IN, RS_META_OIFNAME, "bridges")),
				   .counter = "denied", .verdict = RS_DROP });
	(void)add_base(rs, RS_INET, "input", RS_HOOK_INPUT, -10);
}

static inline struct rs_match match_tuple(const enum rs_field *fields, uint8_t n, const char *set)
{
	struct rs_match match = { .op = RS_IN, .n_fields = n, .set = set };

	memcpy(match.fields, fields, n * sizeof(*fields));
	return match;
}

static inline void sample_bridge_sets(struct ruleset *rs)
{
	static const enum rs_type last[] = { RS_TYPE_IPV4, RS_TYPE_IPV6, RS_TYPE_ND_HIGH };
	static const char *const names[] = { "known4", "known6", "targets6" };

	for (size_t i = 0; i < ARRAY_LEN(last); i++) {
		enum rs_type types[] = { RS_TYPE_IFNAME, RS_TYPE_ETHER_ADDR, last[i],
					 RS_TYPE_ND_LOW };
		size_t n = last[i] == RS_TYPE_ND_HIGH ? 4 : 3; /* an address, or its halves */
		struct rs_set *set = ruleset_add_set(rs, RS_BRIDGE, names[i], types, n);
		assert(set);
		struct rs_key keys[] = { key_ifname("veth1f2e3d4"), key_mac("02:42:ac:12:00:02"),
					 key_ip(i ? "fd00::2" : "172.18.0.2") };
		add_elem(rs, set, key_join(keys, 3));
	}
	struct rs_set *ports = add_set(rs, RS_BRIDGE, "ports", RS_TYPE_IFNAME);
	ports->map = true;
	add_verdict(rs, ports, key_ifname("veth1f2e3d4"), RS_GOTO, "identity");
}

static inline void sample_bridge(struct ruleset *rs)
{
	static const enum rs_field ip4[] = { RS_META_IIFNAME, RS_ETHER_SADDR, RS_IP_SADDR };
	static const enum rs_field ip6[] = { RS_META_IIFNAME, RS_ETHER_SADDR, RS_IP6_SADDR };
	static const enum rs_field arp[] = { RS_META_IIFNAME, RS_ARP_SADDR_ETHER, RS_ARP_SADDR_IP };
	static const enum rs_field nd[] = { RS_META_IIFNAME, RS_ETHER_SADDR, RS_ICMPV6_TADDR_HIGH,
					    RS_ICMPV6_TADDR_LOW };
	struct rs_match advert = match_eq(RS_ICMPV6_TYPE, key_u8(RS_TYPE_ICMPV6_TYPE, 136));
	struct rs_chain *id = add_chain(rs, RS_BRIDGE, "identity");

	add_rule(rs, id,
		 (struct rs_rule){ MATCHES(match_tuple(ip4, 3, "known4")), .verdict = RS_RETURN });
	add_rule(rs, id,
		 (struct rs_rule){ MATCHES(advert, match_tuple(nd, 4, "targets6")),
				   .verdict = RS_RETURN });
	add_rule(rs, id, (struct rs_rule){ MATCHES(advert), .verdict = RS_DROP });
	add_rule(rs, id,
		 (struct rs_rule){ MATCHES(match_tuple(ip6, 3, "known6")), .verdict = RS_RETURN });
	add_rule(rs, id,
		 (struct rs_rule){ MATCHES(match_tuple(arp, 3, "known4")), .verdict = RS_RETURN });
	add_rule(rs, id,
		 (struct rs_rule){ MATCHES(match_op(RS_NE, RS_ETHER_TYPE,
						    key_u16(RS_TYPE_ETHER_TYPE, 0x88a8))),
				   .verdict = RS_RETURN });
	add_rule(rs, id,
		 (struct rs_rule){ MATCHES(match_eq(RS_ARP_DADDR_IP, key_ip("172.18.0.1"))),
				   .verdict = RS_RETURN });
	add_rule(rs, id, (struct rs_rule){ .counter = "spoofed", .verdict = RS_DROP });
	struct rs_chain *base = add_base(rs, RS_BRIDGE, "identity_in", RS_HOOK_PREROUTING, -300);
	add_rule(rs, base,
		 (struct rs_rule){ .verdict = RS_VMAP,
				   .target = "ports",
				   .vmap_fields = { RS_META_IIFNAME },
				   .n_vmap_fields = 1 });
}

/* Unsealed. */
static inline struct ruleset *sample_ruleset(struct arena *arena)
{
	struct ruleset *rs = ruleset_new(arena);

	assert(rs);
	rs->stamp_mask = SAMPLE_STAMP_MASK;
	rs->stamp = 0x00070000;
	assert(ruleset_add_counter(rs, RS_INET, "shop_31") == 0);
	assert(ruleset_add_counter(rs, RS_INET, "denied") == 0);
	assert(ruleset_add_counter(rs, RS_INET, "denied") == 0);
	assert(ruleset_add_counter(rs, RS_BRIDGE, "spoofed") == 0);
	sample_sets(rs);
	sample_stamp(rs);
	sample_inet(rs);
	sample_bridge_sets(rs);
	sample_bridge(rs);
	return rs;
}
