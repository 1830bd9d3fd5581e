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

#include "core/base/text.h"
#include "ctl/ctl.h"
#include "ctl/progress.h"

static const struct option global_options[] = {
	{ "socket", required_argument, NULL, 's' },
	{ "format", required_argument, NULL, 'f' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static void print_help(FILE *to)
{
	size_t n;
	const struct wire_verb *verbs = wire_verbs(&n);

	(void)fprintf(to, "Usage: netdctl [--socket PATH] [--format text|json] VERB ...\n\n"
			  "Inspect, validate, dry-run and explain network segmentation by netd.\n\n"
			  "Verbs:\n");
	for (size_t i = 0; i < n; i++)
		(void)fprintf(to, "  %-10s %-20s %s\n", verbs[i].name, verbs[i].args,
			      verbs[i].summary);
	(void)fprintf(to,
		      "\nOptions:\n"
		      "  --socket PATH   the daemon's socket (default: of netd.conf, else %s)\n"
		      "  --format FORM   text or json; some verbs know more\n"
		      "  --help          this text; netdctl VERB --help for one verb\n"
		      "  --version       print the version\n\n"
		      "Exit status: 0 fine, 1 a finding, 2 usage or an unreadable file, 3 netd or "
		      "Docker\n"
		      "not reachable, 4 refused. The manual page is netdctl(8).\n",
		      CTL_DEFAULT_SOCKET);
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

static void complain_verb(const char *name)
{
	size_t n;
	const struct ctl_verb *verbs = ctl_verbs(&n);
	unsigned int closest = 2;
	const char *best = NULL;

	for (size_t i = 0; i < n; i++) {
		unsigned int distance = text_distance(name, verbs[i].name, closest);
		if (distance > closest || (best && distance == closest))
			continue;
		closest = distance;
		best = verbs[i].name;
	}
	ctl_complain("unknown verb `%s`; %s%s%s", name, best ? "did you mean `" : "netdctl --help ",
		     best ? best : "lists them", best ? "`?" : "");
}

/* `netdctl help VERB`, as in other tools. */
static int show_help(int argc, char **argv)
{
	const struct ctl_verb *verb = argc > 1 ? find_verb(argv[1]) : NULL;

	if (argc > 1 && !verb) {
		complain_verb(argv[1]);
		return CTL_USAGE;
	}
	if (verb)
		options_print_verb_help(verb);
	else
		print_help(stdout);
	return CTL_OK;
}

static int run_verb(struct ctl *ctl, int argc, char **argv)
{
	const struct ctl_verb *verb = find_verb(argv[0]);
	struct ctl_args args;
	char name[32];
	bool help = false;

	if (!verb && strcmp(argv[0], "help") == 0)
		return show_help(argc, argv);
	if (!verb) {
		complain_verb(argv[0]);
		return CTL_USAGE;
	}
	/* getopt begins its complaints with it. */
	(void)snprintf(name, sizeof(name), "netdctl: %s", verb->name);
	argv[0] = name;
	int status = ctl_options_parse(ctl, verb, argc, argv, &args, &help);
	return status != CTL_OK || help ? status : verb->run(ctl, &args);
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	/* "+": what comes behind the verb is the verb's. */
	for (int c; (c = getopt_long(argc, argv, "+hV", global_options, NULL)) != -1;) {
		if (c == 's') {
			ctl->socket = optarg;
		} else if (c == 'f') {
			ctl->format = optarg;
		} else if (c == 'h') {
			print_help(stdout);
			return CTL_OK;
		} else if (c == 'V') {
			printf("netdctl %s\n", NETD_VERSION);
			return CTL_OK;
		} else {
			ctl_complain("netdctl --help lists the options");
			return CTL_USAGE;
		}
	}
	if (optind == argc) {
		print_help(stderr);
		return CTL_USAGE;
	}
	return run_verb(ctl, argc - optind, argv + optind);
}

/* What did not arrive must not look like success. errno is that of the last buffer, or is still
 * that of the one that failed. */
static int finish(int status)
{
	(void)progress_end();
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	ctl_complain("cannot write: %s", errno ? strerror(errno) : "an error on the way");
	return CTL_USAGE;
}

int main(int argc, char **argv)
{
	static char program[] = "netdctl";
	int failure = CTL_OK;
	struct ctl ctl = { .format = "text", .failure = &failure };

	(void)setlocale(LC_CTYPE, "");
	ctl.now = read_clock();
	ctl.color = want_color(STDOUT_FILENO);
	ctl.color_errors = want_color(STDERR_FILENO);
	argv[0] = program;
	int status = run(&ctl, argc, argv);
	return finish(failure != CTL_OK ? failure : status);
}
