/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Published ports: "8080:80", "127.0.0.1:8000-8010:80-90/udp", and the long form. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/compose/decode.h"
#include "core/compose/value.h"

/* "80", "8000-8010". */
static int parse_port_numbers(const char *text, size_t len, uint16_t *lo, uint16_t *hi)
{
	struct port_range range;
	char copy[PORT_RANGE_TEXT_LEN];

	if (len == 0 || len > 11)
		return -EINVAL;
	(void)snprintf(copy, sizeof(copy), "%.*s/tcp", (int)len, text);
	int r = port_range_parse(copy, &range);
	if (r == 0) {
		*lo = range.lo;
		*hi = range.hi;
	}
	return r;
}

static int parse_protocol(const char *text, uint8_t *ret)
{
	static const char *const names[] = { "tcp", "udp", "sctp" };
	static const uint8_t protos[] = { PROTO_TCP, PROTO_UDP, PROTO_SCTP };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcasecmp(text, names[i]) == 0) {
			*ret = protos[i];
			return 0;
		}
	return -EINVAL;
}

static int parse_host_ip(const char *text, size_t len, struct ip_addr *ret)
{
	char copy[IP_TEXT_LEN];

	if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	} else if (memchr(text, ':', len)) {
		return -EINVAL; /* an IPv6 address without brackets */
	}
	if (len == 0 || len >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return ip_parse(copy, ret);
}

/* One for one; or a range of the host for one port: Docker takes a free one of it. */
static int match_ranges(const struct draft_port *port)
{
	unsigned int host = (unsigned int)(port->host_hi - port->host_lo);
	unsigned int own = (unsigned int)(port->port.hi - port->port.lo);

	return port->host_lo && host != own && own != 0 ? -ERANGE : 0;
}

/* "8080", "127.0.0.1:8080", "[::1]:", "": what stands before the port. */
static int parse_host(const char *text, const char *end, struct draft_port *port)
{
	const char *host = end;
	int r = 0;

	while (host > text && host[-1] != ':' && host[-1] != ']')
		host--;
	port->published = host < end ? DRAFT_TEXT : DRAFT_UNSAID;
	if (host < end && strspn(host, "0") < (size_t)(end - host)) /* 0: Docker chooses one */
		r = parse_port_numbers(host, (size_t)(end - host), &port->host_lo, &port->host_hi);
	if (r || host <= text + 1)
		return r; /* `:8080:80` is every address too */
	return host[-1] == ':' ? parse_host_ip(text, (size_t)(host - 1 - text), &port->host_ip)
			       : -EINVAL;
}

/* From the last colon to the left: port, host port, address. */
int compose_parse_port(const char *text, struct draft_port *ret)
{
	struct draft_port port = { .port.proto = PROTO_TCP };
	const char *slash = strrchr(text, '/');
	const char *end = slash ? slash : text + strlen(text), *own = end;
	int r = slash ? parse_protocol(slash + 1, &port.port.proto) : 0;

	while (own > text && own[-1] != ':')
		own--;
	if (r == 0)
		r = parse_port_numbers(own, (size_t)(end - own), &port.port.lo, &port.port.hi);
	if (r == 0 && own > text)
		r = parse_host(text, own - 1, &port);
	if (r == 0)
		r = match_ranges(&port);
	if (r == 0)
		*ret = port;
	return r;
}

static void report_bad(struct compose *c, struct source_loc loc, const char *text, int r)
{
	compose_report(c, CF_BAD_PORT, loc,
		       r == -ERANGE ? "ports go from 1 to 65535, ranges have one length"
				    : "write it like `127.0.0.1:8080:80`, `8080:80/udp` or `80`",
		       "`%s` is not a port to publish", compose_quote(c, text));
}

/* ---- one of a list ---- */

static bool same_address(const struct draft_port *a, const struct draft_port *b)
{
	static const struct ip_addr everywhere = { .family = IP_V4 };

	return ip_compare(a->host_ip.family ? &a->host_ip : &everywhere,
			  b->host_ip.family ? &b->host_ip : &everywhere) == 0;
}

/* Compose takes an entry apart into its ports, and for it the host's port as it is written, the
 * container's and the address make one: 0.0.0.0 where there is none. */
static bool is_alike(const struct draft_port *a, const struct draft_port *b)
{
	bool fixed = draft_port_is_fixed(a);

	if (a->published != b->published || a->published == DRAFT_ODD ||
	    a->port.proto != b->port.proto || fixed != draft_port_is_fixed(b) ||
	    !same_address(a, b))
		return false;
	return fixed ? a->host_lo - a->port.lo == b->host_lo - b->port.lo
		     : a->host_lo == b->host_lo && a->host_hi == b->host_hi;
}

/* The ports @lo to @hi of an entry. */
static struct draft_port part_of(const struct draft_port *port, unsigned int lo, unsigned int hi)
{
	struct draft_port part = *port;

	if (draft_port_is_fixed(port)) {
		part.host_lo = (uint16_t)(port->host_lo + (lo - port->port.lo));
		part.host_hi = (uint16_t)(port->host_lo + (hi - port->port.lo));
	}
	part.port.lo = (uint16_t)lo;
	part.port.hi = (uint16_t)hi;
	return part;
}

/* Of two that are alike the later counts: of `80-81:80-81` and `0.0.0.0:80:80` on 80 only the
 * second is left, and with it only IPv4. docker compose's own output has none that are alike, and
 * does not show any more how they were written. */
static void add_port(struct compose *c, struct draft_service *service, struct draft_port port)
{
	/* Two that are alike mostly stand close: a long list is not looked through from the start.
	 */
	size_t n = service->ports.n, first = c->canonical ? n : n > 1024 ? n - 1024 : 0;

	for (size_t i = n; i-- > first && !c->stopped;) {
		struct draft_port old = service->ports.items[i];
		if (!is_alike(&old, &port) || old.port.lo > port.port.hi ||
		    old.port.hi < port.port.lo)
			continue;
		service->ports.items[i] = service->ports.items[--service->ports.n];
		if (old.port.lo < port.port.lo)
			COMPOSE_PUSH(c, &service->ports,
				     part_of(&old, old.port.lo, port.port.lo - 1u));
		if (old.port.hi > port.port.hi)
			COMPOSE_PUSH(c, &service->ports,
				     part_of(&old, port.port.hi + 1u, old.port.hi));
	}
	COMPOSE_PUSH(c, &service->ports, port);
}

static void add_short(struct compose *c, const struct node *item, struct draft_service *service)
{
	const char *text = compose_word(c, item, "a port");
	struct draft_port port;
	int r = text ? compose_parse_port(text, &port) : 0;

	port.loc = item->loc;
	if (r < 0)
		report_bad(c, item->loc, text, r);
	else if (text)
		add_port(c, service, port);
}

/* ---- the long form ---- */

struct long_port {
	struct draft_text target, published, host_ip, protocol;
};

#define FIELD(name, decode) SCHEMA_WORD_FIELD(#name, decode, long_port, name)

static const struct schema_field fields[] = {
	FIELD(target, compose_decode_word),
	FIELD(published, compose_decode_word),
	FIELD(host_ip, compose_decode_text),
	FIELD(protocol, compose_decode_text),
};
const struct schema_shape compose_port_shape = {
	fields, ARRAY_LEN(fields), "a port", NULL, CF_UNKNOWN_SETTING, "app_protocol mode name",
};

static int read_target(const char *text, struct draft_port *port)
{
	int r = parse_port_numbers(text, strlen(text), &port->port.lo, &port->port.hi);

	return r == 0 && port->port.lo != port->port.hi ? -EINVAL : r;
}

static int read_published(const char *text, struct draft_port *port)
{
	return strspn(text, "0") == strlen(text) /* Docker chooses one */
		       ? 0
		       : parse_port_numbers(text, strlen(text), &port->host_lo, &port->host_hi);
}

static int read_host_ip(const char *text, struct draft_port *port)
{
	return ip_parse(text, &port->host_ip);
}

static int read_protocol(const char *text, struct draft_port *port)
{
	return parse_protocol(text, &port->port.proto);
}

static enum draft_published spelling_of(const struct long_port *from, const struct node *published)
{
	const char *text = from->published.text, *proto = from->protocol.text;

	if ((proto && strpbrk(proto, "CDPSTU")) || (text && (!*text || (*text == '0' && text[1]))))
		return DRAFT_ODD;
	if (!text)
		return DRAFT_UNSAID;
	return value_type_of(published) == VALUE_INT ? DRAFT_NUMBER : DRAFT_TEXT;
}

static void add_long(struct compose *c, const struct node *item, struct draft_service *service)
{
	const struct node *published = node_get(item, "published");
	struct draft_port port = { .loc = item->loc, .port.proto = PROTO_TCP, .is_long = true };
	struct long_port from = { 0 };
	const struct {
		const struct draft_text *text;
		int (*read)(const char *text, struct draft_port *port);
	} parts[] = { { &from.target, read_target },
		      { &from.published, read_published },
		      { &from.host_ip, read_host_ip },
		      { &from.protocol, read_protocol } };
	size_t errors = c->diags->n_errors;

	schema_decode(c, item, &compose_port_shape, &from);
	if (c->diags->n_errors == errors && !from.target.text)
		compose_report(c, CF_MISSING_KEY, item->loc, "add `target: 80`",
			       "a port needs the key `target`");
	for (size_t i = 0; i < ARRAY_LEN(parts) && c->diags->n_errors == errors; i++) {
		const struct draft_text *part = parts[i].text;
		int r = part->text ? parts[i].read(part->text, &port) : 0;
		if (r < 0)
			report_bad(c, part->loc, part->text, r);
	}
	port.published = spelling_of(&from, published);
	if (c->diags->n_errors == errors)
		add_port(c, service, port);
}

void compose_check_ports(struct compose *c, const struct node *ports)
{
	for (const struct node *item = ports->first; item && !c->stopped; item = item->next) {
		struct draft_service scratch = { 0 };
		if (item->kind == NODE_MAPPING && !node_get(item, "target"))
			compose_report(c, CF_MISSING_KEY, item->loc, "add `target: 80`",
				       "a port needs the key `target`");
		else if (item->kind != NODE_MAPPING && item->tag != compose_unset)
			add_short(c, item, &scratch);
	}
}

void compose_decode_ports(struct compose *c, const struct node *key, void *service)
{
	for (const struct node *item = key->value->first; item && !c->stopped; item = item->next) {
		if (item->kind == NODE_MAPPING)
			add_long(c, item, service);
		else
			add_short(c, item, service);
	}
}
