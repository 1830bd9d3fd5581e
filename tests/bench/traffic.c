/* SPDX-License-Identifier: GPL-2.0-or-later
 * traffic: what the benchmarks send and watch; run by tests/bench inside their namespaces.
 * Results are lines of numbers on stdout, mistakes on stderr with exit 2. */
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
#include <netinet/ether.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FRAME_BYTES 80u /* at most; 60 of IPv4 */
#define UDP_BYTES 26u
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

/* Of either family: one of IPv4 is mapped. */
static struct sockaddr_in6 address_of(const char *text, const char *port)
{
	struct sockaddr_in6 ret = { .sin6_family = AF_INET6,
				    .sin6_port = htons((uint16_t)number(port)) };
	char mapped[INET6_ADDRSTRLEN];

	(void)snprintf(mapped, sizeof(mapped), "%s%s", strchr(text, ':') ? "" : "::ffff:", text);
	(void)inet_pton(AF_INET6, mapped, &ret.sin6_addr);
	return ret;
}

/* ---- frames ---- */

/* What a file says of the flows: a line for each pair of ends, "INTERFACE FROM-MAC TO-MAC FROM TO
 * FROM-PORT TO-PORT", addresses of either family. Flow I is between the ends of line I modulo the
 * lines, and one of its ports tells it from all others. */
struct pair {
	char ifname[IF_NAMESIZE];
	uint8_t macs[2][ETH_ALEN]; /* from, to */
	int family;
	uint8_t addresses[2][16];
	unsigned int ports[2];
};

struct flows {
	struct pair *pairs;
	uint32_t n_pairs;
	uint32_t n;	/* flows */
	uint32_t first; /* of all flows ever, so that they differ from those sent before */
	int varies;	/* which port: 0 from, 1 to */
	char payload;	/* 'a' asks for an answer */
};

struct frames {
	uint8_t *bytes; /* FRAME_BYTES each */
	uint16_t *lengths;
	struct sockaddr_ll *to;
};

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint32_t sum16(const uint8_t *bytes, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i += 2)
		sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	return sum;
}

static uint16_t folded(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static bool read_pair(const char *line, struct pair *ret)
{
	char macs[2][18], ends[2][INET6_ADDRSTRLEN];

	if (sscanf(line, "%15s %17s %17s %45s %45s %u %u", ret->ifname, macs[0], macs[1], ends[0],
		   ends[1], &ret->ports[0], &ret->ports[1]) != 7)
		return false;
	ret->family = strchr(ends[0], ':') ? AF_INET6 : AF_INET;
	for (int end = 0; end < 2; end++)
		if (!ether_aton_r(macs[end], (struct ether_addr *)ret->macs[end]) ||
		    inet_pton(ret->family, ends[end], ret->addresses[end]) != 1)
			return false;
	return true;
}

static int read_pairs(const char *path, struct flows *ret)
{
	FILE *file = fopen(path, "re");
	char line[256];

	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		ret->pairs = realloc(ret->pairs, (ret->n_pairs + 1) * sizeof(*ret->pairs));
		if (!ret->pairs || !read_pair(line, &ret->pairs[ret->n_pairs++])) {
			(void)fclose(file);
			return -EINVAL;
		}
	}
	(void)fclose(file);
	return ret->n_pairs ? 0 : -ENODATA;
}

/* The network header; where UDP's begins. */
static uint8_t *put_network(const struct pair *pair, uint8_t *at)
{
	if (pair->family == AF_INET6) {
		at[0] = 0x60;
		put16(at + 4, UDP_BYTES);
		at[6] = IPPROTO_UDP;
		at[7] = 64;
		memcpy(at + 8, pair->addresses[0], 16);
		memcpy(at + 24, pair->addresses[1], 16);
		return at + 40;
	}
	at[0] = 0x45;
	put16(at + 2, 20 + UDP_BYTES);
	at[8] = 64;
	at[9] = IPPROTO_UDP;
	memcpy(at + 12, pair->addresses[0], 4);
	memcpy(at + 16, pair->addresses[1], 4);
	put16(at + 10, folded(sum16(at, 20)));
	return at + 20;
}

/* IPv4 needs no checksum of UDP, IPv6 does. */
static void put_udp(const struct flows *flows, const struct pair *pair, uint32_t i, uint8_t *udp)
{
	uint32_t ports[2] = { pair->ports[0], pair->ports[1] };

	ports[flows->varies] = 1024 + (flows->first + i) % 60000;
	put16(udp, ports[0]);
	put16(udp + 2, ports[1]);
	put16(udp + 4, UDP_BYTES);
	udp[8] = (uint8_t)flows->payload;
	if (pair->family == AF_INET6)
		put16(udp + 6, folded(IPPROTO_UDP + UDP_BYTES + sum16(pair->addresses[0], 16) +
				      sum16(pair->addresses[1], 16) + sum16(udp, UDP_BYTES)));
}

static uint16_t make_frame(const struct flows *flows, uint32_t i, uint8_t *frame)
{
	const struct pair *pair = &flows->pairs[i % flows->n_pairs];

	memset(frame, 0, FRAME_BYTES);
	memcpy(frame, pair->macs[1], ETH_ALEN);
	memcpy(frame + ETH_ALEN, pair->macs[0], ETH_ALEN);
	put16(frame + 12, pair->family == AF_INET6 ? ETH_P_IPV6 : ETH_P_IP);
	uint8_t *udp = put_network(pair, frame + ETH_HLEN);
	put_udp(flows, pair, i, udp);
	return (uint16_t)(udp + UDP_BYTES - frame);
}

static int make_frames(const struct flows *flows, struct frames *ret)
{
	ret->bytes = calloc(flows->n, FRAME_BYTES);
	ret->lengths = calloc(flows->n, sizeof(*ret->lengths));
	ret->to = calloc(flows->n, sizeof(*ret->to));
	if (!ret->bytes || !ret->lengths || !ret->to)
		return -ENOMEM;
	for (uint32_t i = 0; i < flows->n; i++) {
		const struct pair *pair = &flows->pairs[i % flows->n_pairs];
		ret->lengths[i] = make_frame(flows, i, ret->bytes + (size_t)i * FRAME_BYTES);
		ret->to[i] = (struct sockaddr_ll){
			.sll_family = AF_PACKET,
			.sll_protocol = htons(pair->family == AF_INET6 ? ETH_P_IPV6 : ETH_P_IP),
			.sll_ifindex = (int)if_nametoindex(pair->ifname),
			.sll_halen = ETH_ALEN,
		};
		if (!ret->to[i].sll_ifindex)
			return -errno;
		memcpy(ret->to[i].sll_addr, pair->macs[1], ETH_ALEN);
	}
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
			parts[i] = (struct iovec){ frames->bytes + at * FRAME_BYTES,
						   frames->lengths[at] };
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

/* send FILE from|to|ask FLOWS FIRST COUNT: prints the nanoseconds it took. The file's pairs; which
 * port varies (ask: as from, and each packet asks for an answer). */
static int cmd_send(char **args)
{
	struct flows flows = { .varies = strcmp(args[1], "to") == 0,
			       .payload = args[1][0],
			       .n = (uint32_t)number(args[2]),
			       .first = (uint32_t)number(args[3]) };
	struct frames frames;
	const int one = 1;
	const struct sched_param first_of_all = { .sched_priority = 10 };
	cpu_set_t last;

	errno = -read_pairs(args[0], &flows);
	if (errno)
		return fail(args[0]);
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
	errno = -send_frames(fd, &frames, flows.n, number(args[4]));
	if (errno)
		return fail("sendmmsg");
	printf("%llu\n", (unsigned long long)(now_ns() - begin));
	return 0;
}

/* answer PORT: takes what UDP brings, and answers what asks for it. */
static int cmd_answer(char **args)
{
	struct sockaddr_in6 address = address_of("::", args[0]), peer;
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char byte;

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return fail("bind");
	printf("ready\n");
	(void)fflush(stdout);
	for (;;) {
		socklen_t len = sizeof(peer);
		ssize_t n = recvfrom(fd, &byte, 1, 0, (struct sockaddr *)&peer, &len);
		if (n < 0)
			return fail("recvfrom");
		if (n == 1 && byte == 'a')
			(void)sendto(fd, "r", 1, 0, (struct sockaddr *)&peer, len);
	}
}

/* ---- TCP ---- */

/* serve PORT: swallows connections, a process each (docker-proxy may leave one open behind a client
 * that is gone); closes when the peer has. */
static int cmd_serve(char **args)
{
	struct sockaddr_in6 address = address_of("::", args[0]);
	static char chunk[TCP_CHUNK];
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)signal(SIGCHLD, SIG_IGN);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 4096) < 0)
		return fail("listen");
	printf("ready\n");
	(void)fflush(stdout);
	for (;;) {
		int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		if (peer < 0)
			return fail("accept");
		if (fork() == 0) {
			while (read(peer, chunk, sizeof(chunk)) > 0)
				;
			_exit(0);
		}
		(void)close(peer);
	}
}

/* stream ADDR PORT MILLISECONDS: prints bytes and nanoseconds, until the server has it all. */
static int cmd_stream(char **args)
{
	struct sockaddr_in6 address = address_of(args[0], args[1]);
	uint64_t bytes = 0, length_ns = number(args[2]) * 1000000u;
	static char chunk[TCP_CHUNK];
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

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

/* connect ADDR PORT MILLISECONDS: opens and closes connections; prints how many and the
 * nanoseconds.
 */
static int cmd_connect(char **args)
{
	struct sockaddr_in6 address = address_of(args[0], args[1]);
	const struct linger reset = { .l_onoff = 1 };
	uint64_t n = 0, length_ns = number(args[2]) * 1000000u, begin = now_ns();

	while (now_ns() - begin < length_ns) {
		int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) < 0 ||
		    connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
			return fail("connect");
		(void)close(fd);
		n++;
	}
	printf("%llu %llu\n", (unsigned long long)n, (unsigned long long)(now_ns() - begin));
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
	{ "send", 5, cmd_send },     { "answer", 1, cmd_answer },   { "serve", 1, cmd_serve },
	{ "stream", 3, cmd_stream }, { "connect", 3, cmd_connect }, { "flush", 0, cmd_flush },
	{ "plug", 2, cmd_plug },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (argc >= 2 + verbs[i].n_args && strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(argv + 2);
	(void)fprintf(stderr,
		      "usage: traffic send|answer|serve|stream|connect|flush|plug ARGUMENT...\n");
	return 2;
}
