/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One policy with its texts, from reading and checking it to the moment when nothing refers to it.
 */
#include <errno.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/report/report.h"
#include "core/world/world-store.h"
#include "daemon/policy.h"
#include "edge/base/clock.h"

struct policy_set *policy_set_free(struct policy_set *set)
{
	if (set)
		(void)arena_free(set->arena);
	return NULL;
}

static void policy_set_freep(struct policy_set **set)
{
	*set = policy_set_free(*set);
}

static struct policy_set *policy_set_new(void)
{
	struct arena *arena = arena_new();
	struct policy_set *set = arena ? arena_alloc(arena, sizeof(*set)) : NULL;

	if (!set) {
		(void)arena_free(arena);
		return NULL;
	}
	set->arena = arena;
	return set;
}

uint64_t policy_digest(const struct policy_source *sources, size_t n)
{
	uint64_t digest = HASH_BEGIN;

	for (size_t i = 0; i < n; i++) {
		digest = hash_add(digest, sources[i].name, strlen(sources[i].name) + 1);
		digest = hash_add(digest, &sources[i].len, sizeof(sources[i].len));
		digest = hash_add(digest, sources[i].bytes, sources[i].len);
	}
	return digest;
}

int policy_copy_sources(const struct policy_source *sources, size_t n, struct arena *arena,
			const struct policy_source **ret)
{
	struct policy_source *copies = arena_alloc(arena, n * sizeof(*copies));

	if (!copies)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		copies[i].name = arena_strdup(arena, sources[i].name);
		copies[i].bytes = arena_strndup(arena, sources[i].bytes, sources[i].len);
		copies[i].len = sources[i].len;
		if (!copies[i].name || !copies[i].bytes)
			return -ENOMEM;
	}
	*ret = copies;
	return 0;
}

/* The findings name files and tiers by the set's copies, and outlive it. */
static int keep_names(struct diag_list *diags)
{
	for (size_t i = 0; i < diags->diags.n; i++) {
		struct source_loc *loc = &diags->diags.items[i].loc;
		diags->diags.items[i].about = (struct diag_subject){ 0 };
		loc->file = loc->file ? arena_strdup(diags->arena, loc->file) : "";
		if (!loc->file)
			return -ENOMEM;
	}
	return 0;
}

/* Rules can be made of it for the host at hand. */
static int check_compiles(struct daemon *d, const struct policy *policy, struct diag_list *diags)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct compile_input in = { .policy = policy,
				    .world = d->committed ? d->committed->world : NULL,
				    .mark_bit = d->options->mark_bit,
				    .log_group = COMPILE_LOG_GROUP,
				    .now = clock_epoch_s() };
	int r = arena ? 0 : -ENOMEM;

	if (r == 0 && !in.world)
		r = world_store_snapshot(d->store, arena, &in.world);
	return r < 0 ? r : report_check_compiles(&in, diags);
}

int policy_admit(struct daemon *d, const struct policy *policy, int64_t now,
		 struct diag_list *diags)
{
	int r = report_check_accepts(policy, diags);

	if (r == 0)
		r = check_compiles(d, policy, diags);
	return r == 0 ? report_check_tests(policy, now, diags) : r;
}

int policy_set_make(struct daemon *d, const struct policy_source *sources, size_t n,
		    const struct policy_origin *origin, struct diag_list *diags,
		    struct policy_set **ret)
{
	struct policy_set *set CLEANUP(policy_set_freep) = policy_set_new();

	if (!set || policy_copy_sources(sources, n, set->arena, &set->sources) < 0)
		return -ENOMEM;
	set->n_sources = n;
	set->origin = arena_strdup(set->arena, origin->text);
	set->author = origin->author;
	set->digest = policy_digest(sources, n);
	if (!set->origin)
		return -ENOMEM;
	set->taken_at = origin->taken_at ? origin->taken_at : clock_epoch_s();
	int r = policy_parse(set->sources, n, set->arena, diags, &set->policy);
	if (r == 0 && !origin->admitted)
		r = policy_admit(d, set->policy, set->taken_at, diags);
	if (r >= 0 && keep_names(diags) < 0)
		return -ENOMEM;
	if (r == 0)
		*ret = TAKE_PTR(set);
	return r;
}

void policy_forget(struct daemon *d, struct policy_set *old)
{
	if (old && old != d->wanted && old != d->previous && old != d->fallback && old != d->held &&
	    (!d->committed || d->committed->policy != old))
		(void)policy_set_free(old);
}
