/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signatures: an admin vouches for all files of the fleet (core/fleet/signature.h). What of them is
 * not his own file must have been vouched for before, or be looked at. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/fleet-change.h"
#include "edge/sign/sign.h"

/* ---- what is signed ---- */

/* All files of the store as they will be. *ret_n_others: of how many the change knows nothing. 0 or
 * -ENOMEM. */
static int files_to_be(const struct fleet_change *change, struct fleet_files *ret,
		       size_t *ret_n_others)
{
	const struct fleet *fleet = change->fleet;
	struct etcd_mirror store;
	int r = fleet_change_store(change, &store);

	if (r == 0)
		r = fleet_all_files(&store, fleet->conf.prefix, fleet->arena, ret);
	*ret_n_others = ret->sources.n - (r == 0 ? change->files.sources.n : 0);
	return r;
}

/* ---- the signature ---- */

struct signature {
	const char *key; /* of the store */
	const struct etcd_key *old;
	uint64_t counter;  /* of the signature in the store; 0: none that is good */
	const char *fault; /* why it is not; NULL: it is */
};

static int look_at_signature(const struct fleet *fleet, struct signature *ret)
{
	*ret = (struct signature){ .key = fleet_signature_key(fleet->conf.prefix, fleet->arena) };
	if (!ret->key)
		return -ENOMEM;
	ret->old = etcd_mirror_find(fleet->keys, ret->key);
	if (!fleet->key)
		return 0;
	int r = sign_check_store(&fleet->trust, fleet->keys, fleet->conf.prefix, fleet->arena,
				 &ret->counter, &ret->fault);
	return r < 0 ? r : 0;
}

/* In the arena. NULL: no memory. */
static const char *print_signature(const struct fleet *fleet, const struct fleet_message *message)
{
	CLEANUP(free_ptr) char *text = sign_message(fleet->key, message);

	return text ? arena_strdup(fleet->arena, text) : NULL;
}

/* The signature of these files, on the condition that the one before is still there. */
static int add_signature(struct fleet_change *change, const struct signature *old,
			 const struct fleet_files *files)
{
	const struct fleet *fleet = change->fleet;
	const struct fleet_message message = {
		.prefix = fleet->conf.prefix,
		.counter = fleet_next_counter(old->counter, fleet->ctl->now),
		.files = files,
	};
	const char *text = print_signature(fleet, &message);

	if (!text || fleet_change_add(change, old->key, text, strlen(text)) < 0 ||
	    fleet_change_condition(change, ETCD_IS_AT, old->key,
				   old->old ? old->old->mod_revision : 0) < 0)
		return ctl_out_of_memory();
	return CTL_OK;
}

int fleet_change_sign(struct fleet_change *change)
{
	struct signature old;
	struct fleet_files files = { 0 };
	size_t n_others = 0;

	if (look_at_signature(change->fleet, &old) < 0)
		return ctl_out_of_memory();
	if (change->changes.n == 0 && !old.fault)
		return CTL_OK;
	if (!change->fleet->key && old.old) {
		ctl_complain("the policies of this fleet are signed: use --sign-key FILE");
		return CTL_USAGE;
	}
	if (!change->fleet->key)
		return CTL_OK;
	if (files_to_be(change, &files, &n_others) < 0)
		return ctl_out_of_memory();
	if (old.fault && n_others > 0) {
		ctl_complain("what the store has beside these files is not signed unseen, for %s: "
			     "look at it, then use `netdctl fleet sign`",
			     old.fault);
		return CTL_REFUSED;
	}
	return add_signature(change, &old, &files);
}

/* ---- what is kept to go back to ---- */

/* A kept revision is no policy, and cannot be taken for one: its message says that it is for
 * "revisions/NUMBER", which no group is called. */
static int revision_message(const struct fleet_change *change, const char *key,
			    struct fleet_files *files, struct fleet_message *ret)
{
	struct arena *arena = change->fleet->arena;
	int r = 0;

	for (size_t i = 0; i < change->files.sources.n && r == 0; i++) {
		struct policy_source file = change->files.sources.items[i];
		file.name = arena_printf(arena, "%s/%s", change->folder, file.name);
		r = file.name ? VEC_PUSH(arena, &files->sources, file) : -ENOMEM;
	}
	*ret = (struct fleet_message){ .prefix = change->fleet->conf.prefix,
				       .group = text_after(key, change->fleet->conf.prefix) + 1,
				       .counter = 1,
				       .files = files };
	return r;
}

int fleet_change_sign_revision(const struct fleet_change *change, const char *key, const char **ret)
{
	struct fleet_files files = { 0 };
	struct fleet_message message;

	*ret = NULL;
	if (!change->fleet->key)
		return 0;
	int r = revision_message(change, key, &files, &message);
	if (r == 0)
		*ret = print_signature(change->fleet, &message);
	return r < 0 || *ret ? r : -ENOMEM;
}

int fleet_change_check_revision(const struct fleet_change *change, const char *key,
				const char *text)
{
	const struct sign_text signature = { text ? text : "", text ? strlen(text) : 0 };
	const char *error = "it is not signed";
	struct fleet_files files = { 0 };
	struct fleet_message message;

	if (!change->fleet->key)
		return CTL_OK;
	int r = revision_message(change, key, &files, &message);
	if (r == 0 && text)
		r = sign_check(&change->fleet->trust, &signature, &message, change->fleet->arena,
			       &error);
	if (r < 0)
		return ctl_out_of_memory();
	if (r == 0 && text)
		return CTL_OK;
	ctl_complain("the store's word for that revision does not count, for %s: apply the files "
		     "from where you keep them",
		     error);
	return CTL_REFUSED;
}

/* ---- fleet sign ---- */

static bool agree(const struct fleet *fleet, const struct fleet_files *files)
{
	char answer[8];

	for (size_t i = 0; i < files->sources.n; i++)
		printf("%s, %zu bytes\n", files->sources.items[i].name,
		       files->sources.items[i].len);
	if (fleet->args->yes || !isatty(STDIN_FILENO))
		return fleet->args->yes;
	printf("Sign these files as the store has them? [y/N] ");
	(void)fflush(stdout);
	return fgets(answer, sizeof(answer), stdin) && (*answer == 'y' || *answer == 'Y');
}

int fleet_sign(const struct fleet *fleet)
{
	static const char *const folders[] = { "groups/", "policy/" };
	struct fleet_change change = { .fleet = fleet };
	struct fleet_files files = { 0 };
	struct signature old;

	if (!fleet->key) {
		ctl_complain("fleet sign needs --sign-key FILE");
		return CTL_USAGE;
	}
	int r = fleet_all_files(fleet->keys, fleet->conf.prefix, fleet->arena, &files);
	for (size_t i = 0; i < ARRAY_LEN(folders) && r == 0; i++) {
		const char *below =
			arena_printf(fleet->arena, "%s/%s", fleet->conf.prefix, folders[i]);
		r = below ? fleet_change_condition(&change, ETCD_UNCHANGED_SINCE, below,
						   fleet->keys->revision)
			  : -ENOMEM;
	}
	if (r == 0)
		r = look_at_signature(fleet, &old);
	if (r < 0)
		return ctl_out_of_memory();
	if (!agree(fleet, &files)) {
		ctl_complain("nothing is signed: look at the files, then use --yes");
		return CTL_REFUSED;
	}
	int status = add_signature(&change, &old, &files);
	if (status == CTL_OK)
		status = fleet_change_commit(&change);
	if (status == CTL_OK)
		puts("signed");
	return status;
}
