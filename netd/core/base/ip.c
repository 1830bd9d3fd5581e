/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/base/ip.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	uint8_t number;
	bool ports;
} protos[] = {
	[PROTO_ANY] = { "any", 0, false },   [PROTO_TCP] = { "tcp", 6, true },
	[PROTO_UDP] = { "udp", 17, true },   [PROTO_SCTP] = { "sctp", 132, true },
	[PROTO_ICMP] = { "icmp", 1, false }, [PROTO_ICMPV6] = { "icmpv6", 58, false },
};

int ip_parse(const char *text, struct ip_addr *ret)
{
	struct ip_addr addr = { .family = strchr(text, ':') ? IP_V6 : IP_V4 };

	if (inet_pton(addr.family == IP_V6 ? AF_INET6 : AF_INET, text, addr.bytes) != 1)
		return -EINVAL;
	*ret = addr;
	return 0;
}

static bool clear_host_bits(struct ip_addr *addr, unsigned int len)
{
	bool cleared = false;

	for (unsigned int i = 0; i < ip_len(addr); i++) {
		unsigned int keep = len > i * 8 ? len - i * 8 : 0;
		uint8_t mask = (uint8_t)(keep >= 8 ? 0xffu : 0xff00u >> keep);
		cleared |= (addr->bytes[i] & (uint8_t)~mask) != 0;
		addr->bytes[i] &= mask;
	}
	return cleared;
}

/* Decimal digits only: strtoul would take signs and blanks. */
static int parse_number(const char *text, unsigned long largest, unsigned long *ret)
{
	unsigned long n = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		n = n * 10 + (unsigned long)(*text - '0');
		if (n > largest)
			return -ERANGE;
	}
	*ret = n;
	return 0;
}

int ip_prefix_parse(const char *text, struct ip_prefix *ret)
{
	char addr[IP_TEXT_LEN];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	struct ip_prefix prefix = { 0 };
	unsigned long len;

	if (n >= sizeof(addr))
		return -EINVAL;
	memcpy(addr, text, n);
	addr[n] = '\0';
	if (ip_parse(addr, &prefix.addr) < 0)
		return -EINVAL;
	len = ip_len(&prefix.addr) * 8;
	if (slash && parse_number(slash + 1, len, &len) < 0)
		return -EINVAL;
	prefix.len = (uint8_t)len;
	bool cleared = clear_host_bits(&prefix.addr, prefix.len);
	*ret = prefix;
	return cleared ? 1 : 0;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int mac_parse(const char *text, struct mac_addr *ret)
{
	struct mac_addr mac;

	if (strlen(text) != MAC_TEXT_LEN - 1)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(mac.bytes); i++) {
		int high = hex_value(text[i * 3]), low = hex_value(text[i * 3 + 1]);
		if (high < 0 || low < 0 || (i < 5 && text[i * 3 + 2] != ':'))
			return -EINVAL;
		mac.bytes[i] = (uint8_t)(high * 16 + low);
	}
	*ret = mac;
	return 0;
}

const char *ip_format(const struct ip_addr *addr, char ret[IP_TEXT_LEN])
{
	if (addr->family == IP_NONE ||
	    !inet_ntop(addr->family == IP_V6 ? AF_INET6 : AF_INET, addr->bytes, ret, IP_TEXT_LEN))
		memcpy(ret, "-", 2);
	return ret;
}

const char *ip_prefix_format(const struct ip_prefix *prefix, char ret[PREFIX_TEXT_LEN])
{
	char addr[IP_TEXT_LEN];

	(void)snprintf(ret, PREFIX_TEXT_LEN, "%s/%u", ip_format(&prefix->addr, addr), prefix->len);
	return ret;
}

const char *mac_format(const struct mac_addr *mac, char ret[MAC_TEXT_LEN])
{
	const uint8_t *b = mac->bytes;

	(void)snprintf(ret, MAC_TEXT_LEN, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3],
		       b[4], b[5]);
	return ret;
}

size_t ip_len(const struct ip_addr *addr)
{
	return addr->family == IP_V4 ? 4 : addr->family == IP_V6 ? 16 : 0;
}

int ip_compare(const struct ip_addr *a, const struct ip_addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

bool ip_in_prefix(const struct ip_addr *addr, const struct ip_prefix *prefix)
{
	size_t whole = prefix->len / 8;
	unsigned int rest = prefix->len % 8;

	if (addr->family != prefix->addr.family ||
	    memcmp(addr->bytes, prefix->addr.bytes, whole) != 0)
		return false;
	return rest == 0 || (addr->bytes[whole] ^ prefix->addr.bytes[whole]) >> (8 - rest) == 0;
}

struct ip_range ip_prefix_range(const struct ip_prefix *prefix)
{
	struct ip_range range = { prefix->addr, prefix->addr };

	for (size_t i = 0; i < ip_len(&prefix->addr); i++) {
		unsigned int keep = prefix->len > i * 8 ? prefix->len - (unsigned int)i * 8 : 0;
		uint8_t mask = (uint8_t)(keep >= 8 ? 0xffu : 0xff00u >> keep);
		range.last.bytes[i] |= (uint8_t)~mask;
	}
	return range;
}

bool ip_next(const struct ip_addr *addr, struct ip_addr *ret)
{
	struct ip_addr next = *addr;

	for (size_t i = ip_len(addr); i-- > 0;)
		if (++next.bytes[i] != 0) {
			*ret = next;
			return true;
		}
	return false;
}

bool ip_previous(const struct ip_addr *addr, struct ip_addr *ret)
{
	struct ip_addr previous = *addr;

	for (size_t i = ip_len(addr); i-- > 0;)
		if (previous.bytes[i]-- != 0) {
			*ret = previous;
			return true;
		}
	return false;
}

bool ip_is_unspecified(const struct ip_addr *addr)
{
	static const uint8_t zero[16];

	return memcmp(addr->bytes, zero, sizeof(zero)) == 0;
}

bool ip_is_loopback(const struct ip_addr *addr)
{
	static const uint8_t one[16] = { [15] = 1 };

	return addr->family == IP_V4 ? addr->bytes[0] == 127
				     : memcmp(addr->bytes, one, sizeof(one)) == 0;
}

bool mac_is_zero(const struct mac_addr *mac)
{
	static const struct mac_addr zero;

	return memcmp(mac, &zero, sizeof(zero)) == 0;
}

struct ip_addr ip_link_local(const struct mac_addr *mac)
{
	const uint8_t *m = mac->bytes;

	return (struct ip_addr){ IP_V6,
				 { 0xfe, 0x80, 0, 0, 0, 0, 0, 0, m[0] ^ 2, m[1], m[2], 0xff, 0xfe,
				   m[3], m[4], m[5] } };
}

const char *proto_name(enum ip_proto proto)
{
	return protos[proto].name;
}

bool proto_has_ports(enum ip_proto proto)
{
	return protos[proto].ports;
}

uint8_t proto_number(enum ip_proto proto)
{
	return protos[proto].number;
}

enum ip_proto proto_find(uint8_t number)
{
	for (size_t i = PROTO_TCP; i < ARRAY_LEN(protos); i++)
		if (protos[i].number == number)
			return (enum ip_proto)i;
	return PROTO_ANY;
}

int proto_parse(const char *text, enum ip_proto *ret)
{
	for (size_t i = PROTO_TCP; i < ARRAY_LEN(protos); i++)
		if (strcmp(text, protos[i].name) == 0) {
			*ret = (enum ip_proto)i;
			return 0;
		}
	return -EINVAL;
}

static int parse_ports(char *text, struct port_range *range)
{
	char *dash = strchr(text, '-');
	unsigned long lo, hi;

	if (dash)
		*dash = '\0';
	int r = parse_number(text, 65535, &lo);
	if (r == 0)
		r = parse_number(dash ? dash + 1 : text, 65535, &hi);
	if (r < 0)
		return r;
	if (lo == 0 || hi < lo)
		return -ERANGE;
	range->lo = (uint16_t)lo;
	range->hi = (uint16_t)hi;
	return 0;
}

int port_range_parse(const char *text, struct port_range *ret)
{
	char copy[PORT_RANGE_TEXT_LEN];
	struct port_range range = { .hi = 65535 };
	enum ip_proto proto;

	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, strlen(text) + 1);
	char *slash = strchr(copy, '/');
	if (slash)
		*slash = '\0';
	if (proto_parse(slash ? slash + 1 : copy, &proto) < 0 || proto_has_ports(proto) != !!slash)
		return -EINVAL;
	range.proto = (uint8_t)proto;
	int r = slash ? parse_ports(copy, &range) : 0;
	if (r == 0)
		*ret = range;
	return r;
}

const char *port_range_format(const struct port_range *ports, char ret[PORT_RANGE_TEXT_LEN])
{
	const char *name = protos[ports->proto].name;

	if (!protos[ports->proto].ports)
		(void)snprintf(ret, PORT_RANGE_TEXT_LEN, "%s", name);
	else if (ports->lo == ports->hi)
		(void)snprintf(ret, PORT_RANGE_TEXT_LEN, "%u/%s", ports->lo, name);
	else
		(void)snprintf(ret, PORT_RANGE_TEXT_LEN, "%u-%u/%s", ports->lo, ports->hi, name);
	return ret;
}

bool port_range_contains(const struct port_range *ports, enum ip_proto proto, uint16_t port)
{
	if (ports->proto == PROTO_ANY)
		return true;
	return ports->proto == (uint8_t)proto &&
	       (!protos[proto].ports || (port >= ports->lo && port <= ports->hi));
}

bool port_range_overlaps(const struct port_range *a, const struct port_range *b)
{
	if (a->proto == PROTO_ANY || b->proto == PROTO_ANY)
		return true;
	return a->proto == b->proto && a->lo <= b->hi && b->lo <= a->hi;
}
