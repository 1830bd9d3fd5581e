/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses and CIDRs as the words of a policy, and what is said of a word that is none. */
#include <string.h>

#include "core/base/text.h"
#include "core/policy/decode.h"
#include "core/policy/peer.h"

/* Words of other tools, and what they are called here. */
static const struct {
	const char *word, *hint;
} synonyms[] = {
	{ "*", "write `world` for all outside, or name the tiers" },
	{ "all", "write `world` for all outside, or name the tiers" },
	{ "any", "write `world` for all outside, or name the tiers" },
	{ "anywhere", "write `world` for all outside" },
	{ "everyone", "write `world` for all outside" },
	{ "external", "write `internet`, or `world` for the local network too" },
	{ "gateway", "write `host`: the gateway of a Docker network is this host" },
	{ "host.docker.internal", "write `host`" },
	{ "local", "write `lan` for the local network, or `host` for this machine" },
	{ "localhost", "write `host`: what this machine begins is always allowed" },
	{ "private", "write `lan`" },
	{ "public", "write `internet`" },
	{ "unmatched", "rules cannot name containers that are in no tier: give them a tier" },
	{ "wan", "write `internet`" },
};

const char *policy_find_synonym(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(synonyms); i++)
		if (strcasecmp(synonyms[i].word, word) == 0)
			return synonyms[i].hint;
	return NULL;
}

/* Only a host name has letters beyond f and no colon. */
static bool looks_like_host_name(const char *text)
{
	return !strpbrk(text, ":/") && strpbrk(text, "ghijklmnopqrstuvwxyz");
}

void policy_report_prefix(struct decoder *d, const struct node *node, enum peer_problem problem,
			  const struct ip_prefix *prefix)
{
	char word[TEXT_QUOTE_LEN], meant[PREFIX_TEXT_LEN];
	const char *quoted = text_quote(node->text, word), *known = policy_find_synonym(node->text);
	const uint8_t *b = prefix->addr.bytes;

	if (problem == PEER_HOST_BITS)
		policy_report(d->diags, F_CIDR_HOST_BITS, node->loc,
			      arena_printf(d->diags->arena, "did you mean `%s`?",
					   ip_prefix_format(prefix, meant)),
			      "`%s` has bits set beyond its prefix length", quoted);
	else if (problem == PEER_MAPPED && prefix->len == 128)
		policy_report(d->diags, F_BAD_CIDR, node->loc,
			      arena_printf(d->diags->arena, "write `%u.%u.%u.%u`", b[12], b[13],
					   b[14], b[15]),
			      "no packet carries the mapped address `%s`", quoted);
	else if (problem == PEER_MAPPED)
		policy_report(d->diags, F_BAD_CIDR, node->loc, "write the IPv4 network",
			      "no packet carries the mapped addresses of `%s`", quoted);
	else
		policy_report(d->diags, F_BAD_CIDR, node->loc,
			      known ? known
			      : looks_like_host_name(node->text)
				      ? "netd looks up no host names: write the address"
				      : "write for example `203.0.113.0/24` or `2001:db8::/32`",
			      "`%s` is not an address or CIDR", quoted);
}

static bool is_mapped(const struct ip_addr *addr)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return addr->family == IP_V6 && memcmp(addr->bytes, mapped, sizeof(mapped)) == 0;
}

enum peer_problem policy_prefix_parse(const char *text, struct ip_prefix *ret)
{
	int r = ip_prefix_parse(text, ret);

	if (r < 0)
		return PEER_BAD_CIDR;
	if (is_mapped(&ret->addr))
		return PEER_MAPPED;
	return r > 0 ? PEER_HOST_BITS : PEER_OK;
}
