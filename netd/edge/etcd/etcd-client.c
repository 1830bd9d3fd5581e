/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which endpoint is asked, and who asks. */
#include "edge/etcd/etcd-client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/limits.h"
#include "edge/etcd/etcd-parts.h"
#include "edge/loop/loop.h"

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
					      .is_shared = true,
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

/* ---- life and answers ---- */

const struct etcd_mirror *etcd_client_mirror(const struct etcd_client *client)
{
	return &client->mirror;
}

bool etcd_client_is_up(const struct etcd_client *client)
{
	return client->is_up;
}

uint64_t etcd_client_heard_us(const struct etcd_client *client)
{
	return client->heard_us;
}

const char *etcd_client_local(const struct etcd_client *client)
{
	return client->local;
}

struct etcd_client *etcd_client_free(struct etcd_client *client)
{
	if (!client)
		return NULL;
	etcd_client_stop(client);
	free(client->commit);
	free(client->get);
	etcd_keep_done(client);
	etcd_lease_done(client);
	client->http = http_free(client->http);
	client->retry = sd_event_source_disable_unref(client->retry);
	etcd_mirror_done(&client->mirror);
	etcd_mirror_done(&client->asked);
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
	client->retry_us = CLIENT_RETRY_FIRST_US;
	client->patience = options->lease_seconds ? CLIENT_PATIENCE_FIRST : 1;
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
