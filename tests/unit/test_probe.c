/* SPDX-License-Identifier: GPL-2.0-or-later */
/* edge/probe on this host's loopback addresses. A port that drops is in tests/ctl/live: it takes a
 * firewall. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "edge/probe/probe.h"

/* A port of 127.0.0.1 that nobody else has: bound, and listened on or not. */
static int take_port(bool listening, uint16_t *ret_port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	if (listening)
		assert_int_equal(listen(fd, 8), 0);
	*ret_port = ntohs(addr.sin_port);
	return fd;
}

static void ports_answer_or_do_not(void **state)
{
	struct probe probes[3] = { 0 };
	int open = take_port(true, &probes[0].port), closed = take_port(false, &probes[1].port);

	(void)state;
	assert_int_equal(ip_parse("127.0.0.1", &probes[0].addr), 0);
	probes[1].addr = probes[0].addr;
	/* An address that no connection can be made to. */
	assert_int_equal(ip_parse("255.255.255.255", &probes[2].addr), 0);
	probes[2].port = 1;
	assert_int_equal(probe_tcp(probes, 3, 5000), 0);
	assert_int_equal(probes[0].result, PROBE_ANSWERS);
	assert_int_equal(probes[1].result, PROBE_REFUSED);
	assert_int_equal(probes[2].result, PROBE_UNREACHABLE);
	assert_int_not_equal(probes[2].err, 0);
	(void)close(open);
	(void)close(closed);
}

static void many_at_once_up_to_the_limit(void **state)
{
	static struct probe probes[PROBES_MAX + 1];
	uint16_t port;
	int open = take_port(true, &port);

	(void)state;
	for (size_t i = 0; i < PROBES_MAX + 1; i++) {
		assert_int_equal(ip_parse("127.0.0.1", &probes[i].addr), 0);
		probes[i].port = i % 32 ? 1 : port;
	}
	assert_int_equal(probe_tcp(probes, PROBES_MAX + 1, 5000), -EINVAL);
	assert_int_equal(probe_tcp(probes, PROBES_MAX, 5000), 0);
	for (size_t i = 0; i < PROBES_MAX; i += 32)
		assert_int_equal(probes[i].result, PROBE_ANSWERS);
	assert_int_equal(probe_tcp(NULL, 0, 5000), 0);
	(void)close(open);
}

static void addresses_of_this_host(void **state)
{
	struct ip_addr own, foreign;

	(void)state;
	assert_int_equal(ip_parse("127.0.0.1", &own), 0);
	assert_int_equal(ip_parse("192.0.2.66", &foreign), 0);
	assert_false(probe_lacks_address(&own));
	assert_true(probe_lacks_address(&foreign));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ports_answer_or_do_not),
		cmocka_unit_test(many_at_once_up_to_the_limit),
		cmocka_unit_test(addresses_of_this_host),
	};

	return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
