/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/options.h"

#include "edge/base/command.h"

#define DEFAULT_NETD "/run/netd/netd.sock"

int exporter_options_parse(int argc, char **argv, const char **ret_netd, int *exit_status)
{
	const struct command_option options[] = {
		{ "netd", "PATH", "netd's control socket (" DEFAULT_NETD ")", ret_netd, NULL },
	};
	const struct command command = {
		"netd-metrics",
		"Serves what netd counts at the sockets that systemd hands "
		"over. See netd-metrics(8).",
		options, ARRAY_LEN(options)
	};

	*ret_netd = DEFAULT_NETD;
	return command_parse(&command, argc, argv, exit_status) == COMMAND_EXIT
		       ? EXPORTER_OPTIONS_EXIT
		       : 0;
}
