/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of what the checks report, and about which container. */
#include "core/report/checking.h"

#include <errno.h>
#include <stdio.h>

#include "core/report/print.h"

static const struct diag_info infos[] = {
	[WF_ADDRESS_CLASH] = { "address-clash", DIAG_ERROR, "two endpoints with one address" },
	[WF_CLOSED_PORT] = { "closed-port", DIAG_WARNING,
			     "a port that is published for others and opened to nobody" },
	[WF_CONFLICT] = { "conflict", DIAG_ERROR,
			  "an endpoint that two tiers match at the same level" },
	[WF_CONTAINER_ADDRESS] = { "container-address", DIAG_WARNING,
				   "an address of a container's network as a peer" },
	[WF_DNS_LEAK] = { "dns-leak", DIAG_WARNING,
			  "a rule to `dns` where Docker asks the resolvers in the host's name" },
	[WF_DOCKER_DROPS] = { "docker-drops", DIAG_WARNING,
			      "an allow between tiers whose packets Docker itself drops" },
	[WF_EMPTY_TIER] = { "empty-tier", DIAG_WARNING,
			    "a tier that matches nothing in the inventory" },
	[WF_EXPOSED_PORT] = { "exposed-port", DIAG_WARNING,
			      "a port published on all addresses that the internet may reach" },
	[WF_HOST_PORT] = { "host-port", DIAG_WARNING,
			   "a rule with the host's port in place of the container's" },
	[WF_IMAGE_LABEL] = { "image-label", DIAG_WARNING,
			     "a label that a tier asks for and that may be the image's alone" },
	[WF_JOINED_NETWORK] = { "joined-network", DIAG_WARNING,
				"a tier that names a container in the network of another" },
	[WF_NEAR_MATCH] = { "near-match", DIAG_WARNING,
			    "a `match` that nothing meets, though something is called nearly so" },
	[WF_NOT_ENFORCED] = { "not-enforced", DIAG_WARNING,
			      "a container of a tier on a network where netd enforces nothing" },
	[WF_OWN_RESOLVER] = { "own-resolver", DIAG_WARNING,
			      "a container with a resolver of its own, which no rule opens" },
	[WF_QUARANTINED] = { "quarantined", DIAG_WARNING,
			     "a container that falls short of what its tier requires" },
	[WF_SPOKEN_TAKEN] = { "spoken-taken", DIAG_WARNING,
			      "a tier that speaks for an address that Docker deals out" },
	[WF_STALE_ACCEPT] = { "stale-accept", DIAG_WARNING,
			      "an accepted finding that is not found any more" },
	[WF_TEST_FAILS] = { REPORT_TEST_FAILS, DIAG_ERROR,
			    "a test of the policy that fails when it is to take effect" },
	[WF_UNACCEPTABLE] = { "unacceptable", DIAG_ERROR, "an accepted finding that is an error" },
	[WF_UNCOMPILED] = { REPORT_UNCOMPILED, DIAG_ERROR,
			    "a policy that is valid and for which no rules can be made" },
	[WF_UNKNOWN_FINDING] = { "unknown-finding", DIAG_ERROR,
				 "an accepted finding that there is not" },
	[WF_UNMATCHED_CONTAINER] = { "unmatched-container", DIAG_WARNING,
				     "a container that no tier matches" },
	[WF_UNPUBLISHED_PORT] = { "unpublished-port", DIAG_WARNING,
				  "a rule from outside to a port that nobody publishes" },
};

const struct diag_info *report_diag_table(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(infos);
	return infos;
}

const struct diag_info *report_world_finding(enum world_finding finding)
{
	return &infos[finding];
}

struct source_loc check_place_of(const struct checking *c, size_t container)
{
	return c->places ? c->places[container] : c->place;
}

void check_about(const struct checking *c, const struct world_endpoint *endpoint)
{
	const struct world *world = c->in->world;
	const struct world_container *container = &world->containers[endpoint->container];
	const struct assignment *as = &c->in->compiled->assignments[endpoint - world->endpoints];
	struct diag_subject about = { .container = container->name,
				      .service =
					      world_label_value(container, COMPILE_LABEL_SERVICE),
				      .network = world->networks[endpoint->network].name };

	if (as->kind == ASSIGN_TIER || as->kind == ASSIGN_CONFLICT ||
	    as->kind == ASSIGN_QUARANTINED) {
		about.tiers = &c->in->policy->tiers[as->tier].name;
		about.n_tiers = 1;
	}
	c->diags->about = about;
}
