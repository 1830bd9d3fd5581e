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

int host_addresses(struct arena *arena, struct host_addresses *ret)
{
	struct ifaddrs *list = NULL;
	int r = getifaddrs(&list) < 0 ? -errno : 0;

	for (const struct ifaddrs *item = list; item && r == 0; item = item->ifa_next) {
		struct ip_addr addr;
		if (take_addr(item->ifa_addr, &addr) && ret->addrs.n < HOST_ADDRESSES)
			r = VEC_PUSH(arena, &ret->addrs, addr);
	}
	if (list)
		freeifaddrs(list);
	return r;
}
