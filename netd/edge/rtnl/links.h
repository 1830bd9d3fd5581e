/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to edge/rtnl: the table of the host's interfaces. rtnl.c owns it and feeds it with the
 * messages of rtnetlink (RTM_NEWLINK, RTM_DELLINK) in the order in which they come; the ports of
 * bridges and the bridges themselves are lists that are made of it on demand. It reads bytes and
 * asks nobody: what a message does not say, rtnl.c asks for by query.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

#include "core/base/cleanup.h"
#include "core/world/world.h"

struct link {
	uint32_t ifindex, master;
	uint32_t peer; /* of a veth; of others what they stand on; 0: not told */
	int32_t nsid;  /* where the peer is; QUERY_NSID_OWN: here */
	char name[WORLD_IFNAME_LEN];
	bool is_bridge, is_veth, is_tap;
	bool stacked; /* of a bridge: an interface stood on it, or somebody listens to all of it */
	bool carrier;
	bool stale;		/* news came since mac was read */
	bool due;		/* and since the kernel was asked for it last */
	uint32_t question;	/* the number of that one, while it has no answer; 0: none */
	bool pinned;		/* mac stands for the rest of the link's life */
	bool seen;		/* in the dump that is under way */
	bool told_not_to_learn; /* of a bridge: see rtnl_end_local_learning() */
	bool calls_iptables;	/* of a bridge: its frames pass the hooks of both families */
	bool told_to_call;	/* and it is being told to */
	int call_error;		/* why that could not be done the last time, or 0 */
	struct mac_addr mac;	/* of the peer; zero: not known */
	struct mac_addr own_mac;
};

/* Another name of a bridge. */
struct link_altname {
	uint32_t ifindex;
	char name[WORLD_IFNAME_LEN];
};

struct links {
	struct link *items; /* sorted by ifindex */
	size_t n, cap;
	struct link_altname *altnames; /* no order */
	size_t n_altnames, cap_altnames;
};

void links_done(struct links *links);
/* Takes one message of any kind. 0 or -ENOMEM. */
int links_apply(struct links *links, const struct nlmsghdr *nlh) MUST_CHECK;
/* Around a dump: what was not seen in it is gone. */
void links_unsee(struct links *links);
void links_drop_unseen(struct links *links);

struct link *links_find(const struct links *links, uint32_t ifindex);
const struct link *links_find_name(const struct links *links, const char *name);
/* The bridge that @link is a port of, or NULL. */
const struct link *links_bridge_of(const struct links *links, const struct link *link);

/* All ports, sorted by name; malloc'ed. 0 or -ENOMEM. */
struct port_list {
	struct world_port *items;
	size_t n;
};
int links_ports(const struct links *links, struct port_list *ret) MUST_CHECK;
bool port_lists_equal(const struct port_list *a, const struct port_list *b);

/* All bridges, and their other names, in the order of their interfaces, and what containers may
 * stand on instead; malloc'ed. 0 or -ENOMEM. */
struct bridge_list {
	struct world_bridge *items;
	size_t n;
	struct world_altname *altnames;
	size_t n_altnames;
	struct world_parent *parents; /* by name */
	size_t n_parents;
};
int links_bridges(const struct links *links, struct bridge_list *ret) MUST_CHECK;
void bridge_list_done(struct bridge_list *list);
bool bridge_lists_equal(const struct bridge_list *a, const struct bridge_list *b);
