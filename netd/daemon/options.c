/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One table makes getopt's strings, the help and the parsing, so that they cannot disagree. */
#include "daemon/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/compile/compile.h"

enum option_id {
	OPTION_POLICY = 256,
	OPTION_DOCKER,
	OPTION_SOCKET,
	OPTION_STATE,
	OPTION_INVENTORY,
	OPTION_MARK_BIT,
	OPTION_CHECK,
	OPTION_HELP,
	OPTION_VERSION,
};

static const struct {
	const char *name, *argument, *help;
	enum option_id id;
} table[] = {
	{ "policy", "PATH", "policy file or directory (/etc/netd/policy.d)", OPTION_POLICY },
	{ "docker", "URL", "Docker's API (DOCKER_HOST, unix:///run/docker.sock)", OPTION_DOCKER },
	{ "socket", "PATH", "control socket (/run/netd/netd.sock)", OPTION_SOCKET },
	{ "state", "DIR", "what is kept over restarts (/var/lib/netd)", OPTION_STATE },
	{ "inventory", "FILE", "take the facts from FILE instead of Docker", OPTION_INVENTORY },
	{ "mark-bit", "BIT", "bit of the packet mark to use (0x00100000)", OPTION_MARK_BIT },
	{ "check", NULL, "check the policy and exit: 0 valid, 1 not", OPTION_CHECK },
	{ "help", NULL, "this text", OPTION_HELP },
	{ "version", NULL, "the version", OPTION_VERSION },
};

static void print_help(void)
{
	printf("Usage: netd [OPTION]...\n"
	       "Network segmentation for Docker hosts: follows Docker, reads tier policies, "
	       "programs\n"
	       "nftables. See netd(8) and netd-policy(5).\n\n");
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		printf("  --%s%s%-*s %s\n", table[i].name, table[i].argument ? " " : "",
		       (int)(18 - strlen(table[i].name)),
		       table[i].argument ? table[i].argument : "", table[i].help);
}

static int parse_bit(const char *text, uint32_t *ret)
{
	char *end;

	errno = 0;
	unsigned long bit = strtoul(text, &end, 0);
	if (errno || *end || end == text || bit == 0 || bit > UINT32_MAX || (bit & (bit - 1)) != 0)
		return -EINVAL;
	*ret = (uint32_t)bit;
	return 0;
}

static int apply_option(struct options *options, int id, int *exit_status)
{
	*exit_status = 0;
	switch (id) {
	case OPTION_POLICY:
		options->policy = optarg;
		return 0;
	case OPTION_DOCKER:
		options->docker_url = optarg;
		return 0;
	case OPTION_SOCKET:
		options->socket = optarg;
		return 0;
	case OPTION_STATE:
		options->state_dir = optarg;
		return 0;
	case OPTION_INVENTORY:
		options->inventory = optarg;
		return 0;
	case OPTION_CHECK:
		options->check = true;
		return 0;
	case OPTION_MARK_BIT:
		if (parse_bit(optarg, &options->mark_bit) == 0)
			return 0;
		(void)fprintf(stderr, "netd: --mark-bit takes one bit, such as 0x00100000\n");
		break;
	case OPTION_HELP:
		print_help();
		return OPTIONS_EXIT;
	case OPTION_VERSION:
		printf("netd %s\n", NETD_VERSION);
		return OPTIONS_EXIT;
	}
	*exit_status = 2;
	return OPTIONS_EXIT;
}

static void set_defaults(struct options *options)
{
	const char *host = getenv("DOCKER_HOST"), *verify = getenv("DOCKER_TLS_VERIFY");

	*options = (struct options){ .policy = "/etc/netd/policy.d",
				     .docker_url = host && *host ? host : "unix:///run/docker.sock",
				     .socket = "/run/netd/netd.sock",
				     .state_dir = "/var/lib/netd",
				     .mark_bit = COMPILE_MARK_BIT };
	options->docker_tls_verify = verify && *verify;
	if (options->docker_tls_verify || (host && strncmp(host, "https:", 6) == 0))
		options->docker_cert_dir = getenv("DOCKER_CERT_PATH");
}

int options_parse(int argc, char **argv, struct options *ret, int *exit_status)
{
	struct option known[ARRAY_LEN(table) + 1] = { { 0 } };
	int id, r = 0;

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		known[i] = (struct option){ table[i].name,
					    table[i].argument ? required_argument : no_argument,
					    NULL, (int)table[i].id };
	set_defaults(ret);
	while (r == 0 && (id = getopt_long(argc, argv, "", known, NULL)) != -1)
		r = apply_option(ret, id, exit_status);
	if (r == 0 && optind < argc) {
		(void)fprintf(stderr, "netd: unexpected argument `%s`: see netd --help\n",
			      argv[optind]);
		*exit_status = 2;
		return OPTIONS_EXIT;
	}
	return r;
}
