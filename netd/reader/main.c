/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netd-reader: the one process of netd's that may use Docker's socket, and can do nothing else. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "core/base/cleanup.h"
#include "edge/control/socket.h"
#include "edge/journal/journal.h"
#include "edge/loop/loop.h"
#include "reader/options.h"
#include "reader/proxy.h"

static void unref_loop(sd_event **loop)
{
	*loop = sd_event_unref(*loop);
}

/* The socket of --socket, which is whoever's starts the reader alone; else systemd's. 0 or -errno.
 */
static int listening_socket(const struct reader_options *options, struct control_socket *own,
			    int *ret)
{
	if (options->socket) {
		int r = control_socket_open(options->socket, "", own);
		*ret = own->fd;
		return r;
	}
	if (sd_listen_fds(1) != 1)
		return -ENOTCONN;
	*ret = SD_LISTEN_FDS_START;
	if (sd_is_socket(*ret, AF_UNIX, SOCK_STREAM, 1) <= 0)
		return -ENOTSOCK;
	return fcntl(*ret, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

static int serve(const struct proxy_options *options)
{
	CLEANUP(unref_loop) sd_event *loop = NULL;
	CLEANUP(proxy_freep) struct proxy *proxy = NULL;
	int r = sd_event_new(&loop);

	if (r >= 0)
		r = proxy_new(loop, options, &proxy);
	return r < 0 ? r : loop_serve(loop);
}

int main(int argc, char **argv)
{
	CLEANUP(control_socket_close) struct control_socket own = { .fd = -1 };
	struct reader_options options;
	int exit_status, fd;

	if (reader_options_parse(argc, argv, &options, &exit_status) == READER_OPTIONS_EXIT)
		return exit_status;
	int r = listening_socket(&options, &own, &fd);
	if (r == 0) {
		const struct proxy_options proxy = { .fd = fd,
						     .peer = options.peer,
						     .docker = options.docker };
		r = serve(&proxy);
	}
	if (r == 0)
		return 0;
	log_error(LOG_ID_READER_FAILED, "netd-reader cannot serve%s%s: %s",
		  options.socket ? " " : "", options.socket ? options.socket : "", strerror(-r));
	return 3;
}
