/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One transaction at a time, kept until it has an answer. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "edge/etcd/etcd-parts.h"

static void take_commit(struct etcd_client *client, const struct etcd_answer *answer)
{
	free(client->commit);
	client->commit = NULL;
	client->committed(client->handler.userdata, answer->succeeded);
}

void etcd_commit_begin(struct etcd_client *client)
{
	if (client->commit)
		etcd_client_ask(client, ETCD_SLOT_COMMIT, ETCD_PATH_TXN, strdup(client->commit),
				take_commit);
}

int etcd_client_commit(struct etcd_client *client, const struct etcd_txn *txn,
		       etcd_committed_fn *done)
{
	if (!client->is_up || client->commit)
		return -EBUSY;
	client->commit = etcd_ask_txn(txn);
	client->committed = done;
	etcd_commit_begin(client);
	return client->commit ? 0 : -ENOMEM;
}
