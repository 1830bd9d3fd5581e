/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flows that a new policy lets pass, and those that it does not any more. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/report/planning.h"
#include "core/report/print.h"

/* ---- one change ---- */

static void add_families(struct rj *j, cJSON *object, uint8_t bits)
{
	cJSON *families = rj_add_array(j, object, "families");
	unsigned int any = bits | bits >> 2 | bits >> 4; /* of the addresses of a prefix */

	for (unsigned int family = 0; family < 2; family++)
		if (any & 1u << family)
			rj_push_number(j, families, family ? IP_V6 : IP_V4);
}

struct flow_change {
	struct survey_end from, to;
	const survey_parts *parts;
	cJSON *list;
	const uint8_t *bits;	       /* per part: the families that change */
	survey_selection selected;     /* the parts of this change: same rule, same families */
	uint8_t families;	       /* of these */
	struct host_changes *of_hosts; /* of one group of the fleet's hosts; NULL: of all there is
					*/
};

static const struct survey_verdict *verdict_of(const struct flow_change *change)
{
	return &change->parts->items[change->selected.items[0]].verdict[PLAN_NEW];
}

/* The rule that lets it in, or that now denies it, or none any more. */
static void add_rule(const struct planning *p, struct rj *j, cJSON *object,
		     const struct flow_change *change)
{
	const struct survey_verdict *now = verdict_of(change);

	rj_bool(j, object, "audited", now->audited != 0);
	if (now->rule)
		report_add_rule_place(j, rj_add_object(j, object, "rule"),
				      p->survey->in[PLAN_NEW]->policy, now->rule);
}

/* @hosts: the name of the end that is the fleet, or NULL. */
static void add_change(struct planning *p, const struct flow_change *change, const char *hosts)
{
	const struct survey_end ends[2] = { change->from, change->to };
	static const char *const names[2] = { "from", "to" };
	char name[LIMIT_PEER_TEXT];
	cJSON *object = rj_push_object(&p->j, change->list);

	for (size_t i = 0; i < 2; i++)
		rj_text(&p->j, object, names[i],
			hosts && ends[i].kind == SURVEY_HOSTS
				? hosts
				: survey_end_name(p->survey, ends[i], name));
	survey_print_ports(&p->j, object, change->parts, &change->selected);
	add_families(&p->j, object, change->families);
	add_rule(p, &p->j, object, change);
	p->changed |= change->list != p->kept;
}

/* ---- the fleet's hosts: what is the same of several groups is told once ---- */

struct host_change {
	struct flow_change change;
	const char *text; /* what is told of it but its ends and families */
	uint64_t hash;
	survey_selection groups; /* of one family */
	struct survey_hosts_name name;
};

struct host_changes {
	uint32_t group; /* the one that is asked about */
	VEC(struct host_change) items;
};

static const char *text_of(const struct planning *p, const struct flow_change *change)
{
	struct rj j = { 0 };
	cJSON *object = rj_object(&j);

	survey_print_ports(&j, object, change->parts, &change->selected);
	add_rule(p, &j, object, change);
	CLEANUP(free_ptr) char *text = j.failed ? NULL : cJSON_PrintUnformatted(object);
	cJSON_Delete(object);
	return text ? arena_strdup(p->scratch, text) : NULL;
}

static struct host_change *find_host_change(struct host_changes *changes,
					    const struct host_change *like)
{
	for (size_t i = 0; i < changes->items.n; i++) {
		struct host_change *item = &changes->items.items[i];
		if (item->hash == like->hash && item->change.list == like->change.list &&
		    item->change.families == like->change.families &&
		    strcmp(item->text, like->text) == 0)
			return item;
	}
	return NULL;
}

static int note_host_change(const struct planning *p, const struct flow_change *change)
{
	struct host_changes *changes = change->of_hosts;
	struct host_change new = { .change = *change, .text = text_of(p, change) };
	survey_selection *selected = &new.change.selected;

	if (!new.text)
		return -ENOMEM;
	new.hash = hash_add(HASH_BEGIN, new.text, strlen(new.text));
	struct host_change *known = find_host_change(changes, &new);
	if (known)
		return VEC_PUSH(p->scratch, &known->groups, changes->group);
	*selected = (survey_selection){ 0 };
	selected->items = arena_dup(p->scratch, change->selected.items,
				    change->selected.n * sizeof(*selected->items));
	selected->n = selected->cap = change->selected.n;
	if (!selected->items || VEC_PUSH(p->scratch, &new.groups, changes->group) < 0)
		return -ENOMEM;
	return VEC_PUSH(p->scratch, &changes->items, new);
}

/* Of both families where it is the same hosts of both: the one before, or NULL. */
static struct host_change *find_other_family(const struct host_changes *changes, size_t at)
{
	const struct host_change *like = &changes->items.items[at];

	for (size_t i = 0; i < at; i++) {
		struct host_change *item = &changes->items.items[i];
		if (item->hash == like->hash && item->change.list == like->change.list &&
		    item->name.hash == like->name.hash && strcmp(item->text, like->text) == 0)
			return item;
	}
	return NULL;
}

static int add_host_changes(struct planning *p, struct host_changes *changes,
			    const struct survey_host_groups *groups)
{
	for (size_t i = 0; i < changes->items.n; i++) {
		struct host_change *item = &changes->items.items[i];
		if (survey_name_hosts(p->survey, groups, &item->groups, p->scratch, &item->name) <
		    0)
			return -ENOMEM;
		struct host_change *other = find_other_family(changes, i);
		if (!other)
			continue;
		other->change.families |= item->change.families;
		item->change.list = NULL;
	}
	for (size_t i = 0; i < changes->items.n; i++) {
		const struct host_change *item = &changes->items.items[i];
		if (item->change.list)
			add_change(p, &item->change, item->name.text);
	}
	return 0;
}

/* ---- the changes between two ends ---- */

/* A part that changes, with what the changes of several parts have in common. */
struct changed_part {
	uint32_t part, rule;
	uint8_t bits, audited;
	uint32_t first; /* the first part of its change */
};

static bool is_one_change(const struct changed_part *a, const struct changed_part *b)
{
	return a->bits == b->bits && a->rule == b->rule && a->audited == b->audited;
}

static int by_change(const void *left, const void *right)
{
	const struct changed_part *a = left, *b = right;

	if (a->rule != b->rule)
		return a->rule < b->rule ? -1 : 1;
	if (a->bits != b->bits)
		return (int)a->bits - (int)b->bits;
	if (a->audited != b->audited)
		return (int)a->audited - (int)b->audited;
	return a->part < b->part ? -1 : a->part > b->part;
}

/* In the order of their first parts. */
static int by_first_part(const void *left, const void *right)
{
	const struct changed_part *a = left, *b = right;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return a->part < b->part ? -1 : a->part > b->part;
}

/* Change by change, each with its parts in order; how many parts. */
static size_t group_changes(const struct flow_change *common, struct changed_part *ret)
{
	size_t n = 0;

	for (uint32_t i = 0; i < common->parts->n; i++) {
		const struct survey_verdict *now = &common->parts->items[i].verdict[PLAN_NEW];
		if (common->bits[i])
			ret[n++] = (struct changed_part){ i, now->rule, common->bits[i],
							  now->audited, i };
	}
	if (n)
		qsort(ret, n, sizeof(*ret), by_change);
	for (size_t i = 1; i < n; i++)
		if (is_one_change(&ret[i - 1], &ret[i]))
			ret[i].first = ret[i - 1].first;
	if (n)
		qsort(ret, n, sizeof(*ret), by_first_part);
	return n;
}

static int add_changes(struct planning *p, const struct flow_change *common)
{
	struct changed_part *changed = arena_alloc(p->scratch, common->parts->n * sizeof(*changed));
	struct flow_change change = *common;
	size_t n = changed ? group_changes(common, changed) : 0;
	int r = changed ? 0 : -ENOMEM;

	for (size_t i = 0, next; i < n && r == 0; i = next) {
		change.selected.n = 0;
		change.families = changed[i].bits;
		for (next = i; next < n && changed[next].first == changed[i].first; next++)
			if (VEC_PUSH(p->scratch, &change.selected, changed[next].part) < 0)
				return -ENOMEM;
		if (change.of_hosts)
			r = note_host_change(p, &change);
		else
			add_change(p, &change, NULL);
	}
	return r;
}

static int compare_ends(struct planning *p, struct flow_change change)
{
	survey_parts *parts = arena_alloc(p->scratch, sizeof(*parts));
	int r = parts ? survey_ask(p->survey, change.from, change.to, p->scratch, parts) : -ENOMEM;

	if (r < 0)
		return r;
	uint8_t *gained = arena_alloc(p->scratch, parts->n),
		*lost = arena_alloc(p->scratch, parts->n),
		*kept = arena_alloc(p->scratch, parts->n);
	if (!gained || !lost || !kept)
		return -ENOMEM;
	for (size_t i = 0; i < parts->n; i++) {
		const struct survey_verdict *v = parts->items[i].verdict;
		gained[i] = v[PLAN_NEW].allowed & (uint8_t)~v[PLAN_OLD].allowed;
		lost[i] = v[PLAN_OLD].allowed & (uint8_t)~v[PLAN_NEW].allowed;
		kept[i] = v[PLAN_OLD].allowed & v[PLAN_NEW].allowed;
	}
	change.parts = parts;
	const struct {
		cJSON *list;
		const uint8_t *bits;
	} found[] = { { p->gained, gained }, { p->lost, lost }, { p->kept, kept } };
	for (size_t i = 0; i < ARRAY_LEN(found) && found[i].list && r == 0; i++) {
		change.list = found[i].list;
		change.bits = found[i].bits;
		r = add_changes(p, &change);
	}
	return r;
}

static const struct survey_host_groups *groups_between(const struct survey *survey,
						       struct survey_end from, struct survey_end to)
{
	if (from.kind == SURVEY_HOSTS && to.kind == SURVEY_CLASS)
		return &survey->classes[to.index].host_sources;
	if (to.kind == SURVEY_HOSTS && from.kind == SURVEY_CLASS)
		return &survey->classes[from.index].host_destinations;
	return NULL;
}

static int compare_pair(struct planning *p, struct survey_end from, struct survey_end to)
{
	const struct survey_host_groups *groups = groups_between(p->survey, from, to);
	struct host_changes changes = { 0 };
	struct flow_change change = { .from = from, .to = to };
	int r = 0;

	if (!groups || groups->n == 0)
		return compare_ends(p, change);
	change.of_hosts = &changes;
	for (size_t i = 0; i < groups->n && r == 0; i++) {
		struct survey_end end = survey_host_group_end(p->survey, groups, i);
		changes.group = (uint32_t)i;
		change.from = from.kind == SURVEY_HOSTS ? end : from;
		change.to = to.kind == SURVEY_HOSTS ? end : to;
		r = compare_ends(p, change);
	}
	return r < 0 ? r : add_host_changes(p, &changes, groups);
}

int plan_compare_flows(struct planning *p)
{
	struct survey_end from, to;
	struct survey_walk walk;
	CLEANUP(arena_freep) struct arena *scratch = arena_new();
	int r = scratch ? survey_walk_init(p->survey, &walk) : -ENOMEM;

	p->scratch = scratch;
	while (r == 0 && survey_walk_next(p->survey, &walk, &from, &to)) {
		r = compare_pair(p, from, to);
		arena_clear(scratch);
	}
	return r;
}
