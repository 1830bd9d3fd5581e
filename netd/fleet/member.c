/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fleet/member.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/text.h"
#include "core/fleet/members.h"
#include "edge/base/clock.h"
#include "edge/control/ask.h"
#include "edge/etcd/etcd-client.h"
#include "edge/journal/journal.h"
#include "edge/loop/loop.h"
#include "fleet/belief.h"
#include "fleet/canary.h"
#include "fleet/hosts.h"
#include "fleet/inventory.h"
#include "fleet/status.h"
#include "fleet/words.h"

#define LEASE_SECONDS 30
/* netd checks a policy before it answers, and may have others to check first. */
#define APPLY_TIMEOUT_US UINT64_C(120000000)
#define APPLY_BYTES (8u * 1024u * 1024u)
/* While netd cannot be asked. */
#define RETRY_US UINT64_C(1000000)

struct member {
	const struct settings *settings;
	sd_event *loop;
	struct etcd_client *client;
	struct hosts *hosts;
	struct inventory *inventory;
	struct canary *canary;
	struct arena *arena;	   /* as long as the member: what the client borrows */
	char admin[WIRE_PATH_LEN]; /* the path of netd's socket for changes */
	struct belief belief;

	/* What the store has for this host, and what became of it. */
	enum fleet_state state;
	int64_t revision;
	uint64_t digest;
	bool is_canary;	 /* it is that of a canary, which a group has before all others */
	bool is_taken;	 /* it is what netd took last: netd's status says whether it is in force */
	bool is_judged;	 /* netd has refused it, and would again */
	char error[512]; /* why it is not in force, or "" */

	struct control_ask *apply; /* of @asked */
	struct fleet_seen asked;
	int64_t asked_at; /* seconds since the epoch; 0: never */
	bool is_due;	  /* the store has changed meanwhile */
	sd_event_source *retry;

	sd_event_source *turn; /* to say what became of a change */
	bool is_held;	       /* that turn has not come yet */

	struct status *asker;	   /* of netd's status */
	char stamp[HASH_TEXT_LEN]; /* netd's: its status is asked for when that is another one */
	cJSON *status;		   /* picked, or NULL */
};

static void look(struct member *member);

/* ---- the record ---- */

static char *make_record(const struct member *member)
{
	struct fleet_record record = { .host = member->settings->fleet.host,
				       .version = NETD_VERSION,
				       .state = member->state,
				       .revision = member->revision,
				       .digest = member->digest,
				       .error = *member->error ? member->error : NULL,
				       .status = member->status,
				       .inventory = inventory_digest(member->inventory),
				       .inventory_error = inventory_error(member->inventory),
				       .groups = member->settings->fleet.groups,
				       .n_groups = member->settings->fleet.n_groups,
				       .namesake = hosts_namesake(member->hosts) };

	canary_tell(member->canary, &record);
	return fleet_print_record(&record);
}

/* What memory was too short for comes with the next one; so does what is to be said before the
 * host's turn has come. */
static void publish(struct member *member)
{
	if (member->is_held)
		return;
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(free_ptr) char *record = make_record(member);
	const char *key = arena ? fleet_record_key(member->settings->fleet.prefix,
						   member->settings->fleet.host, arena)
				: NULL;

	if (record && key)
		(void)!etcd_client_publish(member->client, key, record);
}

static void note_canary(struct member *member)
{
	canary_note(member->canary, member->is_canary && member->state == FLEET_IN_FORCE,
		    member->digest, member->asked_at);
}

/* For the record that is written next: each one is a write to the store, of every host after every
 * change. */
static void note(struct member *member, enum fleet_state state, const char *error)
{
	bool is_news = state != member->state || strcmp(error, member->error) != 0;

	member->state = state;
	(void)snprintf(member->error, sizeof(member->error), "%s", error);
	text_clean(member->error);
	hosts_note(member->hosts, state, member->revision);
	note_canary(member);
	if (is_news && state == FLEET_REFUSED)
		log_warning(LOG_ID_FLEET_REFUSED,
			    "the policy of the fleet at revision %" PRId64
			    " is not taken, what is in force stays: %s",
			    member->revision, member->error);
	if (is_news && state == FLEET_IN_FORCE)
		log_info(LOG_ID_FLEET_APPLIED,
			 "the policy of the fleet at revision %" PRId64 " is in force",
			 member->revision);
}

static void become(struct member *member, enum fleet_state state, const char *error)
{
	note(member, state, error);
	publish(member);
}

/* ---- netd's word ---- */

/* netd has changed. Who waits for its turn asks then. */
static void poll_now(struct member *member)
{
	if (member->is_held)
		status_outdate(member->asker);
	else
		status_look(member->asker);
}

/* All hosts hear of a change at once, and were each to say at once what became of it, the store
 * would write their records while it still owes the policy to half of them. A turn that is waited
 * for does not begin anew. */
static void hold(struct member *member)
{
	uint64_t us =
		fleet_turn_us(member->settings->fleet.host, etcd_client_asked(member->client)->n);

	if (!member->is_held)
		member->is_held = loop_arm(member->turn, us) == 0;
}

/* It is said with netd's status; but one that was asked for before may take long. */
static int on_turn(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct member *member = userdata;

	(void)source;
	(void)usec;
	member->is_held = false;
	if (status_is_asking(member->asker) || member->state != FLEET_IN_FORCE)
		publish(member);
	poll_now(member);
	return 0;
}

static void try_later(struct member *member, const char *error)
{
	become(member, FLEET_WAITING, error);
	(void)!loop_arm(member->retry, RETRY_US);
}

static void on_applied(void *userdata, const struct wire_answer *answer, const char *error)
{
	struct member *member = userdata;
	char why[512];

	member->apply = NULL;
	(void)!loop_disarm(member->retry);
	hold(member);
	if (!answer || answer->code == WIRE_UNAVAILABLE) {
		try_later(member, answer ? words_refusal(answer, why, sizeof(why)) : error);
	} else if (answer->code != WIRE_OK) {
		member->is_judged = true;
		become(member, FLEET_REFUSED, words_refusal(answer, why, sizeof(why)));
	} else {
		const cJSON *report = cJSON_GetObjectItemCaseSensitive(answer->json, "report");
		member->asked.generation = (uint64_t)wire_number(report, "generation", 0);
		belief_take(&member->belief, &member->asked);
		member->is_taken = true;
		note(member, FLEET_IN_FORCE, "");
	}
	poll_now(member);
	if (member->is_due)
		look(member);
}

/* ---- the store's word ---- */

static void apply(struct member *member, const struct fleet_policy *policy)
{
	const struct etcd_mirror *mirror = etcd_client_mirror(member->client);
	const struct control_asked asked = { .path = member->admin,
					     .timeout_us = APPLY_TIMEOUT_US,
					     .answer_bytes = APPLY_BYTES,
					     .done = on_applied,
					     .userdata = member };
	size_t len = 0;
	CLEANUP(free_ptr) char *line = words_apply(policy, &len);
	int r = line ? control_ask(member->loop, &asked, line, len, &member->apply) : -ENOMEM;

	if (r < 0) {
		try_later(member, strerror(-r));
		return;
	}
	member->asked = (struct fleet_seen){ .cluster_id = mirror->cluster_id,
					     .revision = mirror->revision,
					     .digest = policy->digest,
					     .counter = member->belief.seen.counter };
	member->asked_at = clock_epoch_s();
	member->is_judged = false;
	note(member, FLEET_WAITING, "");
	(void)!loop_arm(member->retry, RETRY_US); /* the record says it then */
}

/* What the store has is not brought before netd. */
static void refuse(struct member *member, const char *error)
{
	member->is_judged = false;
	become(member, FLEET_REFUSED, error);
}

static void take(struct member *member, const struct fleet_policy *policy)
{
	const struct fleet_seen *seen = &member->belief.seen;

	member->revision = policy->revision;
	if (policy->canary && !member->is_canary)
		member->asked_at = clock_epoch_s();
	member->is_canary = policy->canary != NULL;
	member->is_taken =
		policy->n_sources > 0 && seen->generation != 0 && policy->digest == seen->digest;
	if (policy->n_sources == 0) {
		member->digest = 0;
		become(member, FLEET_NONE, "");
	} else if (member->is_taken) {
		member->digest = policy->digest;
		if (member->state != FLEET_IN_FORCE && member->state != FLEET_DIFFERS)
			poll_now(member);
	} else if (member->digest != policy->digest || !member->is_judged) {
		member->digest = policy->digest;
		apply(member, policy);
	}
	note_canary(member);
}

/* What the store has, against what was taken: whether it is believed is decided here, for all of
 * it. */
static void look(struct member *member)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct etcd_mirror *mirror = etcd_client_mirror(member->client);
	const struct fleet_conf *settings = &member->settings->fleet;
	struct fleet_policy policy = { 0 };
	const char *error = NULL;

	if (!mirror->is_current)
		return;
	int r = arena ? belief_judge(&member->belief, mirror, arena, &error) : -ENOMEM;
	hosts_follow(member->hosts, r == 0);
	member->is_due = member->apply != NULL;
	if (member->is_due)
		return;
	member->is_taken = false;
	if (r == 0)
		r = fleet_policy_of(mirror, settings->prefix, settings->groups, settings->n_groups,
				    arena, &policy, &error);
	if (r == 0)
		take(member, &policy);
	else if (r == FLEET_E_INVALID)
		refuse(member, error);
	else
		try_later(member, strerror(-r));
}

static void on_change(void *userdata, const struct etcd_answer *news)
{
	struct member *member = userdata;

	(void)news;
	look(member);
	if (!member->apply)
		publish(member);
}

static void on_down(void *userdata, const char *reason)
{
	struct member *member = userdata;

	hosts_lost(member->hosts);
	log_warning(LOG_ID_FLEET_LOST,
		    "the store of the fleet cannot be followed, what is in force stays: %s",
		    reason);
}

static void on_looked(void *userdata, const char *error)
{
	hosts_take_word(((const struct member *)userdata)->hosts, error);
}

static void on_contested(void *userdata, const struct etcd_key *there)
{
	hosts_take_namesake(((const struct member *)userdata)->hosts, there);
	publish(userdata);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct member *member = userdata;

	(void)source;
	(void)usec;
	if (member->apply)
		publish(member);
	else
		look(member);
	return 0;
}

/* ---- netd's status ---- */

/* A generation that is later than ours is somebody's change on this host, and his word holds until
 * the store has another policy. An earlier one: netd has lost what it kept. */
static void compare(struct member *member, uint64_t generation)
{
	if (!member->is_taken || member->apply)
		return;
	if (generation < member->belief.seen.generation) {
		member->belief.seen.generation = 0;
		look(member);
	} else if (generation > member->belief.seen.generation) {
		become(member, FLEET_DIFFERS, "another policy was applied on this host");
	} else {
		become(member, FLEET_IN_FORCE, "");
	}
}

static void on_status(void *userdata, const cJSON *report, bool is_outdated)
{
	struct member *member = userdata;

	cJSON_Delete(member->status);
	member->status = report ? fleet_pick_status(report) : NULL;
	if (report && !is_outdated)
		compare(member, (uint64_t)wire_number(report, "policy_generation", 0));
	publish(member);
}

static void on_netd(void *userdata, const char *stamp)
{
	struct member *member = userdata;

	if (strcmp(stamp, member->stamp) == 0)
		return;
	(void)snprintf(member->stamp, sizeof(member->stamp), "%s", stamp);
	poll_now(member);
	if (*stamp)
		inventory_look(member->inventory);
}

/* ---- what this host runs ---- */

static void on_news(void *userdata)
{
	publish(userdata);
}

static void on_kept(void *userdata, const char *error)
{
	struct member *member = userdata;

	inventory_take_word(member->inventory, error);
}

/* ---- life ---- */

struct member *member_free(struct member *member)
{
	if (!member)
		return NULL;
	(void)control_ask_cancel(member->apply);
	(void)hosts_free(member->hosts);
	(void)inventory_free(member->inventory);
	(void)canary_free(member->canary);
	(void)status_free(member->asker);
	(void)sd_event_source_disable_unref(member->turn);
	(void)etcd_client_free(member->client);
	(void)sd_event_source_disable_unref(member->retry);
	cJSON_Delete(member->status);
	(void)arena_free(member->arena);
	free(member);
	return NULL;
}

void member_freep(struct member **member)
{
	*member = member_free(*member);
}

static int add_client(struct member *member)
{
	const struct fleet_conf *settings = &member->settings->fleet;
	struct fleet_range range = { NULL, NULL }, addresses = { NULL, NULL };
	int r = fleet_policy_range(settings->prefix, member->arena, &range);
	r = r ? r : fleet_addresses_range(settings->prefix, member->arena, &addresses);
	struct etcd_client_options options = fleet_conf_client(settings);
	const struct etcd_client_handler handler = { on_change, on_down,      on_kept,
						     on_looked, on_contested, member };

	options.first = range.first;
	options.end = range.end;
	options.asked_first = addresses.first;
	options.asked_end = addresses.end;
	options.lease_seconds = LEASE_SECONDS;
	return r < 0 ? r : etcd_client_new(member->loop, &options, &handler, &member->client);
}

static int add_parts(struct member *member)
{
	const struct fleet_conf *fleet = &member->settings->fleet;
	const struct hosts_options hosts = { .fleet = fleet,
					     .admin = member->admin,
					     .client = member->client,
					     .on_netd = on_netd,
					     .userdata = member };
	const struct inventory_options inventory = { .fleet = fleet,
						     .netd = member->settings->netd,
						     .client = member->client,
						     .on_news = on_news,
						     .userdata = member };
	const struct canary_options canary = { .netd = member->settings->netd,
					       .on_news = on_news,
					       .userdata = member };
	const struct status_options status = { member->settings->netd, on_status, member };
	int r = status_new(member->loop, &status, &member->asker);

	if (r == 0)
		r = hosts_new(member->loop, &hosts, &member->hosts);
	if (r == 0)
		r = inventory_new(member->loop, &inventory, &member->inventory);
	return r == 0 ? canary_new(member->loop, &canary, &member->canary) : r;
}

int member_new(sd_event *loop, const struct settings *settings, struct member **ret)
{
	CLEANUP(member_freep) struct member *member = calloc(1, sizeof(*member));

	if (!member)
		return -ENOMEM;
	member->settings = settings;
	member->loop = loop;
	member->state = FLEET_WAITING;
	const struct loop_timer retry = { "retry", 0, on_retry, member };
	const struct loop_timer turn = { "turn", 0, on_turn, member };
	member->arena = arena_new();
	if (!member->arena)
		return -ENOMEM;
	int r = wire_admin_path(settings->netd, member->admin);
	if (r == 0)
		r = belief_begin(&member->belief, settings);
	if (r == 0)
		r = loop_add_timer(member->loop, &retry, &member->retry);
	if (r == 0)
		r = loop_add_timer(member->loop, &turn, &member->turn);
	if (r == 0)
		r = add_client(member);
	if (r == 0)
		r = add_parts(member);
	if (r)
		return r;
	*ret = TAKE_PTR(member);
	return 0;
}
