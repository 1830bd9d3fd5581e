/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One question at a time about other keys. To ask twice does no harm, so it is kept until it has an
 * answer, whichever endpoint gives it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "edge/etcd/etcd-parts.h"

static void take_got(struct etcd_client *client, const struct etcd_answer *answer)
{
	free(client->get);
	client->get = NULL;
	client->got(client->handler.userdata, answer);
}

void etcd_get_begin(struct etcd_client *client)
{
	if (client->get && !etcd_client_is_asking(client, ETCD_SLOT_GET))
		etcd_client_ask(client, ETCD_SLOT_GET, ETCD_PATH_RANGE, strdup(client->get),
				take_got);
}

int etcd_client_get(struct etcd_client *client, const char *first, const char *end,
		    etcd_got_fn *done)
{
	if (client->get)
		return -EBUSY;
	client->get = end ? etcd_ask_names(first, end) : etcd_ask_get(first);
	client->got = done;
	if (!client->get)
		return -ENOMEM;
	if (client->is_up)
		etcd_get_begin(client);
	return 0;
}
