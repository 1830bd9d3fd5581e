/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/members.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/text.h"
#include "core/fleet/fleet.h"
#include "core/fleet/members.h"
#include "core/world/world-store.h"
#include "daemon/answers.h"
#include "edge/base/clock.h"
#include "edge/journal/journal.h"

#define MEMBERS_FILE "hosts"
#define MEMBERS_BYTES ((size_t)LIMIT_REQUEST_BYTES)
#define OTHERWISE "a restart knows the hosts of the fleet as they were before"

void members_done(struct members *members)
{
	(void)arena_free(members->arena);
	*members = (struct members){ 0 };
}

/* ---- taking ---- */

/* Into the world. 0 or -ENOMEM. */
static int tell_world(struct daemon *d, const struct fleet_members *hosts, struct arena *arena)
{
	struct world_member *list = NULL;
	size_t n = 0;
	int r = fleet_world_members(hosts, arena, &list, &n);

	return r < 0 ? r : world_store_set_members(d->store, list, n);
}

/* 0; FLEET_E_INVALID: *error in @scratch; -ENOMEM: it is as before. */
static int take(struct daemon *d, const char *text, struct arena *scratch, const char **error)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct members *members = &d->members;
	struct fleet_members hosts;
	size_t len = strlen(text), n_gone = 0;
	int r = arena ? fleet_read_members(text, len, scratch, &hosts, error) : -ENOMEM;

	const char *copy = r == 0 ? arena_strdup(arena, text) : NULL;
	if (r == 0)
		r = copy ? tell_world(d, &hosts, scratch) : -ENOMEM;
	if (r != 0)
		return r;
	for (size_t i = 0; i < hosts.n; i++)
		n_gone += hosts.items[i].gone_since != 0;
	(void)arena_free(members->arena);
	members->arena = TAKE_PTR(arena);
	members->text = copy;
	members->digest = hash_add(HASH_BEGIN, copy, len);
	members->n = hosts.n;
	members->n_gone = n_gone;
	return 0;
}

int members_start(struct daemon *d)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *error = NULL;
	struct host_bytes bytes;
	int r = arena ? host_state_read(d->options->state_dir, MEMBERS_FILE, MEMBERS_BYTES, arena,
					&bytes)
		      : -ENOMEM;

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = take(d, bytes.bytes, arena, &error);
	if (r != 0 && r != -ENOMEM)
		log_warning(LOG_ID_STATE_UNWRITABLE,
			    "%s/" MEMBERS_FILE " is damaged (%s): no other host of the fleet is "
			    "known until netd-fleet tells of it",
			    d->options->state_dir, error ? error : strerror(-r));
	return r == -ENOMEM ? r : 0;
}

/* ---- the verb ---- */

static int64_t time_of(const cJSON *object, const char *name)
{
	double seconds = wire_number(object, name, 0);

	return seconds > 0 && seconds < 9e15 ? (int64_t)seconds : 0;
}

static void note_store(struct members *members, const cJSON *store)
{
	const char *state = wire_string(store, "state");

	members->store = (struct report_store){ .revision = time_of(store, "revision"),
						.heard = time_of(store, "heard"),
						.told = clock_epoch_s(),
						.is_followed = wire_bool(store, "followed", false),
						.state = members->state };
	members->told_us = clock_monotonic_us();
	(void)snprintf(members->state, sizeof(members->state), "%s", state ? state : "");
	text_clean(members->state);
}

/* Who has told nothing for a while is not there any more, and follows nothing. */
struct report_store members_store(const struct members *members)
{
	struct report_store store = members->store;

	store.is_silent = store.told && clock_monotonic_us() - members->told_us >
						LIMIT_STORE_SILENCE_S * UINT64_C(1000000);
	store.is_followed = store.is_followed && !store.is_silent;
	return store;
}

/* Of what status says, as far as the loop knows it; another one in each run. */
static const char *stamp(const struct daemon *d, char ret[HASH_TEXT_LEN])
{
	const struct docker_status docker =
		d->docker ? docker_status(d->docker) : (struct docker_status){ .last_error = "" };
	const char *const texts[] = { d->policy_error ? d->policy_error : "",
				      statefiles_failure(&d->state), docker.last_error };
	const uint64_t numbers[] = { d->n_commits,	    d->n_failures,
				     d->n_disturbed,	    d->history.in_force,
				     (uint64_t)d->plan.off, (uint64_t)d->off_since,
				     (uint64_t)docker.link, d->doubts.n,
				     d->started_us };
	uint64_t hash = hash_add(HASH_BEGIN, numbers, sizeof(numbers));

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		hash = hash_add(hash, texts[i], strlen(texts[i]) + 1);
	return hash_format(hash, ret);
}

static int answer_known(const struct daemon *d, bool with_text, cJSON **ret)
{
	const struct members *members = &d->members;
	cJSON *report = cJSON_CreateObject();
	char digest[HASH_TEXT_LEN], now[HASH_TEXT_LEN];

	(void)hash_format(members->digest, digest);
	int r = report ? wire_add_number(report, "hosts", (double)members->n) : -ENOMEM;
	if (r == 0)
		r = wire_add_number(report, "gone", (double)members->n_gone);
	if (r == 0)
		r = wire_add_number(report, "grace_s", (double)d->wanted->policy->hosts_grace);
	if (r == 0)
		r = wire_add_bool(report, "named", policy_names_hosts(d->wanted->policy));
	if (r == 0)
		r = wire_add_string(report, "digest", members->arena ? digest : "");
	if (r == 0)
		r = wire_add_string(report, "stamp", stamp(d, now));
	if (r == 0 && with_text)
		r = wire_add_string(report, "text", members->arena ? members->text : "");
	if (r == 0)
		return answer_report(WIRE_OK, report, ret);
	cJSON_Delete(report);
	return r;
}

/* Who came, went or changed shows in the list: `netdctl hosts`. */
static int answer_change(struct daemon *d, const struct control_request *request, const char *text,
			 struct arena *arena, cJSON **ret)
{
	const char *error = NULL;
	int r = take(d, text, arena, &error);

	if (r == FLEET_E_INVALID)
		return answer_error(wire_new_error(WIRE_USAGE, "hosts: %s", error), ret);
	if (r < 0)
		return r;
	statefiles_write(&d->state, MEMBERS_FILE, strdup(text), OTHERWISE);
	log_info(LOG_ID_FLEET_HOSTS,
		 "the fleet has %zu other hosts, %zu of them gone, by the word of uid %u, pid %d",
		 d->members.n, d->members.n_gone, request->peer.uid, (int)request->peer.pid);
	facts_changed(d);
	return 0;
}

int answer_hosts(struct daemon *d, const struct control_request *request, struct arena *arena,
		 cJSON **ret)
{
	const char *text = wire_string(request->json, "text");
	const cJSON *store = cJSON_GetObjectItemCaseSensitive(request->json, "store");
	int r = 0;

	if (store)
		note_store(&d->members, store);
	if (text && (!d->members.arena || strcmp(text, d->members.text) != 0))
		r = answer_change(d, request, text, arena, ret);
	return r < 0 || *ret ? r : answer_known(d, !text && !store, ret);
}
