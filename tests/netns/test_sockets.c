/* SPDX-License-Identifier: GPL-2.0-or-later */
/* edge/host/sockets.c against the kernel's own sockets. Needs root. */
#include "sockets_lib.h"

#include <linux/capability.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <libmnl/libmnl.h>

#include "edge/host/sockets.h"

#define MANY 4000

struct found {
	struct sockets_id ids[MANY];
	size_t n;
	uint16_t ports[64]; /* local ones, in the order in which they came */
	uint32_t unread;
	struct ip_addr local, peer;
	int says;
};

static int on_found(const struct sockets_socket *one, void *data)
{
	struct found *found = data;

	if (found->n < 64)
		found->ports[found->n] = one->local_port;
	if (found->n < MANY)
		found->ids[found->n] = one->id;
	found->n++;
	found->unread = one->unread;
	found->local = one->local;
	found->peer = one->peer;
	return found->says;
}

static size_t find(struct found *found, uint32_t states, struct world_ports ports)
{
	const struct sockets_question question = { .states = states,
						   .ports = &ports,
						   .n_ports = ports.first ? 1 : 0 };

	found->n = 0;
	assert_int_equal(sockets_list(&question, on_found, found), found->says);
	return found->n;
}

static void expect_address(const struct ip_addr *got, const char *want)
{
	char text[IP_TEXT_LEN];

	assert_string_equal(ip_format(got, text), want);
}

static void tells_states_and_addresses(void **state)
{
	static struct found found;
	const struct world_ports here = { 8080, 8080 };
	int listening = serve("::", 8080), fds[2];

	(void)state;
	assert_int_equal(find(&found, SOCKETS_IN(TCP_LISTEN), here), 1);
	assert_int_equal(found.unread, 0);
	fds[0] = dial("192.0.2.9", "192.0.2.1", 8080);
	assert_int_equal(write(fds[0], "word", 4), 4);
	assert_int_equal(find(&found, SOCKETS_IN(TCP_LISTEN), here), 1);
	assert_int_equal(found.unread, 1);
	assert_int_equal(find(&found, SOCKETS_IN(TCP_ESTABLISHED), here), 1);
	assert_int_equal(found.unread, 4);
	expect_address(&found.local, "192.0.2.1"); /* of a socket of both families */
	expect_address(&found.peer, "192.0.2.9");
	close_reset(fds[0]);
	assert_int_equal(find(&found, SOCKETS_IN(TCP_ESTABLISHED), here), 0);
	assert_int_equal(find(&found, SOCKETS_IN(TCP_LISTEN), here), 1);
	assert_int_equal(found.unread, 1); /* nobody has taken it from there */
	close(accept_one(listening));
	fds[0] = dial("2001:db8::9", "2001:db8::1", 8080);
	fds[1] = accept_one(listening);
	assert_int_equal(find(&found, SOCKETS_IN(TCP_ESTABLISHED), here), 1);
	expect_address(&found.peer, "2001:db8::9");
	assert_int_equal(shutdown(fds[0], SHUT_WR), 0);
	assert_int_equal(find(&found, SOCKETS_IN(TCP_ESTABLISHED), here), 0);
	assert_int_equal(find(&found, SOCKETS_IN(TCP_CLOSE_WAIT), here), 1);
	close_reset(fds[0]);
	close(fds[1]);
	close(listening);
}

/* What the kernel leaves out, for every number of ranges and prefixes that there may be. */
static void asks_for_some(void **state)
{
	enum { FIRST = 10000, APART = 10, LAST = FIRST + APART * (SOCKETS_PORTS - 1) };
	static struct found found;
	struct world_ports ports[SOCKETS_PORTS];
	struct ip_prefix peers[SOCKETS_PEERS];
	struct sockets_question question = { .states = SOCKETS_IN(TCP_LISTEN) |
						       SOCKETS_IN(TCP_SYN_SENT),
					     .ports = ports,
					     .peers = peers };
	int fds[SOCKETS_PORTS * 3], dials[2];

	(void)state;
	assert_int_equal(ip_prefix_parse("203.0.113.0/25", &peers[0]), 0);
	assert_int_equal(ip_prefix_parse("2001:db8:ff::/80", &peers[1]), 0);
	dials[0] = dial(NULL, "203.0.113.2", 80);
	dials[1] = dial(NULL, "2001:db8:ff::2", 80);
	for (uint16_t i = 0; i < SOCKETS_PORTS; i++) {
		uint16_t port = (uint16_t)(FIRST + APART * i);
		ports[i] = (struct world_ports){ port, (uint16_t)(port + 1) };
		fds[3 * i] = serve("192.0.2.1", port);
		fds[3 * i + 1] = serve("2001:db8::1", (uint16_t)(port + 1));
		fds[3 * i + 2] = serve("192.0.2.1", (uint16_t)(port + 2)); /* of no range */
	}
	for (size_t n = 0; n <= SOCKETS_PORTS; n++)
		for (size_t k = 0; k <= SOCKETS_PEERS; k++) {
			question.n_ports = n;
			question.n_peers = k;
			found.n = 0;
			assert_int_equal(sockets_list(&question, on_found, &found), 0);
			assert_int_equal(found.n, n + k ? 2 * n + k : 3 * SOCKETS_PORTS + 2);
		}
	question.n_ports = 0;
	assert_int_equal(ip_prefix_parse("203.0.113.128/25", &peers[0]), 0);
	question.n_peers = 1;
	found.n = 0;
	assert_int_equal(sockets_list(&question, on_found, &found), 0);
	assert_int_equal(found.n, 0);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
	for (size_t i = 0; i < ARRAY_LEN(dials); i++)
		close(dials[i]);
}

static void is_told_to_stop(void **state)
{
	static struct found found = { .says = 1 };
	int fds[] = { serve("192.0.2.1", 81), serve("192.0.2.1", 82), serve("2001:db8::1", 83) };

	(void)state;
	assert_int_equal(find(&found, SOCKETS_IN(TCP_LISTEN), (struct world_ports){ 0 }), 1);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
}

static const struct world_ports anywhere;

static void ends_dials(void **state)
{
	static struct found found;
	int fds[] = { dial(NULL, "203.0.113.2", 80), dial(NULL, "2001:db8:ff::2", 80) };

	(void)state;
	assert_int_equal(find(&found, SOCKETS_IN(TCP_SYN_SENT), anywhere), 2);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		assert_int_equal(error_of(fds[i]), 0);
	assert_int_equal(sockets_destroy(found.ids, found.n), 0);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		assert_int_equal(error_of(fds[i]), ECONNABORTED);
	assert_int_equal(sockets_destroy(found.ids, found.n), 0); /* gone by now */
	assert_int_equal(sockets_destroy(found.ids, 0), 0);
	assert_int_equal(find(&found, SOCKETS_IN(TCP_SYN_SENT), anywhere), 0);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
}

static void ends_many(void **state)
{
	static struct found found;
	static int fds[MANY];
	struct rlimit limit;
	double before, listed;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	for (size_t i = 0; i < MANY; i++)
		fds[i] = dial(NULL, "203.0.113.2", 80);
	before = now_s();
	assert_int_equal(find(&found, SOCKETS_IN(TCP_SYN_SENT), anywhere), MANY);
	listed = now_s();
	assert_int_equal(sockets_destroy(found.ids, found.n), 0);
	print_message("%d dials: listed in %.1f ms, ended in %.1f ms\n", MANY,
		      (listed - before) * 1e3, (now_s() - listed) * 1e3);
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(error_of(fds[i]), ECONNABORTED);
		close(fds[i]);
	}
}

/* Who lacks the right is told so, and nothing is ended. */
static void needs_a_right(void **state)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[2] = { 0 };
	static struct found found;
	int fd = dial(NULL, "203.0.113.2", 80), status = -1;

	(void)state;
	assert_int_equal(find(&found, SOCKETS_IN(TCP_SYN_SENT), anywhere), 1);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(syscall(SYS_capset, &header, none) == 0 &&
				      sockets_destroy(found.ids, 1) == -EPERM
			      ? 0
			      : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(error_of(fd), 0);
	close(fd);
}

/* Whatever the kernel may send one day. */
static void reads_any_bytes(void **state)
{
	struct {
		struct nlmsghdr nlh;
		struct inet_diag_msg message;
	} one = { .nlh = { .nlmsg_len = sizeof(one), .nlmsg_type = SOCK_DIAG_BY_FAMILY } };
	struct sockets_socket ret;

	(void)state;
	assert_false(sockets_read(&one.nlh, &ret)); /* no family */
	one.message.idiag_family = AF_INET;
	assert_true(sockets_read(&one.nlh, &ret));
	one.nlh.nlmsg_len--;
	assert_false(sockets_read(&one.nlh, &ret));
	one.nlh.nlmsg_len++;
	one.nlh.nlmsg_type = NLMSG_DONE;
	assert_false(sockets_read(&one.nlh, &ret));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_states_and_addresses),
		cmocka_unit_test(asks_for_some),
		cmocka_unit_test(is_told_to_stop),
		cmocka_unit_test(ends_dials),
		cmocka_unit_test(ends_many),
		cmocka_unit_test(needs_a_right),
		cmocka_unit_test(reads_any_bytes),
	};
	int r = have_netns();

	if (r)
		return r;
	if (system(THE_HOST) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
