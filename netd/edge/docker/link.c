/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of the link: version, events, reading, up; any failure cuts it and starts it again. */
#include "edge/docker/link.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/limits.h"
#include "core/base/text.h"
#include "core/world/docker-want.h"
#include "core/world/world-store.h"
#include "edge/docker/server.h"
#include "edge/loop/loop.h"

#define RETRY_FIRST_US 100000u
#define RETRY_LAST_US 1000000u
#define HELLO_TIMEOUT_MS 10000u

/* filters={"type":["container","network","daemon"],"event":[…]}: without the second, each health
 * check of each container would wake us twice. */
static const char event_filters[] =
	"filters=%7B%22type%22%3A%5B%22container%22%2C%22network%22%2C%22daemon%22%5D%2C"
	"%22event%22%3A%5B%22connect%22%2C%22disconnect%22%2C%22create%22%2C%22destroy%22%2C"
	"%22remove%22%2C%22start%22%2C%22die%22%2C%22rename%22%2C%22update%22%2C%22reload%22%5D%7D";

static void cut(struct docker *docker)
{
	docker->hello = http_cancel(docker->hello);
	docker->stream = http_cancel(docker->stream);
	docker_request_cancel_all(docker);
	sync_stop(docker);
	docker->link = DOCKER_LINK_DOWN;
}

static void fail(struct docker *docker, const char *what, const char *reason)
{
	if (docker->link == DOCKER_LINK_DOWN)
		return;
	cut(docker);
	(void)snprintf(docker->error, sizeof(docker->error), "%.100s %.40s: %.100s", docker->server,
		       what, reason);
	text_clean(docker->error); /* what answers there may be anybody's */
	/* Arming cannot fail but for a clock that does not exist. */
	(void)!loop_arm(docker->retry, docker->retry_us);
	docker->retry_us *= 2;
	if (docker->retry_us > RETRY_LAST_US)
		docker->retry_us = RETRY_LAST_US;
	if (strcmp(docker->told, docker->error) == 0)
		return;
	memcpy(docker->told, docker->error, sizeof(docker->told));
	if (docker->handler.on_down)
		docker->handler.on_down(docker->handler.userdata, docker->error);
}

/* What a stopped container will publish is known before it starts, so that no published port is
 * open to others between its docker-proxy's listening and its `start` event. */
static void inspect(struct docker *docker)
{
	const char *id;

	/* First, as those that are asked last are answered first. */
	for (size_t cursor = 0; docker->inspects_all && docker->link == DOCKER_LINK_UP &&
				(id = world_store_busy_container(docker->store, &cursor));)
		docker_request(docker, QUESTION_INSPECT, id);
	for (size_t cursor = 0; docker->link == DOCKER_LINK_UP &&
				(id = world_store_idle_container(docker->store, &cursor));)
		docker_request(docker, QUESTION_INSPECT, id);
}

static void on_read(struct docker *docker)
{
	bool was_cut = docker->link != DOCKER_LINK_UP;

	docker->link = DOCKER_LINK_UP;
	if (was_cut) {
		docker->retry_us = RETRY_FIRST_US;
		docker->told[0] = '\0';
	}
	docker_replay_missed(docker);
	inspect(docker);
	if (was_cut && docker->handler.on_synced)
		docker->handler.on_synced(docker->handler.userdata);
}

static const struct docker_up link_up = { .failed = fail,
					  .stored = sync_progress,
					  .read = on_read };

/* ---- the event stream ---- */

static void on_stream_opened(void *userdata)
{
	if (sync_start(userdata) < 0)
		fail(userdata, "reading", "no memory");
}

static void on_stream_line(void *userdata, const char *line, size_t len)
{
	if (docker_on_event_line(userdata, line, len) < 0)
		fail(userdata, "/events", "too many during one reading");
}

static void on_stream_done(void *userdata, const struct http_result *result)
{
	struct docker *docker = userdata;
	char reason[64];

	docker->stream = NULL;
	(void)snprintf(reason, sizeof(reason), "status %ld", result->status);
	if (result->status >= 200 && result->status < 300)
		fail(docker, "/events", "ended");
	else
		fail(docker, "/events", result->error ? result->error : reason);
}

/* Docker sends the headers just before it subscribes us. Events of the last second (of its clock)
 * close that gap; those that are too old only make us ask once more. */
static void subscribe(struct docker *docker, time_t date)
{
	const struct http_handler handler = { .opened = on_stream_opened,
					      .line = on_stream_line,
					      .done = on_stream_done,
					      .userdata = docker,
					      .wants = world_want_event };
	char path[512], since[32] = "";

	if (date > 0)
		(void)snprintf(since, sizeof(since), "since=%lld&", (long long)date - 1);
	(void)snprintf(path, sizeof(path), "/v%s/events?%s%s", docker->api, since, event_filters);
	docker->stream = http_get(docker->http, path, 0, &handler);
	if (!docker->stream)
		fail(docker, "/events", "no memory");
}

/* ---- the first question ---- */

static const char *const hellos[] = {
	[DOCKER_ENGINE_DOCKER] = "/version", [DOCKER_ENGINE_PODMAN] = "/_ping"
};

/* Why we cannot talk to it, in @text or static; or NULL. */
static const char *read_version(struct docker *docker, const cJSON *json, const char *server,
				char text[LINK_ERROR_LEN])
{
	const char *stranger = docker_stranger(json, server);
	int r = docker_negotiate(json_word(json, "ApiVersion"), json_word(json, "MinAPIVersion"),
				 docker->api);

	(void)snprintf(docker->version, sizeof(docker->version), "%.40s",
		       json_word(json, "Version"));
	world_store_set_engine(docker->store, docker->version);
	docker->is_foreign = stranger != NULL;
	if (stranger) {
		(void)snprintf(text, LINK_ERROR_LEN, "refused: this is no Docker engine but %.40s",
			       stranger);
		return text;
	}
	if (r == -EPROTONOSUPPORT)
		return "no API version in common (ours: " DOCKER_API_OLDEST " to " DOCKER_API_NEWEST
		       ")";
	return r < 0 ? "not the answer of a Docker engine" : NULL;
}

/* The same for podman, whose word is in a header. */
static const char *read_podman(struct docker *docker, const char *server, char text[LINK_ERROR_LEN])
{
	char version[sizeof(docker->version) - sizeof(WORLD_PODMAN)] = "";
	int r = docker_podman_version(server, version, sizeof(version));

	docker->is_foreign = r < 0;
	(void)snprintf(docker->version, sizeof(docker->version), WORLD_PODMAN "%s", version);
	world_store_set_engine(docker->store, docker->version);
	(void)snprintf(docker->api, sizeof(docker->api), "%s", DOCKER_API_PODMAN);
	if (r == -EPROTONOSUPPORT)
		return "refused: this is podman before 4.0";
	if (r < 0)
		(void)snprintf(text, LINK_ERROR_LEN, "refused: this is not podman but %.40s",
			       server && *server ? server : "an engine without a name");
	return r < 0 ? text : NULL;
}

static void on_hello(void *userdata, const struct http_result *result)
{
	struct docker *docker = userdata;
	char reason[LINK_ERROR_LEN];

	docker->hello = NULL;
	if (result->error) {
		fail(docker, hellos[docker->engine], result->error);
		return;
	}
	if (result->status != 200) {
		(void)snprintf(reason, sizeof(reason), "status %ld", result->status);
		fail(docker, hellos[docker->engine], reason);
		return;
	}
	cJSON *json = cJSON_Parse(result->body);
	const char *refusal = docker->engine == DOCKER_ENGINE_PODMAN
				      ? read_podman(docker, result->server, reason)
				      : read_version(docker, json, result->server, reason);
	cJSON_Delete(json);
	if (refusal)
		fail(docker, hellos[docker->engine], refusal);
	else
		subscribe(docker, result->date);
}

static void start(struct docker *docker)
{
	const struct http_handler handler = { .done = on_hello, .userdata = docker };

	docker->link = DOCKER_LINK_CONNECTING;
	docker->hello = http_get(docker->http, hellos[docker->engine], HELLO_TIMEOUT_MS, &handler);
	if (!docker->hello)
		fail(docker, hellos[docker->engine], "no memory");
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	start(userdata);
	return 0;
}

/* ---- labels ---- */

static bool has_name(const struct json_names *names, const char *key)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->names[i], key) == 0)
			return true;
	return false;
}

/* Always asked for, in front of the others. */
static const char *const compose_labels[] = { WORLD_COMPOSE_PROJECT, WORLD_COMPOSE_SERVICE,
					      WORLD_COMPOSE_HASH };

int docker_want_labels(struct docker *docker, const char *const *keys, size_t n)
{
	const struct json_names *before = docker->labels;
	CLEANUP(free_ptr) const char **all = calloc(before->n + n + 1, sizeof(*all));
	bool is_new = false;
	size_t n_all = 0;

	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_LEN(compose_labels); i++)
		all[n_all++] = before->names[i];
	for (size_t i = 0; i < n; i++) {
		is_new |= !has_name(before, keys[i]);
		all[n_all++] = keys[i];
	}
	struct json_names *names = json_names_new(all, n_all, before->budget);
	if (!names)
		return -ENOMEM;
	(void)json_names_unref(docker->labels);
	docker->labels = names;
	if (is_new)
		world_store_ask_cut_images(docker->store);
	if (is_new && docker->link == DOCKER_LINK_UP)
		(void)docker_request_images(docker, docker->store, false);
	/* A reading under way was asked for by the old names. */
	if (is_new &&
	    (docker->link == DOCKER_LINK_SYNCING ||
	     (docker->link == DOCKER_LINK_UP && world_store_has_cut_labels(docker->store))))
		docker_resync(docker, "the policy asks for other labels");
	return 0;
}

void docker_want_posture(struct docker *docker, bool wanted)
{
	bool is_new = wanted && !docker->wants_posture;

	docker->wants_posture = wanted;
	if (is_new && docker->link == DOCKER_LINK_UP)
		inspect(docker);
}

void docker_want_images(struct docker *docker, bool wanted)
{
	docker->wants_images = wanted;
	if (!wanted)
		return;
	world_store_ask_images_again(docker->store);
	if (docker->link == DOCKER_LINK_UP)
		(void)docker_request_images(docker, docker->store, false);
}

/* ---- life ---- */

bool docker_engine_parse(const char *text, enum docker_engine *ret)
{
	static const char *const names[] = {
		[DOCKER_ENGINE_DOCKER] = "docker", [DOCKER_ENGINE_PODMAN] = "podman"
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i], text) == 0) {
			*ret = (enum docker_engine)i;
			return true;
		}
	return false;
}

void docker_resync(struct docker *docker, const char *why)
{
	sync_again(docker, why);
}

void docker_ask(struct docker *docker, const char *network_id, const char *container_id)
{
	if (docker->link == DOCKER_LINK_UP)
		docker_request(docker, QUESTION_NETWORK, network_id);
	if (docker->link == DOCKER_LINK_UP)
		docker_request(docker, QUESTION_CONTAINER, container_id);
}

bool docker_is_asking(const struct docker *docker)
{
	return docker->questions;
}

struct docker_status docker_status(const struct docker *docker)
{
	return (struct docker_status){ docker->link,	docker->server,	   docker->api,
				       docker->version, docker->error,	   docker->n_events,
				       docker->n_syncs, docker->is_foreign };
}

struct docker *docker_free(struct docker *docker)
{
	if (!docker)
		return NULL;
	cut(docker);
	(void)http_free(docker->http);
	(void)json_names_unref(docker->labels);
	(void)sd_event_source_disable_unref(docker->retry);
	(void)sd_event_source_disable_unref(docker->again);
	free(docker);
	return NULL;
}

void docker_freep(struct docker **docker)
{
	*docker = docker_free(*docker);
}

int docker_new(sd_event *loop, const struct docker_options *options,
	       const struct docker_handler *handler, struct world_store *store, struct docker **ret)
{
	CLEANUP(docker_freep) struct docker *docker = calloc(1, sizeof(*docker));

	if (!docker)
		return -ENOMEM;
	(void)snprintf(docker->server, sizeof(docker->server), "%s", options->url);
	docker->up = &link_up;
	docker->engine = options->engine;
	docker->handler = *handler;
	docker->store = store;
	docker->labels = json_names_new(compose_labels, ARRAY_LEN(compose_labels),
					options->label_bytes ? options->label_bytes : LIMIT_LABELS);
	if (!docker->labels)
		return -ENOMEM;
	docker->inspects_all = options->inspects_all;
	docker->retry_us = RETRY_FIRST_US;
	int r = docker_http_new(loop, options, &docker->http);
	if (r)
		return r;
	const struct loop_timer timer = { "docker-retry", SD_EVENT_PRIORITY_NORMAL, on_retry,
					  docker };
	r = loop_add_timer(loop, &timer, &docker->retry);
	if (r == 0)
		r = sync_init(docker, loop);
	if (r == 0)
		r = loop_arm(docker->retry, 0);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(docker);
	return 0;
}
