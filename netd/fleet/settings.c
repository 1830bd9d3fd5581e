/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fleet/settings.h"

#include <stdbool.h>
#include <stdio.h>

#include "edge/base/command.h"

#define DEFAULT_NETD "/run/netd/netd.sock"
#define DEFAULT_STATE "/var/lib/netd-fleet"

static void complain(const char *place, const char *text)
{
	(void)fprintf(stderr, "netd-fleet: %s: %s\n", place, text);
}

static int read_trust(struct arena *arena, struct settings *settings)
{
	const char *error = NULL;
	int r = sign_trust_read(settings->fleet.keys, arena, &settings->trust, &error);

	if (r > 0)
		complain("keys", error);
	return r;
}

int settings_read(int argc, char **argv, struct arena *arena, struct settings *ret,
		  int *exit_status)
{
	const char *config = FLEET_CONF_DEFAULT;
	bool check = false;
	const struct command_option options[] = {
		{ "config", "FILE", "settings, and FILE.d/*.conf (" FLEET_CONF_DEFAULT ")", &config,
		  NULL },
		{ "netd", "PATH", "netd's control socket (" DEFAULT_NETD ")", &ret->netd, NULL },
		{ "state", "DIR", "what is kept over restarts (" DEFAULT_STATE ")", &ret->state_dir,
		  NULL },
		{ "check", NULL, "check the settings and exit", NULL, &check },
	};
	const struct command command = {
		"netd-fleet",
		"Brings this host the policy that its fleet keeps in etcd, "
		"and tells the fleet what became\nof it. See netd-fleet(8).",
		options, ARRAY_LEN(options)
	};

	*ret = (struct settings){ .netd = DEFAULT_NETD, .state_dir = DEFAULT_STATE };
	if (command_parse(&command, argc, argv, exit_status) == COMMAND_EXIT)
		return SETTINGS_EXIT;
	int r = fleet_conf_read(config, arena, complain, &ret->fleet);
	if (r == 0)
		r = read_trust(arena, ret);
	if (r < 0)
		return r;
	*exit_status = r == 0 ? 0 : 2;
	return r != 0 || check ? SETTINGS_EXIT : 0;
}
