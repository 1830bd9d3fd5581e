/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A compilation that reuses the one before it. compile_ruleset() is the one truth; this is the same
 * in less time where only ports of bridges, or a few endpoints, have changed, which most events are
 * about.
 *
 * What a compilation makes depends on its pieces like this:
 *
 *   chains, counters, all other sets   policy, rules in force at that time, bridges, networks,
 *                                      resolvers, the hosts of the fleet, settings
 *   sets filled by endpoints           endpoint by endpoint (endpoints.c): its container, its
 *                                      network, its addresses and MAC, whether it is held
 *   published ports: maps, chains      container by container which ports it publishes, and the
 *                                      tiers and networks of its endpoints (published-ports.c)
 *   ends of denials for a reason       who goes there: a borrowed chain, an endpoint's element, a
 *                                      chain or map of published ports (ends.c)
 *   sets filled by ports (ports.c)     port by port: that port, and the endpoint plugged in there
 *   the port of an endpoint            the ports and endpoints with its MAC on its bridge
 *
 * So where nothing of the first line has changed, those are borrowed. An endpoint is made anew when
 * it has come, gone or is another one, or anything of its container is: what begins with its
 * addresses and its MAC is taken out of each set of the second line, and made by the code of the
 * whole compilation. A port is touched when it is new, gone or another, or has the MAC and bridge
 * of one that is, or of such an endpoint: so is its run of elements in each set of the last lines.
 *
 * Of the third line the keys of such containers are made anew in the maps. That is all as long as
 * the tiers, networks and ports for which there are chains are the same, and the reasons why some
 * are closed, and no key is of two containers; else all these chains and maps are made anew
 * (renew-published.c). The ends are made anew, all of them, when others are asked for. Chains keep
 * their places, whatever comes and goes around them (rs_chain_at()).
 *
 * Else what a container publishes is asked for in two places: by direct.c, for ports that Docker
 * opens at its own address, and by core/world/hold.c, of which the compilation sees whom it holds.
 * That a deny rule has an end, and any rule a counter, does not follow from what is published: the
 * chains of tiers ask for all of that, too.
 *
 * An endpoint can be more than that. All is compiled as a whole where it may be: where Docker opens
 * ports directly, or would for one of these; where it is the first or last one in its tier on a
 * network where that makes frames pass the inet hooks; where something else has an address or the
 * MAC that it has; where an address is outside of the networks; where a tier requires something or
 * speaks for a single address, unmatched ones are ignored, or others' ports are on a bridge. And so
 * is anything else: another policy, a network, many at once. */
#pragma once

#include "core/compile/compile.h"

/* What was made before, with what it was made of. */
struct compile_before {
	const struct compile_input *in;
	const struct compile_output *output;
	/* Where all that is borrowed lives; it is kept by the arenas of those who borrow. It is one
	 * that was compiled as a whole, or what endpoints have had since, which keeps that. */
	struct arena *base;
};

struct compile_result {
	struct compile_output output;
	struct arena *base; /* for the next time; kept by the arena of the result */
	bool reused;	    /* it was not compiled as a whole */
	size_t n_renewed;   /* endpoints that are made anew in what was reused */
};

/* As compile_ruleset(), and equal to what that makes; @before may be NULL. */
int compile_again(const struct compile_input *in, const struct compile_before *before,
		  struct arena *arena, struct compile_result *ret, const char **why) MUST_CHECK;
