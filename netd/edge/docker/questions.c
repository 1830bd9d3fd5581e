/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions to Docker and what becomes of the answers. Answers can come in another order than their
 * questions were asked: one that is older than what is stored is dropped. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/world/docker-want.h"
#include "core/world/world-store.h"
#include "edge/docker/link.h"

/* An inspect of a starting container is not answered before it runs; these may hold a connection
 * each for that long, the others wait. */
#define MOST_INSPECTS 16u
#define PATH_LEN 256
/* A reading waits no longer for one that does not answer: it is closed until it is inspected. */
#define SYNC_INSPECT_MS 10000u

struct docker_question {
	struct docker *docker;
	struct docker_question *next;
	enum question_kind kind;
	char id[WORLD_ID_LEN];
	uint64_t number;
	uint64_t moment; /* of the store: when it was asked */
	bool is_for_sync;
	bool is_stale; /* drop the answer */
	bool is_again; /* ask once more when this is answered */
	char *early;   /* QUESTION_CONTAINER: the inspect that came first */
	size_t early_len;
	struct http_request *request; /* NULL: waits for its turn */
};

typedef int take_answer(struct world_store *store, const char *json, size_t len,
			const char **error);

struct kind {
	const char *version; /* of the API; NULL: the one agreed upon */
	const char *before_id, *after_id;
	const char *why; /* for on_change */
	uint32_t timeout_ms;
	take_answer *take; /* NULL: podman's list of who is on a network */
	const struct json_want *wants;
};

static const struct kind kinds[] = {
	[QUESTION_NETWORKS] = { NULL, "networks", "", "networks", 60000, world_store_set_networks,
				world_want_networks },
	[QUESTION_NETWORK] = { NULL, "networks/", "", "network", 30000, world_store_put_network,
			       world_want_network },
	[QUESTION_CONTAINERS] = { NULL, "containers/json?all=1", "", "containers", 60000,
				  world_store_set_containers, world_want_containers },
	/* filters={"id":["…"]} */
	[QUESTION_CONTAINER] = { NULL, "containers/json?all=1&filters=%7B%22id%22%3A%5B%22",
				 "%22%5D%7D", "container", 30000, world_store_put_containers,
				 world_want_containers },
	[QUESTION_INSPECT] = { NULL, "containers/", "/json", "published ports", 300000,
			       world_store_put_inspect, world_want_inspect },
	[QUESTION_IMAGE] = { NULL, "images/sha256:", "/json", "labels of an image", 30000,
			     world_store_put_image, world_want_image },
};

/* What podman is asked in other words. Its own API has another version, which every one from 4.0 on
 * takes. */
static const struct kind podman_kinds[] = {
	[QUESTION_NETWORKS] = { "4.0", "libpod/networks/json", "", "networks", 60000,
				world_store_set_podman_networks, world_want_podman_networks },
	/* filters={"network":["…"]} */
	[QUESTION_NETWORK] = { NULL, "containers/json?all=1&filters=%7B%22network%22%3A%5B%22",
			       "%22%5D%7D", "network", 30000, NULL, world_want_podman_network },
};

static const struct kind *kind_of(const struct docker_question *question)
{
	bool is_podman = question->docker->engine == DOCKER_ENGINE_PODMAN;

	return is_podman && question->kind < ARRAY_LEN(podman_kinds) ? &podman_kinds[question->kind]
								     : &kinds[question->kind];
}

static void on_answer(void *userdata, const struct http_result *result);

static void question_path(const struct docker_question *question, char ret[PATH_LEN])
{
	const struct kind *kind = kind_of(question);

	(void)snprintf(ret, PATH_LEN, "/v%s/%s%s%s",
		       kind->version ? kind->version : question->docker->api, kind->before_id,
		       question->id, kind->after_id);
}

static void unlink_question(struct docker_question *question)
{
	struct docker_question **link = &question->docker->questions;

	while (*link != question)
		link = &(*link)->next;
	*link = question->next;
}

static bool send_question(struct docker_question *question)
{
	const struct http_handler handler = { .done = on_answer,
					      .userdata = question,
					      .wants = kind_of(question)->wants,
					      .names = question->docker->labels };
	char path[PATH_LEN];

	question_path(question, path);
	question->moment = world_store_moment(question->docker->store);
	uint32_t timeout_ms = kind_of(question)->timeout_ms;
	if (question->is_for_sync && question->kind == QUESTION_INSPECT)
		timeout_ms = SYNC_INSPECT_MS;
	question->request = http_get(question->docker->http, path, timeout_ms, &handler);
	if (question->request && question->kind == QUESTION_INSPECT)
		question->docker->n_inspects++;
	return question->request;
}

static void request_new(struct docker *docker, enum question_kind kind, const char *id,
			bool for_sync)
{
	struct docker_question *question = calloc(1, sizeof(*question));

	if (!question) {
		docker->up->failed(docker, "asking", "no memory");
		return;
	}
	question->docker = docker;
	question->kind = kind;
	question->is_for_sync = for_sync;
	question->number = ++docker->n_asked;
	(void)snprintf(question->id, sizeof(question->id), "%s", id);
	question->next = docker->questions;
	docker->questions = question;
	if (kind == QUESTION_INSPECT && docker->n_inspects >= MOST_INSPECTS)
		return;
	if (!send_question(question))
		docker->up->failed(docker, "asking", "no memory");
}

static bool is_same(const struct docker_question *question, enum question_kind kind, const char *id)
{
	return question->kind == kind && !question->is_for_sync && strcmp(question->id, id) == 0;
}

void docker_request(struct docker *docker, enum question_kind kind, const char *id)
{
	struct docker_question *newest = NULL;
	unsigned int n = 0;

	if (!*id && kind != QUESTION_NETWORKS)
		return;
	/* New ones stand in front. */
	for (struct docker_question *q = docker->questions; q; q = q->next)
		if (is_same(q, kind, id) && !q->is_stale && n++ == 0)
			newest = q;
	if (n < 2)
		request_new(docker, kind, id, false);
	else
		newest->is_again = true;
}

void docker_request_for_sync(struct docker *docker, enum question_kind kind, const char *id)
{
	request_new(docker, kind, id, true);
}

size_t docker_request_images(struct docker *docker, struct world_store *store, bool for_sync)
{
	const char *id;
	size_t n = 0;

	for (; docker->link != DOCKER_LINK_DOWN && (id = world_store_ask_image(store)); n++)
		request_new(docker, QUESTION_IMAGE, id, for_sync);
	return n;
}

void docker_request_forget(struct docker *docker, enum question_kind kind, const char *id)
{
	for (struct docker_question *q = docker->questions; q; q = q->next)
		q->is_stale |= is_same(q, kind, id);
}

static void question_free(struct docker_question *question)
{
	free(question->early);
	free(question);
}

void docker_request_cancel_all(struct docker *docker)
{
	while (docker->questions) {
		struct docker_question *question = docker->questions;
		docker->questions = question->next;
		(void)http_cancel(question->request);
		question_free(question);
	}
	docker->n_inspects = 0;
}

/* ---- answers ---- */

static void send_waiting_inspect(struct docker *docker)
{
	for (struct docker_question *q = docker->questions; q; q = q->next)
		if (q->kind == QUESTION_INSPECT && !q->request) {
			if (!send_question(q))
				docker->up->failed(docker, "asking", "no memory");
			return;
		}
}

/* The list of one container without it, or 404: it is gone. */
static bool is_gone(const struct docker_question *question, const struct http_result *result)
{
	if (question->kind == QUESTION_CONTAINER)
		return result->status == 200 && text_begins(result->body, "[]");
	return result->status == 404 && *question->id;
}

static void take_gone(const struct docker_question *question, struct world_store *store)
{
	if (question->kind == QUESTION_NETWORK)
		world_store_remove_network(store, question->id);
	else if (question->kind == QUESTION_IMAGE)
		(void)!world_store_flaw_image(store, question->id, "gone");
	else
		world_store_remove_container(store, question->id);
}

/* An answer about one object that is none costs this object alone: it is closed until it is asked
 * again. NULL, or why that cannot be noted. */
static const char *store_flaw(const struct docker_question *question, struct world_store *store,
			      const char *why)
{
	static int (*const notes[])(struct world_store *, const char *, const char *) = {
		[QUESTION_NETWORK] = world_store_flaw_network,
		[QUESTION_CONTAINER] = world_store_flaw_container,
		[QUESTION_INSPECT] = NULL,
		[QUESTION_IMAGE] = world_store_flaw_image,
	};

	if (!*question->id || !notes[question->kind])
		return why;
	return notes[question->kind](store, question->id, why) < 0 ? "no memory" : NULL;
}

/* Why an answer is of no use, NULL when it was stored. */
static const char *store_answer(const struct docker_question *question,
				const struct http_result *result, char text[LINK_ERROR_LEN])
{
	struct docker *docker = question->docker;
	struct world_store *store = question->is_for_sync ? docker->reading : docker->store;
	const char *error = NULL;

	if (result->error)
		return result->error;
	if (is_gone(question, result)) {
		take_gone(question, store);
		return NULL;
	}
	if (result->status != 200) {
		(void)snprintf(text, LINK_ERROR_LEN, "status %ld: %.100s", result->status,
			       result->body);
		text_clean(text);
		return store_flaw(question, store, text);
	}
	world_store_answers_from(store, question->moment);
	take_answer *take = kind_of(question)->take;
	int r = take ? take(store, result->body, result->len, &error)
		     : world_store_put_podman_network(store, question->id, result->body,
						      result->len, &error);
	if (r < 0)
		return "no memory";
	return r > 0 ? store_flaw(question, store, error) : NULL;
}

/* What is stored now makes older questions of the same kind and id pointless. */
static void forget_older(const struct docker_question *answered)
{
	for (struct docker_question *q = answered->docker->questions; q; q = q->next)
		if (q->number < answered->number && is_same(q, answered->kind, answered->id))
			q->is_stale = true;
}

/* Of a container that is not listed yet, nothing can be stored. To ask once more would be too late:
 * Docker does not answer while it starts. True: the list's answer will bring it along. */
static bool keep_early_inspect(const struct docker_question *question,
			       const struct http_result *result)
{
	struct docker_question *list = question->docker->questions;

	while (list && (list->is_stale || !is_same(list, QUESTION_CONTAINER, question->id)))
		list = list->next;
	if (question->kind != QUESTION_INSPECT || question->is_for_sync || !list || result->error ||
	    result->status != 200)
		return false;
	char *copy = malloc(result->len + 1);
	if (!copy)
		return false;
	memcpy(copy, result->body, result->len);
	free(list->early);
	list->early = copy;
	list->early_len = result->len;
	return true;
}

static void use_early_inspect(const struct docker_question *question)
{
	struct docker *docker = question->docker;
	const char *error = NULL;

	if (!question->early)
		return;
	int r = world_store_put_inspect(docker->store, question->early, question->early_len,
					&error);
	if (r != 0)
		(void)snprintf(docker->error, sizeof(docker->error), "inspect %.12s: %.200s",
			       question->id, r > 0 ? error : "no memory");
}

static bool asks_inspect(const struct docker *docker)
{
	const struct docker_question *q = docker->questions;

	while (q && q->kind != QUESTION_INSPECT)
		q = q->next;
	return q;
}

/* The event of its creation was lost, or Docker could not answer then. */
static void inspect_missed(struct docker *docker, const char *id)
{
	const struct docker_question *q = docker->questions;

	while (q && (q->is_stale || !is_same(q, QUESTION_INSPECT, id)))
		q = q->next;
	if (!q && docker->wants_posture && docker->link == DOCKER_LINK_UP &&
	    world_store_lacks_inspect(docker->store, id))
		docker_request(docker, QUESTION_INSPECT, id);
}

/* A network has told whose an endpoint will be, by its name: so that it is admitted once its port
 * is there, and not when Docker tells of it, which may be after its first packet. */
static void ask_about_named(struct docker *docker, const char *network_id)
{
	const char *id;

	for (size_t cursor = 0;
	     docker->link != DOCKER_LINK_DOWN &&
	     (id = world_store_named_container(docker->store, network_id, &cursor));)
		docker_request(docker, QUESTION_CONTAINER, id);
}

static void use_answer(const struct docker_question *question, const struct http_result *result)
{
	struct docker *docker = question->docker;
	uint64_t port_changes = world_store_port_changes(docker->store);
	uint64_t posture_changes = world_store_posture_changes(docker->store);
	char text[LINK_ERROR_LEN], what[64];

	if (keep_early_inspect(question, result))
		return;
	const char *failure = store_answer(question, result, text);

	/* Ports come with the start event too; and who is not inspected is in no tier that asks for
	 * a posture. */
	if (failure && question->kind == QUESTION_INSPECT) {
		(void)snprintf(docker->error, sizeof(docker->error), "inspect %.12s: %.200s",
			       question->id, failure);
		if (question->is_for_sync)
			docker->up->stored(docker);
		return;
	}
	if (failure) {
		(void)snprintf(what, sizeof(what), "%s%s%.12s", kinds[question->kind].why,
			       *question->id ? " " : "", question->id);
		docker->up->failed(docker, what, failure);
		return;
	}
	if (question->is_for_sync) {
		docker->up->stored(docker);
		return;
	}
	forget_older(question);
	use_early_inspect(question);
	(void)docker_request_images(docker, docker->store, false);
	if (question->kind == QUESTION_CONTAINER)
		inspect_missed(docker, question->id);
	if (question->kind == QUESTION_NETWORK)
		ask_about_named(docker, question->id);
	/* Traits change no rule: of thousands of inspects, the last one tells. */
	if (question->kind == QUESTION_INSPECT && !is_gone(question, result) &&
	    world_store_port_changes(docker->store) == port_changes &&
	    (!docker->wants_posture ||
	     world_store_posture_changes(docker->store) == posture_changes) &&
	    asks_inspect(docker))
		return;
	if (docker->handler.on_change)
		docker->handler.on_change(docker->handler.userdata, kinds[question->kind].why);
}

static void on_answer(void *userdata, const struct http_result *result)
{
	struct docker_question *question = userdata;
	struct docker *docker = question->docker;

	unlink_question(question);
	if (question->kind == QUESTION_INSPECT) {
		docker->n_inspects--;
		send_waiting_inspect(docker);
	}
	/* Sending the next may have cut the link. */
	if (!question->is_stale && docker->link != DOCKER_LINK_DOWN)
		use_answer(question, result);
	if (question->is_again && docker->link == DOCKER_LINK_UP)
		docker_request(docker, question->kind, question->id);
	question_free(question);
}
