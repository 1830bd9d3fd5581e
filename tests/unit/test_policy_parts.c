/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pure parts below the parser: times, zones, the table of findings, the character check. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/text.h"
#include "core/policy/finding.h"
#include "core/policy/policy.h"
#include "core/policy/until.h"
#include "core/policy/zone.h"
#include "core/yaml/charset.h"

static void test_until(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} rows[] = {
		{ "2000-01-01T00:00:00Z", 946684800 },	  { "2000-02-29T12:34:56Z", 951827696 },
		{ "2026-12-31T18:00:00Z", 1798740000 },	  { "2038-01-19T03:14:08Z", 2147483648 },
		{ "2100-03-01T00:00:00Z", 4107542400 },	  { "2400-02-29T23:59:59Z", 13574649599 },
		{ "9999-12-31T23:59:59Z", 253402300799 },
	};
	static const char *const bad[] = { "",
					   "2100-02-29T00:00:00Z",
					   "1999-12-31T23:59:59Z",
					   "2026-00-01T00:00:00Z",
					   "2026-01-00T00:00:00Z",
					   "2026-04-31T00:00:00Z",
					   "2026-01-01T00:60:00Z",
					   "2026-01-01t00:00:00z",
					   "2026-01-01T00:00:00.5Z",
					   "+026-01-01T00:00:00Z",
					   "2026-01-01T00:00:00Z " };
	char text[UNTIL_TEXT_LEN];
	int64_t seconds = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(policy_until_parse(rows[i].text, &seconds), 0);
		assert_true(seconds == rows[i].seconds);
		assert_string_equal(policy_until_format(seconds, text), rows[i].text);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(policy_until_parse(bad[i], &seconds), -EINVAL);
}

static void test_zones(void **state)
{
	enum { LAN = ZONE_IN_LAN | ZONE_MEETS_LAN, NET = ZONE_IN_INTERNET | ZONE_MEETS_INTERNET };
	static const struct {
		const char *prefix;
		unsigned int relation;
	} rows[] = {
		{ "10.0.0.0/8", LAN },
		{ "100.64.0.1", LAN },
		{ "100.100.100.200", 0 },
		{ "100.64.0.0/10", ZONE_MEETS_LAN }, /* a metadata service is inside */
		{ "192.0.2.0/24", NET },
		{ "8.8.8.8", NET },
		{ "168.63.129.16", 0 },
		{ "168.63.129.0/24", ZONE_MEETS_INTERNET },
		{ "169.254.169.254", 0 },
		{ "127.0.0.0/8", ZONE_LOOPBACK },
		{ "224.0.0.1", 0 },
		{ "255.255.255.255", 0 },
		{ "0.0.0.0/0", ZONE_MEETS_LAN | ZONE_MEETS_INTERNET },
		{ "172.15.0.0/16", NET },
		{ "172.31.0.0/16", LAN },
		{ "2001:db8::/32", NET },
		{ "fd00:ec2::254", 0 },
		{ "fd00:ec2::253", LAN },
		{ "fe80::/64", LAN },
		{ "::1", ZONE_LOOPBACK },
		{ "ff02::1", 0 },
		{ "64:ff9b::/96", 0 },
		{ "::/0", ZONE_MEETS_LAN | ZONE_MEETS_INTERNET },
	};
	struct ip_prefix prefix;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(ip_prefix_parse(rows[i].prefix, &prefix), 0);
		if (policy_zone_relation(&prefix) != rows[i].relation)
			fail_msg("%s: %#x", rows[i].prefix, policy_zone_relation(&prefix));
	}
}

static void test_table(void **state)
{
	size_t n;
	const struct diag_info *table = policy_diag_table(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		assert_non_null(table[i].id);
		assert_true(table[i].meaning[strlen(table[i].meaning) - 1] != '.');
		assert_true(i == 0 || strcmp(table[i - 1].id, table[i].id) < 0);
	}
}

static void test_charset(void **state)
{
	static const struct {
		const char *bytes;
		uint32_t line, col; /* 0: fine */
	} rows[] = {
		{ "", 0, 0 },
		{ "a\tb\r\nc\n", 0, 0 },
		{ "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80", 0, 0 },
		{ "a\nb\rc", 2, 2 },
		{ "a\r", 1, 2 },
		{ "\x1b[0m", 1, 1 },
		{ "\xc3\xa4\xc2\x85", 1, 2 },
		{ "\x80", 1, 1 },
		{ "ab\xc3", 1, 3 },
		{ "\xe0\x80\x80", 1, 1 },
		{ "\xed\xa0\x80", 1, 1 },
		{ "\xf4\x90\x80\x80", 1, 1 },
		{ "\xf8\x88\x80\x80\x80", 1, 1 },
		{ "a\xef\xbb\xbf", 1, 2 },
		{ "a\xe2\x81\xa6", 1, 2 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct charset_fault fault = { 0 };
		int r = charset_check(rows[i].bytes, strlen(rows[i].bytes), true, &fault);
		assert_int_equal(r, rows[i].line ? CHARSET_E_FAULT : 0);
		assert_int_equal(fault.line, rows[i].line);
		assert_int_equal(fault.col, rows[i].col);
	}
}

static void test_quote(void **state)
{
	char word[TEXT_QUOTE_LEN], text[TEXT_QUOTE_LEN + 8];

	(void)state;
	assert_string_equal(text_quote("a\nb\tc", word), "a b c");
	assert_string_equal(text_quote("\x1b[1m\x7f\xc2\x9b[\xc2\xa0", word), " [1m   [\xc2\xa0");
	memset(text, 'x', sizeof(text));
	text[TEXT_QUOTE_LEN - 1] = '\0';
	assert_string_equal(text_quote(text, word), text); /* fits exactly */
	text[TEXT_QUOTE_LEN - 1] = 'x';
	text[TEXT_QUOTE_LEN] = '\0';
	assert_string_equal(text_quote(text, word) + TEXT_QUOTE_LEN - 4, "…");
	memcpy(text + TEXT_QUOTE_LEN - 5, "\xc3\xa4", 2); /* never cut inside a character */
	assert_int_equal(strlen(text_quote(text, word)), TEXT_QUOTE_LEN - 2);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_until), cmocka_unit_test(test_zones),
		cmocka_unit_test(test_table), cmocka_unit_test(test_charset),
		cmocka_unit_test(test_quote),
	};

	return cmocka_run_group_tests_name("policy_parts", tests, NULL, NULL);
}
