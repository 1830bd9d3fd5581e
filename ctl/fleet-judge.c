/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/fleet-judge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/limits.h"
#include "core/fleet/inventory.h"
#include "core/world/world-store.h"
#include "ctl/out-text.h"
#include "edge/pack/pack.h"

/* ---- policies ---- */

/* "policy/web.yaml:3: unknown tier", of the first error. NULL: no memory. */
static const char *first_error(const struct diag_list *diags, struct arena *arena)
{
	for (size_t i = 0; i < diags->diags.n; i++) {
		const struct diag *diag = &diags->diags.items[i];
		if (diag->severity == DIAG_ERROR)
			return arena_printf(arena, "%s:%u: %s", diag->loc.file, diag->loc.line,
					    diag->text);
	}
	return arena_strdup(arena, "it is not valid");
}

/* As a host's netd does it, before it takes a policy. 0: *ret; POLICY_E_INVALID: *error says why
 * not; -ENOMEM. */
static int read_policy(const struct judge *judge, const struct fleet_policy *files,
		       const struct policy **ret, const char **error)
{
	struct arena *arena = judge->fleet->arena;
	struct diag_list diags;

	diag_init(&diags, arena);
	int r = policy_parse(files->sources, files->n_sources, arena, &diags, ret);
	if (r == 0)
		r = report_check_accepts(*ret, &diags);
	if (r == 0)
		r = report_check_tests(*ret, judge->fleet->ctl->now, &diags);
	if (r <= 0)
		return r;
	*error = first_error(&diags, arena);
	return *error ? POLICY_E_INVALID : -ENOMEM;
}

/* 0: *ret, NULL where the store has no files; POLICY_E_INVALID: no host would take it; -ENOMEM. */
static int policy_in(const struct judge *judge, const struct etcd_mirror *store,
		     const struct fleet_inventory *stored, const struct policy **ret,
		     const char **error)
{
	const struct fleet *fleet = judge->fleet;
	struct fleet_policy files = { 0 };
	int r = fleet_policy_of(store, fleet->conf.prefix, stored->groups, stored->n_groups,
				fleet->arena, &files, error);

	*ret = NULL;
	if (r != 0)
		return r < 0 ? r : POLICY_E_INVALID;
	return files.n_sources > 0 ? read_policy(judge, &files, ret, error) : 0;
}

static int plain_policy(struct arena *arena, const struct policy **ret)
{
	static const struct policy_source source = { "(no policy)", REPORT_PLAIN_DOCKER,
						     sizeof(REPORT_PLAIN_DOCKER) - 1 };
	struct diag_list diags;

	diag_init(&diags, arena);
	return policy_parse(&source, 1, arena, &diags, ret) == 0 ? 0 : -ENOMEM;
}

static bool names_hosts(const struct policy *policy)
{
	return policy && policy_names_hosts(policy);
}

static int make_policies(struct judge *judge, const struct fleet_inventory *stored,
			 struct judge_policies *ret)
{
	int r = policy_in(judge, &judge->before, stored, &ret->old, &ret->unknown);

	ret->is_plain = r == 0 && !ret->old;
	if (ret->is_plain)
		r = plain_policy(judge->fleet->arena, &ret->old);
	if (r < 0)
		return r;
	r = policy_in(judge, &judge->after, stored, &ret->new, &ret->refused);
	ret->keeps = r == 0 && !ret->new;
	judge->names_hosts |= names_hosts(ret->old) || names_hosts(ret->new);
	return r < 0 ? r : 0;
}

static const char *group_names(const struct fleet_inventory *stored, struct arena *arena)
{
	CLEANUP(text_done) struct text text = { 0 };

	for (size_t i = 0; i < stored->n_groups; i++)
		text_printf(&text, "%s%s", i ? ", " : "", stored->groups[i]);
	return text_failed(&text) ? NULL : arena_strdup(arena, text_str(&text));
}

/* Those of a host's groups, which many hosts share. NULL: no memory. */
static const struct judge_policies *find_policies(struct judge *judge,
						  const struct fleet_inventory *stored)
{
	struct arena *arena = judge->fleet->arena;
	struct judge_policies made = { .groups = group_names(stored, arena) };

	if (!made.groups)
		return NULL;
	for (size_t i = 0; i < judge->policies.n; i++)
		if (strcmp(judge->policies.items[i].groups, made.groups) == 0)
			return &judge->policies.items[i];
	if (make_policies(judge, stored, &made) < 0 || VEC_PUSH(arena, &judge->policies, made) < 0)
		return NULL;
	return &judge->policies.items[judge->policies.n - 1];
}

/* ---- the host ---- */

static int set_unknown(struct judge *judge, struct judge_host *host, const char *why)
{
	host->unknown = host->unknown ? host->unknown : arena_strdup(judge->fleet->arena, why);
	return host->unknown ? 0 : -ENOMEM;
}

/* What its record says of itself, and of the newest inventory. 0 or -ENOMEM. */
static int look_at_record(struct judge *judge, struct judge_host *host, struct arena *arena,
			  struct fleet_record *ret)
{
	const char *key = fleet_record_key(judge->fleet->conf.prefix, host->host, arena);
	const struct etcd_key *found = key ? etcd_mirror_find(&judge->before, key) : NULL;
	cJSON *json = NULL;

	*ret = (struct fleet_record){ 0 };
	if (!key)
		return -ENOMEM;
	if (!found)
		return set_unknown(judge, host, "it is away: nobody knows what it runs now");
	int r = fleet_read_record(found->value, found->len, arena, ret, &json);
	cJSON_Delete(json);
	if (r < 0)
		return r == -ENOMEM ? r : set_unknown(judge, host, "its record is damaged");
	host->state = fleet_state_name(ret->state);
	if (ret->state != FLEET_IN_FORCE && ret->state != FLEET_NONE)
		r = set_unknown(judge, host,
				"the policy that is in force there is not the store's");
	return r;
}

/* Whether what it runs is what the store has. 0 or -ENOMEM. */
static int compare_inventory(struct judge *judge, struct judge_host *host,
			     const struct fleet_record *record,
			     const struct fleet_inventory *stored)
{
	const char *error = record->inventory_error ? record->inventory_error : "";

	if (!host->state || (record->inventory == stored->digest && !*error))
		return 0;
	const char *why = arena_printf(judge->fleet->arena, "its inventory is an old one%s%s",
				       *error ? ": " : "", error);
	return why ? set_unknown(judge, host, why) : -ENOMEM;
}

static int no_inventory(struct judge *judge, struct judge_host *host,
			const struct fleet_record *record)
{
	const char *error = record->inventory_error ? record->inventory_error : "";
	const char *why = arena_printf(judge->fleet->arena, "it has no inventory%s%s",
				       *error ? ": " : "", error);

	host->unknown = why;
	return why ? 0 : -ENOMEM;
}

static int damaged_inventory(struct judge *judge, struct judge_host *host, const char *error)
{
	const char *why = arena_printf(judge->fleet->arena, "its inventory is damaged: %s", error);

	host->unknown = why;
	return why ? 0 : -ENOMEM;
}

int judge_read_members(struct judge *judge)
{
	const struct fleet_word word = { .mirror = &judge->before,
					 .prefix = judge->fleet->conf.prefix,
					 .self = "" };
	const struct fleet_members nobody = { 0 };
	struct arena *arena = judge->fleet->arena;
	struct world_member *list = NULL;
	size_t n = 0;
	int r = fleet_next_members(&nobody, &word, arena, &judge->members);

	if (r == 0)
		r = fleet_world_members(&judge->members, arena, &list, &n);
	if (r < 0)
		return r;
	judge->addresses = list;
	judge->n_addresses = world_sort_members(list, n);
	return 0;
}

/* The others of the fleet, as the store knows them now, in the place of whatever the inventory
 * says: as netd-fleet tells netd of them. 0 or -ENOMEM. */
static int tell_members(const struct judge *judge, const char *host, struct arena *arena,
			struct world *world)
{
	struct world_member *others = arena_room(arena, judge->n_addresses * sizeof(*others));

	if (!others)
		return -ENOMEM;
	world->members = others;
	world->n_members = 0;
	for (size_t i = 0; i < judge->n_addresses; i++)
		if (strcmp(judge->addresses[i].host, host) != 0)
			others[world->n_members++] = judge->addresses[i];
	return 0;
}

/* As the host's netd has it: of a fleet of one host nobody is another, and nobody stands for one.
 */
static int complete(const struct judge *judge, const char *host, const struct world *world,
		    struct arena *arena, const struct world **ret)
{
	int r = report_complete_world(world, arena, &world);
	struct world *copy = r == 0 ? arena_dup(arena, world, sizeof(*world)) : NULL;

	if (!copy)
		return -ENOMEM;
	*ret = copy;
	return tell_members(judge, host, arena, copy);
}

/* The inventory as a world, in @arena. 0, and *ret is NULL where there is none: host->unknown says
 * why; -ENOMEM. */
static int unpack(struct judge *judge, struct judge_host *host,
		  const struct fleet_inventory *stored, struct arena *arena,
		  const struct world **ret)
{
	CLEANUP(free_ptr) char *text = NULL;
	const struct world *world = NULL;
	const char *error = "it cannot be unpacked";
	int r = pack_undo(stored->packed, stored->packed_len, stored->len, &text);

	if (r == 0 && fleet_inventory_digest(stored->groups, stored->n_groups, text, stored->len) !=
			      stored->digest) {
		error = "it is not what its digest is of";
		r = -EINVAL;
	}
	if (r == 0)
		r = world_parse_inventory(text, stored->len, arena, &world, &error);
	if (r == 0)
		return complete(judge, host->host, world, arena, ret);
	return r == -ENOMEM ? r : damaged_inventory(judge, host, error);
}

static size_t length_of(const cJSON *object, const char *list)
{
	int n = cJSON_GetArraySize(wire_array(object, list));

	return n > 0 ? (size_t)n : 0;
}

static void count(const cJSON *plan, struct judge_host *host)
{
	const cJSON *exposures = cJSON_GetObjectItemCaseSensitive(plan, "exposures");

	host->n[JUDGE_GAINED] = length_of(plan, "gained");
	host->n[JUDGE_LOST] = length_of(plan, "lost");
	host->n[JUDGE_OPENED] = length_of(exposures, "opened");
	host->n[JUDGE_CLOSED] = length_of(exposures, "closed");
}

/* 0 or -ENOMEM. */
static int plan(struct judge *judge, struct judge_host *host, const struct judge_policies *policies,
		const struct world *world, struct arena *arena, char **ret_plan)
{
	const struct policy *both[2] = { policies->old, policies->new };
	struct report_input in[2];
	cJSON *report = NULL;
	int r = report_prepare(both, 2, world, judge->fleet->ctl->now, arena, in);

	if (r == -EINVAL)
		return set_unknown(judge, host,
				   "the policy cannot be compiled for it: this is a bug in netd");
	in[0].plain = policies->is_plain;
	if (r == 0)
		r = report_plan(&in[0], &in[1], &report, &host->is_changed);
	if (r < 0)
		return r;
	host->is_judged = true;
	count(report, host);
	*ret_plan = cJSON_PrintUnformatted(report);
	cJSON_Delete(report);
	return *ret_plan ? 0 : -ENOMEM;
}

/* What the store has of it is @key. 0 or -ENOMEM. */
static int judge_inventory(struct judge *judge, struct judge_host *host, const struct etcd_key *key,
			   struct arena *arena, char **ret_plan)
{
	struct fleet_record record;
	struct fleet_inventory stored = { 0 };
	const struct world *world = NULL;
	int r = look_at_record(judge, host, arena, &record);

	if (r == 0 && !key)
		return no_inventory(judge, host, &record);
	if (r == 0)
		r = fleet_read_inventory(key->value, key->len, arena, &stored);
	if (r == -EINVAL)
		return damaged_inventory(judge, host, "it is of no form that is known");
	if (r == 0)
		r = compare_inventory(judge, host, &record, &stored);
	const struct judge_policies *policies = r == 0 ? find_policies(judge, &stored) : NULL;
	if (!policies)
		return -ENOMEM;
	host->groups = policies->groups;
	host->refused = policies->refused;
	if (policies->unknown)
		r = set_unknown(judge, host, policies->unknown);
	if (r < 0 || policies->unknown || policies->refused || policies->keeps)
		return r;
	r = unpack(judge, host, &stored, arena, &world);
	return r < 0 || !world ? r : plan(judge, host, policies, world, arena, ret_plan);
}

int judge_host(struct judge *judge, struct judge_host *host, char **ret_plan)
{
	const struct fleet *fleet = judge->fleet;
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct fleet_range range = { NULL, NULL };
	const struct etcd_key *keys = NULL;
	size_t n = 0;

	*ret_plan = NULL;
	if (arena)
		range.first = fleet_inventory_key(fleet->conf.prefix, host->host, arena);
	if (!range.first)
		return ctl_out_of_memory();
	int status = fleet_store_get(fleet->store, &range, arena, &keys, &n);
	if (status != CTL_OK)
		return status;
	return judge_inventory(judge, host, n > 0 ? keys : NULL, arena, ret_plan) < 0
		       ? ctl_out_of_memory()
		       : CTL_OK;
}
