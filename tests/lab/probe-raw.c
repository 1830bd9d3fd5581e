/* SPDX-License-Identifier: GPL-2.0-or-later
 * probe raw, listen-raw, listen-tags: Ethernet frames as they are, for spoofed
 * addresses, VLAN tags, broken headers, and for counting what arrives on the
 * wire whatever the local packet filter does.  Needs CAP_NET_RAW.
 */
#include "probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FRAME_MAX_BYTES 2048
/* The veth pairs on the longest way of a frame, that of an answer to it, and some more. */
#define HOPS_MAX 8

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

static int send_frames(int fd, const char *hex, const char *count_text)
{
	unsigned char frame[FRAME_MAX_BYTES];
	uint64_t count = 1;
	int len = hex_parse(hex, frame);

	if (len < 0 || (count_text && number_parse(count_text, UINT32_MAX, &count)))
		return -EINVAL;
	for (uint64_t i = 0; i < count; i++)
		if (send(fd, frame, (size_t)len, 0) < 0)
			return -errno;
	return (int)count;
}

/* Stay on this processor: see frames_settle(). Where that is forbidden, things go on as they do. */
static void processor_keep(void)
{
	int processor = sched_getcpu();
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(processor < 0 ? 0 : (size_t)processor, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static int echo_open(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len_bytes = sizeof(addr);
	struct timeval patience = { .tv_sec = 5 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    getsockname(fd, (struct sockaddr *)&addr, &len_bytes) ||
	    connect(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience))) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

/* Returns when what was sent has arrived or been dropped.  send() puts a frame into the queue of
 * this processor's softirqs, and so does each veth pair on its way; a busy machine works through
 * that queue later, in ksoftirqd.  A datagram to ourselves stands in the same queue behind the
 * frame: when it comes back, the frame has passed one pair more. */
static int frames_settle(void)
{
	int fd = echo_open(), r = fd < 0 ? fd : 0;
	char byte = 0;

	for (int i = 0; i < HOPS_MAX && r == 0; i++)
		if (send(fd, &byte, 1, 0) < 0 || recv(fd, &byte, 1, 0) < 0)
			r = -errno;
	if (fd >= 0)
		close(fd);
	return r;
}

/* Lines of "HEXFRAME [COUNT]"; an empty one asks to say so when all before it have arrived: one
 * docker exec for many attacks. */
static int send_lines(int fd)
{
	char line[2 * FRAME_MAX_BYTES + 32];
	int total = 0;

	while (fgets(line, sizeof(line), stdin)) {
		const char *hex = strtok(line, " \n"), *count = strtok(NULL, " \n");
		int r = hex ? send_frames(fd, hex, count) : frames_settle();

		if (r < 0)
			return r;
		total += r;
		if (!hex) {
			printf("sent %d\n", total);
			fflush(stdout);
		}
	}
	return total;
}

/* --mark: what a packet filter would see if marks crossed the border of a namespace. */
int cmd_raw(int argc, char **argv)
{
	uint64_t mark = 0;
	int fd, r, settled;

	if (argc > 2 && !strcmp(argv[1], "--mark")) {
		if (number_parse(argv[2], UINT32_MAX, &mark))
			return fail("raw", EINVAL);
		argc -= 2;
		argv += 2;
	}
	if (argc < 3 || argc > 4)
		return fail("raw", EINVAL);
	fd = packet_open(argv[1], 0);
	if (fd < 0)
		return fail("raw", -fd);
	if (mark && setsockopt(fd, SOL_SOCKET, SO_MARK, &(uint32_t){ (uint32_t)mark }, 4))
		return fail("raw", errno);
	processor_keep();
	if (!strcmp(argv[2], "-"))
		r = send_lines(fd);
	else
		r = send_frames(fd, argv[2], argc == 4 ? argv[3] : NULL);
	if (r < 0 || (settled = frames_settle()) < 0)
		return fail("raw", r < 0 ? -r : -settled);
	printf("sent %d\n", r);
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

/* One line for each frame that contains the bytes of HEXMAGIC: its direction and the four bytes
 * after them, so that one listener serves any number of tests. */
int cmd_listen_tags(int argc, char **argv)
{
	unsigned char magic[FRAME_MAX_BYTES], frame[FRAME_MAX_BYTES];
	struct pollfd polls[2] = { { .events = POLLIN, .fd = stop_fd_open() },
				   { .events = POLLIN } };
	int len = argc == 3 ? hex_parse(argv[2], magic) : -EINVAL;

	if (len < 0)
		return fail("listen-tags", EINVAL);
	polls[1].fd = packet_open(argv[1], ETH_P_ALL);
	if (polls[1].fd < 0)
		return fail("listen-tags", -polls[1].fd);
	puts("ready");
	while (!polls[0].revents) {
		struct sockaddr_ll from;
		socklen_t from_bytes = sizeof(from);
		const unsigned char *tag;
		ssize_t n;

		if (poll(polls, 2, -1) <= 0 || !polls[1].revents)
			continue;
		n = recvfrom(polls[1].fd, frame, sizeof(frame), 0, (struct sockaddr *)&from,
			     &from_bytes);
		tag = n < 0 ? NULL : memmem(frame, (size_t)n, magic, (size_t)len);
		if (!tag || tag + len + 4 > frame + n)
			continue;
		tag += len;
		printf("%s %02x%02x%02x%02x\n", from.sll_pkttype == PACKET_OUTGOING ? "out" : "in",
		       tag[0], tag[1], tag[2], tag[3]);
	}
	return 0;
}
