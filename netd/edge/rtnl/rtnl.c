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
#include "edge/rtnl/asker.h"
#include "edge/rtnl/dump.h"
#include "edge/rtnl/links.h"
#include "edge/rtnl/peers.h"
#include "edge/rtnl/query.h"

/* Room for some thousand messages: a burst of container starts while netd compiles. */
#define RECEIVE_BUFFER (8 * 1024 * 1024)
/* Messages per turn of the loop; the rest waits its turn. */
#define BATCH 256
#define RETRY_US UINT64_C(50000)
/* A port whose peer cannot be read stays closed; new messages about it start again. */
#define RETRIES 20u

struct rtnl {
	struct mnl_socket *nl;
	sd_event_source *io, *update, *retry;
	struct asker *asker;
	struct dump dump;
	struct links links;
	struct port_list ports;
	struct bridge_list bridges;
	struct rtnl_counters counters;
	struct rtnl_options options;
	char *buffer;
	unsigned int retries;
	bool waits;	/* for the next of them */
	bool must_dump; /* messages were lost */
	bool drained;	/* their queue has been read to its end: else more may be, without a word */
};

/* ---- the lists ---- */

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

/* Until the dump is read, the messages stay in their queue: they are newer. */
static void begin_dump(struct rtnl *rtnl)
{
	if (!rtnl->must_dump || !rtnl->drained || rtnl->dump.beside || dump_begin(&rtnl->dump) < 0)
		return;
	rtnl->must_dump = false;
	(void)sd_event_source_set_enabled(rtnl->io, SD_EVENT_OFF);
}

static int retry_later(struct rtnl *rtnl)
{
	bool missing = peers_are_missing(&rtnl->links);

	if (!rtnl->must_dump && !missing)
		rtnl->retries = 0;
	if (rtnl->waits || !(rtnl->must_dump || (missing && rtnl->retries < RETRIES)))
		return 0;
	rtnl->retries++;
	rtnl->waits = true;
	return loop_arm(rtnl->retry, RETRY_US);
}

static int update(struct rtnl *rtnl)
{
	bool changed = false;

	peers_look_up(&rtnl->links);
	peers_ask(&rtnl->links, rtnl->asker, &rtnl->counters);
	int r = publish(rtnl, &changed);
	if (r < 0)
		return r;
	if (changed)
		rtnl->options.on_change(rtnl->options.userdata);
	return retry_later(rtnl);
}

static int on_update(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	return update(userdata);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct rtnl *rtnl = userdata;

	(void)source;
	(void)usec;
	rtnl->waits = false;
	begin_dump(rtnl);
	peers_retry(&rtnl->links);
	return update(rtnl);
}

/* Once for all that has come in this turn of the loop. */
static void update_soon(struct rtnl *rtnl)
{
	(void)!loop_arm(rtnl->update, 0);
}

/* ---- what comes ---- */

static void on_dumped(void *userdata, int r)
{
	struct rtnl *rtnl = userdata;

	rtnl->must_dump = rtnl->must_dump || r != 0;
	(void)sd_event_source_set_enabled(rtnl->io, SD_EVENT_ON);
	update_soon(rtnl);
}

static void tell(struct rtnl *rtnl, enum rtnl_setting setting, const struct asker_answer *answer)
{
	struct link *link = links_find(&rtnl->links, answer->question.bridge);

	if (!link || !link->is_bridge) /* gone meanwhile */
		return;
	if (setting == RTNL_CALLS_IPTABLES) {
		/* The kernel tells of it where the bridge is up. */
		link->calls_iptables = answer->result == 0;
		link->told_to_call = false;
		link->call_error = answer->result;
	}
	rtnl->options.on_set(rtnl->options.userdata, link->name, setting, answer->result);
}

static void on_answered(void *userdata, const struct asker_answer *answer)
{
	struct rtnl *rtnl = userdata;

	switch (answer->question.kind) {
	case ASKER_PEER:
		peers_take(&rtnl->links, answer, &rtnl->counters);
		update_soon(rtnl);
		return;
	case ASKER_NO_LEARNING:
		tell(rtnl, RTNL_NO_LOCAL_LEARNING, answer);
		return;
	case ASKER_CALL_IPTABLES:
		tell(rtnl, RTNL_CALLS_IPTABLES, answer);
		return;
	case ASKER_NEIGHBOUR: /* whatever it is, the host finds out by itself, too */
		return;
	}
}

static void on_lost(void *userdata, bool late, int status)
{
	struct rtnl *rtnl = userdata;

	peers_lose(&rtnl->links);
	update_soon(rtnl);
	rtnl->options.on_lost(rtnl->options.userdata, late, status);
}

static void on_ready(void *userdata)
{
	update_soon(userdata);
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
	rtnl->drained = r == 0;
	begin_dump(rtnl);
	return update(rtnl);
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
	const struct loop_timer soon = { "rtnl-update", SD_EVENT_PRIORITY_IMPORTANT, on_update,
					 rtnl };
	const struct loop_timer retry = { "rtnl-retry", 0, on_retry, rtnl };
	int r = loop_add_io(event, &io, &rtnl->io);
	if (r == 0)
		r = loop_add_timer(event, &soon, &rtnl->update);
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

static int begin_asker(struct rtnl *rtnl, sd_event *event)
{
	const struct asker_handler handler = { on_answered, on_lost, on_ready, rtnl };

	rtnl->dump = (struct dump){
		.besides.loop = event, .links = &rtnl->links, .done = on_dumped, .userdata = rtnl
	};
	return asker_new(event, &handler, &rtnl->asker);
}

static int read_all(struct rtnl *rtnl, const struct rtnl_options *options)
{
	CLEANUP(query_close) struct query query = { 0 };
	bool changed;
	int r = query_open(&query);

	if (r == 0)
		r = dump_read(&query, &rtnl->links);
	if (r < 0)
		return r;
	rtnl->must_dump = r == 1;
	for (size_t i = 0; i < options->n_known; i++)
		pin_known(rtnl, &options->known[i]);
	peers_look_up(&rtnl->links);
	peers_read(&rtnl->links, &query, &rtnl->counters);
	r = publish(rtnl, &changed);
	return r < 0 ? r : retry_later(rtnl);
}

int rtnl_new(sd_event *event, const struct rtnl_options *options, struct rtnl **ret)
{
	CLEANUP(rtnl_freep) struct rtnl *rtnl = calloc(1, sizeof(*rtnl));

	if (!rtnl)
		return -ENOMEM;
	rtnl->buffer = malloc(QUERY_BUFFER);
	if (!rtnl->buffer)
		return -ENOMEM;
	rtnl->options = *options;
	rtnl->options.known = NULL;
	rtnl->drained = true;
	int r = begin_asker(rtnl, event);
	if (r == 0)
		r = join_groups(rtnl, event);
	if (r == 0)
		r = read_all(rtnl, options);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(rtnl);
	return 0;
}

struct rtnl *rtnl_free(struct rtnl *rtnl)
{
	if (!rtnl)
		return NULL;
	dump_done(&rtnl->dump);
	(void)asker_free(rtnl->asker);
	sd_event_source_disable_unref(rtnl->io);
	sd_event_source_disable_unref(rtnl->update);
	sd_event_source_disable_unref(rtnl->retry);
	if (rtnl->nl)
		(void)mnl_socket_close(rtnl->nl);
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
		const struct asker_question question = { .kind = ASKER_NO_LEARNING,
							 .bridge = link->ifindex };
		int r = asker_put(rtnl->asker, &question);
		link->told_not_to_learn = r == 0;
		if (r < 0)
			failed = r;
	}
	return failed;
}

int rtnl_call_iptables(struct rtnl *rtnl, const char *bridge)
{
	const struct link *found = links_find_name(&rtnl->links, bridge);
	struct link *link = found ? links_find(&rtnl->links, found->ifindex) : NULL;

	if (!link || !link->is_bridge)
		return -ENODEV;
	if (link->calls_iptables || link->told_to_call)
		return link->call_error;
	const struct asker_question question = { .kind = ASKER_CALL_IPTABLES,
						 .bridge = link->ifindex };
	int r = asker_put(rtnl->asker, &question);
	link->told_to_call = r == 0;
	return r < 0 ? r : link->call_error;
}

int rtnl_correct_neighbour(struct rtnl *rtnl, const char *bridge, const struct ip_addr *addr,
			   const struct mac_addr *mac)
{
	const struct asker_question question = { .kind = ASKER_NEIGHBOUR,
						 .neighbour = { rtnl_ifindex(rtnl, bridge), *addr },
						 .mac = *mac };

	if (question.neighbour.ifindex == 0)
		return -ENODEV;
	return asker_put(rtnl->asker, &question);
}

struct rtnl_counters rtnl_counters(const struct rtnl *rtnl)
{
	struct rtnl_counters counters = rtnl->counters;

	counters.waiting = asker_waiting(rtnl->asker) + (rtnl->dump.beside != NULL);
	return counters;
}
