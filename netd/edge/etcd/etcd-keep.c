/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A value that stays in the store when the client has gone. It may be large, and etcd keeps every
 * one that was ever written until it is compacted: so it is never written again but for a reason.
 * And the client has more to do than that: whatever becomes of it, no endpoint is given up for it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "edge/etcd/etcd-parts.h"

static void tell(struct etcd_client *client, const char *error)
{
	if (client->handler.on_kept)
		client->handler.on_kept(client->handler.userdata, error);
}

static void write_kept(struct etcd_client *client);

static void take_written(struct etcd_client *client, const struct etcd_answer *answer)
{
	/* Another value may have come meanwhile. */
	if (client->kept.state == ETCD_KEPT_ASKED) {
		client->kept.state = ETCD_KEPT_WRITTEN;
		client->kept.revision = answer->revision;
		tell(client, NULL);
	}
	write_kept(client);
}

static void take_no(struct etcd_client *client, const char *error)
{
	if (client->kept.state == ETCD_KEPT_ASKED) {
		client->kept.state = ETCD_KEPT_REFUSED;
		tell(client, error);
	}
	write_kept(client);
}

static void write_kept(struct etcd_client *client)
{
	struct etcd_kept *kept = &client->kept;
	const struct etcd_change change = { kept->key, kept->value, kept->len, 0 };
	const struct etcd_txn txn = { .changes = &change, .n_changes = 1 };
	const struct etcd_question how = { .path = ETCD_PATH_TXN,
					   .take = take_written,
					   .refuse = take_no };

	if (!kept->key || kept->state != ETCD_KEPT_NEW || !client->is_up ||
	    etcd_client_is_asking(client, ETCD_SLOT_KEEP))
		return;
	kept->state = ETCD_KEPT_ASKED;
	etcd_client_try(client, ETCD_SLOT_KEEP, etcd_ask_txn(&txn), &how);
}

int etcd_client_keep(struct etcd_client *client, const char *key, const char *value, size_t len)
{
	struct etcd_kept *kept = &client->kept;
	bool is_same = kept->key && strcmp(kept->key, key) == 0 && kept->len == len &&
		       memcmp(kept->value, value, len) == 0;

	if (is_same && kept->state != ETCD_KEPT_REFUSED)
		return 0;
	char *key_copy = strdup(key), *value_copy = malloc(len + 1);

	if (!key_copy || !value_copy) {
		free(key_copy);
		free(value_copy);
		return -ENOMEM;
	}
	memcpy(value_copy, value, len);
	free(kept->key);
	free(kept->value);
	*kept = (struct etcd_kept){ key_copy, value_copy, len, 0, ETCD_KEPT_NEW };
	write_kept(client);
	return 0;
}

/* ---- is it still there? ---- */

static void take_look(struct etcd_client *client, const struct etcd_answer *answer)
{
	if (client->kept.state == ETCD_KEPT_DOUBTED)
		client->kept.state = answer->succeeded ? ETCD_KEPT_WRITTEN : ETCD_KEPT_NEW;
	write_kept(client);
}

/* Whoever may not look may not write either. */
static void take_no_look(struct etcd_client *client, const char *error)
{
	if (client->kept.state == ETCD_KEPT_DOUBTED) {
		client->kept.state = ETCD_KEPT_REFUSED;
		tell(client, error);
	}
	write_kept(client);
}

static void look(struct etcd_client *client)
{
	const struct etcd_condition condition = { ETCD_IS_AT, client->kept.key,
						  client->kept.revision };
	const struct etcd_txn txn = { .conditions = &condition, .n_conditions = 1 };
	const struct etcd_question how = { .path = ETCD_PATH_TXN,
					   .take = take_look,
					   .refuse = take_no_look };

	client->kept.state = ETCD_KEPT_DOUBTED;
	etcd_client_try(client, ETCD_SLOT_KEEP, etcd_ask_txn(&txn), &how);
}

void etcd_keep_begin(struct etcd_client *client)
{
	if (client->kept.state == ETCD_KEPT_ASKED) {
		/* It may be what the endpoint was given up for: not at once again. */
		client->kept.state = ETCD_KEPT_REFUSED;
		tell(client, "the store has given no answer");
	}
	if (client->kept.state == ETCD_KEPT_WRITTEN || client->kept.state == ETCD_KEPT_DOUBTED)
		look(client);
	else
		write_kept(client);
}

void etcd_keep_done(struct etcd_client *client)
{
	free(client->kept.key);
	free(client->kept.value);
}
