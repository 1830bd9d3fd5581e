/* SPDX-License-Identifier: GPL-2.0-or-later */
/* report_test(): the policy's own tests. */
#include <errno.h>

#include "core/report/explain.h"
#include "core/report/print.h"

struct testing {
	struct rj j;
	const struct survey *real, *symbolic;
	struct arena *scratch;
	size_t failed;
};

/* `world` is two zones: both must answer as expected. */
static size_t spell_out(const struct policy_peer *peer, struct policy_peer ret[2])
{
	ret[0] = ret[1] = *peer;
	if (peer->kind != PEER_WORLD)
		return 1;
	ret[0].kind = PEER_INTERNET;
	ret[1].kind = PEER_LAN;
	return 2;
}

/* Of several ways the best counts: one that audit mode alone lets pass does not hide another. */
static int openness(const struct sim_result *result)
{
	return result->allowed ? result->audited ? 1 : 2 : 0;
}

/* *empty: a tier has no containers here, so that the policy alone answered. */
static int ask_peers(const struct testing *t, const struct policy_peer peers[2],
		     const struct port_range *port, struct explain_way *ret, bool *empty)
{
	const struct survey *survey = t->real;
	struct explain_end ends[2] = { 0 };
	explain_ways ways = { 0 };
	int r = 0;

	for (size_t i = 0; i < 2 && r == 0; i++)
		r = explain_resolve_peer(survey, &peers[i], t->scratch, &ends[i]);
	if (r == 0 &&
	    (explain_is_nobody(&ends[0], &peers[0]) || explain_is_nobody(&ends[1], &peers[1]))) {
		survey = t->symbolic;
		for (size_t i = 0; i < 2 && r == 0; i++)
			r = explain_resolve_peer(survey, &peers[i], t->scratch, &ends[i]);
	}
	if (r == 0)
		r = explain_ask(survey, ends, port, t->scratch, &ways);
	if (r < 0)
		return r;
	*empty = survey != t->real;
	*ret = (struct explain_way){ .result = { .reason = "there is no container to ask about" } };
	for (size_t i = 0; i < ways.n; i++)
		if (i == 0 || openness(&ways.items[i].result) > openness(&ret->result))
			*ret = ways.items[i];
	return 0;
}

static void add_result(struct testing *t, cJSON *object, const struct policy *policy,
		       const struct policy_test *test, const struct sim_result *result)
{
	char name[LIMIT_PEER_TEXT], port[PORT_RANGE_TEXT_LEN];
	bool allowed = result->allowed && !result->audited;

	rj_place(&t->j, object, &test->loc);
	rj_text(&t->j, object, "from", policy_peer_name(policy, &test->from, name));
	rj_text(&t->j, object, "to", policy_peer_name(policy, &test->to, name));
	rj_text(&t->j, object, "port", port_range_format(&test->port, port));
	rj_text(&t->j, object, "expect", test->expect == POLICY_ALLOW ? "allow" : "deny");
	rj_text(&t->j, object, "got", allowed ? "allow" : "deny");
	rj_bool(&t->j, object, "passed", allowed == (test->expect == POLICY_ALLOW));
	rj_text(&t->j, object, "reason", result->reason);
	report_add_rule_place(&t->j, rj_add_object(&t->j, object, "rule"), policy,
			      result->policy_rule);
	t->failed += allowed != (test->expect == POLICY_ALLOW);
}

static int run_test(struct testing *t, const struct policy_test *test, cJSON *list)
{
	const struct policy *policy = t->real->in[0]->policy;
	struct policy_peer from[2], to[2];
	size_t n_from = spell_out(&test->from, from), n_to = spell_out(&test->to, to);
	struct explain_way shown = { 0 };
	bool empty = false;

	/* Shown is the first way that is not as expected, or else the first. */
	for (size_t i = 0; i < n_from * n_to; i++) {
		const struct policy_peer peers[2] = { from[i / n_to], to[i % n_to] };
		struct explain_way way;
		int r = ask_peers(t, peers, &test->port, &way, &empty);
		if (r < 0)
			return r;
		bool allowed = way.result.allowed && !way.result.audited;
		if (i == 0 || allowed != (test->expect == POLICY_ALLOW))
			shown = way;
	}
	cJSON *object = rj_push_object(&t->j, list);
	add_result(t, object, policy, test, &shown.result);
	if (empty)
		rj_bool(&t->j, object, "policy_alone", true);
	return 0;
}

int report_test(const struct report_input *in, cJSON **ret, size_t *failed)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct survey real, symbolic;
	struct testing t = { .real = &real, .symbolic = &real, .scratch = arena };
	int r = arena ? survey_init(&real, &in, 1, arena) : -ENOMEM;

	if (r == 0 && !in->symbolic) {
		r = explain_make_symbolic(&real, arena, &symbolic);
		t.symbolic = &symbolic;
	}
	if (r < 0)
		return r;
	cJSON *root = rj_answer(&t.j), *list = rj_add_array(&t.j, root, "tests");
	for (size_t i = 0; i < in->policy->n_tests && r == 0; i++)
		r = run_test(&t, &in->policy->tests[i], list);
	t.j.failed |= r < 0;
	rj_number(&t.j, root, "passed", (double)(in->policy->n_tests - t.failed));
	rj_number(&t.j, root, "failed", (double)t.failed);
	*failed = t.failed;
	return rj_finish(&t.j, root, ret);
}
