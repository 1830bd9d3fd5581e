/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TCP sockets of the own network namespace, whosever they are: sock_diag(7). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/inet_diag.h>

#include "core/base/cleanup.h"
#include "core/world/places.h"

/* As the kernel calls one. The cookie in it no other socket has, before or after. */
struct sockets_id {
	uint8_t family;
	struct inet_diag_sockid id;
};

struct sockets_socket {
	struct sockets_id id;
	struct ip_addr local, peer; /* IPv4 is told as such, on a socket of both families too */
	uint16_t local_port, peer_port;
	uint64_t cookie;
	uint8_t state;	 /* TCP_LISTEN …, of <netinet/tcp.h> */
	uint32_t unread; /* bytes; of one that listens: connections that nobody has accepted */
};

#define SOCKETS_IN(state) (1u << (state))

/* Of one question: more make it longer than what they save. */
#define SOCKETS_PORTS 32u
#define SOCKETS_PEERS 2u
/* All that are in one of the states, and whose local port is one of these, or whose far end is in
 * one of these prefixes; where there are neither, wherever they are. */
struct sockets_question {
	uint32_t states;		 /* SOCKETS_IN(TCP_LISTEN) | … */
	const struct world_ports *ports; /* from the lowest to the highest */
	size_t n_ports;			 /* SOCKETS_PORTS at most */
	const struct ip_prefix *peers;
	size_t n_peers; /* SOCKETS_PEERS */
};

/* Each of them to @cb; what it says that is not 0 ends it. The kernel goes through its table of all
 * connections for that, and locks none of it for long: one that comes or goes meanwhile may be
 * told, twice too, or not. 0; what @cb said; -errno of the kernel. */
typedef int sockets_fn(const struct sockets_socket *one, void *data);
int sockets_list(const struct sockets_question *question, sockets_fn *cb, void *data) MUST_CHECK;

/* Whoever uses these sockets is told ECONNABORTED, and connections are reset. What is gone by now
 * is passed over. Needs CAP_NET_ADMIN. 0; -EOPNOTSUPP: the kernel cannot (INET_DIAG_DESTROY);
 * another -errno. */
int sockets_destroy(const struct sockets_id *ids, size_t n) MUST_CHECK;

/* Pure: a message of the kernel to a socket. False: it is none. */
struct nlmsghdr;
bool sockets_read(const struct nlmsghdr *nlh, struct sockets_socket *ret);
