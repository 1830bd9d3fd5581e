/* SPDX-License-Identifier: GPL-2.0-or-later
 * What the files of the probe tool share: its verbs and the few helpers on
 * addresses, time and signals.  Everything runs as one process in one network
 * namespace, needs no file and no library, and so fits any container image.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define MUST_CHECK __attribute__((warn_unused_result))

struct endpoint {
	struct sockaddr_storage addr;
	socklen_t len_bytes;
	int type; /* SOCK_STREAM or SOCK_DGRAM */
};

/* "tcp" or "udp", a numeric IPv4 or IPv6 address (fe80::1%eth0 too), a port.
 * 0, or -EINVAL. */
int endpoint_parse(const char *const spec[3], struct endpoint *ret) MUST_CHECK;

/* @text is a whole number from 0 to @max.  0, or -EINVAL. */
int number_parse(const char *text, uint64_t max, uint64_t *ret) MUST_CHECK;

/* Write "[address]:port" of @addr into @ret, at most @size bytes. */
void endpoint_print(const struct sockaddr_storage *addr, char *ret, size_t size);

/* A non-blocking socket for @family and @type that listens (TCP) or is bound
 * (UDP) on every address of its family.  The descriptor, or -errno. */
int socket_listen(int family, int type, uint16_t port) MUST_CHECK;

/* A blocking connected socket.  The descriptor, or -errno. */
int socket_connect(const struct endpoint *peer) MUST_CHECK;

uint64_t now_ms(void);

/* A descriptor that gets readable on SIGTERM or SIGINT.  A container's process
 * 1 ignores both unless it asks for them.  -errno on failure. */
int stop_fd_open(void) MUST_CHECK;

/* Let one process hold as many sockets as the machine permits. */
void raise_file_limit(void);

/* The verbs: argv[0] is the verb, the result is the exit code. */
int cmd_serve(int argc, char **argv);
int cmd_connect(int argc, char **argv);
int cmd_flood(int argc, char **argv);
int cmd_sink(int argc, char **argv);
int cmd_stream(int argc, char **argv);
int cmd_hold(int argc, char **argv);
int cmd_raw(int argc, char **argv);
int cmd_listen_raw(int argc, char **argv);
int cmd_listen_tags(int argc, char **argv);
