/* SPDX-License-Identifier: GPL-2.0-or-later */
/* New connections, as the kernel's connection tracking tells of them (what `conntrack -E -e NEW`
 * prints): of those that passed all hooks, once each. Reading is bounded: what comes faster is lost
 * by the kernel, and that is said. */
#pragma once

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "core/base/cleanup.h"
#include "core/base/ip.h"

/* One direction of a connection. Ports: 0 without. */
struct conntrack_tuple {
	struct ip_addr source, destination;
	uint16_t source_port, destination_port;
	uint8_t proto; /* IANA number */
};
/* Of CTA_TUPLE_ORIG or CTA_TUPLE_REPLY, which may be NULL. False: it is none. */
bool conntrack_read_tuple(const struct nlattr *nest, struct conntrack_tuple *ret);

/* The reply is what answers: its source is the true destination. */
struct conntrack_connection {
	struct conntrack_tuple original, reply;
};
/* A message about a new connection. The pure part. 0, or CONNTRACK_E_OTHER. */
#define CONNTRACK_E_OTHER 1
int conntrack_parse(const struct nlmsghdr *nlh, struct conntrack_connection *ret) MUST_CHECK;

struct conntrack_options {
	int64_t priority; /* of the event sources */
	void (*on_connection)(void *userdata, const struct conntrack_connection *connection);
	/* Some were lost: how many, nobody knows. */
	void (*on_lost)(void *userdata);
	void *userdata;
};
struct conntrack;
/* 0; -EPERM: CAP_NET_ADMIN is missing; another -errno: this kernel tells nothing. */
int conntrack_new(sd_event *loop, const struct conntrack_options *options,
		  struct conntrack **ret) MUST_CHECK;
struct conntrack *conntrack_free(struct conntrack *conntrack);
