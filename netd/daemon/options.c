/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One table makes getopt's strings, the help, the keys of netd.conf(5) and the parsing, so that
 * they cannot disagree. */
#include "daemon/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/compile/compile.h"
#include "core/conf/conf.h"
#include "edge/conf/files.h"

enum option_id {
	OPTION_POLICY,
	OPTION_DOCKER,
	OPTION_ENGINE,
	OPTION_SOCKET,
	OPTION_STATE,
	OPTION_INVENTORY,
	OPTION_IMAGES,
	OPTION_IMAGE_KEYS,
	OPTION_MARK_BIT,
	OPTION_FLOWS,
	N_SETTINGS, /* those before it may stand in a file */
	OPTION_CONFIG = N_SETTINGS,
	OPTION_CHECK,
	OPTION_HELP,
	OPTION_VERSION,
	N_OPTIONS,
};

#define FIRST_OPTION 1000 /* getopt's value of table[0] */

static const struct {
	const char *name, *argument, *help;
	enum option_id id; /* its row */
} table[N_OPTIONS] = {
	{ "policy", "PATH", "policy file or directory (/etc/netd/policy.d)", OPTION_POLICY },
	{ "docker", "URL", "Docker's API (DOCKER_HOST, unix:///run/docker.sock)", OPTION_DOCKER },
	{ "engine", "NAME", "whose API that is: docker or podman (docker)", OPTION_ENGINE },
	{ "socket", "PATH", "control socket (/run/netd/netd.sock)", OPTION_SOCKET },
	{ "state", "DIR", "what is kept over restarts (/var/lib/netd)", OPTION_STATE },
	{ "inventory", "FILE", "take the facts from FILE instead of Docker", OPTION_INVENTORY },
	{ "images", "DIR", "reports and signatures of images (/etc/netd/images.d)", OPTION_IMAGES },
	{ "image-keys", "DIR", "public keys of who signs images (/etc/netd/image-keys)",
	  OPTION_IMAGE_KEYS },
	{ "mark-bit", "BIT", "bit of the packet mark to use (0x00100000)", OPTION_MARK_BIT },
	{ "flows", "on|off", "keep what talks to what, for netdctl flows (on)", OPTION_FLOWS },
	{ "config", "FILE", "settings, and FILE.d/*.conf (" CONF_DEFAULT ")", OPTION_CONFIG },
	{ "check", NULL, "check settings and policy and exit: 0 valid, 1 not", OPTION_CHECK },
	{ "help", NULL, "this text", OPTION_HELP },
	{ "version", NULL, "the version", OPTION_VERSION },
};

static void print_help(void)
{
	printf("Usage: netd [OPTION]...\n"
	       "Network segmentation for Docker hosts: follows Docker, reads tier policies, "
	       "programs\n"
	       "nftables. See netd(8), netd.conf(5) and netd-policy(5).\n\n");
	for (size_t i = 0; i < N_OPTIONS; i++)
		printf("  --%s%s%-*s %s\n", table[i].name, table[i].argument ? " " : "",
		       (int)(18 - strlen(table[i].name)),
		       table[i].argument ? table[i].argument : "", table[i].help);
}

void options_print_findings(const struct diag_list *diags)
{
	for (size_t i = 0; i < diags->diags.n; i++) {
		const struct diag *diag = &diags->diags.items[i];
		(void)fprintf(stderr, "%s:%u:%u: %s[%s]: %s\n", diag->loc.file, diag->loc.line,
			      diag->loc.col, diag->severity == DIAG_ERROR ? "error" : "warning",
			      diag->id, diag->text);
		if (diag->hint)
			(void)fprintf(stderr, "  %s\n", diag->hint);
	}
}

/* NULL, or what is wrong with the value. */
static const char *set_option(struct options *options, enum option_id id, const char *value)
{
	if (id == OPTION_POLICY)
		options->policy = value;
	if (id == OPTION_DOCKER)
		options->docker_url = value;
	if (id == OPTION_ENGINE && !docker_engine_parse(value, &options->engine))
		return "takes docker or podman";
	if (id == OPTION_SOCKET)
		options->socket = value;
	if (id == OPTION_STATE)
		options->state_dir = value;
	if (id == OPTION_INVENTORY)
		options->inventory = value;
	if (id == OPTION_IMAGES)
		options->images = value;
	if (id == OPTION_IMAGE_KEYS)
		options->image_keys = value;
	if (id == OPTION_MARK_BIT && !conf_parse_bit(value, &options->mark_bit))
		return "takes one bit, such as 0x00100000";
	if (id != OPTION_FLOWS)
		return NULL;
	options->flows = strcmp(value, "on") == 0;
	return options->flows || strcmp(value, "off") == 0 ? NULL : "takes on or off";
}

/* netd.service runs in /, a shell anywhere: only the latter knows what a relative path means. */
static const char *set_from_file(struct options *options, enum option_id id, const char *value)
{
	if (id == OPTION_DOCKER && !strstr(value, "://"))
		return "takes a URL, such as unix:///run/docker.sock";
	if (id < OPTION_MARK_BIT && id != OPTION_DOCKER && id != OPTION_ENGINE && *value != '/')
		return "takes a path that begins with /";
	return set_option(options, id, value);
}

static int setting_key(const char *name)
{
	for (int id = 0; id < N_SETTINGS; id++)
		if (strcmp(table[id].name, name) == 0)
			return id;
	return -1;
}

static void apply_settings(const struct conf *conf, struct diag_list *diags, struct options *ret)
{
	const char *names[N_SETTINGS];

	for (size_t i = 0; i < N_SETTINGS; i++)
		names[i] = table[i].name;
	for (size_t i = 0; i < conf->settings.n; i++) {
		const struct conf_setting *setting = &conf->settings.items[i];
		char word[TEXT_QUOTE_LEN];
		int id = setting_key(setting->key);
		if (id < 0) {
			diag_add(diags, DIAG_ERROR, setting->loc, "unknown-key",
				 diag_suggest(diags, setting->key, names, N_SETTINGS),
				 "there is no setting `%s`", text_quote(setting->key, word));
			continue;
		}
		const char *wrong = set_from_file(ret, (enum option_id)id, setting->value);
		if (wrong)
			diag_add(diags, DIAG_ERROR, setting->loc, "bad-value", NULL, "`%s` %s",
				 setting->key, wrong);
	}
}

static void set_defaults(struct options *options)
{
	const char *host = getenv("DOCKER_HOST"), *verify = getenv("DOCKER_TLS_VERIFY");

	*options = (struct options){ .policy = "/etc/netd/policy.d",
				     .docker_url = host && *host ? host : "unix:///run/docker.sock",
				     .socket = "/run/netd/netd.sock",
				     .state_dir = "/var/lib/netd",
				     .images = "/etc/netd/images.d",
				     .image_keys = "/etc/netd/image-keys",
				     .mark_bit = COMPILE_MARK_BIT,
				     .flows = true };
	options->docker_tls_verify = verify && *verify;
	if (options->docker_tls_verify || (host && text_begins(host, "https:")))
		options->docker_cert_dir = getenv("DOCKER_CERT_PATH");
}

/* @path: of the command line, or NULL. 0, or the exit status after saying what is wrong. */
static int read_files(const char *path, struct arena *arena, struct options *ret)
{
	struct conf conf = { 0 };
	struct diag_list diags;
	const char *error = NULL;

	diag_init(&diags, arena);
	int r = conf_read_files(path, arena, &diags, &conf, &error);
	if (r >= 0 && !error)
		apply_settings(&conf, &diags, ret);
	diag_sort(&diags);
	options_print_findings(&diags);
	if (error)
		(void)fprintf(stderr, "netd: %s\n", error);
	if (r < 0 || diags.out_of_memory) {
		(void)fprintf(stderr, "netd: out of memory\n");
		return 3;
	}
	return error || diag_failed(&diags) ? 2 : 0;
}

/* What the command line says: given[id] is its argument, "" for an option that takes none. */
static bool read_command_line(int argc, char **argv, const char *given[N_OPTIONS])
{
	struct option known[N_OPTIONS + 1] = { { 0 } };

	for (size_t i = 0; i < N_OPTIONS; i++)
		known[i] = (struct option){ table[i].name,
					    table[i].argument ? required_argument : no_argument,
					    NULL, FIRST_OPTION + (int)i };
	for (int id; (id = getopt_long(argc, argv, "", known, NULL)) != -1;) {
		if (id == '?')
			return false;
		given[id - FIRST_OPTION] = optarg ? optarg : "";
	}
	if (optind < argc)
		(void)fprintf(stderr, "netd: unexpected argument `%s`: see netd --help\n",
			      argv[optind]);
	return optind == argc;
}

/* 0, or the exit status after saying what is wrong. */
static int apply_command_line(const char *const given[N_OPTIONS], struct options *ret)
{
	for (size_t i = 0; i < N_SETTINGS; i++) {
		const char *wrong = given[i] ? set_option(ret, table[i].id, given[i]) : NULL;
		if (wrong) {
			(void)fprintf(stderr, "netd: --%s %s\n", table[i].name, wrong);
			return 2;
		}
	}
	ret->check = given[OPTION_CHECK];
	return 0;
}

int daemon_options_parse(int argc, char **argv, struct arena *arena, struct options *ret,
			 int *exit_status)
{
	const char *given[N_OPTIONS] = { NULL };

	*exit_status = 2;
	if (!read_command_line(argc, argv, given))
		return OPTIONS_EXIT;
	if (given[OPTION_HELP] || given[OPTION_VERSION]) {
		*exit_status = 0;
		if (given[OPTION_HELP])
			print_help();
		else
			printf("netd %s\n", NETD_VERSION);
		return OPTIONS_EXIT;
	}
	set_defaults(ret);
	*exit_status = read_files(given[OPTION_CONFIG], arena, ret);
	if (*exit_status == 0)
		*exit_status = apply_command_line(given, ret);
	return *exit_status ? OPTIONS_EXIT : 0;
}
