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

static int decode_address(struct compose *c, const struct node *key, void *member)
{
	struct ip_addr *ret = member;
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

static int decode_subnet(struct compose *c, const struct node *key, void *member)
{
	struct draft_subnet *subnet = member;

	subnet->loc = key->value->loc;
	return read_prefix(c, key, &subnet->prefix, &subnet->has_prefix);
}

static int decode_range(struct compose *c, const struct node *key, void *member)
{
	struct draft_subnet *subnet = member;

	return read_prefix(c, key, &subnet->range, &subnet->has_range);
}

static int decode_others(struct compose *c, const struct node *key, void *member)
{
	struct draft_subnet *subnet = member;
	int r = 0;

	if (!compose_is_mapping(c, key))
		return 0;
	for (const struct node *one = key->value->first; one && r == 0; one = one->next) {
		struct ip_addr addr = { 0 };
		r = decode_address(c, one, &addr);
		if (r == 0 && addr.family)
			r = VEC_PUSH(c->arena, &subnet->others, addr);
	}
	return r;
}

static const struct compose_field subnet_fields[] = {
	COMPOSE_WHOLE("aux_addresses", decode_others),
	COMPOSE_WHOLE("ip_range", decode_range),
	COMPOSE_WHOLE("subnet", decode_subnet),
	COMPOSE_FIELD("gateway", decode_address, draft_subnet, gateway),
};

static const struct compose_shape subnet_shape = { "a subnet", subnet_fields,
						   ARRAY_LEN(subnet_fields), CF_UNKNOWN_SETTING };

static int add_ipam_subnet(struct compose *c, const struct node *item,
			   struct draft_network *network)
{
	struct draft_subnet subnet = { .loc = item->loc };
	int r = compose_decode_object(c, item, &subnet_shape, &subnet);

	if (r || !subnet.has_prefix)
		return r;
	if (network->subnets.n < LIMIT_COMPOSE_SUBNETS)
		return VEC_PUSH(c->arena, &network->subnets, subnet);
	compose_report(c->diags, CF_TOO_MANY, item->loc, NULL, "a network has more than %u subnets",
		       LIMIT_COMPOSE_SUBNETS);
	c->stopped = true;
	return 0;
}

static int decode_config(struct compose *c, const struct node *key, void *member)
{
	int r = 0;

	if (!compose_is_list(c, key))
		return 0;
	for (const struct node *item = key->value->first; item && r == 0 && !c->stopped;
	     item = item->next)
		r = add_ipam_subnet(c, item, member);
	return r;
}

static const struct compose_field ipam_fields[] = {
	COMPOSE_WHOLE("config", decode_config),
	COMPOSE_IGNORED("driver"),
	COMPOSE_IGNORED("options"),
};
static const struct compose_shape ipam_shape = { "`ipam`", ipam_fields, ARRAY_LEN(ipam_fields),
						 CF_UNKNOWN_SETTING };

static int decode_ipam(struct compose *c, const struct node *key, void *member)
{
	return compose_decode_object(c, key->value, &ipam_shape, member);
}

/* ---- the rest ---- */

#define OPTION(name, decode, member) \
	COMPOSE_FIELD("com.docker.network.bridge." name, decode, draft_network, member)

static const struct compose_field options[] = {
	OPTION("enable_icc", compose_decode_flag, icc),
	OPTION("gateway_mode_ipv4", compose_decode_word, modes[0]),
	OPTION("gateway_mode_ipv6", compose_decode_word, modes[1]),
	OPTION("host_binding_ipv4", compose_decode_word, binding),
	OPTION("name", compose_decode_word, bridge),
};

static int decode_options(struct compose *c, const struct node *key, void *member)
{
	int r = 0;

	if (!compose_is_mapping(c, key))
		return 0;
	for (const struct node *one = key->value->first; one && r == 0; one = one->next)
		for (size_t i = 0; i < ARRAY_LEN(options) && r == 0; i++)
			if (strcmp(options[i].name, one->text) == 0 && !node_is_null(one->value))
				r = options[i].decode(c, one, (char *)member + options[i].offset);
	return r;
}

static const struct compose_field fields[] = {
	COMPOSE_WHOLE("driver_opts", decode_options),
	COMPOSE_WHOLE("ipam", decode_ipam),
	COMPOSE_FIELD("driver", compose_decode_text, draft_network, driver),
	COMPOSE_FIELD("enable_ipv4", compose_decode_flag, draft_network, ipv4),
	COMPOSE_FIELD("enable_ipv6", compose_decode_flag, draft_network, ipv6),
	COMPOSE_FIELD("external", compose_decode_flag, draft_network, external),
	COMPOSE_FIELD("internal", compose_decode_flag, draft_network, internal),
	COMPOSE_FIELD("name", compose_decode_text, draft_network, name),
	COMPOSE_IGNORED("attachable"),
	COMPOSE_IGNORED("labels"),
};
static const struct compose_shape shape = { "a network", fields, ARRAY_LEN(fields),
					    CF_UNKNOWN_SETTING };

/* Of a network made elsewhere nothing but the name counts. */
int compose_decode_network(struct compose *c, const struct node *key, struct draft_network *ret)
{
	int r = 0;

	if (!node_is_null(key->value))
		r = compose_decode_object(c, key->value, &shape, ret);
	if (r == 0 && ret->external.value)
		*ret = (struct draft_network){ .key = ret->key,
					       .loc = ret->loc,
					       .name = ret->name,
					       .external = ret->external };
	return r;
}
