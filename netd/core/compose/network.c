/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One entry of the top-level `networks`. */
#include <errno.h>
#include <string.h>

#include "core/compose/decode.h"

/* ---- ipam ---- */

static void report_subnet(struct compose *c, struct source_loc loc, const char *text)
{
	char word[TEXT_QUOTE_LEN];

	compose_report(c->diags, CF_BAD_SUBNET, loc, "write it like `172.28.0.0/24`",
		       "`%s` is not a subnet", text_quote(text, word));
}

static int read_prefix(struct compose *c, const struct node *key, struct ip_prefix *ret, bool *set)
{
	const char *text;
	int r = compose_text(c, key->value, key->text, &text);

	if (r || !text)
		return r;
	/* Docker takes bits behind the prefix, and clears them. */
	*set = ip_prefix_parse(text, ret) >= 0;
	if (!*set)
		report_subnet(c, key->value->loc, text);
	return 0;
}

static int read_address(struct compose *c, const struct node *key, struct ip_addr *ret)
{
	char word[TEXT_QUOTE_LEN];
	const char *text;
	int r = compose_text(c, key->value, key->text, &text);

	if (r || !text)
		return r;
	if (ip_parse(text, ret) < 0)
		compose_report(c->diags, CF_BAD_ADDRESS, key->value->loc, NULL,
			       "`%s` is not an address", text_quote(text, word));
	return 0;
}

static int decode_subnet(struct compose *c, const struct node *key, void *object)
{
	struct draft_subnet *subnet = object;

	subnet->loc = key->value->loc;
	return read_prefix(c, key, &subnet->prefix, &subnet->has_prefix);
}

static int decode_range(struct compose *c, const struct node *key, void *object)
{
	struct draft_subnet *subnet = object;

	return read_prefix(c, key, &subnet->range, &subnet->has_range);
}

static int decode_gateway(struct compose *c, const struct node *key, void *object)
{
	return read_address(c, key, &((struct draft_subnet *)object)->gateway);
}

static int decode_others(struct compose *c, const struct node *key, void *object)
{
	struct draft_subnet *subnet = object;
	int r = 0;

	if (key->value->kind != NODE_MAPPING) {
		compose_wrong_type(c, key->value, key->text, "a mapping");
		return 0;
	}
	for (const struct node *one = key->value->first; one && r == 0; one = one->next) {
		struct ip_addr addr = { 0 };
		r = one->kind == NODE_SCALAR ? read_address(c, one, &addr) : 0;
		if (r == 0 && addr.family)
			r = VEC_PUSH(c->arena, &subnet->others, addr);
	}
	return r;
}

static const struct compose_field subnet_fields[] = {
	COMPOSE_FIELD("subnet", decode_subnet, draft_subnet, prefix),
	COMPOSE_FIELD("ip_range", decode_range, draft_subnet, range),
	COMPOSE_FIELD("gateway", decode_gateway, draft_subnet, gateway),
	COMPOSE_FIELD("aux_addresses", decode_others, draft_subnet, others),
};

static const struct compose_shape subnet_shape = { "a subnet", subnet_fields,
						   ARRAY_LEN(subnet_fields), CF_UNKNOWN_SETTING };

static struct draft_subnet *find_subnet(struct draft_network *network,
					const struct draft_subnet *like)
{
	for (size_t i = 0; i < network->subnets.n; i++)
		if (memcmp(&network->subnets.items[i].prefix, &like->prefix,
			   sizeof(like->prefix)) == 0)
			return &network->subnets.items[i];
	return NULL;
}

/* Of one subnet in two files the later settings count, as compose has it. */
static int add_subnet(struct compose *c, const struct node *item, struct draft_network *network)
{
	struct draft_subnet subnet = { .loc = item->loc };
	int r = compose_decode_object(c, item, &subnet_shape, &subnet);

	if (r || !subnet.has_prefix)
		return r;
	struct draft_subnet *known = find_subnet(network, &subnet);
	if (known)
		return compose_decode_object(c, item, &subnet_shape, known);
	if (network->subnets.n == LIMIT_COMPOSE_SUBNETS) {
		compose_report(c->diags, CF_TOO_MANY, item->loc, NULL,
			       "a network has more than %u subnets", LIMIT_COMPOSE_SUBNETS);
		c->stopped = true;
		return 0;
	}
	return VEC_PUSH(c->arena, &network->subnets, subnet);
}

static int decode_config(struct compose *c, const struct node *key, void *object)
{
	int r = 0;

	if (key->value->kind != NODE_SEQUENCE) {
		compose_wrong_type(c, key->value, key->text, "a list");
		return 0;
	}
	for (const struct node *item = key->value->first; item && r == 0 && !c->stopped;
	     item = item->next)
		r = add_subnet(c, item, object);
	return r;
}

static const struct compose_field ipam_fields[] = {
	COMPOSE_FIELD("config", decode_config, draft_network, subnets),
	COMPOSE_IGNORED("driver"),
	COMPOSE_IGNORED("options"),
};

static const struct compose_shape ipam_shape = { "`ipam`", ipam_fields, ARRAY_LEN(ipam_fields),
						 CF_UNKNOWN_SETTING };

static int decode_ipam(struct compose *c, const struct node *key, void *object)
{
	return compose_decode_object(c, key->value, &ipam_shape, object);
}

/* ---- the rest ---- */

static int decode_name(struct compose *c, const struct node *key, void *object)
{
	return compose_decode_text(c, key, &((struct draft_network *)object)->name);
}

static int decode_driver(struct compose *c, const struct node *key, void *object)
{
	return compose_decode_text(c, key, &((struct draft_network *)object)->driver);
}

static int decode_internal(struct compose *c, const struct node *key, void *object)
{
	return compose_decode_flag(c, key, &((struct draft_network *)object)->internal);
}

static int decode_ipv4(struct compose *c, const struct node *key, void *object)
{
	return compose_decode_flag(c, key, &((struct draft_network *)object)->ipv4);
}

static int decode_ipv6(struct compose *c, const struct node *key, void *object)
{
	return compose_decode_flag(c, key, &((struct draft_network *)object)->ipv6);
}

/* `true`, or in old files a mapping with the name. */
static int decode_external(struct compose *c, const struct node *key, void *object)
{
	struct draft_network *network = object;
	const struct node *name = node_get(key->value, "name");

	if (key->value->kind != NODE_MAPPING)
		return compose_decode_flag(c, key, &network->external);
	network->external = (struct draft_flag){ key->value->loc, true, true };
	if (!name)
		return 0;
	network->external_name.loc = name->loc;
	return compose_text(c, name, "name", &network->external_name.text);
}

static int decode_options(struct compose *c, const struct node *key, void *object)
{
	struct draft_network *network = object;
	int r = 0;

	if (key->value->kind != NODE_MAPPING) {
		compose_wrong_type(c, key->value, key->text, "a mapping");
		return 0;
	}
	for (const struct node *one = key->value->first; one && r == 0; one = one->next) {
		if (one->kind != NODE_SCALAR || one->repeated || node_is_null(one->value))
			continue;
		if (strcmp(one->text, "com.docker.network.bridge.name") == 0)
			r = compose_decode_text(c, one, &network->bridge);
		else if (strcmp(one->text, "com.docker.network.bridge.enable_icc") == 0)
			r = compose_decode_flag(c, one, &network->icc);
	}
	return r;
}

static const struct compose_field fields[] = {
	COMPOSE_FIELD("name", decode_name, draft_network, name),
	COMPOSE_FIELD("driver", decode_driver, draft_network, driver),
	COMPOSE_FIELD("driver_opts", decode_options, draft_network, bridge),
	COMPOSE_FIELD("external", decode_external, draft_network, external),
	COMPOSE_FIELD("internal", decode_internal, draft_network, internal),
	COMPOSE_FIELD("enable_ipv4", decode_ipv4, draft_network, ipv4),
	COMPOSE_FIELD("enable_ipv6", decode_ipv6, draft_network, ipv6),
	COMPOSE_FIELD("ipam", decode_ipam, draft_network, subnets),
	COMPOSE_IGNORED("attachable"),
	COMPOSE_IGNORED("labels"),
};

static const struct compose_shape shape = { "a network", fields, ARRAY_LEN(fields),
					    CF_UNKNOWN_SETTING };

int compose_decode_network(struct compose *c, const struct node *key, struct draft_network *draft)
{
	draft->removed = strcmp(compose_tag_name(key->value), "reset") == 0;
	if (*compose_tag_name(key->value))
		*draft = (struct draft_network){ .key = draft->key,
						 .loc = key->loc,
						 .removed = draft->removed };
	if (draft->removed || node_is_null(key->value))
		return 0;
	return compose_decode_object(c, key->value, &shape, draft);
}
