/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/base/fd.h"
#include "edge/host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* A resolv.conf is a few lines. */
#define RESOLV_BYTES 65536u

static bool is_listed(const struct host_resolvers *resolvers, const struct ip_addr *addr)
{
	for (size_t i = 0; i < resolvers->n; i++) {
		if (ip_compare(&resolvers->addrs[i], addr) == 0)
			return true;
	}
	return false;
}

/* "nameserver ADDRESS"; fe80::1%eth0 counts without its interface. */
static void parse_line(const char *line, size_t len, struct host_resolvers *ret)
{
	static const char key[] = "nameserver";
	static const char blank[] = " \t\r";
	char text[IP_TEXT_LEN];
	struct ip_addr addr;

	if (len <= sizeof(key) - 1 || memcmp(line, key, sizeof(key) - 1) != 0)
		return;
	line += sizeof(key) - 1;
	len -= sizeof(key) - 1;
	if (!memchr(blank, *line, sizeof(blank) - 1))
		return;
	while (len > 0 && memchr(blank, *line, sizeof(blank) - 1)) {
		line++;
		len--;
	}
	size_t n = 0;
	while (n < len && n < sizeof(text) - 1 && line[n] && !strchr(" \t\r%#;", line[n])) {
		text[n] = line[n];
		n++;
	}
	text[n] = '\0';
	if (ret->n < HOST_RESOLVERS && ip_parse(text, &addr) == 0 && !is_listed(ret, &addr))
		ret->addrs[ret->n++] = addr;
}

void host_resolvers_parse(const char *text, size_t len, struct host_resolvers *ret)
{
	memset(ret, 0, sizeof(*ret));
	while (len > 0) {
		const char *end = memchr(text, '\n', len);
		size_t line_len = end ? (size_t)(end - text) : len;

		parse_line(text, line_len, ret);
		text += line_len + (end ? 1 : 0);
		len -= line_len + (end ? 1 : 0);
	}
}

static int read_file(const char *path, struct host_resolvers *ret)
{
	char text[RESOLV_BYTES];
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return -errno;
	ssize_t len = fd_read(fd, text, sizeof(text));
	if (len < 0)
		return (int)len;
	host_resolvers_parse(text, (size_t)len, ret);
	return 0;
}

bool host_resolvers_are_local(const struct host_resolvers *resolvers)
{
	for (size_t i = 0; i < resolvers->n; i++) {
		if (!ip_is_loopback(&resolvers->addrs[i]))
			return false;
	}
	return resolvers->n > 0;
}

int host_resolvers_refresh(struct host_resolvers *resolvers)
{
	struct host_resolvers now, behind;

	memset(&now, 0, sizeof(now));
	int r = read_file(HOST_RESOLV_CONF, &now);
	if (r < 0 && r != -ENOENT)
		return r;
	if (host_resolvers_are_local(&now) && read_file(HOST_RESOLVED_CONF, &behind) == 0 &&
	    behind.n > 0)
		now = behind;
	if (memcmp(&now, resolvers, sizeof(now)) == 0)
		return 0;
	*resolvers = now;
	return 1;
}
