/* SPDX-License-Identifier: GPL-2.0-or-later
 * probe connect: hundreds of TCP and UDP probes in parallel, one line each:
 *   open|closed|timeout|unreachable|late PROTO ADDR PORT [what was heard]
 * "open" means that the server's own words came back: a mere handshake may be
 * docker-proxy's.  Source ports count up from --port-base so that no probe can
 * be taken for the reply of an earlier one by connection tracking.  With
 * --first-syn a connection is "late" whose first SYN got lost: the kernel has
 * counted that, so it is no matter of time.
 */
#include "probe.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define PROBES_MAX 8192 /* a matrix of 90 x 90; one socket each */
#define PORT_FIRST 20000
#define PORT_COUNT 40000
#define UDP_TRIES 4

enum probe_state {
	PROBE_PENDING,
	PROBE_OPEN,
	PROBE_CLOSED,
	PROBE_TIMEOUT,
	PROBE_UNREACHABLE,
	PROBE_LATE,
};

static const char *const state_names[] = {
	[PROBE_PENDING] = "pending",	     [PROBE_OPEN] = "open",
	[PROBE_CLOSED] = "closed",	     [PROBE_TIMEOUT] = "timeout",
	[PROBE_UNREACHABLE] = "unreachable", [PROBE_LATE] = "late",
};

struct probe {
	const char *spec[3]; /* protocol, address, port as they were asked */
	struct endpoint peer;
	enum probe_state state;
	int fd;
	bool connected;
	uint64_t resend_at_ms; /* UDP: when the next datagram is due */
	char text[160];
};

struct connect_run {
	struct probe *probes;
	size_t n_probes;
	uint64_t timeout_ms;
	uint64_t deadline_ms;
	uint64_t next_port;
	const char *source;
	bool handshake; /* a TCP handshake alone counts as open */
	bool first_syn; /* and is to need no second SYN */
	bool from_stdin;
};

static void probe_finish(struct probe *probe, enum probe_state state, const char *text)
{
	probe->state = state;
	snprintf(probe->text, sizeof(probe->text), "%s", text);
	probe->text[strcspn(probe->text, "\r\n")] = '\0';
	if (probe->fd >= 0)
		close(probe->fd);
	probe->fd = -1;
}

static void probe_fail(struct probe *probe, int error)
{
	if (error == EAGAIN || error == EINTR)
		return;
	probe_finish(probe,
		     error == ECONNREFUSED || error == ECONNRESET ? PROBE_CLOSED
		     : error == ETIMEDOUT			  ? PROBE_TIMEOUT
								  : PROBE_UNREACHABLE,
		     strerror(error));
}

/* Bind to the next source port nobody else here uses. */
static int probe_bind(struct connect_run *run, const struct probe *probe)
{
	const char *any = probe->peer.addr.ss_family == AF_INET ? "0.0.0.0" : "::";
	struct endpoint local;
	char port[8];

	for (int tries = 0; tries < 64; tries++) {
		snprintf(port, sizeof(port), "%u",
			 (unsigned)(PORT_FIRST + run->next_port++ % PORT_COUNT));
		if (endpoint_parse((const char *[]){ "udp", run->source ? run->source : any, port },
				   &local))
			return -EINVAL;
		if (!bind(probe->fd, (struct sockaddr *)&local.addr, local.len_bytes))
			return 0;
		if (errno != EADDRINUSE)
			return -errno;
	}
	return -EADDRINUSE;
}

/* Without IP_RECVERR a UDP socket never hears of most ICMP errors. */
static int probe_open(struct connect_run *run, struct probe *probe)
{
	const int one = 1;
	bool v4 = probe->peer.addr.ss_family == AF_INET;
	int r;

	probe->fd = socket(probe->peer.addr.ss_family,
			   probe->peer.type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (probe->fd < 0)
		return -errno;
	if (setsockopt(probe->fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_RECVERR : IPV6_RECVERR,
		       &one, sizeof(one)))
		return -errno;
	r = probe_bind(run, probe);
	if (r)
		return r;
	if (connect(probe->fd, (struct sockaddr *)&probe->peer.addr, probe->peer.len_bytes) &&
	    errno != EINPROGRESS)
		return -errno;
	return 0;
}

static void probe_send(const struct connect_run *run, struct probe *probe, uint64_t now)
{
	static const char payload[] = "netd-probe";

	if (probe->peer.type != SOCK_DGRAM || now < probe->resend_at_ms)
		return;
	probe->resend_at_ms = now + run->timeout_ms / UDP_TRIES + 1;
	if (send(probe->fd, payload, sizeof(payload) - 1, 0) < 0)
		probe_fail(probe, errno);
}

static void probe_read(struct probe *probe)
{
	char bytes[sizeof(probe->text)];
	ssize_t n = recv(probe->fd, bytes, sizeof(bytes) - 1, 0);

	if (n < 0) {
		probe_fail(probe, errno);
		return;
	}
	bytes[n] = '\0';
	if (n == 0 && probe->peer.type == SOCK_STREAM)
		probe_finish(probe, PROBE_CLOSED, "connected, then closed without a word");
	else
		probe_finish(probe, PROBE_OPEN, bytes);
}

static bool has_lost_syn(const struct probe *probe)
{
	struct tcp_info info = { 0 };
	socklen_t len_bytes = sizeof(info);

	return getsockopt(probe->fd, IPPROTO_TCP, TCP_INFO, &info, &len_bytes) ||
	       info.tcpi_total_retrans > 0;
}

static void probe_event(const struct connect_run *run, struct probe *probe, short events)
{
	int error = 0;
	socklen_t len_bytes = sizeof(error);

	if (getsockopt(probe->fd, SOL_SOCKET, SO_ERROR, &error, &len_bytes))
		error = errno;
	if (error) {
		probe_fail(probe, error);
		return;
	}
	if (events & POLLOUT && probe->peer.type == SOCK_STREAM) {
		bool is_late = !probe->connected && run->first_syn && has_lost_syn(probe);
		probe->connected = true;
		if (is_late)
			probe_finish(probe, PROBE_LATE, "a SYN was lost");
		else if (run->handshake)
			probe_finish(probe, PROBE_OPEN, "handshake");
	}
	if (probe->state == PROBE_PENDING && events & (POLLIN | POLLHUP | POLLERR))
		probe_read(probe);
}

static short probe_wants(const struct probe *probe)
{
	return probe->peer.type == SOCK_STREAM && !probe->connected ? POLLIN | POLLOUT : POLLIN;
}

/* One turn: send what is due, wait, handle.  False when nothing is pending. */
static bool run_turn(const struct connect_run *run, struct pollfd *polls, uint64_t now)
{
	uint64_t wake_ms = run->deadline_ms;
	size_t pending = 0;

	for (size_t i = 0; i < run->n_probes; i++) {
		struct probe *probe = &run->probes[i];

		if (probe->state == PROBE_PENDING)
			probe_send(run, probe, now);
		polls[i] = (struct pollfd){ .fd = probe->fd };
		if (probe->state != PROBE_PENDING)
			continue;
		polls[i].events = probe_wants(probe);
		pending++;
		if (probe->peer.type == SOCK_DGRAM && probe->resend_at_ms < wake_ms)
			wake_ms = probe->resend_at_ms;
	}
	if (!pending || now >= run->deadline_ms)
		return false;
	if (poll(polls, run->n_probes, wake_ms > now ? (int)(wake_ms - now) : 0) < 0)
		return errno == EINTR;
	for (size_t i = 0; i < run->n_probes; i++)
		if (polls[i].revents && run->probes[i].state == PROBE_PENDING)
			probe_event(run, &run->probes[i], polls[i].revents);
	return true;
}

static int run_probes(struct connect_run *run)
{
	struct pollfd *polls = calloc(run->n_probes ? run->n_probes : 1, sizeof(*polls));
	int r;

	if (!polls)
		return -ENOMEM;
	for (size_t i = 0; i < run->n_probes; i++) {
		r = probe_open(run, &run->probes[i]);
		if (r)
			probe_fail(&run->probes[i], -r);
	}
	run->deadline_ms = now_ms() + run->timeout_ms;
	while (run_turn(run, polls, now_ms()))
		;
	for (size_t i = 0; i < run->n_probes; i++) {
		struct probe *probe = &run->probes[i];

		if (probe->state == PROBE_PENDING)
			probe_finish(probe, PROBE_TIMEOUT, probe->connected ? "connected" : "");
		printf("%s %s %s %s %s\n", state_names[probe->state], probe->spec[0],
		       probe->spec[1], probe->spec[2], probe->text);
	}
	free(polls);
	return 0;
}

static int probe_add(struct connect_run *run, const char *const spec[3])
{
	struct probe *probe = &run->probes[run->n_probes];

	if (run->n_probes == PROBES_MAX)
		return -E2BIG;
	*probe = (struct probe){ .spec = { spec[0], spec[1], spec[2] }, .fd = -1 };
	run->n_probes++;
	return endpoint_parse(spec, &probe->peer);
}

/* The lines live until the process ends, as the words of argv do. */
static int read_stdin(struct connect_run *run)
{
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, stdin) > 0) {
		char *rest = NULL;
		const char *spec[3];
		int r;

		spec[0] = strtok_r(line, " \n", &rest);
		spec[1] = strtok_r(NULL, " \n", &rest);
		spec[2] = strtok_r(NULL, " \n", &rest);
		if (!spec[2])
			return -EINVAL;
		r = probe_add(run, spec);
		if (r)
			return r;
		line = NULL;
	}
	free(line);
	return 0;
}

/* The options, up to the first word that is none.  Its index, or -EINVAL. */
static int parse_options(struct connect_run *run, int argc, char **argv)
{
	int i = 1;

	for (; i < argc && !strncmp(argv[i], "--", 2); i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		if (!strcmp(argv[i], "--handshake")) {
			run->handshake = true;
			continue;
		}
		if (!strcmp(argv[i], "--first-syn")) {
			run->first_syn = true;
			continue;
		}
		i++;
		if (!strcmp(argv[i - 1], "--source"))
			run->source = value;
		else if (!strcmp(argv[i - 1], "--timeout-ms")) {
			if (number_parse(value, 600000, &run->timeout_ms))
				return -EINVAL;
		} else if (strcmp(argv[i - 1], "--port-base") ||
			   number_parse(value, UINT32_MAX, &run->next_port))
			return -EINVAL;
	}
	run->from_stdin = i < argc && !strcmp(argv[i], "-");
	return i;
}

int cmd_connect(int argc, char **argv)
{
	struct connect_run run = { .timeout_ms = 1000 };
	int i, r = 0;

	raise_file_limit();
	if (getrandom(&run.next_port, sizeof(uint32_t), 0) < 0)
		run.next_port = now_ms();
	run.probes = calloc(PROBES_MAX, sizeof(*run.probes));
	i = run.probes ? parse_options(&run, argc, argv) : -ENOMEM;
	if (i < 0)
		r = i;
	else if (run.from_stdin)
		r = read_stdin(&run);
	for (; !r && !run.from_stdin && i < argc; i += 3)
		r = argc - i < 3 ? -EINVAL : probe_add(&run, (const char *const *)argv + i);
	if (!r)
		r = run_probes(&run);
	free(run.probes);
	if (r)
		fprintf(stderr, "probe connect: %s\n", strerror(-r));
	return r ? 2 : 0;
}
