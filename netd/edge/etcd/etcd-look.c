/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A copy that is asked for, and not followed. The client can do without it: whatever becomes of it,
 * no endpoint is given up for it. */
#include "edge/base/clock.h"
#include "edge/etcd/etcd-parts.h"

static void tell(struct etcd_client *client, const char *error)
{
	if (client->handler.on_looked)
		client->handler.on_looked(client->handler.userdata, error);
}

static void take_no(struct etcd_client *client, const char *error)
{
	tell(client, error);
}

static void have(struct etcd_client *client)
{
	client->asked_us = clock_monotonic_us();
	etcd_lease_compare(client);
	tell(client, NULL);
}

static void take_all(struct etcd_client *client, const struct etcd_answer *answer)
{
	if (etcd_mirror_fill(&client->asked, answer) < 0)
		tell(client, "no memory");
	else
		have(client);
}

static void ask(struct etcd_client *client, char *body, etcd_take_fn *take)
{
	const struct etcd_question how = {
		.path = ETCD_PATH_RANGE, .take = take, .may_be_late = true, .refuse = take_no
	};

	etcd_client_try(client, ETCD_SLOT_LOOK, body, &how);
}

static void ask_all(struct etcd_client *client)
{
	const struct etcd_client_options *options = &client->options;

	ask(client, etcd_ask_range(options->asked_first, options->asked_end, 0), take_all);
}

static void take_newer(struct etcd_client *client, const struct etcd_answer *answer)
{
	int r = etcd_mirror_renew(&client->asked, answer);

	if (r == 0)
		have(client);
	else if (r == ETCD_MIRROR_E_STALE)
		ask_all(client);
	else
		tell(client, r < 0 ? "no memory" : "it is more than one answer may be");
}

static void ask_newer(struct etcd_client *client)
{
	const struct etcd_client_options *options = &client->options;

	ask(client,
	    etcd_ask_newer(options->asked_first, options->asked_end, client->asked.revision),
	    take_newer);
}

bool etcd_client_look(struct etcd_client *client)
{
	if (!client->is_up || !client->options.asked_first || etcd_client_has_newest(client) ||
	    etcd_client_is_asking(client, ETCD_SLOT_LOOK))
		return false;
	if (client->asked.is_current)
		ask_newer(client);
	else
		ask_all(client);
	return true;
}

void etcd_look_begin(struct etcd_client *client)
{
	client->asked.is_current = false;
}

const struct etcd_mirror *etcd_client_asked(const struct etcd_client *client)
{
	return &client->asked;
}

uint64_t etcd_client_asked_us(const struct etcd_client *client)
{
	return client->asked_us;
}
