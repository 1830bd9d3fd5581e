/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fleet/member.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/base/text.h"
#include "core/fleet/fleet.h"
#include "edge/control/ask.h"
#include "edge/etcd/etcd-client.h"
#include "edge/host/host.h"
#include "edge/journal/journal.h"
#include "edge/loop/loop.h"

#define SEEN_FILE "seen"
#define SEEN_BYTES 256u
#define LEASE_SECONDS 30
/* netd checks a policy before it answers, and may have others to check first. */
#define APPLY_TIMEOUT_US UINT64_C(120000000)
#define STATUS_TIMEOUT_US UINT64_C(10000000)
#define STATUS_BYTES (4u * 1024u * 1024u)
#define APPLY_BYTES (8u * 1024u * 1024u)
/* While netd cannot be asked. */
#define RETRY_US UINT64_C(1000000)
/* How old a record may be. */
#define POLL_US UINT64_C(5000000)

struct member {
	const struct settings *settings;
	sd_event *loop;
	struct etcd_client *client;
	struct arena *arena;	   /* as long as the member: what the client borrows */
	char admin[WIRE_PATH_LEN]; /* the path of netd's socket for changes */
	struct fleet_seen seen;

	/* What the store has for this host, and what became of it. */
	enum fleet_state state;
	int64_t revision;
	uint64_t digest;
	bool is_taken;	 /* it is the one of @seen: netd's status says whether it is in force */
	char error[512]; /* why it is not in force, or "" */

	struct control_ask *apply; /* of @asked */
	struct fleet_seen asked;
	bool is_due; /* the store has changed meanwhile */
	sd_event_source *retry;

	struct control_ask *ask; /* status */
	sd_event_source *poll;
	cJSON *status; /* picked, or NULL */
	char *record;  /* as it was published last */
};

static void look(struct member *member);

/* ---- the record ---- */

static char *make_record(const struct member *member)
{
	const struct fleet_record record = { .host = member->settings->fleet.host,
					     .version = NETD_VERSION,
					     .state = member->state,
					     .revision = member->revision,
					     .digest = member->digest,
					     .error = *member->error ? member->error : NULL,
					     .status = member->status };

	return fleet_print_record(&record);
}

/* What memory was too short for comes with the next one. */
static void publish(struct member *member)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(free_ptr) char *record = make_record(member);
	const char *key = arena ? fleet_record_key(member->settings->fleet.prefix,
						   member->settings->fleet.host, arena)
				: NULL;

	if (!record || !key || (member->record && strcmp(record, member->record) == 0) ||
	    etcd_client_publish(member->client, key, record) < 0)
		return;
	free(member->record);
	member->record = TAKE_PTR(record);
}

static void become(struct member *member, enum fleet_state state, const char *error)
{
	bool is_news = state != member->state || strcmp(error, member->error) != 0;

	member->state = state;
	(void)snprintf(member->error, sizeof(member->error), "%s", error);
	text_clean(member->error);
	if (is_news && state == FLEET_REFUSED)
		log_warning(LOG_ID_FLEET_REFUSED,
			    "the policy of the fleet at revision %" PRId64
			    " is not taken, what is in force stays: %s",
			    member->revision, member->error);
	if (is_news && state == FLEET_IN_FORCE)
		log_info(LOG_ID_FLEET_APPLIED,
			 "the policy of the fleet at revision %" PRId64 " is in force",
			 member->revision);
	publish(member);
}

/* ---- netd's word ---- */

static void keep_seen(struct member *member)
{
	CLEANUP(free_ptr) char *text = fleet_print_seen(&member->seen);
	int r = text ? host_state_write(member->settings->state_dir, SEEN_FILE, text, strlen(text))
		     : -ENOMEM;

	if (r < 0)
		log_warning(LOG_ID_STATE_UNWRITABLE,
			    "what was taken from the store cannot be kept in %s, so an older store "
			    "would be believed after a restart: %s",
			    member->settings->state_dir, strerror(-r));
}

/* "policy/web.yaml:3: unknown tier", of the first finding; or netd's error. */
static const char *refusal(const struct wire_answer *answer, char *ret, size_t size)
{
	const cJSON *diag = cJSON_GetArrayItem(wire_array(answer->json, "diagnostics"), 0);
	const char *text = wire_string(diag, "text"), *file = wire_string(diag, "file");

	if (text && file)
		(void)snprintf(ret, size, "%.100s:%.0f: %.300s", file, wire_number(diag, "line", 0),
			       text);
	else if (wire_error_text(answer->json))
		(void)snprintf(ret, size, "%.400s", wire_error_text(answer->json));
	else
		(void)snprintf(ret, size, "netd gives no reason");
	return ret;
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
	if (!answer || answer->code == WIRE_UNAVAILABLE) {
		try_later(member, answer ? refusal(answer, why, sizeof(why)) : error);
	} else if (answer->code != WIRE_OK) {
		become(member, FLEET_REFUSED, refusal(answer, why, sizeof(why)));
	} else {
		const cJSON *report = cJSON_GetObjectItemCaseSensitive(answer->json, "report");
		member->seen = member->asked;
		member->seen.generation = (uint64_t)wire_number(report, "generation", 0);
		keep_seen(member);
		member->is_taken = true;
		become(member, FLEET_IN_FORCE, "");
	}
	(void)!loop_arm(member->poll, 0);
	if (member->is_due)
		look(member);
}

/* ---- the store's word ---- */

/* {"v":1,"verb":"apply","files":[{"name":...,"text":...}]} as a line. NULL: no memory. */
static char *apply_line(const struct fleet_policy *policy, size_t *ret_len)
{
	cJSON *request = wire_new_request("apply");
	cJSON *files = request ? cJSON_AddArrayToObject(request, "files") : NULL;
	int r = files ? 0 : -ENOMEM;
	char *line = NULL;

	for (size_t i = 0; i < policy->n_sources && r == 0; i++) {
		cJSON *file = cJSON_CreateObject();
		r = file && cJSON_AddItemToArray(files, file) ? 0 : -ENOMEM;
		if (r == 0)
			r = wire_add_string(file, "name", policy->sources[i].name);
		if (r == 0)
			r = wire_add_string(file, "text", policy->sources[i].bytes);
	}
	if (r == 0)
		line = wire_print(request, ret_len);
	cJSON_Delete(request);
	return line;
}

static void apply(struct member *member, const struct fleet_policy *policy)
{
	const struct etcd_mirror *mirror = etcd_client_mirror(member->client);
	const struct control_asked asked = { .path = member->admin,
					     .timeout_us = APPLY_TIMEOUT_US,
					     .answer_bytes = APPLY_BYTES,
					     .done = on_applied,
					     .userdata = member };
	size_t len = 0;
	CLEANUP(free_ptr) char *line = apply_line(policy, &len);
	int r = line ? control_ask(member->loop, &asked, line, len, &member->apply) : -ENOMEM;

	if (r < 0) {
		try_later(member, strerror(-r));
		return;
	}
	member->asked = (struct fleet_seen){ .cluster_id = mirror->cluster_id,
					     .revision = mirror->revision,
					     .digest = policy->digest };
	become(member, FLEET_WAITING, "");
}

static void take(struct member *member, const struct fleet_policy *policy)
{
	member->revision = policy->revision;
	member->is_taken = policy->n_sources > 0 && member->seen.generation != 0 &&
			   policy->digest == member->seen.digest;
	if (policy->n_sources == 0) {
		member->digest = 0;
		become(member, FLEET_NONE, "");
	} else if (member->is_taken) {
		member->digest = policy->digest;
		if (member->state != FLEET_IN_FORCE && member->state != FLEET_DIFFERS)
			(void)!loop_arm(member->poll, 0);
	} else if (member->digest != policy->digest || member->state != FLEET_REFUSED) {
		member->digest = policy->digest;
		apply(member, policy);
	}
}

/* What the store has, against what was taken. */
static void look(struct member *member)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct etcd_mirror *mirror = etcd_client_mirror(member->client);
	const struct fleet_conf *settings = &member->settings->fleet;
	struct fleet_policy policy = { 0 };
	const char *error = NULL;

	member->is_due = member->apply != NULL;
	if (!mirror->is_current || member->is_due)
		return;
	member->is_taken = false;
	const char *doubt = fleet_doubt(&member->seen, mirror);
	if (doubt) {
		become(member, FLEET_REFUSED, doubt);
		return;
	}
	int r = arena ? fleet_policy_of(mirror, settings->prefix, settings->groups,
					settings->n_groups, arena, &policy, &error)
		      : -ENOMEM;
	if (r == 0)
		take(member, &policy);
	else if (r == FLEET_E_INVALID)
		become(member, FLEET_REFUSED, error);
	else
		try_later(member, "there is no memory");
}

static void on_change(void *userdata)
{
	struct member *member = userdata;

	look(member);
	publish(member);
}

static void on_down(void *userdata, const char *reason)
{
	(void)userdata;
	log_warning(LOG_ID_FLEET_LOST,
		    "the store of the fleet cannot be followed, what is in force stays: %s",
		    reason);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	look(userdata);
	return 0;
}

/* ---- netd's status ---- */

/* A generation that is later than ours is somebody's change on this host, and his word holds until
 * the store has another policy. An earlier one: netd has lost what it kept. */
static void compare(struct member *member, uint64_t generation)
{
	if (!member->is_taken || member->apply)
		return;
	if (generation < member->seen.generation) {
		member->seen.generation = 0;
		look(member);
	} else if (generation > member->seen.generation) {
		become(member, FLEET_DIFFERS, "another policy was applied on this host");
	} else {
		become(member, FLEET_IN_FORCE, "");
	}
}

static void on_status(void *userdata, const struct wire_answer *answer, const char *error)
{
	struct member *member = userdata;
	const cJSON *report =
		answer ? cJSON_GetObjectItemCaseSensitive(answer->json, "report") : NULL;

	(void)error; /* a record without a status says it */
	member->ask = NULL;
	cJSON_Delete(member->status);
	member->status = report ? fleet_pick_status(report) : NULL;
	if (report)
		compare(member, (uint64_t)wire_number(report, "policy_generation", 0));
	publish(member);
	(void)!loop_arm(member->poll, POLL_US);
}

static int on_poll(sd_event_source *source, uint64_t usec, void *userdata)
{
	static const char line[] = "{\"v\":1,\"verb\":\"status\"}\n";
	struct member *member = userdata;
	const struct control_asked asked = { .path = member->settings->netd,
					     .timeout_us = STATUS_TIMEOUT_US,
					     .answer_bytes = STATUS_BYTES,
					     .done = on_status,
					     .userdata = member };

	(void)source;
	(void)usec;
	if (member->ask)
		return 0;
	if (control_ask(member->loop, &asked, line, strlen(line), &member->ask) < 0)
		return loop_arm(member->poll, POLL_US);
	return 0;
}

/* ---- life ---- */

struct member *member_free(struct member *member)
{
	if (!member)
		return NULL;
	(void)control_ask_cancel(member->apply);
	(void)control_ask_cancel(member->ask);
	(void)etcd_client_free(member->client);
	(void)sd_event_source_disable_unref(member->retry);
	(void)sd_event_source_disable_unref(member->poll);
	cJSON_Delete(member->status);
	(void)arena_free(member->arena);
	free(member->record);
	free(member);
	return NULL;
}

void member_freep(struct member **member)
{
	*member = member_free(*member);
}

/* A file that is not there is a host's first time; one that is damaged is nothing to start from,
 * for an older store would be believed. 0 or -errno. */
static int read_seen(struct member *member)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct host_bytes bytes;

	if (!arena)
		return -ENOMEM;
	int r = host_state_read(member->settings->state_dir, SEEN_FILE, SEEN_BYTES, arena, &bytes);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = fleet_read_seen(bytes.bytes, bytes.len, &member->seen);
	if (r < 0)
		log_error(LOG_ID_FLEET_FAILED,
			  "%s/" SEEN_FILE
			  " is damaged (%s): remove it if the store is the right one",
			  member->settings->state_dir, strerror(-r));
	return r;
}

static int add_timers(struct member *member)
{
	const struct loop_timer retry = { "retry", 0, on_retry, member };
	const struct loop_timer poll = { "status", 0, on_poll, member };
	int r = loop_add_timer(member->loop, &retry, &member->retry);

	if (r == 0)
		r = loop_add_timer(member->loop, &poll, &member->poll);
	return r == 0 ? loop_arm(member->poll, 0) : r;
}

static int add_client(struct member *member)
{
	const struct fleet_conf *settings = &member->settings->fleet;
	struct fleet_range range = { NULL, NULL };
	int r = fleet_policy_range(settings->prefix, member->arena, &range);
	const struct etcd_client_options options = { .endpoints = settings->endpoints,
						     .n_endpoints = settings->n_endpoints,
						     .ca = settings->ca,
						     .cert = settings->cert,
						     .key = settings->key,
						     .user = settings->user,
						     .password = settings->password,
						     .first = range.first,
						     .end = range.end,
						     .lease_seconds = LEASE_SECONDS };
	const struct etcd_client_handler handler = { on_change, on_down, member };

	return r < 0 ? r : etcd_client_new(member->loop, &options, &handler, &member->client);
}

int member_new(sd_event *loop, const struct settings *settings, struct member **ret)
{
	CLEANUP(member_freep) struct member *member = calloc(1, sizeof(*member));

	if (!member)
		return -ENOMEM;
	member->settings = settings;
	member->loop = loop;
	member->state = FLEET_WAITING;
	member->arena = arena_new();
	if (!member->arena)
		return -ENOMEM;
	int r = wire_admin_path(settings->netd, member->admin);
	if (r == 0)
		r = read_seen(member);
	if (r == 0)
		r = add_timers(member);
	if (r == 0)
		r = add_client(member);
	if (r)
		return r;
	*ret = TAKE_PTR(member);
	return 0;
}
