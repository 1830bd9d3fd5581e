/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the host believes of its neighbours, corrected over rtnetlink in a network namespace of its
 * own; ip, not the code under test, says what the kernel then holds. Needs root. */
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edge/rtnl/query.h"
#include "netns_lib.h"
#include "tests/unit/test_rows_lib.h"

#define OLD "02:42:ac:12:00:02"
#define NEW "02:42:ac:12:00:99"

struct row {
	const char *name, *addr;
	const char *entry; /* of ip neighbour, after the address; NULL: none */
	int want;
	const char *shown; /* then in `ip neighbour show`; "": nothing is */
};

static const struct row rows[] = {
	{ "another MAC", "172.18.0.2", "lladdr " OLD " nud stale", 0, NEW " STALE" },
	{ "another MAC that was just confirmed", "172.18.0.2", "lladdr " OLD " nud reachable", 0,
	  NEW " STALE" },
	{ "IPv6", "fd00::2", "lladdr " OLD " nud stale", 0, NEW " STALE" },
	{ "the MAC it has", "172.18.0.2", "lladdr " NEW " nud reachable", 1, NEW " REACHABLE" },
	{ "not known", "172.18.0.2", NULL, 1, "" },
	{ "not known, IPv6", "fd00::2", NULL, 1, "" },
	{ "an admin's", "172.18.0.2", "lladdr " OLD " nud permanent", 1, OLD " PERMANENT" },
	{ "an admin's, noarp", "fd00::2", "lladdr " OLD " nud noarp", 1, OLD " NOARP" },
};

static void show(const char *addr, char *ret, size_t size)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "ip neighbour show %s dev br0 nud all", addr);
	FILE *pipe = popen(command, "r"); /* NOLINT(cert-env33-c) */
	assert_non_null(pipe);
	ret[fread(ret, 1, size - 1, pipe)] = '\0';
	assert_int_equal(pclose(pipe), 0);
}

static void corrects(void **state)
{
	const struct row *row = *state;
	struct query query;
	struct query_neighbour neighbour;
	struct mac_addr mac;
	char text[512];

	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(system("ip link add br0 type bridge && ip link set br0 up"), 0);
	neighbour.ifindex = if_nametoindex("br0");
	assert_int_equal(ip_parse(row->addr, &neighbour.addr), 0);
	assert_int_equal(mac_parse(NEW, &mac), 0);
	if (row->entry) {
		(void)snprintf(text, sizeof(text), "ip neighbour add %s dev br0 %s", row->addr,
			       row->entry);
		assert_int_equal(system(text), 0);
	}
	assert_int_equal(query_open(&query), 0);
	assert_int_equal(query_correct_neighbour(&query, &neighbour, &mac), row->want);
	query_close(&query);
	show(row->addr, text, sizeof(text));
	assert_non_null(strstr(text, row->shown));
	if (!row->shown[0])
		assert_string_equal(text, "");
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(rows)];
	int r = have_netns();

	ADD_ROWS(tests, 0, rows, corrects);
	return r ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
