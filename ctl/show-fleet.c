/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What status says of the fleet: how old its word is, and how many hosts there are. */
#include "ctl/out-text.h"

/* "policy of revision 12: in force, followed as of …; ". NULL: no memory. */
static const char *store_text(const cJSON *fleet, struct arena *arena)
{
	const char *told = member_text(fleet, "told"), *heard = member_text(fleet, "heard");
	const char *policy =
		arena_printf(arena, "policy of revision %.0f: %s",
			     wire_number(fleet, "revision", 0), member_text(fleet, "policy"));

	if (!policy || !*told)
		return policy ? "" : NULL;
	if (wire_bool(fleet, "followed", false))
		return arena_printf(arena, "%s, followed as of %s; ", policy, told);
	if (wire_bool(fleet, "silent", false))
		return arena_printf(arena, "%s; NETD-FLEET HAS GONE, it said nothing since %s; ",
				    policy, told);
	if (*heard)
		return arena_printf(arena, "%s; THE STORE IS AWAY, its last answer was at %s; ",
				    policy, heard);
	return arena_printf(arena, "%s; THE STORE IS AWAY, and has given no answer yet; ", policy);
}

const char *show_fleet_text(const cJSON *report, struct arena *arena, bool *away)
{
	const cJSON *fleet = cJSON_GetObjectItemCaseSensitive(report, "fleet");
	const char *store = fleet ? store_text(fleet, arena) : NULL;

	*away = *member_text(fleet, "told") && !wire_bool(fleet, "followed", false);
	if (!store)
		return fleet ? NULL : "";
	return arena_printf(arena, "%s%.0f other hosts, %.0f of them gone", store,
			    wire_number(fleet, "hosts", 0), wire_number(fleet, "gone", 0));
}
