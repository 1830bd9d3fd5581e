/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names as a way out: Docker's embedded server answers the containers of a network, and asks some
 * resolvers of the host's resolv.conf in the host's name. No packet shows then for whom, so no rule
 * can judge it. The one place that knows which versions do that. */
#pragma once

#include <stdbool.h>

#include "core/world/world.h"

/* Whether a container of @network can have @resolver asked in the host's name, by the version of
 * the engine; of one that is not known: as the newest. Measured: 20.10.24  resolvers on loopback
 *   26.1.5    those, and IPv6 ones on a network without IPv6
 *   28.5.2    all
 * From Docker 26 on nobody is asked for a container that is on internal networks alone: that is not
 * looked at here. Resolvers that were given to Docker (--dns) or to a container are asked from the
 * container in all. The default network has no embedded server: its containers ask for themselves.
 */
bool report_dns_leaks(const struct world *world, const struct world_network *network,
		      const struct ip_addr *resolver);
/* The same of the containers there are: on an internal network those that are on another one, too.
 */
bool report_dns_leaks_on(const struct world *world, const struct world_network *network,
			 const struct ip_addr *resolver);
/* Whether the container of that endpoint can have one of the world's resolvers asked so. */
bool report_dns_leaks_from(const struct world *world, const struct world_endpoint *endpoint);
