/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policy in force is kept in the state folder; at start it is the one that is wanted, unless
 * the files at --policy were edited since. One that is lost or damaged is not guessed: no other is
 * taken for it, the managed networks are closed until somebody says what holds. */
#include <errno.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/report/report.h"
#include "daemon/policy.h"
#include "edge/journal/journal.h"

#define STATE_FILE DAEMON_POLICY_FILE
#define STATE_LIMIT (8u * LIMIT_POLICY_BYTES)

/* ---- keeping ---- */

void policy_save(struct daemon *d)
{
	const struct policy_set *set = d->wanted;
	uint64_t generation = d->history.in_force ? d->history.in_force : 1;
	struct history_record record = { .entry = { .generation = generation,
						    .when = set->taken_at,
						    .author = set->author,
						    .digest = set->digest },
					 .origin = set->origin,
					 .sources = set->sources,
					 .n_sources = set->n_sources,
					 .has_path_digest = true,
					 .path_digest = set->path_digest };

	if (set->author.by == HISTORY_BY_NOBODY)
		return; /* it must not be taken for a policy that somebody wrote */
	statefiles_write(&d->state, STATE_FILE, history_print(&record),
			 "a restart before it can be written closes everything, or brings the "
			 "policy before it back where nothing in the folder can be changed");
}

/* ---- what is there at start ---- */

/* 0; -ENOENT: never written; -ENOMEM; else it is damaged (-ENODATA: it could not be written). */
static int read_kept(struct daemon *d, struct arena *arena, struct history_record *ret)
{
	struct host_bytes bytes;
	cJSON *root = NULL;
	int r = host_state_read(d->options->state_dir, STATE_FILE, STATE_LIMIT, arena, &bytes);

	if (r == 0)
		r = history_parse(bytes.bytes, bytes.len, arena, ret, &root);
	cJSON_Delete(root);
	ret->plan = NULL;
	return r == 0 && !ret->has_path_digest ? -EINVAL : r;
}

/* Its tests passed when it was taken; they are asked as of then, so that a rule that has ended
 * since does not close a host at its next boot. */
static int make_kept(struct daemon *d, const struct history_record *kept, struct diag_list *diags,
		     struct policy_set **ret)
{
	const struct policy_origin origin = { .text = kept->origin,
					      .author = { .by = HISTORY_BY_KEPT },
					      .taken_at = kept->entry.when };
	int r = policy_set_make(d, kept->sources, kept->n_sources, &origin, diags, ret);

	if (r != 0)
		return r;
	(*ret)->path_digest = kept->path_digest;
	(*ret)->was_in_force = true;
	return 0;
}

static int take_kept(struct daemon *d, const struct history_record *kept, struct arena *arena)
{
	struct policy_set *set = NULL;
	struct diag_list diags;

	diag_init(&diags, arena);
	int r = make_kept(d, kept, &diags, &set);
	if (r == POLICY_E_INVALID) {
		policy_log_findings(d, &diags);
		policy_remember_error(d,
				      "the policy that was in force no longer passes its checks");
	}
	if (r == 0)
		policy_want(d, set);
	return r;
}

/* The files are newer, and the kernel has not seen them yet. */
static void hold_kept(struct daemon *d, const struct history_record *kept, struct arena *arena)
{
	struct diag_list diags;

	diag_init(&diags, arena);
	if (make_kept(d, kept, &diags, &d->fallback) != 0)
		d->fallback = NULL;
}

static int take_none(struct daemon *d, const struct policy_source *source)
{
	const struct policy_origin origin = { .text = source->name,
					      .author = { .by = HISTORY_BY_NOBODY } };
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct policy_set *set = NULL;
	struct diag_list diags;

	if (!arena)
		return -ENOMEM;
	diag_init(&diags, arena);
	int r = policy_set_make(d, source, 1, &origin, &diags, &set);
	if (r == 0)
		policy_want(d, set);
	return r == POLICY_E_INVALID ? -EINVAL : r;
}

/* On a host without any policy. */
static int begin_first_contact(struct daemon *d)
{
	static const char text[] = REPORT_PLAIN_DOCKER;
	const struct policy_source source = { "(no policy)", text, sizeof(text) - 1 };
	int r = take_none(d, &source);

	if (r < 0)
		return r;
	d->wanted->none = true;
	d->fallback = d->wanted;
	d->policy_error = NULL;
	reconcile_note(d, PLAN_OFF);
	first_contact_say_waits(d);
	return 0;
}

/* No tier and no rule: everything on a managed network is closed. @path_digest: of the files that
 * nobody decides for by not changing them; 0: whatever is there is taken as soon as it can be. */
static int take_nothing(struct daemon *d, uint64_t path_digest)
{
	static const char text[] = "version: 1\n";
	const struct policy_source source = { "(no policy)", text, sizeof(text) - 1 };

	log_warning(LOG_ID_POLICY_EMPTY,
		    "no policy is in force: everything on Docker's networks is closed until there "
		    "is a valid one in %s, or `netdctl apply`",
		    d->options->policy);
	int r = take_none(d, &source);
	if (r == 0)
		d->wanted->path_digest = path_digest;
	return r;
}

/* The history tells which policy was the last, where the state folder has lost it; but not where
 * that one could not be written, as then the history could not be either. */
static bool is_last(const struct daemon *d, const struct policydir *files, int found)
{
	uint64_t digest = policy_digest(files->sources.items, files->sources.n);

	return found != -ENODATA && files->sources.n > 0 && history_latest_is(&d->history, digest);
}

/* @error: -ENOENT, or why it cannot be read. */
static void say_lost(struct daemon *d, int error)
{
	const char *what = error == -ENOENT ? "lost" : "damaged";

	policy_remember_error(d,
			      "the policy that was in force is %s (%s/" STATE_FILE
			      "): `netdctl reload` takes the files, `netdctl apply` others",
			      what, d->options->state_dir);
	log_error(LOG_ID_STATE_UNWRITABLE,
		  "%s/" STATE_FILE " is %s: which policy was in force last is not known, and no "
		  "other is taken for it; everything stays closed until `netdctl reload` or "
		  "`netdctl apply`",
		  d->options->state_dir, what);
}

static int start_from(struct daemon *d, struct arena *arena)
{
	struct history_record kept = { 0 };
	struct policydir files = { 0 };
	struct diag_list diags;
	int path = policy_read_path(d, arena, &files);
	int found = read_kept(d, arena, &kept);
	bool lost = found != 0 && (found != -ENOENT || history_latest(&d->history));
	uint64_t digest = path == 0 ? policy_digest(files.sources.items, files.sources.n) : 0;

	diag_init(&diags, arena);
	if (path < 0 || found == -ENOMEM)
		return -ENOMEM;
	if (first_contact(d, &files, found, arena))
		return begin_first_contact(d);
	if (lost && !(path == 0 && is_last(d, &files, found))) {
		say_lost(d, found);
		return take_nothing(d, digest);
	}
	bool edited = path == 0 && (found != 0 || digest != kept.path_digest);
	if (edited)
		path = policy_take_files(d, &files, &diags);
	if (edited && path == 0 && found == 0 && kept.entry.digest != kept.path_digest)
		policy_say_discarded(d, kept.origin);
	if (edited && path == 0 && found == 0)
		hold_kept(d, &kept, arena);
	if (edited && path == 0)
		return 0;
	int r = path < 0 ? path : found == 0 ? take_kept(d, &kept, arena) : POLICY_E_INVALID;
	return r == POLICY_E_INVALID ? take_nothing(d, found == 0 ? kept.path_digest : 0) : r;
}

int policy_start(struct daemon *d)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	int r = arena ? start_from(d, arena) : -ENOMEM;

	if (r != -ENOMEM)
		return r;
	log_error(LOG_ID_INTERNAL,
		  "out of memory: the policy is not read, everything stays closed");
	policy_remember_error(d, "out of memory: `netdctl reload` reads it again");
	return take_nothing(d, 0);
}
