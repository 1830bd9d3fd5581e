/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fleet apply --canary GROUP: the hosts of a group have the new files first, in the place of those
 * of all hosts; once they were in force there for a while, and nothing was cut off by them, all
 * have them. All of its state is in the store: who begins need not be who goes on. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/fleet/fleet.h"
#include "ctl/fleet-change.h"
#include "edge/base/clock.h"

#define SECOND_US UINT64_C(1000000)
/* netd has up to two minutes to check a policy before it answers. */
#define LEAST_START_US (180 * SECOND_US)
#define DEFAULT_WAIT_S 300u
#define ASK_US (5 * SECOND_US)

struct canary_host {
	const char *name;
	uint64_t n_denied; /* of what passed before, as it was told last */
};

struct canary_run {
	const struct fleet *fleet;
	const char *group;
	const struct fleet_files *files; /* that it has */
	bool is_seen;			 /* the copy of the store had them */
	VEC(struct canary_host) hosts;	 /* of the group that were there: none may go away */
	size_t n, n_in_force;
	char late[FLEET_NAME + 1]; /* one that does not have it in force, as of the last look */
	const char *failed;	   /* why it is taken back; NULL: nothing speaks against it */
	bool is_blind;		   /* on a host it is not seen what is denied */
};

/* ---- what the store says of it ---- */

/* Its files are there, and no others: somebody else may have changed it, or taken it back, and then
 * what hosts have in force says nothing of these. */
static bool is_there(const struct canary_run *canary, const char *below)
{
	const struct fleet_files *files = canary->files;
	size_t n = 0;
	const struct etcd_key *keys = etcd_mirror_below(canary->fleet->keys, below, &n);

	if (n != files->sources.n)
		return false;
	for (size_t i = 0; i < n; i++) {
		const char *name = keys[i].key + strlen(below);
		size_t k = 0;
		while (k < n && strcmp(files->sources.items[k].name, name) != 0)
			k++;
		if (k == n || files->sources.items[k].len != keys[i].len ||
		    memcmp(files->sources.items[k].bytes, keys[i].value, keys[i].len) != 0)
			return false;
	}
	return true;
}

static bool is_of_group(const struct fleet_record *record, const char *group)
{
	for (size_t i = 0; i < record->n_groups; i++)
		if (strcmp(record->groups[i], group) == 0)
			return true;
	return false;
}

/* NULL: it was not there yet. */
static struct canary_host *find_host(const struct canary_run *canary, const char *name)
{
	for (size_t i = 0; i < canary->hosts.n; i++)
		if (strcmp(canary->hosts.items[i].name, name) == 0)
			return &canary->hosts.items[i];
	return NULL;
}

static int fail(struct canary_run *canary, const char *host, const char *why, const char *more)
{
	if (!canary->failed)
		canary->failed = arena_printf(canary->fleet->arena, "%s %s%s%s", host, why,
					      *more ? ": " : "", more);
	return canary->failed ? 0 : -1;
}

/* NULL: no memory. */
static struct canary_host *note_host(struct canary_run *canary, const char *name)
{
	struct arena *arena = canary->fleet->arena;
	struct canary_host *known = find_host(canary, name);
	const struct canary_host host = { known ? NULL : arena_strdup(arena, name), 0 };

	if (known || !host.name || VEC_PUSH(arena, &canary->hosts, host) < 0)
		return known;
	return find_host(canary, name);
}

/* What it denies speaks against it, or is told of. 0, or -1: no memory. */
static int note_denied(struct canary_run *canary, struct canary_host *host,
		       const struct fleet_record *record)
{
	static const char what[] = "denies what passed before";
	const char *cut = record->cut ? record->cut : "";

	if (record->n_cut > 0 && !canary->fleet->args->accept_denials)
		return fail(canary, host->name, what, cut);
	if (record->n_cut > host->n_denied)
		printf("%s %s%s%s (flows in all: %" PRIu64 ")\n", host->name, what,
		       *cut ? ": " : "", cut, record->n_cut);
	(void)fflush(stdout);
	host->n_denied = record->n_cut; /* fewer: it counts anew */
	return 0;
}

/* What a host of the group says of it. 0, or -1: no memory. */
static int look_at_host(struct canary_run *canary, const char *host,
			const struct fleet_record *record, struct arena *scratch)
{
	const struct fleet *fleet = canary->fleet;
	struct canary_host *noted = note_host(canary, host);
	struct fleet_policy files;
	const char *error = NULL;

	canary->n++;
	if (!noted)
		return -1;
	if (fleet_policy_of(fleet->keys, fleet->conf.prefix, record->groups, record->n_groups,
			    scratch, &files, &error) != 0)
		return fail(canary, host, "cannot take the files of the store", error ? error : "");
	if (record->state == FLEET_REFUSED)
		return fail(canary, host, "refuses it", record->error);
	if (record->state != FLEET_IN_FORCE || record->digest != files.digest) {
		(void)snprintf(canary->late, sizeof(canary->late), "%s", host);
		return 0;
	}
	canary->n_in_force++;
	canary->is_blind |= record->is_blind || !record->has_canary;
	return note_denied(canary, noted, record);
}

/* All of them as of now. CTL_OK, or an exit status after saying why. */
static int look(struct canary_run *canary)
{
	const struct fleet *fleet = canary->fleet;
	CLEANUP(arena_freep) struct arena *scratch = arena_new();
	const char *below =
		scratch ? arena_printf(scratch, "%s/records/", fleet->conf.prefix) : NULL;
	size_t n = 0;
	int r = 0;

	if (!below)
		return ctl_out_of_memory();
	canary->n = canary->n_in_force = 0;
	canary->is_blind = false;
	const struct etcd_key *keys = etcd_mirror_below(fleet->keys, below, &n);
	for (size_t i = 0; i < n && r == 0; i++) {
		struct fleet_record record;
		cJSON *json = NULL;
		const char *host = keys[i].key + strlen(below);
		if (fleet_is_name(host) &&
		    fleet_read_record(keys[i].value, keys[i].len, scratch, &record, &json) == 0 &&
		    is_of_group(&record, canary->group))
			r = look_at_host(canary, host, &record, scratch);
		cJSON_Delete(json);
	}
	for (size_t i = 0; i < canary->hosts.n && r == 0; i++) {
		const char *key =
			fleet_record_key(fleet->conf.prefix, canary->hosts.items[i].name, scratch);
		if (key && !etcd_mirror_find(fleet->keys, key))
			r = fail(canary, canary->hosts.items[i].name, "is away", "");
	}
	return r == 0 ? CTL_OK : ctl_out_of_memory();
}

/* ---- waiting ---- */

static int say_how_to_go_on(const struct canary_run *canary, const char *why)
{
	ctl_complain(
		"%s: the hosts of the group %s have the canary, and keep it; `netdctl fleet apply "
		"--canary %s` with the same files goes on, `netdctl fleet rollback canary` "
		"takes it back",
		why, canary->group, canary->group);
	return CTL_UNREACHABLE;
}

static uint64_t wait_us(const struct fleet *fleet)
{
	return (fleet->args->wait_s ? fleet->args->wait_s : DEFAULT_WAIT_S) * SECOND_US;
}

static void say_progress(const struct canary_run *canary, size_t *told)
{
	/* What is not in the copy yet nobody has. */
	if (!canary->is_seen || *told == canary->n_in_force + 1)
		return;
	*told = canary->n_in_force + 1;
	printf("in force on %zu of %zu hosts of the group %s\n", canary->n_in_force, canary->n,
	       canary->group);
	(void)fflush(stdout);
}

static int say_changed(const struct canary_run *canary)
{
	ctl_complain("somebody else has changed the canary of the group %s meanwhile, or taken it "
		     "back: look at `netdctl fleet status`",
		     canary->group);
	return CTL_REFUSED;
}

/* All of it as of now. *ret_all: it is in force on all hosts of the group. CTL_OK, or an exit
 * status after saying why. */
static int look_at_canary(struct canary_run *canary, bool *ret_all)
{
	CLEANUP(arena_freep) struct arena *scratch = arena_new();
	const struct fleet *fleet = canary->fleet;
	const char *below =
		scratch ? fleet_canary_below(fleet->conf.prefix, canary->group, scratch) : NULL;

	*ret_all = false;
	if (!below)
		return ctl_out_of_memory();
	if (!is_there(canary, below))
		/* What was just written comes into the copy in a moment. */
		return canary->is_seen ? say_changed(canary) : CTL_OK;
	canary->is_seen = true;
	int status = look(canary);
	*ret_all = canary->n > 0 && canary->n_in_force == canary->n;
	return status;
}

/* Until something has changed, or for that long at most. A store that is silent is asked, so that
 * it shows where it cannot be. CTL_OK, or an exit status after saying how to go on. */
static int wait_for_news(const struct canary_run *canary, uint64_t us)
{
	const struct fleet *fleet = canary->fleet;
	CLEANUP(arena_freep) struct arena *scratch = arena_new();
	struct fleet_range range = { NULL, NULL };
	const struct etcd_key *keys = NULL;
	size_t n = 0;

	switch (fleet_store_wait(fleet->store, us < ASK_US ? us : ASK_US)) {
	case FLEET_STORE_CHANGED:
		return CTL_OK;
	case FLEET_STORE_STOPPED:
		return say_how_to_go_on(canary, "stopped");
	case FLEET_STORE_SILENT:
		break;
	}
	range.first = scratch ? fleet_signature_key(fleet->conf.prefix, scratch) : NULL;
	if (!range.first)
		return ctl_out_of_memory();
	return fleet_store_get(fleet->store, &range, scratch, &keys, &n) == CTL_OK
		       ? CTL_OK
		       : say_how_to_go_on(canary, "the store cannot be asked any more");
}

/* Until it has been in force on all of them for the time, or something speaks against it
 * (canary->failed). CTL_OK, or an exit status after saying how to go on. */
static int watch(struct canary_run *canary)
{
	const uint64_t hold = wait_us(canary->fleet), begun = clock_monotonic_us();
	const uint64_t last = begun + (hold > LEAST_START_US ? hold : LEAST_START_US);
	uint64_t since = 0; /* all have it; 0: not yet */
	size_t told = 0;

	canary->n = canary->n_in_force = 0;
	for (;;) {
		bool all = false;
		int status = look_at_canary(canary, &all);
		uint64_t now = clock_monotonic_us();
		if (status != CTL_OK || canary->failed)
			return status;
		say_progress(canary, &told);
		since = !all ? 0 : since ? since : now;
		if (since && now - since >= hold)
			return CTL_OK;
		if (!since && now >= last)
			return fail(canary, *canary->late ? canary->late : "the store",
				    "does not have it in force in time", "") == 0
				       ? CTL_OK
				       : ctl_out_of_memory();
		status = wait_for_news(canary, since ? since + hold - now : last - now);
		if (status != CTL_OK)
			return status;
	}
}

/* The copy follows the store as long as it is told of changes: that it was is not taken for granted
 * where all hosts are to have it. It is read once more, by a client of its own. */
static int look_anew(struct canary_run *canary)
{
	bool all = false;
	int status;

	canary->is_seen = true;
	status = look_at_canary(canary, &all);
	if (status != CTL_OK || canary->failed || all)
		return status;
	return fail(canary, *canary->late ? canary->late : "the group",
		    "does not have it in force any more", "") == 0
		       ? CTL_OK
		       : ctl_out_of_memory();
}

/* ---- the three changes ---- */

int fleet_canary_take_back(const struct fleet *fleet)
{
	struct fleet_change change;
	const char *group = NULL;

	if (fleet_canary_group(fleet->keys, fleet->conf.prefix, fleet->arena, &group) < 0)
		return ctl_out_of_memory();
	if (!group) {
		ctl_complain("no canary is under way");
		return CTL_USAGE;
	}
	/* All of them: whatever lies there. */
	change = (struct fleet_change){ .fleet = fleet,
					.folder = "policy.canary",
					.below = fleet_canary_below(fleet->conf.prefix, "",
								    fleet->arena),
					.revision = fleet->keys->revision };
	return change.below ? fleet_change_write(&change, false) : ctl_out_of_memory();
}

static int give_up(const struct canary_run *canary)
{
	ctl_complain("%s: it is taken back", canary->failed);
	int status = fleet_canary_take_back(canary->fleet);

	if (status != CTL_OK)
		return say_how_to_go_on(canary, "it could not be taken back");
	return CTL_FINDING;
}

static int give_to_all(const struct canary_run *canary, struct fleet_change *all)
{
	if (canary->is_blind)
		ctl_complain("on some of its hosts it is not seen what is denied (flows: off)");
	all->revision = canary->fleet->keys->revision;
	int status = fleet_change_write(all, true);
	return status == CTL_OK ? status : say_how_to_go_on(canary, "not all hosts have it");
}

static int end(struct canary_run *canary, struct fleet_change *all)
{
	CLEANUP(fleet_store_closep) struct fleet_store *store = NULL;
	struct fleet now = *canary->fleet;

	if (canary->failed)
		return give_up(canary);
	if (fleet_store_open(&now.conf, now.arena, &store) != CTL_OK)
		return say_how_to_go_on(canary, "not all hosts have it");
	now.store = store;
	now.keys = fleet_store_keys(store);
	canary->fleet = all->fleet = &now;
	int status = look_anew(canary);
	if (status != CTL_OK)
		return status;
	return canary->failed ? give_up(canary) : give_to_all(canary, all);
}

/* ---- beginning ---- */

/* Its hosts are well before: what is wrong with them now would be laid at its door. */
static int check_hosts(struct canary_run *canary)
{
	int status = look(canary);

	if (status != CTL_OK)
		return status;
	if (canary->failed) {
		ctl_complain("nothing was written: %s", canary->failed);
		return CTL_REFUSED;
	}
	if (canary->n > 0)
		return CTL_OK;
	ctl_complain("no host of the group %s is there to try it on", canary->group);
	return CTL_REFUSED;
}

/* The files are those of the canary that is under way: it is gone on with. */
static int begin(struct canary_run *canary, const struct fleet_change *all)
{
	struct fleet_change change;
	const char *group = NULL;
	int status = fleet_change_begin_canary(&change, canary->fleet, canary->group);

	if (status == CTL_OK && fleet_canary_group(canary->fleet->keys, canary->fleet->conf.prefix,
						   canary->fleet->arena, &group) < 0)
		return ctl_out_of_memory();
	if (status != CTL_OK)
		return status;
	if (group && strcmp(group, canary->group) != 0)
		return fleet_canary_is_none(canary->fleet);
	if (!group)
		status = fleet_change_expect(canary->fleet);
	if (status == CTL_OK && !group)
		status = check_hosts(canary);
	change.files = all->files;
	return status == CTL_OK ? fleet_change_write(&change, false) : status;
}

int fleet_apply_canary(const struct fleet *fleet)
{
	struct fleet_change all;
	struct canary_run canary = { .fleet = fleet,
				     .group = fleet->args->canary,
				     .files = &all.files };

	if (fleet->args->group) {
		ctl_complain("a canary is of what all hosts have: --canary and --group cannot be "
			     "used together");
		return CTL_USAGE;
	}
	int status = fleet_change_begin(&all, fleet, NULL);
	if (status == CTL_OK)
		status = fleet_change_read_files(&all);
	if (status == CTL_OK && all.files.sources.n == 0) {
		ctl_complain("a canary needs a policy file");
		status = CTL_USAGE;
	}
	/* What its hosts have is what they will have. */
	all.without = fleet_canary_below(fleet->conf.prefix, "", fleet->arena);
	if (status == CTL_OK && !all.without)
		status = ctl_out_of_memory();
	if (status == CTL_OK)
		status = fleet_change_check(&all);
	/* From here on who stops is told how to go on. */
	if (status == CTL_OK && fleet_store_take_signals(fleet->store) < 0)
		status = ctl_out_of_memory();
	if (status == CTL_OK)
		status = begin(&canary, &all);
	if (status == CTL_OK)
		status = watch(&canary);
	return status == CTL_OK ? end(&canary, &all) : status;
}
