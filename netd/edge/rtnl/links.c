/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/rtnl/links.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/text.h"
#include "edge/rtnl/query.h"

void links_done(struct links *links)
{
	free(links->items);
	free(links->altnames);
	*links = (struct links){ 0 };
}

/* Where @ifindex is, or would stand. */
static size_t position(const struct links *links, uint32_t ifindex)
{
	size_t lo = 0, hi = links->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (links->items[mid].ifindex < ifindex)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct link *links_find(const struct links *links, uint32_t ifindex)
{
	size_t i = position(links, ifindex);

	return i < links->n && links->items[i].ifindex == ifindex ? &links->items[i] : NULL;
}

const struct link *links_find_name(const struct links *links, const char *name)
{
	for (size_t i = 0; i < links->n; i++) {
		if (strcmp(links->items[i].name, name) == 0)
			return &links->items[i];
	}
	return NULL;
}

static struct link *insert_link(struct links *links, uint32_t ifindex)
{
	size_t i = position(links, ifindex);

	if (links->n == links->cap) {
		size_t cap = links->cap ? links->cap * 2 : 64;
		struct link *items = reallocarray(links->items, cap, sizeof(*items));
		if (!items)
			return NULL;
		links->items = items;
		links->cap = cap;
	}
	memmove(&links->items[i + 1], &links->items[i], (links->n - i) * sizeof(links->items[0]));
	links->items[i] = (struct link){ .ifindex = ifindex, .nsid = QUERY_NSID_OWN };
	links->n++;
	return &links->items[i];
}

static void drop_altnames(struct links *links, uint32_t ifindex)
{
	size_t kept = 0;

	for (size_t i = 0; i < links->n_altnames; i++)
		if (links->altnames[i].ifindex != ifindex)
			links->altnames[kept++] = links->altnames[i];
	links->n_altnames = kept;
}

static int add_altname(struct links *links, uint32_t ifindex, const char *name)
{
	if (links->n_altnames == links->cap_altnames) {
		size_t cap = links->cap_altnames ? links->cap_altnames * 2 : 8;
		struct link_altname *items = reallocarray(links->altnames, cap, sizeof(*items));
		if (!items)
			return -ENOMEM;
		links->altnames = items;
		links->cap_altnames = cap;
	}
	struct link_altname *altname = &links->altnames[links->n_altnames++];
	*altname = (struct link_altname){ .ifindex = ifindex };
	memcpy(altname->name, name, strlen(name) + 1);
	return 0;
}

static void remove_at(struct links *links, size_t i)
{
	drop_altnames(links, links->items[i].ifindex);
	links->n--;
	memmove(&links->items[i], &links->items[i + 1], (links->n - i) * sizeof(links->items[0]));
}

/* What a message says about a link. */
struct news {
	uint32_t master, peer;
	int32_t nsid;
	char name[WORLD_IFNAME_LEN];
	bool is_bridge, is_veth, is_tap, is_wireless, is_heard;
	bool calls_iptables[2]; /* if it is a bridge */
	const struct nlattr *altnames;
	struct mac_addr mac;
};

static bool is_kind(const struct nlattr *attr, const char *kind)
{
	size_t len = mnl_attr_get_payload_len(attr);

	return len == strlen(kind) + 1 && memcmp(mnl_attr_get_payload(attr), kind, len) == 0;
}

static int read_bridge_info(const struct nlattr *attr, void *data)
{
	struct news *news = data;
	uint16_t type = mnl_attr_get_type(attr);

	if (mnl_attr_get_payload_len(attr) != 1)
		return MNL_CB_OK;
	if (type == IFLA_BR_NF_CALL_IPTABLES)
		news->calls_iptables[0] = mnl_attr_get_u8(attr);
	else if (type == IFLA_BR_NF_CALL_IP6TABLES)
		news->calls_iptables[1] = mnl_attr_get_u8(attr);
	return MNL_CB_OK;
}

static int read_info(const struct nlattr *attr, void *data)
{
	struct news *news = data;

	if (mnl_attr_get_type(attr) == IFLA_INFO_DATA && news->is_bridge) /* the kind comes first */
		return mnl_attr_parse_nested(attr, read_bridge_info, news);
	if (mnl_attr_get_type(attr) != IFLA_INFO_KIND)
		return MNL_CB_OK;
	news->is_bridge = is_kind(attr, "bridge");
	news->is_veth = is_kind(attr, "veth");
	news->is_tap = is_kind(attr, "tun");
	return MNL_CB_OK;
}

static int read_link_attr(const struct nlattr *attr, void *data)
{
	struct news *news = data;
	uint16_t type = mnl_attr_get_type(attr), len = mnl_attr_get_payload_len(attr);

	if (type == IFLA_LINKINFO)
		return mnl_attr_parse_nested(attr, read_info, news);
	if (type == IFLA_ADDRESS && len == sizeof(news->mac.bytes))
		memcpy(news->mac.bytes, mnl_attr_get_payload(attr), len);
	if (type == IFLA_PROP_LIST)
		news->altnames = attr;
	if (type == IFLA_PROMISCUITY && len == 4)
		news->is_heard = mnl_attr_get_u32(attr) > 0;
	if (type == IFLA_WIRELESS)
		news->is_wireless = true;
	else if (type == IFLA_IFNAME)
		/* Zeroed before and the last byte left alone: an end is always there. */
		memcpy(news->name, mnl_attr_get_payload(attr),
		       len < sizeof(news->name) ? len : sizeof(news->name) - 1);
	else if (type == IFLA_MASTER && len == 4)
		news->master = mnl_attr_get_u32(attr);
	else if (type == IFLA_LINK && len == 4)
		news->peer = mnl_attr_get_u32(attr);
	else if (type == IFLA_LINK_NETNSID && len == 4)
		news->nsid = (int32_t)mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

struct naming {
	struct links *links;
	uint32_t ifindex;
};

/* Docker takes those for a bridge's that could be its first name, too. */
static int on_altname(const struct nlattr *attr, void *data)
{
	struct naming *naming = data;
	const char *name = mnl_attr_get_payload(attr);
	size_t len = mnl_attr_get_payload_len(attr);

	if (mnl_attr_get_type(attr) != IFLA_ALT_IFNAME || len == 0 || len > WORLD_IFNAME_LEN ||
	    name[len - 1] != '\0')
		return MNL_CB_OK;
	return add_altname(naming->links, naming->ifindex, name) < 0 ? MNL_CB_ERROR : MNL_CB_OK;
}

static int take_altnames(struct links *links, uint32_t ifindex, const struct news *news)
{
	struct naming naming = { links, ifindex };

	drop_altnames(links, ifindex);
	if (!news->is_bridge || !news->altnames)
		return 0;
	return mnl_attr_parse_nested(news->altnames, on_altname, &naming) == MNL_CB_ERROR ? -ENOMEM
											  : 0;
}

/* What stands on a bridge is soon moved into a container and out of sight; the bridge is then
 * promiscuous for its sake, or not (ipvlan): so it is remembered. */
static void note_stacked(struct links *links, struct link *link, const struct news *news)
{
	struct link *lower = link->is_veth || link->nsid != QUERY_NSID_OWN || !link->peer
				     ? NULL
				     : links_find(links, link->peer);

	if (lower && lower->is_bridge)
		lower->stacked = true;
	if (link->is_bridge && news->is_heard)
		link->stacked = true;
}

/* What was read of the far end may be another by now. */
static void expire(struct link *link)
{
	link->stale = !link->pinned;
	link->due = link->stale;
}

static int take_link(struct links *links, const struct ifinfomsg *info, const struct news *news)
{
	struct link *link = links_find(links, (uint32_t)info->ifi_index);

	if (!link)
		link = insert_link(links, (uint32_t)info->ifi_index);
	if (!link)
		return -ENOMEM;
	if (link->peer != news->peer || link->nsid != news->nsid)
		link->question = 0; /* it was about another far end */
	link->master = news->master;
	link->peer = news->peer;
	link->nsid = news->nsid;
	memcpy(link->name, news->name, sizeof(link->name));
	link->is_bridge = news->is_bridge;
	link->is_veth = news->is_veth;
	link->is_tap = news->is_tap;
	link->own_mac = news->mac;
	link->calls_iptables = news->calls_iptables[0] && news->calls_iptables[1];
	link->carrier = (info->ifi_flags & IFF_LOWER_UP) != 0;
	link->seen = true;
	/* Only the host can bring a peer back into its own namespace: then it may be given anew. A
	 * move to yet another namespace can be a container's own doing, and changes nothing. */
	if (link->nsid == QUERY_NSID_OWN)
		link->pinned = false;
	expire(link);
	note_stacked(links, link, news);
	return take_altnames(links, link->ifindex, news);
}

/* A bridge speaks about its ports in family AF_BRIDGE: when they come, and RTM_DELLINK when they
 * leave it, which is not the end of the interface. */
static void take_bridge_port(struct links *links, const struct ifinfomsg *info,
			     const struct news *news, bool left)
{
	struct link *link = links_find(links, (uint32_t)info->ifi_index);

	if (!link || news->master == 0)
		return;
	if (!left) {
		expire(link);
		link->master = news->master;
	} else if (link->master == news->master) {
		link->master = 0;
	}
}

int links_apply(struct links *links, const struct nlmsghdr *nlh)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(nlh);
	struct news news = { .nsid = QUERY_NSID_OWN };
	bool removed = nlh->nlmsg_type == RTM_DELLINK;

	if ((nlh->nlmsg_type != RTM_NEWLINK && !removed) ||
	    nlh->nlmsg_len < mnl_nlmsg_size(sizeof(*info)) || info->ifi_index <= 0)
		return 0;
	(void)mnl_attr_parse(nlh, sizeof(*info), read_link_attr, &news);
	/* Kernels before 5.8 leave IFLA_LINK out where both ends have the same number. */
	if (news.peer == 0 && news.nsid != QUERY_NSID_OWN)
		news.peer = (uint32_t)info->ifi_index;
	if (info->ifi_family == AF_BRIDGE) {
		take_bridge_port(links, info, &news, removed);
		return 0;
	}
	/* Events of wireless extensions come as links with next to no attributes. */
	if (info->ifi_family != AF_UNSPEC || news.is_wireless)
		return 0;
	if (!removed)
		return take_link(links, info, &news);
	if (links_find(links, (uint32_t)info->ifi_index))
		remove_at(links, position(links, (uint32_t)info->ifi_index));
	return 0;
}

void links_unsee(struct links *links)
{
	for (size_t i = 0; i < links->n; i++)
		links->items[i].seen = false;
}

void links_drop_unseen(struct links *links)
{
	for (size_t i = links->n; i > 0; i--) {
		if (!links->items[i - 1].seen)
			remove_at(links, i - 1);
	}
}

const struct link *links_bridge_of(const struct links *links, const struct link *link)
{
	const struct link *master = link->master ? links_find(links, link->master) : NULL;

	return master && master->is_bridge ? master : NULL;
}

static int by_name(const void *a, const void *b)
{
	const struct world_port *left = a, *right = b;

	return strcmp(left->ifname, right->ifname);
}

/* Docker 20 and 26 make both ends of a container's veth in the host: a far end that is not plugged
 * in anywhere is on its way into a container. */
static enum world_port_kind kind_of(const struct links *links, const struct link *link)
{
	const struct link *far =
		link->nsid == QUERY_NSID_OWN && link->peer ? links_find(links, link->peer) : NULL;

	if (link->is_tap)
		return WORLD_PORT_TAP;
	if (!link->is_veth)
		return WORLD_PORT_UPLINK;
	if (!text_begins(link->name, "veth") || (far && far->master))
		return WORLD_PORT_CABLE;
	return WORLD_PORT_CONTAINER;
}

int links_ports(const struct links *links, struct port_list *ret)
{
	struct port_list list = { calloc(links->n + 1, sizeof(*list.items)), 0 };

	if (!list.items)
		return -ENOMEM;
	for (size_t i = 0; i < links->n; i++) {
		const struct link *link = &links->items[i], *bridge = links_bridge_of(links, link);

		if (!bridge)
			continue;
		struct world_port *port = &list.items[list.n++];
		memcpy(port->ifname, link->name, sizeof(port->ifname));
		memcpy(port->bridge, bridge->name, sizeof(port->bridge));
		port->peer_mac = link->mac;
		port->ifindex = link->ifindex;
		port->kind = kind_of(links, link);
	}
	qsort(list.items, list.n, sizeof(*list.items), by_name);
	*ret = list;
	return 0;
}

bool port_lists_equal(const struct port_list *a, const struct port_list *b)
{
	return a->n == b->n &&
	       (a->n == 0 || memcmp(a->items, b->items, a->n * sizeof(*a->items)) == 0);
}

void bridge_list_done(struct bridge_list *list)
{
	free(list->items);
	free(list->altnames);
	free(list->parents);
	*list = (struct bridge_list){ 0 };
}

/* An interface that packets leave this host by, or that a VLAN, macvlan or bond is made of. What
 * engines call a container's end is none, nor is a pair that is here with both ends: these come and
 * go with each container. */
static bool may_be_parent(const struct link *link)
{
	bool end =
		link->is_veth && (link->nsid == QUERY_NSID_OWN || text_begins(link->name, "veth"));

	return !link->is_bridge && !link->master && !end && strcmp(link->name, "lo") != 0;
}

static int by_parent_name(const void *a, const void *b)
{
	const struct world_parent *left = a, *right = b;

	return strcmp(left->name, right->name);
}

static void list_parents(const struct links *links, struct bridge_list *list)
{
	for (size_t i = 0; i < links->n; i++) {
		const struct link *link = &links->items[i];
		if (!may_be_parent(link))
			continue;
		struct world_parent *parent = &list->parents[list->n_parents++];
		memcpy(parent->name, link->name, sizeof(parent->name));
		parent->ifindex = link->ifindex;
		parent->mac = link->own_mac;
	}
	qsort(list->parents, list->n_parents, sizeof(*list->parents), by_parent_name);
}

int links_bridges(const struct links *links, struct bridge_list *ret)
{
	struct bridge_list list = {
		.items = calloc(links->n + 1, sizeof(*list.items)),
		.altnames = calloc(links->n_altnames + 1, sizeof(*list.altnames)),
		.parents = calloc(links->n + 1, sizeof(*list.parents)),
	};

	if (!list.items || !list.altnames || !list.parents) {
		bridge_list_done(&list);
		return -ENOMEM;
	}
	for (size_t i = 0; i < links->n; i++) {
		const struct link *link = &links->items[i];
		if (!link->is_bridge)
			continue;
		struct world_bridge *bridge = &list.items[list.n++];
		memcpy(bridge->name, link->name, sizeof(bridge->name));
		bridge->ifindex = link->ifindex;
		bridge->stacked = link->stacked;
		bridge->mac = link->own_mac;
	}
	for (size_t i = 0; i < links->n_altnames; i++) {
		const struct link *link = links_find(links, links->altnames[i].ifindex);
		struct world_altname *altname = &list.altnames[list.n_altnames];
		if (!link)
			continue;
		memcpy(altname->name, links->altnames[i].name, sizeof(altname->name));
		memcpy(altname->bridge, link->name, sizeof(altname->bridge));
		list.n_altnames++;
	}
	list_parents(links, &list);
	*ret = list;
	return 0;
}

bool bridge_lists_equal(const struct bridge_list *a, const struct bridge_list *b)
{
	return a->n == b->n && a->n_altnames == b->n_altnames && a->n_parents == b->n_parents &&
	       (a->n_parents == 0 ||
		memcmp(a->parents, b->parents, a->n_parents * sizeof(*a->parents)) == 0) &&
	       (a->n == 0 || memcmp(a->items, b->items, a->n * sizeof(*a->items)) == 0) &&
	       (a->n_altnames == 0 ||
		memcmp(a->altnames, b->altnames, a->n_altnames * sizeof(*a->altnames)) == 0);
}
