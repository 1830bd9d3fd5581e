/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "Is that enough?": what the evaluator says of everything that was seen, under what is proposed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/policy/until.h"
#include "core/report/json.h"
#include "core/suggest/draft.h"

/* What is left out, line by line; the rest is a number. */
#define LEFT_LISTED 20u
/* Evidence of fewer days knows nothing of what happens once a week. */
#define ENOUGH_DAYS 14
#define DAY_S 86400

/* ---- asking ---- */

static uint32_t group_of(const struct suggest *s, const struct suggest_side *side)
{
	return side->kind == SUGGEST_WHO && side->who != SUGGEST_NONE
		       ? s->whos.items[side->who].group
		       : SUGGEST_NONE;
}

static void count_edge(struct suggest *s, uint32_t group, const struct suggest_edge *edge)
{
	if (group == SUGGEST_NONE)
		return;
	s->groups[group].n_flows++;
	s->groups[group].n_allowed += edge->allowed;
	s->groups[group].count += edge->flow->count;
	s->groups[group].allowed += edge->allowed ? edge->flow->count : 0;
}

static int ask_edge(struct suggest *s, const struct report_input *in, struct suggest_edge *edge)
{
	CLEANUP(arena_freep) struct arena *scratch = arena_new();
	struct sim_result result;
	int r = scratch ? suggest_judge(in, edge, &edge->asked, &result, scratch) : -ENOMEM;

	if (r < 0)
		return r;
	edge->allowed = edge->asked && result.allowed;
	if (!edge->allowed && !edge->why) {
		char *why = arena_strdup(s->arena, result.reason);
		if (why)
			text_clean(why);
		edge->why = why;
	}
	s->n_asked++;
	s->n_passed += edge->allowed;
	uint32_t from = group_of(s, &edge->from), to = group_of(s, &edge->to);
	count_edge(s, from, edge);
	count_edge(s, to == from ? SUGGEST_NONE : to, edge);
	return edge->allowed || edge->why ? 0 : -ENOMEM;
}

static void forget_counts(struct suggest *s)
{
	s->n_asked = s->n_passed = 0;
	for (size_t i = 0; i < s->n_groups; i++) {
		struct suggest_group *group = &s->groups[i];
		group->n_flows = group->n_allowed = 0;
		group->count = group->allowed = 0;
	}
}

int suggest_measure(struct suggest *s, const struct policy *policy, size_t *ret_idle)
{
	struct report_input in;
	int r = report_prepare(&policy, 1, s->world, s->in->now, s->arena, &in);

	*ret_idle = 0;
	forget_counts(s);
	for (size_t i = 0; i < s->edges.n && r == 0; i++) {
		struct suggest_edge *edge = &s->edges.items[i];
		r = ask_edge(s, &in, edge);
		if (edge->allowed || (edge->fate != SUGGEST_RULE && edge->fate != SUGGEST_IMPLIED))
			continue;
		suggest_leave(edge, edge->why);
		++*ret_idle;
	}
	return r;
}

/* ---- what is left out ---- */

static int by_count(const void *left, const void *right)
{
	const struct suggest_edge *a = *(const struct suggest_edge *const *)left;
	const struct suggest_edge *b = *(const struct suggest_edge *const *)right;

	if (a->flow->count != b->flow->count)
		return a->flow->count > b->flow->count ? -1 : 1;
	return suggest_compare_flows(a->flow, b->flow);
}

static const struct suggest_edge **left_out(const struct suggest *s, size_t *ret_n)
{
	const struct suggest_edge **list =
		arena_alloc(s->arena, (s->edges.n + 1) * sizeof(struct suggest_edge *));
	size_t n = 0;

	for (size_t i = 0; list && i < s->edges.n; i++)
		if (!s->edges.items[i].allowed)
			list[n++] = &s->edges.items[i];
	if (n)
		qsort(list, n, sizeof(struct suggest_edge *), by_count);
	*ret_n = n;
	return list;
}

static const char *port_text(const struct flow *flow, struct arena *arena)
{
	char text[FLOW_PORT_LEN];

	return arena_strdup(arena, flow_port_text(flow, text));
}

static void print_left(const struct suggest *s, struct text *out)
{
	size_t n;
	const struct suggest_edge **list = left_out(s, &n);
	char number[SUGGEST_NUMBER_LEN], day[SUGGEST_DAY_LEN];

	out->failed |= !list;
	if (!list || n == 0)
		return;
	text_add(out, "#\n# Left out, though it was seen to pass:\n");
	for (size_t i = 0; i < n && i < LEFT_LISTED; i++) {
		const struct flow *flow = list[i]->flow;
		const char *from = suggest_end_text(&flow->from, s->arena);
		const char *to = suggest_end_text(&flow->to, s->arena);
		const char *port = port_text(flow, s->arena);
		out->failed |= !from || !to || !port;
		if (out->failed)
			return;
		text_printf(out, "#   %s -> %s %s, %s times, last on %s:\n#     %s\n", from, to,
			    port, suggest_number(flow->count, number), suggest_day(flow->last, day),
			    list[i]->why);
	}
	if (n > LEFT_LISTED)
		text_printf(out, "#   and %zu more (--format json lists all)\n", n - LEFT_LISTED);
}

/* ---- the table ---- */

/* 100 only where it is all. */
static unsigned int percent(uint64_t part, uint64_t whole)
{
	return whole == 0 || part >= whole ? 100
					   : (unsigned int)((double)part / (double)whole * 100);
}

static void print_group(const struct suggest_group *group, struct text *out)
{
	text_printf(out, "#   %-24s %3u %% of its connections, %zu of %zu different ones\n",
		    group->name, percent(group->allowed, group->count), group->n_allowed,
		    group->n_flows);
}

/* Who is in no tier, because nobody was seen to speak to or for him. */
static void print_quiet(const struct suggest *s, struct text *out)
{
	const char **names = arena_alloc(s->arena, (s->whos.n + 1) * sizeof(*names));
	size_t n = 0;

	out->failed |= !names;
	for (size_t i = 0; names && i < s->whos.n; i++)
		if (!s->whos.items[i].in_force && s->whos.items[i].group == SUGGEST_NONE)
			names[n++] = s->whos.items[i].key;
	if (n == 0)
		return;
	text_add(
		out,
		"#\n# In no tier, since it was not seen to talk; then nobody reaches it, this host "
		"neither:\n");
	for (size_t i = 0; i < n; i++)
		text_printf(out, "#   %s\n", names[i]);
}

static void print_age(const struct suggest *s, struct text *out)
{
	int64_t first = INT64_MAX, last = 0;
	char day[SUGGEST_DAY_LEN];

	for (size_t i = 0; i < s->edges.n; i++) {
		const struct flow *flow = s->edges.items[i].flow;
		first = flow->first < first ? flow->first : first;
		last = flow->last > last ? flow->last : last;
	}
	if (s->edges.n == 0)
		return;
	int64_t days = (last - first) / DAY_S;
	text_printf(out, "# The evidence is of %lld days and ends on %s, %lld days ago.%s\n",
		    (long long)days, suggest_day(last, day),
		    (long long)(s->in->now > last ? (s->in->now - last) / DAY_S : 0),
		    days < ENOUGH_DAYS
			    ? " What happens once a week\n# or once a month may not be in "
			      "it: wait, or ask who knows."
			    : "");
}

void suggest_print_measure(const struct suggest *s, struct text *out)
{
	const struct suggest_evidence *evidence = s->in->evidence;

	text_add(out, "\n# Is that enough?\n");
	print_age(s, out);
	for (size_t i = 0; i < evidence->n_unseen; i++)
		text_printf(out, "# Between two containers of network %s nothing is seen: %s\n",
			    evidence->unseen_networks[i], "the bridge shows netd no connections.");
	if (evidence->pushed_out || evidence->lost)
		text_printf(out, "# %llu flows were forgotten for newer ones, %llu were lost.\n",
			    (unsigned long long)evidence->pushed_out,
			    (unsigned long long)evidence->lost);
	text_printf(out, "# It allows %zu of %zu different connections that passed.\n", s->n_passed,
		    s->n_asked);
	size_t n;
	const uint32_t *order = suggest_all_groups(s, &n);
	out->failed |= !order;
	for (size_t i = 0; order && i < n; i++)
		if (s->groups[order[i]].n_flows)
			print_group(&s->groups[order[i]], out);
	print_left(s, out);
	print_quiet(s, out);
	if (s->n_denied)
		text_printf(out,
			    "#\n# %zu more were denied and are not in it: `netdctl suggest "
			    "--denied` lists them.\n",
			    s->n_denied);
}

/* ---- as JSON ---- */

static void add_day(struct rj *j, cJSON *object, const char *name, int64_t seconds)
{
	char text[UNTIL_TEXT_LEN];

	rj_text(j, object, name, policy_until_format(seconds, text));
}

static void add_left(const struct suggest *s, struct rj *j, cJSON *root)
{
	cJSON *list = rj_add_array(j, root, "left_out");
	size_t n;
	const struct suggest_edge **left = left_out(s, &n);

	j->failed |= !left;
	for (size_t i = 0; left && i < n; i++) {
		const struct flow *flow = left[i]->flow;
		cJSON *object = rj_push_object(j, list);
		rj_text(j, object, "from", suggest_end_text(&flow->from, s->arena));
		rj_text(j, object, "to", suggest_end_text(&flow->to, s->arena));
		rj_text(j, object, "port", port_text(flow, s->arena));
		rj_text(j, object, "why", left[i]->why);
		rj_number(j, object, "count", (double)flow->count);
		add_day(j, object, "last", flow->last);
	}
}

cJSON *suggest_to_json(const struct suggest *s, const char *text)
{
	struct rj j = { false };
	cJSON *root = rj_answer(&j), *ret = NULL;
	cJSON *list = rj_add_array(&j, root, "tiers");

	size_t n;
	const uint32_t *order = suggest_all_groups(s, &n);

	j.failed |= !order;
	for (size_t i = 0; order && i < n; i++) {
		const struct suggest_group *group = &s->groups[order[i]];
		cJSON *object = rj_push_object(&j, list);
		rj_text(&j, object, "tier", group->name);
		rj_bool(&j, object, "in_force", group->in_force);
		rj_number(&j, object, "flows", (double)group->n_flows);
		rj_number(&j, object, "flows_allowed", (double)group->n_allowed);
		rj_number(&j, object, "connections", (double)group->count);
		rj_number(&j, object, "connections_allowed", (double)group->allowed);
	}
	rj_number(&j, root, "flows", (double)s->n_asked);
	rj_number(&j, root, "flows_allowed", (double)s->n_passed);
	rj_number(&j, root, "flows_denied", (double)s->n_denied);
	add_left(s, &j, root);
	rj_text(&j, root, s->in_force ? "patch" : "policy", text);
	return rj_finish(&j, root, &ret) == 0 ? ret : NULL;
}
