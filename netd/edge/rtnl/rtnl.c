/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/rtnl/rtnl.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "core/world/world-store.h"
#include "edge/loop/loop.h"
#include "edge/rtnl/links.h"
#include "edge/rtnl/query.h"

/* Room for some thousand messages: a burst of container starts while netd compiles. */
#define RECEIVE_BUFFER (8 * 1024 * 1024)
/* Messages per turn of the loop; the rest waits its turn. */
#define BATCH 256
#define DUMP_TRIES 5
#define RETRY_US UINT64_C(50000)
/* A port whose peer cannot be read stays closed; new messages about it start again. */
#define RETRIES 20u

struct rtnl {
	struct mnl_socket *nl;
	sd_event_source *io, *retry;
	struct query query;
	struct links links;
	struct port_list ports;
	struct bridge_list bridges;
	struct rtnl_counters counters;
	rtnl_change_fn *on_change;
	void *userdata;
	char *buffer;
	unsigned int retries;
	bool must_dump; /* messages were lost */
};

/* ---- the MACs at the far ends ---- */

/* Few are: the peers of containers are elsewhere, and known. */
static bool wants_peer(const struct rtnl *rtnl, const struct link *link)
{
	return (link->stale || link->nsid == QUERY_NSID_OWN) && link->is_veth && link->peer &&
	       links_bridge_of(&rtnl->links, link);
}

/* A peer that is here tells of itself, as each interface does. It is not asked for: rtnetlink has
 * one lock for all, which the end of some containers holds for hundreds of milliseconds, and just
 * then their peers come back here. The kernel tells of the first end of a pair before there is the
 * other, so it may not name its peer; one that names another is not the peer, which has left, and
 * what was known of it holds until this end tells of that. */
static void look_up_peer(const struct rtnl *rtnl, struct link *link)
{
	const struct link *peer = links_find(&rtnl->links, link->peer);

	if (!peer || !peer->is_veth || peer->nsid != QUERY_NSID_OWN ||
	    (peer->peer && peer->peer != link->ifindex))
		return;
	link->mac = peer->own_mac;
	link->stale = false;
}

static void ask_peer(struct rtnl *rtnl, struct link *link)
{
	const struct query_peer peer = { link->ifindex, link->peer, link->nsid };
	struct query_answer answer;

	rtnl->counters.queries++;
	if (query_peer(&rtnl->query, &peer, &answer) < 0) {
		/* Moved or removed since the message: the next one says more. */
		rtnl->counters.query_failures++;
		link->mac = (struct mac_addr){ 0 };
		return;
	}
	link->mac = answer.mac;
	link->stale = false;
	/* Docker sets the MAC, then the interface up. The message about the carrier comes from a
	 * work queue of the kernel, some time later: what the peer itself says is nearer the
	 * moment. */
	link->pinned = answer.up;
}

/* False: something is still missing that should be there. */
static bool read_peers(struct rtnl *rtnl)
{
	bool complete = true;

	for (size_t i = 0; i < rtnl->links.n; i++) {
		struct link *link = &rtnl->links.items[i];

		if (!wants_peer(rtnl, link))
			continue;
		if (link->nsid == QUERY_NSID_OWN)
			look_up_peer(rtnl, link);
		else
			ask_peer(rtnl, link);
		complete = complete && (!link->stale || !link->carrier);
	}
	return complete;
}

/* ---- reading links ---- */

static int on_dumped_link(const struct nlmsghdr *nlh, void *data)
{
	return links_apply(data, nlh);
}

/* We are subscribed before we dump, so what changes meanwhile comes as a message: an interrupted
 * dump may miss nothing for good, but proves no absence. */
static int dump(struct rtnl *rtnl)
{
	int r = -EINTR;

	links_unsee(&rtnl->links);
	for (int i = 0; i < DUMP_TRIES && r == -EINTR; i++)
		r = query_links(&rtnl->query, on_dumped_link, &rtnl->links);
	if (r < 0 && r != -EINTR)
		return r;
	if (r == 0)
		links_drop_unseen(&rtnl->links);
	rtnl->must_dump = r < 0;
	return 0;
}

/* Recomputes the lists; true: they are others. */
static int publish(struct rtnl *rtnl, bool *ret_changed)
{
	struct port_list ports;
	struct bridge_list bridges;
	int r = links_ports(&rtnl->links, &ports);

	if (r < 0)
		return r;
	r = links_bridges(&rtnl->links, &bridges);
	if (r < 0) {
		free(ports.items);
		return r;
	}
	*ret_changed = !port_lists_equal(&ports, &rtnl->ports) ||
		       !bridge_lists_equal(&bridges, &rtnl->bridges);
	free(rtnl->ports.items);
	bridge_list_done(&rtnl->bridges);
	rtnl->ports = ports;
	rtnl->bridges = bridges;
	return 0;
}

static int update(struct rtnl *rtnl)
{
	bool changed = false, complete = true;

	if (rtnl->must_dump)
		complete = dump(rtnl) == 0 && !rtnl->must_dump;
	complete = read_peers(rtnl) && complete;
	int r = publish(rtnl, &changed);
	if (r < 0)
		return r;
	if (changed)
		rtnl->on_change(rtnl->userdata);
	if (complete)
		rtnl->retries = 0;
	else if (rtnl->retries++ < RETRIES || rtnl->must_dump)
		return loop_arm(rtnl->retry, RETRY_US);
	return 0;
}

static int apply_datagram(struct rtnl *rtnl, int len)
{
	const struct nlmsghdr *nlh = (const void *)rtnl->buffer;

	for (; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
		rtnl->counters.messages++;
		int r = links_apply(&rtnl->links, nlh);
		if (r < 0)
			return r;
	}
	return 0;
}

/* 0: all read; 1: there may be more; -errno. */
static int drain(struct rtnl *rtnl)
{
	int fd = mnl_socket_get_fd(rtnl->nl);

	for (int i = 0; i < BATCH; i++) {
		int len = query_receive(fd, rtnl->buffer, QUERY_BUFFER);
		if (len == -EAGAIN)
			return 0;
		if (len == -EINTR)
			continue;
		if (len == -ENOBUFS) {
			/* Further losses are silent until the queue has been read to its end: dump
			 * only then. */
			rtnl->counters.overruns++;
			rtnl->must_dump = true;
			continue;
		}
		int r = len < 0 ? len : apply_datagram(rtnl, len);
		if (r < 0)
			return r;
	}
	return 1;
}

static int on_messages(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct rtnl *rtnl = userdata;

	(void)source;
	(void)fd;
	(void)revents;
	int r = drain(rtnl);
	/* Losing track of ports is no state to go on in: the loop ends and systemd starts netd
	 * again, while the rules in the kernel stay. */
	if (r < 0)
		return r;
	rtnl->retries = 0;
	return r == 1 && rtnl->must_dump ? 0 : update(rtnl);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	return update(userdata);
}

/* ---- life ---- */

static int join_groups(struct rtnl *rtnl, sd_event *event)
{
	int size = RECEIVE_BUFFER;

	rtnl->nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!rtnl->nl)
		return -errno;
	int fd = mnl_socket_get_fd(rtnl->nl);
	/* FORCE needs CAP_NET_ADMIN; less room only means more dumps. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (mnl_socket_bind(rtnl->nl, RTMGRP_LINK, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	const struct loop_io io = {
		.name = "rtnl",
		.fd = fd,
		.events = EPOLLIN,
		/* Before Docker's events: what Docker is asked about is known by then. */
		.priority = SD_EVENT_PRIORITY_IMPORTANT,
		.handler = on_messages,
		.userdata = rtnl,
	};
	const struct loop_timer retry = { "rtnl-retry", 0, on_retry, rtnl };
	int r = loop_add_io(event, &io, &rtnl->io);
	return r < 0 ? r : loop_add_timer(event, &retry, &rtnl->retry);
}

/* Only for ports whose peer is inside a container now: there the MAC could have been changed. */
static void pin_known(struct rtnl *rtnl, const struct world_port *known)
{
	for (size_t i = 0; i < rtnl->links.n; i++) {
		struct link *link = &rtnl->links.items[i];
		const struct link *bridge = links_bridge_of(&rtnl->links, link);

		if (!bridge || !link->is_veth || link->nsid == QUERY_NSID_OWN ||
		    strcmp(link->name, known->ifname) != 0 ||
		    (known->bridge[0] && strcmp(bridge->name, known->bridge) != 0) ||
		    mac_is_zero(&known->peer_mac))
			continue;
		link->mac = known->peer_mac;
		link->pinned = true;
		link->stale = false;
	}
}

static int start(struct rtnl *rtnl, sd_event *event, const struct rtnl_options *options)
{
	int r = query_open(&rtnl->query);

	if (r >= 0)
		r = join_groups(rtnl, event);
	if (r >= 0)
		r = dump(rtnl);
	if (r < 0)
		return r;
	for (size_t i = 0; i < options->n_known; i++)
		pin_known(rtnl, &options->known[i]);
	return update(rtnl);
}

static void ignore_change(void *userdata)
{
	(void)userdata;
}

int rtnl_new(sd_event *event, const struct rtnl_options *options, struct rtnl **ret)
{
	CLEANUP(rtnl_freep) struct rtnl *rtnl = calloc(1, sizeof(*rtnl));

	if (!rtnl)
		return -ENOMEM;
	rtnl->buffer = malloc(QUERY_BUFFER);
	if (!rtnl->buffer)
		return -ENOMEM;
	rtnl->on_change = ignore_change;
	int r = start(rtnl, event, options);
	if (r < 0)
		return r;
	rtnl->on_change = options->on_change;
	rtnl->userdata = options->userdata;
	*ret = TAKE_PTR(rtnl);
	return 0;
}

struct rtnl *rtnl_free(struct rtnl *rtnl)
{
	if (!rtnl)
		return NULL;
	sd_event_source_disable_unref(rtnl->io);
	sd_event_source_disable_unref(rtnl->retry);
	if (rtnl->nl)
		(void)mnl_socket_close(rtnl->nl);
	query_close(&rtnl->query);
	links_done(&rtnl->links);
	free(rtnl->ports.items);
	bridge_list_done(&rtnl->bridges);
	free(rtnl->buffer);
	free(rtnl);
	return NULL;
}

void rtnl_freep(struct rtnl **rtnl)
{
	*rtnl = rtnl_free(*rtnl);
}

const struct world_port *rtnl_ports(const struct rtnl *rtnl, size_t *ret_n)
{
	*ret_n = rtnl->ports.n;
	return rtnl->ports.items;
}

struct world_bridges rtnl_bridges(const struct rtnl *rtnl)
{
	const struct bridge_list *list = &rtnl->bridges;

	return (struct world_bridges){ list->items,	 list->n,	list->altnames,
				       list->n_altnames, list->parents, list->n_parents };
}

uint32_t rtnl_ifindex(const struct rtnl *rtnl, const char *ifname)
{
	const struct link *link = links_find_name(&rtnl->links, ifname);

	return link ? link->ifindex : 0;
}

static bool is_managed(const struct world *world, const char *bridge)
{
	for (size_t i = 0; i < world->n_networks; i++)
		if (world_network_is_managed(&world->networks[i]) &&
		    strcmp(world->networks[i].bridge, bridge) == 0)
			return true;
	return false;
}

int rtnl_end_local_learning(struct rtnl *rtnl, const struct world *world)
{
	int failed = 0;

	for (size_t i = 0; i < rtnl->links.n; i++) {
		struct link *link = &rtnl->links.items[i];
		if (!link->is_bridge || link->told_not_to_learn || !is_managed(world, link->name))
			continue;
		int r = query_end_local_learning(&rtnl->query, link->ifindex);
		link->told_not_to_learn = true;
		if (r < 0 && r != -ENODEV)
			failed = r;
	}
	return failed;
}

int rtnl_call_iptables(struct rtnl *rtnl, const char *bridge)
{
	const struct link *link = links_find_name(&rtnl->links, bridge);

	if (!link || !link->is_bridge)
		return -ENODEV;
	if (link->calls_iptables)
		return 0;
	int r = query_call_iptables(&rtnl->query, link->ifindex);
	/* The kernel tells of it where the bridge is up. */
	links_find(&rtnl->links, link->ifindex)->calls_iptables = r == 0;
	return r < 0 ? r : 1;
}

int rtnl_correct_neighbour(struct rtnl *rtnl, const char *bridge, const struct ip_addr *addr,
			   const struct mac_addr *mac)
{
	const struct query_neighbour neighbour = { rtnl_ifindex(rtnl, bridge), *addr };

	if (neighbour.ifindex == 0)
		return -ENODEV;
	return query_correct_neighbour(&rtnl->query, &neighbour, mac);
}

struct rtnl_counters rtnl_counters(const struct rtnl *rtnl)
{
	return rtnl->counters;
}
