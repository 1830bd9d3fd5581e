/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fleet/inventory.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/base/text.h"
#include "core/fleet/inventory.h"
#include "edge/base/clock.h"
#include "edge/control/ask.h"
#include "edge/journal/journal.h"
#include "edge/loop/loop.h"
#include "edge/pack/pack.h"

#define SECOND_US UINT64_C(1000000)
#define TIMEOUT_US (60 * SECOND_US)
/* A text in JSON takes two bytes for each quote and newline. */
#define ANSWER_BYTES (2u * LIMIT_FLEET_INVENTORY)
/* A host writes not more often than that, and of a large inventory so seldom that it is not more
 * than 256 bytes a second: 22 MB a day, were it another one all the time. */
#define PAUSE_US (30 * SECOND_US)
#define BYTES_A_SECOND 256u
/* netd's stamp tells of what it has committed; facts of which no rule follows are seen by then. */
#define AGAIN_US (600 * SECOND_US)

struct inventory {
	struct inventory_options options;
	sd_event *loop;
	sd_event_source *timer;
	struct control_ask *ask;
	bool is_due;	   /* it may be another one */
	uint64_t next_us;  /* not before that */
	uint64_t digest;   /* of the newest; 0: there was none yet */
	char fault[256];   /* why there is none for the store, or "" */
	char refused[256]; /* why the store has not taken it, or "" */
};

uint64_t inventory_digest(const struct inventory *inventory)
{
	return inventory->digest;
}

const char *inventory_error(const struct inventory *inventory)
{
	const char *error = *inventory->fault ? inventory->fault : inventory->refused;

	return *error ? error : NULL;
}

/* @which: fault or refused. */
static void say(struct inventory *inventory, char which[256], const char *error)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "%.200s", error);
	text_clean(text);
	if (strcmp(text, which) == 0)
		return;
	memcpy(which, text, sizeof(text));
	if (*text)
		log_warning(LOG_ID_FLEET_INVENTORY,
			    "the inventory of this host is not in the store as it is now, so what "
			    "is planned for it may be wrong: %s",
			    text);
	inventory->options.on_news(inventory->options.userdata);
}

static void become(struct inventory *inventory, uint64_t digest, const char *fault)
{
	bool is_news = digest != inventory->digest;

	inventory->digest = digest;
	say(inventory, inventory->fault, fault);
	if (is_news)
		inventory->options.on_news(inventory->options.userdata);
}

/* ---- when ---- */

static void wait_for_turn(struct inventory *inventory)
{
	uint64_t now = clock_monotonic_us();
	uint64_t at = inventory->next_us + (inventory->is_due ? 0 : AGAIN_US);

	if (!inventory->ask)
		(void)!loop_arm(inventory->timer, at > now ? at - now : 0);
}

static void pause_for(struct inventory *inventory, size_t bytes)
{
	uint64_t pause = bytes / BYTES_A_SECOND * SECOND_US;

	inventory->next_us = clock_monotonic_us() + (pause > PAUSE_US ? pause : PAUSE_US);
}

void inventory_look(struct inventory *inventory)
{
	inventory->is_due = true;
	wait_for_turn(inventory);
}

/* ---- into the store ---- */

static int keep(struct inventory *inventory, const char *text, size_t len, uint64_t digest)
{
	const struct fleet_conf *conf = inventory->options.fleet;
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(free_ptr) char *packed = NULL;
	CLEANUP(free_ptr) char *value = NULL;
	struct fleet_inventory stored = {
		.groups = conf->groups, .n_groups = conf->n_groups, .digest = digest, .len = len
	};
	size_t value_len = 0;
	const char *key = arena ? fleet_inventory_key(conf->prefix, conf->host, arena) : NULL;
	int r = key ? pack_bytes(text, len, &packed, &stored.packed_len) : -ENOMEM;

	if (r < 0)
		return r;
	if (stored.packed_len > LIMIT_FLEET_PACKED)
		return -EFBIG;
	stored.packed = packed;
	value = fleet_print_inventory(&stored, &value_len);
	if (!value)
		return -ENOMEM;
	pause_for(inventory, value_len);
	return etcd_client_keep(inventory->options.client, key, value, value_len);
}

/* The one before is not what this host runs any more, and its digest would say that it is. */
static void refuse(struct inventory *inventory, uint64_t digest, double bytes)
{
	char error[128];

	(void)snprintf(error, sizeof(error),
		       "it has %.0f bytes, which is more than the store is to bear", bytes);
	become(inventory, digest, error);
}

static void take(struct inventory *inventory, const char *text)
{
	const struct fleet_conf *conf = inventory->options.fleet;
	size_t len = strlen(text);
	uint64_t digest = fleet_inventory_digest(conf->groups, conf->n_groups, text, len);

	if (digest == inventory->digest && !inventory_error(inventory))
		return;
	int r = keep(inventory, text, len, digest);
	if (r == -EFBIG) {
		refuse(inventory, digest, (double)len);
		return;
	}
	inventory->is_due |= r == -ENOMEM;
	become(inventory, digest, r < 0 ? "there is no memory" : "");
}

void inventory_take_word(struct inventory *inventory, const char *error)
{
	/* Who may do what in the store can change without a word to this host. */
	if (error)
		inventory_look(inventory);
	say(inventory, inventory->refused, error ? error : "");
}

/* ---- netd's word ---- */

static void on_answer(void *userdata, const struct wire_answer *answer, const char *error)
{
	struct inventory *inventory = userdata;
	const cJSON *report =
		answer ? cJSON_GetObjectItemCaseSensitive(answer->json, "report") : NULL;
	const char *text = wire_string(report, "text");

	inventory->ask = NULL;
	if (text) {
		take(inventory, text);
	} else if (report) {
		refuse(inventory, 0, wire_number(report, "bytes", 0));
	} else {
		const char *why = answer ? wire_error_text(answer->json) : error;
		inventory->is_due = true;
		become(inventory, inventory->digest, why ? why : "netd gives no reason");
	}
	wait_for_turn(inventory);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	static const char line[] = "{\"v\":1,\"verb\":\"inventory\"}\n";
	struct inventory *inventory = userdata;
	const struct control_asked asked = { .path = inventory->options.netd,
					     .timeout_us = TIMEOUT_US,
					     .answer_bytes = ANSWER_BYTES,
					     .done = on_answer,
					     .userdata = inventory };

	(void)source;
	(void)usec;
	inventory->is_due = false;
	pause_for(inventory, 0);
	if (control_ask(inventory->loop, &asked, line, strlen(line), &inventory->ask) < 0)
		inventory->is_due = true;
	wait_for_turn(inventory);
	return 0;
}

/* ---- life ---- */

struct inventory *inventory_free(struct inventory *inventory)
{
	if (!inventory)
		return NULL;
	(void)control_ask_cancel(inventory->ask);
	(void)sd_event_source_disable_unref(inventory->timer);
	free(inventory);
	return NULL;
}

int inventory_new(sd_event *loop, const struct inventory_options *options, struct inventory **ret)
{
	struct inventory *inventory = calloc(1, sizeof(*inventory));

	if (!inventory)
		return -ENOMEM;
	*inventory = (struct inventory){ .options = *options, .loop = loop };
	const struct loop_timer timer = { "inventory", 0, on_timer, inventory };
	int r = loop_add_timer(loop, &timer, &inventory->timer);
	if (r < 0) {
		(void)inventory_free(inventory);
		return r;
	}
	*ret = inventory;
	return 0;
}
