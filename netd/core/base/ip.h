/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses, prefixes, MACs, protocols and port ranges as values. Address bytes are always in
 * network order; ports are host order numbers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/cleanup.h"

enum ip_family { IP_NONE = 0, IP_V4 = 4, IP_V6 = 6 };

/* family IP_NONE: no address. Unused bytes are zero, so structs compare with memcmp. */
struct ip_addr {
	uint8_t family; /* enum ip_family */
	uint8_t bytes[16];
};

/* Host bits are zero. */
struct ip_prefix {
	struct ip_addr addr;
	uint8_t len;
};

/* First and last address, both included, same family. */
struct ip_range {
	struct ip_addr first, last;
};

struct mac_addr {
	uint8_t bytes[6];
};

#define IP_TEXT_LEN 46	   /* longest IPv6 text with NUL */
#define PREFIX_TEXT_LEN 50 /* with "/128" */
#define MAC_TEXT_LEN 18

/* 0, or -EINVAL: not an address of the usual text form. */
int ip_parse(const char *text, struct ip_addr *ret) MUST_CHECK;
/* "10.0.0.0/8" or a bare address (full length). 0; -EINVAL: no prefix; 1: host bits were set
 * (*ret is written with them cleared, so the caller can say what was meant). */
int ip_prefix_parse(const char *text, struct ip_prefix *ret) MUST_CHECK;
int mac_parse(const char *text, struct mac_addr *ret) MUST_CHECK;

const char *ip_format(const struct ip_addr *addr, char ret[IP_TEXT_LEN]);
const char *ip_prefix_format(const struct ip_prefix *prefix, char ret[PREFIX_TEXT_LEN]);
const char *mac_format(const struct mac_addr *mac, char ret[MAC_TEXT_LEN]);

size_t ip_len(const struct ip_addr *addr); /* bytes: 4, 16 or 0 */
int ip_compare(const struct ip_addr *a, const struct ip_addr *b);
bool ip_in_prefix(const struct ip_addr *addr, const struct ip_prefix *prefix);
struct ip_range ip_prefix_range(const struct ip_prefix *prefix);
/* The neighbours of an address; false at the end of the space. */
bool ip_next(const struct ip_addr *addr, struct ip_addr *ret);
bool ip_previous(const struct ip_addr *addr, struct ip_addr *ret);
bool ip_is_unspecified(const struct ip_addr *addr); /* 0.0.0.0 or :: */
bool ip_is_loopback(const struct ip_addr *addr);    /* 127.0.0.0/8 or ::1 */
bool mac_is_zero(const struct mac_addr *mac);
/* fe80::/64 with the EUI-64 of the MAC: what Linux gives an interface by default. */
struct ip_addr ip_link_local(const struct mac_addr *mac);

/* Protocols of the policy language. ANY: every protocol and port. */
enum ip_proto { PROTO_ANY, PROTO_TCP, PROTO_UDP, PROTO_SCTP, PROTO_ICMP, PROTO_ICMPV6 };

const char *proto_name(enum ip_proto proto);			  /* "tcp"; PROTO_ANY: "any" */
bool proto_has_ports(enum ip_proto proto);			  /* tcp, udp, sctp */
uint8_t proto_number(enum ip_proto proto);			  /* IANA number; PROTO_ANY: 0 */
enum ip_proto proto_find(uint8_t number);			  /* PROTO_ANY: none of these */
int proto_parse(const char *text, enum ip_proto *ret) MUST_CHECK; /* 0 or -EINVAL; not "any" */

/* Ports lo..hi of a protocol; without ports (icmp, icmpv6, any) lo = 0 and hi = 65535. */
struct port_range {
	uint8_t proto; /* enum ip_proto */
	uint16_t lo, hi;
};

/* "80/tcp", "9000-9010/udp", "icmp". 0; -EINVAL: not of that form; -ERANGE: 0, above 65535, or
 * reversed. */
int port_range_parse(const char *text, struct port_range *ret) MUST_CHECK;
#define PORT_RANGE_TEXT_LEN 24
const char *port_range_format(const struct port_range *ports, char ret[PORT_RANGE_TEXT_LEN]);
bool port_range_contains(const struct port_range *ports, enum ip_proto proto, uint16_t port);
bool port_range_overlaps(const struct port_range *a, const struct port_range *b);
