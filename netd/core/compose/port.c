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
	char word[TEXT_QUOTE_LEN];

	compose_report(c->diags, CF_BAD_PORT, loc,
		       r == -ERANGE ? "ports go from 1 to 65535, ranges have one length"
				    : "write it like `127.0.0.1:8080:80`, `8080:80/udp` or `80`",
		       "`%s` is not a port to publish", text_quote(text, word));
}

/* ---- one of a list ---- */

static bool same_address(const struct draft_port *a, const struct draft_port *b)
{
	static const struct ip_addr everywhere = { .family = IP_V4 };

	return ip_compare(a->host_ip.family ? &a->host_ip : &everywhere,
			  b->host_ip.family ? &b->host_ip : &everywhere) == 0;
}

/* For compose no address and 0.0.0.0 are one, and the later entry counts: of `80:80` and
 * `0.0.0.0:80:80` only the second is left, and with it only IPv4. */
static bool is_same_port(const struct draft_port *a, const struct draft_port *b)
{
	return a->host_lo == b->host_lo && a->host_hi == b->host_hi &&
	       a->is_number == b->is_number && a->port.proto == b->port.proto &&
	       a->port.lo == b->port.lo && a->port.hi == b->port.hi && same_address(a, b);
}

static int add_port(struct compose *c, struct draft_service *service, struct draft_port port)
{
	/* Two that are alike mostly stand close: a long list is not looked through from the start.
	 */
	for (size_t i = service->ports.n; i > 0 && service->ports.n - i < 256; i--)
		if (is_same_port(&service->ports.items[i - 1], &port)) {
			service->ports.items[i - 1] = port;
			return 0;
		}
	return VEC_PUSH(c->arena, &service->ports, port);
}

static int add_short(struct compose *c, const struct node *item, struct draft_service *service)
{
	struct draft_port port;
	const char *text;
	int r = compose_word(c, item, "a port", &text);

	if (r || !text)
		return r;
	r = compose_parse_port(text, &port);
	port.loc = item->loc;
	port.is_long = port.is_number = false;
	if (r == 0)
		return add_port(c, service, port);
	report_bad(c, item->loc, text, r);
	return 0;
}

/* ---- the long form ---- */

struct long_port {
	struct draft_text target, published, host_ip, protocol;
};

static const struct compose_field long_fields[] = {
	COMPOSE_FIELD("target", compose_decode_word, long_port, target),
	COMPOSE_FIELD("published", compose_decode_word, long_port, published),
	COMPOSE_FIELD("host_ip", compose_decode_text, long_port, host_ip),
	COMPOSE_FIELD("protocol", compose_decode_text, long_port, protocol),
	COMPOSE_IGNORED("app_protocol"),
	COMPOSE_IGNORED("mode"),
	COMPOSE_IGNORED("name"),
};
static const struct compose_shape long_shape = { "a port", long_fields, ARRAY_LEN(long_fields),
						 CF_UNKNOWN_SETTING };

static bool read_part(struct compose *c, const struct draft_text *part, int r)
{
	if (r < 0)
		report_bad(c, part->loc, part->text, r);
	return r == 0;
}

static bool read_long(struct compose *c, const struct long_port *from, struct draft_port *port)
{
	const char *target = from->target.text, *published = from->published.text;
	const char *host_ip = from->host_ip.text, *protocol = from->protocol.text;

	if (!read_part(
		    c, &from->target,
		    parse_port_numbers(target, strlen(target), &port->port.lo, &port->port.hi)) ||
	    !read_part(c, &from->target, port->port.lo == port->port.hi ? 0 : -EINVAL))
		return false;
	if (published && strspn(published, "0") != strlen(published) &&
	    !read_part(c, &from->published,
		       parse_port_numbers(published, strlen(published), &port->host_lo,
					  &port->host_hi)))
		return false;
	if (host_ip && !read_part(c, &from->host_ip, ip_parse(host_ip, &port->host_ip)))
		return false;
	return !protocol ||
	       read_part(c, &from->protocol, parse_protocol(protocol, &port->port.proto));
}

static int add_long(struct compose *c, const struct node *item, struct draft_service *service)
{
	const struct node *published = node_get(item, "published");
	struct draft_port port = { .loc = item->loc, .port.proto = PROTO_TCP, .is_long = true };
	struct long_port from = { 0 };
	size_t errors = c->diags->n_errors;
	int r = compose_decode_object(c, item, &long_shape, &from);

	if (r || c->diags->n_errors != errors)
		return r;
	if (!from.target.text) {
		compose_report(c->diags, CF_MISSING_KEY, item->loc, "add `target: 80`",
			       "a port needs the key `target`");
		return 0;
	}
	port.is_number = published && value_type_of(published) == VALUE_INT;
	return read_long(c, &from, &port) ? add_port(c, service, port) : 0;
}

int compose_decode_ports(struct compose *c, const struct node *key, void *member)
{
	int r = 0;

	if (!compose_is_list(c, key))
		return 0;
	for (const struct node *item = key->value->first; item && r == 0; item = item->next)
		r = item->kind == NODE_MAPPING ? add_long(c, item, member)
					       : add_short(c, item, member);
	return r;
}
