/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lease under which the records stand, and the heartbeat that keeps them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "edge/base/clock.h"
#include "edge/etcd/etcd-parts.h"
#include "edge/loop/loop.h"

/* A member that has gone without a word is given up after that and the timeout of the answer. */
#define BEAT_US UINT64_C(3000000)
#define BEAT_SLOW_US UINT64_C(6000000)

/* ---- the records ---- */

static void write_records(struct etcd_client *client);

/* Another one, or another value, may have come meanwhile. */
static void take_record(struct etcd_client *client, const struct etcd_answer *answer)
{
	for (size_t i = 0; i < ETCD_RECORDS; i++) {
		struct etcd_record *record = &client->records[i];
		if (record->state != ETCD_RECORD_ASKED)
			continue;
		record->state = ETCD_RECORD_WRITTEN;
		record->revision = answer->revision;
	}
	write_records(client);
}

/* One after the other. */
static void write_records(struct etcd_client *client)
{
	size_t i = 0;

	while (i < ETCD_RECORDS &&
	       (!client->records[i].key || client->records[i].state != ETCD_RECORD_NEW))
		i++;
	if (i == ETCD_RECORDS || !client->is_up || !client->is_leased ||
	    etcd_client_is_asking(client, ETCD_SLOT_RECORD))
		return;
	struct etcd_record *record = &client->records[i];
	const struct etcd_change change = { record->key, record->value, strlen(record->value),
					    client->lease };
	const struct etcd_txn txn = { .changes = &change, .n_changes = 1 };
	record->state = ETCD_RECORD_ASKED;
	etcd_client_ask(client, ETCD_SLOT_RECORD, ETCD_PATH_TXN, etcd_ask_txn(&txn), take_record);
}

/* Which has that key, or is free; ETCD_RECORDS: none. */
static size_t find_record(const struct etcd_client *client, const char *key)
{
	size_t i = 0;

	while (i < ETCD_RECORDS && client->records[i].key &&
	       strcmp(client->records[i].key, key) != 0)
		i++;
	return i;
}

int etcd_client_publish(struct etcd_client *client, const char *key, const char *value)
{
	size_t i = find_record(client, key);

	if (i < ETCD_RECORDS && client->records[i].key &&
	    strcmp(client->records[i].value, value) == 0)
		return 0;
	char *key_copy = strdup(key), *value_copy = strdup(value);

	if (!key_copy || !value_copy || i == ETCD_RECORDS) {
		free(key_copy);
		free(value_copy);
		return i == ETCD_RECORDS ? -ENOSPC : -ENOMEM;
	}
	struct etcd_record *record = &client->records[i];
	free(record->key);
	free(record->value);
	*record = (struct etcd_record){ key_copy, value_copy, ETCD_RECORD_NEW, 0 };
	write_records(client);
	return 0;
}

static bool is_asked_for(const struct etcd_client *client, const char *key)
{
	const struct etcd_client_options *options = &client->options;

	return options->asked_first && strcmp(key, options->asked_first) >= 0 &&
	       strcmp(key, options->asked_end) < 0;
}

/* As it was written: what stands there without the lease would outlive its writer. */
static bool is_as_written(const struct etcd_client *client, const struct etcd_record *record,
			  const struct etcd_key *there)
{
	return there && there->lease == client->lease && there->len == strlen(record->value) &&
	       memcmp(there->value, record->value, there->len) == 0;
}

/* True: it is as it was written, or may be. What was written after the copy was asked for need not
 * be in it. Whose lease is in doubt may have written what stands there under the one before. */
static bool compare(const struct etcd_client *client, const struct etcd_record *record)
{
	const struct etcd_key *there;

	if (record->state != ETCD_RECORD_WRITTEN || !is_asked_for(client, record->key) ||
	    client->asked.revision < record->revision)
		return true;
	there = etcd_mirror_find(&client->asked, record->key);
	if (is_as_written(client, record, there))
		return true;
	if (there && there->lease != 0 && there->lease != client->lease && client->is_leased &&
	    client->handler.on_contested)
		client->handler.on_contested(client->handler.userdata, there);
	return false;
}

/* Somebody may have removed what was written, or put something else in its place: he may have done
 * so with the keys that are not asked for, too. */
void etcd_lease_compare(struct etcd_client *client)
{
	bool is_whole = true;

	for (size_t i = 0; i < ETCD_RECORDS; i++)
		is_whole = compare(client, &client->records[i]) && is_whole;
	for (size_t i = 0; i < ETCD_RECORDS && !is_whole; i++)
		if (client->records[i].state == ETCD_RECORD_WRITTEN)
			client->records[i].state = ETCD_RECORD_NEW;
	write_records(client);
}

/* ---- the heartbeat ---- */

/* The answer to a heartbeat, or to what was asked in the place of one, is there. A store that is
 * slow is asked more seldom, but in time for the lease. */
static void wait_for_beat(struct etcd_client *client)
{
	uint64_t begin_us = client->questions[ETCD_SLOT_BEAT].begin_us;

	etcd_client_served(client, clock_monotonic_us() - begin_us);
	(void)!loop_arm(client->heart, client->patience > 1 ? BEAT_SLOW_US : BEAT_US);
}

static void take_lease(struct etcd_client *client, const struct etcd_answer *answer)
{
	client->lease = answer->lease;
	client->is_leased = true;
	for (size_t i = 0; i < ETCD_RECORDS; i++)
		client->records[i].state = ETCD_RECORD_NEW;
	write_records(client);
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
	client->is_leased = answer->ttl > 0;
	if (client->is_leased) {
		write_records(client);
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
	client->is_leased = false;
	/* Nobody knows what became of it; but for what was written and is asked for, which the next
	 * answer is compared with. */
	for (size_t i = 0; i < ETCD_RECORDS; i++) {
		struct etcd_record *record = &client->records[i];
		if (record->state == ETCD_RECORD_ASKED ||
		    (record->key && !is_asked_for(client, record->key)))
			record->state = ETCD_RECORD_NEW;
	}
	if (client->lease == 0)
		grant(client);
	else /* the old one: whether it still lives shows at once */
		(void)!loop_arm(client->heart, 0);
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
	for (size_t i = 0; i < ETCD_RECORDS; i++) {
		free(client->records[i].key);
		free(client->records[i].value);
	}
}
