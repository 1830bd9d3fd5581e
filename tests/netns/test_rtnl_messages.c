/* SPDX-License-Identifier: GPL-2.0-or-later */
/* edge/rtnl's table of links, fed with made messages: what drivers and kernels send that is hard to
 * provoke, and what nobody should send. Needs nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "edge/rtnl/links.h"
#include "edge/rtnl/peers.h"
#include "edge/rtnl/query.h"

struct message {
	uint16_t type;
	unsigned char family;
	int ifindex;
	const char *name, *kind;
	uint32_t master, peer;
	int32_t nsid; /* 0: none */
	bool carrier, wireless;
};

static void apply(struct links *links, const struct message *m)
{
	_Alignas(8) char buffer[1024] = { 0 };
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);

	nlh->nlmsg_type = m->type;
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));
	info->ifi_family = m->family;
	info->ifi_index = m->ifindex;
	info->ifi_flags = m->carrier ? IFF_LOWER_UP : 0;
	if (m->name)
		mnl_attr_put_strz(nlh, IFLA_IFNAME, m->name);
	if (m->master)
		mnl_attr_put_u32(nlh, IFLA_MASTER, m->master);
	if (m->peer)
		mnl_attr_put_u32(nlh, IFLA_LINK, m->peer);
	if (m->nsid)
		mnl_attr_put_u32(nlh, IFLA_LINK_NETNSID, (uint32_t)m->nsid);
	if (m->wireless)
		mnl_attr_put_u32(nlh, IFLA_WIRELESS, 1);
	if (m->kind) {
		struct nlattr *nest = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
		mnl_attr_put_strz(nlh, IFLA_INFO_KIND, m->kind);
		mnl_attr_nest_end(nlh, nest);
	}
	assert_int_equal(links_apply(links, nlh), 0);
}

/* br0 (1), vrf0 (2) and veth1 (5), a port of br0. */
static void fill(struct links *links)
{
	static const struct message rows[] = {
		{ RTM_NEWLINK, AF_UNSPEC, 5, "veth1", "veth", 1, 6, 3, true, false },
		{ RTM_NEWLINK, AF_UNSPEC, 2, "vrf0", "vrf", 0, 0, 0, true, false },
		{ RTM_NEWLINK, AF_UNSPEC, 1, "br0", "bridge", 0, 0, 0, true, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		apply(links, &rows[i]);
}

static size_t n_ports(const struct links *links)
{
	struct port_list list;

	assert_int_equal(links_ports(links, &list), 0);
	free(list.items);
	return list.n;
}

static void messages_change_the_master(void **state)
{
	static const struct {
		struct message message;
		size_t want; /* ports after it */
	} rows[] = {
		/* Leaves for another kind of master, or for none. */
		{ { RTM_NEWLINK, AF_UNSPEC, 5, "veth1", "veth", 2, 6, 3, true, false }, 0 },
		{ { RTM_NEWLINK, AF_UNSPEC, 5, "veth1", "veth", 0, 6, 3, true, false }, 0 },
		{ { RTM_NEWLINK, AF_UNSPEC, 5, "veth1", "veth", 9, 6, 3, true, false }, 0 },
		{ { RTM_DELLINK, AF_UNSPEC, 5, "veth1", "veth", 1, 6, 3, true, false }, 0 },
		/* The bridge says that it left, and another bridge's word does not count. */
		{ { RTM_DELLINK, AF_BRIDGE, 5, "veth1", NULL, 1, 0, 0, false, false }, 0 },
		{ { RTM_DELLINK, AF_BRIDGE, 5, "veth1", NULL, 9, 0, 0, false, false }, 1 },
		/* No news about the master in these. */
		{ { RTM_NEWLINK, AF_UNSPEC, 5, "veth1", NULL, 0, 0, 0, false, true }, 1 },
		{ { RTM_NEWLINK, AF_BRIDGE, 5, "veth1", NULL, 0, 0, 0, false, false }, 1 },
		{ { RTM_NEWLINK, AF_INET6, 5, "veth1", NULL, 0, 0, 0, false, false }, 1 },
		{ { RTM_DELLINK, AF_UNSPEC, 99, "other", NULL, 0, 0, 0, false, false }, 1 },
		{ { RTM_NEWADDR, AF_UNSPEC, 5, "veth1", NULL, 0, 0, 0, false, false }, 1 },
		{ { RTM_NEWLINK, AF_UNSPEC, 0, "veth1", NULL, 0, 0, 0, false, false }, 1 },
		{ { RTM_NEWLINK, AF_UNSPEC, -5, "veth1", NULL, 0, 0, 0, false, false }, 1 },
		/* The master goes. */
		{ { RTM_DELLINK, AF_UNSPEC, 1, "br0", "bridge", 0, 0, 0, false, false }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(links_done) struct links links = { 0 };

		fill(&links);
		assert_int_equal(n_ports(&links), 1);
		apply(&links, &rows[i].message);
		if (n_ports(&links) != rows[i].want)
			fail_msg("row %zu: %zu ports", i, n_ports(&links));
	}
}

static void a_pinned_link_stays_pinned_outside(void **state)
{
	CLEANUP(links_done) struct links links = { 0 };
	struct message m = { RTM_NEWLINK, AF_UNSPEC, 5, "veth1", "veth", 1, 6, 3, true, false };

	(void)state;
	fill(&links);
	links_find(&links, 5)->pinned = true;
	m.nsid = 4;
	m.peer = 2;
	apply(&links, &m);
	assert_true(links_find(&links, 5)->pinned);
	assert_false(links_find(&links, 5)->stale);
	m.nsid = 0;
	apply(&links, &m);
	assert_false(links_find(&links, 5)->pinned);
	assert_true(links_find(&links, 5)->stale);
}

static void old_kernels_leave_out_an_equal_number(void **state)
{
	CLEANUP(links_done) struct links links = { 0 };
	const struct message m = {
		RTM_NEWLINK, AF_UNSPEC, 5, "veth1", "veth", 1, 0, 3, true, false
	};

	(void)state;
	apply(&links, &m);
	assert_int_equal(links_find(&links, 5)->peer, 5);
}

static void a_dump_removes_what_it_does_not_show(void **state)
{
	CLEANUP(links_done) struct links links = { 0 };
	const struct message m = {
		RTM_NEWLINK, AF_UNSPEC, 1, "br0", "bridge", 0, 0, 0, true, false
	};

	(void)state;
	fill(&links);
	links_unsee(&links);
	apply(&links, &m);
	links_drop_unseen(&links);
	assert_int_equal(links.n, 1);
	assert_non_null(links_find_name(&links, "br0"));
}

/* What comes between the question about veth1 and its answer. */
static const struct meanwhile {
	const char *name;
	struct message messages[2];
	bool taken, due; /* the answer counts; it is asked once more if it was not up */
} meanwhile[] = {
	{ "nothing", { { 0 }, { 0 } }, true, false },
	{ "news of another",
	  { { RTM_NEWLINK, AF_UNSPEC, 7, "veth2", "veth", 1, 6, 3, true, false }, { 0 } },
	  true,
	  false },
	{ "news",
	  { { RTM_NEWLINK, AF_UNSPEC, 5, "veth1", "veth", 1, 6, 3, true, false }, { 0 } },
	  true,
	  true },
	{ "the bridge's news",
	  { { RTM_NEWLINK, AF_BRIDGE, 5, "veth1", NULL, 1, 0, 0, false, false }, { 0 } },
	  true,
	  true },
	{ "it has another far end",
	  { { RTM_NEWLINK, AF_UNSPEC, 5, "veth1", "veth", 1, 8, 3, true, false }, { 0 } },
	  false,
	  true },
	{ "that is elsewhere",
	  { { RTM_NEWLINK, AF_UNSPEC, 5, "veth1", "veth", 1, 6, 4, true, false }, { 0 } },
	  false,
	  true },
	{ "that was here meanwhile",
	  { { RTM_NEWLINK, AF_UNSPEC, 5, "veth1", "veth", 1, 6, 0, true, false },
	    { RTM_NEWLINK, AF_UNSPEC, 5, "veth1", "veth", 1, 6, 3, true, false } },
	  false,
	  true },
	{ "it is gone",
	  { { RTM_DELLINK, AF_UNSPEC, 5, "veth1", "veth", 1, 6, 3, true, false }, { 0 } },
	  false,
	  false },
	{ "another has its number",
	  { { RTM_DELLINK, AF_UNSPEC, 5, "veth1", "veth", 1, 6, 3, true, false },
	    { RTM_NEWLINK, AF_UNSPEC, 5, "veth9", "veth", 1, 6, 3, true, false } },
	  false,
	  true },
};

static void an_answer_is_about_the_port_that_was_meant(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(meanwhile); i++) {
		const struct meanwhile *row = &meanwhile[i / 2];
		CLEANUP(links_done) struct links links = { 0 };
		struct rtnl_counters counters = { 0 };
		const bool up = i % 2;
		const struct asker_answer answer = {
			.question = { .kind = ASKER_PEER, .number = 9, .peer = { 5, 6, 3 } },
			.peer = { .mac = { { 2, 66, 1, 2, 3, 4 } }, .up = up },
		};

		fill(&links);
		links_find(&links, 5)->question = answer.question.number;
		links_find(&links, 5)->due = false;
		for (size_t m = 0; m < 2; m++)
			apply(&links, &row->messages[m]);
		peers_take(&links, &answer, &counters);
		const struct link *link = links_find(&links, 5);
		bool taken = link && !mac_is_zero(&link->mac);
		if (taken != row->taken || (link && link->pinned != (taken && up)) ||
		    (link && link->due != (row->due && !(taken && up))) ||
		    (link && link->due != link->stale))
			fail_msg("%s, %s", row->name, up ? "up" : "down");
	}
}

static void broken_messages_are_survived(void **state)
{
	_Alignas(8) char buffer[256];
	uint32_t seed = 12345;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		CLEANUP(links_done) struct links links = { 0 };
		struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
		uint32_t len = NLMSG_HDRLEN + (seed >> 8) % (sizeof(buffer) - NLMSG_HDRLEN);

		for (size_t b = NLMSG_HDRLEN; b < sizeof(buffer); b++) {
			seed = seed * 1103515245 + 12345;
			/* Small numbers, so that some of it looks like attributes. */
			buffer[b] = (char)((seed >> 16) % (b % 2 ? 2 : 60));
		}
		nlh->nlmsg_type = RTM_NEWLINK;
		nlh->nlmsg_len = len;
		buffer[NLMSG_HDRLEN] = AF_UNSPEC;
		assert_int_equal(links_apply(&links, nlh), 0);
		for (size_t l = 0; l < links.n; l++)
			assert_true(strlen(links.items[l].name) < WORLD_IFNAME_LEN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_change_the_master),
		cmocka_unit_test(a_pinned_link_stays_pinned_outside),
		cmocka_unit_test(old_kernels_leave_out_an_equal_number),
		cmocka_unit_test(a_dump_removes_what_it_does_not_show),
		cmocka_unit_test(an_answer_is_about_the_port_that_was_meant),
		cmocka_unit_test(broken_messages_are_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
