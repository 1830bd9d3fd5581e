/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One dump of addresses. Not getifaddrs(3), which asks for all interfaces as well: with a thousand
 * containers that takes twenty times as long. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "edge/host/host.h"
#include "edge/rtnl/query.h"

/* Of a dump that was cut short, as addresses changed meanwhile, some may be missing. */
#define ATTEMPTS 8

struct address_reading {
	struct arena *arena;
	struct host_addresses others, local; /* link-local ones */
};

struct address_attrs {
	const struct nlattr *address, *local;
};

static int read_address_attr(const struct nlattr *attr, void *data)
{
	struct address_attrs *attrs = data;

	if (mnl_attr_get_type(attr) == IFA_ADDRESS)
		attrs->address = attr;
	if (mnl_attr_get_type(attr) == IFA_LOCAL)
		attrs->local = attr;
	return MNL_CB_OK;
}

/* Where both are told, IFA_ADDRESS is the far end's. */
static bool read_own(const struct nlmsghdr *nlh, struct ip_addr *ret)
{
	const struct ifaddrmsg *info = mnl_nlmsg_get_payload(nlh);
	struct address_attrs attrs = { 0 };

	(void)mnl_attr_parse(nlh, sizeof(*info), read_address_attr, &attrs);
	const struct nlattr *own = attrs.local ? attrs.local : attrs.address;
	*ret = (struct ip_addr){ .family = info->ifa_family == AF_INET	  ? IP_V4
					   : info->ifa_family == AF_INET6 ? IP_V6
									  : IP_NONE };
	if (!ret->family || !own || mnl_attr_get_payload_len(own) != ip_len(ret))
		return false;
	memcpy(ret->bytes, mnl_attr_get_payload(own), ip_len(ret));
	return true;
}

static bool is_link_local(const struct ip_addr *addr)
{
	return addr->family == IP_V6 && addr->bytes[0] == 0xfe && (addr->bytes[1] & 0xc0) == 0x80;
}

static int take_address(const struct nlmsghdr *nlh, void *data)
{
	struct address_reading *reading = data;
	struct ip_addr addr;

	if (!read_own(nlh, &addr))
		return 0;
	struct host_addresses *into = is_link_local(&addr) ? &reading->local : &reading->others;
	return into->addrs.n < HOST_ADDRESSES ? VEC_PUSH(reading->arena, &into->addrs, addr) : 0;
}

/* Each container's veth has a link-local address: they come last. */
int host_addresses(struct arena *arena, struct host_addresses *ret)
{
	struct address_reading reading;
	struct query query;
	int r = query_open(&query);

	if (r < 0)
		return r;
	r = -EINTR;
	for (int i = 0; i < ATTEMPTS && r == -EINTR; i++) {
		reading = (struct address_reading){ .arena = arena };
		r = query_addresses(&query, take_address, &reading);
	}
	query_close(&query);
	if (r == -EINTR) /* so busy a host: nearly all of them are better than none */
		r = 0;
	for (size_t i = 0; i < reading.local.addrs.n && r == 0; i++)
		if (reading.others.addrs.n < HOST_ADDRESSES)
			r = VEC_PUSH(arena, &reading.others.addrs, reading.local.addrs.items[i]);
	if (r == 0)
		*ret = reading.others;
	return r;
}

int host_world(const struct world *world, struct arena *arena, const struct world **ret)
{
	struct host_addresses own = { 0 };
	struct world *copy = arena_dup(arena, world, sizeof(*world));
	int r = copy ? host_addresses(arena, &own) : -ENOMEM;

	if (r < 0)
		return r;
	copy->host_addrs = own.addrs.items;
	copy->n_host_addrs = world_sort_addresses(own.addrs.items, own.addrs.n);
	*ret = copy;
	return 0;
}
