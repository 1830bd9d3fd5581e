/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bridges of this host, their ports and the MAC at the far end of each veth, followed over
 * rtnetlink: earlier and more surely than by Docker's events. CAP_NET_ADMIN is enough; no setns.
 *
 * A veth's peer gets its MAC from Docker between creation and going up, so it is read again at
 * every message about the port until it is up inside the container. The MAC read then stays for the
 * life of the port: a container that changes its own address later does not change who it is.
 *
 * rtnetlink has one lock for all, which the end of containers holds for tens of milliseconds, and
 * for hundreds where many end at once. So only rtnl_new() waits for an answer of the kernel; later
 * questions are asked by a process beside the loop (edge/rtnl/asker.h). The messages need no lock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "core/base/cleanup.h"
#include "core/world/world-store.h"

struct rtnl;

/* The list of ports, or of bridges, is another one now. Only notes the fact: no rtnl_free() in it.
 */
typedef void rtnl_change_fn(void *userdata);

/* What a bridge is told. */
enum rtnl_setting { RTNL_NO_LOCAL_LEARNING, RTNL_CALLS_IPTABLES };

struct rtnl_options {
	rtnl_change_fn *on_change;
	/* The kernel has answered: 0, or -errno. No call of this module in it. */
	void (*on_set)(void *userdata, const char *bridge, enum rtnl_setting setting, int r);
	/* The process that asks has ended: @late, it is ended, as it was silent for too long;
	 * otherwise @status is as from waitpid(2). Another one is begun; until it has answered,
	 * ports are closed whose peers are not known yet. */
	void (*on_lost)(void *userdata, bool late, int status);
	void *userdata;
	/* Ports known from before a restart of the daemon in the same boot: the MAC noted then
	 * holds, not what the container shows by now. bridge "": any. May be NULL. Copied. */
	const struct world_port *known;
	size_t n_known;
};

/* Subscribes, then reads all links, so rtnl_ports() is complete at return; on_change is not called
 * for that. 0 or -errno. */
int rtnl_new(sd_event *event, const struct rtnl_options *options, struct rtnl **ret) MUST_CHECK;
struct rtnl *rtnl_free(struct rtnl *rtnl);
void rtnl_freep(struct rtnl **rtnl); /* for CLEANUP() */

/* Sorted by ifname; borrowed until the next on_change. peer_mac is zero for a port that is no veth
 * and for a veth whose peer cannot be read (yet): report and close it. */
const struct world_port *rtnl_ports(const struct rtnl *rtnl, size_t *ret_n);
/* All bridges and their other names, and the interfaces that may be parents of networks; what a
 * snapshot adds is not set. Borrowed likewise. */
struct world_bridges rtnl_bridges(const struct rtnl *rtnl);
/* Any interface by name: its ifindex, 0: there is none. */
uint32_t rtnl_ifindex(const struct rtnl *rtnl, const char *ifname);

/* The bridges of the managed networks do not learn addresses from frames for 01:80:c2:00:00:0x any
 * more (no_linklocal_learn): LLDP's meet none of their hooks, so nothing else can keep a container
 * from claiming another's MAC there. Each bridge is told once; on_set() has what became of it
 * (-EOPNOTSUPP: Linux before 5.0). 0 or -errno: some will not be told before the next call. */
int rtnl_end_local_learning(struct rtnl *rtnl, const struct world *world) MUST_CHECK;

/* The frames that the bridge passes from port to port meet the inet hooks, whatever the sysctls
 * bridge-nf-call-* of the host say (nf_call_iptables, nf_call_ip6tables). 0: they do so already, or
 * the bridge is told to, and on_set() has what became of it; -errno (-ENODEV: no such bridge): so
 * it was the last time, and it is told once more. */
int rtnl_call_iptables(struct rtnl *rtnl, const char *bridge) MUST_CHECK;

/* An endpoint was admitted, so it has @addr: where the host still believes that another MAC does,
 * it is told, in its turn. 0; -errno (-ENODEV: no such bridge; -ENOBUFS: too many are to be told).
 */
int rtnl_correct_neighbour(struct rtnl *rtnl, const char *bridge, const struct ip_addr *addr,
			   const struct mac_addr *mac) MUST_CHECK;

/* For status and logs. */
struct rtnl_counters {
	uint64_t messages, overruns, queries, query_failures;
	size_t waiting; /* questions that the kernel has not answered */
};
struct rtnl_counters rtnl_counters(const struct rtnl *rtnl);
