/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values as nft 1.0.6 and later read them; names where nft lists names. */
#include "core/ruleset/print.h"

#include <linux/if_ether.h>
#include <string.h>

struct value_word {
	uint32_t value;
	const char *text;
};

#define WORDS_END       \
	{               \
		0, NULL \
	}

static const struct value_word ether_types[] = {
	{ ETH_P_IP, "ip" }, { ETH_P_IPV6, "ip6" }, { ETH_P_ARP, "arp" }, { ETH_P_8021Q, "8021q" },
	WORDS_END,
};

/* nft's own words; others would depend on the host's /etc/protocols. */
static const struct value_word protocols[] = {
	{ 1, "icmp" }, { 6, "tcp" }, { 17, "udp" }, { 58, "icmpv6" }, { 132, "sctp" }, WORDS_END,
};

static const struct value_word directions[] = { { 0, "original" }, { 1, "reply" }, WORDS_END };

static const struct value_word packet_types[] = {
	{ 0, "host" }, { 1, "broadcast" }, { 2, "multicast" }, { 3, "other" }, WORDS_END,
};

static const struct value_word icmpv6_types[] = {
	{ 1, "destination-unreachable" }, { 2, "packet-too-big" },
	{ 3, "time-exceeded" },		  { 4, "parameter-problem" },
	{ 128, "echo-request" },	  { 129, "echo-reply" },
	{ 130, "mld-listener-query" },	  { 131, "mld-listener-report" },
	{ 132, "mld-listener-done" },	  { 133, "nd-router-solicit" },
	{ 134, "nd-router-advert" },	  { 135, "nd-neighbor-solicit" },
	{ 136, "nd-neighbor-advert" },	  { 137, "nd-redirect" },
	{ 143, "mld2-listener-report" },  WORDS_END,
};

static const struct value_word icmp_types[] = {
	{ 0, "echo-reply" },	 { 3, "destination-unreachable" }, { 8, "echo-request" },
	{ 11, "time-exceeded" }, { 12, "parameter-problem" },	   WORDS_END,
};

static const struct value_word tcp_flags[] = {
	{ 1, "fin" }, { 2, "syn" }, { 4, "rst" }, { 8, "psh" }, { 16, "ack" }, WORDS_END,
};

static const struct value_word states[] = {
	{ 1, "invalid" }, { 2, "established" }, { 4, "related" },
	{ 8, "new" },	  { 64, "untracked" },	WORDS_END,
};

static const struct value_word statuses[] = {
	{ 1, "expected" }, { 2, "seen-reply" }, { 4, "assured" }, { 8, "confirmed" },
	{ 16, "snat" },	   { 32, "dnat" },	{ 512, "dying" }, WORDS_END,
};

/* How a number of that type is written when it has no word. */
static const struct {
	const struct value_word *words;
	const char *prefix;
	uint8_t hex_digits; /* 0: decimal */
} numbers[RS_TYPE_COUNT] = {
	[RS_TYPE_ETHER_TYPE] = { ether_types, "0x", 4 },
	[RS_TYPE_INET_PROTO] = { protocols, "", 0 },
	[RS_TYPE_INET_SERVICE] = { NULL, "", 0 },
	[RS_TYPE_MARK] = { NULL, "0x", 8 },
	[RS_TYPE_CT_DIR] = { directions, "", 0 },
	[RS_TYPE_ICMPV6_TYPE] = { icmpv6_types, "", 0 },
	[RS_TYPE_PKT_TYPE] = { packet_types, "", 0 },
	[RS_TYPE_INTEGER8] = { NULL, "", 0 },
	[RS_TYPE_INTEGER32] = { NULL, "0x", 8 },
	[RS_TYPE_FRAGMENT] = { NULL, "0x", 4 },
	[RS_TYPE_ICMP_TYPE] = { icmp_types, "", 0 },
};

static uint32_t number_of(enum rs_type type, const uint8_t *bytes)
{
	const struct rs_type_info *info = ruleset_type_info(type);
	uint32_t n = 0;

	if (info->host_order) {
		memcpy(&n, bytes, sizeof(n));
		return n;
	}
	for (size_t i = 0; i < info->len; i++)
		n = n << 8 | bytes[i];
	return n;
}

static void print_digits(enum rs_type type, uint32_t n, struct text *out)
{
	text_add(out, numbers[type].prefix);
	if (numbers[type].hex_digits)
		text_printf(out, "%0*x", numbers[type].hex_digits, n);
	else
		text_printf(out, "%u", n);
}

static void print_number(enum rs_type type, const uint8_t *bytes, struct text *out)
{
	uint32_t n = number_of(type, bytes);

	for (const struct value_word *word = numbers[type].words; word && word->text; word++)
		if (word->value == n) {
			text_add(out, word->text);
			return;
		}
	print_digits(type, n, out);
}

/* "established|related"; a bit without a name makes it a number. */
static void print_bits(enum rs_type type, const uint8_t *bytes, struct text *out)
{
	uint32_t n = number_of(type, bytes), named = 0;
	const struct value_word *words = type == RS_TYPE_CT_STATE    ? states
					 : type == RS_TYPE_TCP_FLAGS ? tcp_flags
								     : statuses;

	for (const struct value_word *word = words; word->text; word++)
		named |= word->value;
	if (n == 0 || (n & ~named)) {
		text_printf(out, "0x%x", n);
		return;
	}
	const char *separator = "";
	for (const struct value_word *word = words; word->text; word++)
		if (n & word->value) {
			text_printf(out, "%s%s", separator, word->text);
			separator = "|";
		}
}

/* nft takes what stands in quotes as it is, but for a star at the end, which would be any ending.
 * It has no way to write a quote, what a terminal obeys, and a star behind a backslash at the end:
 * such a name is in the kernel as it is, and with ? in the print. */
static void print_ifname(enum rs_type type, const uint8_t *bytes, struct text *out)
{
	char name[17] = "";

	(void)type;
	memcpy(name, bytes, 16);
	text_clean(name);
	for (char *quote = name; (quote = strchr(quote, '"'));)
		*quote = '?';
	size_t n = strlen(name);
	if (n > 1 && strcmp(name + n - 2, "\\*") == 0)
		name[n - 1] = '?';
	bool stars = n > 0 && name[n - 1] == '*';
	text_printf(out, "\"%.*s%s\"", (int)(n - stars), name, stars ? "\\*" : "");
}

static void print_addr(enum rs_type type, const uint8_t *bytes, struct text *out)
{
	struct ip_addr addr = { .family = type == RS_TYPE_IPV4 ? IP_V4 : IP_V6 };
	char line[IP_TEXT_LEN];

	memcpy(addr.bytes, bytes, ip_len(&addr));
	text_add(out, ip_format(&addr, line));
}

static void print_mac(enum rs_type type, const uint8_t *bytes, struct text *out)
{
	struct mac_addr mac;
	char line[MAC_TEXT_LEN];

	(void)type;
	memcpy(mac.bytes, bytes, sizeof(mac.bytes));
	text_add(out, mac_format(&mac, line));
}

static void print_hex(enum rs_type type, const uint8_t *bytes, struct text *out)
{
	text_add(out, "0x");
	for (size_t i = 0; i < ruleset_type_info(type)->len; i++)
		text_printf(out, "%02x", bytes[i]);
}

static void (*const printers[RS_TYPE_COUNT])(enum rs_type, const uint8_t *, struct text *) = {
	[RS_TYPE_IFNAME] = print_ifname,       [RS_TYPE_IPV4] = print_addr,
	[RS_TYPE_IPV6] = print_addr,	       [RS_TYPE_ETHER_ADDR] = print_mac,
	[RS_TYPE_ETHER_TYPE] = print_number,   [RS_TYPE_INET_PROTO] = print_number,
	[RS_TYPE_INET_SERVICE] = print_number, [RS_TYPE_MARK] = print_number,
	[RS_TYPE_CT_DIR] = print_number,       [RS_TYPE_CT_STATE] = print_bits,
	[RS_TYPE_CT_STATUS] = print_bits,      [RS_TYPE_ICMPV6_TYPE] = print_number,
	[RS_TYPE_INTEGER8] = print_number,     [RS_TYPE_PKT_TYPE] = print_number,
	[RS_TYPE_ND_HIGH] = print_hex,	       [RS_TYPE_ND_LOW] = print_hex,
	[RS_TYPE_INTEGER32] = print_number,    [RS_TYPE_LINK_ADDR] = print_hex,
	[RS_TYPE_TCP_FLAGS] = print_bits,      [RS_TYPE_FRAGMENT] = print_number,
	[RS_TYPE_ICMP_TYPE] = print_number,
};

void rs_print_value(enum rs_type type, const uint8_t *bytes, struct text *out)
{
	printers[type](type, bytes, out);
}

/* In a range of words nft could not tell the dash from those within the words. */
static void print_bound(enum rs_type type, const uint8_t *bytes, struct text *out)
{
	if (printers[type] == print_number)
		print_digits(type, number_of(type, bytes), out);
	else
		rs_print_value(type, bytes, out);
}

void rs_print_range(enum rs_type type, const uint8_t *first, const uint8_t *last, struct text *out)
{
	print_bound(type, first, out);
	text_add(out, "-");
	print_bound(type, last, out);
}

void rs_print_key(const enum rs_type *types, size_t n_types, const struct rs_key *key,
		  struct text *out)
{
	size_t at = 0;

	for (size_t i = 0; i < n_types; i++) {
		if (i > 0)
			text_add(out, " . ");
		rs_print_value(types[i], key->bytes + at, out);
		at += (ruleset_type_info(types[i])->len + 3u) / 4 * 4;
	}
}

/* The length of the prefix that covers just first..last, or -1. */
static int prefix_len(const struct rs_key *first, const struct rs_key *last)
{
	size_t bits = (size_t)first->len * 8, len = 0;

	while (len < bits && !((first->bytes[len / 8] ^ last->bytes[len / 8]) & (0x80 >> len % 8)))
		len++;
	for (size_t i = len; i < bits; i++) {
		uint8_t bit = (uint8_t)(0x80 >> i % 8);
		if ((first->bytes[i / 8] & bit) || !(last->bytes[i / 8] & bit))
			return -1;
	}
	return (int)len;
}

/* All names that begin alike: the only range of names that there is. */
static void print_ifname_pattern(const uint8_t *bytes, struct text *out)
{
	text_printf(out, "\"%.*s*\"", (int)strnlen((const char *)bytes, 15), (const char *)bytes);
}

void rs_print_elem(const struct rs_set *set, const struct rs_elem *elem, struct text *out)
{
	bool is_addr = set->types[0] == RS_TYPE_IPV4 || set->types[0] == RS_TYPE_IPV6;

	bool range = elem->last.len && rs_key_compare(&elem->key, &elem->last) != 0;
	int len = range && is_addr ? prefix_len(&elem->key, &elem->last) : -1;

	if (range && set->types[0] == RS_TYPE_IFNAME) {
		print_ifname_pattern(elem->key.bytes, out);
		return;
	}
	if (range && len < 0) {
		rs_print_range(set->types[0], elem->key.bytes, elem->last.bytes, out);
		return;
	}
	rs_print_key(set->types, set->n_types, &elem->key, out);
	if (len >= 0)
		text_printf(out, "/%d", len);
}

void rs_print_verdict(enum rs_verdict verdict, const char *target, struct text *out)
{
	static const char *const words[] = {
		[RS_CONTINUE] = "",	[RS_ACCEPT] = "accept", [RS_DROP] = "drop",
		[RS_RETURN] = "return", [RS_JUMP] = "jump ",	[RS_GOTO] = "goto ",
		[RS_VMAP] = "",
	};

	text_add(out, words[verdict]);
	if (verdict == RS_JUMP || verdict == RS_GOTO)
		text_add(out, target);
}

void rs_print_fields(const enum rs_field *fields, size_t n, struct text *out)
{
	for (size_t i = 0; i < n; i++)
		text_printf(out, "%s%s", i ? " . " : "", ruleset_field_info(fields[i])->nft);
}

const char *rs_family_name(enum rs_family family)
{
	static const char *const names[] = {
		[RS_INET] = "inet", [RS_BRIDGE] = "bridge", [RS_NETDEV] = "netdev"
	};

	return names[family];
}

const char *rs_hook_name(enum rs_hook hook)
{
	static const char *const names[] = {
		[RS_HOOK_PREROUTING] = "prerouting",   [RS_HOOK_INPUT] = "input",
		[RS_HOOK_FORWARD] = "forward",	       [RS_HOOK_OUTPUT] = "output",
		[RS_HOOK_POSTROUTING] = "postrouting", [RS_HOOK_INGRESS] = "ingress",
		[RS_HOOK_EGRESS] = "egress",
	};

	return names[hook];
}
