/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "reader/options.h"

#include <errno.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "edge/base/command.h"

/* A name, or a number. */
static int find_user(const char *name, uid_t *ret)
{
	const struct passwd *entry;
	char *end;

	errno = 0;
	unsigned long number = strtoul(name, &end, 10);
	if (end != name && !*end && !errno && *name != '-' && number < UINT32_MAX) {
		*ret = (uid_t)number;
		return 0;
	}
	entry = getpwnam(name);
	if (!entry)
		return -ENOENT;
	*ret = entry->pw_uid;
	return 0;
}

int reader_options_parse(int argc, char **argv, struct reader_options *ret, int *exit_status)
{
	const char *peer = NULL;
	const struct command_option options[] = {
		{ "docker", "PATH", "Docker's socket (/run/docker.sock)", &ret->docker, NULL },
		{ "socket", "PATH", "where to listen (the socket that systemd hands over)",
		  &ret->socket, NULL },
		{ "peer", "USER", "who may ask, besides root (nobody else)", &peer, NULL },
	};
	const struct command command = { "netd-reader",
					 "Passes on the questions that netd asks Docker, and "
					 "nothing else. See netd-reader(8).",
					 options, ARRAY_LEN(options) };

	*ret = (struct reader_options){ .docker = "/run/docker.sock" };
	if (command_parse(&command, argc, argv, exit_status) == COMMAND_EXIT)
		return READER_OPTIONS_EXIT;
	if (!peer || find_user(peer, &ret->peer) == 0)
		return 0;
	(void)fprintf(stderr, "netd-reader: there is no user `%s`\n", peer);
	*exit_status = 2;
	return READER_OPTIONS_EXIT;
}
