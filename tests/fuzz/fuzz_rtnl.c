/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rtnetlink's messages about interfaces: a list of ports follows from whatever came. */
#include "edge/rtnl/links.h"
#include "edge/rtnl/query.h"
#include "tests/fuzz/fuzz_netlink.h"

static void check_ports(const struct links *links)
{
	struct port_list ports;
	int r = links_ports(links, &ports);

	assert(r == 0 && ports.n <= links->n);
	for (size_t i = 0; i < ports.n; i++) {
		assert(memchr(ports.items[i].ifname, '\0', WORLD_IFNAME_LEN));
		assert(memchr(ports.items[i].bridge, '\0', WORLD_IFNAME_LEN));
		assert(i == 0 || strcmp(ports.items[i - 1].ifname, ports.items[i].ifname) <= 0);
	}
	assert(port_lists_equal(&ports, &ports));
	free(ports.items);
}

static void check_bridges(const struct links *links)
{
	struct bridge_list bridges;
	int r = links_bridges(links, &bridges);

	assert(r == 0 && bridges.n <= links->n && bridges.n_altnames <= links->n_altnames);
	for (size_t i = 0; i < bridges.n; i++)
		assert(memchr(bridges.items[i].name, '\0', WORLD_IFNAME_LEN));
	for (size_t i = 0; i < bridges.n_altnames; i++)
		assert(memchr(bridges.altnames[i].name, '\0', WORLD_IFNAME_LEN));
	assert(bridge_lists_equal(&bridges, &bridges));
	bridge_list_done(&bridges);
}

static void check_links(const struct links *links)
{
	for (size_t i = 0; i < links->n; i++) {
		const struct link *link = &links->items[i];
		assert(i == 0 || links->items[i - 1].ifindex < link->ifindex);
		assert(links_find(links, link->ifindex) == link);
		assert(links_find_name(links, link->name));
	}
}

/* The answer about the far end of each veth, if this message were it. */
static void read_peer(const struct links *links, const struct nlmsghdr *nlh)
{
	for (size_t i = 0; i < links->n; i++) {
		const struct link *link = &links->items[i];
		const struct query_peer peer = { link->ifindex, link->peer, link->nsid };
		struct query_answer answer = { 0 };
		if (link->is_veth && query_read_peer(nlh, &peer, &answer) != 0)
			assert(!answer.up && mac_is_zero(&answer.mac));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_datagram datagram CLEANUP(fuzz_datagram_done) = fuzz_datagram(data, size);
	struct links links CLEANUP(links_done) = { 0 };
	const struct nlmsghdr *nlh;

	while ((nlh = fuzz_next_message(&datagram))) {
		int r = links_apply(&links, nlh);
		assert(r == 0);
		read_peer(&links, nlh);
	}
	check_links(&links);
	check_ports(&links);
	check_bridges(&links);
	links_unsee(&links);
	links_drop_unseen(&links);
	assert(links.n == 0 && links.n_altnames == 0);
	return 0;
}
