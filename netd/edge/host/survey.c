/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/host/survey.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/text.h"
#include "edge/base/fd.h"
#include "edge/host/below.h"
#include "edge/host/host.h"

#define MOST_INTERFACES 256u

static bool any_exists(int root, const char *const *paths, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (below_exists(root, paths[i]))
			return true;
	return false;
}

static enum doctor_answer read_switch(int root, const char *path)
{
	char bytes[BELOW_BYTES];

	if (below_read(root, path, bytes) == 0)
		return DOCTOR_UNKNOWN;
	return bytes[0] == '0' ? DOCTOR_NO : DOCTOR_YES;
}

/* ---- route_localnet ---- */

static int by_text(const void *left, const void *right)
{
	const char *const *a = left, *const *b = right;

	return strcmp(*a, *b);
}

static int read_localnet(int root, struct arena *arena, struct doctor_host *ret)
{
	static const char conf[] = "proc/sys/net/ipv4/conf";
	const char **names = arena_alloc(arena, MOST_INTERFACES * sizeof(*names));
	int fd = below_open(root, conf, O_RDONLY | O_DIRECTORY);
	CLEANUP(fd_close_dir) DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	char path[512];
	size_t n = 0;

	if (!names)
		return -ENOMEM;
	while (dir && n < MOST_INTERFACES && (entry = readdir(dir))) {
		(void)snprintf(path, sizeof(path), "%s/%.255s/route_localnet", conf, entry->d_name);
		if (entry->d_name[0] == '.' || strcmp(entry->d_name, "lo") == 0 ||
		    read_switch(root, path) != DOCTOR_YES)
			continue;
		names[n] = arena_strdup(arena, entry->d_name);
		if (!names[n++])
			return -ENOMEM;
	}
	if (n)
		qsort(names, n, sizeof(*names), by_text);
	ret->localnet = names;
	ret->n_localnet = n;
	return 0;
}

/* ---- Docker's settings and the resolvers ---- */

static void read_docker(int root, struct doctor_host *ret)
{
	char bytes[BELOW_BYTES];
	size_t len = below_read(root, "etc/docker/daemon.json", bytes);
	struct host_docker docker;

	host_docker_parse(bytes, len, &docker);
	host_docker_read_arguments(root, &docker);
	ret->userland_proxy = !docker.no_proxy;
	ret->docker_filters_nothing = docker.no_iptables;
	ret->docker_sets_dns = docker.resolvers.n > 0;
}

static void read_resolvers(int root, struct doctor_host *ret)
{
	static const char *const paths[] = { "etc/resolv.conf", "run/systemd/resolve/resolv.conf" };

	/* As Docker: where all are stubs, the servers behind them. */
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct host_resolvers resolvers;
		char bytes[BELOW_BYTES];
		host_resolvers_parse(bytes, below_read(root, paths[i], bytes), &resolvers);
		if (resolvers.n)
			ret->n_resolvers =
				resolvers.n < DOCTOR_RESOLVERS ? resolvers.n : DOCTOR_RESOLVERS;
		if (resolvers.n)
			memcpy(ret->resolvers, resolvers.addrs,
			       ret->n_resolvers * sizeof(*ret->resolvers));
		if (resolvers.n)
			ret->dns_is_loopback = host_resolvers_are_local(&resolvers);
		if (!ret->dns_is_loopback)
			return;
	}
}

/* ---- groups ---- */

static bool has_group_member(const struct group *group, const char *user)
{
	for (size_t i = 0; group->gr_mem[i]; i++)
		if (strcmp(group->gr_mem[i], user) == 0)
			return true;
	return false;
}

/* systemd-sysusers takes nobody out of a group: a host may have it from an earlier netd. */
static bool is_in_docker_group(int root)
{
	char bytes[BELOW_BYTES], line[BELOW_BYTES];
	size_t len = below_read(root, "etc/group", bytes);
	CLEANUP(fd_close_file) FILE *file = len ? fmemopen(bytes, len, "re") : NULL;
	struct group entry, *group = NULL;

	while (file && fgetgrent_r(file, &entry, line, sizeof(line), &group) == 0)
		if (strcmp(group->gr_name, "docker") == 0 && has_group_member(group, "netd"))
			return true;
	return false;
}

/* ---- other firewalls ---- */

/* A line that begins with @text, blanks aside. */
static bool has_line(const char *bytes, const char *text)
{
	for (const char *line = bytes; line; line = strchr(line, '\n')) {
		line += strspn(line, " \t\n");
		if (text_begins(line, text))
			return true;
	}
	return false;
}

static void read_firewalls(int root, struct doctor_host *ret)
{
	/* A service that runs has a control group, in either hierarchy. */
	static const char *const firewalld[] = {
		"sys/fs/cgroup/system.slice/firewalld.service",
		"sys/fs/cgroup/systemd/system.slice/firewalld.service"
	};
	static const char *const nftables[] = {
		"etc/systemd/system/sysinit.target.wants/nftables.service",
		"etc/systemd/system/multi-user.target.wants/nftables.service"
	};
	static const char *const rules[] = { "etc/nftables.conf", "etc/sysconfig/nftables.conf" };
	char bytes[BELOW_BYTES];

	ret->firewalld = any_exists(root, firewalld, ARRAY_LEN(firewalld));
	if (below_read(root, "etc/ufw/ufw.conf", bytes))
		ret->ufw = has_line(bytes, "ENABLED=yes");
	if (!any_exists(root, nftables, ARRAY_LEN(nftables)))
		return;
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (below_read(root, rules[i], bytes))
			ret->nftables_flushes |= has_line(bytes, "flush ruleset");
}

int host_survey(const char *root, struct arena *arena, struct doctor_host *ret)
{
	CLEANUP(fd_close) int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct doctor_host host = { 0 };

	if (fd < 0)
		return -errno;
	int r = read_localnet(fd, arena, &host);
	if (r < 0)
		return r;
	host.forwarding[0] = read_switch(fd, "proc/sys/net/ipv4/ip_forward");
	host.forwarding[1] = read_switch(fd, "proc/sys/net/ipv6/conf/all/forwarding");
	read_docker(fd, &host);
	read_resolvers(fd, &host);
	read_firewalls(fd, &host);
	host.netd_has_docker = is_in_docker_group(fd);
	r = scripts_survey(fd, arena, &host);
	if (r < 0)
		return r;
	*ret = host;
	return 0;
}
