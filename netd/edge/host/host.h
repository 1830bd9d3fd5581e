/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts of this host that are plain files or syscalls: resolvers, capabilities, the sysctls of
 * br_netfilter, and the daemon's own state files. No logging: the caller knows what it means. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/arena.h"
#include "core/base/cleanup.h"
#include "core/base/ip.h"
#include "core/world/world.h"

#define HOST_RESOLV_CONF "/etc/resolv.conf"
/* The servers behind the stub of systemd-resolved. */
#define HOST_RESOLVED_CONF "/run/systemd/resolve/resolv.conf"

/* glibc asks 3, Docker hands on all; more is a broken file. */
#define HOST_RESOLVERS 16u

struct host_resolvers {
	struct ip_addr addrs[HOST_RESOLVERS]; /* in file order, without doubles; rest zero */
	size_t n;
};

/* Reads /etc/resolv.conf. Where that only names a local stub (127.0.0.53), containers are given the
 * servers behind it, from /run/systemd/resolve/resolv.conf: so are we. No file: none.
 * 0: as before; 1: *resolvers is another list now; -errno (*resolvers as before). Cheap enough for
 * a timer. Starts from a zeroed struct. */
int host_resolvers_refresh(struct host_resolvers *resolvers) MUST_CHECK;
/* The text of a resolv.conf to a list: the pure part. */
void host_resolvers_parse(const char *text, size_t len, struct host_resolvers *ret);
/* There are some, and all are loopback addresses. */
bool host_resolvers_are_local(const struct host_resolvers *resolvers);

/* Of Docker's own settings what an answer needs to know: /etc/docker/daemon.json, and the command
 * line of the process that /run/docker.pid names (no list of Docker's has either). Who may not read
 * them takes the defaults. */
struct host_docker {
	struct host_resolvers resolvers; /* that it was given; none: it hands on the host's */
	bool no_proxy, no_iptables;
	bool ip6tables, no_ip6tables; /* it was told so; neither: it does as its version does */
};
/* As host_resolvers_refresh(). */
int host_docker_refresh(struct host_docker *docker) MUST_CHECK;
/* The pure part; what is no JSON is as an empty file. */
void host_docker_parse(const char *text, size_t len, struct host_docker *ret);
/* Adds what a dockerd of these words was told; each ends with NUL, as in /proc/PID/cmdline. */
void host_docker_parse_arguments(const char *words, size_t len, struct host_docker *docker);
/* Of the host whose root folder that is; nothing where there is no dockerd of root's. */
void host_docker_read_arguments(int root, struct host_docker *docker);

/* A bridge for each network, each with an address or two, and then some. */
#define HOST_ADDRESSES 4096u
struct host_addresses {
	VEC(struct ip_addr) addrs;
};
/* Addresses of this host's interfaces, loopback included; those beyond the limit are left out,
 * link-local ones first. 0 or -errno. */
int host_addresses(struct arena *arena, struct host_addresses *ret) MUST_CHECK;
/* The same facts with these addresses as they are now: *ret borrows from @world. 0 or -errno. */
int host_world(const struct world *world, struct arena *arena, const struct world **ret) MUST_CHECK;

/* 0: every capability netd needs is effective; HOST_E_MISSING: *ret_name is the first that is not
 * ("CAP_NET_ADMIN"); -errno. */
#define HOST_E_MISSING 1
int host_check_capabilities(const char **ret_name) MUST_CHECK;

/* net.bridge.bridge-nf-call-iptables (IP_V4) and -ip6tables (IP_V6) of the own network namespace.
 * 0; -ENOENT: br_netfilter is not loaded; another -errno. */
int host_bridge_nf_get(enum ip_family family, bool *ret) MUST_CHECK;

/* The UDP ports of the own network namespace at which datagrams wait, IPv4 and IPv6; of *ret those
 * alone. Takes as long as there are sockets. 0 or -errno. */
int host_waiting(struct world_waiting *ret) MUST_CHECK;
/* Adds the port of one line of /proc/net/udp, if something waits there: the pure part. */
void host_waiting_parse(const char *line, struct world_waiting *ret);

/* What a process uses. */
struct host_process {
	uint64_t resident_bytes, cpu_us;
	int64_t started; /* seconds since the epoch */
};
/* 0; -ENOENT: there is none; another -errno. */
int host_process(pid_t pid, struct host_process *ret) MUST_CHECK;
/* The text of /proc/PID/stat: the pure part. 0, or -EBADMSG. */
struct host_process_ticks {
	uint64_t user, system, started; /* in ticks of the clock; started: since the boot */
	uint64_t pages;
};
int host_process_parse(const char *text, struct host_process_ticks *ret) MUST_CHECK;

/* The login name of a user, "" where /etc/passwd does not name one. That file alone: a directory
 * service may take its time to answer, and netd must not wait. */
void host_user_name(uid_t uid, char *ret, size_t size);

/* A file in the state folder, replaced whole or not at all (temporary file, fsync, rename, fsync of
 * the folder), mode 0600, with a checksum as its last line. @name: no slash. 0 or -errno; nothing
 * has changed then. */
int host_state_write(const char *dir, const char *name, const void *bytes, size_t len) MUST_CHECK;
/* What could not be written must not leave what was there before to be taken for it: the file is
 * damaged from now on. Needs no room on the disk. Without @wait it is so for whoever reads, and on
 * the disk in a moment. 0 (there is no such file, too) or -errno. */
int host_state_spoil(const char *dir, const char *name, bool wait) MUST_CHECK;
/* Into @arena, NUL-terminated past the end. 0; -ENOENT: never written; -ENODATA: spoiled; -EFBIG:
 * above @max; -EBADMSG: not as it was written; another -errno. */
struct host_bytes {
	const char *bytes;
	size_t len;
};
int host_state_read(const char *dir, const char *name, size_t max, struct arena *arena,
		    struct host_bytes *ret) MUST_CHECK;
