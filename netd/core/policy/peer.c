/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words to peers and back, and what a tier may be called. */
#include "core/policy/peer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PEER_WORDS 6u /* the first of the words below are peers */

static const char *const words[] = { "host", "internet", "lan", "world",
				     "dns",  "hosts",	 "any", "unmatched" };

static const enum peer_kind kinds[PEER_WORDS] = { PEER_HOST,  PEER_INTERNET, PEER_LAN,
						  PEER_WORLD, PEER_DNS,	     PEER_HOSTS };

const char *policy_peer_word(enum peer_kind kind)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i] == kind)
			return words[i];
	return NULL;
}

const char *const *policy_peer_words(size_t *ret_n)
{
	*ret_n = PEER_WORDS;
	return words;
}

bool policy_name_is_reserved(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(words[i], name) == 0)
			return true;
	return false;
}

bool policy_name_is_tier(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return name[0] >= 'a' && name[0] <= 'z' && name[n] == '\0' && n <= POLICY_TIER_NAME;
}

static enum peer_problem parse_prefix(const struct policy *policy, const char *text,
				      struct policy_peer *peer)
{
	enum peer_problem problem = policy_prefix_parse(text, &peer->prefix);
	int speaker = problem == PEER_OK ? policy_find_speaker(policy, &peer->prefix) : -1;

	peer->kind = problem == PEER_BAD_CIDR ? peer->kind : PEER_PREFIX;
	peer->spoken = speaker >= 0;
	peer->tier = speaker >= 0 ? (uint32_t)speaker : 0;
	return problem;
}

enum peer_problem policy_peer_parse(const struct policy *policy, const char *text,
				    struct policy_peer *ret)
{
	struct policy_peer peer = { .loc = ret->loc };
	enum peer_problem problem = PEER_OK;
	int tier = policy_find_tier(policy, text);

	if (tier >= 0) {
		peer.tier = (uint32_t)tier;
		*ret = peer;
		return PEER_OK;
	}
	for (size_t i = 0; i < PEER_WORDS; i++)
		if (strcmp(words[i], text) == 0) {
			peer.kind = kinds[i];
			*ret = peer;
			return PEER_OK;
		}
	if (policy_name_is_tier(text) && !policy_name_is_reserved(text))
		return PEER_UNKNOWN_TIER;
	if (!strpbrk(text, ".:/"))
		return PEER_NOT_A_NAME;
	problem = parse_prefix(policy, text, &peer);
	if (problem != PEER_BAD_CIDR)
		*ret = peer;
	return problem;
}

int policy_find_tier(const struct policy *policy, const char *name)
{
	size_t low = 0, high = policy->n_tiers;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, policy->tiers[middle].name);
		if (order == 0)
			return (int)middle;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return -1;
}

static bool names_hosts(const struct policy_peer *peers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (peers[i].kind == PEER_HOSTS)
			return true;
	return false;
}

bool policy_names_hosts(const struct policy *policy)
{
	for (size_t i = 0; i < policy->n_rules; i++)
		if (names_hosts(policy->rules[i].from, policy->rules[i].n_from) ||
		    names_hosts(policy->rules[i].to, policy->rules[i].n_to))
			return true;
	return false;
}

int policy_parse_peer(const struct policy *policy, const char *text, struct policy_peer *ret)
{
	struct policy_peer peer = { .loc = { .file = "" } };

	if (policy_peer_parse(policy, text, &peer) != PEER_OK)
		return -EINVAL;
	*ret = peer;
	return 0;
}

const char *policy_peer_name(const struct policy *policy, const struct policy_peer *peer,
			     char ret[LIMIT_PEER_TEXT])
{
	const char *name = policy_peer_word(peer->kind);
	char text[PREFIX_TEXT_LEN];

	if (peer->kind == PEER_TIER)
		name = policy->tiers[peer->tier].name;
	else if (peer->kind == PEER_PREFIX && peer->prefix.len == ip_len(&peer->prefix.addr) * 8)
		name = ip_format(&peer->prefix.addr, text);
	else if (peer->kind == PEER_PREFIX)
		name = ip_prefix_format(&peer->prefix, text);
	(void)snprintf(ret, LIMIT_PEER_TEXT, "%s", name ? name : "-");
	return ret;
}
