/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fleet plan: what files would change, host by host and in sum. One host is judged after the other;
 * what is kept of each are its numbers, and of plans those that differ. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/limits.h"
#include "core/fleet/inventory.h"
#include "core/report/json.h"
#include "ctl/fleet-judge.h"
#include "ctl/progress.h"

/* Hosts of which the same is told. */
struct planned_kind {
	char *plan;
	uint64_t hash;
	VEC(size_t) hosts;
};

struct fleet_planning {
	struct judge judge;
	struct judge_host *hosts;
	size_t n_hosts;
	VEC(struct planned_kind) kinds;
	size_t bytes; /* of their plans */
};

/* ---- who there is ---- */

struct host_names {
	VEC(const char *) items;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What is behind @below; a name that no host has is somebody's mistake, and says so where hosts are
 * listed (fleet status). */
static int add_names(struct host_names *names, const struct etcd_key *keys, size_t n,
		     const char *below, struct arena *arena)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		const char *name = text_after(keys[i].key, below);
		if (name && fleet_is_name(name))
			r = VEC_PUSH(arena, &names->items, name);
	}
	return r;
}

/* Those with a record, and those with an inventory. */
static int list_hosts(struct fleet_planning *p)
{
	const struct fleet *fleet = p->judge.fleet;
	struct arena *arena = fleet->arena;
	const char *records = arena_printf(arena, "%s/records/", fleet->conf.prefix);
	const struct fleet_range range = { fleet_inventory_key(fleet->conf.prefix, "", arena),
					   arena_printf(arena, "%s/worlds0", fleet->conf.prefix) };
	const struct etcd_key *keys = NULL;
	struct host_names names = { 0 };
	size_t n = 0;

	if (!records || !range.first || !range.end)
		return ctl_out_of_memory();
	int status = fleet_store_get(fleet->store, &range, arena, &keys, &n);
	if (status != CTL_OK)
		return status;
	if (add_names(&names, keys, n, range.first, arena) < 0)
		return ctl_out_of_memory();
	keys = etcd_mirror_below(&p->judge.before, records, &n);
	if (add_names(&names, keys, n, records, arena) < 0)
		return ctl_out_of_memory();
	if (names.items.n > 0)
		qsort(names.items.items, names.items.n, sizeof(*names.items.items), by_name);
	p->hosts = arena_alloc(arena, names.items.n * sizeof(*p->hosts));
	if (!p->hosts)
		return ctl_out_of_memory();
	for (size_t i = 0; i < names.items.n; i++)
		if (i == 0 || strcmp(names.items.items[i - 1], names.items.items[i]) != 0)
			p->hosts[p->n_hosts++] =
				(struct judge_host){ .host = names.items.items[i] };
	return CTL_OK;
}

/* ---- judging ---- */

/* Takes @plan. 0 or -ENOMEM. */
static int add_plan(struct fleet_planning *p, size_t host, char *plan)
{
	CLEANUP(free_ptr) char *mine = plan;
	struct arena *arena = p->judge.fleet->arena;
	size_t len = strlen(plan);
	struct planned_kind kind = { .hash = hash_add(HASH_BEGIN, plan, len) };

	for (size_t i = 0; i < p->kinds.n; i++) {
		struct planned_kind *known = &p->kinds.items[i];
		if (known->hash == kind.hash && strcmp(known->plan, plan) == 0) {
			p->hosts[host].is_shown = true;
			return VEC_PUSH(arena, &known->hosts, host);
		}
	}
	if (p->bytes + len > LIMIT_FLEET_PLANS)
		return 0;
	p->hosts[host].is_shown = true;
	p->bytes += len;
	if (VEC_PUSH(arena, &kind.hosts, host) < 0)
		return -ENOMEM;
	kind.plan = TAKE_PTR(mine);
	if (VEC_PUSH(arena, &p->kinds, kind) == 0)
		return 0;
	free(kind.plan);
	return -ENOMEM;
}

static int judge_all(struct fleet_planning *p)
{
	int status = CTL_OK;

	for (size_t i = 0; i < p->n_hosts && status == CTL_OK; i++) {
		char *plan = NULL;
		status = judge_host(&p->judge, &p->hosts[i], &plan);
		if (plan && add_plan(p, i, plan) < 0)
			status = ctl_out_of_memory();
	}
	return status;
}

/* ---- the report ---- */

static const char *const count_names[JUDGE_COUNTS] = { "n_gained", "n_lost", "n_opened",
						       "n_closed" };

static void add_host(struct rj *j, cJSON *list, const struct judge_host *host)
{
	cJSON *object = rj_push_object(j, list);

	rj_text(j, object, "host", host->host);
	rj_text(j, object, "state", host->state);
	rj_text(j, object, "groups", host->groups);
	rj_bool(j, object, "judged", host->is_judged);
	rj_bool(j, object, "shown", host->is_shown);
	rj_text(j, object, "unknown", host->unknown);
	rj_text(j, object, "refused", host->refused);
	rj_bool(j, object, "changed", host->is_changed);
	for (size_t i = 0; i < JUDGE_COUNTS; i++)
		rj_number(j, object, count_names[i], (double)host->n[i]);
}

static void add_kind(struct rj *j, cJSON *list, const struct fleet_planning *p,
		     const struct planned_kind *kind)
{
	cJSON *object = rj_push_object(j, list);
	cJSON *hosts = rj_add_array(j, object, "hosts");

	for (size_t i = 0; i < kind->hosts.n; i++)
		rj_push_text(j, hosts, p->hosts[kind->hosts.items[i]].host);
	(void)rj_add(j, object, "plan", cJSON_CreateRaw(kind->plan));
}

static void add_zone(struct rj *j, cJSON *root, const struct fleet_planning *p)
{
	cJSON *object = rj_add_object(j, root, "zone");
	size_t n = 0, n_away = 0;

	for (size_t i = 0; i < p->judge.members.n; i++)
		n += p->judge.members.items[i].n_addrs > 0;
	for (size_t i = 0; i < p->n_hosts; i++)
		n_away += !p->hosts[i].state;
	rj_bool(j, object, "named", p->judge.names_hosts);
	rj_number(j, object, "hosts", (double)n);
	rj_number(j, object, "away", (double)n_away);
}

struct sum {
	size_t n_changed, n_unknown, n_refused, n[JUDGE_COUNTS];
};

static struct sum sum_up(const struct fleet_planning *p)
{
	struct sum sum = { 0 };

	for (size_t i = 0; i < p->n_hosts; i++) {
		const struct judge_host *host = &p->hosts[i];
		sum.n_changed += host->is_changed;
		sum.n_unknown += host->unknown != NULL;
		sum.n_refused += host->refused != NULL;
		for (size_t k = 0; k < JUDGE_COUNTS; k++)
			sum.n[k] += host->n[k];
	}
	return sum;
}

static cJSON *plan_report(const struct fleet_planning *p, const struct sum *sum, const char *digest)
{
	const struct fleet *fleet = p->judge.fleet;
	const char *key = fleet_signature_key(fleet->conf.prefix, fleet->arena);
	struct rj j = { .failed = !key };
	cJSON *root = rj_answer(&j), *list;

	rj_number(&j, root, "revision", (double)p->judge.before.revision);
	rj_text(&j, root, "policy_digest", digest);
	rj_bool(&j, root, "signed", key && etcd_mirror_find(&p->judge.before, key) != NULL);
	list = rj_add_array(&j, root, "hosts");
	for (size_t i = 0; i < p->n_hosts; i++)
		add_host(&j, list, &p->hosts[i]);
	list = rj_add_array(&j, root, "plans");
	for (size_t i = 0; i < p->kinds.n; i++)
		add_kind(&j, list, p, &p->kinds.items[i]);
	add_zone(&j, root, p);
	list = rj_add_object(&j, root, "sum");
	rj_number(&j, list, "hosts", (double)p->n_hosts);
	rj_number(&j, list, "changed", (double)sum->n_changed);
	rj_number(&j, list, "unknown", (double)sum->n_unknown);
	rj_number(&j, list, "refused", (double)sum->n_refused);
	for (size_t i = 0; i < JUDGE_COUNTS; i++)
		rj_number(&j, list, count_names[i], (double)sum->n[i]);
	return rj_finish(&j, root, &root) == 0 ? root : NULL;
}

/* What is not known comes first: whoever takes a change for what was planned must not take it. */
static int exit_of(const struct fleet_planning *p, const struct sum *sum)
{
	if (sum->n_unknown > 0 || p->n_hosts == 0)
		return CTL_UNREACHABLE;
	return sum->n_changed > 0 || sum->n_refused > 0 ? CTL_FINDING : CTL_OK;
}

static int plan_change(struct fleet_planning *p, struct fleet_change *change)
{
	char digest[HASH_TEXT_LEN];
	int status = fleet_change_read_files(change);

	if (status == CTL_OK && fleet_change_store(change, &p->judge.after) < 0)
		status = ctl_out_of_memory();
	if (status == CTL_OK)
		status = fleet_change_check(change);
	if (status == CTL_OK)
		status = fleet_policy_digest(change->fleet, digest);
	if (status == CTL_OK)
		status = list_hosts(p);
	if (status == CTL_OK)
		status = judge_all(p);
	if (status != CTL_OK)
		return status;
	const struct sum sum = sum_up(p);
	return show_report(p->judge.fleet->ctl, plan_report(p, &sum, digest), show_fleet_plan,
			   exit_of(p, &sum));
}

int fleet_plan(const struct fleet *fleet)
{
	struct fleet_planning p = { 0 };
	struct fleet now = *fleet;
	struct fleet_change change;

	progress_begin();
	/* As of one moment: the client's copy changes while hosts are asked for. */
	p.judge.before = *fleet->keys;
	p.judge.before.keys = etcd_copy_keys(fleet->keys->keys, fleet->keys->n, fleet->arena);
	if (!p.judge.before.keys)
		return ctl_out_of_memory();
	now.keys = &p.judge.before;
	p.judge.fleet = &now;
	if (judge_read_members(&p.judge) < 0)
		return ctl_out_of_memory();
	int status = fleet_change_begin(&change, &now, fleet->args->group);
	/* A canary that is under way goes before others can have something else. */
	change.without = fleet_canary_below(now.conf.prefix, "", now.arena);
	if (status == CTL_OK && !change.without)
		status = ctl_out_of_memory();
	if (status == CTL_OK)
		status = plan_change(&p, &change);
	for (size_t i = 0; i < p.kinds.n; i++)
		free(p.kinds.items[i].plan);
	return status;
}
