/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From denials to rules: the narrowest that would let them pass. A rule has a number that is made
 * of its text, so that what somebody has read and what he then allows are the same, whatever was
 * denied in between. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/json.h"
#include "core/policy/until.h"
#include "core/policy/zone.h"
#include "core/report/json.h"
#include "core/suggest/lines.h"

/* Numbers have five digits, where those of one list then differ; else all that the hash gives. */
#define SHORT_NUMBERS 90000u
#define FIRST_NUMBER 10000u

struct denial {
	struct suggest_edge edge;
	const char *rule; /* NULL: no rule helps */
	const char *from, *to;
};

struct denying {
	struct suggest *s;
	struct rj j;
	VEC(struct denial) denials;
};

/* ---- the narrowest rule ---- */

/* As a rule names the end: its tier, the address, or what is known of it. */
static const char *name_end(const struct suggest *s, const struct suggest_side *side,
			    const struct flow_end *end)
{
	char text[PREFIX_TEXT_LEN];

	if (side->kind == SUGGEST_WHO)
		return s->whos.items[side->who].call;
	if (side->peer)
		return side->peer;
	if (!*flow_address_text(end, text))
		return flow_zone_name(end->zone);
	return arena_printf(s->arena, end->addr.family == IP_V6 ? "\"%s\"" : "%s", text);
}

/* NULL: both ends are in tiers, or need none. */
static const char *why_no_tier(const struct suggest *s, const struct suggest_side *side)
{
	if (side->kind != SUGGEST_WHO || s->whos.items[side->who].in_force)
		return NULL;
	return arena_printf(s->arena, "no tier matches {%s}: `netdctl suggest` proposes one",
			    s->whos.items[side->who].key);
}

static int write_rule(const struct suggest *s, struct denial *denial)
{
	const struct suggest_edge *edge = &denial->edge;
	char port[PORT_RANGE_TEXT_LEN];

	denial->from = name_end(s, &edge->from, &edge->flow->from);
	denial->to = name_end(s, &edge->to, &edge->flow->to);
	if (!denial->from || !denial->to)
		return -ENOMEM;
	if (strcmp(denial->to, "dns") == 0)
		denial->rule = arena_printf(s->arena, "{from: %s, to: dns}", denial->from);
	else
		denial->rule =
			arena_printf(s->arena, "{from: %s, to: %s, ports: [%s]}", denial->from,
				     denial->to, port_range_format(&edge->port, port));
	return denial->rule ? 0 : -ENOMEM;
}

/* Addresses that were put together may have such a service among them, which nobody asked for. */
static void warn_of_metadata(struct suggest_edge *edge)
{
	const struct flow_end *to = &edge->flow->to;
	const struct ip_prefix prefix = { to->addr, to->len };

	if (edge->to.kind != SUGGEST_OUTSIDE || edge->fate != SUGGEST_RULE || to->len == 0 ||
	    !policy_prefix_holds_metadata(&prefix))
		return;
	edge->fate = SUGGEST_COMMENT;
	edge->why = "a metadata service is in that network: clouds answer there with credentials "
		    "of the whole machine";
}

static int add_denial(struct denying *d, const struct flow *flow)
{
	struct suggest *s = d->s;
	struct denial denial = { .rule = NULL };
	struct suggest_edge *edge = &denial.edge;
	int r = suggest_make_edge(s, flow, edge);

	if (r < 0 || (edge->from.kind != SUGGEST_WHO && edge->to.kind != SUGGEST_WHO))
		return r;
	warn_of_metadata(edge);
	if (edge->fate != SUGGEST_LEFT)
		r = suggest_ask_in_force(s, edge);
	if (r < 0 || edge->fate == SUGGEST_IN_FORCE)
		return r;
	const char *why = edge->fate == SUGGEST_LEFT ? NULL : why_no_tier(s, &edge->from);
	if (!why && edge->fate != SUGGEST_LEFT)
		why = why_no_tier(s, &edge->to);
	if (why) {
		edge->fate = SUGGEST_LEFT;
		edge->why = why;
	}
	if (edge->fate != SUGGEST_LEFT)
		r = write_rule(s, &denial);
	return r < 0 ? r : VEC_PUSH(s->arena, &d->denials, denial);
}

static int by_rule(const void *left, const void *right)
{
	const struct denial *a = left, *b = right;

	if (!a->rule != !b->rule)
		return a->rule ? -1 : 1;
	int order = a->rule ? strcmp(a->rule, b->rule) : 0;
	return order ? order : suggest_compare_flows(a->edge.flow, b->edge.flow);
}

/* ---- as JSON ---- */

struct denial_run {
	const struct denial *items;
	size_t n;
	uint64_t count;
	int64_t first, last;
};

static struct denial_run sum_up(const struct denial *items, size_t n)
{
	struct denial_run run = { items, n, 0, INT64_MAX, 0 };

	for (size_t i = 0; i < n; i++) {
		const struct flow *flow = items[i].edge.flow;
		run.count += flow->count;
		run.first = flow->first < run.first ? flow->first : run.first;
		run.last = flow->last > run.last ? flow->last : run.last;
	}
	return run;
}

static void add_when(struct denying *d, cJSON *object, const struct denial_run *run)
{
	char text[UNTIL_TEXT_LEN];

	rj_number(&d->j, object, "count", (double)run->count);
	rj_text(&d->j, object, "first", policy_until_format(run->first, text));
	rj_text(&d->j, object, "last", policy_until_format(run->last, text));
}

/* Each pair once: "web-1 -> db-1". */
static void add_who(struct denying *d, cJSON *object, const struct denial_run *run)
{
	cJSON *list = rj_add_array(&d->j, object, "who");
	const char *before = "";

	for (size_t i = 0; i < run->n; i++) {
		const struct flow *flow = run->items[i].edge.flow;
		const char *from = suggest_end_text(&flow->from, d->s->arena);
		const char *to = suggest_end_text(&flow->to, d->s->arena);
		const char *both =
			from && to ? arena_printf(d->s->arena, "%s -> %s", from, to) : NULL;
		d->j.failed |= !both;
		if (!both)
			return;
		if (strcmp(both, before) != 0)
			rj_push_text(&d->j, list, both);
		before = both;
	}
}

static void add_rule(struct denying *d, cJSON *list, const struct denial_run *run)
{
	const struct denial *first = run->items;
	char port[PORT_RANGE_TEXT_LEN];
	cJSON *object = rj_push_object(&d->j, list);

	rj_number(&d->j, object, "number", FIRST_NUMBER + hash_text(first->rule) % SHORT_NUMBERS);
	rj_text(&d->j, object, "rule", first->rule);
	rj_text(&d->j, object, "from", first->from);
	rj_text(&d->j, object, "to", first->to);
	rj_text(&d->j, object, "port", port_range_format(&first->edge.port, port));
	add_when(d, object, run);
	add_who(d, object, run);
	rj_text(&d->j, object, "reason", reason_text(first->edge.flow->reason));
	rj_text(&d->j, object, "note",
		first->edge.fate == SUGGEST_COMMENT ? first->edge.why : NULL);
}

static void add_other(struct denying *d, cJSON *list, const struct denial *denial)
{
	const struct denial_run run = sum_up(denial, 1);
	const struct flow *flow = denial->edge.flow;
	char port[FLOW_PORT_LEN];
	cJSON *object = rj_push_object(&d->j, list);

	add_who(d, object, &run);
	rj_text(&d->j, object, "port", flow_port_text(flow, port));
	add_when(d, object, &run);
	rj_text(&d->j, object, "why", denial->edge.why);
}

/* Those that have one number get the whole hash each. */
static void tell_apart(cJSON *list)
{
	cJSON *a, *b;

	cJSON_ArrayForEach(a, list) {
		cJSON *number = cJSON_GetObjectItemCaseSensitive(a, "number");
		bool alike = false;
		for (b = a->next; b && number; b = b->next) {
			cJSON *other = cJSON_GetObjectItemCaseSensitive(b, "number");
			if (!other || other->valueint != number->valueint)
				continue;
			cJSON_SetNumberValue(other, hash_text(json_word(b, "rule")));
			alike = true;
		}
		if (alike)
			cJSON_SetNumberValue(number, hash_text(json_word(a, "rule")));
	}
}

static int to_json(struct denying *d, cJSON **ret)
{
	const struct denial *items = d->denials.items;
	cJSON *root = rj_answer(&d->j), *rules = rj_add_array(&d->j, root, "rules");
	cJSON *others = rj_add_array(&d->j, root, "others");

	for (size_t i = 0, end; i < d->denials.n; i = end) {
		for (end = i + 1; items[i].rule && end < d->denials.n && items[end].rule &&
				  strcmp(items[end].rule, items[i].rule) == 0;)
			end++;
		const struct denial_run run = sum_up(items + i, end - i);
		if (items[i].rule)
			add_rule(d, rules, &run);
		else
			add_other(d, others, &items[i]);
	}
	if (!d->j.failed)
		tell_apart(rules);
	return rj_finish(&d->j, root, ret);
}

int suggest_denied(const struct suggest_input *in, cJSON **ret)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct suggest s = { .in = in, .arena = arena };
	struct denying d = { .s = &s };
	int r = arena ? suggest_look(&s) : -ENOMEM;

	for (size_t i = 0; i < in->evidence->n && r == 0; i++)
		if (s.flows[i]->verdict != FLOW_ALLOWED)
			r = add_denial(&d, s.flows[i]);
	if (r < 0)
		return r;
	if (d.denials.n)
		qsort(d.denials.items, d.denials.n, sizeof(*d.denials.items), by_rule);
	return to_json(&d, ret);
}

/* ---- into a file ---- */

static const char head[] = "# Rules that `netdctl allow` wrote, each with what it is for. They are "
			   "like any others:\n# edit them, move them, remove them.\nversion: 1\n\n"
			   "allow:\n";

static int fail(const char **error, const char *text)
{
	*error = text;
	return text ? SUGGEST_E_INVALID : -ENOMEM;
}

/* The hash is no proof against a container that chooses what it asks for: it can bring about a
 * denial whose rule has the number of another one. Neither of the two is taken then. */
static int find_rule(const cJSON *denied, uint32_t number, struct arena *arena, const cJSON **ret,
		     const char **error)
{
	const cJSON *rule, *list = cJSON_GetObjectItemCaseSensitive(denied, "rules");
	size_t n = 0;

	cJSON_ArrayForEach(rule, list) {
		const cJSON *item = cJSON_GetObjectItemCaseSensitive(rule, "number");
		if (!cJSON_IsNumber(item) || item->valuedouble != (double)number)
			continue;
		*ret = rule;
		n++;
	}
	if (n == 1)
		return 0;
	return fail(
		error,
		arena_printf(arena,
			     n ? "%u is the number of more than one denial: write the rule that "
				 "you want by hand"
			       : "no denial has the number %u: `netdctl suggest --denied` lists "
				 "them",
			     number));
}

static void print_allowed(const cJSON *rule, int64_t now, size_t indent, struct text *out)
{
	const cJSON *who = cJSON_GetObjectItemCaseSensitive(rule, "who");
	const cJSON *count = cJSON_GetObjectItemCaseSensitive(rule, "count");
	char day[SUGGEST_DAY_LEN], number[SUGGEST_NUMBER_LEN];
	int n = cJSON_GetArraySize(who);

	text_printf(out, "%*s# allowed on %s: denied %s times from %.10s to %.10s, %s", (int)indent,
		    "", suggest_day(now, day),
		    suggest_number((uint64_t)(count ? count->valuedouble : 0), number),
		    json_word(rule, "first"), json_word(rule, "last"),
		    n ? cJSON_GetStringValue(cJSON_GetArrayItem(who, 0)) : "");
	if (n > 1)
		text_printf(out, " and %d more", n - 1);
	text_printf(out, "\n%*s- %s\n", (int)indent, "", json_word(rule, "rule"));
}

/* Behind the rules that are there. */
static int find_end(const struct suggest_chosen *chosen, struct arena *arena,
		    struct suggest_lines *lines, struct lines_section *ret, const char **error)
{
	const struct policy_source source = { "", chosen->old, strlen(chosen->old) };
	int r = lines_split(&source, arena, lines);

	if (r < 0)
		return r;
	if (lines_find(lines, "allow", ret) == LINES_BLOCK)
		return 0;
	return fail(error,
		    "the file of earlier rules has no list `allow:` with a rule on each line");
}

int suggest_allow(const cJSON *denied, const struct suggest_chosen *chosen, struct arena *arena,
		  char **ret, const char **error)
{
	struct text added CLEANUP(text_done) = { 0 }, out CLEANUP(text_done) = { 0 };
	struct lines_section place = { .indent = 2 };
	struct suggest_lines lines = { .n = 0 };
	int r = *chosen->old ? find_end(chosen, arena, &lines, &place, error) : 0;

	if (r != 0)
		return r;
	for (size_t i = 0; i < chosen->n; i++) {
		const cJSON *rule = NULL;
		r = find_rule(denied, chosen->numbers[i], arena, &rule, error);
		if (r != 0)
			return r;
		text_add(&added, *chosen->old || i ? "\n" : "");
		print_allowed(rule, chosen->now, place.indent, &added);
	}
	const struct lines_insertion insertion = { 0, place.end, text_str(&added) };
	if (*chosen->old)
		lines_apply(&(struct lines_change){ &lines, &insertion, 1 }, &out);
	else
		text_printf(&out, "%s%s", head, text_str(&added));
	if (text_failed(&added) || text_failed(&out))
		return -ENOMEM;
	*ret = TAKE_PTR(out.bytes);
	return 0;
}
