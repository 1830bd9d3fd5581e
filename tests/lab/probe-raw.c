/* SPDX-License-Identifier: MIT
 * probe raw, listen-raw: Ethernet frames as they are, for spoofed addresses,
 * VLAN tags, broken headers, and for counting what arrives on the wire
 * whatever the local packet filter does.  Needs CAP_NET_RAW.
 */
#include "probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FRAME_MAX_BYTES 2048

static int fail(const char *verb, int error)
{
	fprintf(stderr, "probe %s: %s\n", verb, strerror(error));
	return 2;
}

/* The number of bytes written to @ret, or -EINVAL. */
static int hex_parse(const char *text, unsigned char ret[FRAME_MAX_BYTES])
{
	size_t len = strlen(text);

	if (len % 2 || len / 2 > FRAME_MAX_BYTES || strspn(text, "0123456789abcdefABCDEF") != len)
		return -EINVAL;
	for (size_t i = 0; i < len / 2; i++)
		sscanf(text + 2 * i, "%2hhx", &ret[i]);
	return (int)(len / 2);
}

static int packet_open(const char *ifname, int protocol)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons((uint16_t)protocol),
		.sll_ifindex = (int)if_nametoindex(ifname),
	};
	int fd;

	if (!addr.sll_ifindex)
		return -ENODEV;
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

int cmd_raw(int argc, char **argv)
{
	unsigned char frame[FRAME_MAX_BYTES];
	uint64_t count = 1;
	int fd, len;

	len = argc < 3 || argc > 4 ? -EINVAL : hex_parse(argv[2], frame);
	if (len < 0 || (argc == 4 && number_parse(argv[3], UINT32_MAX, &count)))
		return fail("raw", EINVAL);
	fd = packet_open(argv[1], 0);
	if (fd < 0)
		return fail("raw", -fd);
	for (uint64_t i = 0; i < count; i++)
		if (send(fd, frame, (size_t)len, 0) < 0)
			return fail("raw", errno);
	printf("sent %llu\n", (unsigned long long)count);
	return 0;
}

/* A VLAN tag is not among the bytes: the kernel takes it off before us. */
int cmd_listen_raw(int argc, char **argv)
{
	struct pollfd polls[2] = { { .events = POLLIN, .fd = stop_fd_open() },
				   { .events = POLLIN } };
	unsigned char filter[FRAME_MAX_BYTES], frame[FRAME_MAX_BYTES];
	uint64_t seconds, end_ms, now, in = 0, out = 0;
	int len = argc == 4 ? hex_parse(argv[3], filter) : -EINVAL;

	if (len < 0 || number_parse(argv[2], 86400, &seconds))
		return fail("listen-raw", EINVAL);
	polls[1].fd = packet_open(argv[1], ETH_P_ALL);
	if (polls[1].fd < 0)
		return fail("listen-raw", -polls[1].fd);
	puts("ready");
	end_ms = now_ms() + seconds * 1000;
	while (!polls[0].revents && (now = now_ms()) < end_ms) {
		struct sockaddr_ll from;
		socklen_t from_bytes = sizeof(from);
		ssize_t n;

		if (poll(polls, 2, (int)(end_ms - now)) <= 0 || !polls[1].revents)
			continue;
		n = recvfrom(polls[1].fd, frame, sizeof(frame), 0, (struct sockaddr *)&from,
			     &from_bytes);
		if (n < 0 || !memmem(frame, (size_t)n, filter, (size_t)len))
			continue;
		if (from.sll_pkttype == PACKET_OUTGOING)
			out++;
		else
			in++;
	}
	printf("in %llu out %llu\n", (unsigned long long)in, (unsigned long long)out);
	return 0;
}
