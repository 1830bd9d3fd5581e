/* SPDX-License-Identifier: GPL-2.0-or-later
 * probe flood, sink, stream, hold: traffic that goes on while something
 * changes.  flood and sink count what slips through a window; stream shows
 * stalls of a transfer; hold shows when a flow in use is cut.
 */
#include "probe.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(const char *verb, int error)
{
	fprintf(stderr, "probe %s: %s\n", verb, strerror(error));
	return 2;
}

static void print_summary(const char *word, uint64_t bytes, uint64_t gap_ms)
{
	printf("%s bytes %llu gap_ms %llu\n", word, (unsigned long long)bytes,
	       (unsigned long long)gap_ms);
}

#define FLOOD_PEERS_MAX 8

struct flood {
	struct endpoint peers[FLOOD_PEERS_MAX]; /* each gets as many */
	int fds[FLOOD_PEERS_MAX];
	size_t n_peers;
	uint64_t count;
	uint64_t seconds;
	uint64_t pause_us;
	uint64_t fresh; /* a new source port, so a new connection, for every datagram */
};

static int flood_parse(int argc, char **argv, struct flood *ret)
{
	int i = 1;

	for (; i + 1 < argc && !strncmp(argv[i], "--", 2); i += 2) {
		uint64_t *value = !strcmp(argv[i], "--count")	   ? &ret->count
				  : !strcmp(argv[i], "--seconds")  ? &ret->seconds
				  : !strcmp(argv[i], "--pause-us") ? &ret->pause_us
				  : !strcmp(argv[i], "--fresh")	   ? &ret->fresh
								   : NULL;

		if (!value || number_parse(argv[i + 1], UINT32_MAX, value))
			return -EINVAL;
	}
	if (argc == i || (argc - i) % 3 || (!ret->count && !ret->seconds))
		return -EINVAL;
	for (; i < argc; i += 3) {
		if (ret->n_peers == FLOOD_PEERS_MAX || strcmp(argv[i], "udp") ||
		    endpoint_parse((const char *const *)argv + i, &ret->peers[ret->n_peers]))
			return -EINVAL;
		ret->n_peers++;
	}
	return 0;
}

static int flood_socket(const struct endpoint *peer)
{
	return socket(peer->addr.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

/* One datagram to each peer; how many of them could not be sent. Where nobody answers ARP, what
 * waits for an answer fills the buffer of its socket: a flood that waited for room would stand
 * still for three seconds at a time. */
static uint64_t flood_round(struct flood *flood, uint64_t seq)
{
	uint64_t payload = htobe64(seq), errors = 0;

	for (size_t i = 0; i < flood->n_peers; i++) {
		const struct endpoint *peer = &flood->peers[i];

		if (sendto(flood->fds[i], &payload, sizeof(payload), MSG_DONTWAIT,
			   (const struct sockaddr *)&peer->addr, peer->len_bytes) < 0)
			errors++;
		if (flood->fresh) {
			close(flood->fds[i]);
			flood->fds[i] = flood_socket(peer);
		}
	}
	return errors;
}

/* Process 1 of a container hears only signals that it has a handler for: without one Docker waits
 * ten seconds for the end of it, then kills it. */
static void end_at_once(int number)
{
	_exit(128 + number);
}

/* The sockets are not connected, so an ICMP error cannot stop the flood. */
int cmd_flood(int argc, char **argv)
{
	struct flood flood = { 0 };
	uint64_t rounds = 0, errors = 0, end_ms;
	int r = flood_parse(argc, argv, &flood);

	if (r)
		return fail("flood", -r);
	signal(SIGTERM, end_at_once);
	for (size_t i = 0; i < flood.n_peers; i++) {
		flood.fds[i] = flood_socket(&flood.peers[i]);
		if (flood.fds[i] < 0)
			return fail("flood", errno);
	}
	end_ms = now_ms() + flood.seconds * 1000;
	while (flood.count ? rounds < flood.count : now_ms() < end_ms) {
		errors += flood_round(&flood, rounds++);
		if (flood.pause_us) /* its pace, which the caller chooses */
			usleep((useconds_t)flood.pause_us);
	}
	printf("sent %llu errors %llu\n", (unsigned long long)(rounds * flood.n_peers - errors),
	       (unsigned long long)errors);
	return 0;
}

struct tally {
	uint64_t received;
	uint64_t lowest;
	uint64_t highest;
};

static void tally_read(int fd, struct tally *tally)
{
	uint64_t payload = 0;

	while (recv(fd, &payload, sizeof(payload), 0) >= 0) {
		uint64_t seq = be64toh(payload);

		if (!tally->received || seq < tally->lowest)
			tally->lowest = seq;
		if (seq > tally->highest)
			tally->highest = seq;
		if (tally->received++ == 0)
			puts("receiving");
	}
}

/* /dev/null, a container's usual stdin, is always at its end: watch pipes only. */
static int stdin_to_watch(void)
{
	struct stat stat;

	if (fstat(STDIN_FILENO, &stat) || !(S_ISFIFO(stat.st_mode) || S_ISSOCK(stat.st_mode)))
		return -1;
	return STDIN_FILENO;
}

int cmd_sink(int argc, char **argv)
{
	struct pollfd polls[4] = { { .events = POLLIN, .fd = stop_fd_open() },
				   { .events = POLLIN, .fd = stdin_to_watch() },
				   { .events = POLLIN },
				   { .events = POLLIN } };
	const int buffer_bytes = 64 << 20;
	struct tally tally = { 0 };
	uint64_t port;

	if (argc != 3 || strcmp(argv[1], "udp") || number_parse(argv[2], 65535, &port))
		return fail("sink", EINVAL);
	polls[2].fd = socket_listen(AF_INET, SOCK_DGRAM, (uint16_t)port);
	polls[3].fd = socket_listen(AF_INET6, SOCK_DGRAM, (uint16_t)port);
	if (polls[2].fd < 0)
		return fail("sink", -polls[2].fd);
	for (int i = 2; i < 4; i++)
		if (polls[i].fd >= 0 && setsockopt(polls[i].fd, SOL_SOCKET, SO_RCVBUFFORCE,
						   &buffer_bytes, sizeof(buffer_bytes)))
			puts("note: small receive buffer, no CAP_NET_ADMIN");
	puts("ready");
	while (!polls[0].revents && !(polls[1].revents && read(STDIN_FILENO, &port, 1) <= 0)) {
		if (poll(polls, 4, -1) < 0 && errno != EINTR)
			return fail("sink", errno);
		for (int i = 2; i < 4; i++)
			if (polls[i].fd >= 0)
				tally_read(polls[i].fd, &tally);
	}
	printf("received %llu lowest %llu highest %llu\n", (unsigned long long)tally.received,
	       (unsigned long long)tally.lowest, (unsigned long long)tally.highest);
	return 0;
}

/* 16 KiB a millisecond: dense enough to see a stall, light enough for a small
 * machine.  Ends when the peer is gone. */
static void stream_feed(int fd)
{
	static const char bytes[16384];

	while (send(fd, bytes, sizeof(bytes), 0) > 0)
		usleep(1000);
}

static int stream_serve(const char *port_text)
{
	struct pollfd polls[3] = { { .events = POLLIN, .fd = stop_fd_open() },
				   { .events = POLLIN },
				   { .events = POLLIN } };
	uint64_t port;

	if (number_parse(port_text, 65535, &port))
		return fail("stream serve", EINVAL);
	polls[1].fd = socket_listen(AF_INET, SOCK_STREAM, (uint16_t)port);
	polls[2].fd = socket_listen(AF_INET6, SOCK_STREAM, (uint16_t)port);
	if (polls[1].fd < 0)
		return fail("stream serve", -polls[1].fd);
	signal(SIGCHLD, SIG_IGN);
	puts("ready");
	while (!polls[0].revents) {
		if (poll(polls, 3, -1) < 0 && errno != EINTR)
			return fail("stream serve", errno);
		for (int i = 1; i < 3; i++) {
			int fd = polls[i].revents & POLLIN ? accept(polls[i].fd, NULL, NULL) : -1;

			if (fd >= 0 && fork() == 0) {
				prctl(PR_SET_PDEATHSIG, SIGKILL);
				stream_feed(fd);
				_exit(0);
			}
			if (fd >= 0)
				close(fd);
		}
	}
	return 0;
}

static int stream_get(const char *addr, const char *port)
{
	struct pollfd polls[2] = { { .events = POLLIN, .fd = stop_fd_open() },
				   { .events = POLLIN } };
	static char bytes[65536];
	struct endpoint peer;
	uint64_t total = 0, longest_ms = 0, last_ms, report_ms;
	ssize_t n = 1;

	if (endpoint_parse((const char *[]){ "tcp", addr, port }, &peer))
		return fail("stream get", EINVAL);
	polls[1].fd = socket_connect(&peer);
	if (polls[1].fd < 0)
		return fail("stream get", -polls[1].fd);
	last_ms = report_ms = now_ms();
	while (n > 0 && !polls[0].revents) {
		int ready = poll(polls, 2, 20);
		uint64_t now = now_ms();

		if (now - last_ms > longest_ms)
			longest_ms = now - last_ms;
		if (ready > 0 && polls[1].revents) {
			n = recv(polls[1].fd, bytes, sizeof(bytes), 0);
			total += n > 0 ? (uint64_t)n : 0;
			last_ms = now;
		}
		if (now - report_ms >= 100) {
			print_summary("progress", total, longest_ms);
			report_ms = now;
		}
	}
	if (n <= 0)
		printf("closed %s\n", n ? strerror(errno) : "by the peer");
	print_summary("total", total, longest_ms);
	return n > 0 ? 0 : 1;
}

int cmd_stream(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "serve"))
		return stream_serve(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "get"))
		return stream_get(argv[2], argv[3]);
	return fail("stream", EINVAL);
}

/* What came back: echoes are '.', everything else is the server's greeting. */
static int hold_read(int fd, uint64_t *alive)
{
	char bytes[512];
	ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	if (n == 0)
		return -ECONNRESET;
	for (ssize_t i = 0; i < n; i++)
		if (bytes[i] == '\x01')
			printf("alive %llu\n", (unsigned long long)++*alive);
	return 0;
}

int cmd_hold(int argc, char **argv)
{
	struct pollfd polls[2] = { { .events = POLLIN, .fd = stop_fd_open() },
				   { .events = POLLIN } };
	struct endpoint peer;
	uint64_t alive = 0, next_ms = 0;
	int r = 0;

	if (argc != 4 || endpoint_parse((const char *const *)argv + 1, &peer))
		return fail("hold", EINVAL);
	polls[1].fd = socket_connect(&peer);
	if (polls[1].fd < 0)
		return fail("hold", -polls[1].fd);
	puts("ready");
	while (!r && !polls[0].revents) {
		uint64_t now = now_ms();

		if (now >= next_ms) {
			next_ms = now + 20;
			if (send(polls[1].fd, "\x01", 1, MSG_DONTWAIT) < 0 && errno != EAGAIN)
				r = -errno;
		}
		if (!r && poll(polls, 2, next_ms > now ? (int)(next_ms - now) : 0) > 0 &&
		    polls[1].revents)
			r = hold_read(polls[1].fd, &alive);
	}
	if (r)
		printf("dead %s\n", strerror(-r));
	printf("total %llu\n", (unsigned long long)alive);
	return r ? 1 : 0;
}
