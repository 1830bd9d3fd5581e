/* SPDX-License-Identifier: GPL-2.0-or-later */
/* edge/nflog: a message of the kernel to a packet. What is in the packet is its sender's choice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <string.h>

#include "edge/nflog/nflog.h"
#include "tests/unit/test_rows_lib.h"

#define PREFIX "netd deny to db "

/* 172.18.0.2 -> 172.18.0.3: the addresses of an IPv4 header. */
#define ADDRESSES4 172, 18, 0, 2, 172, 18, 0, 3
/* fd00::2 -> fd00::3 */
#define ADDRESSES6                                                                                \
	0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
		0, 0, 0, 3

struct row {
	const char *name;
	uint8_t bytes[80];
	size_t len;
	bool is_other;
	uint8_t family, proto;
	uint16_t port; /* 0: none */
};

static const struct row rows[] = {
	{ "tcp",
	  { 0x45, [9] = 6, [12] = ADDRESSES4, 0xc0, 0, 0x1f, 0x90 },
	  40,
	  false,
	  IP_V4,
	  6,
	  8080 },
	{ "udp, IP options",
	  { 0x46, [9] = 17, [12] = ADDRESSES4, 0, 0, 0, 0, 0, 1, 0, 53 },
	  28,
	  false,
	  IP_V4,
	  17,
	  53 },
	{ "a later fragment",
	  { 0x45, [7] = 8, [9] = 17, [12] = ADDRESSES4, 0, 1, 0, 53 },
	  28,
	  false,
	  IP_V4,
	  17,
	  0 },
	{ "icmp", { 0x45, [9] = 1, [12] = ADDRESSES4, 8 }, 28, false, IP_V4, 1, 0 },
	{ "ports cut off",
	  { 0x45, [9] = 6, [12] = ADDRESSES4, 0xc0, 0, 0x1f },
	  23,
	  false,
	  IP_V4,
	  6,
	  0 },
	{ "a header too short", { 0x44, [9] = 6, [12] = ADDRESSES4 }, 40, true, 0, 0, 0 },
	{ "a header longer than the packet",
	  { 0x4f, [9] = 6, [12] = ADDRESSES4 },
	  40,
	  true,
	  0,
	  0,
	  0 },
	{ "IPv4 cut off", { 0x45, [9] = 6 }, 19, true, 0, 0, 0 },
	{ "no bytes", { 0 }, 0, true, 0, 0, 0 },
	{ "neither of the two", { 0x55 }, 40, true, 0, 0, 0 },
	{ "tcp over IPv6",
	  { 0x60, [6] = 6, [8] = ADDRESSES6, 0xc0, 0, 0, 80 },
	  60,
	  false,
	  IP_V6,
	  6,
	  80 },
	{ "udp behind two extensions",
	  { 0x60, [6] = 0, [8] = ADDRESSES6, [40] = 60, [48] = 17, [49] = 0, [56] = 0, 1, 0, 53 },
	  64,
	  false,
	  IP_V6,
	  17,
	  53 },
	{ "an extension that is longer than the packet",
	  { 0x60, [6] = 0, [8] = ADDRESSES6, [40] = 17, 0xff },
	  56,
	  false,
	  IP_V6,
	  17,
	  0 },
	{ "an extension cut off", { 0x60, [6] = 0, [8] = ADDRESSES6, 17 }, 41, false, IP_V6, 0, 0 },
	{ "IPv6 cut off", { 0x60, [6] = 6 }, 39, true, 0, 0, 0 },
};

static struct nlmsghdr *put_message(char *buffer, uint16_t type)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);

	nlh->nlmsg_type = type;
	(void)mnl_nlmsg_put_extra_header(nlh, sizeof(struct nfgenmsg));
	return nlh;
}

static void a_packet_is_read(void **state)
{
	const struct row *row = *state;
	_Alignas(8) char buffer[512] = { 0 };
	struct nlmsghdr *nlh = put_message(buffer, NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET);
	struct nflog_packet packet;

	mnl_attr_put_strz(nlh, NFULA_PREFIX, PREFIX);
	mnl_attr_put(nlh, NFULA_PAYLOAD, row->len, row->bytes);
	int r = nflog_parse(nlh, &packet);
	assert_int_equal(r, row->is_other ? NFLOG_E_OTHER : 0);
	if (row->is_other)
		return;
	assert_string_equal(packet.prefix, PREFIX);
	assert_int_equal(packet.from.family, row->family);
	assert_int_equal(packet.from.bytes[ip_len(&packet.from) - 1], 2);
	assert_int_equal(packet.to.bytes[ip_len(&packet.to) - 1], 3);
	assert_int_equal(packet.proto, row->proto);
	assert_int_equal(packet.has_port, row->port != 0);
	assert_int_equal(packet.to_port, row->port);
}

static void other_messages_are_passed_over(void **state)
{
	_Alignas(8) char buffer[1024] = { 0 };
	char prefix[200];
	struct nflog_packet packet;
	struct nlmsghdr *nlh = put_message(buffer, NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG);

	(void)state;
	mnl_attr_put_strz(nlh, NFULA_PREFIX, PREFIX);
	mnl_attr_put(nlh, NFULA_PAYLOAD, 40, rows[0].bytes);
	assert_int_equal(nflog_parse(nlh, &packet), NFLOG_E_OTHER);

	nlh = put_message(buffer, NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET);
	mnl_attr_put(nlh, NFULA_PAYLOAD, 40, rows[0].bytes);
	assert_int_equal(nflog_parse(nlh, &packet), NFLOG_E_OTHER); /* without a prefix */

	memset(prefix, 'x', sizeof(prefix));
	nlh = put_message(buffer, NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET);
	mnl_attr_put(nlh, NFULA_PREFIX, sizeof(prefix), prefix); /* without an end, and too long */
	mnl_attr_put(nlh, NFULA_PAYLOAD, 40, rows[0].bytes);
	assert_int_equal(nflog_parse(nlh, &packet), 0);
	assert_int_equal(strlen(packet.prefix), NFLOG_PREFIX_LEN - 1);
}

static void messages_are_numbered(void **state)
{
	_Alignas(8) char buffer[1024] = { 0 };
	struct nlmsghdr *nlh = put_message(buffer, NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET);
	uint32_t number = 0;

	(void)state;
	assert_false(nflog_number(nlh, &number));
	mnl_attr_put_u32(nlh, NFULA_SEQ, htonl(0xfffffffe));
	assert_true(nflog_number(nlh, &number));
	assert_int_equal(number, 0xfffffffe);
	nlh = put_message(buffer, NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET);
	mnl_attr_put_u16(nlh, NFULA_SEQ, 7); /* cut short */
	assert_false(nflog_number(nlh, &number));
	nlh = put_message(buffer, NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG);
	mnl_attr_put_u32(nlh, NFULA_SEQ, htonl(1));
	assert_false(nflog_number(nlh, &number));
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(rows) + 2];

	ADD_ROWS(tests, 0, rows, a_packet_is_read);
	tests[ARRAY_LEN(rows)] =
		(struct CMUnitTest)cmocka_unit_test(other_messages_are_passed_over);
	tests[ARRAY_LEN(rows) + 1] = (struct CMUnitTest)cmocka_unit_test(messages_are_numbered);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
