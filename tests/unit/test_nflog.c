/* SPDX-License-Identifier: GPL-2.0-or-later */
/* edge/nflog: a message of the kernel to a packet. What is in the packet is its sender's choice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netfilter_bridge.h>
#include <string.h>

#include "edge/nflog/nflog.h"
#include "tests/unit/test_rows_lib.h"

#define PREFIX "netd deny no-rule to db "

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

/* ---- frames ---- */

struct frame_row {
	const char *name;
	uint16_t ether_type;
	uint8_t bytes[40];
	size_t len, header_len;
	bool tagged;
	uint8_t family, proto; /* IP_NONE: it tells no address */
	uint16_t port;
};

static const struct frame_row frames[] = {
	{ "a datagram",
	  0x0800,
	  { 0x45, [9] = 17, [12] = ADDRESSES4, 0, 1, 0, 53 },
	  28,
	  14,
	  true,
	  IP_V4,
	  17,
	  53 },
	{ "a datagram cut off", 0x0800, { 0x45, [9] = 17 }, 19, 14, false, IP_NONE, 0, 0 },
	{ "another version than its type says",
	  0x0800,
	  { 0x60, [6] = 6 },
	  40,
	  14,
	  false,
	  IP_NONE,
	  0,
	  0 },
	{ "ARP",
	  0x0806,
	  { 0, 1, 8, 0, 6, 4, 0, 1, [14] = 172, 18, 0, 2, [24] = 172, 18, 0, 3 },
	  28,
	  14,
	  false,
	  IP_V4,
	  0,
	  0 },
	{ "ARP cut off",
	  0x0806,
	  { 0, 1, 8, 0, 6, 4, 0, 1, [14] = 172, 18, 0, 2 },
	  27,
	  14,
	  false,
	  IP_NONE,
	  0,
	  0 },
	{ "ARP about something else", 0x0806, { 0, 6 }, 28, 14, false, IP_NONE, 0, 0 },
	{ "another type, no payload", 0x88cc, { 0 }, 0, 14, false, IP_NONE, 0, 0 },
	{ "a header cut off", 0x88cc, { 0 }, 4, 11, false, IP_NONE, 0, 0 },
};

static void a_frame_is_read(void **state)
{
	static const uint8_t header[14] = { 2, 0, 0, 0, 0, 3, 2, 0, 0, 0, 0, 2 };
	const struct frame_row *row = *state;
	_Alignas(8) char buffer[512] = { 0 };
	struct nlmsghdr *nlh = put_message(buffer, NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET);
	const struct nfulnl_msg_packet_hdr about = { htons(row->ether_type), NF_BR_PRE_ROUTING, 0 };
	struct nflog_packet packet;

	((struct nfgenmsg *)mnl_nlmsg_get_payload(nlh))->nfgen_family = NFPROTO_BRIDGE;
	mnl_attr_put(nlh, NFULA_PACKET_HDR, sizeof(about), &about);
	mnl_attr_put_strz(nlh, NFULA_PREFIX, PREFIX);
	mnl_attr_put_u32(nlh, NFULA_IFINDEX_INDEV, htonl(7));
	mnl_attr_put_u32(nlh, NFULA_IFINDEX_PHYSINDEV, htonl(8));
	mnl_attr_put(nlh, NFULA_HWHEADER, row->header_len, header);
	mnl_attr_put(nlh, NFULA_PAYLOAD, row->len, row->bytes);
	if (row->tagged) {
		struct nlattr *vlan = mnl_attr_nest_start(nlh, NFULA_VLAN);
		mnl_attr_put_u16(nlh, NFULA_VLAN_TCI, htons(5));
		mnl_attr_nest_end(nlh, vlan);
	}
	assert_int_equal(nflog_parse(nlh, &packet), 0);
	assert_true(packet.bridged);
	assert_int_equal(packet.in_port, 8);
	assert_int_equal(packet.out_port, 0);
	assert_int_equal(packet.ether_type, row->ether_type);
	assert_int_equal(packet.tagged, row->tagged);
	assert_int_equal(packet.from_mac.bytes[5], row->header_len < 14 ? 0 : 2);
	assert_int_equal(packet.to_mac.bytes[5], row->header_len < 14 ? 0 : 3);
	assert_int_equal(packet.from.family, row->family);
	assert_int_equal(packet.to.family, row->family);
	assert_int_equal(packet.proto, row->proto);
	assert_int_equal(packet.to_port, row->port);
}

/* ---- announcements ---- */

struct announcement_row {
	const char *name;
	uint16_t ether_type;
	uint8_t bytes[72];
	size_t len;
	bool announces;
};

/* ARP from 172.18.0.2, about the address that ends so. */
#define ARP(last)                                                                                  \
	{ 0, 1, 8, 0, 6, 4, 0, 1, [14] = 172, 18, 0, 2, [24] = 172, 18, 0, last }
/* An ICMPv6 message of fd00::2 about the address that ends so. */
#define ND(type, last)                                                                             \
	{ 0x60, [6] = 58, [8] = ADDRESSES6, [40] = type, [48] = 0xfd, [63] = last }

static const struct announcement_row announcements[] = {
	{ "ARP about itself", 0x0806, ARP(2), 28, true },
	{ "ARP about another", 0x0806, ARP(3), 28, false },
	{ "an advertisement", 0x86dd, ND(136, 2), 72, true },
	{ "an advertisement without options", 0x86dd, ND(136, 2), 64, true },
	{ "an advertisement, cut off", 0x86dd, ND(136, 2), 63, false },
	{ "an advertisement for another", 0x86dd, ND(136, 3), 72, false },
	{ "a solicitation", 0x86dd, ND(135, 2), 72, false },
};

static void announcements_are_told_apart(void **state)
{
	const struct announcement_row *row = *state;
	_Alignas(8) char buffer[512] = { 0 };
	struct nlmsghdr *nlh = put_message(buffer, NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET);
	const struct nfulnl_msg_packet_hdr about = { htons(row->ether_type), NF_BR_PRE_ROUTING, 0 };
	struct nflog_packet packet;

	((struct nfgenmsg *)mnl_nlmsg_get_payload(nlh))->nfgen_family = NFPROTO_BRIDGE;
	mnl_attr_put(nlh, NFULA_PACKET_HDR, sizeof(about), &about);
	mnl_attr_put_strz(nlh, NFULA_PREFIX, PREFIX);
	mnl_attr_put(nlh, NFULA_PAYLOAD, row->len, row->bytes);
	assert_int_equal(nflog_parse(nlh, &packet), 0);
	assert_int_equal(packet.announces, row->announces);
}

/* Which end this host is. */
static void hooks_are_told_apart(void **state)
{
	static const struct {
		uint8_t number;
		enum nflog_hook hook;
	} hooks[] = { { NF_INET_PRE_ROUTING, NFLOG_PASSING },
		      { NF_INET_FORWARD, NFLOG_PASSING },
		      { NF_INET_LOCAL_IN, NFLOG_TO_HOST },
		      { NF_INET_LOCAL_OUT, NFLOG_FROM_HOST } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hooks); i++) {
		_Alignas(8) char buffer[512] = { 0 };
		struct nlmsghdr *nlh =
			put_message(buffer, NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET);
		const struct nfulnl_msg_packet_hdr about = { 0, hooks[i].number, 0 };
		struct nflog_packet packet;
		mnl_attr_put(nlh, NFULA_PACKET_HDR, sizeof(about), &about);
		mnl_attr_put_strz(nlh, NFULA_PREFIX, PREFIX);
		mnl_attr_put(nlh, NFULA_PAYLOAD, 40, rows[0].bytes);
		assert_int_equal(nflog_parse(nlh, &packet), 0);
		assert_false(packet.bridged);
		assert_int_equal(packet.hook, hooks[i].hook);
	}
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
	const size_t n = ARRAY_LEN(rows) + ARRAY_LEN(frames) + ARRAY_LEN(announcements);
	struct CMUnitTest tests[ARRAY_LEN(rows) + ARRAY_LEN(frames) + ARRAY_LEN(announcements) + 3];

	ADD_ROWS(tests, 0, rows, a_packet_is_read);
	ADD_ROWS(tests, ARRAY_LEN(rows), frames, a_frame_is_read);
	ADD_ROWS(tests, ARRAY_LEN(rows) + ARRAY_LEN(frames), announcements,
		 announcements_are_told_apart);
	tests[n] = (struct CMUnitTest)cmocka_unit_test(other_messages_are_passed_over);
	tests[n + 1] = (struct CMUnitTest)cmocka_unit_test(messages_are_numbered);
	tests[n + 2] = (struct CMUnitTest)cmocka_unit_test(hooks_are_told_apart);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
