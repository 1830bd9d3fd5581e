/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a rule says that cannot be meant: ends outside, parts that never match, repetitions. */
#include "core/policy/rule.h"

#include <stdio.h>

#include "core/policy/peer.h"
#include "core/policy/zone.h"

/* One end of a rule. */
struct rule_end {
	const struct policy_peer *peers;
	size_t n;
};

static const struct policy_peer *find_kind(struct rule_end end, enum peer_kind kind)
{
	for (size_t i = 0; i < end.n; i++)
		if (end.peers[i].kind == kind)
			return &end.peers[i];
	return NULL;
}

/* A tier, or addresses that it speaks for. */
static bool is_of_tier(const struct policy_peer *peer)
{
	return peer->kind == PEER_TIER || peer->spoken;
}

static const struct policy_peer *find_side(struct rule_end end, bool of_tier)
{
	for (size_t i = 0; i < end.n; i++)
		if (is_of_tier(&end.peers[i]) == of_tier)
			return &end.peers[i];
	return NULL;
}

bool policy_check_ends(struct decoder *d, const struct policy_rule *rule, const char *what)
{
	struct rule_end from = { rule->from, rule->n_from }, to = { rule->to, rule->n_to };
	const struct policy_peer *dns = find_kind(from, PEER_DNS);

	if (dns)
		policy_report(d->diags, F_DNS_SOURCE, dns->loc,
			      "replies need no rule; for what the server itself sends, name its "
			      "address",
			      "`dns` is a destination only");
	if (dns || find_side(from, true) || find_side(to, true))
		return !dns;
	policy_report(d->diags, F_NO_TIER_IN_RULE, rule->loc, "netd judges what containers do",
		      "%s needs a tier at one end", what);
	return false;
}

static void check_host(struct decoder *d, const struct policy_rule *rule)
{
	const struct policy_peer *host =
		find_kind((struct rule_end){ rule->from, rule->n_from }, PEER_HOST);

	if (!host)
		return;
	if (rule->action == POLICY_DENY)
		policy_report(d->diags, F_DENY_FROM_HOST, host->loc, "leave `host` out",
			      "the host always reaches containers: no rule can deny that");
	else
		policy_report(d->diags, F_NEVER_MATCHES, host->loc, "leave `host` out",
			      "the host always reaches containers: no rule needs to allow that");
}

static void check_outside_pair(struct decoder *d, const struct policy_rule *rule)
{
	const struct policy_peer *from =
		find_side((struct rule_end){ rule->from, rule->n_from }, false);
	const struct policy_peer *to = find_side((struct rule_end){ rule->to, rule->n_to }, false);
	char from_name[LIMIT_PEER_TEXT], to_name[LIMIT_PEER_TEXT];

	if (from && to)
		policy_report(d->diags, F_NEVER_MATCHES, to->loc,
			      "write two rules, each with a tier at one end",
			      "netd does not judge what goes from `%s` to `%s`",
			      policy_peer_name(d->policy, from, from_name),
			      policy_peer_name(d->policy, to, to_name));
}

static void check_loopback(struct decoder *d, struct rule_end end)
{
	char name[LIMIT_PEER_TEXT];

	for (size_t i = 0; i < end.n; i++)
		if (end.peers[i].kind == PEER_PREFIX &&
		    policy_zone_relation(&end.peers[i].prefix) & ZONE_LOOPBACK)
			policy_report(d->diags, F_NEVER_MATCHES, end.peers[i].loc,
				      "this machine is `host`",
				      "packets from or to `%s` never leave a machine",
				      policy_peer_name(d->policy, &end.peers[i], name));
}

static void check_dns_ports(struct decoder *d, const struct policy_rule *rule)
{
	const struct policy_peer *dns =
		find_kind((struct rule_end){ rule->to, rule->n_to }, PEER_DNS);

	if (!dns || rule->n_ports == 0)
		return;
	for (size_t i = 0; i < rule->n_ports; i++)
		if (port_range_contains(&rule->ports[i], PROTO_TCP, 53) ||
		    port_range_contains(&rule->ports[i], PROTO_UDP, 53))
			return;
	policy_report(d->diags, F_NEVER_MATCHES, dns->loc,
		      "leave `ports` out, or name the resolver by its address",
		      "`dns` is port 53 over tcp and udp, which `ports` leaves out");
}

static bool is_all_of(struct rule_end end, enum ip_family family)
{
	for (size_t i = 0; i < end.n; i++)
		if (end.peers[i].kind != PEER_PREFIX || end.peers[i].prefix.addr.family != family)
			return false;
	return true;
}

static void check_icmp_family(struct decoder *d, const struct policy_rule *rule,
			      const struct node *port, enum ip_proto proto)
{
	bool is_icmp = proto == PROTO_ICMP;
	enum ip_family other = is_icmp ? IP_V6 : IP_V4;

	if (proto != PROTO_ICMP && proto != PROTO_ICMPV6)
		return;
	if (is_all_of((struct rule_end){ rule->from, rule->n_from }, other) ||
	    is_all_of((struct rule_end){ rule->to, rule->n_to }, other))
		policy_report(d->diags, F_NEVER_MATCHES, port->loc,
			      is_icmp ? "write `icmpv6`" : "write `icmp`",
			      "`%s` does not go to or from an %s address", proto_name(proto),
			      is_icmp ? "IPv6" : "IPv4");
}

static void check_ports(struct decoder *d, const struct node *ports, const struct policy_rule *rule)
{
	const struct node *node = ports && ports->kind == NODE_SEQUENCE ? ports->first : ports;
	char this[PORT_RANGE_TEXT_LEN], other[PORT_RANGE_TEXT_LEN];

	for (size_t i = 0; node && i < rule->n_ports; i++, node = node->next) {
		const struct port_range *port = &rule->ports[i];
		size_t k = 0;
		check_icmp_family(d, rule, node, (enum ip_proto)port->proto);
		while (k < i && !port_range_overlaps(&rule->ports[k], port))
			k++;
		if (k < i)
			policy_report(d->diags, F_OVERLAPPING_PORTS, node->loc,
				      "name each port once", "`%s` and `%s` overlap",
				      port_range_format(&rule->ports[k], other),
				      port_range_format(port, this));
	}
}

/* @inner stands for nothing that @outer does not. `lan` is not the whole truth here: Docker's own
 * networks are not part of it, so that a prefix inside may be more than it looks. */
static bool peer_covers(const struct policy_peer *outer, const struct policy_peer *inner)
{
	if (inner->spoken && outer->kind == PEER_TIER) /* but for what is in no zone */
		return outer->tier == inner->tier &&
		       (policy_zone_relation(&inner->prefix) & ZONE_IN_ONE);
	if (inner->spoken != outer->spoken)
		return false; /* one is a tier's, the other outside */
	if (outer->kind == PEER_PREFIX)
		return inner->kind == PEER_PREFIX &&
		       policy_prefix_contains(&outer->prefix, &inner->prefix);
	if (inner->kind == PEER_PREFIX) {
		bool net = outer->kind == PEER_INTERNET || outer->kind == PEER_WORLD;
		return net && policy_zone_relation(&inner->prefix) & ZONE_IN_INTERNET;
	}
	if (outer->kind == PEER_WORLD &&
	    (inner->kind == PEER_LAN || inner->kind == PEER_INTERNET || inner->kind == PEER_HOSTS))
		return true;
	return outer->kind == inner->kind && outer->tier == inner->tier;
}

static void check_repeated(struct decoder *d, struct rule_end end)
{
	char this[LIMIT_PEER_TEXT], other[LIMIT_PEER_TEXT];

	for (size_t i = 1; i < end.n; i++) {
		size_t k = 0;
		while (k < i && !peer_covers(&end.peers[k], &end.peers[i]) &&
		       !peer_covers(&end.peers[i], &end.peers[k]))
			k++;
		if (k < i)
			policy_report(d->diags, F_OVERLAPPING_PEERS, end.peers[i].loc,
				      "name each peer once", "`%s` and `%s` overlap",
				      policy_peer_name(d->policy, &end.peers[k], other),
				      policy_peer_name(d->policy, &end.peers[i], this));
	}
}

void policy_check_rule(struct decoder *d, const struct node *node, const struct policy_rule *rule)
{
	struct rule_end from = { rule->from, rule->n_from }, to = { rule->to, rule->n_to };
	struct diag_subject about = { 0 };

	if (!policy_check_ends(d, rule, "a rule"))
		return;
	about.tiers = policy_rule_tiers(d->policy, rule, d->arena, &about.n_tiers);
	d->diags->out_of_memory |= !about.tiers;
	d->diags->about = about;
	check_host(d, rule);
	check_outside_pair(d, rule);
	check_loopback(d, from);
	check_loopback(d, to);
	check_dns_ports(d, rule);
	check_ports(d, node_get(node, "ports"), rule);
	check_repeated(d, from);
	check_repeated(d, to);
	d->diags->about = (struct diag_subject){ 0 };
}
