/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "reader/options.h"

#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	OPTION_DOCKER = 256,
	OPTION_SOCKET,
	OPTION_PEER,
	OPTION_HELP,
	OPTION_VERSION,
};

static const struct {
	const char *name, *argument, *help;
	int id;
} table[] = {
	{ "docker", "PATH", "Docker's socket (/run/docker.sock)", OPTION_DOCKER },
	{ "socket", "PATH", "where to listen (the socket that systemd hands over)", OPTION_SOCKET },
	{ "peer", "USER", "who may ask, besides root (nobody else)", OPTION_PEER },
	{ "help", NULL, "this text", OPTION_HELP },
	{ "version", NULL, "the version", OPTION_VERSION },
};

static void print_help(void)
{
	printf("Usage: netd-reader [OPTION]...\n"
	       "Passes on the questions that netd asks Docker, and nothing else. See "
	       "netd-reader(8).\n\n");
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		printf("  --%s%s%-*s %s\n", table[i].name, table[i].argument ? " " : "",
		       (int)(14 - strlen(table[i].name)),
		       table[i].argument ? table[i].argument : "", table[i].help);
}

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

static int apply_option(struct reader_options *options, int id, int *exit_status)
{
	*exit_status = 0;
	switch (id) {
	case OPTION_DOCKER:
		options->docker = optarg;
		return 0;
	case OPTION_SOCKET:
		options->socket = optarg;
		return 0;
	case OPTION_PEER:
		if (find_user(optarg, &options->peer) == 0)
			return 0;
		(void)fprintf(stderr, "netd-reader: there is no user `%s`\n", optarg);
		break;
	case OPTION_HELP:
		print_help();
		return READER_OPTIONS_EXIT;
	case OPTION_VERSION:
		printf("netd-reader %s\n", NETD_VERSION);
		return READER_OPTIONS_EXIT;
	}
	*exit_status = 2;
	return READER_OPTIONS_EXIT;
}

int reader_options_parse(int argc, char **argv, struct reader_options *ret, int *exit_status)
{
	struct option known[ARRAY_LEN(table) + 1] = { { 0 } };
	int id, r = 0;

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		known[i] = (struct option){ table[i].name,
					    table[i].argument ? required_argument : no_argument,
					    NULL, table[i].id };
	*ret = (struct reader_options){ .docker = "/run/docker.sock" };
	while (r == 0 && (id = getopt_long(argc, argv, "", known, NULL)) != -1)
		r = apply_option(ret, id, exit_status);
	if (r == 0 && optind < argc) {
		(void)fprintf(stderr,
			      "netd-reader: unexpected argument `%s`: see netd-reader --help\n",
			      argv[optind]);
		*exit_status = 2;
		return READER_OPTIONS_EXIT;
	}
	return r;
}
