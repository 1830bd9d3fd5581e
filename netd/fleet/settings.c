/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fleet/settings.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_NETD "/run/netd/netd.sock"
#define DEFAULT_STATE "/var/lib/netd-fleet"

enum {
	OPTION_CONFIG = 256,
	OPTION_NETD,
	OPTION_STATE,
	OPTION_CHECK,
	OPTION_HELP,
	OPTION_VERSION,
};

static const struct {
	const char *name, *argument, *help;
	int id;
} options[] = {
	{ "config", "FILE", "settings, and FILE.d/*.conf (" FLEET_CONF_DEFAULT ")", OPTION_CONFIG },
	{ "netd", "PATH", "netd's control socket (" DEFAULT_NETD ")", OPTION_NETD },
	{ "state", "DIR", "what is kept over restarts (" DEFAULT_STATE ")", OPTION_STATE },
	{ "check", NULL, "check the settings and exit", OPTION_CHECK },
	{ "help", NULL, "this text", OPTION_HELP },
	{ "version", NULL, "the version", OPTION_VERSION },
};

static void complain(const char *place, const char *text)
{
	(void)fprintf(stderr, "netd-fleet: %s: %s\n", place, text);
}

static void print_help(void)
{
	printf("Usage: netd-fleet [OPTION]...\n"
	       "Brings this host the policy that its fleet keeps in etcd, and tells the fleet what "
	       "became\nof it. See netd-fleet(8).\n\n");
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		printf("  --%s%s%-*s %s\n", options[i].name, options[i].argument ? " " : "",
		       (int)(13 - strlen(options[i].name)),
		       options[i].argument ? options[i].argument : "", options[i].help);
}

struct command {
	const char *config;
	bool check;
};

/* 0 or SETTINGS_EXIT. */
static int read_command(int argc, char **argv, struct settings *settings, struct command *ret,
			int *exit_status)
{
	struct option known[ARRAY_LEN(options) + 1] = { { 0 } };
	int id;

	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		known[i] = (struct option){ options[i].name,
					    options[i].argument ? required_argument : no_argument,
					    NULL, options[i].id };
	while ((id = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (id == OPTION_CONFIG)
			ret->config = optarg;
		else if (id == OPTION_NETD)
			settings->netd = optarg;
		else if (id == OPTION_STATE)
			settings->state_dir = optarg;
		else if (id == OPTION_CHECK)
			ret->check = true;
		else {
			*exit_status = id == OPTION_HELP || id == OPTION_VERSION ? 0 : 2;
			if (id == OPTION_HELP)
				print_help();
			else if (id == OPTION_VERSION)
				printf("netd-fleet %s\n", NETD_VERSION);
			return SETTINGS_EXIT;
		}
	}
	if (optind == argc)
		return 0;
	(void)fprintf(stderr, "netd-fleet: unexpected argument `%s`: see netd-fleet --help\n",
		      argv[optind]);
	return SETTINGS_EXIT;
}

int settings_read(int argc, char **argv, struct arena *arena, struct settings *ret,
		  int *exit_status)
{
	struct command command = { .config = FLEET_CONF_DEFAULT };

	*exit_status = 2;
	*ret = (struct settings){ .netd = DEFAULT_NETD, .state_dir = DEFAULT_STATE };
	int r = read_command(argc, argv, ret, &command, exit_status);
	if (r == 0)
		r = fleet_conf_read(command.config, arena, complain, &ret->fleet);
	if (r == FLEET_CONF_E_INVALID)
		return SETTINGS_EXIT;
	if (r == 0 && command.check) {
		*exit_status = 0;
		return SETTINGS_EXIT;
	}
	return r;
}
