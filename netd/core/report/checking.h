/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the checks of a policy against a host's facts share. Private to core/report. */
#pragma once

#include "core/report/exposure.h"

enum world_finding {
	WF_ADDRESS_CLASH,
	WF_CLOSED_PORT,
	WF_CONFLICT,
	WF_CONTAINER_ADDRESS,
	WF_DNS_LEAK,
	WF_DOCKER_DROPS,
	WF_EMPTY_TIER,
	WF_EXPOSED_PORT,
	WF_HOST_PORT,
	WF_IMAGE_LABEL,
	WF_JOINED_NETWORK,
	WF_NEAR_MATCH,
	WF_NOT_ENFORCED,
	WF_OWN_RESOLVER,
	WF_QUARANTINED,
	WF_SPOKEN_TAKEN,
	WF_STALE_ACCEPT,
	WF_TEST_FAILS,
	WF_UNACCEPTABLE,
	WF_UNCOMPILED,
	WF_UNKNOWN_FINDING,
	WF_UNMATCHED_CONTAINER,
	WF_UNPUBLISHED_PORT,
};

struct checking {
	const struct report_input *in;
	struct source_loc place;	 /* the host's facts */
	const struct source_loc *places; /* of a compose file: per container its service; or NULL */
	struct diag_list *diags;
	struct arena *scratch;
	struct exposure last;
};

/* Where the policy, or the compose file, speaks of the container. */
struct source_loc check_place_of(const struct checking *c, size_t container);
/* What is found from now on is about that endpoint: its container, network and tier. */
void check_about(const struct checking *c, const struct world_endpoint *endpoint);
const struct diag_info *report_world_finding(enum world_finding finding);

#define REPORT(c, finding, loc, hint, ...)                                 \
	diag_add((c)->diags, report_world_finding(finding)->severity, loc, \
		 report_world_finding(finding)->id, hint, __VA_ARGS__)

/* Rules to `dns`: names that get out past them, containers that ask others. 0 or -ENOMEM. */
int check_dns(const struct checking *c) MUST_CHECK;
/* Entries of `match` that meet nothing, though something is called nearly so, and those that name a
 * container in the network of another. 0 or -ENOMEM. */
int check_matches(const struct checking *c) MUST_CHECK;
/* Rules that do nothing on these facts: addresses of containers and of their networks as peers,
 * ports that the host knows by another number, ports that nobody publishes. 0 or -ENOMEM. */
int check_rules(const struct checking *c) MUST_CHECK;
/* Rules of which Docker drops something between two tiers. 0 or -ENOMEM. */
int check_drops(const struct checking *c, const struct survey *survey) MUST_CHECK;
