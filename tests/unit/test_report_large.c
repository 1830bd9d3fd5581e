/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/report on a large host: answers cost per tier and zone, never per pair of endpoints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "core/base/text.h"
#include "core/report/report.h"
#include "tests/unit/test_report_lib.h"

#define BIG_ENDPOINTS 10000u
#define BIG_TIERS 50u
#define BIG_RULES 500u

static char *big_policy(unsigned int seed)
{
	struct text text = { 0 };

	text_add(&text, "version: 1\ntiers:\n");
	for (unsigned int t = 0; t < BIG_TIERS; t++)
		text_printf(&text, "  t%u: {match: [{label: {tier: t%u}}]}\n", t, t);
	text_add(&text, "allow:\n");
	for (unsigned int i = 0; i < BIG_RULES; i++) {
		unsigned int a = (i * 7 + seed) % BIG_TIERS,
			     b = (i * 13 + seed * 3 + 1) % BIG_TIERS;
		if (i % 10 == 0)
			text_printf(&text, "  - {from: internet, to: t%u, ports: [%u/tcp]}\n", b,
				    i + 1);
		else if (i % 10 < 3)
			text_printf(&text, "  - {from: t%u, to: 203.0.%u.0/24, ports: [%u/tcp]}\n",
				    a, i % 250, i + 1);
		else
			text_printf(&text, "  - {from: t%u, to: t%u, ports: [%u/tcp, %u-%u/udp]}\n",
				    a, b, i + 1, i * 10 + 1, i * 10 + 5);
	}
	return text.bytes;
}

static char *big_world(void)
{
	struct text text = { 0 };

	text_add(&text, "{\"version\":1,\"networks\":[");
	for (unsigned int n = 0; n < 20; n++)
		text_printf(&text, "%s{\"name\":\"n%u\",\"subnets\":[\"10.%u.0.0/16\"]}",
			    n ? "," : "", n, n);
	text_add(&text, "],\"containers\":[");
	for (unsigned int c = 0; c < BIG_ENDPOINTS; c++) {
		unsigned int k = c / 20 + 2;
		text_printf(&text,
			    "%s{\"name\":\"c%u\",\"labels\":{\"tier\":\"t%u\"},\"endpoints\":["
			    "{\"network\":\"n%u\",\"ipv4\":\"10.%u.%u.%u\","
			    "\"ipv6\":\"fd00:%x::%x\"}],\"published\":[",
			    c ? "," : "", c, c / 20 % BIG_TIERS, c % 20, c % 20, k >> 8, k & 255,
			    c % 20, k);
		if (c % 10 == 0)
			text_printf(&text,
				    "{\"host_ip\":\"0.0.0.0\",\"host_port\":%u,\"port\":\"1/tcp\"}",
				    c + 10000);
		text_add(&text, "]}");
	}
	text_add(&text, "]}");
	return text.bytes;
}

static double now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* Sanitizers and slow machines: only an answer per pair of endpoints takes this long. */
#define FAR_TOO_LONG_MS 20000.0

static void large_hosts_are_answered_quickly(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(free_ptr) char *old = big_policy(1), *new = big_policy(2), *json = big_world();
	const struct policy *policies[] = { parse_policy(old, arena), parse_policy(new, arena) };
	const struct report_question question = { "c1", "c21", "3/tcp" };
	struct report_explained explained;
	struct report_input in[2];
	cJSON *plan = NULL, *matrix = NULL;
	double times[4];
	bool changed;

	(void)state;
	assert_int_equal(report_prepare(policies, 2, parse_world(json, arena), NOW, arena, in), 0);
	times[0] = now_ms();
	assert_int_equal(report_explain(&in[0], &question, arena, &explained), 0);
	times[1] = now_ms();
	assert_int_equal(report_plan(&in[0], &in[1], &plan, &changed), 0);
	times[2] = now_ms();
	assert_int_equal(report_matrix(&in[0], &matrix), 0);
	times[3] = now_ms();
	print_message("10,000 endpoints, 50 tiers, 500 rules: explain %.0f ms, plan %.0f ms, "
		      "matrix %.0f ms\n",
		      times[1] - times[0], times[2] - times[1], times[3] - times[2]);
	assert_true(changed);
	assert_true(times[3] - times[0] < FAR_TOO_LONG_MS);
	cJSON_Delete(explained.json);
	cJSON_Delete(plan);
	cJSON_Delete(matrix);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(large_hosts_are_answered_quickly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
