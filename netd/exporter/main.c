/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netd-metrics: what netd counts, for Prometheus. A process of its own, so that HTTP, and whoever
 * speaks it, is nowhere near the packet filter: all that it can do is ask netd what every member of
 * group netd may ask. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include "core/base/cleanup.h"
#include "core/base/ip.h"
#include "edge/journal/journal.h"
#include "edge/loop/loop.h"
#include "exporter/options.h"
#include "exporter/server.h"

static void unref_loop(sd_event **loop)
{
	*loop = sd_event_unref(*loop);
}

/* A file, or an address of loopback. */
static bool is_of_this_host(int fd)
{
	struct sockaddr_storage addr = { 0 };
	socklen_t len = sizeof(addr);

	if (getsockname(fd, (struct sockaddr *)&addr, &len) < 0)
		return false;
	if (addr.ss_family == AF_INET)
		return (ntohl(((const struct sockaddr_in *)&addr)->sin_addr.s_addr) >> 24) == 127;
	if (addr.ss_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)&addr)->sin6_addr);
	return addr.ss_family == AF_UNIX;
}

/* Those of systemd. NULL, or what is wrong with them. */
static const char *take_sockets(struct server_options *ret)
{
	int n = sd_listen_fds(1);

	if (n <= 0)
		return "it was given no socket to listen at (netd-metrics.socket)";
	if (n > (int)SERVER_SOCKETS)
		return "it was given more sockets than it serves";
	for (int i = 0; i < n; i++) {
		int fd = SD_LISTEN_FDS_START + i;
		if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0)
			return "what it was given does not listen";
		if (!is_of_this_host(fd))
			return "it serves this host alone: listen at a file, at 127.0.0.1 or at "
			       "[::1]";
		if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
			return strerror(errno);
		ret->fds[i] = fd;
	}
	ret->n_fds = (size_t)n;
	return NULL;
}

static int serve(const struct server_options *options)
{
	CLEANUP(unref_loop) sd_event *loop = NULL;
	CLEANUP(server_freep) struct server *server = NULL;
	int r = sd_event_new(&loop);

	if (r >= 0)
		r = server_new(loop, options, &server);
	return r < 0 ? r : loop_serve(loop);
}

int main(int argc, char **argv)
{
	struct server_options server = { 0 };
	int exit_status;

	if (exporter_options_parse(argc, argv, &server.netd, &exit_status) == EXPORTER_OPTIONS_EXIT)
		return exit_status;
	(void)signal(SIGPIPE, SIG_IGN); /* sendfile() knows no other way */
	const char *why = take_sockets(&server);
	if (!why) {
		int r = serve(&server);
		if (r == 0)
			return 0;
		why = strerror(-r);
	}
	log_error(LOG_ID_EXPORTER_FAILED, "netd-metrics cannot serve: %s", why);
	return 3;
}
