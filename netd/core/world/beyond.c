/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Networks on which netd enforces nothing, and how that is said: the one place for it. */
#include <string.h>

#include "core/base/cleanup.h"
#include "core/world/world.h"

static const struct {
	const char *driver, *why, *remedy;
} drivers[] = {
	{ "macvlan",
	  "netd enforces nothing on this macvlan network: its packets pass no bridge of this host, "
	  "and no interface whose hooks could tell them from the host's own",
	  "use a bridge network, or filter at the switch" },
	{ "ipvlan",
	  "netd enforces nothing on an ipvlan network: its packets pass neither a bridge of this "
	  "host "
	  "nor its IP hooks",
	  "use a bridge network, or filter at the switch" },
	{ "overlay",
	  "netd enforces nothing on an overlay network: what its containers send each other stays "
	  "in "
	  "a namespace of Docker's; what they send elsewhere leaves by docker_gwbridge, and is "
	  "judged "
	  "there",
	  "give services that must not reach each other overlays of their own" },
};

static const char other[] = "netd enforces nothing on it: its driver makes no bridge of this host";
static const char other_remedy[] = "use a bridge network";

bool world_network_is_beyond(const struct world_network *network)
{
	static const char *const within[] = { "", "bridge", "host", "null" };

	for (size_t i = 0; i < ARRAY_LEN(within); i++)
		if (strcmp(network->driver, within[i]) == 0)
			return false;
	return true;
}

const char *world_beyond_why(const struct world_network *network, const char **ret_remedy)
{
	for (size_t i = 0; i < ARRAY_LEN(drivers); i++)
		if (strcmp(network->driver, drivers[i].driver) == 0) {
			*ret_remedy = drivers[i].remedy;
			return drivers[i].why;
		}
	*ret_remedy = other_remedy;
	return other;
}
