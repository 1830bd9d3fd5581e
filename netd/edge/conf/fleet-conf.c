/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/conf/fleet-conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/text.h"
#include "core/conf/conf.h"
#include "core/fleet/fleet.h"
#include "core/fleet/members.h"
#include "core/policy/zone.h"
#include "edge/base/fd.h"
#include "edge/conf/files.h"

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
	SETTING_KEYS,
	SETTING_ADDRESSES,
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
	[SETTING_KEYS] = "keys",
	[SETTING_ADDRESSES] = "addresses",
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
static const char *set_list(struct fleet_conf *conf, enum setting_id id, const char *value,
			    struct arena *arena)
{
	char *copy = arena_strdup(arena, value);
	const char *wrong;

	if (!copy)
		return strerror(ENOMEM);
	if (id == SETTING_ENDPOINTS)
		wrong = split(copy, is_endpoint, conf->endpoints, FLEET_CONF_ENDPOINTS,
			      &conf->n_endpoints);
	else
		wrong = split(copy, fleet_is_name, conf->groups, FLEET_CONF_GROUPS,
			      &conf->n_groups);
	if (!wrong)
		return NULL;
	wrong = arena_printf(arena,
			     id == SETTING_ENDPOINTS
				     ? "%s is not of the form https://HOST:PORT, or is one too many"
				     : "%s is not the name of a group, or is one too many",
			     wrong);
	return wrong ? wrong : strerror(ENOMEM);
}

static const char *set_addresses(struct fleet_conf *conf, const char *value)
{
	if (fleet_read_addresses(value, conf->addrs, &conf->n_addrs) < 0)
		return "it is not a list of at most 8 addresses";
	for (size_t i = 0; i < conf->n_addrs; i++)
		if (!policy_zone_may_have_host(&conf->addrs[i]))
			return "no other host can reach this one at such an address";
	return NULL;
}

static const char *set(struct fleet_conf *conf, enum setting_id id, const char *value,
		       struct arena *arena)
{
	switch (id) {
	case SETTING_ENDPOINTS:
	case SETTING_GROUPS:
		return set_list(conf, id, value, arena);
	case SETTING_CA:
		conf->ca = value;
		return NULL;
	case SETTING_CERTIFICATE:
		conf->cert = value;
		return NULL;
	case SETTING_KEY:
		conf->key = value;
		return NULL;
	case SETTING_USER:
		conf->user = value;
		return NULL;
	case SETTING_PASSWORD_FILE:
		return read_password(value, arena, &conf->password);
	case SETTING_KEYS:
		conf->keys = value;
		return *value ? NULL : "it is the path of a folder";
	case SETTING_PREFIX:
		conf->prefix = value;
		return fleet_is_prefix(value) ? NULL
					      : "it is not a name, or names with slashes between";
	case SETTING_HOST:
		conf->host = value;
		return fleet_is_name(value) ? NULL : "it is not the name of a host";
	case SETTING_ADDRESSES:
		return set_addresses(conf, value);
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

struct conf_reading {
	fleet_conf_complain_fn *complain;
	struct arena *arena;
	struct fleet_conf *conf;
	int r;
};

static void complain(struct conf_reading *reading, const char *place, const char *text)
{
	reading->complain(place, text);
	reading->r = FLEET_CONF_E_INVALID;
}

static void complain_at(struct conf_reading *reading, const struct source_loc *loc,
			const char *what, const char *text)
{
	char place[512];

	(void)snprintf(place, sizeof(place), "%.400s:%u: %.80s", loc->file, loc->line, what);
	complain(reading, place, text);
}

/* A later file's setting takes the place of an earlier one's. */
static void use(struct conf_reading *reading, const struct conf *file)
{
	for (size_t i = 0; i < file->settings.n; i++) {
		const struct conf_setting *setting = &file->settings.items[i];
		enum setting_id id = find(setting->key);
		const char *why = NULL;
		if (id == N_SETTINGS)
			why = "there is no such setting";
		else if (conf_find(file, setting->key) == setting)
			why = set(reading->conf, id, setting->value, reading->arena);
		if (why)
			complain_at(reading, &setting->loc, setting->key, why);
	}
}

/* The settings together. NULL, or what is wrong. */
static const char *whole_fault(const struct fleet_conf *conf)
{
	if (conf->n_endpoints == 0)
		return "`endpoints` does not say where the store is";
	if (!conf->host)
		return "this host has no name that can be used in the store: set `host`";
	if (!conf->user != !conf->password)
		return "`user` and `password-file` belong together";
	if (!conf->cert != !conf->key)
		return "`certificate` and `key` belong together";
	for (size_t i = 0; i < conf->n_endpoints; i++)
		if (text_begins(conf->endpoints[i], "http://") && conf->password)
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

int fleet_conf_read(const char *path, struct arena *arena, fleet_conf_complain_fn *complain_fn,
		    struct fleet_conf *ret)
{
	struct conf_reading reading = { complain_fn, arena, ret, 0 };
	struct conf file = { 0 };
	struct diag_list diags;
	const char *error = NULL;

	*ret = (struct fleet_conf){ .prefix = DEFAULT_PREFIX, .host = host_name(arena) };
	diag_init(&diags, arena);
	int r = conf_read_files(path, arena, &diags, &file, &error);
	if (r < 0)
		return r;
	for (size_t i = 0; i < diags.diags.n; i++)
		complain_at(&reading, &diags.diags.items[i].loc, diags.diags.items[i].id,
			    diags.diags.items[i].text);
	if (r == CONF_E_UNREADABLE)
		complain(&reading, path, error);
	if (r == 0)
		use(&reading, &file);
	error = reading.r == 0 ? whole_fault(ret) : NULL;
	if (error)
		complain(&reading, path, error);
	return reading.r;
}

struct etcd_client_options fleet_conf_client(const struct fleet_conf *conf)
{
	return (struct etcd_client_options){ .endpoints = conf->endpoints,
					     .n_endpoints = conf->n_endpoints,
					     .ca = conf->ca,
					     .cert = conf->cert,
					     .key = conf->key,
					     .user = conf->user,
					     .password = conf->password };
}
