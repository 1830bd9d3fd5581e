/* SPDX-License-Identifier: GPL-2.0-or-later
 * probe: the packet tool of the test lab.  One static program that plays
 * server, client, flooder and sniffer inside containers and namespaces.
 * This file has the verb table and the shared helpers; each group of verbs
 * has its own probe-*.c.  Results are lines on stdout, mistakes on stderr.
 */
#include "probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

int number_parse(const char *text, uint64_t max, uint64_t *ret)
{
	char *end;
	unsigned long long value;

	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || *end || value > max)
		return -EINVAL;
	*ret = value;
	return 0;
}

static int address_parse(const char *text, uint16_t port, struct endpoint *ret)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&ret->addr;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&ret->addr;
	const char *zone = strchr(text, '%');
	char plain[INET6_ADDRSTRLEN] = "";

	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		ret->len_bytes = sizeof(*v4);
		return 0;
	}
	memset(&ret->addr, 0, sizeof(ret->addr));
	if (strcspn(text, "%") >= sizeof(plain))
		return -EINVAL;
	memcpy(plain, text, strcspn(text, "%"));
	if (inet_pton(AF_INET6, plain, &v6->sin6_addr) != 1)
		return -EINVAL;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	v6->sin6_scope_id = zone ? if_nametoindex(zone + 1) : 0;
	ret->len_bytes = sizeof(*v6);
	return zone && !v6->sin6_scope_id ? -EINVAL : 0;
}

int endpoint_parse(const char *const spec[3], struct endpoint *ret)
{
	struct endpoint result = { .type = SOCK_STREAM };
	uint64_t port;

	if (!strcmp(spec[0], "udp"))
		result.type = SOCK_DGRAM;
	else if (strcmp(spec[0], "tcp"))
		return -EINVAL;
	if (number_parse(spec[2], 65535, &port) || address_parse(spec[1], (uint16_t)port, &result))
		return -EINVAL;
	*ret = result;
	return 0;
}

void endpoint_print(const struct sockaddr_storage *addr, char *ret, size_t size)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)addr;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)addr;
	bool is_v4 = addr->ss_family == AF_INET;
	char text[INET6_ADDRSTRLEN] = "?";

	inet_ntop(addr->ss_family, is_v4 ? (const void *)&v4->sin_addr : &v6->sin6_addr, text,
		  sizeof(text));
	snprintf(ret, size, "[%s]:%u", text, ntohs(is_v4 ? v4->sin_port : v6->sin6_port));
}

static int socket_prepare(int fd, int family, int type)
{
	const int one = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)))
		return -errno;
	if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)))
		return -errno;
	if (type != SOCK_DGRAM)
		return 0;
	if (family == AF_INET && setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one)))
		return -errno;
	if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof(one)))
		return -errno;
	return 0;
}

int socket_listen(int family, int type, uint16_t port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	const struct sockaddr *addr = (const struct sockaddr *)&v4;
	socklen_t len_bytes = sizeof(v4);
	int fd, r;

	if (family == AF_INET6) {
		addr = (const struct sockaddr *)&v6;
		len_bytes = sizeof(v6);
	}
	fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	r = socket_prepare(fd, family, type);
	if (!r && (bind(fd, addr, len_bytes) || (type == SOCK_STREAM && listen(fd, 1024))))
		r = -errno;
	if (r) {
		close(fd);
		return r;
	}
	return fd;
}

int socket_connect(const struct endpoint *peer)
{
	int fd = socket(peer->addr.ss_family, peer->type | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -errno;
	if (!connect(fd, (const struct sockaddr *)&peer->addr, peer->len_bytes))
		return fd;
	r = -errno;
	close(fd);
	return r;
}

uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int stop_fd_open(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		perror("probe: file limit");
}

/* Process 1 of a lab namespace.  It ends when stdin ends, that is when whoever
 * built the lab dies in whatever way, and the kernel then kills every process
 * in the namespace.  Orphans are reaped by the kernel since SIGCHLD is ignored. */
static int cmd_init(int argc, char **argv)
{
	char byte;

	(void)argc;
	(void)argv;
	signal(SIGCHLD, SIG_IGN);
	puts("ready");
	while (read(STDIN_FILENO, &byte, 1) > 0 || errno == EINTR)
		errno = 0;
	return 0;
}

static const struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *args;
	const char *help;
} verbs[] = {
	{ "serve", cmd_serve, "[--log] PROTO/PORT...", "greet, then echo; prints ready" },
	{ "connect", cmd_connect,
	  "[--timeout-ms N] [--source ADDR] [--port-base N] [--handshake] [--first-syn] -|PROTO ADDR PORT...",
	  "probe all at once; - reads the list from stdin" },
	{ "flood", cmd_flood, "[--count N|--seconds S] [--pause-us N] [--fresh 1] udp ADDR PORT",
	  "numbered datagrams as fast as possible" },
	{ "sink", cmd_sink, "udp PORT", "count what flood sent, until SIGTERM or stdin ends" },
	{ "stream", cmd_stream, "serve PORT | get ADDR PORT",
	  "a transfer that reports its stalls" },
	{ "hold", cmd_hold, "PROTO ADDR PORT", "one flow, a byte each 20 ms, alive N per echo" },
	{ "raw", cmd_raw, "[--mark N] IFNAME -|HEXFRAME [COUNT]",
	  "send Ethernet frames as they are; - reads lines of HEXFRAME [COUNT]" },
	{ "listen-raw", cmd_listen_raw, "IFNAME SECONDS HEXFILTER",
	  "count frames that contain the bytes" },
	{ "listen-tags", cmd_listen_tags, "IFNAME HEXMAGIC",
	  "for each frame with the bytes: in or out, and the 4 bytes after them" },
	{ "init", cmd_init, "", "process 1 of a namespace, until stdin ends" },
};

int main(int argc, char **argv)
{
	const size_t n_verbs = sizeof(verbs) / sizeof(verbs[0]);
	const char *name = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < n_verbs; i++)
		if (!strcmp(verbs[i].name, name))
			return verbs[i].run(argc - 1, argv + 1);
	fprintf(stderr, "usage: probe VERB ...\n");
	for (size_t i = 0; i < n_verbs; i++)
		fprintf(stderr, "  %s %s\n      %s\n", verbs[i].name, verbs[i].args, verbs[i].help);
	return 2;
}
