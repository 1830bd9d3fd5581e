/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/base: addresses, ports, texts, arenas, findings. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/arena.h"
#include "core/base/diag.h"
#include "core/base/duration.h"
#include "core/base/ip.h"
#include "core/base/limits.h"
#include "core/base/text.h"

static void prefixes(void **state)
{
	static const struct {
		const char *in;
		int result;
		const char *out;
	} rows[] = {
		{ "10.0.0.0/8", 0, "10.0.0.0/8" },
		{ "10.1.2.3/8", 1, "10.0.0.0/8" },
		{ "192.0.2.7", 0, "192.0.2.7/32" },
		{ "2001:db8::/32", 0, "2001:db8::/32" },
		{ "2001:db8::1/33", 1, "2001:db8::/33" },
		{ "0.0.0.0/0", 0, "0.0.0.0/0" },
		{ "::/0", 0, "::/0" },
		{ "10.0.0.0/33", -EINVAL, NULL },
		{ "10.0.0.0/", -EINVAL, NULL },
		{ "10.0.0.0/-1", -EINVAL, NULL },
		{ "10.0.0.0/+8", -EINVAL, NULL },
		{ "10.0.0.0/8 ", -EINVAL, NULL },
		{ "10.0.0", -EINVAL, NULL },
		{ "", -EINVAL, NULL },
		{ "2001:db8::/129", -EINVAL, NULL },
		{ "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc/1", -EINVAL, NULL },
	};
	char text[PREFIX_TEXT_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ip_prefix prefix = { .len = 99 };
		assert_int_equal(ip_prefix_parse(rows[i].in, &prefix), rows[i].result);
		if (rows[i].out)
			assert_string_equal(ip_prefix_format(&prefix, text), rows[i].out);
		else
			assert_int_equal(prefix.len, 99); /* untouched on failure */
	}
}

static void membership(void **state)
{
	static const struct {
		const char *addr, *prefix;
		bool in;
	} rows[] = {
		{ "10.255.255.255", "10.0.0.0/8", true },
		{ "11.0.0.0", "10.0.0.0/8", false },
		{ "1.2.3.4", "0.0.0.0/0", true },
		{ "::1", "0.0.0.0/0", false },
		{ "2001:db8:7::1", "2001:db8::/33", true },
		{ "2001:db8:8000::", "2001:db8::/33", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ip_addr addr;
		struct ip_prefix prefix;
		assert_int_equal(ip_parse(rows[i].addr, &addr), 0);
		assert_int_equal(ip_prefix_parse(rows[i].prefix, &prefix), 0);
		assert_int_equal(ip_in_prefix(&addr, &prefix), rows[i].in);
	}
}

static void ranges_and_neighbours(void **state)
{
	struct ip_prefix prefix;
	struct ip_addr addr;
	char text[IP_TEXT_LEN];

	(void)state;
	assert_int_equal(ip_prefix_parse("172.16.0.0/12", &prefix), 0);
	struct ip_range range = ip_prefix_range(&prefix);
	assert_string_equal(ip_format(&range.first, text), "172.16.0.0");
	assert_string_equal(ip_format(&range.last, text), "172.31.255.255");
	assert_true(ip_next(&range.last, &addr));
	assert_string_equal(ip_format(&addr, text), "172.32.0.0");
	assert_true(ip_previous(&range.first, &addr));
	assert_string_equal(ip_format(&addr, text), "172.15.255.255");
	assert_int_equal(ip_parse("255.255.255.255", &addr), 0);
	assert_false(ip_next(&addr, &addr));
	assert_int_equal(ip_parse("::", &addr), 0);
	assert_false(ip_previous(&addr, &addr));
}

static void places_that_nobody_is_at(void **state)
{
	static const struct {
		const char *text;
		bool loopback, unspecified;
	} addrs[] = {
		{ "127.0.0.1", true, false },	{ "127.9.9.9", true, false },
		{ "128.0.0.1", false, false },	{ "::1", true, false },
		{ "64:ff9b::1", false, false }, { "0.0.0.0", false, true },
		{ "::", false, true },		{ "0.0.0.1", false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(addrs); i++) {
		struct ip_addr addr;
		assert_int_equal(ip_parse(addrs[i].text, &addr), 0);
		assert_int_equal(ip_is_loopback(&addr), addrs[i].loopback);
		assert_int_equal(ip_is_unspecified(&addr), addrs[i].unspecified);
	}
}

static void macs(void **state)
{
	struct mac_addr mac;
	char text[IP_TEXT_LEN];

	(void)state;
	assert_int_equal(mac_parse("02:42:AC:11:00:02", &mac), 0);
	assert_string_equal(mac_format(&mac, text), "02:42:ac:11:00:02");
	struct ip_addr local = ip_link_local(&mac);
	assert_string_equal(ip_format(&local, text), "fe80::42:acff:fe11:2");
	assert_int_equal(mac_parse("02:42:ac:11:00:0", &mac), -EINVAL);
	assert_int_equal(mac_parse("02:42:ac:11:00:0g", &mac), -EINVAL);
	assert_int_equal(mac_parse("02-42-ac-11-00-02", &mac), -EINVAL);
}

static void port_ranges(void **state)
{
	static const struct {
		const char *in;
		int result;
		const char *out;
	} rows[] = {
		{ "80/tcp", 0, "80/tcp" },
		{ "9000-9010/udp", 0, "9000-9010/udp" },
		{ "7-7/sctp", 0, "7/sctp" },
		{ "icmp", 0, "icmp" },
		{ "icmpv6", 0, "icmpv6" },
		{ "65535/tcp", 0, "65535/tcp" },
		{ "65536/tcp", -ERANGE, NULL },
		{ "0/tcp", -ERANGE, NULL },
		{ "20-10/tcp", -ERANGE, NULL },
		{ "80", -EINVAL, NULL },
		{ "80/icmp", -EINVAL, NULL },
		{ "tcp", -EINVAL, NULL },
		{ "80/any", -EINVAL, NULL },
		{ "/tcp", -EINVAL, NULL },
		{ "-1/tcp", -EINVAL, NULL },
		{ "9999999999/tcp", -ERANGE, NULL },
		{ "80/tcp80/tcp80/tcp80/tcp80/tcp", -EINVAL, NULL },
	};
	char text[PORT_RANGE_TEXT_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct port_range range;
		assert_int_equal(port_range_parse(rows[i].in, &range), rows[i].result);
		if (rows[i].out)
			assert_string_equal(port_range_format(&range, text), rows[i].out);
	}
}

static void port_overlap(void **state)
{
	struct port_range any = { PROTO_ANY, 0, 65535 }, web = { PROTO_TCP, 80, 443 };
	struct port_range dns = { PROTO_UDP, 53, 53 }, high = { PROTO_TCP, 443, 8443 };
	struct port_range ping = { PROTO_ICMP, 0, 65535 };

	(void)state;
	assert_true(port_range_overlaps(&any, &dns));
	assert_true(port_range_overlaps(&web, &high));
	assert_false(port_range_overlaps(&web, &dns));
	assert_true(port_range_contains(&web, PROTO_TCP, 80));
	assert_false(port_range_contains(&web, PROTO_UDP, 80));
	assert_false(port_range_contains(&web, PROTO_TCP, 444));
	assert_true(port_range_contains(&ping, PROTO_ICMP, 0));
	assert_true(port_range_contains(&any, PROTO_ICMPV6, 0));
}

static void texts(void **state)
{
	struct text text = { 0 };

	(void)state;
	assert_string_equal(text_str(&text), "");
	for (unsigned int i = 0; i < 1000; i++)
		text_printf(&text, "%u,", i);
	text_add_n(&text, "", 0);
	assert_int_equal(text.len, 3890);
	assert_string_equal(text_str(&text) + text.len - 4, "999,");
	assert_false(text_failed(&text));
	CLEANUP(free_ptr) char *taken = text_take(&text);
	assert_int_equal(strlen(taken), 3890);
	assert_int_equal(text.len, 0);
	CLEANUP(free_ptr) char *nothing = text_take(&text);
	assert_string_equal(nothing, "");
	assert_int_equal(text_distance("frontend", "fronted", 2), 1);
	assert_int_equal(text_distance("kitten", "sitting", 3), 3);
	assert_int_equal(text_distance("kitten", "sitting", 2), 3); /* limit + 1 */
	assert_int_equal(text_distance("", "abc", 5), 3);
}

/* What a terminal obeys: C0, DEL, and C1 in UTF-8. */
static void controls(void **state)
{
	static const struct {
		const char *text;
		size_t left, len;
	} rows[] = {
		{ "\x1b[31m", 5, 1 },
		{ "\x7f", 1, 1 },
		{ "\xc2\x80", 2, 2 },
		{ "\xc2\x9b[31m", 6, 2 },
		{ "\xc2\x9f", 2, 2 },
		{ "\xc2\xa0", 2, 0 },
		{ "\xc3\x9b", 2, 0 },
		{ "\xc2\x9b", 1, 0 },
		{ " ", 1, 0 },
		{ "", 0, 0 },
		/* what turns the writing, has no width, or begins a line */
		{ "\xd8\x9c", 2, 2 },
		{ "\xe2\x80\xaex", 4, 3 },
		{ "\xe2\x80\xae", 2, 0 },
		{ "\xe2\x81\xa6", 3, 3 },
		{ "\xe2\x80\x8b", 3, 3 },
		{ "\xe2\x80\xa8", 3, 3 },
		{ "\xe2\x80\xa6", 3, 0 },
		{ "\xef\xbb\xbf", 3, 3 },
		{ "\xc2\xad", 2, 2 },
		{ "\xf3\xa0\x81\x81", 4, 4 },
		{ "\xf0\x9f\x90\xb3", 4, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(text_control_len(rows[i].text, rows[i].left), rows[i].len);
	assert_true(text_is_printable("Zoë …"));
	assert_true(text_is_printable(""));
	assert_false(text_is_printable("a\n"));
	assert_false(text_is_printable("a\xc2\x85z"));
	char name[] = "web\xe2\x80\xae"
		      "bd\xe2\x80\xac";
	text_clean(name);
	assert_string_equal(name, "web???bd???");
	/* What is no UTF-8 cannot be shown either, and would make JSON none. */
	assert_false(text_is_printable("cut\xc3"));
	assert_false(text_is_printable("\xff"));
	char cut[] = "Zo\xc3\xab\xc3 \xed\xa0\x80\xf0\x9f\x90\xb3\xf0\x9f\x90";
	text_clean(cut);
	assert_string_equal(cut, "Zo\xc3\xab? ???\xf0\x9f\x90\xb3???");
}

static void globs(void **state)
{
	static const struct {
		const char *glob, *word;
		bool matches;
	} rows[] = {
		{ "web", "web", true },
		{ "web", "web1", false },
		{ "web*", "web", true },
		{ "web*", "web-12", true },
		{ "*web", "my-web", true },
		{ "w?b", "wxb", true },
		{ "w?b", "wb", false },
		{ "*", "", true },
		{ "", "", true },
		{ "", "a", false },
		{ "a*b*c", "axxbyyc", true },
		{ "a*b*c", "axxbyy", false },
		{ "[ab]", "a", false },
		{ "[ab]", "[ab]", true },
		{ "a\\*", "a\\b", true },
		{ "**a", "bba", true },
		{ "ghcr.io/acme/*:1", "ghcr.io/acme/web:1", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (text_glob(rows[i].glob, rows[i].word) != rows[i].matches)
			fail_msg("`%s` and `%s`", rows[i].glob, rows[i].word);
}

static void arenas(void **state)
{
	struct arena *arena = arena_new();
	VEC(uint32_t) numbers = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 100000; i++)
		assert_int_equal(VEC_PUSH(arena, &numbers, i), 0);
	assert_int_equal(numbers.n, 100000);
	assert_int_equal(numbers.items[99999], 99999);
	assert_null(arena_alloc(arena, SIZE_MAX));
	assert_non_null(arena_alloc(arena, 3 * 1024 * 1024)); /* larger than a block */
	arena_fail_after(arena, 2);
	assert_non_null(arena_alloc(arena, 1));
	assert_null(arena_alloc(arena, 1));
	assert_null(arena_alloc(arena, 1)); /* and all after it */
	arena_fail_after(arena, 0);
	assert_non_null(arena_alloc(arena, 1));
	assert_null(arena_free(arena));
	assert_null(arena_free(NULL));
}

static void findings(void **state)
{
	struct arena *arena = arena_new();
	struct diag_list list;
	static const char *const names[] = { "frontend", "backend", "internal" };

	(void)state;
	diag_init(&list, arena);
	diag_add(&list, DIAG_WARNING, (struct source_loc){ "b", 1, 1 }, "second", NULL, "%s", "x");
	diag_add(&list, DIAG_ERROR, (struct source_loc){ "a", 9, 1 }, "first", NULL, "%d", 7);
	diag_sort(&list);
	assert_string_equal(list.diags.items[0].id, "first");
	assert_string_equal(list.diags.items[0].text, "7");
	assert_true(diag_failed(&list));
	assert_string_equal(diag_suggest(&list, "fronted", names, 3), "did you mean `frontend`?");
	assert_null(diag_suggest(&list, "database", names, 3));
	char place[DIAG_PLACE_LEN];
	assert_string_equal(diag_place((struct source_loc){ "a", 1, 1 },
				       (struct source_loc){ "b\n\x1b.yaml", 3, 1 }, place),
			    "at b??.yaml:3");
	static const char *const odd[] = { "fr\n\x1bnt" };
	assert_string_equal(diag_suggest(&list, "front", odd, 1), "did you mean `fr  nt`?");
	for (size_t i = 0; i < LIMIT_DIAGS; i++)
		diag_add(&list, DIAG_ERROR, (struct source_loc){ "c", 1, 1 }, "many", NULL, "y");
	assert_int_equal(list.diags.n, LIMIT_DIAGS); /* n + 2 were reported: the rest is counted */
	assert_int_equal(list.n_errors, LIMIT_DIAGS + 1);
	(void)arena_free(arena);
}

static bool has_finding(const struct diag_list *list, const char *id)
{
	for (size_t i = 0; i < list->diags.n; i++)
		if (strcmp(list->diags.items[i].id, id) == 0)
			return true;
	return false;
}

/* Ten thousand of a kind, and one of another behind them: it is kept, and what was cut is counted.
 * A warning takes no place from an error. */
static void findings_that_are_many(void **state)
{
	struct arena *arena = arena_new();
	const struct source_loc loc = { "a", 1, 1 };
	struct diag_list list;

	(void)state;
	diag_init(&list, arena);
	for (size_t i = 0; i < 10000; i++)
		diag_add(&list, DIAG_WARNING, loc, i % 2 ? "many" : "more", NULL, "y");
	diag_add(&list, DIAG_WARNING, loc, "privileged", NULL, "z");
	assert_true(has_finding(&list, "privileged"));
	assert_int_equal(list.diags.n, LIMIT_DIAGS);
	assert_int_equal(list.n_warnings, 10001);
	for (size_t i = 0; i < LIMIT_DIAGS; i++)
		diag_add(&list, DIAG_ERROR, loc, "wrong", NULL, "y");
	assert_false(has_finding(&list, "many"));
	diag_add(&list, DIAG_WARNING, loc, "privileged", NULL, "z");
	assert_false(has_finding(&list, "privileged"));
	assert_int_equal(list.n_errors, LIMIT_DIAGS);
	assert_int_equal(list.n_warnings, 10002);
	(void)arena_free(arena);
}

static void durations(void **state)
{
	static const struct {
		const char *text, *units;
		int64_t seconds;
	} rows[] = {
		{ "90s", "smhd", 90 },	     { "5m", "sm", 300 },
		{ "2h", "smhd", 7200 },	     { "7d", "smhd", 604800 },
		{ "2w", "mhdw", 1209600 },   { "999999w", "w", INT64_C(604799395200) },
		{ "1000000s", "smhdw", -1 }, { "90", "smhd", -1 },
		{ "s", "smhd", -1 },	     { "", "smhd", -1 },
		{ "0s", "smhd", -1 },	     { "07d", "smhd", -1 },
		{ "-1s", "smhd", -1 },	     { " 1s", "smhd", -1 },
		{ "1s ", "smhd", -1 },	     { "1ss", "smhd", -1 },
		{ "1w", "smhd", -1 },	     { "1y", "smhdwy", -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(duration_parse(rows[i].text, rows[i].units), rows[i].seconds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefixes),
		cmocka_unit_test(membership),
		cmocka_unit_test(ranges_and_neighbours),
		cmocka_unit_test(places_that_nobody_is_at),
		cmocka_unit_test(macs),
		cmocka_unit_test(port_ranges),
		cmocka_unit_test(port_overlap),
		cmocka_unit_test(texts),
		cmocka_unit_test(controls),
		cmocka_unit_test(globs),
		cmocka_unit_test(durations),
		cmocka_unit_test(arenas),
		cmocka_unit_test(findings),
		cmocka_unit_test(findings_that_are_many),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
