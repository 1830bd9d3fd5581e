/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_NETD "/run/netd/netd.sock"

enum {
	OPTION_NETD = 256,
	OPTION_HELP,
	OPTION_VERSION,
};

static const struct {
	const char *name, *argument, *help;
	int id;
} table[] = {
	{ "netd", "PATH", "netd's control socket (" DEFAULT_NETD ")", OPTION_NETD },
	{ "help", NULL, "this text", OPTION_HELP },
	{ "version", NULL, "the version", OPTION_VERSION },
};

static void print_help(void)
{
	printf("Usage: netd-metrics [OPTION]...\n"
	       "Serves what netd counts at the sockets that systemd hands over. See "
	       "netd-metrics(8).\n\n");
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		printf("  --%s%s%-*s %s\n", table[i].name, table[i].argument ? " " : "",
		       (int)(12 - strlen(table[i].name)),
		       table[i].argument ? table[i].argument : "", table[i].help);
}

int exporter_options_parse(int argc, char **argv, const char **ret_netd, int *exit_status)
{
	struct option known[ARRAY_LEN(table) + 1] = { { 0 } };
	int id;

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		known[i] = (struct option){ table[i].name,
					    table[i].argument ? required_argument : no_argument,
					    NULL, table[i].id };
	*ret_netd = DEFAULT_NETD;
	*exit_status = 2;
	while ((id = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (id == OPTION_NETD) {
			*ret_netd = optarg;
			continue;
		}
		*exit_status = id == OPTION_HELP || id == OPTION_VERSION ? 0 : 2;
		if (id == OPTION_HELP)
			print_help();
		else if (id == OPTION_VERSION)
			printf("netd-metrics %s\n", NETD_VERSION);
		return EXPORTER_OPTIONS_EXIT;
	}
	if (optind == argc)
		return 0;
	(void)fprintf(stderr, "netd-metrics: unexpected argument `%s`: see netd-metrics --help\n",
		      argv[optind]);
	return EXPORTER_OPTIONS_EXIT;
}
