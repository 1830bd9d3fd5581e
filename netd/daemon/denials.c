/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/denials.h"

#include <stdio.h>
#include <string.h>

#include "daemon/daemon.h"
#include "edge/journal/journal.h"

#define SAID_AGAIN_AFTER_US (60u * 1000000u)

/* The second word of the rules' prefixes: core/compile writes "netd WORD WHERE ". */
static const struct {
	const char *word, *said;
	enum log_id id;
} verdicts[] = {
	{ "deny ", "denied", LOG_ID_DENIED },
	{ "audit ", "would be denied", LOG_ID_AUDIT },
	{ "allow ", "allowed", LOG_ID_ALLOWED },
};

/* FNV-1a over what makes a flow the same for a reader: not the client's port. */
static uint64_t hash(uint64_t h, const void *bytes, size_t len)
{
	for (const uint8_t *b = bytes; len > 0; b++, len--)
		h = (h ^ *b) * UINT64_C(0x100000001b3);
	return h;
}

static uint64_t flow_of(const struct nflog_packet *p)
{
	uint64_t h = hash(UINT64_C(0xcbf29ce484222325), p->prefix, strlen(p->prefix));

	h = hash(h, &p->from, sizeof(p->from));
	h = hash(h, &p->to, sizeof(p->to));
	h = hash(h, &p->proto, sizeof(p->proto));
	return hash(h, &p->to_port, sizeof(p->to_port)) | 1;
}

/* False: it was said not long ago. *again: how often it came since then. */
static bool is_news(struct denials *denials, uint64_t flow, uint64_t now_us, uint32_t *again)
{
	size_t place = (flow >> 1) % DENIALS_REMEMBERED;

	*again = 0;
	if (denials->recent[place].flow == flow) {
		if (now_us - denials->recent[place].said_us < SAID_AGAIN_AFTER_US) {
			denials->recent[place].again++;
			return false;
		}
		*again = denials->recent[place].again;
	}
	denials->recent[place].flow = flow;
	denials->recent[place].said_us = now_us;
	denials->recent[place].again = 0;
	return true;
}

struct end {
	const char *container_id; /* "" unknown */
	char text[LIMIT_NAME * 2 + IP_TEXT_LEN + 16];
};

static const char *place_name(const struct generation *generation, size_t endpoint)
{
	const struct assignment *assignment = &generation->compiled.assignments[endpoint];

	return assignment->kind == ASSIGN_TIER
		       ? generation->policy->policy->tiers[assignment->tier].name
		       : assign_kind_name(assignment->kind);
}

static void describe(const struct ip_addr *addr, const struct generation *generation,
		     struct end *ret)
{
	const struct world *world = generation ? generation->world : NULL;
	char address[IP_TEXT_LEN];

	ret->container_id = "";
	(void)ip_format(addr, address);
	for (size_t i = 0; world && i < world->n_endpoints; i++) {
		const struct world_endpoint *endpoint = &world->endpoints[i];
		if (ip_compare(addr, &endpoint->ipv4) != 0 &&
		    ip_compare(addr, &endpoint->ipv6) != 0)
			continue;
		const struct world_container *container = &world->containers[endpoint->container];
		ret->container_id = container->id;
		(void)snprintf(ret->text, sizeof(ret->text), "%.64s (%s, %.64s)", container->name,
			       address, place_name(generation, i));
		return;
	}
	(void)snprintf(ret->text, sizeof(ret->text), "%s", address);
}

static void describe_port(const struct nflog_packet *packet, char ret[24])
{
	static const enum ip_proto known[] = { PROTO_TCP, PROTO_UDP, PROTO_SCTP, PROTO_ICMP,
					       PROTO_ICMPV6 };

	(void)snprintf(ret, 24, "protocol %u", packet->proto);
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (packet->proto == proto_number(known[i]))
			(void)snprintf(ret, 24, "%s", proto_name(known[i]));
	if (packet->has_port) {
		char name[24];
		memcpy(name, ret, sizeof(name));
		(void)snprintf(ret, 24, "%u/%.16s", packet->to_port, name);
	}
}

/* What stands behind the word: "policy.yaml:31" of a rule, "to backend" of a tier's end. */
static void say(const struct nflog_packet *packet, const struct generation *generation,
		size_t verdict, uint32_t again)
{
	const char *where = packet->prefix + strlen("netd ") + strlen(verdicts[verdict].word);
	char place[NFLOG_PREFIX_LEN], by[NFLOG_PREFIX_LEN + 8] = "", port[24], times[48] = "";
	struct end from, to;

	(void)snprintf(place, sizeof(place), "%.*s", (int)strlen(where) - (where[0] != '\0'),
		       where);
	if (strchr(place, ':'))
		(void)snprintf(by, sizeof(by), " by %s", place);
	describe(&packet->from, generation, &from);
	describe(&packet->to, generation, &to);
	describe_port(packet, port);
	if (again)
		(void)snprintf(times, sizeof(times), ", and %u times since it was said last",
			       again);
	const struct log_field *fields = LOG_FIELDS(
		{ "NETD_RULE", place }, { "NETD_SOURCE", from.text },
		{ "NETD_SOURCE_CONTAINER_ID", from.container_id }, { "NETD_DESTINATION", to.text },
		{ "NETD_DESTINATION_CONTAINER_ID", to.container_id }, { "NETD_PORT", port });
	log_info_with(verdicts[verdict].id, fields, "%s%s: %s -> %s, %s%s", verdicts[verdict].said,
		      by, from.text, to.text, port, times);
}

void denials_lost(struct denials *denials, uint32_t n, uint64_t now_us)
{
	denials->lost += n;
	if (denials->lost_said_us && now_us - denials->lost_said_us < SAID_AGAIN_AFTER_US)
		return;
	log_warning(
		LOG_ID_LOG_INCOMPLETE,
		"%u messages of the rules came faster than they could be read: those flows are in "
		"the counters, not in this log",
		denials->lost);
	denials->lost_said_us = now_us;
	denials->lost = 0;
}

void denials_note(struct denials *denials, const struct nflog_packet *packet,
		  const struct generation *generation, uint64_t now_us)
{
	const char *word = packet->prefix + strlen("netd ");
	uint32_t again;

	if (strncmp(packet->prefix, "netd ", strlen("netd ")) != 0)
		return; /* somebody else logs to this group */
	for (size_t i = 0; i < ARRAY_LEN(verdicts); i++)
		if (strncmp(word, verdicts[i].word, strlen(verdicts[i].word)) == 0 &&
		    is_news(denials, flow_of(packet), now_us, &again))
			say(packet, generation, i, again);
}
