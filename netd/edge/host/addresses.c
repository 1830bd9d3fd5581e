/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

#include "edge/host/host.h"

static bool take_addr(const struct sockaddr *sockaddr, struct ip_addr *ret)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	*ret = (struct ip_addr){ 0 };
	if (sockaddr && sockaddr->sa_family == AF_INET) {
		memcpy(&v4, sockaddr, sizeof(v4));
		ret->family = IP_V4;
		memcpy(ret->bytes, &v4.sin_addr, sizeof(v4.sin_addr));
	} else if (sockaddr && sockaddr->sa_family == AF_INET6) {
		memcpy(&v6, sockaddr, sizeof(v6));
		ret->family = IP_V6;
		memcpy(ret->bytes, &v6.sin6_addr, sizeof(v6.sin6_addr));
	}
	return ret->family != IP_NONE;
}

static bool is_link_local(const struct ip_addr *addr)
{
	return addr->family == IP_V6 && addr->bytes[0] == 0xfe && (addr->bytes[1] & 0xc0) == 0x80;
}

/* Each container's veth has a link-local address: they come last. */
int host_addresses(struct arena *arena, struct host_addresses *ret)
{
	struct ifaddrs *list = NULL;
	int r = getifaddrs(&list) < 0 ? -errno : 0;

	for (int local = 0; local < 2; local++)
		for (const struct ifaddrs *item = list; item && r == 0; item = item->ifa_next) {
			struct ip_addr addr;
			if (take_addr(item->ifa_addr, &addr) && is_link_local(&addr) == local &&
			    ret->addrs.n < HOST_ADDRESSES)
				r = VEC_PUSH(arena, &ret->addrs, addr);
		}
	if (list)
		freeifaddrs(list);
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
