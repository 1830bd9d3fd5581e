/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For edge/rtnl, and for edge/host, which asks for addresses: questions to rtnetlink, and the few
 * settings of interfaces that netd writes. They go over a socket of their own, so that answers and
 * the notifications of rtnl.c do not mix. Each waits for the kernel's answer, which rtnetlink gives
 * within the call, but at most ten seconds in all from when the kernel has looked at the question;
 * until then it may wait for rtnetlink's lock. So nothing is asked in the loop but what asker.h
 * cannot ask: rtnl_new()'s first reading, and host_addresses(). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

#include "core/base/cleanup.h"
#include "core/base/ip.h"

struct query {
	struct mnl_socket *nl;
	uint32_t seq;
	char *buffer;
};

#define QUERY_BUFFER 65536u

int query_open(struct query *ret) MUST_CHECK;
void query_close(struct query *query);

/* Each link to @cb (whose result is ignored unless negative). 0; -EINTR: links changed meanwhile,
 * so some may be missing; another -errno. */
typedef int query_link_fn(const struct nlmsghdr *nlh, void *data);
int query_links(struct query *query, query_link_fn *cb, void *data) MUST_CHECK;

/* Each address of the host's interfaces. As above. */
typedef int query_address_fn(const struct nlmsghdr *nlh, void *data);
int query_addresses(struct query *query, query_address_fn *cb, void *data) MUST_CHECK;

#define QUERY_NSID_OWN (-2) /* the namespace we are in */

/* The far end of a veth, in another namespace. */
struct query_peer {
	uint32_t ifindex; /* of our end: what the far end must name as its own far end */
	uint32_t peer;
	int32_t nsid; /* that namespace */
};
struct query_answer {
	struct mac_addr mac;
	bool up; /* set up by whoever owns it */
};
/* 0; -ENODEV: not there (any more); another -errno. */
int query_peer(struct query *query, const struct query_peer *peer,
	       struct query_answer *ret) MUST_CHECK;

/* Pure: an answer to that. 0; -ENODEV: of another interface, or the ends do not agree. */
int query_read_peer(const struct nlmsghdr *nlh, const struct query_peer *peer,
		    struct query_answer *ret) MUST_CHECK;

/* Sets no_linklocal_learn on a bridge. 0; -errno of the kernel. */
int query_end_local_learning(struct query *query, uint32_t ifindex) MUST_CHECK;

/* Sets nf_call_iptables and nf_call_ip6tables of a bridge. 0; -errno of the kernel. */
int query_call_iptables(struct query *query, uint32_t ifindex) MUST_CHECK;

/* Who the host believes has @addr on the interface. */
struct query_neighbour {
	uint32_t ifindex;
	struct ip_addr addr;
};
/* Corrects an entry that names another MAC; one that an admin has fixed (PERMANENT, NOARP) is none
 * of ours. 0: corrected; 1: there was nothing to correct; -errno. */
int query_correct_neighbour(struct query *query, const struct query_neighbour *neighbour,
			    const struct mac_addr *mac) MUST_CHECK;

/* A netlink datagram of the kernel: its length; -errno; -ENOBUFS: messages were lost, this one
 * included when it did not fit. */
int query_receive(int fd, char *buffer, size_t size) MUST_CHECK;
