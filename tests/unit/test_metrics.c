/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/metrics: names from outside, bounds, and the two forms. What the figures are is asked of a
 * running netd (tests/ctl/metrics). */
#include "tests/unit/test_report_lib.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/metrics/exposition.h"
#include "core/metrics/metrics.h"
#include "edge/host/host.h"

static const struct logged no_rule = { .kind = LOGGED_DENIED, .reason = REASON_NO_RULE };
static const struct logged audited = { .kind = LOGGED_AUDITED, .reason = REASON_NO_RULE };
static const struct logged passed = { .kind = LOGGED_ALLOWED };

static void label_values_are_escaped(void **state)
{
	static const struct {
		const char *value, *printed;
	} rows[] = {
		{ "web", "m{l=\"web\"} 1\n" },
		{ "a\"} 9\nm 1", "m{l=\"a\\\"} 9\\nm 1\"} 1\n" },
		{ "\\", "m{l=\"\\\\\"} 1\n" },
		{ "d\xc3\xa9j\xc3\xa0", "m{l=\"d\xc3\xa9j\xc3\xa0\"} 1\n" },
		{ "\xc3", "m{l=\"?\"} 1\n" },
		{ "\xff\xfe\x80x", "m{l=\"???x\"} 1\n" },
		{ "", "m 1\n" },
		{ NULL, "m 1\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(text_done) struct text text = { 0 };
		struct exposition x = { .text = &text, .family = "m" };
		const struct exposition_labels labels = { { { "l", rows[i].value } } };
		exposition_number(&x, &labels, 1);
		assert_string_equal(text_str(&text), rows[i].printed);
	}
}

static void forms_differ_in_names_of_counters(void **state)
{
	static const char *const wanted[] = {
		[METRICS_TEXT] = "# HELP c_total h\n# TYPE c_total counter\nc_total 1.000002\n",
		[METRICS_OPENMETRICS] = "# HELP c h\n# TYPE c counter\nc_total 1.000002\n# EOF\n",
	};

	(void)state;
	for (size_t form = 0; form < ARRAY_LEN(wanted); form++) {
		CLEANUP(text_done) struct text text = { 0 };
		struct exposition x = { .text = &text, .form = (enum metrics_form)form };
		exposition_family(&x, EXPOSITION_COUNTER, "c", "h");
		exposition_seconds(&x, NULL, 1000002);
		exposition_end(&x);
		assert_string_equal(text_str(&text), wanted[form]);
	}
}

static void a_histogram_counts_each_once(void **state)
{
	struct metrics_histogram histogram = { 0 };
	CLEANUP(text_done) struct text text = { 0 };
	struct exposition x = { .text = &text };

	(void)state;
	for (uint64_t us = 0; us < 3; us++)
		histogram_note(&histogram, 999 + us); /* a bound is part of what it bounds */
	histogram_note(&histogram, UINT32_MAX);
	exposition_family(&x, EXPOSITION_HISTOGRAM, "h", "h");
	exposition_histogram(&x, &histogram);
	assert_non_null(strstr(text_str(&text), "h_bucket{le=\"0.001\"} 2\n"));
	assert_non_null(strstr(text_str(&text), "h_bucket{le=\"0.002\"} 3\n"));
	assert_non_null(strstr(text_str(&text), "h_bucket{le=\"10.0\"} 3\n"));
	assert_non_null(strstr(text_str(&text), "h_bucket{le=\"+Inf\"} 4\n"));
	assert_non_null(strstr(text_str(&text), "h_sum 4294.970295\n"));
	assert_non_null(strstr(text_str(&text), "h_count 4\n"));
}

static void pairs_are_bounded(void **state)
{
	struct metrics_pairs *pairs = calloc(1, sizeof(*pairs));
	char name[16];

	(void)state;
	assert_non_null(pairs);
	for (size_t i = 0; i < LIMIT_METRIC_PAIRS + 3; i++) {
		(void)snprintf(name, sizeof(name), "tier%zu", i);
		size_t place = pairs_find(pairs, name, "db", &no_rule);
		assert_int_equal(place, i < LIMIT_METRIC_PAIRS ? i : LIMIT_METRIC_PAIRS);
		pairs_count(pairs, place, &no_rule);
	}
	assert_int_equal(pairs->n, LIMIT_METRIC_PAIRS);
	assert_int_equal(pairs->others[LOGGED_DENIED], 3);
	/* Those that are there go on. */
	pairs_count(pairs, pairs_find(pairs, "tier7", "db", &no_rule), &no_rule);
	assert_int_equal(pairs->items[7].n, 2);
	assert_int_equal(pairs_find(pairs, "tier7", "db", &audited), LIMIT_METRIC_PAIRS);
	assert_int_equal(pairs_find(pairs, "db", "tier7", &no_rule), LIMIT_METRIC_PAIRS);
	free(pairs);
}

/* A policy of @n rules, each on a line of its own. */
static const char *many_rules(size_t n, struct text *text)
{
	text_add(text, "version: 1\ntiers:\n  web: {match: [{network: net}]}\nallow:\n");
	for (size_t i = 0; i < n; i++)
		text_printf(text, "  - {from: %zu.0.0.1, to: web, ports: [%zu/tcp]}\n", i % 223 + 1,
			    i + 1);
	return text_str(text);
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *at = text; (at = strstr(at, what)); at++)
		n++;
	return n;
}

/* The series of a policy's rules have a bound, and nothing is lost beyond it. */
static void rules_are_bounded(void **state)
{
	static const size_t n = LIMIT_METRIC_RULES + 2;
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(text_done) struct text yaml = { 0 }, text = { 0 };
	const struct policy *policy = parse_policy(many_rules(n, &yaml), arena);
	struct report_counter *counters = calloc(n, sizeof(*counters));
	struct report_input in;

	(void)state;
	assert_int_equal(report_prepare(&policy, 1, NULL, NOW, arena, &in), 0);
	for (size_t i = 0; i < n; i++)
		counters[i] =
			(struct report_counter){ "inet", compile_counter_name(policy, i, arena), 1,
						 10 };
	/* By name, as the daemon has them. */
	for (size_t i = 1; i < n; i++)
		for (size_t j = i; j > 0 && strcmp(counters[j - 1].name, counters[j].name) > 0;
		     j--) {
			struct report_counter other = counters[j];
			counters[j] = counters[j - 1];
			counters[j - 1] = other;
		}
	in.counters = counters;
	in.n_counters = n;
	const struct metrics_facts facts = { .mode = METRICS_AUDIT };
	const struct metrics_histogram histogram = { 0 };
	struct metrics_pairs *pairs = calloc(1, sizeof(*pairs));
	pairs_count(pairs, pairs_find(pairs, "web", "db", &passed), &passed);
	const struct metrics_input input = { &in, &facts, &histogram, pairs, pairs, "1\"2" };
	metrics_print(&input, METRICS_TEXT, &text);
	assert_false(text_failed(&text));
	assert_int_equal(count(text_str(&text), "\nnetd_rule_packets_total{rule=\"policy"),
			 LIMIT_METRIC_RULES);
	assert_non_null(strstr(text_str(&text), "\nnetd_rule_packets_total{rule=\"others\"} 2\n"));
	assert_non_null(strstr(text_str(&text), "\nnetd_rule_bytes_total{rule=\"others\"} 20\n"));
	assert_non_null(strstr(text_str(&text), "\nnetd_mode{mode=\"audit\"} 1\n"));
	assert_non_null(strstr(text_str(&text), "\nnetd_build_info{version=\"1\\\"2\"} 1\n"));
	assert_non_null(
		strstr(text_str(&text), "\nnetd_connections_total{from=\"web\",to=\"db\"} 1\n"));
	assert_true(text.len < LIMIT_METRICS_BYTES);
	free(pairs);
	free(counters);
}

/* A tier may be called as the rest was once: two series of one name are refused as a whole. */
static void rest_is_no_tier(void **state)
{
	struct metrics_pairs *pairs = calloc(1, sizeof(*pairs));
	struct report_input in = { 0 };
	const struct metrics_facts facts = { .mode = METRICS_AUDIT };
	const struct metrics_histogram histogram = { 0 };
	const struct metrics_input input = { &in, &facts, &histogram, pairs, pairs, "1" };
	struct text text CLEANUP(text_done) = { 0 };

	(void)state;
	assert_non_null(pairs);
	pairs_count(pairs, pairs_find(pairs, "others", "others", &passed), &passed);
	pairs_count(pairs, LIMIT_METRIC_PAIRS, &passed);
	metrics_print(&input, METRICS_TEXT, &text);
	assert_false(text_failed(&text));
	assert_int_equal(
		count(text_str(&text), "\nnetd_connections_total{from=\"others\",to=\"others\"} 1\n"),
		1);
	assert_int_equal(count(text_str(&text),
			       "\nnetd_connections_total{from=\"_others\",to=\"_others\"} 1\n"),
			 1);
	free(pairs);
}

static void stat_of_a_process(void **state)
{
	static const char *const wrong[] = { "", "1 (netd", "1 (netd) S",
					     "1 (netd) S 1 2 3 4 5 6 7 8" };
	struct host_process_ticks ticks;
	struct host_process process;

	(void)state;
	assert_int_equal(
		host_process_parse("7 (a) b ) S 1 7 7 0 -1 4194560 1 2 3 4 11 12 0 0 20 0 1 0 99 "
				   "8192000 77 18446744073709551615 1\n",
				   &ticks),
		0);
	assert_int_equal(ticks.user, 11);
	assert_int_equal(ticks.system, 12);
	assert_int_equal(ticks.started, 99);
	assert_int_equal(ticks.pages, 77);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_int_not_equal(host_process_parse(wrong[i], &ticks), 0);
	assert_int_equal(host_process(getpid(), &process), 0);
	assert_true(process.resident_bytes > 100000 && process.started > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(label_values_are_escaped),
		cmocka_unit_test(forms_differ_in_names_of_counters),
		cmocka_unit_test(a_histogram_counts_each_once),
		cmocka_unit_test(pairs_are_bounded),
		cmocka_unit_test(rules_are_bounded),
		cmocka_unit_test(rest_is_no_tier),
		cmocka_unit_test(stat_of_a_process),
	};

	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
