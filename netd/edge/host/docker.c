/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Docker's settings: daemon.json, and the command line of the dockerd that /run/docker.pid names.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cjson/cJSON.h>

#include "core/base/text.h"
#include "edge/base/fd.h"
#include "edge/host/host.h"

#define DAEMON_JSON "/etc/docker/daemon.json"
#define DAEMON_JSON_BYTES 65536u
#define ARGUMENTS_BYTES 16384u /* what is behind them is not read */

static bool is_listed(const struct host_resolvers *list, const struct ip_addr *addr)
{
	for (size_t i = 0; i < list->n; i++)
		if (ip_compare(&list->addrs[i], addr) == 0)
			return true;
	return false;
}

static void add_resolver(struct host_docker *docker, const char *text)
{
	struct host_resolvers *list = &docker->resolvers;
	struct ip_addr addr;

	if (text && list->n < HOST_RESOLVERS && ip_parse(text, &addr) == 0 &&
	    !is_listed(list, &addr))
		list->addrs[list->n++] = addr;
}

void host_docker_parse(const char *text, size_t len, struct host_docker *ret)
{
	cJSON *json = len ? cJSON_ParseWithLength(text, len) : NULL;
	const cJSON *dns = cJSON_GetObjectItemCaseSensitive(json, "dns"), *item;

	memset(ret, 0, sizeof(*ret));
	ret->no_proxy = cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(json, "userland-proxy"));
	ret->no_iptables = cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(json, "iptables"));
	ret->ip6tables = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "ip6tables"));
	ret->no_ip6tables = cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(json, "ip6tables"));
	cJSON_ArrayForEach(item, dns)
		add_resolver(ret, cJSON_GetStringValue(item));
	cJSON_Delete(json);
}

/* ---- the command line ---- */

/* "--NAME=VALUE" or "--NAME", with what follows it; NULL: another word. */
static const char *value_of(const char *word, const char *next, const char *name)
{
	const char *rest = text_after(word, name);

	if (!rest || (*rest && *rest != '='))
		return NULL;
	return *rest ? rest + 1 : next;
}

/* As Go reads a switch; one that is only named is on. */
static bool is_off(const char *value)
{
	static const char *const words[] = { "0", "f", "F", "false", "False", "FALSE" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(value, words[i]) == 0)
			return true;
	return false;
}

static void read_argument(struct host_docker *docker, const char *word, const char *next)
{
	const char *proxy = value_of(word, "", "--userland-proxy");
	const char *filter4 = value_of(word, "", "--iptables");
	const char *filter = value_of(word, "", "--ip6tables");

	add_resolver(docker, value_of(word, next, "--dns"));
	if (proxy)
		docker->no_proxy = is_off(proxy);
	if (filter4)
		docker->no_iptables = is_off(filter4);
	if (filter) {
		docker->no_ip6tables = is_off(filter);
		docker->ip6tables = !docker->no_ip6tables;
	}
}

void host_docker_parse_arguments(const char *words, size_t len, struct host_docker *docker)
{
	const char *end = words + len;

	for (const char *word = words, *next; word < end; word = next) {
		size_t n = strnlen(word, (size_t)(end - word));
		next = word + n + 1;
		if (next > end) /* cut */
			return;
		read_argument(docker, word, next < end && end[-1] == '\0' ? next : "");
	}
}

/* Its length; 0: it cannot be read, or is not root's. */
static size_t read_of_root(int root, const char *path, char *bytes, size_t size)
{
	CLEANUP(fd_close) int fd = openat(root, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	ssize_t n =
		fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == 0 ? fd_read(fd, bytes, size - 1) : 0;

	bytes[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

void host_docker_read_arguments(int root, struct host_docker *docker)
{
	char bytes[ARGUMENTS_BYTES], path[48];
	size_t len = read_of_root(root, "run/docker.pid", bytes, sizeof(bytes));
	long pid = len ? strtol(bytes, NULL, 10) : 0;

	if (pid <= 0)
		return;
	(void)snprintf(path, sizeof(path), "proc/%ld/cmdline", pid);
	len = read_of_root(root, path, bytes, sizeof(bytes));
	const char *slash = strrchr(bytes, '/');
	/* The file of a dockerd that was killed may name another process by now. */
	if (len && strcmp(slash ? slash + 1 : bytes, "dockerd") == 0)
		host_docker_parse_arguments(bytes, len, docker);
}

/* ---- all of it ---- */

int host_docker_refresh(struct host_docker *docker)
{
	char bytes[DAEMON_JSON_BYTES];
	struct host_docker now;
	CLEANUP(fd_close_file) FILE *file = fopen(DAEMON_JSON, "re");
	size_t len = file ? fread(bytes, 1, sizeof(bytes), file) : 0;

	if (!file && errno == ENOMEM)
		return -ENOMEM;
	host_docker_parse(bytes, len, &now);
	CLEANUP(fd_close) int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root >= 0)
		host_docker_read_arguments(root, &now);
	if (memcmp(&now, docker, sizeof(now)) == 0)
		return 0;
	*docker = now;
	return 1;
}
