/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads what netd's rules log: NFLOG messages of one group. The rules limit how many there are. */
#pragma once

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "core/base/cleanup.h"
#include "core/base/ip.h"

#define NFLOG_PREFIX_LEN 128u /* the kernel's bound, with NUL */

/* Where a packet was: what it has to do with this host. */
enum nflog_hook {
	NFLOG_PASSING, /* prerouting, forward, postrouting */
	NFLOG_TO_HOST,
	NFLOG_FROM_HOST,
};

/* A packet as the hook saw it: after DNAT in forward and input; or a frame, as a bridge saw it. */
struct nflog_packet {
	char prefix[NFLOG_PREFIX_LEN]; /* of the rule */
	enum nflog_hook hook;
	bool bridged; /* by a rule of table bridge: any frame at all */
	/* Frames alone. Indices of interfaces: 0 unknown. */
	uint32_t in_port, out_port;
	struct mac_addr from_mac, to_mac; /* zero: not told */
	uint16_t ether_type;		  /* host order */
	bool tagged;			  /* it has a VLAN tag */
	/* Of an IP packet; of ARP who asks and whom he asks for; else of no family. */
	struct ip_addr from, to;
	uint8_t proto; /* IANA number; IPv6: of the first header that is no extension; ARP: 0 */
	bool has_port; /* tcp, udp, sctp, and not a later fragment */
	uint16_t from_port, to_port;
	/* Nothing is asked by it: ARP whose two addresses are one, or a neighbour advertisement for the
	 * address that it comes from. */
	bool announces;
};

/* The pure part. 0; NFLOG_E_OTHER: no message of a packet, or in table inet no IP packet, or one
 * that is cut short. */
#define NFLOG_E_OTHER 1
int nflog_parse(const struct nlmsghdr *nlh, struct nflog_packet *ret) MUST_CHECK;

typedef void nflog_packet_fn(void *userdata, const struct nflog_packet *packet);
/* So many messages were made by the kernel and not read in time. */
typedef void nflog_lost_fn(void *userdata, uint32_t n);
/* The kernel's number of a message of its group; false: none. */
bool nflog_number(const struct nlmsghdr *nlh, uint32_t *ret);

struct nflog_options {
	uint16_t group;
	int64_t priority; /* of the event source */
	nflog_packet_fn *on_packet;
	nflog_lost_fn *on_lost;
	void *userdata;
};
struct nflog;
/* 0; -EPERM: the right is missing, or another program reads this group; another -errno. */
int nflog_new(sd_event *loop, const struct nflog_options *options, struct nflog **ret) MUST_CHECK;
/* Holds a group and reads nothing: one process of a network namespace can, with CAP_NET_ADMIN,
 * until it frees it or ends. 0; -EPERM: the right is missing, or another one holds it; another
 * -errno: this kernel has no NFLOG. */
int nflog_hold(uint16_t group, struct nflog **ret) MUST_CHECK;
struct nflog *nflog_free(struct nflog *nflog);
