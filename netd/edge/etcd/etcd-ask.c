/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One question and its answer; what becomes of an endpoint that fails. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "edge/base/chance.h"
#include "edge/base/clock.h"
#include "edge/etcd/etcd-parts.h"
#include "edge/loop/loop.h"

#define RETRY_LAST_US 2000000u

/* ---- giving up ---- */

void etcd_client_stop(struct etcd_client *client)
{
	for (size_t i = 0; i < ETCD_SLOTS; i++)
		client->questions[i].request = http_cancel(client->questions[i].request);
	client->watch = http_cancel(client->watch);
	client->is_up = false;
}

/* A thousand clients of a member that ends do not come to the next at once. */
static uint64_t next_retry_us(struct etcd_client *client)
{
	uint64_t wait = client->retry_us;
	uint64_t last = (uint64_t)RETRY_LAST_US * client->patience;

	client->retry_us = wait * 2 < last ? wait * 2 : last;
	return chance_half(wait);
}

/* The same from the next endpoint is no news. */
static void tell(struct etcd_client *client, const char *path, const char *reason)
{
	char news[CLIENT_ERROR_LEN], error[CLIENT_ERROR_LEN];

	(void)snprintf(news, sizeof(news), "%.40s: %.100s", path, reason);
	text_clean(news);
	if (strcmp(client->told, news) == 0)
		return;
	memcpy(client->told, news, sizeof(client->told));
	(void)snprintf(error, sizeof(error), "%.100s, %.150s",
		       client->options.endpoints[client->endpoint], news);
	if (client->handler.on_down)
		client->handler.on_down(client->handler.userdata, error);
}

/* Users and roles may change while hosts follow, and tokens run out: that is no news, and the same
 * endpoint is asked again with a new token. Where it never counts it is news after some seconds.
 * Only of a transaction whose own answer it was is it known that it has not taken place. */
static bool wants_token(const struct etcd_client *client, int r)
{
	return r == ETCD_E_TOKEN && client->token && client->retry_us < RETRY_LAST_US &&
	       !etcd_client_is_asking(client, ETCD_SLOT_COMMIT);
}

static void leave(struct etcd_client *client)
{
	etcd_client_stop(client);
	free(client->token);
	client->token = NULL;
	/* Arming cannot fail but for a clock that does not exist. */
	(void)!loop_arm(client->retry, next_retry_us(client));
}

void etcd_client_fail(struct etcd_client *client, const char *path, const char *reason)
{
	leave(client);
	free(client->commit);
	client->commit = NULL;
	tell(client, path, reason);
	client->endpoint = (client->endpoint + 1) % client->options.n_endpoints;
}

static void be_patient(struct etcd_client *client)
{
	unsigned longer = client->patience * 2;

	client->patience = longer < CLIENT_PATIENCE_MOST ? longer : CLIENT_PATIENCE_MOST;
}

void etcd_client_came_up(struct etcd_client *client)
{
	client->is_up = true;
	client->told[0] = '\0';
	if (client->options.lease_seconds == 0)
		etcd_client_served(client, 0);
}

void etcd_client_served(struct etcd_client *client, uint64_t us)
{
	uint64_t most = CLIENT_TIMEOUT_MS * UINT64_C(1000) * client->patience;

	client->retry_us = CLIENT_RETRY_FIRST_US;
	if (us > most / 4)
		be_patient(client);
	else if (us < most / 16 && client->patience > 1)
		client->patience /= 2;
}

/* ---- asking ---- */

/* A request with the token. NULL: the endpoint is given up (no memory). Frees @body. */
static struct http_request *post(struct etcd_client *client, const char *path, char *body,
				 uint32_t timeout_ms, const struct http_handler *handler)
{
	const struct http_post post = {
		.path = path, .body = body, .authorization = client->token, .timeout_ms = timeout_ms
	};
	struct http_request *request = body ? http_post(client->http, &post, handler) : NULL;

	free(body);
	if (!request)
		etcd_client_fail(client, path, "no memory");
	return request;
}

/* 0; ETCD_E_* or -ENOMEM, and *error says why. */
static int read_result(const struct http_result *result, struct arena *arena,
		       struct etcd_answer *ret, const char **error)
{
	int r = ETCD_E_ERROR;

	*error = result->error;
	if (!*error && arena)
		r = etcd_read_answer(result->body, result->len, arena, ret, error);
	/* The gateway's own errors are plain text. */
	if (r == ETCD_E_INVALID && result->status >= 400 && result->len > 0)
		*error = result->body;
	if (!arena || r == -ENOMEM)
		*error = "no memory";
	return r;
}

bool etcd_client_has_newest(const struct etcd_client *client)
{
	return client->is_up && client->asked.is_current &&
	       client->revision == client->asked.revision;
}

int etcd_client_read(struct etcd_client *client, const char *path, const struct http_result *result,
		     struct arena *arena, struct etcd_answer *ret)
{
	const char *error = NULL;
	int r = read_result(result, arena, ret, &error);

	/* Who only asks, and does not follow, is waited for by somebody. */
	if (result->is_late && client->options.lease_seconds)
		be_patient(client);
	if (wants_token(client, r)) {
		leave(client);
		return r;
	}
	if (r != 0) {
		etcd_client_fail(client, path, error);
		return r;
	}
	client->heard_us = clock_monotonic_us();
	if (ret->revision)
		client->revision = ret->revision;
	if (etcd_client_has_newest(client))
		client->asked_us = client->heard_us;
	if (result->local)
		(void)snprintf(client->local, sizeof(client->local), "%s", result->local);
	return 0;
}

/* It was etcd, or its gateway, that says no, and to this question; or more than anybody asked for.
 */
static bool is_refused(const struct http_result *result, struct arena *arena, const char **error)
{
	struct etcd_answer answer;

	*error = result->error;
	if (result->is_large)
		return true;
	int r = result->error || !arena ? 0 : read_result(result, arena, &answer, error);
	return r == ETCD_E_FORBIDDEN || r == ETCD_E_ERROR ||
	       (r == ETCD_E_INVALID && result->status >= 400);
}

static void on_answer(void *userdata, const struct http_result *result)
{
	struct etcd_question *question = userdata;
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct etcd_answer answer;
	const char *error = NULL;

	question->request = NULL;
	if (question->refuse &&
	    (is_refused(result, arena, &error) || (question->may_be_late && result->is_late))) {
		question->refuse(question->client, error);
		return;
	}
	if (etcd_client_read(question->client, question->path, result, arena, &answer) == 0)
		question->take(question->client, &answer);
}

/* Whether a member is there the heartbeat says, which is small and is answered first. What else is
 * asked of one that is may take its time: after a change all hosts write at once. */
static uint32_t timeout_of(const struct etcd_client *client, enum etcd_slot slot)
{
	bool is_urgent = client->options.lease_seconds == 0 || slot == ETCD_SLOT_SET_UP ||
			 slot == ETCD_SLOT_BEAT;

	return CLIENT_TIMEOUT_MS * (is_urgent ? client->patience : CLIENT_PATIENCE_MOST);
}

void etcd_client_try(struct etcd_client *client, enum etcd_slot slot, char *body,
		     const struct etcd_question *how)
{
	struct etcd_question *question = &client->questions[slot];
	const struct http_handler handler = { .done = on_answer, .userdata = question };

	*question = *how;
	question->client = client;
	question->begin_us = clock_monotonic_us();
	question->request = post(client, how->path, body, timeout_of(client, slot), &handler);
}

void etcd_client_ask(struct etcd_client *client, enum etcd_slot slot, const char *path, char *body,
		     etcd_take_fn *take)
{
	const struct etcd_question how = { .path = path, .take = take };

	etcd_client_try(client, slot, body, &how);
}

bool etcd_client_is_asking(const struct etcd_client *client, enum etcd_slot slot)
{
	return client->questions[slot].request != NULL;
}

struct http_request *etcd_client_follow(struct etcd_client *client, const char *path, char *body,
					const struct http_handler *handler)
{
	return post(client, path, body, 0, handler);
}
