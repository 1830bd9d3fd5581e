/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/report/flows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/flow/json.h"
#include "core/policy/until.h"
#include "core/report/print.h"

/* Digits of an id that are as good as all. */
#define ID_DIGITS 12u

struct listing {
	struct rj j;
	const struct report_input *in;
	const struct report_flows *flows;
	const struct report_flow_filter *filter;
};

/* A flow as it is told of. */
struct told {
	struct flow flow;
	struct flow_judgement now;
	bool gone[2];
};

/* ---- which ---- */

static bool is_called(const struct flow_end *end, const char *name)
{
	size_t len = strlen(name);

	if (end->kind != FLOW_CONTAINER)
		return false;
	return strcmp(end->name, name) == 0 ||
	       (len >= ID_DIGITS && strncmp(end->id, name, len) == 0);
}

static bool is_wanted(const struct report_flow_filter *filter, const struct flow *flow)
{
	if (filter->since && flow->last < filter->since)
		return false;
	if (filter->container && !is_called(&flow->from, filter->container) &&
	    !is_called(&flow->to, filter->container))
		return false;
	if (filter->tier && strcmp(flow->from.tier, filter->tier) != 0 &&
	    strcmp(flow->to.tier, filter->tier) != 0)
		return false;
	return !filter->verdict || strcmp(flow_verdict_name(flow->verdict), filter->verdict) == 0;
}

bool report_refresh_end(const struct flow_whom *whom, struct flow_end *end)
{
	uint32_t endpoint = flow_whom_find(whom, end);

	if (end->kind != FLOW_CONTAINER || endpoint == UINT32_MAX)
		return end->kind == FLOW_CONTAINER;
	struct flow_end now = flow_whom_endpoint(whom, endpoint, &end->addr);
	end->name = now.name;
	end->tier = now.tier;
	return false;
}

/* What was audited by the log is a connection as well, with the true count: one of them is enough.
 */
static bool is_told_twice(const struct listing *l, const struct told *told)
{
	return told->flow.verdict == FLOW_AUDITED && told->now.known &&
	       told->now.verdict == FLOW_AUDITED &&
	       flow_whom_passed(l->flows->whom, l->flows->store, &told->flow);
}

/* It passed once, and is denied, but was not before filter->since. */
static bool is_cut(const struct listing *l, const struct flow *flow)
{
	return flow->verdict == FLOW_DENIED && flow->first >= l->filter->since &&
	       report_is_about_flow(flow) &&
	       flow_whom_passed(l->flows->whom, l->flows->store, flow);
}

/* 1: *ret is to be told of; 0: not. */
static int look(const struct listing *l, const struct flow *flow, struct arena *scratch,
		struct told *ret)
{
	*ret = (struct told){ .flow = *flow };
	if (l->filter->since && flow->last < l->filter->since)
		return 0;
	ret->gone[0] = report_refresh_end(l->flows->whom, &ret->flow.from);
	ret->gone[1] = report_refresh_end(l->flows->whom, &ret->flow.to);
	int r = report_judge_flow(l->in, l->flows->whom, flow, scratch, &ret->now);
	if (r < 0 || is_told_twice(l, ret))
		return r;
	if (flow->verdict == FLOW_ALLOWED && ret->now.known && ret->now.verdict == FLOW_AUDITED) {
		ret->flow.verdict = FLOW_AUDITED;
		ret->flow.reason = ret->now.reason;
	}
	if (l->filter->cut && !is_cut(l, flow))
		return 0;
	return is_wanted(l->filter, &ret->flow);
}

/* ---- in words ---- */

bool report_is_about_flow(const struct flow *flow)
{
	return flow->verdict == FLOW_ALLOWED || flow->reason == REASON_NO_RULE ||
	       flow->reason == REASON_RULE || flow->reason == REASON_UNMATCHED ||
	       flow->reason == REASON_CONFLICT || flow->reason == REASON_QUARANTINED;
}

/* The log names a rule as "policy.yaml:31", without the folder: that of the policy in force where
 * it has such a file. */
static void add_logged_rule(struct rj *j, cJSON *object, const struct policy *policy,
			    const char *place)
{
	const char *colon = strrchr(place, ':');
	char name[WORLD_TEXT_MAX + 1];
	struct source_loc loc = { .file = name };

	if (!colon || (size_t)(colon - place) >= sizeof(name) || colon == place)
		return;
	memcpy(name, place, (size_t)(colon - place));
	name[colon - place] = '\0';
	loc.line = (uint32_t)strtoul(colon + 1, NULL, 10);
	for (size_t i = 0; policy && i < policy->n_rules; i++) {
		const char *file = policy->rules[i].loc.file, *slash = strrchr(file, '/');
		if (strcmp(slash ? slash + 1 : file, name) == 0)
			loc.file = file;
	}
	if (loc.line)
		rj_place(j, rj_add_object(j, object, "rule"), &loc);
}

static void add_decision(struct listing *l, cJSON *object, const struct told *told)
{
	const struct flow_judgement *now = &told->now;
	bool same = now->known && now->verdict == told->flow.verdict;

	if (*told->flow.place)
		add_logged_rule(&l->j, object, l->in->policy, told->flow.place);
	else if (same && now->policy_rule)
		report_add_rule_place(&l->j, rj_add_object(&l->j, object, "rule"), l->in->policy,
				      now->policy_rule);
	else if (same && told->flow.verdict == FLOW_ALLOWED)
		rj_text(&l->j, object, "why", now->why);
	else if (!l->in->policy)
		rj_text(&l->j, object, "why", "no policy is in force");
	if (now->known && !same && report_is_about_flow(&told->flow) && !told->flow.folded) {
		rj_text(&l->j, object, "now", flow_verdict_name(now->verdict));
		if (now->verdict != FLOW_ALLOWED)
			rj_text(&l->j, object, "now_why", now->why);
	}
}

static void add_flow(struct listing *l, cJSON *list, const struct told *told)
{
	static const char *const ends[] = { "from", "to" };
	cJSON *object = rj_push(&l->j, list, flow_to_json(&told->flow));

	for (size_t i = 0; i < 2; i++)
		if (told->gone[i])
			rj_bool(&l->j, cJSON_GetObjectItemCaseSensitive(object, ends[i]), "gone",
				true);
	if (object)
		add_decision(l, object, told);
}

static void add_summary(struct listing *l, cJSON *root)
{
	const struct report_flows *flows = l->flows;
	cJSON *object = rj_add_object(&l->j, root, "summary");
	char since[UNTIL_TEXT_LEN];

	rj_bool(&l->j, object, "on", flows->store);
	if (!flows->store)
		return;
	struct flow_counts counts = flow_store_counts(flows->store);
	rj_number(&l->j, object, "kept", (double)counts.kept);
	rj_number(&l->j, object, "limit", LIMIT_FLOWS);
	rj_text(&l->j, object, "since", policy_until_format(flows->since, since));
	rj_text(&l->j, object, "now", policy_until_format(l->in->now, since));
	rj_number(&l->j, object, "pushed_out", (double)counts.pushed_out);
	rj_number(&l->j, object, "lost_events", (double)flows->lost_events);
	rj_number(&l->j, object, "lost_messages", (double)flows->lost_messages);
	rj_bool(&l->j, object, "damaged", flows->damaged);
	cJSON *unseen = rj_add_array(&l->j, object, "unseen_networks");
	for (size_t i = 0; i < flows->n_unseen; i++)
		rj_push_text(&l->j, unseen, flows->unseen[i]);
}

int report_flow_list(const struct report_input *in, const struct report_flows *flows,
		     const struct report_flow_filter *filter, cJSON **ret)
{
	struct listing l = { .in = in, .flows = flows, .filter = filter };
	cJSON *root = rj_answer(&l.j);
	struct flow flow;

	add_summary(&l, root);
	cJSON *list = rj_add_array(&l.j, root, "flows");
	for (uint32_t at = 0;
	     flows->store && !l.j.failed && flow_store_next(flows->store, true, &at, &flow);) {
		CLEANUP(arena_freep) struct arena *scratch = arena_new();
		struct told told;
		int r = scratch ? look(&l, &flow, scratch, &told) : -ENOMEM;
		if (r == 1)
			add_flow(&l, list, &told);
		if (filter->cut && cJSON_GetArraySize(list) >= (int)LIMIT_CUT_LISTED)
			break;
		l.j.failed |= r < 0;
	}
	return rj_finish(&l.j, root, ret);
}

/* ---- the busiest ---- */

#define TOP 20u

struct pair {
	char from[LIMIT_PEER_TEXT], to[LIMIT_PEER_TEXT];
	uint64_t passed, denied;
};

struct top {
	struct listing l;
	struct arena *arena;
	VEC(struct pair) pairs;
	VEC(struct told) told;
};

static const char *side_name(const struct flow_end *end)
{
	if (end->kind == FLOW_CONTAINER)
		return *end->tier ? end->tier : "no tier";
	if (end->kind == FLOW_OUTSIDE)
		return flow_zone_name(end->zone) ? flow_zone_name(end->zone) : "no zone";
	return flow_kind_name(end);
}

/* Pairs are as many as tiers allow: they are looked through. */
static struct pair *pair_of(struct top *top, const struct flow *flow)
{
	const char *from = side_name(&flow->from), *to = side_name(&flow->to);
	struct pair pair = { .passed = 0 };

	for (size_t i = 0; i < top->pairs.n; i++)
		if (strcmp(top->pairs.items[i].from, from) == 0 &&
		    strcmp(top->pairs.items[i].to, to) == 0)
			return &top->pairs.items[i];
	(void)snprintf(pair.from, sizeof(pair.from), "%s", from);
	(void)snprintf(pair.to, sizeof(pair.to), "%s", to);
	return VEC_PUSH(top->arena, &top->pairs, pair) < 0 ? NULL
							   : &top->pairs.items[top->pairs.n - 1];
}

static int by_count(const void *left, const void *right)
{
	const struct told *a = left, *b = right;

	return a->flow.count > b->flow.count ? -1 : a->flow.count < b->flow.count;
}

static int by_sum(const void *left, const void *right)
{
	const struct pair *a = left, *b = right;
	uint64_t left_sum = a->passed + a->denied, right_sum = b->passed + b->denied;

	return left_sum > right_sum ? -1 : left_sum < right_sum;
}

static int gather(struct top *top)
{
	const struct flow_store *store = top->l.flows->store;
	struct flow flow;
	int r = 0;

	for (uint32_t at = 0; store && r == 0 && flow_store_next(store, true, &at, &flow);) {
		struct told told;
		r = look(&top->l, &flow, top->arena, &told);
		if (r != 1)
			continue;
		struct pair *pair = pair_of(top, &told.flow);
		if (!pair)
			return -ENOMEM;
		*(told.flow.verdict == FLOW_DENIED ? &pair->denied : &pair->passed) +=
			told.flow.count;
		r = VEC_PUSH(top->arena, &top->told, told);
	}
	if (top->told.n)
		qsort(top->told.items, top->told.n, sizeof(*top->told.items), by_count);
	if (top->pairs.n)
		qsort(top->pairs.items, top->pairs.n, sizeof(*top->pairs.items), by_sum);
	return r < 0 ? r : 0;
}

static void add_pairs(struct top *top, cJSON *root)
{
	struct rj *j = &top->l.j;
	cJSON *list = rj_add_array(j, root, "tiers");

	for (size_t i = 0; i < top->pairs.n && i < TOP; i++) {
		const struct pair *pair = &top->pairs.items[i];
		cJSON *object = rj_push_object(j, list);
		rj_text(j, object, "from", pair->from);
		rj_text(j, object, "to", pair->to);
		rj_number(j, object, "passed", (double)pair->passed);
		rj_number(j, object, "denied", (double)pair->denied);
	}
}

struct hit {
	size_t rule;
	uint64_t packets, bytes;
};

static int by_packets(const void *left, const void *right)
{
	const struct hit *a = left, *b = right;

	return a->packets > b->packets	 ? -1
	       : a->packets < b->packets ? 1
					 : (a->rule > b->rule) - (a->rule < b->rule);
}

static int add_rules(struct top *top, cJSON *root)
{
	const struct report_input *in = top->l.in;
	struct rj *j = &top->l.j;
	cJSON *list = rj_add_array(j, root, "rules");
	size_t n = in->policy && in->counters ? in->policy->n_rules : 0;
	struct hit *hits = arena_alloc(top->arena, n * sizeof(*hits));

	if (!hits)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const char *counter = compile_counter_name(in->policy, i, top->arena);
		hits[i].rule = i;
		if (!counter)
			return -ENOMEM;
		(void)report_find_hits(in, counter, &hits[i].packets, &hits[i].bytes);
	}
	if (n)
		qsort(hits, n, sizeof(*hits), by_packets);
	for (size_t i = 0; i < n && i < TOP && hits[i].packets > 0; i++) {
		cJSON *object = rj_push_object(j, list);
		report_add_rule(j, object, in->policy, hits[i].rule);
		rj_number(j, object, "packets", (double)hits[i].packets);
		rj_number(j, object, "bytes", (double)hits[i].bytes);
	}
	return 0;
}

int report_top(const struct report_input *in, const struct report_flows *flows,
	       const struct report_flow_filter *filter, cJSON **ret)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct top top = { .l = { .in = in, .flows = flows, .filter = filter }, .arena = arena };
	cJSON *root = rj_answer(&top.l.j);
	int r = arena ? gather(&top) : -ENOMEM;

	add_summary(&top.l, root);
	cJSON *list = rj_add_array(&top.l.j, root, "flows");
	for (size_t i = 0; r == 0 && i < top.told.n && i < TOP; i++)
		add_flow(&top.l, list, &top.told.items[i]);
	add_pairs(&top, root);
	if (r == 0)
		r = add_rules(&top, root);
	top.l.j.failed |= r < 0;
	return rj_finish(&top.l.j, root, ret);
}
