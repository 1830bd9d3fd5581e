/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One entry of the top-level `networks`. */
#include <string.h>

#include "core/compose/decode.h"
#include "core/compose/value.h"

/* ---- ipam ---- */

/* Docker takes bits behind the prefix, and clears them. */
static void decode_prefix(struct compose *c, const struct node *key, void *member)
{
	const char *text = compose_text(c, key->value, key->text);

	if (text && ip_prefix_parse(text, member) < 0)
		compose_report(c, CF_BAD_SUBNET, key->value->loc, "write it like `172.28.0.0/24`",
			       "`%s` is not a subnet", compose_quote(c, text));
}

static void decode_address(struct compose *c, const struct node *key, void *member)
{
	const char *text = compose_text(c, key->value, key->text);

	if (text && ip_parse(text, member) < 0)
		compose_report(c, CF_BAD_ADDRESS, key->value->loc, NULL, "`%s` is not an address",
			       compose_quote(c, text));
}

static void decode_others(struct compose *c, const struct node *key, void *member)
{
	struct draft_subnet *subnet = member;

	for (const struct node *one = key->value->first; one && !c->stopped; one = one->next) {
		struct ip_addr addr = { 0 };
		decode_address(c, one, &addr);
		if (addr.family)
			COMPOSE_PUSH(c, &subnet->others, addr);
	}
}

static const struct schema_field subnet_fields[] = {
	SCHEMA_WORD_FIELD("subnet", decode_prefix, draft_subnet, prefix),
	SCHEMA_WORD_FIELD("ip_range", decode_prefix, draft_subnet, range),
	SCHEMA_WORD_FIELD("gateway", decode_address, draft_subnet, gateway),
	{ "aux_addresses", SCHEMA_MAP, SCHEMA_BY_KIND, decode_others, 0, NULL },
};
static const struct schema_shape subnet_shape = {
	subnet_fields, ARRAY_LEN(subnet_fields), "a subnet", NULL, CF_UNKNOWN_SETTING, NULL,
};

static void decode_subnets(struct compose *c, const struct node *key, void *member)
{
	struct draft_network *network = member;

	for (const struct node *item = key->value->first; item && !c->stopped; item = item->next) {
		struct draft_subnet subnet = { .loc = item->loc };
		const struct node *prefix = node_find(item, "subnet");
		schema_decode(c, item, &subnet_shape, &subnet);
		if (prefix)
			subnet.loc = prefix->value->loc;
		if (network->subnets.n == LIMIT_COMPOSE_SUBNETS)
			compose_stop(c, CF_TOO_MANY, item->loc,
				     "a network has more than %u subnets", LIMIT_COMPOSE_SUBNETS);
		else if (subnet.prefix.addr.family)
			COMPOSE_PUSH(c, &network->subnets, subnet);
	}
}

static const struct schema_field ipam_fields[] = {
	{ "config", SCHEMA_LIST | SCHEMA_MAPS, SCHEMA_SUBNETS, decode_subnets, 0, &subnet_shape },
};
static const struct schema_shape ipam_shape = {
	ipam_fields, ARRAY_LEN(ipam_fields), "`ipam`", NULL, CF_UNKNOWN_SETTING, "driver options",
};

/* ---- the rest ---- */

#define WORD(name, decode, member) SCHEMA_WORD_FIELD(name, decode, draft_network, member)
#define OPTION(name, decode, member)                                                        \
	{                                                                                   \
		"com.docker.network.bridge." name, SCHEMA_WORD | SCHEMA_NULL, SCHEMA_LATER, \
			decode, offsetof(struct draft_network, member), NULL                \
	}

static const struct schema_field options[] = {
	OPTION("enable_icc", compose_decode_flag, icc),
	OPTION("enable_ip_masquerade", compose_decode_flag, masquerade),
	OPTION("gateway_mode_ipv4", compose_decode_word, modes[0]),
	OPTION("gateway_mode_ipv6", compose_decode_word, modes[1]),
	OPTION("host_binding_ipv4", compose_decode_word, binding),
	OPTION("name", compose_decode_word, bridge),
};
static const struct schema_shape options_shape = { .fields = options, .n = ARRAY_LEN(options) };

static const struct schema_field fields[] = {
	WORD("driver", compose_decode_text, driver),
	WORD("enable_ipv4", compose_decode_flag, ipv4),
	WORD("enable_ipv6", compose_decode_flag, ipv6),
	WORD("external", compose_decode_flag, external),
	WORD("internal", compose_decode_flag, internal),
	WORD("name", compose_decode_text, name),
	{ "driver_opts", SCHEMA_MAP, SCHEMA_BY_KIND, NULL, 0, &options_shape },
	{ "ipam", SCHEMA_MAP, SCHEMA_BY_KIND, NULL, 0, &ipam_shape },
};
static const struct schema_shape shape = {
	fields, ARRAY_LEN(fields), "a network", NULL, CF_UNKNOWN_SETTING, "attachable labels",
};

/* Of a network made elsewhere nothing but the name counts. */
static void read_network(struct compose *c, const struct node *key, void *member)
{
	struct draft_network network = { .key = key->text, .loc = key->loc };

	(void)member;
	compose_about_network(c, key->text);
	if (schema_is_extension(key) || !compose_check_key(c, key, "a network"))
		return;
	schema_decode(c, key->value, &shape, &network);
	if (network.external.value)
		network = (struct draft_network){ .key = network.key,
						  .loc = network.loc,
						  .name = network.name,
						  .external = network.external };
	COMPOSE_PUSH(c, &c->networks, network);
}

const struct schema_field compose_schema_network = {
	"a network", SCHEMA_MAP | SCHEMA_NULL, SCHEMA_BY_KIND, read_network, 0, &shape,
};
