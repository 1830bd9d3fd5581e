/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the peers internet, lan and world stand for. Ranges are written out, sorted, so that reading
 * the table answers the question; the gaps are:
 *  - special addresses of RFC 6890: this network, loopback, link-local, IETF protocol assignments,
 *    benchmarking, multicast, reserved. The documentation ranges count as internet.
 *  - metadata services of clouds: 169.254.0.0/16, 100.100.100.200 (Alibaba), 168.63.129.16 (Azure),
 *    fd00:ec2::254 (AWS): only a CIDR rule opens them.
 *  - IPv6 outside 2000::/3, which nobody has been given. */
#include <string.h>

#include "core/compile/compile.h"

#define V4(a, b, c, d)                                                                             \
	{                                                                                          \
		IP_V4, { a, b, c, d }                                                              \
	}
#define V6(...)                                                                                    \
	{                                                                                          \
		IP_V6, { __VA_ARGS__ }                                                             \
	}
#define FF4 0xff, 0xff, 0xff, 0xff

static const struct ip_range internet4[] = {
	{ V4(1, 0, 0, 0), V4(9, 255, 255, 255) },
	{ V4(11, 0, 0, 0), V4(100, 63, 255, 255) },
	{ V4(100, 128, 0, 0), V4(126, 255, 255, 255) },
	{ V4(128, 0, 0, 0), V4(168, 63, 129, 15) },
	{ V4(168, 63, 129, 17), V4(169, 253, 255, 255) },
	{ V4(169, 255, 0, 0), V4(172, 15, 255, 255) },
	{ V4(172, 32, 0, 0), V4(191, 255, 255, 255) },
	{ V4(192, 0, 1, 0), V4(192, 167, 255, 255) },
	{ V4(192, 169, 0, 0), V4(198, 17, 255, 255) },
	{ V4(198, 20, 0, 0), V4(223, 255, 255, 255) },
};

static const struct ip_range internet6[] = {
	{ V6(0x20), V6(0x3f, 0xff, 0xff, 0xff, FF4, FF4, FF4) },
};

static const struct ip_range lan4[] = {
	{ V4(10, 0, 0, 0), V4(10, 255, 255, 255) },
	{ V4(100, 64, 0, 0), V4(100, 100, 100, 199) },
	{ V4(100, 100, 100, 201), V4(100, 127, 255, 255) },
	{ V4(172, 16, 0, 0), V4(172, 31, 255, 255) },
	{ V4(192, 168, 0, 0), V4(192, 168, 255, 255) },
};

static const struct ip_range lan6[] = {
	{ V6(0xfc), V6(0xfd, 0, 0x0e, 0xc2, [14] = 0x02, [15] = 0x53) },
	{ V6(0xfd, 0, 0x0e, 0xc2, [14] = 0x02, [15] = 0x55),
	  V6(0xfd, 0xff, 0xff, 0xff, FF4, FF4, FF4) },
	{ V6(0xfe, 0x80), V6(0xfe, 0xbf, 0xff, 0xff, FF4, FF4, FF4) },
};

const struct ip_range *compile_zone_ranges(enum peer_kind zone, enum ip_family family, size_t *n)
{
	bool v6 = family == IP_V6;

	if (zone == PEER_INTERNET) {
		*n = v6 ? ARRAY_LEN(internet6) : ARRAY_LEN(internet4);
		return v6 ? internet6 : internet4;
	}
	*n = v6 ? ARRAY_LEN(lan6) : ARRAY_LEN(lan4);
	return v6 ? lan6 : lan4;
}

static bool in_ranges(const struct ip_range *ranges, size_t n, const struct ip_addr *addr)
{
	for (size_t i = 0; i < n; i++)
		if (ip_compare(&ranges[i].first, addr) <= 0 && ip_compare(addr, &ranges[i].last) <= 0)
			return true;
	return false;
}

bool compile_zone_contains(enum peer_kind zone, const struct ip_addr *addr)
{
	size_t n;

	if (zone == PEER_WORLD)
		return compile_zone_contains(PEER_INTERNET, addr) ||
		       compile_zone_contains(PEER_LAN, addr);
	const struct ip_range *ranges =
		compile_zone_ranges(zone, (enum ip_family)addr->family, &n);
	return in_ranges(ranges, n, addr);
}
