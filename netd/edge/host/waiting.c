/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where datagrams wait for whoever listens, from /proc/net/udp and udp6. For UDP, sock_diag, which
 * sockets.c asks about TCP, needs a module that not every kernel has (CONFIG_INET_UDP_DIAG). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edge/base/fd.h"
#include "edge/host/host.h"

void host_waiting_parse(const char *line, struct world_waiting *ret)
{
	unsigned int port, bytes;

	/* "12: 0100007F:0035 00000000:0000 07 00000000:00000300 …": the local address, the far one,
	 * the state, bytes to be sent and bytes to be read. */
	if (sscanf(line, " %*u: %*[0-9A-F]:%4x %*[0-9A-F]:%*x %*x %*x:%8x", &port, &bytes) == 2 &&
	    bytes > 0)
		ret->ports[port / 8] |= (uint8_t)(1u << port % 8);
}

static int read_table(const char *path, struct world_waiting *ret)
{
	CLEANUP(fd_close_file) FILE *file = fopen(path, "re");
	CLEANUP(free_ptr) char *line = NULL;
	size_t room = 0;

	if (!file)
		return -errno;
	while (getline(&line, &room, file) >= 0)
		host_waiting_parse(line, ret);
	return ferror(file) || !feof(file) ? (errno ? -errno : -EIO) : 0;
}

int host_waiting(struct world_waiting *ret)
{
	memset(ret->ports, 0, sizeof(ret->ports));
	int r = read_table("/proc/self/net/udp", ret);

	if (r < 0)
		return r;
	r = read_table("/proc/self/net/udp6", ret);
	return r == -ENOENT ? 0 : r; /* a kernel without IPv6 has none */
}
