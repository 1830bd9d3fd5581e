/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The copy: all of it at one revision, then every change from the next revision on. */
#include "edge/etcd/etcd-parts.h"

static void changed(struct etcd_client *client, const struct etcd_answer *news)
{
	if (client->handler.on_change)
		client->handler.on_change(client->handler.userdata, news);
}

/* ---- the watch ---- */

/* A line says what happened, that the watch has begun, or at which revision the store is by now. */
static void on_line(void *userdata, const char *line, size_t len)
{
	struct etcd_client *client = userdata;
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct http_result result = { .body = line, .len = len };
	struct etcd_answer answer;

	if (etcd_client_read(client, ETCD_PATH_WATCH, &result, arena, &answer) != 0)
		return;
	if (answer.created) {
		etcd_client_came_up(client);
		etcd_commit_begin(client);
		etcd_lease_begin(client);
		etcd_keep_begin(client);
		etcd_get_begin(client);
		changed(client, NULL);
		return;
	}
	if (answer.n_keys == 0) /* how far the store is by now */
		return;
	if (etcd_mirror_follow(&client->mirror, &answer) < 0)
		etcd_client_fail(client, ETCD_PATH_WATCH, "no memory");
	else
		changed(client, &answer);
}

static void on_watch_done(void *userdata, const struct http_result *result)
{
	struct etcd_client *client = userdata;
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct etcd_answer answer;

	client->watch = NULL;
	/* An error of HTTP comes with a body that says why; a stream just ends. */
	if (result->error || result->len == 0)
		etcd_client_fail(client, ETCD_PATH_WATCH, result->error ? result->error : "ended");
	else if (etcd_client_read(client, ETCD_PATH_WATCH, result, arena, &answer) == 0)
		etcd_client_fail(client, ETCD_PATH_WATCH, "ended");
}

static void watch(struct etcd_client *client)
{
	const struct http_handler handler = { .line = on_line,
					      .done = on_watch_done,
					      .userdata = client };

	client->watch =
		etcd_client_follow(client, ETCD_PATH_WATCH,
				   etcd_ask_watch(client->options.first, client->options.end,
						  client->mirror.revision + 1),
				   &handler);
}

/* ---- the range ---- */

static void take_range(struct etcd_client *client, const struct etcd_answer *answer)
{
	if (etcd_mirror_fill(&client->mirror, answer) < 0)
		etcd_client_fail(client, ETCD_PATH_RANGE, "no memory");
	else
		watch(client);
}

void etcd_follow_begin(struct etcd_client *client)
{
	etcd_look_begin(client);
	etcd_client_ask(client, ETCD_SLOT_SET_UP, ETCD_PATH_RANGE,
			etcd_ask_range(client->options.first, client->options.end, 0), take_range);
}
