/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/staged.h"

#include <errno.h>
#include <string.h>

#include "core/base/limits.h"
#include "daemon/policy.h"
#include "edge/base/clock.h"
#include "edge/journal/journal.h"

#define STAGED_FILE "staged.json"
#define STAGED_LIMIT (8u * LIMIT_POLICY_BYTES)
/* A restart then shows another candidate, or none; it enforces nothing. */
#define OTHERWISE "a restart forgets what is staged"

void staged_done(struct staged *staged)
{
	(void)arena_free(staged->arena);
	*staged = (struct staged){ 0 };
}

static int set(struct daemon *d, const struct policy_source *sources, size_t n,
	       const struct history_author *author, int64_t at)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct staged next = { .n = n, .author = *author, .at = at };
	int r = arena ? policy_copy_sources(sources, n, arena, &next.sources) : -ENOMEM;

	if (r < 0)
		return r;
	next.arena = TAKE_PTR(arena);
	staged_done(&d->staged);
	d->staged = next;
	return 0;
}

int staged_take(struct daemon *d, const struct policy_source *sources, size_t n,
		const struct history_author *author)
{
	int r = set(d, sources, n, author, clock_epoch_s());
	const struct history_record record = {
		.entry = { .generation = 1, .when = d->staged.at, .author = *author },
		.origin = "stage",
		.sources = sources,
		.n_sources = n
	};

	if (r < 0)
		return r;
	statefiles_write(&d->state, STAGED_FILE, history_print(&record), OTHERWISE);
	flows_note_staged(&d->flows, d->staged.at);
	return 0;
}

void staged_drop(struct daemon *d)
{
	if (!d->staged.arena)
		return;
	staged_done(&d->staged);
	statefiles_write(&d->state, STAGED_FILE, strdup("{}"),
			 "a restart brings back what was staged");
}

bool staged_is(const struct daemon *d)
{
	return d->staged.arena && !d->staged.applied;
}

void staged_confirmed(struct daemon *d)
{
	if (d->staged.applied)
		staged_drop(d);
}

/* Whatever the files are called. */
static bool has_texts(const struct staged *staged, const struct policy_set *set)
{
	bool same = staged->n == set->n_sources;

	for (size_t i = 0; same && i < staged->n; i++)
		same = staged->sources[i].len == set->sources[i].len &&
		       memcmp(staged->sources[i].bytes, set->sources[i].bytes,
			      staged->sources[i].len) == 0;
	return same;
}

void staged_replaced(struct daemon *d)
{
	if (d->staged.applied && has_texts(&d->staged, d->committed->policy))
		staged_drop(d);
	d->staged.applied = false;
}

int staged_start(struct daemon *d)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct history_record kept = { 0 };
	struct host_bytes bytes;
	cJSON *root = NULL;
	int r = arena ? host_state_read(d->options->state_dir, STAGED_FILE, STAGED_LIMIT, arena,
					&bytes)
		      : -ENOMEM;

	if (r == -ENOENT || (r == 0 && strcmp(bytes.bytes, "{}") == 0))
		return 0;
	if (r == 0)
		r = history_parse(bytes.bytes, bytes.len, arena, &kept, &root);
	cJSON_Delete(root);
	if (r == 0)
		r = set(d, kept.sources, kept.n_sources, &kept.entry.author, kept.entry.when);
	if (r == 0)
		flows_note_staged(&d->flows, d->staged.at);
	if (r < 0 && r != -ENOMEM)
		log_warning(LOG_ID_STATE_UNWRITABLE,
			    "%s/" STAGED_FILE " is damaged (%s): nothing is staged any more",
			    d->options->state_dir, strerror(-r));
	return r == -ENOMEM ? r : 0;
}
