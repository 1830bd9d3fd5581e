/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fleet/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/text.h"
#include "core/conf/conf.h"
#include "core/fleet/fleet.h"
#include "edge/base/fd.h"
#include "edge/conf/files.h"

#define DEFAULT_CONF "/etc/netd/fleet.conf"
#define DEFAULT_NETD "/run/netd/netd.sock"
#define DEFAULT_STATE "/var/lib/netd-fleet"
#define DEFAULT_PREFIX "netd"

enum setting_id {
	SETTING_ENDPOINTS,
	SETTING_CA,
	SETTING_CERTIFICATE,
	SETTING_KEY,
	SETTING_USER,
	SETTING_PASSWORD_FILE,
	SETTING_PREFIX,
	SETTING_HOST,
	SETTING_GROUPS,
	N_SETTINGS,
};

static const char *const keys[N_SETTINGS] = {
	[SETTING_ENDPOINTS] = "endpoints",
	[SETTING_CA] = "ca",
	[SETTING_CERTIFICATE] = "certificate",
	[SETTING_KEY] = "key",
	[SETTING_USER] = "user",
	[SETTING_PASSWORD_FILE] = "password-file",
	[SETTING_PREFIX] = "prefix",
	[SETTING_HOST] = "host",
	[SETTING_GROUPS] = "groups",
};

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
	{ "config", "FILE", "settings, and FILE.d/*.conf (" DEFAULT_CONF ")", OPTION_CONFIG },
	{ "netd", "PATH", "netd's control socket (" DEFAULT_NETD ")", OPTION_NETD },
	{ "state", "DIR", "what is kept over restarts (" DEFAULT_STATE ")", OPTION_STATE },
	{ "check", NULL, "check the settings and exit", OPTION_CHECK },
	{ "help", NULL, "this text", OPTION_HELP },
	{ "version", NULL, "the version", OPTION_VERSION },
};

/* ---- values ---- */

/* "a, b c": words between commas and blanks. The first one that is wrong, or NULL. */
static const char *split(char *text, bool (*is_fine)(const char *), const char **ret, size_t max,
			 size_t *ret_n)
{
	char *rest = NULL;

	for (char *word = strtok_r(text, ", \t", &rest); word;
	     word = strtok_r(NULL, ", \t", &rest)) {
		if (*ret_n == max || !is_fine(word))
			return word;
		ret[(*ret_n)++] = word;
	}
	return NULL;
}

static bool is_endpoint(const char *word)
{
	return text_begins(word, "https://") || text_begins(word, "http://");
}

/* The first line of a file that nobody else need read. NULL, or what is wrong. */
static const char *read_password(const char *path, struct arena *arena, const char **ret)
{
	char text[256];
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -errno : fd_read(fd, text, sizeof(text) - 1);

	if (n < 0)
		return strerror((int)-n);
	text[n] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	if (!*text || n == sizeof(text) - 1)
		return "there is no password in it";
	*ret = arena_strdup(arena, text);
	return *ret ? NULL : strerror(ENOMEM);
}

/* NULL, or what is wrong with the value. */
static const char *set_list(struct settings *settings, enum setting_id id, const char *value,
			    struct arena *arena)
{
	char *copy = arena_strdup(arena, value);
	const char *wrong;

	if (!copy)
		return strerror(ENOMEM);
	if (id == SETTING_ENDPOINTS)
		wrong = split(copy, is_endpoint, settings->endpoints, SETTINGS_ENDPOINTS,
			      &settings->n_endpoints);
	else
		wrong = split(copy, fleet_is_name, settings->groups, SETTINGS_GROUPS,
			      &settings->n_groups);
	if (!wrong)
		return NULL;
	wrong = arena_printf(arena,
			     id == SETTING_ENDPOINTS
				     ? "%s is not of the form https://HOST:PORT, or is one too many"
				     : "%s is not the name of a group, or is one too many",
			     wrong);
	return wrong ? wrong : strerror(ENOMEM);
}

static const char *set(struct settings *settings, enum setting_id id, const char *value,
		       struct arena *arena)
{
	switch (id) {
	case SETTING_ENDPOINTS:
	case SETTING_GROUPS:
		return set_list(settings, id, value, arena);
	case SETTING_CA:
		settings->ca = value;
		return NULL;
	case SETTING_CERTIFICATE:
		settings->cert = value;
		return NULL;
	case SETTING_KEY:
		settings->key = value;
		return NULL;
	case SETTING_USER:
		settings->user = value;
		return NULL;
	case SETTING_PASSWORD_FILE:
		return read_password(value, arena, &settings->password);
	case SETTING_PREFIX:
		settings->prefix = value;
		return fleet_is_prefix(value) ? NULL
					      : "it is not a name, or names with slashes between";
	case SETTING_HOST:
		settings->host = value;
		return fleet_is_name(value) ? NULL : "it is not the name of a host";
	case N_SETTINGS:
		break;
	}
	return "there is no such setting";
}

/* ---- the file ---- */

static enum setting_id find(const char *key)
{
	for (size_t i = 0; i < N_SETTINGS; i++)
		if (strcmp(keys[i], key) == 0)
			return (enum setting_id)i;
	return N_SETTINGS;
}

static int complain(const struct source_loc *loc, const char *key, const char *why)
{
	(void)fprintf(stderr, "netd-fleet: %s:%u: %s: %s\n", loc->file, loc->line, key, why);
	return SETTINGS_EXIT;
}

/* A later file's setting takes the place of an earlier one's. */
static int use(const struct conf *conf, struct settings *settings, struct arena *arena)
{
	int r = 0;

	for (size_t i = 0; i < conf->settings.n; i++) {
		const struct conf_setting *setting = &conf->settings.items[i];
		enum setting_id id = find(setting->key);
		const char *why = "there is no such setting";
		if (conf_find(conf, setting->key) != setting && id != N_SETTINGS)
			continue;
		if (id != N_SETTINGS)
			why = set(settings, id, setting->value, arena);
		if (why)
			r = complain(&setting->loc, setting->key, why);
	}
	return r;
}

/* The settings together. NULL, or what is wrong. */
static const char *whole_fault(const struct settings *settings)
{
	if (settings->n_endpoints == 0)
		return "`endpoints` does not say where the store is";
	if (!settings->host)
		return "this host has no name that can be used in the store: set `host`";
	if (!settings->user != !settings->password)
		return "`user` and `password-file` belong together";
	if (!settings->cert != !settings->key)
		return "`certificate` and `key` belong together";
	for (size_t i = 0; i < settings->n_endpoints; i++)
		if (text_begins(settings->endpoints[i], "http://") && settings->password)
			return "a password is not sent over http://";
	return NULL;
}

static const char *host_name(struct arena *arena)
{
	char name[FLEET_NAME + 1] = "";

	if (gethostname(name, sizeof(name) - 1) < 0 || !fleet_is_name(name))
		return NULL;
	return arena_strdup(arena, name);
}

static int read_file(const char *path, struct arena *arena, struct settings *ret)
{
	struct conf conf = { 0 };
	struct diag_list diags;
	const char *error = NULL;

	diag_init(&diags, arena);
	int r = conf_read_files(path, arena, &diags, &conf, &error);
	if (r < 0)
		return r;
	for (size_t i = 0; i < diags.diags.n; i++)
		(void)complain(&diags.diags.items[i].loc, diags.diags.items[i].id,
			       diags.diags.items[i].text);
	if (r == CONF_E_UNREADABLE)
		(void)fprintf(stderr, "netd-fleet: %s\n", error);
	if (r == 0)
		r = use(&conf, ret, arena);
	const char *fault = r == 0 ? whole_fault(ret) : NULL;
	if (fault)
		(void)fprintf(stderr, "netd-fleet: %s: %s\n", path, fault);
	return r != 0 || fault ? SETTINGS_EXIT : 0;
}

/* ---- the command line ---- */

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
	struct command command = { .config = DEFAULT_CONF };

	*exit_status = 2;
	*ret = (struct settings){ .prefix = DEFAULT_PREFIX,
				  .netd = DEFAULT_NETD,
				  .state_dir = DEFAULT_STATE,
				  .host = host_name(arena) };
	int r = read_command(argc, argv, ret, &command, exit_status);
	if (r == 0)
		r = read_file(command.config, arena, ret);
	if (r == 0 && command.check) {
		*exit_status = 0;
		return SETTINGS_EXIT;
	}
	return r;
}
