/* SPDX-License-Identifier: GPL-2.0-or-later */
/* edge/host: resolv.conf as people write it, and state files that are whole or absent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "edge/host/host.h"

static void waiting_is_parsed(void **state)
{
	static const struct {
		const char *line;
		unsigned int port; /* 0: none */
	} rows[] = {
		{ "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt",
		  0 },
		{ " 1234: 00000000:4659 00000000:0000 07 00000000:00000300 00:00000000 00000000",
		  18009 },
		{ "   12: 00000000000000000000000000000000:FFFF "
		  "00000000000000000000000000000000:0000 07 "
		  "00000000:00034200 00:00000000 00000000 0 0 5 2 0000000000000000 9",
		  65535 },
		{ " 1234: 00000000:4659 00000000:0000 07 00000300:00000000 00:00000000 00000000",
		  0 },
		{ " 1234: 00000000:4659 00000000:0000 07", 0 },
		{ "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world_waiting got = { 0 }, want = { 0 };
		if (rows[i].port)
			want.ports[rows[i].port / 8] = (uint8_t)(1u << rows[i].port % 8);
		host_waiting_parse(rows[i].line, &got);
		assert_memory_equal(&got, &want, sizeof(got));
	}
}

static bool waits(uint16_t port)
{
	struct world_waiting waiting;

	assert_int_equal(host_waiting(&waiting), 0);
	return waiting.ports[port / 8] & 1u << port % 8;
}

/* The kernel's word, of both families. */
static void waiting_is_read(void **state)
{
	(void)state;
	for (int family = 0; family < 2; family++) {
		struct sockaddr_in a4 = { .sin_family = AF_INET,
					  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
		struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
		struct sockaddr *addr = family ? (struct sockaddr *)&a6 : (struct sockaddr *)&a4;
		socklen_t len = family ? sizeof(a6) : sizeof(a4);
		char byte = 0;
		int fd = socket(addr->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		assert_true(fd >= 0);
		assert_int_equal(bind(fd, addr, len), 0);
		assert_int_equal(getsockname(fd, addr, &len), 0);
		uint16_t port = ntohs(family ? a6.sin6_port : a4.sin_port);
		assert_false(waits(port));
		assert_int_equal(sendto(fd, &byte, 1, 0, addr, len), 1);
		assert_true(waits(port));
		assert_int_equal(recv(fd, &byte, 1, 0), 1);
		assert_false(waits(port));
		close(fd);
	}
}

static void resolvers_are_parsed(void **state)
{
	static const struct {
		const char *text, *want; /* addresses, each with a blank behind */
	} rows[] = {
		{ "", "" },
		{ "nameserver 192.0.2.1\n", "192.0.2.1 " },
		{ "nameserver 192.0.2.1", "192.0.2.1 " },
		{ "# c\n; c\nsearch a.b\nnameserver\t192.0.2.1 \r\nnameserver 2001:db8::1#53\n",
		  "192.0.2.1 2001:db8::1 " },
		{ "nameserver fe80::1%eth0\noptions edns0\n", "fe80::1 " },
		{ "nameserver 192.0.2.1\nnameserver 192.0.2.1\n", "192.0.2.1 " },
		{ "nameserver 127.0.0.53\n", "127.0.0.53 " },
		{ " nameserver 192.0.2.1\n#nameserver 192.0.2.2\nnameserver192.0.2.3\n", "" },
		{ "nameserver\nnameserver \nnameserver x\nnameserver 1.2.3\nnameserver 1.2.3.4.5\n",
		  "" },
		{ "nameserver 0123456789012345678901234567890123456789012345678901234567890\n",
		  "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct host_resolvers resolvers;
		char got[1024] = "", addr[IP_TEXT_LEN];

		host_resolvers_parse(rows[i].text, strlen(rows[i].text), &resolvers);
		for (size_t n = 0; n < resolvers.n; n++) {
			(void)strcat(got, ip_format(&resolvers.addrs[n], addr));
			(void)strcat(got, " ");
		}
		if (strcmp(got, rows[i].want) != 0)
			fail_msg("row %zu: `%s`", i, got);
	}
}

static void resolvers_have_a_limit(void **state)
{
	char text[4096] = "";
	struct host_resolvers resolvers;

	(void)state;
	for (unsigned int i = 0; i < HOST_RESOLVERS + 1; i++)
		(void)sprintf(text + strlen(text), "nameserver 192.0.2.%u\n", i);
	host_resolvers_parse(text, strlen(text), &resolvers);
	assert_int_equal(resolvers.n, HOST_RESOLVERS);
	host_resolvers_parse("nameserver \0\n1.2.3.4\n", 21, &resolvers);
	assert_int_equal(resolvers.n, 0);
}

static void a_refresh_tells_of_changes_only(void **state)
{
	struct host_resolvers resolvers;

	(void)state;
	memset(&resolvers, 0, sizeof(resolvers));
	assert_true(host_resolvers_refresh(&resolvers) >= 0);
	assert_int_equal(host_resolvers_refresh(&resolvers), 0);
	resolvers.addrs[0].bytes[15]++;
	assert_int_equal(host_resolvers_refresh(&resolvers), 1);
}

static int setup(void **state)
{
	char *dir = strdup("/tmp/netd-host-XXXXXX");

	*state = dir;
	return dir && mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	char path[64];

	/* Only "s" may be left: no temporary file. */
	(void)snprintf(path, sizeof(path), "%s/s", (char *)*state);
	(void)unlink(path);
	int r = rmdir(*state);
	free(*state);
	return r;
}

static void free_arena(struct arena **arena)
{
	*arena = arena_free(*arena);
}

static void state_is_written_and_read(void **state)
{
	const char *dir = *state;
	CLEANUP(free_arena) struct arena *arena = arena_new();
	struct host_bytes bytes;
	struct stat st;
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/s", dir);
	assert_int_equal(host_state_read(dir, "s", 100, arena, &bytes), -ENOENT);
	assert_int_equal(host_state_write(dir, "s", "first", 5), 0);
	assert_int_equal(host_state_write(dir, "s", "sec\0nd", 6), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(host_state_read(dir, "s", 6, arena, &bytes), 0);
	assert_int_equal(bytes.len, 6);
	assert_memory_equal(bytes.bytes, "sec\0nd", 7);
	assert_int_equal(host_state_read(dir, "s", 5, arena, &bytes), -EFBIG);
	assert_int_equal(host_state_write(dir, "s", "", 0), 0);
	assert_int_equal(host_state_read(dir, "s", 0, arena, &bytes), 0);
	assert_int_equal(bytes.len, 0);
}

static void rewrite(const char *path, const char *bytes, size_t len)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

/* Any bit, any end, and twice the same. */
static void damage_is_seen(void **state)
{
	const char *dir = *state, text[] = "{\"version\":1}";
	CLEANUP(free_arena) struct arena *arena = arena_new();
	struct host_bytes bytes;
	char path[64], whole[200], part[200];

	(void)snprintf(path, sizeof(path), "%s/s", dir);
	assert_int_equal(host_state_write(dir, "s", text, strlen(text)), 0);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	size_t len = fread(whole, 1, sizeof(whole) / 2, file);
	assert_int_equal(fclose(file), 0);
	for (size_t bit = 0; bit < len * 8; bit++) {
		memcpy(part, whole, len);
		part[bit / 8] = (char)(part[bit / 8] ^ (1 << bit % 8));
		rewrite(path, part, len);
		assert_int_equal(host_state_read(dir, "s", 100, arena, &bytes), -EBADMSG);
	}
	for (size_t end = 1; end < len; end++) {
		rewrite(path, whole, end);
		assert_int_equal(host_state_read(dir, "s", 100, arena, &bytes), -EBADMSG);
	}
	memcpy(part, whole, len);
	memcpy(part + len, whole, len);
	rewrite(path, part, 2 * len);
	assert_int_equal(host_state_read(dir, "s", 100, arena, &bytes), -EBADMSG);
	rewrite(path, whole, len);
	assert_int_equal(host_state_read(dir, "s", 100, arena, &bytes), 0);
	assert_string_equal(bytes.bytes, text);
	assert_int_equal(host_state_spoil(dir, "s", true), 0);
	assert_int_equal(host_state_read(dir, "s", 100, arena, &bytes), -ENODATA);
	assert_int_equal(host_state_spoil(dir, "not-there", false), 0);
}

static void state_survives_what_is_in_the_way(void **state)
{
	const char *dir = *state;
	CLEANUP(free_arena) struct arena *arena = arena_new();
	struct host_bytes bytes;
	char path[64], temporary[64];

	(void)snprintf(path, sizeof(path), "%s/s", dir);
	(void)snprintf(temporary, sizeof(temporary), "%s/.s.new", dir);
	/* A crash left a temporary file; somebody made a link of it. */
	assert_int_equal(symlink("/tmp/netd-host-elsewhere", temporary), 0);
	assert_int_equal(host_state_write(dir, "s", "x", 1), 0);
	assert_int_equal(access("/tmp/netd-host-elsewhere", F_OK), -1);
	assert_int_equal(unlink(path), 0);
	/* Neither a link nor a FIFO is a state file. */
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(host_state_read(dir, "s", 1 << 20, arena, &bytes), -ELOOP);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(host_state_read(dir, "s", 1 << 20, arena, &bytes), -EINVAL);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(host_state_write(dir, "../s", "x", 1), -EINVAL);
	assert_int_equal(host_state_write(dir, "", "x", 1), -EINVAL);
	assert_int_equal(host_state_write(dir, "..", "x", 1), -EINVAL);
	assert_int_equal(host_state_write("/nowhere", "s", "x", 1), -ENOENT);
	/* A directory of that name: nothing is written, nothing is left behind. */
	assert_int_equal(mkdir(path, 0700), 0);
	assert_true(host_state_write(dir, "s", "x", 1) < 0);
	assert_int_equal(access(temporary, F_OK), -1);
	assert_int_equal(rmdir(path), 0);
}

/* What Docker itself was told. */
static void settings_of_docker(void **state)
{
	static const struct {
		const char *text;
		size_t n;
		bool no_proxy;
	} rows[] = {
		{ "", 0, false },
		{ "{", 0, false },
		{ "[1]", 0, false },
		{ "{}", 0, false },
		{ "{\"dns\":[]}", 0, false },
		{ "{\"dns\":\"192.0.2.1\"}", 0, false },
		{ "{\"dns\":[\"192.0.2.1\",\"192.0.2.1\",\"here\",7,null,\"2001:db8::1\"]}", 2,
		  false },
		{ "{\"userland-proxy\":false,\"dns\":[\"192.0.2.1\"]}", 1, true },
		{ "{\"userland-proxy\":\"false\"}", 0, false },
	};
	char many[4096] = "{\"dns\":[\"10.0.0.0\"";
	struct host_docker docker;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		host_docker_parse(rows[i].text, strlen(rows[i].text), &docker);
		assert_int_equal(docker.resolvers.n, rows[i].n);
		assert_int_equal(docker.no_proxy, rows[i].no_proxy);
	}
	for (int i = 1; i < 100; i++)
		(void)snprintf(many + strlen(many), sizeof(many) - strlen(many), ",\"10.0.0.%d\"",
			       i);
	(void)snprintf(many + strlen(many), sizeof(many) - strlen(many), "]}");
	host_docker_parse(many, strlen(many), &docker);
	assert_int_equal(docker.resolvers.n, HOST_RESOLVERS);
	assert_false(docker.ip6tables || docker.no_ip6tables);
	host_docker_parse("{\"ip6tables\":true}", strlen("{\"ip6tables\":true}"), &docker);
	assert_true(docker.ip6tables && !docker.no_ip6tables);
	host_docker_parse("{\"ip6tables\":false}", strlen("{\"ip6tables\":false}"), &docker);
	assert_true(docker.no_ip6tables && !docker.ip6tables && !docker.no_iptables);
	host_docker_parse("{\"iptables\":false}", strlen("{\"iptables\":false}"), &docker);
	assert_true(docker.no_iptables && !docker.no_ip6tables);
}

/* What dockerd was told on its command line is added to what the file says. */
static void arguments_of_docker(void **state)
{
	static const char words[] = "/usr/bin/dockerd\0--dns=192.0.2.1\0--dns\0002001:db8::1\0"
				    "--dns-search=192.0.2.7\0--userland-proxy=false\0--ip6tables\0"
				    "--dns=here\0--dns=192.0.2.1\0--dns";
	struct host_docker docker;

	(void)state;
	host_docker_parse("{\"dns\":[\"192.0.2.3\"]}", 21, &docker);
	host_docker_parse_arguments(words, sizeof(words), &docker);
	assert_int_equal(docker.resolvers.n, 3);
	assert_true(docker.no_proxy && docker.ip6tables && !docker.no_ip6tables);
	for (size_t len = 0; len < sizeof(words); len++) {
		host_docker_parse("", 0, &docker);
		CLEANUP(free_ptr) char *cut = malloc(len + 1);
		assert_non_null(cut);
		memcpy(cut, words, len);
		host_docker_parse_arguments(cut, len, &docker);
		assert_true(docker.resolvers.n <= 2);
	}
	host_docker_parse_arguments("--ip6tables=0\0", 14, &docker);
	assert_true(docker.no_ip6tables && !docker.ip6tables && !docker.no_iptables);
	host_docker_parse_arguments("--iptables=false\0", 17, &docker);
	assert_true(docker.no_iptables);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waiting_is_parsed),
		cmocka_unit_test(waiting_is_read),
		cmocka_unit_test(arguments_of_docker),
		cmocka_unit_test(settings_of_docker),
		cmocka_unit_test(resolvers_are_parsed),
		cmocka_unit_test(resolvers_have_a_limit),
		cmocka_unit_test(a_refresh_tells_of_changes_only),
		cmocka_unit_test_setup_teardown(state_is_written_and_read, setup, teardown),
		cmocka_unit_test_setup_teardown(damage_is_seen, setup, teardown),
		cmocka_unit_test_setup_teardown(state_survives_what_is_in_the_way, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
