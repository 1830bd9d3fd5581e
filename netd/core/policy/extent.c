/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A rule is a product of sources, destinations and ports: one covers another when each factor
 * does, and two overlap when each factor does. */
#include "core/policy/extent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/policy/zone.h"

#define ZONE(kind) (1u << (kind))

/* Bits of a digest: 0..55 tiers, folded; then what is outside. */
#define DIGEST_TIERS 56u
#define DIGEST_HOST (UINT64_C(1) << 56)
#define DIGEST_INTERNET (UINT64_C(1) << 57)
#define DIGEST_LAN (UINT64_C(1) << 58)
#define DIGEST_DNS (UINT64_C(1) << 59)
#define DIGEST_PREFIX (UINT64_C(1) << 60)
#define DIGEST_HOSTS (UINT64_C(1) << 61)

static int by_prefix(const void *left, const void *right)
{
	const struct extent_prefix *a = left, *b = right;
	int order = ip_compare(&a->prefix.addr, &b->prefix.addr);

	return order ? order : (int)a->prefix.len - (int)b->prefix.len;
}

/* Sorted by address and length, a prefix stands right behind the one that contains it. */
static size_t drop_contained(struct extent_prefix *prefixes, size_t n)
{
	size_t kept = 0;

	if (n)
		qsort(prefixes, n, sizeof(*prefixes), by_prefix);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 ||
		    !policy_prefix_contains(&prefixes[kept - 1].prefix, &prefixes[i].prefix))
			prefixes[kept++] = prefixes[i];
	return kept;
}

static unsigned int zone_bits(enum peer_kind kind)
{
	return kind == PEER_WORLD ? ZONE(PEER_LAN) | ZONE(PEER_INTERNET) : ZONE(kind);
}

/* 0.0.0.0/0 and ::/0 together hold every zone of addresses. None is inside another, so two without
 * a length are one of each family. */
static bool holds_all_addresses(const struct extent_prefix *prefixes, size_t n)
{
	return n == 2 && prefixes[0].prefix.len == 0 && prefixes[1].prefix.len == 0;
}

/* But for the tiers. */
static uint64_t digest_outside(const struct extent_end *end)
{
	uint64_t digest = end->n ? DIGEST_PREFIX : 0;

	digest |= end->zones & ZONE(PEER_HOST) ? DIGEST_HOST : 0;
	digest |= end->zones & ZONE(PEER_INTERNET) ? DIGEST_INTERNET : 0;
	digest |= end->zones & ZONE(PEER_LAN) ? DIGEST_LAN : 0;
	digest |= end->zones & ZONE(PEER_DNS) ? DIGEST_DNS : 0;
	digest |= end->zones & ZONE(PEER_HOSTS) ? DIGEST_HOSTS : 0;
	return digest;
}

static struct extent_prefix as_outside(const struct policy_peer *peer)
{
	return (struct extent_prefix){ .prefix = peer->prefix,
				       .zones = policy_zone_relation(&peer->prefix) };
}

/* What is in no zone no tier speaks for: what a deny rule names of it is outside. */
static int make_end(const struct policy_peer *peers, size_t n, bool denies, struct arena *arena,
		    struct extent_end *end)
{
	struct extent_prefix *prefixes = arena_alloc(arena, n * sizeof(*prefixes));
	struct extent_prefix *spoken = arena_alloc(arena, n * sizeof(*spoken));

	if (!prefixes || !spoken)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct policy_peer *peer = &peers[i];
		if (peer->kind == PEER_TIER) {
			end->tiers[peer->tier / 64] |= UINT64_C(1) << peer->tier % 64;
			end->digest |= UINT64_C(1) << peer->tier % DIGEST_TIERS;
		} else if (peer->spoken) {
			spoken[end->n_spoken++] = (struct extent_prefix){ .prefix = peer->prefix,
									  .tier = peer->tier };
			end->digest |= UINT64_C(1) << peer->tier % DIGEST_TIERS;
			if (denies && !(policy_zone_relation(&peer->prefix) & ZONE_IN_ONE))
				prefixes[end->n++] = as_outside(peer);
		} else if (peer->kind == PEER_PREFIX) {
			prefixes[end->n++] = as_outside(peer);
		} else {
			end->zones |= zone_bits(peer->kind);
		}
	}
	end->n = drop_contained(prefixes, end->n);
	end->prefixes = prefixes;
	end->n_spoken = drop_contained(spoken, end->n_spoken);
	end->spoken = spoken;
	if (holds_all_addresses(prefixes, end->n))
		end->zones |= zone_bits(PEER_WORLD);
	if ((end->zones & zone_bits(PEER_WORLD)) == zone_bits(PEER_WORLD))
		end->zones |= ZONE(PEER_HOSTS); /* wherever they are */
	end->digest |= digest_outside(end);
	return 0;
}

static int by_port(const void *left, const void *right)
{
	const struct port_range *a = left, *b = right;

	if (a->proto != b->proto)
		return (int)a->proto - (int)b->proto;
	return (int)a->lo - (int)b->lo;
}

/* A bit per protocol and twelfth of its ports. */
static uint64_t digest_ports(const struct port_range *ports, size_t n)
{
	uint64_t digest = 0;

	for (size_t i = 0; i < n; i++)
		for (unsigned int part = ports[i].lo / 5462u; part <= ports[i].hi / 5462u; part++)
			digest |= UINT64_C(1) << ((ports[i].proto - 1u) * 12 + part);
	return n ? digest : UINT64_MAX;
}

static int make_ports(const struct policy_rule *rule, struct arena *arena, struct extent *extent)
{
	struct port_range *ports = arena_dup(arena, rule->ports, rule->n_ports * sizeof(*ports));
	size_t kept = 0;

	if (!ports)
		return -ENOMEM;
	if (rule->n_ports)
		qsort(ports, rule->n_ports, sizeof(*ports), by_port);
	for (size_t i = 0; i < rule->n_ports; i++) {
		struct port_range *last = kept ? &ports[kept - 1] : NULL;
		if (last && last->proto == ports[i].proto && ports[i].lo <= last->hi + 1u) {
			if (ports[i].hi > last->hi)
				last->hi = ports[i].hi;
		} else {
			ports[kept++] = ports[i];
		}
	}
	extent->ports = ports;
	extent->n_ports = kept;
	extent->port_digest = digest_ports(ports, kept);
	return 0;
}

int policy_extent_make(const struct policy_rule *rule, struct arena *arena, struct extent *ret)
{
	struct extent extent = { 0 };
	bool denies = rule->action == POLICY_DENY;
	int r = make_end(rule->from, rule->n_from, denies, arena, &extent.from);

	if (r == 0)
		r = make_end(rule->to, rule->n_to, denies, arena, &extent.to);
	if (r == 0)
		r = make_ports(rule, arena, &extent);
	if (r == 0)
		*ret = extent;
	return r;
}

/* The last prefix that begins at or before @addr, as an index; n when all begin after it. */
static size_t find_before(const struct extent_prefix *all, size_t n, const struct ip_addr *addr)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (ip_compare(&all[middle].prefix.addr, addr) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? low - 1 : n;
}

static bool has_tier(const struct extent_end *end, uint32_t tier)
{
	return end->tiers[tier / 64] & UINT64_C(1) << tier % 64;
}

/* What a tier speaks for is of the tier, and of no zone. */
static bool covers_spoken(const struct extent_end *end, const struct extent_prefix *inner)
{
	size_t at = find_before(end->spoken, end->n_spoken, &inner->prefix.addr);

	return has_tier(end, inner->tier) ||
	       (at < end->n_spoken &&
		policy_prefix_contains(&end->spoken[at].prefix, &inner->prefix));
}

static bool covers_prefix(const struct extent_end *end, const struct extent_prefix *inner,
			  bool surely)
{
	size_t at = find_before(end->prefixes, end->n, &inner->prefix.addr);

	if (end->zones & ZONE(PEER_INTERNET) && inner->zones & ZONE_IN_INTERNET)
		return true;
	if (!surely && end->zones & ZONE(PEER_LAN) && inner->zones & ZONE_IN_LAN)
		return true;
	return at < end->n && policy_prefix_contains(&end->prefixes[at].prefix, &inner->prefix);
}

static bool end_covers(const struct extent_end *outer, const struct extent_end *inner, bool surely)
{
	for (size_t i = 0; i < ARRAY_LEN(outer->tiers); i++)
		if (inner->tiers[i] & ~outer->tiers[i])
			return false;
	if (inner->zones & ~outer->zones)
		return false;
	for (size_t i = 0; i < inner->n; i++)
		if (!covers_prefix(outer, &inner->prefixes[i], surely))
			return false;
	for (size_t i = 0; i < inner->n_spoken; i++)
		if (!covers_spoken(outer, &inner->spoken[i]))
			return false;
	return true;
}

static bool ports_cover(const struct extent *outer, const struct extent *inner)
{
	size_t k = 0;

	if (outer->n_ports == 0)
		return true;
	for (size_t i = 0; i < inner->n_ports; i++) {
		const struct port_range *range = &inner->ports[i];
		while (k < outer->n_ports &&
		       (outer->ports[k].proto < range->proto ||
			(outer->ports[k].proto == range->proto && outer->ports[k].hi < range->lo)))
			k++;
		if (k == outer->n_ports || outer->ports[k].proto != range->proto ||
		    outer->ports[k].lo > range->lo || outer->ports[k].hi < range->hi)
			return false;
	}
	return inner->n_ports > 0;
}

/* A zone or another prefix may cover a prefix, so its own digest bit says nothing here. */
static bool digest_may_cover(uint64_t outer, uint64_t inner)
{
	return !(inner & ~outer & ~DIGEST_PREFIX);
}

bool policy_extent_covers(const struct extent *outer, const struct extent *inner, bool surely)
{
	if (inner->port_digest & ~outer->port_digest ||
	    !digest_may_cover(outer->from.digest, inner->from.digest) ||
	    !digest_may_cover(outer->to.digest, inner->to.digest))
		return false;
	return end_covers(&outer->from, &inner->from, surely) &&
	       end_covers(&outer->to, &inner->to, surely) && ports_cover(outer, inner);
}

static bool zone_meets_prefixes(unsigned int zones, const struct extent_end *end)
{
	bool hosts = zones & ZONE(PEER_HOSTS);
	unsigned int wanted = (hosts || zones & ZONE(PEER_LAN) ? ZONE_MEETS_LAN : 0u) |
			      (hosts || zones & ZONE(PEER_INTERNET) ? ZONE_MEETS_INTERNET : 0u);

	for (size_t i = 0; i < end->n && wanted; i++)
		if (end->prefixes[i].zones & wanted)
			return true;
	return false;
}

/* Prefixes nest or are apart: it is enough to look at the two neighbours of each. */
static bool meets_prefix(const struct extent_prefix *many, size_t n, const struct ip_prefix *prefix)
{
	size_t at = find_before(many, n, &prefix->addr);
	size_t after = at < n ? at + 1 : 0;

	if (at < n && (policy_prefix_contains(&many[at].prefix, prefix) ||
		       policy_prefix_contains(prefix, &many[at].prefix)))
		return true;
	return after < n && policy_prefix_contains(prefix, &many[after].prefix);
}

static bool prefixes_meet(const struct extent_end *many, const struct extent_end *few)
{
	for (size_t i = 0; i < few->n; i++)
		if (meets_prefix(many->prefixes, many->n, &few->prefixes[i].prefix))
			return true;
	return false;
}

static bool spoken_meet(const struct extent_end *a, const struct extent_end *b)
{
	for (size_t i = 0; i < b->n_spoken; i++)
		if (has_tier(a, b->spoken[i].tier) ||
		    meets_prefix(a->spoken, a->n_spoken, &b->spoken[i].prefix))
			return true;
	for (size_t i = 0; i < a->n_spoken; i++)
		if (has_tier(b, a->spoken[i].tier))
			return true;
	return false;
}

/* A host of the fleet is somewhere in the zones of addresses. */
static bool hosts_meet(unsigned int hosts, unsigned int other)
{
	return hosts & ZONE(PEER_HOSTS) && other & zone_bits(PEER_WORLD);
}

static bool ends_meet(const struct extent_end *a, const struct extent_end *b)
{
	for (size_t i = 0; i < ARRAY_LEN(a->tiers); i++)
		if (a->tiers[i] & b->tiers[i])
			return true;
	if (a->zones & b->zones || spoken_meet(a, b) || hosts_meet(a->zones, b->zones) ||
	    hosts_meet(b->zones, a->zones))
		return true;
	if (zone_meets_prefixes(a->zones, b) || zone_meets_prefixes(b->zones, a))
		return true;
	return a->n >= b->n ? prefixes_meet(a, b) : prefixes_meet(b, a);
}

static bool ports_meet(const struct extent *a, const struct extent *b)
{
	size_t i = 0, k = 0;

	if (a->n_ports == 0 || b->n_ports == 0)
		return true;
	while (i < a->n_ports && k < b->n_ports) {
		const struct port_range *x = &a->ports[i], *y = &b->ports[k];
		if (port_range_overlaps(x, y))
			return true;
		bool x_first = x->proto != y->proto ? x->proto < y->proto : x->hi < y->hi;
		i += x_first;
		k += !x_first;
	}
	return false;
}

/* Outside, zones and prefixes may meet each other in any way but host and dns. */
static bool digests_may_meet(uint64_t a, uint64_t b)
{
	const uint64_t open = DIGEST_PREFIX | DIGEST_INTERNET | DIGEST_LAN | DIGEST_HOSTS;

	return a & b || (a & open && b & open);
}

bool policy_extent_overlaps(const struct extent *a, const struct extent *b)
{
	if (!(a->port_digest & b->port_digest) ||
	    !digests_may_meet(a->from.digest, b->from.digest) ||
	    !digests_may_meet(a->to.digest, b->to.digest))
		return false;
	return ends_meet(&a->from, &b->from) && ends_meet(&a->to, &b->to) && ports_meet(a, b);
}
