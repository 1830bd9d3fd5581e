/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/rtnl/peers.h"

/* Few are: the peers of containers are elsewhere, and known. */
static bool is_wanted(const struct links *links, const struct link *link)
{
	return (link->stale || link->nsid == QUERY_NSID_OWN) && link->is_veth && link->peer &&
	       links_bridge_of(links, link);
}

static bool is_due(const struct links *links, const struct link *link)
{
	return link->due && link->nsid != QUERY_NSID_OWN && is_wanted(links, link);
}

/* A peer that is here tells of itself, as each interface does. The kernel tells of the first end of
 * a pair before there is the other, so it may not name its peer; one that names another is not the
 * peer, which has left, and what was known of it holds until this end tells of that. */
static void look_up(const struct links *links, struct link *link)
{
	const struct link *peer = links_find(links, link->peer);

	if (!peer || !peer->is_veth || peer->nsid != QUERY_NSID_OWN ||
	    (peer->peer && peer->peer != link->ifindex))
		return;
	link->mac = peer->own_mac;
	link->stale = false;
	link->due = false;
}

void peers_look_up(struct links *links)
{
	for (size_t i = 0; i < links->n; i++) {
		struct link *link = &links->items[i];
		if (link->nsid == QUERY_NSID_OWN && is_wanted(links, link))
			look_up(links, link);
	}
}

static void take(struct link *link, int result, const struct query_answer *answer,
		 struct rtnl_counters *counters)
{
	if (result < 0) {
		/* Moved or removed since the message: the next one says more. */
		counters->query_failures++;
		link->mac = (struct mac_addr){ 0 };
		return;
	}
	link->mac = answer->mac;
	/* Docker sets the MAC, then the interface up. The message about the carrier comes from a
	 * work queue of the kernel, some time later: what the peer itself says is nearer the
	 * moment. */
	link->pinned = answer->up;
	link->due = link->due && !link->pinned;
	link->stale = link->due;
}

void peers_read(struct links *links, struct query *query, struct rtnl_counters *counters)
{
	for (size_t i = 0; i < links->n; i++) {
		struct link *link = &links->items[i];
		const struct query_peer peer = { link->ifindex, link->peer, link->nsid };
		struct query_answer answer = { 0 };

		if (!is_due(links, link))
			continue;
		counters->queries++;
		link->due = false;
		int r = query_peer(query, &peer, &answer);
		take(link, r, &answer, counters);
	}
}

void peers_ask(struct links *links, struct asker *asker, struct rtnl_counters *counters)
{
	for (size_t i = 0; i < links->n; i++) {
		struct link *link = &links->items[i];
		struct asker_question question = {
			.kind = ASKER_PEER,
			.peer = { link->ifindex, link->peer, link->nsid },
		};

		if (link->question || !is_due(links, link))
			continue;
		if (asker_ask(asker, &question) < 0)
			return;
		counters->queries++;
		link->question = question.number;
		link->due = false;
	}
}

void peers_take(struct links *links, const struct asker_answer *answer,
		struct rtnl_counters *counters)
{
	struct link *link = links_find(links, answer->question.peer.ifindex);

	if (!link || link->question != answer->question.number)
		return;
	link->question = 0;
	take(link, answer->result, &answer->peer, counters);
}

/* Who is behind those ports is not known any more than before there was an answer. */
void peers_lose(struct links *links)
{
	for (size_t i = 0; i < links->n; i++) {
		struct link *link = &links->items[i];
		if (!link->question)
			continue;
		link->question = 0;
		link->mac = (struct mac_addr){ 0 };
		link->due = true;
	}
}

static bool is_missing(const struct links *links, const struct link *link)
{
	return link->stale && link->carrier && !link->question && !link->due &&
	       is_wanted(links, link);
}

bool peers_are_missing(const struct links *links)
{
	for (size_t i = 0; i < links->n; i++)
		if (is_missing(links, &links->items[i]))
			return true;
	return false;
}

void peers_retry(struct links *links)
{
	for (size_t i = 0; i < links->n; i++)
		if (is_missing(links, &links->items[i]))
			links->items[i].due = true;
}
