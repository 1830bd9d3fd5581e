/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options of a verb: one table for reading them and for the help. */
#include <ctype.h>
#include <getopt.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/duration.h"
#include "core/base/text.h"
#include "core/policy/until.h"
#include "ctl/ctl.h"
#include "ctl/progress.h"

#define LONGEST_CONFIRM_S 3600u

static const struct ctl_option_row options[] = {
	{ OPT_POLICY, "policy", "FILE",
	  "answer from this policy instead of from the running daemon" },
	{ OPT_INVENTORY, "inventory", "FILE",
	  "the host's facts, as `netdctl inventory` prints them" },
	{ OPT_COMPOSE, "compose", "FILE",
	  "the facts of a compose file, several of them, or a folder" },
	{ OPT_SERVICE, "service", "NAME",
	  "only this service of it, and what it depends on; several times" },
	{ OPT_ENV_FILE, "env-file", "FILE", "its variables, instead of .env; several times" },
	{ OPT_AGAINST, "against", "OLD", "compare with this policy instead of the running one" },
	{ OPT_CONFIRM, "confirm", "TIME",
	  "restore the old policy unless `netdctl confirm` is run within TIME (60s, 5m)" },
	{ OPT_DOCKER, "docker", "URL", "Docker's API (default: DOCKER_HOST, or its socket)" },
	{ OPT_ENGINE, "engine", "NAME", "whose API that is: docker or podman (default: docker)" },
	{ OPT_ROOT, "root", "DIR", "where the host's / is mounted (from inside a container)" },
	{ OPT_STRICT, "strict", "", "treat warnings as findings: exit status 1" },
	{ OPT_CONTAINER, "container", "NAME", "only flows with this container at an end" },
	{ OPT_TIER, "tier", "TIER", "only flows with this tier at an end" },
	{ OPT_VERDICT, "verdict", "WORD", "only flows that were allowed, audited or denied" },
	{ OPT_SINCE, "since", "TIME",
	  "only flows seen since then: 30s, 10m, 2h, 7d ago, or 2026-12-31T18:00:00Z" },
	{ OPT_FOLLOW, "follow", "", "go on and print what is seen, as it comes" },
	{ OPT_APPLY, "apply", "", "put what is staged into force" },
	{ OPT_DISCARD, "discard", "", "forget what is staged" },
	{ OPT_FLOWS, "flows", "FILE",
	  "what was seen, as `netdctl flows --format json` prints it; - is standard input" },
	{ OPT_DENIED, "denied", "", "the rules that would let pass what is denied, numbered" },
	{ OPT_CONFIG, "config", "FILE", "where the store of the fleet is (/etc/netd/fleet.conf)" },
	{ OPT_GROUP, "group", "NAME", "the files are those of a group of hosts" },
	{ OPT_CANARY, "canary", "GROUP", "try the files on the hosts of this group first" },
	{ OPT_WAIT, "wait", "TIME", "how long, before all have them (5m)" },
	{ OPT_ACCEPT_DENIALS, "accept-denials", "",
	  "do not take the files back for what those hosts deny from then on" },
	{ OPT_EXPECT, "expect", "DIGEST", "change nothing unless this is what was looked at" },
	{ OPT_IMAGES, "images", "DIR",
	  "what is told of images: reports and signatures (/etc/netd/images.d)" },
	{ OPT_KEYS, "image-keys", "DIR",
	  "the keys that signatures are verified with (/etc/netd/image-keys)" },
	{ OPT_SIGN_KEY, "sign-key", "FILE", "sign with this private key (Ed25519, PEM)" },
	{ OPT_YES, "yes", "", "do not ask" },
	{ OPT_DISCARD_APPLIED, "discard-applied", "",
	  "undo an apply that is newer than the files" },
};

const struct ctl_option_row *options_rows(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(options);
	return options;
}

#define FIRST_OPTION 1000 /* getopt's value of options[0] */

void ctl_complain(const char *format, ...)
{
	char text[8192]; /* two paths */
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	text_clean(text);
	(void)progress_end();
	(void)fflush(stdout);
	(void)fprintf(stderr, "netdctl: %s\n", text);
}

int ctl_out_of_memory(void)
{
	ctl_complain("out of memory");
	return CTL_UNREACHABLE;
}

bool ctl_is_format(const struct ctl *ctl, const char *name)
{
	return strcmp(ctl->format, name) == 0;
}

const char *options_formats(const struct ctl_verb *verb)
{
	return verb->usage.formats ? verb->usage.formats : "text json";
}

static int name_width(const struct ctl_verb *verb)
{
	size_t width = strlen("inventory");

	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if ((verb->usage.options & options[i].bit) && strlen(options[i].name) > width)
			width = strlen(options[i].name);
	return (int)width;
}

void options_print_verb_help(const struct ctl_verb *verb)
{
	const struct wire_verb *wire = wire_verb_find(verb->name);
	int width = name_width(verb);

	printf("Usage: netdctl %s [OPTION...]%s%s\n\n%c%s.\n\nOptions:\n", wire->name,
	       *wire->args ? " " : "", wire->args, toupper((unsigned char)*wire->summary),
	       wire->summary + 1);
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (verb->usage.options & options[i].bit)
			printf("  --%-*s %-6s %s\n", width, options[i].name, options[i].arg,
			       options[i].help);
	printf("  --%-*s %-6s one of: %s\n", width, "format", "FORM", options_formats(verb));
	if (wire->access != WIRE_ACCESS_OFFLINE)
		printf("  --%-*s %-6s the daemon's socket\n", width, "socket", "PATH");
	printf("  --%-*s %-6s this text\n", width, "help", "");
	if (verb->usage.example)
		printf("\nExample:\n  netdctl %s\n", verb->usage.example);
}

/* "60s", "5m", "60"; 0: not of that form, or out of bounds. */
static uint32_t parse_confirm(const char *text)
{
	char seconds[16];
	size_t len = strlen(text);
	bool bare = len > 0 && len + 1 < sizeof(seconds) && strspn(text, "0123456789") == len;

	if (bare)
		(void)snprintf(seconds, sizeof(seconds), "%ss", text);
	int64_t value = duration_parse(bare ? seconds : text, "sm");
	return value > LONGEST_CONFIRM_S || value < 0 ? 0 : (uint32_t)value;
}

/* Several are layered, as with `docker compose -f`. */
static int add_to_list(char **list, size_t *n, size_t most, char *value)
{
	if (*n == most) {
		ctl_complain("more than %zu times the same option", most);
		return CTL_USAGE;
	}
	list[(*n)++] = value;
	return CTL_OK;
}

/* "7d": so long ago; or a moment. 0: neither. */
static int64_t parse_since(const char *text, int64_t now)
{
	int64_t at = 0, ago = duration_parse(text, "smhd");

	if (policy_until_parse(text, &at) == 0)
		return at;
	return ago > 0 && ago < now ? now - ago : 0;
}

static int set_filter(const struct ctl *ctl, struct ctl_args *args, enum ctl_option bit,
		      const char *value)
{
	if (bit == OPT_CONTAINER)
		args->container = value;
	if (bit == OPT_TIER)
		args->tier = value;
	if (bit == OPT_VERDICT) {
		if (strcmp(value, "allowed") != 0 && strcmp(value, "audited") != 0 &&
		    strcmp(value, "denied") != 0) {
			ctl_complain(
				"unknown verdict `%s`; choose one of: allowed, audited, denied",
				value);
			return CTL_USAGE;
		}
		args->verdict = value;
	}
	if (bit == OPT_SINCE)
		args->since = parse_since(value, ctl->now);
	if (bit == OPT_SINCE && !args->since) {
		ctl_complain("`%s` is not a time: write it as 10m, 2h, 7d, or 2026-12-31T18:00:00Z",
			     value);
		return CTL_USAGE;
	}
	return CTL_OK;
}

static int set_expected(struct ctl_args *args, const char *value)
{
	const size_t digits = 16;

	args->expect = value;
	if (strlen(value) == digits && strspn(value, "0123456789abcdef") == digits)
		return CTL_OK;
	ctl_complain(
		"`%s` is not a digest: `netdctl status` shows that of the policy in force, "
		"`netdctl stage` that of what is staged, `netdctl fleet plan` that of the fleet",
		value);
	return CTL_USAGE;
}

/* Options whose value, or that they were given at all, one member holds as it is. */
struct plain_option {
	enum ctl_option bit;
	size_t at; /* in struct ctl_args */
};

static const struct plain_option flags[] = {
	{ OPT_FOLLOW, offsetof(struct ctl_args, follow) },
	{ OPT_APPLY, offsetof(struct ctl_args, apply) },
	{ OPT_DISCARD, offsetof(struct ctl_args, discard) },
	{ OPT_DENIED, offsetof(struct ctl_args, denied) },
	{ OPT_STRICT, offsetof(struct ctl_args, strict) },
	{ OPT_YES, offsetof(struct ctl_args, yes) },
	{ OPT_DISCARD_APPLIED, offsetof(struct ctl_args, discard_applied) },
	{ OPT_ACCEPT_DENIALS, offsetof(struct ctl_args, accept_denials) },
};

static const struct plain_option texts[] = {
	{ OPT_POLICY, offsetof(struct ctl_args, policy) },
	{ OPT_INVENTORY, offsetof(struct ctl_args, inventory) },
	{ OPT_AGAINST, offsetof(struct ctl_args, against) },
	{ OPT_ROOT, offsetof(struct ctl_args, root) },
	{ OPT_FLOWS, offsetof(struct ctl_args, flows) },
	{ OPT_CONFIG, offsetof(struct ctl_args, config) },
	{ OPT_GROUP, offsetof(struct ctl_args, group) },
	{ OPT_CANARY, offsetof(struct ctl_args, canary) },
	{ OPT_IMAGES, offsetof(struct ctl_args, images) },
	{ OPT_KEYS, offsetof(struct ctl_args, keys) },
	{ OPT_SIGN_KEY, offsetof(struct ctl_args, sign_key) },
};

static const struct plain_option *find_plain(const struct plain_option *rows, size_t n,
					     enum ctl_option bit)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].bit == bit)
			return &rows[i];
	return NULL;
}

static bool set_plain(struct ctl_args *args, enum ctl_option bit, const char *value)
{
	const struct plain_option *flag = find_plain(flags, ARRAY_LEN(flags), bit);
	const struct plain_option *text = find_plain(texts, ARRAY_LEN(texts), bit);

	if (flag)
		*(bool *)((char *)args + flag->at) = true;
	if (text)
		*(const char **)((char *)args + text->at) = value;
	return flag || text;
}

static int set_time(uint32_t *ret, const char *value)
{
	*ret = parse_confirm(value);
	if (*ret)
		return CTL_OK;
	ctl_complain("`%s` is not a time: write it as 60s or 5m, at most %u s", value,
		     LONGEST_CONFIRM_S);
	return CTL_USAGE;
}

static int set_argument(struct ctl *ctl, struct ctl_args *args, enum ctl_option bit, char *value)
{
	if (set_plain(args, bit, value))
		return CTL_OK;
	if (bit & (OPT_CONTAINER | OPT_TIER | OPT_VERDICT | OPT_SINCE))
		return set_filter(ctl, args, bit, value);
	if (bit == OPT_EXPECT)
		return set_expected(args, value);
	if (bit == OPT_DOCKER)
		ctl->docker = value;
	if (bit == OPT_ENGINE && !docker_engine_parse(value, &ctl->engine)) {
		ctl_complain("unknown engine `%s`; choose one of: docker, podman", value);
		return CTL_USAGE;
	}
	if (bit == OPT_COMPOSE)
		return add_to_list(args->compose, &args->n_compose, CTL_COMPOSE_FILES, value);
	if (bit == OPT_ENV_FILE)
		return add_to_list(args->env_files, &args->n_env_files, CTL_COMPOSE_FILES, value);
	if (bit == OPT_SERVICE)
		return add_to_list(args->services, &args->n_services, CTL_SERVICES, value);
	if (bit == OPT_WAIT)
		return set_time(&args->wait_s, value);
	return bit == OPT_CONFIRM ? set_time(&args->confirm_s, value) : CTL_OK;
}

static int check_format(const struct ctl *ctl, const struct ctl_verb *verb)
{
	const char *formats = options_formats(verb);
	size_t len = strlen(ctl->format);

	for (const char *at = formats; at && *at; at = strchr(at, ' ') ? strchr(at, ' ') + 1 : NULL)
		if (len && strncmp(at, ctl->format, len) == 0 &&
		    (at[len] == ' ' || at[len] == '\0'))
			return CTL_OK;
	ctl_complain("%s: unknown format `%s`; choose one of: %s", verb->name, ctl->format,
		     formats);
	if (strcmp(ctl->format, "svg") == 0)
		ctl_complain("Graphviz draws it: netdctl matrix --format dot | dot -Tsvg");
	return CTL_USAGE;
}

static int check_count(const struct ctl_verb *verb, size_t n)
{
	const struct wire_verb *wire = wire_verb_find(verb->name);

	if (n >= wire->min && n <= wire->max)
		return CTL_OK;
	ctl_complain("%s: too %s arguments; usage: netdctl %s [OPTION...]%s%s", wire->name,
		     n < wire->min ? "few" : "many", wire->name, *wire->args ? " " : "",
		     wire->args);
	return CTL_USAGE;
}

/* The verb's options, then those of all verbs. */
static void fill_long_options(const struct ctl_verb *verb, struct option *list)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (verb->usage.options & options[i].bit)
			list[n++] =
				(struct option){ options[i].name,
						 *options[i].arg ? required_argument : no_argument,
						 NULL, FIRST_OPTION + (int)i };
	list[n++] = (struct option){ "format", required_argument, NULL, 'f' };
	list[n++] = (struct option){ "socket", required_argument, NULL, 's' };
	list[n++] = (struct option){ "help", no_argument, NULL, 'h' };
	list[n] = (struct option){ 0 };
}

int ctl_options_parse(struct ctl *ctl, const struct ctl_verb *verb, int argc, char **argv,
		      struct ctl_args *ret, bool *help)
{
	struct option list[ARRAY_LEN(options) + 4];

	*ret = (struct ctl_args){ 0 };
	fill_long_options(verb, list);
	optind = 0; /* glibc: begin anew */
	for (int c; (c = getopt_long(argc, argv, "h", list, NULL)) != -1;) {
		int status = CTL_OK;
		if (c == 'h') {
			options_print_verb_help(verb);
			*help = true;
			return CTL_OK;
		}
		if (c == '?') {
			ctl_complain("netdctl %s --help lists the options", verb->name);
			return CTL_USAGE;
		}
		if (c == 'f')
			ctl->format = optarg;
		else if (c == 's')
			ctl->socket = optarg;
		else
			status = set_argument(ctl, ret, options[c - FIRST_OPTION].bit, optarg);
		if (status != CTL_OK)
			return status;
	}
	ret->files = argv + optind;
	ret->n = (size_t)(argc - optind);
	if (ret->inventory && ret->n_compose) {
		ctl_complain("--inventory and --compose cannot be used together");
		return CTL_USAGE;
	}
	if ((ret->n_env_files || ret->n_services) && ret->n_compose == 0) {
		ctl_complain("--service and --env-file go with --compose");
		return CTL_USAGE;
	}
	int status = check_format(ctl, verb);
	return status == CTL_OK ? check_count(verb, ret->n) : status;
}
