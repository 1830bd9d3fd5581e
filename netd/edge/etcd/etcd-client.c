/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which endpoint is asked, who asks, and what becomes of a failure. */
#include "edge/etcd/etcd-client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/base/limits.h"
#include "core/base/text.h"
#include "edge/etcd/etcd-parts.h"
#include "edge/loop/loop.h"

#define RETRY_FIRST_US 50000u
#define RETRY_LAST_US 2000000u

/* ---- giving up ---- */

static void stop(struct etcd_client *client)
{
	for (size_t i = 0; i < ETCD_SLOTS; i++)
		client->questions[i].request = http_cancel(client->questions[i].request);
	client->watch = http_cancel(client->watch);
	etcd_lease_stop(client);
	client->is_up = false;
}

/* Half of it is chance: a thousand clients of a member that ends do not come to the next at once.
 */
static uint64_t next_retry_us(struct etcd_client *client)
{
	uint64_t wait = client->retry_us, chance = 0;

	client->retry_us = wait * 2 < RETRY_LAST_US ? wait * 2 : RETRY_LAST_US;
	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) != (ssize_t)sizeof(chance))
		chance = 0;
	return wait / 2 + chance % (wait / 2);
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

void etcd_client_fail(struct etcd_client *client, const char *path, const char *reason)
{
	stop(client);
	free(client->token);
	client->token = NULL;
	tell(client, path, reason);
	client->endpoint = (client->endpoint + 1) % client->options.n_endpoints;
	/* Arming cannot fail but for a clock that does not exist. */
	(void)!loop_arm(client->retry, next_retry_us(client));
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

int etcd_client_read(struct etcd_client *client, const char *path, const struct http_result *result,
		     struct arena *arena, struct etcd_answer *ret)
{
	const char *error = result->error;
	int r = ETCD_E_ERROR;

	if (!error && arena)
		r = etcd_read_answer(result->body, result->len, arena, ret, &error);
	/* The gateway's own errors are plain text. */
	if (r == ETCD_E_INVALID && result->status >= 400 && result->len > 0)
		error = result->body;
	if (!arena || r == -ENOMEM)
		error = "no memory";
	if (r != 0)
		etcd_client_fail(client, path, error);
	return r;
}

static void on_answer(void *userdata, const struct http_result *result)
{
	struct etcd_question *question = userdata;
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct etcd_answer answer;

	question->request = NULL;
	if (etcd_client_read(question->client, question->path, result, arena, &answer) == 0)
		question->take(question->client, &answer);
}

void etcd_client_ask(struct etcd_client *client, enum etcd_slot slot, const char *path, char *body,
		     etcd_take_fn *take)
{
	struct etcd_question *question = &client->questions[slot];
	const struct http_handler handler = { .done = on_answer, .userdata = question };

	*question = (struct etcd_question){ client, NULL, path, take };
	question->request = post(client, path, body, CLIENT_TIMEOUT_MS, &handler);
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

/* ---- a transaction ---- */

static void take_commit(struct etcd_client *client, const struct etcd_answer *answer)
{
	client->committed(client->handler.userdata, answer->succeeded);
}

int etcd_client_commit(struct etcd_client *client, const struct etcd_txn *txn,
		       etcd_committed_fn *done)
{
	if (!client->is_up || etcd_client_is_asking(client, ETCD_SLOT_COMMIT))
		return -EBUSY;
	client->committed = done;
	etcd_client_ask(client, ETCD_SLOT_COMMIT, ETCD_PATH_TXN, etcd_ask_txn(txn), take_commit);
	return etcd_client_is_asking(client, ETCD_SLOT_COMMIT) ? 0 : -ENOMEM;
}

/* ---- who asks ---- */

static void take_token(struct etcd_client *client, const struct etcd_answer *answer)
{
	client->token = answer->token ? strdup(answer->token) : NULL;
	if (client->token)
		etcd_follow_begin(client);
	else
		etcd_client_fail(client, ETCD_PATH_AUTHENTICATE, "it gives no token");
}

static void authenticate(struct etcd_client *client)
{
	etcd_client_ask(client, ETCD_SLOT_SET_UP, ETCD_PATH_AUTHENTICATE,
			etcd_ask_authenticate(client->options.user, client->options.password),
			take_token);
}

/* ---- an endpoint ---- */

/* 0, HTTP_E_URL or -errno. */
static int make_http(struct etcd_client *client, size_t endpoint, struct http **ret)
{
	const struct http_options options = { .name = "etcd",
					      .url = client->options.endpoints[endpoint],
					      .ca = client->options.ca,
					      .cert = client->options.cert,
					      .key = client->options.key,
					      .body_bytes = LIMIT_ETCD_BYTES,
					      .line_bytes = LIMIT_ETCD_BYTES };

	return http_new(client->loop, &options, ret);
}

/* A new one each time: its connections are to nobody else. */
static void begin(struct etcd_client *client)
{
	client->http = http_free(client->http);
	if (make_http(client, client->endpoint, &client->http) != 0) {
		etcd_client_fail(client, "connect", "no memory");
		return;
	}
	if (client->options.user)
		authenticate(client);
	else
		etcd_follow_begin(client);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	begin(userdata);
	return 0;
}

void etcd_client_came_up(struct etcd_client *client)
{
	client->is_up = true;
	client->retry_us = RETRY_FIRST_US;
	client->told[0] = '\0';
}

/* ---- life and answers ---- */

const struct etcd_mirror *etcd_client_mirror(const struct etcd_client *client)
{
	return &client->mirror;
}

bool etcd_client_is_up(const struct etcd_client *client)
{
	return client->is_up;
}

struct etcd_client *etcd_client_free(struct etcd_client *client)
{
	if (!client)
		return NULL;
	stop(client);
	etcd_lease_done(client);
	client->http = http_free(client->http);
	client->retry = sd_event_source_disable_unref(client->retry);
	etcd_mirror_done(&client->mirror);
	free(client->token);
	free(client);
	return NULL;
}

void etcd_client_freep(struct etcd_client **client)
{
	*client = etcd_client_free(*client);
}

/* What is wrong with the options shows now, and not when the first endpoint fails. */
static int check_endpoints(struct etcd_client *client)
{
	for (size_t i = 0; i < client->options.n_endpoints; i++) {
		struct http *http = NULL;
		int r = make_http(client, i, &http);
		(void)http_free(http);
		if (r)
			return r;
	}
	return 0;
}

int etcd_client_new(sd_event *loop, const struct etcd_client_options *options,
		    const struct etcd_client_handler *handler, struct etcd_client **ret)
{
	CLEANUP(etcd_client_freep) struct etcd_client *client = calloc(1, sizeof(*client));

	if (!client)
		return -ENOMEM;
	client->options = *options;
	client->handler = *handler;
	client->loop = loop;
	client->retry_us = RETRY_FIRST_US;
	int r = check_endpoints(client);
	if (r)
		return r;
	const struct loop_timer timer = { "etcd-retry", SD_EVENT_PRIORITY_NORMAL, on_retry,
					  client };
	r = loop_add_timer(loop, &timer, &client->retry);
	if (r == 0)
		r = etcd_lease_init(client);
	if (r == 0)
		r = loop_arm(client->retry, 0);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(client);
	return 0;
}
