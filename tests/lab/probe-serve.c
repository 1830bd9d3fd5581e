/* SPDX-License-Identifier: GPL-2.0-or-later
 * probe serve: a TCP and UDP echo server on any number of ports, both address
 * families, in one epoll loop.  It tells every client the address it came
 * from, which shows address translation and docker-proxy, and answers UDP from
 * the address that was asked, which a plain wildcard socket would not do.
 */
#include "probe.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum watch_kind {
	WATCH_LISTEN,
	WATCH_UDP,
	WATCH_CLIENT,
	WATCH_STOP,
};

struct server {
	int epoll_fd;
	bool log;
};

static int watch_add(const struct server *server, int fd, enum watch_kind kind)
{
	struct epoll_event event = {
		.events = EPOLLIN,
		.data.u64 = (uint64_t)kind << 32 | (uint32_t)fd,
	};

	return epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static void log_arrival(const struct server *server, const char *proto, int fd, const char *peer)
{
	struct sockaddr_storage local;
	socklen_t len_bytes = sizeof(local);
	char text[80];

	if (!server->log || getsockname(fd, (struct sockaddr *)&local, &len_bytes))
		return;
	endpoint_print(&local, text, sizeof(text));
	printf("%s %s from %s\n", proto, text, peer);
}

static void accept_client(const struct server *server, int listen_fd)
{
	struct sockaddr_storage peer;
	socklen_t len_bytes = sizeof(peer);
	char text[80], line[100];
	int fd, n;

	fd = accept4(listen_fd, (struct sockaddr *)&peer, &len_bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	endpoint_print(&peer, text, sizeof(text));
	log_arrival(server, "tcp", fd, text);
	n = snprintf(line, sizeof(line), "hello %s\n", text);
	if (send(fd, line, (size_t)n, 0) < 0 || watch_add(server, fd, WATCH_CLIENT))
		close(fd);
}

/* Bytes that the peer does not take at once are dropped: it is a test echo. */
static void echo_client(int fd)
{
	char bytes[4096];
	ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || (send(fd, bytes, (size_t)n, 0) < 0 && errno != EAGAIN))
		close(fd);
}

/* The received packet info names the address that was asked; sent back with the
 * interface cleared, it sets the source address and leaves the route alone. */
static void clear_interface(struct msghdr *message)
{
	struct cmsghdr *head = CMSG_FIRSTHDR(message);

	if (!head)
		return;
	if (head->cmsg_level == IPPROTO_IP && head->cmsg_type == IP_PKTINFO)
		((struct in_pktinfo *)CMSG_DATA(head))->ipi_ifindex = 0;
	if (head->cmsg_level == IPPROTO_IPV6 && head->cmsg_type == IPV6_PKTINFO) {
		struct in6_pktinfo *info = (struct in6_pktinfo *)CMSG_DATA(head);

		if (!IN6_IS_ADDR_LINKLOCAL(&info->ipi6_addr))
			info->ipi6_ifindex = 0;
	}
}

static void echo_datagram(const struct server *server, int fd)
{
	struct sockaddr_storage peer;
	char control[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	char bytes[1400], text[80], answer[1500];
	struct iovec in = { .iov_base = bytes, .iov_len = sizeof(bytes) - 1 };
	struct iovec out = { .iov_base = answer };
	struct msghdr message = {
		.msg_name = &peer,
		.msg_namelen = sizeof(peer),
		.msg_iov = &in,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(fd, &message, 0);

	if (n < 0)
		return;
	bytes[n] = '\0';
	endpoint_print(&peer, text, sizeof(text));
	log_arrival(server, "udp", fd, text);
	out.iov_len = (size_t)snprintf(answer, sizeof(answer), "hello %s %s", text, bytes);
	message.msg_iov = &out;
	clear_interface(&message);
	if (sendmsg(fd, &message, 0) < 0 && server->log)
		printf("udp answer to %s failed: %s\n", text, strerror(errno));
}

static int serve_port(const struct server *server, const char *spec)
{
	static const int families[] = { AF_INET, AF_INET6 };
	int type = !strncmp(spec, "tcp/", 4) ? SOCK_STREAM : SOCK_DGRAM;
	uint64_t port;
	int fd, r;

	if (type == SOCK_DGRAM && strncmp(spec, "udp/", 4))
		return -EINVAL;
	if (number_parse(spec + 4, 65535, &port))
		return -EINVAL;
	for (size_t i = 0; i < 2; i++) {
		fd = socket_listen(families[i], type, (uint16_t)port);
		if (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL)
			continue; /* IPv6 is switched off here */
		if (fd < 0)
			return fd;
		r = watch_add(server, fd, type == SOCK_STREAM ? WATCH_LISTEN : WATCH_UDP);
		if (r)
			return r;
	}
	return 0;
}

static bool handle_event(const struct server *server, uint64_t data)
{
	int fd = (int)(uint32_t)data;

	switch ((enum watch_kind)(data >> 32)) {
	case WATCH_LISTEN:
		accept_client(server, fd);
		return true;
	case WATCH_UDP:
		echo_datagram(server, fd);
		return true;
	case WATCH_CLIENT:
		echo_client(fd);
		return true;
	case WATCH_STOP:
		return false;
	}
	return false;
}

static int serve_loop(const struct server *server)
{
	struct epoll_event events[64];

	for (;;) {
		int n = epoll_wait(server->epoll_fd, events, 64, -1);

		for (int i = 0; i < n; i++)
			if (!handle_event(server, events[i].data.u64))
				return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
}

int cmd_serve(int argc, char **argv)
{
	struct server server = { .epoll_fd = epoll_create1(EPOLL_CLOEXEC) };
	int stop_fd = stop_fd_open();
	int first = 1, r;

	raise_file_limit();
	if (argc > 1 && !strcmp(argv[1], "--log")) {
		server.log = true;
		first = 2;
	}
	if (server.epoll_fd < 0 || stop_fd < 0 || watch_add(&server, stop_fd, WATCH_STOP)) {
		perror("probe serve");
		return 2;
	}
	for (int i = first; i < argc; i++) {
		r = serve_port(&server, argv[i]);
		if (r) {
			fprintf(stderr, "probe serve: %s: %s\n", argv[i], strerror(-r));
			return 2;
		}
	}
	puts("ready");
	r = serve_loop(&server);
	return r ? 2 : 0;
}
