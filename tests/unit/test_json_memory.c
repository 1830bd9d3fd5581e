/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers are made of cJSON, which does not allocate from arenas: here its memory runs out, at
 * every allocation once. It is said, nothing half is given, nothing leaks (the sanitizers look on).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/report/history.h"
#include "core/report/report.h"
#include "core/wire/wire.h"
#include "tests/unit/test_report_lib.h"
#include "tests/unit/test_rows_lib.h"

static size_t allocations_left; /* before all fail */

static void *failing_malloc(size_t size)
{
	return allocations_left > 0 && allocations_left-- ? malloc(size) : NULL;
}

static const char host[] =
	"{\"version\":1,\"networks\":[{\"name\":\"front\",\"subnets\":[\"172.18.0.0/16\"]}],"
	"\"containers\":["
	"{\"name\":\"web\",\"endpoints\":[{\"network\":\"front\",\"ipv4\":\"172.18.0.2\"}],"
	"\"published\":[{\"host_port\":8080,\"port\":\"80/tcp\"}]},"
	"{\"name\":\"db\",\"endpoints\":[{\"network\":\"front\",\"ipv4\":\"172.18.0.3\"}]}]}";

#define TIERS \
	"version: 1\ntiers: {web: {match: [{container: web}]}, db: {match: [{container: db}]}}\n"

struct inputs {
	struct arena *arena;
	struct report_input now, next;
};

static void prepare(struct inputs *ret)
{
	static const char *const texts[] = {
		TIERS "allow: [{from: web, to: db}]\ntests: [{from: web, to: db, port: 1/tcp, "
		      "expect: deny}]\n",
		TIERS "allow: [{from: internet, to: web, ports: [80/tcp]}]\n"
	};
	const struct policy *policies[ARRAY_LEN(texts)];
	struct report_input in[ARRAY_LEN(texts)];

	ret->arena = arena_new();
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		policies[i] = parse_policy(texts[i], ret->arena);
	const struct world *world = parse_world(host, ret->arena);
	assert_int_equal(report_prepare(policies, ARRAY_LEN(texts), world, NOW, ret->arena, in), 0);
	ret->now = in[0];
	ret->next = in[1];
}

/* ---- each makes one answer: 0, or -ENOMEM ---- */

static int make_endpoints(const struct inputs *inputs, cJSON **ret)
{
	return report_endpoints(&inputs->now, ret);
}

static int make_rules(const struct inputs *inputs, cJSON **ret)
{
	return report_rules(&inputs->now, ret);
}

static int make_ports(const struct inputs *inputs, cJSON **ret)
{
	return report_ports(&inputs->now, ret);
}

static int make_matrix(const struct inputs *inputs, cJSON **ret)
{
	return report_matrix(&inputs->now, ret);
}

static int make_test(const struct inputs *inputs, cJSON **ret)
{
	size_t failed;

	return report_test(&inputs->now, ret, &failed);
}

static int make_plan(const struct inputs *inputs, cJSON **ret)
{
	bool changed;

	return report_plan(&inputs->now, &inputs->next, ret, &changed);
}

static int make_explained(const struct inputs *inputs, cJSON **ret)
{
	const struct report_question question = { "web", "db", "5432/tcp" };
	struct report_explained explained = { 0 };
	int r = report_explain(&inputs->now, &question, inputs->arena, &explained);

	*ret = explained.json;
	return r;
}

static int make_status(const struct inputs *inputs, cJSON **ret)
{
	static const struct report_health health = { .docker = "up", .version = "0.1.0" };

	return report_status(&inputs->now, &health, ret);
}

static int make_diagnostics(const struct inputs *inputs, cJSON **ret)
{
	struct diag_list diags;

	diag_init(&diags, inputs->arena);
	diag_add(&diags, DIAG_ERROR, (struct source_loc){ "a", 1, 1 }, "id", "hint", "text");
	return report_diagnostics(&diags, ret);
}

static int make_history(const struct inputs *inputs, cJSON **ret)
{
	static const struct policy_source source = { "a.yaml", "version: 1\n", 11 };
	const struct history_record record = {
		.entry = { .generation = 1 }, .origin = "a.yaml", .sources = &source, .n_sources = 1
	};
	char *kept CLEANUP(free_ptr) = history_print(&record);

	(void)inputs;
	return kept ? report_history_record(&record, ret) : -ENOMEM;
}

static int make_message(const struct inputs *inputs, cJSON **ret)
{
	cJSON *answer = wire_new_error(WIRE_REFUSED, "%s", "no");
	size_t len;

	(void)inputs;
	if (!answer || wire_add_bool(answer, "a", true) < 0 ||
	    wire_add(answer, "report", cJSON_CreateArray()) < 0) {
		cJSON_Delete(answer);
		return -ENOMEM;
	}
	char *line CLEANUP(free_ptr) = wire_print(answer, &len);
	*ret = answer;
	return line ? 0 : -ENOMEM;
}

struct row {
	const char *name;
	int (*make)(const struct inputs *inputs, cJSON **ret);
};

static const struct row rows[] = {
	{ "endpoints", make_endpoints },
	{ "rules", make_rules },
	{ "ports", make_ports },
	{ "matrix", make_matrix },
	{ "test", make_test },
	{ "plan", make_plan },
	{ "explain", make_explained },
	{ "status", make_status },
	{ "diagnostics", make_diagnostics },
	{ "history", make_history },
	{ "message", make_message },
};

static void sweep(void **state)
{
	const struct row *row = *state;
	cJSON_Hooks hooks = { failing_malloc, free };
	struct inputs inputs;
	int r = -ENOMEM;
	size_t n = 0;

	prepare(&inputs);
	cJSON_InitHooks(&hooks);
	for (; r != 0 && n < 100000; n++) {
		cJSON *answer = NULL;
		allocations_left = n;
		r = row->make(&inputs, &answer);
		cJSON_Delete(answer);
		if (r != 0 && r != -ENOMEM)
			break;
	}
	cJSON_InitHooks(NULL);
	assert_int_equal(r, 0);
	assert_true(n > 3);
	(void)arena_free(inputs.arena);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(rows)];

	ADD_ROWS(tests, 0, rows, sweep);
	return cmocka_run_group_tests_name("json_memory", tests, NULL, NULL);
}
