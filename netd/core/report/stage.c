/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A candidate beside the policy in force: every flow that was seen is judged by both. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/flow/json.h"
#include "core/policy/until.h"
#include "core/report/flows.h"
#include "core/report/print.h"

/* A flow on which the two do not agree. */
struct parting {
	struct flow flow;
	struct flow_judgement candidate;
};
typedef VEC(struct parting) partings;

struct staging {
	struct rj j;
	const struct report_input *in[2]; /* in force, candidate */
	const struct report_flows *flows;
	struct arena *arena;
	partings denied, allowed; /* by the candidate */
	size_t n_same, n_unjudged;
};

static int judge(struct staging *s, const struct flow *flow)
{
	struct parting parting = { .flow = *flow };
	struct flow_judgement now;
	int r = report_judge_flow(s->in[0], s->flows->whom, flow, s->arena, &now);

	if (r == 0)
		r = report_judge_flow(s->in[1], s->flows->whom, flow, s->arena, &parting.candidate);
	if (r < 0)
		return r;
	if (!now.known || !parting.candidate.known || !report_is_about_flow(flow)) {
		s->n_unjudged++;
		return 0;
	}
	bool passes = now.verdict != FLOW_DENIED, would = parting.candidate.verdict != FLOW_DENIED;
	if (passes == would) {
		s->n_same++;
		return 0;
	}
	/* Both are there, or they could not be judged. */
	(void)report_refresh_end(s->flows->whom, &parting.flow.from);
	(void)report_refresh_end(s->flows->whom, &parting.flow.to);
	return passes ? VEC_PUSH(s->arena, &s->denied, parting)
		      : VEC_PUSH(s->arena, &s->allowed, parting);
}

/* Those that were seen since it is staged first. */
static int by_count(const void *left, const void *right)
{
	const struct flow *a = &((const struct parting *)left)->flow;
	const struct flow *b = &((const struct parting *)right)->flow;

	if (a->since_staged != b->since_staged)
		return a->since_staged > b->since_staged ? -1 : 1;
	return a->count > b->count ? -1 : a->count < b->count;
}

static void add_partings(struct staging *s, cJSON *list, partings *of)
{
	if (of->n)
		qsort(of->items, of->n, sizeof(*of->items), by_count);
	for (size_t i = 0; i < of->n && !s->j.failed; i++) {
		const struct parting *parting = &of->items[i];
		cJSON *object = rj_push(&s->j, list, flow_to_json(&parting->flow));
		if (!object)
			return;
		cJSON *candidate = rj_add_object(&s->j, object, "candidate");
		rj_text(&s->j, candidate, "verdict", flow_verdict_name(parting->candidate.verdict));
		rj_text(&s->j, candidate, "why", parting->candidate.why);
		if (parting->candidate.policy_rule)
			report_add_rule_place(&s->j, rj_add_object(&s->j, candidate, "rule"),
					      s->in[1]->policy, parting->candidate.policy_rule);
	}
}

static int judge_all(struct staging *s)
{
	const struct flow_store *store = s->flows->store;
	struct flow flow;
	int r = 0;

	for (uint32_t at = 0; store && r == 0 && flow_store_next(store, true, &at, &flow);)
		/* What audit mode let pass was a connection as well. */
		if (flow.verdict != FLOW_AUDITED || !flow_whom_passed(s->flows->whom, store, &flow))
			r = judge(s, &flow);
	return r;
}

int report_stage(const struct report_input *in_force, const struct report_input *candidate,
		 const struct report_flows *flows, const struct report_staged *staged, cJSON **ret)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct staging s = { .in = { in_force, candidate }, .flows = flows, .arena = arena };
	cJSON *root = rj_answer(&s.j);
	char text[UNTIL_TEXT_LEN];
	int r = arena ? judge_all(&s) : -ENOMEM;

	cJSON *about = rj_add_object(&s.j, root, "staged");
	rj_text(&s.j, about, "at", policy_until_format(staged->at, text));
	rj_text(&s.j, about, "by", staged->by);
	rj_text(&s.j, about, "digest", staged->digest);
	cJSON *files = rj_add_array(&s.j, about, "files");
	for (size_t i = 0; i < staged->n_sources; i++)
		rj_push_text(&s.j, files, staged->sources[i].name);
	rj_bool(&s.j, root, "on", flows->store);
	add_partings(&s, rj_add_array(&s.j, root, "would_deny"), &s.denied);
	add_partings(&s, rj_add_array(&s.j, root, "would_allow"), &s.allowed);
	rj_number(&s.j, root, "same", (double)s.n_same);
	rj_number(&s.j, root, "not_judged", (double)s.n_unjudged);
	s.j.failed |= r < 0;
	return rj_finish(&s.j, root, ret);
}
