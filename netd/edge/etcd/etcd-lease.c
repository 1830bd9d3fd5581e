/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lease under which the record stands, and the heartbeat that keeps both. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/limits.h"
#include "edge/etcd/etcd-parts.h"
#include "edge/loop/loop.h"

/* A member that has gone without a word is given up after that and the timeout of the answer. */
#define BEAT_US UINT64_C(3000000)

/* ---- the record ---- */

static void write_record(struct etcd_client *client);

/* Another value may have come meanwhile. */
static void take_record(struct etcd_client *client, const struct etcd_answer *answer)
{
	(void)answer;
	if (!client->is_written)
		write_record(client);
}

static void write_record(struct etcd_client *client)
{
	const struct etcd_change change = { client->record_key, client->record,
					    client->record ? strlen(client->record) : 0,
					    client->lease };
	const struct etcd_txn txn = { .changes = &change, .n_changes = 1 };

	if (!client->is_up || client->lease == 0 || !client->record ||
	    etcd_client_is_asking(client, ETCD_SLOT_RECORD))
		return;
	client->is_written = true;
	etcd_client_ask(client, ETCD_SLOT_RECORD, ETCD_PATH_TXN, etcd_ask_txn(&txn), take_record);
}

int etcd_client_publish(struct etcd_client *client, const char *key, const char *value)
{
	char *key_copy = strdup(key), *value_copy = strdup(value);

	if (!key_copy || !value_copy) {
		free(key_copy);
		free(value_copy);
		return -ENOMEM;
	}
	free(client->record_key);
	free(client->record);
	client->record_key = key_copy;
	client->record = value_copy;
	client->is_written = false;
	write_record(client);
	return 0;
}

/* ---- the heartbeat ---- */

static void wait_for_beat(struct etcd_client *client)
{
	(void)!loop_arm(client->heart, BEAT_US);
}

static void take_lease(struct etcd_client *client, const struct etcd_answer *answer)
{
	client->lease = answer->lease;
	client->is_written = false;
	write_record(client);
	wait_for_beat(client);
}

static void grant(struct etcd_client *client)
{
	etcd_client_ask(client, ETCD_SLOT_BEAT, ETCD_PATH_GRANT,
			etcd_ask_grant(client->options.lease_seconds), take_lease);
}

/* The answer to a heartbeat is one line of a stream that etcd ends. A lease without a time ran out
 * while nobody could be asked, and what stood under it has gone. */
static void take_beat(struct etcd_client *client, const struct etcd_answer *answer)
{
	if (answer->ttl > 0) {
		wait_for_beat(client);
		return;
	}
	client->lease = 0;
	grant(client);
}

static int on_heart(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct etcd_client *client = userdata;

	(void)source;
	(void)usec;
	if (client->is_up && client->lease != 0 && !etcd_client_is_asking(client, ETCD_SLOT_BEAT))
		etcd_client_ask(client, ETCD_SLOT_BEAT, ETCD_PATH_KEEPALIVE,
				etcd_ask_keepalive(client->lease), take_beat);
	return 0;
}

/* ---- life ---- */

void etcd_lease_begin(struct etcd_client *client)
{
	if (client->options.lease_seconds == 0)
		return;
	if (client->lease == 0) {
		grant(client);
		return;
	}
	/* The old one, from another member: whether it still lives shows at once. */
	(void)!loop_arm(client->heart, 0);
	write_record(client);
}

void etcd_lease_stop(struct etcd_client *client)
{
	client->is_written = false;
	(void)!loop_disarm(client->heart);
}

int etcd_lease_init(struct etcd_client *client)
{
	const struct loop_timer timer = { "etcd-heart", SD_EVENT_PRIORITY_NORMAL, on_heart,
					  client };

	return loop_add_timer(client->loop, &timer, &client->heart);
}

void etcd_lease_done(struct etcd_client *client)
{
	client->heart = sd_event_source_disable_unref(client->heart);
	free(client->record_key);
	free(client->record);
}
