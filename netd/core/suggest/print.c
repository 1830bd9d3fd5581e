/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tiers, rules and tests as they stand in a policy file, with what was seen as comments. */
#include <stdlib.h>
#include <string.h>

#include "core/base/sort.h"
#include "core/suggest/draft.h"

/* Names in one comment; the rest is a number. */
#define NAMES_LISTED 3u
#define PORTS_LISTED 6u

static void indent_by(size_t n, struct text *out)
{
	text_printf(out, "%*s", (int)n, "");
}

/* ---- evidence ---- */

struct print_sum {
	uint64_t count;
	int64_t first, last;
};

static struct print_sum sum_up(struct suggest_edge *const *edges, size_t n)
{
	struct print_sum sum = { 0, INT64_MAX, 0 };

	for (size_t i = 0; i < n; i++) {
		const struct flow *flow = edges[i]->flow;
		sum.count += flow->count;
		sum.first = flow->first < sum.first ? flow->first : sum.first;
		sum.last = flow->last > sum.last ? flow->last : sum.last;
	}
	return sum;
}

static void print_days(int64_t first, int64_t last, struct text *out)
{
	char a[SUGGEST_DAY_LEN], b[SUGGEST_DAY_LEN];

	(void)suggest_day(first, a);
	(void)suggest_day(last, b);
	if (strcmp(a, b) == 0)
		text_printf(out, "on %s", a);
	else
		text_printf(out, "from %s to %s", a, b);
}

static int by_text(const void *left, const void *right)
{
	const char *const *a = left, *const *b = right;

	return strcmp(*a, *b);
}

/* "web-1, web-2, web-3 and 9 more". */
static void print_names(const struct suggest *s, const struct suggest_rule *rule, bool source,
			struct text *out)
{
	const char **names = arena_alloc(s->arena, (rule->n_edges + 1) * sizeof(*names));
	size_t n = 0;

	out->failed |= !names;
	for (size_t i = 0; names && i < rule->n_edges; i++) {
		const struct flow *flow = rule->edges[i]->flow;
		names[n] = suggest_end_text(source ? &flow->from : &flow->to, s->arena);
		out->failed |= !names[n];
		n += names[n] != NULL;
	}
	n = sort_once(names, n, sizeof(*names), by_text);
	for (size_t i = 0; i < n && i < NAMES_LISTED; i++)
		text_printf(out, "%s%s", i ? ", " : "", names[i]);
	if (n > NAMES_LISTED)
		text_printf(out, " and %zu more", n - NAMES_LISTED);
}

/* How often each port was asked for, where there are several. */
static void print_port_counts(const struct suggest_rule *rule, size_t indent, struct text *out)
{
	char number[SUGGEST_NUMBER_LEN], name[PORT_RANGE_TEXT_LEN];

	if (rule->n_ports < 2 || rule->n_ports > PORTS_LISTED)
		return;
	indent_by(indent, out);
	text_add(out, "# ");
	for (size_t p = 0; p < rule->n_ports; p++) {
		uint64_t count = 0;
		for (size_t i = 0; i < rule->n_edges; i++)
			if (port_range_contains(&rule->ports[p],
						(enum ip_proto)rule->edges[i]->port.proto,
						rule->edges[i]->port.lo))
				count += rule->edges[i]->flow->count;
		text_printf(out, "%s%s: %s", p ? ", " : "",
			    port_range_format(&rule->ports[p], name),
			    suggest_number(count, number));
	}
	text_add(out, "\n");
}

static void print_evidence(const struct suggest *s, const struct suggest_rule *rule, size_t indent,
			   struct text *out)
{
	struct print_sum sum = sum_up(rule->edges, rule->n_edges);
	char number[SUGGEST_NUMBER_LEN];

	indent_by(indent, out);
	text_printf(out, "# %s %s ", suggest_number(sum.count, number),
		    sum.count == 1 ? "time" : "times");
	print_days(sum.first, sum.last, out);
	text_add(out, ": ");
	print_names(s, rule, true, out);
	text_add(out, " -> ");
	print_names(s, rule, false, out);
	text_add(out, "\n");
	print_port_counts(rule, indent, out);
	if (rule->folded) {
		indent_by(indent, out);
		text_add(out, "# The server chooses its ports: between those seen others are "
			      "allowed, too.\n");
	}
}

/* ---- parts of a policy ---- */

static void print_ports(const struct suggest_rule *rule, struct text *out)
{
	char name[PORT_RANGE_TEXT_LEN];

	for (size_t i = 0; i < rule->n_ports; i++)
		text_printf(out, "%s%s", i ? ", " : "", port_range_format(&rule->ports[i], name));
}

void suggest_print_rule(const struct suggest *s, const struct suggest_rule *rule, size_t indent,
			struct text *out)
{
	bool dns = strcmp(rule->to, "dns") == 0; /* has its port in it */

	print_evidence(s, rule, indent, out);
	if (rule->why) {
		indent_by(indent, out);
		text_printf(out, "# Not without you: %s.\n", rule->why);
	}
	indent_by(indent, out);
	text_printf(out, "%s- {from: %s, to: %s", rule->why ? "# " : "", rule->from, rule->to);
	if (!dns) {
		text_add(out, ", ports: [");
		print_ports(rule, out);
		text_add(out, "]");
	}
	text_add(out, "}\n");
}

void suggest_print_tier(const struct suggest *s, const struct suggest_group *group, size_t indent,
			struct text *out)
{
	indent_by(indent, out);
	text_printf(out, "%s:\n", group->name);
	indent_by(indent, out);
	text_add(out, "  match:\n");
	for (size_t i = 0; i < group->n_whos; i++) {
		indent_by(indent, out);
		text_printf(out, "    - {%s}\n", s->whos.items[group->whos[i]].key);
	}
	indent_by(indent, out);
	text_add(out, "  within: deny\n");
}

/* ---- the whole ---- */

size_t suggest_active_rules(const struct suggest *s)
{
	size_t n = 0;

	while (n < s->n_rules && !s->rules[n].why)
		n++;
	return n;
}

void suggest_print_head(const struct suggest *s, struct text *out)
{
	struct print_sum sum = { 0, INT64_MAX, 0 };
	char number[SUGGEST_NUMBER_LEN], flows[SUGGEST_NUMBER_LEN];

	for (size_t i = 0; i < s->edges.n; i++) {
		const struct flow *flow = s->edges.items[i].flow;
		sum.count += flow->count;
		sum.first = flow->first < sum.first ? flow->first : sum.first;
		sum.last = flow->last > sum.last ? flow->last : sum.last;
	}
	if (s->edges.n == 0) {
		text_add(out, "# Nothing was seen yet that a policy could be made of.\n");
		return;
	}
	text_printf(out, "# Made of what was seen: %s connections, %s different ones, ",
		    suggest_number(sum.count, number), suggest_number(s->edges.n, flows));
	print_days(sum.first, sum.last, out);
	text_add(out, ".\n");
}

static void print_tiers(const struct suggest *s, struct text *out)
{
	size_t n;
	const uint32_t *order = suggest_new_groups(s, &n);

	out->failed |= !order;
	text_add(out, n ? "\ntiers:\n" : "\n");
	for (size_t i = 0; i < n; i++) {
		if (i)
			text_add(out, "\n");
		suggest_print_tier(s, &s->groups[order[i]], 2, out);
	}
}

/* Somebody of it is there. */
static bool is_there(const struct suggest *s, const struct suggest_group *group)
{
	for (size_t i = 0; i < s->world->n_endpoints; i++) {
		const struct suggest_who *who = &s->whos.items[s->who_of[i]];
		const struct world_container *container =
			&s->world->containers[s->world->endpoints[i].container];
		if (who->group != SUGGEST_NONE && &s->groups[who->group] == group &&
		    !suggest_is_gone(container))
			return true;
	}
	return false;
}

/* A tier of jobs is empty between them, and validate need not say so. */
static void print_accepts(const struct suggest *s, struct text *out)
{
	size_t n, printed = 0;
	const uint32_t *order = suggest_new_groups(s, &n);

	out->failed |= !order;
	for (size_t i = 0; order && i < n; i++) {
		if (is_there(s, &s->groups[order[i]]))
			continue;
		text_printf(out,
			    "%s  - {finding: empty-tier, tier: %s, reason: it runs now and then}\n",
			    printed++ ? "" : "\naccept:\n", s->groups[order[i]].name);
	}
}

void suggest_print_policy(const struct suggest *s, struct text *out)
{
	size_t n_active = suggest_active_rules(s);

	suggest_print_head(s, out);
	text_add(out, "\nversion: 1\n");
	print_tiers(s, out);
	if (s->n_rules)
		text_add(out, n_active ? "\nallow:\n" : "\n# allow:\n");
	for (size_t i = 0; i < s->n_rules; i++) {
		if (i)
			text_add(out, "\n");
		suggest_print_rule(s, &s->rules[i], 2, out);
	}
	text_add(out, n_active || s->n_groups ? "\ntests:\n" : "");
	suggest_print_tests(s, 2, out);
	print_accepts(s, out);
}
