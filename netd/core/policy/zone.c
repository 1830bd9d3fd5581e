/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ranges are written out, so that reading the table answers the question. The gaps are:
 *  - special addresses of RFC 6890: this network, loopback, link-local, IETF protocol assignments,
 *    benchmarking, multicast, reserved. The documentation ranges count as internet;
 *  - metadata services of clouds: 169.254.0.0/16, 100.100.100.200, 168.63.129.16, fd00:ec2::254:
 *    only a CIDR opens them;
 *  - IPv6 outside 2000::/3, which nobody has been given; 2001::/23 (Teredo and other protocols) and
 *    2002::/16 (6to4), behind which any IPv4 address can stand, private ones too. */
#include "core/policy/zone.h"

#include <string.h>

/* clang-format off */
#define V4(a, b, c, d) { IP_V4, { a, b, c, d } }
#define V6(...) { IP_V6, { __VA_ARGS__ } }
/* clang-format on */
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
	{ V6(0x20), V6(0x20, 0, 0xff, 0xff, FF4, FF4, FF4) },
	{ V6(0x20, 0x01, 0x02), V6(0x20, 0x01, 0xff, 0xff, FF4, FF4, FF4) },
	{ V6(0x20, 0x03), V6(0x3f, 0xff, 0xff, 0xff, FF4, FF4, FF4) },
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

static const struct ip_prefix metadata[] = {
	{ V4(169, 254, 0, 0), 16 },
	{ V4(100, 100, 100, 200), 32 },
	{ V4(168, 63, 129, 16), 32 },
	{ V6(0xfd, 0, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54), 128 },
};

static const struct ip_prefix loopback[] = {
	{ V4(127, 0, 0, 0), 8 },
	{ V6([15] = 1), 128 },
};

const struct ip_range *policy_zone_ranges(enum peer_kind zone, enum ip_family family, size_t *ret_n)
{
	bool v6 = family == IP_V6;

	if (zone == PEER_INTERNET) {
		*ret_n = v6 ? ARRAY_LEN(internet6) : ARRAY_LEN(internet4);
		return v6 ? internet6 : internet4;
	}
	*ret_n = v6 ? ARRAY_LEN(lan6) : ARRAY_LEN(lan4);
	return v6 ? lan6 : lan4;
}

static bool range_contains(const struct ip_range *outer, const struct ip_range *inner)
{
	return ip_compare(&outer->first, &inner->first) <= 0 &&
	       ip_compare(&inner->last, &outer->last) <= 0;
}

static bool ranges_meet(const struct ip_range *a, const struct ip_range *b)
{
	return ip_compare(&a->first, &b->last) <= 0 && ip_compare(&b->first, &a->last) <= 0;
}

bool policy_zone_contains(enum peer_kind zone, const struct ip_addr *addr)
{
	struct ip_prefix prefix = { *addr, (uint8_t)(ip_len(addr) * 8) };
	unsigned int relation = policy_zone_relation(&prefix);
	unsigned int wanted = (zone == PEER_INTERNET ? 0u : ZONE_IN_LAN) |
			      (zone == PEER_LAN ? 0u : ZONE_IN_INTERNET);

	return relation & wanted;
}

const char *policy_zone_text(const struct ip_addr *addr)
{
	if (policy_zone_contains(PEER_INTERNET, addr))
		return "zone internet";
	return policy_zone_contains(PEER_LAN, addr) ? "zone lan" : "no zone";
}

bool policy_zone_may_have_host(const struct ip_addr *addr)
{
	static const struct ip_prefix link_local = { V6(0xfe, 0x80), 10 };

	return policy_zone_contains(PEER_WORLD, addr) && !ip_in_prefix(addr, &link_local);
}

static unsigned int relate(const struct ip_prefix *prefix, enum peer_kind zone, unsigned int in,
			   unsigned int meets)
{
	struct ip_range range = ip_prefix_range(prefix);
	unsigned int bits = 0;
	size_t n;
	const struct ip_range *ranges =
		policy_zone_ranges(zone, (enum ip_family)prefix->addr.family, &n);

	for (size_t i = 0; i < n; i++) {
		bits |= range_contains(&ranges[i], &range) ? in : 0;
		bits |= ranges_meet(&ranges[i], &range) ? meets : 0;
	}
	return bits;
}

unsigned int policy_zone_relation(const struct ip_prefix *prefix)
{
	unsigned int bits = relate(prefix, PEER_LAN, ZONE_IN_LAN, ZONE_MEETS_LAN) |
			    relate(prefix, PEER_INTERNET, ZONE_IN_INTERNET, ZONE_MEETS_INTERNET);

	for (size_t i = 0; i < ARRAY_LEN(loopback); i++)
		if (policy_prefix_contains(&loopback[i], prefix))
			bits |= ZONE_LOOPBACK;
	return bits;
}

/* Called for every pair of prefixes of a rule, so without a copy. */
bool policy_prefix_contains(const struct ip_prefix *outer, const struct ip_prefix *inner)
{
	const uint8_t *a = outer->addr.bytes, *b = inner->addr.bytes;
	size_t whole = outer->len / 8;
	unsigned int rest = outer->len % 8u;

	if (outer->len > inner->len || outer->addr.family != inner->addr.family)
		return false;
	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

bool policy_prefix_holds_metadata(const struct ip_prefix *prefix)
{
	for (size_t i = 0; i < ARRAY_LEN(metadata); i++)
		if (policy_prefix_contains(prefix, &metadata[i]) ||
		    policy_prefix_contains(&metadata[i], prefix))
			return true;
	return false;
}
