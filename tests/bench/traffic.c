/* SPDX-License-Identifier: GPL-2.0-or-later
 * traffic: what the benchmark sends and watches; run by tests/bench/run inside its namespaces.
 * Endpoint K of network N has the address 10.64+N.1+K/256.K%256 and the MAC 02:42 with the
 * address behind it; clients are of network 0 on interfaces c0, c1, ..., servers of network 1 on
 * s0, s1, ... Results are lines of numbers on stdout, mistakes on stderr with exit 2. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FRAME_BYTES 60u
#define BATCH 64u
#define TCP_CHUNK (128u * 1024u)

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int fail(const char *what)
{
	(void)fprintf(stderr, "traffic: %s: %s\n", what, strerror(errno));
	return 2;
}

static uint64_t number(const char *text)
{
	return strtoull(text, NULL, 10);
}

/* ---- frames ---- */

struct flows {
	bool reply;	 /* from the servers back to the clients */
	uint32_t active; /* endpoints on either side */
	uint32_t n;	 /* flows */
	uint32_t first;	 /* of all flows ever, so that they differ from those sent before */
	uint16_t port;	 /* of the servers */
	uint8_t router[ETH_ALEN];
};

static void endpoint_address(uint32_t network, uint32_t k, uint8_t ret[4])
{
	ret[0] = 10;
	ret[1] = (uint8_t)(64 + network);
	ret[2] = (uint8_t)(1 + k / 256);
	ret[3] = (uint8_t)k;
}

static uint16_t ip_checksum(const uint8_t *header)
{
	uint32_t sum = 0;

	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)(header[i] << 8 | header[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* Pairs of endpoints in an order without pattern; the port tells flows of one pair apart. */
static void flow_ends(const struct flows *flows, uint32_t i, uint32_t ret[2], uint32_t *ret_port)
{
	uint32_t k = flows->first + i, mixed = k * 2654435761u;

	ret[0] = (mixed >> 8) % flows->active;
	ret[1] = (mixed >> 20 ^ k) % flows->active;
	*ret_port = 1024 + k % 60000;
}

static void make_frame(const struct flows *flows, uint32_t i, uint8_t *frame)
{
	uint8_t *ip = frame + ETH_HLEN, *udp = ip + 20;
	uint32_t ends[2], port;
	int from = flows->reply ? 1 : 0;

	flow_ends(flows, i, ends, &port);
	memset(frame, 0, FRAME_BYTES);
	memcpy(frame, flows->router, ETH_ALEN);
	frame[6] = 0x02;
	frame[7] = 0x42;
	endpoint_address((uint32_t)from, ends[from], frame + 8);
	put16(frame + 12, ETH_P_IP);
	ip[0] = 0x45;
	put16(ip + 2, FRAME_BYTES - ETH_HLEN);
	ip[8] = 64;
	ip[9] = IPPROTO_UDP;
	endpoint_address((uint32_t)from, ends[from], ip + 12);
	endpoint_address((uint32_t)!from, ends[!from], ip + 16);
	put16(ip + 10, ip_checksum(ip));
	put16(udp, flows->reply ? flows->port : port);
	put16(udp + 2, flows->reply ? port : flows->port);
	put16(udp + 4, FRAME_BYTES - ETH_HLEN - 20);
}

struct frames {
	uint8_t *bytes;
	struct sockaddr_ll *to;
};

static int make_frames(const struct flows *flows, struct frames *ret)
{
	uint32_t *ifindex = calloc(flows->active, sizeof(*ifindex));

	ret->bytes = calloc(flows->n, FRAME_BYTES);
	ret->to = calloc(flows->n, sizeof(*ret->to));
	if (!ifindex || !ret->bytes || !ret->to)
		return -ENOMEM;
	for (uint32_t k = 0; k < flows->active; k++) {
		char name[IF_NAMESIZE];
		(void)snprintf(name, sizeof(name), "%c%u", flows->reply ? 's' : 'c', k);
		ifindex[k] = if_nametoindex(name);
		if (!ifindex[k])
			return -errno;
	}
	for (uint32_t i = 0; i < flows->n; i++) {
		uint32_t ends[2], port;
		flow_ends(flows, i, ends, &port);
		make_frame(flows, i, ret->bytes + (size_t)i * FRAME_BYTES);
		ret->to[i] = (struct sockaddr_ll){
			.sll_family = AF_PACKET,
			.sll_protocol = htons(ETH_P_IP),
			.sll_ifindex = (int)ifindex[ends[flows->reply ? 1 : 0]],
			.sll_halen = ETH_ALEN,
		};
		memcpy(ret->to[i].sll_addr, flows->router, ETH_ALEN);
	}
	free(ifindex);
	return 0;
}

/* On veth the sender runs the whole way of its packets itself: the time is the cost of the way. */
static int send_frames(int fd, const struct frames *frames, uint32_t n_flows, uint64_t count)
{
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];

	for (uint64_t sent = 0; sent < count;) {
		unsigned int n = count - sent < BATCH ? (unsigned int)(count - sent) : BATCH;
		for (unsigned int i = 0; i < n; i++) {
			size_t at = (sent + i) % n_flows;
			parts[i] = (struct iovec){ frames->bytes + at * FRAME_BYTES, FRAME_BYTES };
			messages[i] =
				(struct mmsghdr){ .msg_hdr = { .msg_name = &frames->to[at],
							       .msg_namelen = sizeof(*frames->to),
							       .msg_iov = &parts[i],
							       .msg_iovlen = 1 } };
		}
		int r = sendmmsg(fd, messages, n, 0);
		if (r <= 0)
			return -errno;
		sent += (unsigned int)r;
	}
	return 0;
}

/* send orig|reply ROUTER-MAC ACTIVE FLOWS FIRST PORT COUNT: prints the nanoseconds it took. */
static int cmd_send(char **args)
{
	struct flows flows = { .reply = strcmp(args[0], "reply") == 0,
			       .active = (uint32_t)number(args[2]),
			       .n = (uint32_t)number(args[3]),
			       .first = (uint32_t)number(args[4]),
			       .port = (uint16_t)number(args[5]) };
	struct frames frames;
	const int one = 1;
	const struct sched_param first_of_all = { .sched_priority = 10 };
	cpu_set_t last;

	if (sscanf(args[1], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &flows.router[0], &flows.router[1],
		   &flows.router[2], &flows.router[3], &flows.router[4], &flows.router[5]) != 6) {
		errno = EINVAL;
		return fail("router's MAC");
	}
	CPU_ZERO(&last);
	CPU_SET((size_t)sysconf(_SC_NPROCESSORS_ONLN) - 1, &last);
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0 || sched_setaffinity(0, sizeof(last), &last) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) < 0)
		return fail("packet socket");
	errno = -make_frames(&flows, &frames);
	/* For some ten milliseconds: what else this machine does is not what is measured. */
	if (errno || sched_setscheduler(0, SCHED_FIFO, &first_of_all) < 0)
		return fail("frames");
	uint64_t begin = now_ns();
	errno = -send_frames(fd, &frames, flows.n, number(args[6]));
	if (errno)
		return fail("sendmmsg");
	printf("%llu\n", (unsigned long long)(now_ns() - begin));
	return 0;
}

/* ---- TCP ---- */

static struct sockaddr_in tcp_address(const char *addr, const char *port)
{
	struct sockaddr_in ret = { .sin_family = AF_INET,
				   .sin_port = htons((uint16_t)number(port)) };

	(void)inet_pton(AF_INET, addr, &ret.sin_addr);
	return ret;
}

/* serve PORT: swallows one connection after the other; closes when the peer has. */
static int cmd_serve(char **args)
{
	struct sockaddr_in address = tcp_address("0.0.0.0", args[0]);
	static char chunk[TCP_CHUNK];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 8) < 0)
		return fail("listen");
	printf("ready\n");
	(void)fflush(stdout);
	for (;;) {
		int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		if (peer < 0)
			return fail("accept");
		while (read(peer, chunk, sizeof(chunk)) > 0)
			;
		(void)close(peer);
	}
}

/* stream ADDR PORT MILLISECONDS: prints bytes and nanoseconds, until the server has it all. */
static int cmd_stream(char **args)
{
	struct sockaddr_in address = tcp_address(args[0], args[1]);
	uint64_t bytes = 0, length_ns = number(args[2]) * 1000000u;
	static char chunk[TCP_CHUNK];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return fail("connect");
	uint64_t begin = now_ns();
	while (now_ns() - begin < length_ns) {
		ssize_t n = write(fd, chunk, sizeof(chunk));
		if (n < 0)
			return fail("write");
		bytes += (uint64_t)n;
	}
	if (shutdown(fd, SHUT_WR) < 0 || read(fd, chunk, 1) != 0)
		return fail("end of the stream");
	printf("%llu %llu\n", (unsigned long long)bytes, (unsigned long long)(now_ns() - begin));
	return 0;
}

/* ---- netlink ---- */

/* A socket that is not bound gets no notifications. */
static int netlink_open(int protocol, int group)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -1;
	if (group && setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		return -1;
	return fd;
}

/* Sends @request, which asks for an acknowledgement, and reads it. 0 or -errno. */
static int netlink_ask(int fd, struct nlmsghdr *request)
{
	char answer[4096];

	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	if (send(fd, request, request->nlmsg_len, 0) < 0 || recv(fd, answer, sizeof(answer), 0) < 0)
		return -errno;
	return ((struct nlmsgerr *)NLMSG_DATA((struct nlmsghdr *)answer))->error;
}

/* flush: forgets all connections of this namespace. */
static int cmd_flush(char **args)
{
	struct {
		struct nlmsghdr head;
		struct nfgenmsg body;
	} request = { { .nlmsg_len = sizeof(request),
			.nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE },
		      { .nfgen_family = AF_UNSPEC } };
	int fd = netlink_open(NETLINK_NETFILTER, 0);

	(void)args;
	errno = fd < 0 ? errno : -netlink_ask(fd, &request.head);
	return errno ? fail("flush") : 0;
}

static int set_master(int fd, const char *port, const char *bridge)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg body;
		struct rtattr attr;
		uint32_t master;
	} request = { { .nlmsg_len = sizeof(request), .nlmsg_type = RTM_NEWLINK },
		      { .ifi_index = (int)if_nametoindex(port) },
		      { .rta_len = RTA_LENGTH(sizeof(uint32_t)), .rta_type = IFLA_MASTER },
		      if_nametoindex(bridge) };

	return netlink_ask(fd, &request.head);
}

static bool has_new_generation(const char *bytes, size_t len)
{
	const struct nlmsghdr *head = (const struct nlmsghdr *)bytes;

	for (; NLMSG_OK(head, len); head = NLMSG_NEXT(head, len))
		if (head->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN))
			return true;
	return false;
}

/* The time of the next commit, or 0 when there is none for @wait_ms. */
static uint64_t next_commit(int fd, int wait_ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	static char bytes[65536];

	while (poll(&poll_fd, 1, wait_ms) > 0) {
		uint64_t at = now_ns();
		ssize_t n = recv(fd, bytes, sizeof(bytes), 0);
		if (n > 0 && has_new_generation(bytes, (size_t)n))
			return at;
	}
	return 0;
}

/* plug BRIDGE PORT...: plugs them in one by one; prints for each the nanoseconds from the request
 * to the first commit after it, and to the last one before 30 ms of silence. */
static int cmd_plug(char **args)
{
	int route = netlink_open(NETLINK_ROUTE, 0);
	int tables = netlink_open(NETLINK_NETFILTER, NFNLGRP_NFTABLES);

	if (route < 0 || tables < 0)
		return fail("netlink");
	for (char **port = args + 1; *port; port++) {
		uint64_t begin = now_ns();
		errno = -set_master(route, *port, args[0]);
		if (errno)
			return fail(*port);
		uint64_t first = next_commit(tables, 3000), last = first;
		for (uint64_t more = first; more; more = next_commit(tables, 30))
			last = more;
		if (!first) {
			errno = ETIME;
			return fail(*port);
		}
		printf("%llu %llu\n", (unsigned long long)(first - begin),
		       (unsigned long long)(last - begin));
	}
	return 0;
}

static const struct {
	const char *name;
	int n_args;
	int (*run)(char **args);
} verbs[] = {
	{ "send", 7, cmd_send },   { "serve", 1, cmd_serve }, { "stream", 3, cmd_stream },
	{ "flush", 0, cmd_flush }, { "plug", 2, cmd_plug },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (argc >= 2 + verbs[i].n_args && strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(argv + 2);
	(void)fprintf(stderr, "usage: traffic send|serve|stream|flush|plug ARGUMENT...\n");
	return 2;
}
