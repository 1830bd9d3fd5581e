/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netdctl: global options, then the verb. */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl/ctl.h"

#define DEFAULT_SOCKET "/run/netd/netd.sock"

static const struct option global_options[] = {
	{ "socket", required_argument, NULL, 's' },
	{ "format", required_argument, NULL, 'f' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static void print_help(void)
{
	size_t n;
	const struct wire_verb *verbs = wire_verbs(&n);

	printf("Usage: netdctl [--socket PATH] [--format text|json] VERB ...\n\n"
	       "Inspect, validate, dry-run and explain network segmentation by netd.\n\n"
	       "Verbs:\n");
	for (size_t i = 0; i < n; i++)
		printf("  %-10s %-20s %s\n", verbs[i].name, verbs[i].args, verbs[i].summary);
	printf("\nOptions:\n"
	       "  --socket PATH   the daemon's socket (default %s)\n"
	       "  --format FORM   text or json; some verbs know more\n"
	       "  --help          this text; netdctl VERB --help for one verb\n"
	       "  --version       print the version\n\n"
	       "Exit status: 0 fine, 1 a finding, 2 usage or an unreadable file, 3 netd or Docker\n"
	       "not reachable, 4 refused. The manual page is netdctl(8).\n",
	       DEFAULT_SOCKET);
}

/* SOURCE_DATE_EPOCH stands for now, as in other tools whose output is compared. */
static int64_t read_clock(void)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");
	char *end = NULL;
	long long seconds = text ? strtoll(text, &end, 10) : 0;

	return text && *text && *end == '\0' ? (int64_t)seconds : (int64_t)time(NULL);
}

static bool want_color(int fd)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fd) && !(no && *no) && !(term && strcmp(term, "dumb") == 0);
}

static const struct ctl_verb *find_verb(const char *name)
{
	size_t n;
	const struct ctl_verb *verbs = ctl_verbs(&n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(verbs[i].name, name) == 0 && wire_verb_find(name))
			return &verbs[i];
	return NULL;
}

static int run_verb(struct ctl *ctl, int argc, char **argv)
{
	const struct ctl_verb *verb = find_verb(argv[0]);
	struct ctl_args args;
	bool help = false;

	if (!verb) {
		ctl_complain("`%s` is no verb; netdctl --help lists them", argv[0]);
		return CTL_USAGE;
	}
	int status = options_parse(ctl, verb, argc, argv, &args, &help);
	return status != CTL_OK || help ? status : verb->run(ctl, &args);
}

int main(int argc, char **argv)
{
	struct ctl ctl = { .socket = DEFAULT_SOCKET, .format = "text" };

	(void)setlocale(LC_CTYPE, "");
	ctl.now = read_clock();
	ctl.color = want_color(STDOUT_FILENO);
	ctl.color_errors = want_color(STDERR_FILENO);
	/* "+": what comes behind the verb is the verb's. */
	for (int c; (c = getopt_long(argc, argv, "+hV", global_options, NULL)) != -1;) {
		if (c == 's') {
			ctl.socket = optarg;
		} else if (c == 'f') {
			ctl.format = optarg;
		} else if (c == 'h') {
			print_help();
			return CTL_OK;
		} else if (c == 'V') {
			printf("netdctl %s\n", NETD_VERSION);
			return CTL_OK;
		} else {
			return CTL_USAGE;
		}
	}
	if (optind == argc) {
		print_help();
		return CTL_USAGE;
	}
	int status = run_verb(&ctl, argc - optind, argv + optind);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		ctl_complain("cannot write: %s", strerror(errno));
		return CTL_USAGE;
	}
	return status;
}
