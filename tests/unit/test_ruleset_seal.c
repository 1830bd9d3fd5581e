/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/ruleset: what sealing refuses, and how it says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "test_ruleset_sample.h"

static int setup(void **state)
{
	*state = arena_new();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	*state = arena_free(*state);
	return 0;
}

static void break_rule(struct ruleset *rs, struct rs_rule rule)
{
	add_rule(rs, add_chain(rs, RS_INET, "broken"), rule);
}

static void break_match(struct ruleset *rs, struct rs_match match)
{
	break_rule(rs, (struct rs_rule){ MATCHES(match), .verdict = RS_DROP });
}

static void break_vmap(struct ruleset *rs, const char *map, enum rs_field field)
{
	break_rule(rs, (struct rs_rule){ .verdict = RS_VMAP,
					 .target = map,
					 .vmap_fields = { field },
					 .n_vmap_fields = 1 });
}

static void break_log(struct ruleset *rs, struct rs_log log)
{
	break_rule(rs, (struct rs_rule){ .log = &log });
}

static void break_mark(struct ruleset *rs, struct rs_mark mark)
{
	break_rule(rs, (struct rs_rule){ .mark = &mark });
}

static struct rs_set *add_map(struct ruleset *rs, const char *name, enum rs_type type)
{
	struct rs_set *map = add_set(rs, RS_INET, name, type);

	map->map = true;
	return map;
}

static struct rs_set *add_ranges(struct ruleset *rs, const char *name, enum rs_type type)
{
	struct rs_set *set = add_set(rs, RS_INET, name, type);

	set->interval = true;
	return set;
}

static void two_verdicts(struct ruleset *rs)
{
	struct rs_set *map = add_map(rs, "twice", RS_TYPE_IPV4);

	add_verdict(rs, map, key_ip("10.0.0.1"), RS_DROP, NULL);
	add_verdict(rs, map, key_ip("10.0.0.1"), RS_ACCEPT, NULL);
}

static void overlap(struct ruleset *rs)
{
	struct rs_set *set = add_ranges(rs, "crossing", RS_TYPE_IPV4);

	add_range(rs, set, "10.0.0.0", "10.0.0.9");
	add_range(rs, set, "10.0.0.9", "10.0.0.10");
}

static void reversed(struct ruleset *rs)
{
	add_range(rs, add_ranges(rs, "back", RS_TYPE_IPV4), "10.0.0.9", "10.0.0.0");
}

static void wrong_length(struct ruleset *rs)
{
	add_elem(rs, add_set(rs, RS_INET, "short", RS_TYPE_IPV6), key_ip("10.0.0.1"));
}

static void range_in_plain(struct ruleset *rs)
{
	add_range(rs, add_set(rs, RS_INET, "plain", RS_TYPE_IPV4), "10.0.0.0", "10.0.0.9");
}

static void verdict_in_set(struct ruleset *rs)
{
	add_verdict(rs, add_set(rs, RS_INET, "plain", RS_TYPE_IPV4), key_ip("10.0.0.1"), RS_DROP,
		    NULL);
}

static void map_without_verdict(struct ruleset *rs)
{
	add_elem(rs, add_map(rs, "m", RS_TYPE_IPV4), key_ip("10.0.0.1"));
}

static void map_to_nowhere(struct ruleset *rs)
{
	add_verdict(rs, add_map(rs, "m", RS_TYPE_IPV4), key_ip("10.0.0.1"), RS_GOTO, "nowhere");
}

static void map_to_base(struct ruleset *rs)
{
	add_verdict(rs, add_map(rs, "m", RS_TYPE_IPV4), key_ip("10.0.0.1"), RS_GOTO, "forward");
}

static void no_ifname(struct ruleset *rs)
{
	add_elem(rs, add_set(rs, RS_INET, "star", RS_TYPE_IFNAME), key_ifname(""));
}

static void reserved_chain(struct ruleset *rs)
{
	(void)add_chain(rs, RS_INET, "fwd");
}

static void chain_twice(struct ruleset *rs)
{
	(void)add_chain(rs, RS_INET, "denied");
}

static void jump_to_nothing(struct ruleset *rs)
{
	break_rule(rs, (struct rs_rule){ .verdict = RS_JUMP, .target = "nothing" });
}

static void jump_to_base(struct ruleset *rs)
{
	break_rule(rs, (struct rs_rule){ .verdict = RS_JUMP, .target = "forward" });
}

static void loop(struct ruleset *rs)
{
	break_rule(rs, (struct rs_rule){ .verdict = RS_JUMP, .target = "broken" });
}

static void loop_by_map(struct ruleset *rs)
{
	add_verdict(rs, add_map(rs, "m", RS_TYPE_IFNAME), key_ifname("a"), RS_GOTO, "broken");
	break_vmap(rs, "m", RS_META_IIFNAME);
}

static void too_deep(struct ruleset *rs)
{
	for (int i = 0; i < 17; i++) {
		char *name = arena_printf(rs->arena, "deep%d", i);
		char *next = arena_printf(rs->arena, "deep%d", i + 1);
		struct rs_chain *chain = add_chain(rs, RS_INET, name);
		if (i < 16)
			add_rule(rs, chain, (struct rs_rule){ .verdict = RS_JUMP, .target = next });
	}
}

static void no_set(struct ruleset *rs)
{
	break_match(rs, match_set(RS_IN, RS_IP_SADDR, "nothing"));
}

static void wrong_set(struct ruleset *rs)
{
	break_match(rs, match_set(RS_IN, RS_IP6_SADDR, "frontend4"));
}

static void map_as_set(struct ruleset *rs)
{
	break_match(rs, match_set(RS_IN, RS_IP_SADDR, "to4"));
}

static void no_counter(struct ruleset *rs)
{
	break_rule(rs, (struct rs_rule){ .counter = "nothing" });
}

static void ports_without_protocol(struct ruleset *rs)
{
	break_match(rs, match_eq(RS_CT_REPLY_PROTO_SRC, key_u16(RS_TYPE_INET_SERVICE, 80)));
}

static void contradiction(struct ruleset *rs)
{
	break_rule(rs, (struct rs_rule){ MATCHES(match_eq(RS_IP_SADDR, key_ip("10.0.0.1")),
						 match_eq(RS_IP6_DADDR, key_ip("fd00::1"))),
					 .verdict = RS_DROP });
}

static void arp_in_inet(struct ruleset *rs)
{
	break_match(rs, match_eq(RS_ARP_SADDR_IP, key_ip("10.0.0.1")));
}

static void ether_in_inet(struct ruleset *rs)
{
	break_match(rs, match_eq(RS_ETHER_TYPE, key_u16(RS_TYPE_ETHER_TYPE, 0x0800)));
}

static void target_without_icmpv6(struct ruleset *rs)
{
	struct rs_key key = key_ip("fd00::1");

	break_match(rs, match_eq(RS_ICMPV6_TADDR_LOW, key_of(RS_TYPE_ND_LOW, key.bytes)));
}

static void negated_neighbours(struct ruleset *rs)
{
	struct rs_match a = match_op(RS_NE, RS_ETHER_SADDR, key_mac("02:42:ac:12:00:02"));
	struct rs_match b = match_op(RS_NE, RS_ETHER_TYPE, key_u16(RS_TYPE_ETHER_TYPE, 0x0800));

	add_rule(rs, add_chain(rs, RS_BRIDGE, "broken"),
		 (struct rs_rule){ MATCHES(a, b), .verdict = RS_DROP });
}

static void range_of_marks(struct ruleset *rs)
{
	break_match(rs,
		    match_range(RS_META_MARK, key_u32(RS_TYPE_MARK, 1), key_u32(RS_TYPE_MARK, 2)));
}

static void value_beyond_mask(struct ruleset *rs)
{
	break_match(rs, match_bits(RS_BITS, RS_META_MARK, key_u32(RS_TYPE_MARK, 1),
				   key_u32(RS_TYPE_MARK, 3)));
}

static void mark_both_ways(struct ruleset *rs)
{
	break_mark(rs, (struct rs_mark){ RS_META_MARK, 0xff, 0x10, false });
}

static void log_and_drop(struct ruleset *rs)
{
	struct rs_log log = { "x", 1, 1, 1, NULL, RS_IP_SADDR };

	break_rule(rs, (struct rs_rule){ .log = &log, .verdict = RS_DROP });
}

static void log_unlimited(struct ruleset *rs)
{
	break_log(rs, (struct rs_log){ "x", 1, 0, 1, NULL, RS_IP_SADDR });
}

static void quoted_comment(struct ruleset *rs)
{
	break_rule(rs, (struct rs_rule){ .verdict = RS_DROP, .comment = "a\"; flush ruleset" });
}

static void does_nothing(struct ruleset *rs)
{
	break_rule(rs, (struct rs_rule){ .comment = "nothing" });
}

static void set_twice(struct ruleset *rs)
{
	(void)add_set(rs, RS_INET, "frontend4", RS_TYPE_IPV4);
}

static void spaced_counter(struct ruleset *rs)
{
	assert_int_equal(ruleset_add_counter(rs, RS_INET, "a b"), 0);
}

static void ranges_in_map(struct ruleset *rs)
{
	add_map(rs, "m", RS_TYPE_IPV4)->interval = true;
}

static void ranges_of_marks(struct ruleset *rs)
{
	(void)add_ranges(rs, "marks", RS_TYPE_MARK);
}

static void range_of_names(struct ruleset *rs)
{
	struct rs_set *set = add_ranges(rs, "bad_names", RS_TYPE_IFNAME);
	struct rs_elem elem = { .key = key_ifname("br-0"), .last = key_ifname("br-5") };

	assert_int_equal(ruleset_add_elem(rs, set, &elem), 0);
}

static void vmap_of_nothing(struct ruleset *rs)
{
	break_vmap(rs, "nothing", RS_IP_SADDR);
}

static void vmap_of_a_set(struct ruleset *rs)
{
	break_vmap(rs, "frontend4", RS_IP_SADDR);
}

static void vmap_of_other_fields(struct ruleset *rs)
{
	break_vmap(rs, "to4", RS_IP6_SADDR);
}

static void vmap_after_the_other_family(struct ruleset *rs)
{
	break_rule(rs, (struct rs_rule){ MATCHES(match_eq(RS_IP6_SADDR, key_ip("fd00::1"))),
					 .verdict = RS_VMAP, .target = "to4",
					 .vmap_fields = { RS_IP_DADDR }, .n_vmap_fields = 1 });
}

static void range_from_zero_on(struct ruleset *rs)
{
	add_range(rs, add_ranges(rs, "edge", RS_TYPE_IPV4), "0.0.0.0", "0.0.0.9");
}

static void range_to_the_end(struct ruleset *rs)
{
	add_range(rs, add_ranges(rs, "edge", RS_TYPE_IPV4), "240.0.0.0", "255.255.255.255");
}

static void log_without_its_meter(struct ruleset *rs)
{
	break_log(rs, (struct rs_log){ "x", 1, 1, 1, "none", RS_IP_SADDR });
}

static void log_with_a_set_for_a_meter(struct ruleset *rs)
{
	add_set(rs, RS_INET, "plain4", RS_TYPE_IPV4);
	break_log(rs, (struct rs_log){ "x", 1, 1, 1, "plain4", RS_IP_SADDR });
}

static void log_with_a_meter_of_another_type(struct ruleset *rs)
{
	break_log(rs, (struct rs_log){ "x", 1, 1, 1, "seen4", RS_IP6_SADDR });
}

static void meter_with_an_element(struct ruleset *rs)
{
	struct rs_set *set = add_set(rs, RS_INET, "meter4", RS_TYPE_IPV4);

	set->meter = true;
	add_elem(rs, set, key_ip("10.0.0.1"));
}

static void lookup_in_a_meter(struct ruleset *rs)
{
	break_match(rs, match_set(RS_IN, RS_IP_SADDR, "seen4"));
}

static void secmark_without_a_mask(struct ruleset *rs)
{
	break_match(rs, match_eq(RS_CT_SECMARK, key_u32(RS_TYPE_INTEGER32, 8)));
}

static void secmark_under_a_whole_mask(struct ruleset *rs)
{
	break_match(rs, match_bits(RS_BITS, RS_CT_SECMARK, key_u32(RS_TYPE_INTEGER32, UINT32_MAX),
				   key_u32(RS_TYPE_INTEGER32, 8)));
}

static void whole_secmark_set(struct ruleset *rs)
{
	break_mark(rs, (struct rs_mark){ RS_CT_SECMARK, 0, 8, false });
}

static void stamp_in_an_address(struct ruleset *rs)
{
	struct rs_match match =
		match_bits(RS_BITS, RS_IP_SADDR, key_ip("255.0.0.0"), key_ip("10.0.0.0"));

	match.is_stamp = true;
	break_match(rs, match);
}

static void mark_of_an_address(struct ruleset *rs)
{
	break_mark(rs, (struct rs_mark){ RS_IP_SADDR, 0xff, 0x100, false });
}

static void mark_that_keeps_all(struct ruleset *rs)
{
	break_mark(rs, (struct rs_mark){ RS_META_MARK, UINT32_MAX, 0, false });
}

static void long_comment(struct ruleset *rs)
{
	static char comment[129];

	memset(comment, 'x', sizeof(comment) - 1);
	break_rule(rs, (struct rs_rule){ .verdict = RS_DROP, .comment = comment });
}

static const struct {
	void (*break_it)(struct ruleset *);
	const char *why;
} rows[] = {
	{ two_verdicts, "set twice: element 1 twice" },
	{ overlap, "set crossing: element 1 twice" },
	{ reversed, "set back: not a range" },
	{ wrong_length, "key of 4 bytes" },
	{ range_in_plain, "set plain: not a range" },
	{ verdict_in_set, "set plain: element with a verdict" },
	{ map_without_verdict, "map m: element without a verdict" },
	{ map_to_nowhere, "map m: no chain nowhere" },
	{ map_to_base, "map m: no chain forward" },
	{ no_ifname, "interface name" },
	{ reserved_chain, "chain fwd: bad name" },
	{ chain_twice, "chain denied: bad name, or twice" },
	{ jump_to_nothing, "chain broken, rule 1: no chain nothing" },
	{ jump_to_base, "no chain forward" },
	{ loop, "chain broken is reachable from itself" },
	{ loop_by_map, "chain broken is reachable from itself" },
	{ too_deep, "nest too deeply" },
	{ no_set, "ip saddr does not fit" },
	{ wrong_set, "ip6 saddr does not fit" },
	{ map_as_set, "ip saddr does not fit" },
	{ no_counter, "no counter nothing" },
	{ ports_without_protocol, "ct reply proto-src contradicts" },
	{ contradiction, "ip6 daddr contradicts" },
	{ arp_in_inet, "arp saddr ip contradicts" },
	{ ether_in_inet, "ether type contradicts" },
	{ target_without_icmpv6, "contradicts" },
	{ negated_neighbours, "two negated neighbours" },
	{ range_of_marks, "meta mark does not fit" },
	{ value_beyond_mask, "meta mark does not fit" },
	{ mark_both_ways, "mark keeps and sets" },
	{ log_and_drop, "log without a limit" },
	{ log_unlimited, "log without a limit" },
	{ quoted_comment, "comment a\"" },
	{ does_nothing, "does nothing" },
	{ set_twice, "set frontend4: bad name, or twice" },
	{ spaced_counter, "counter a b: bad name" },
	{ ranges_in_map, "set m: ranges are of one field" },
	{ ranges_of_marks, "set marks: ranges are of one field" },
	{ range_of_names, "set bad_names: not a pattern" },
	{ vmap_of_nothing, "no map nothing of these fields" },
	{ vmap_of_a_set, "no map frontend4 of these fields" },
	{ vmap_of_other_fields, "no map to4 of these fields" },
	{ vmap_after_the_other_family, "vmap to4 contradicts" },
	{ range_from_zero_on, "set edge: a range at an end of the space" },
	{ range_to_the_end, "set edge: a range at an end of the space" },
	{ log_without_its_meter, "log without a limit or its meter" },
	{ log_with_a_set_for_a_meter, "log without a limit or its meter" },
	{ log_with_a_meter_of_another_type, "log without a limit or its meter" },
	{ meter_with_an_element, "a meter is of one field, and empty" },
	{ lookup_in_a_meter, "ip saddr does not fit" },
	{ secmark_without_a_mask, "ct secmark without a mask" },
	{ secmark_under_a_whole_mask, "ct secmark without a mask" },
	{ whole_secmark_set, "or is set whole" },
	{ stamp_in_an_address, "ip saddr does not fit" },
	{ mark_of_an_address, "mark keeps and sets" },
	{ mark_that_keeps_all, "mark keeps and sets" },
	{ long_comment, "comment xxx" },
};

static void refuses(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ruleset *rs = sample_ruleset(*state);
		const char *why = NULL;
		rows[i].break_it(rs);
		int r = ruleset_seal(rs, &why);
		if (r == 0)
			print_message("row %zu: not refused\n", i);
		assert_int_equal(r, -EINVAL);
		if (!strstr(why, rows[i].why))
			print_message("row %zu: %s\n", i, why);
		assert_non_null(strstr(why, rows[i].why));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(refuses, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
