/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `networks` of a service: a list of names, or a mapping with addresses. */
#include <errno.h>
#include <string.h>

#include "core/compose/decode.h"

static int decode_ipv4(struct compose *c, const struct node *key, void *object)
{
	return compose_decode_text(c, key, &((struct draft_attachment *)object)->ipv4);
}

static int decode_ipv6(struct compose *c, const struct node *key, void *object)
{
	return compose_decode_text(c, key, &((struct draft_attachment *)object)->ipv6);
}

static int decode_mac(struct compose *c, const struct node *key, void *object)
{
	return compose_decode_text(c, key, &((struct draft_attachment *)object)->mac);
}

static const struct compose_field fields[] = {
	COMPOSE_FIELD("ipv4_address", decode_ipv4, draft_attachment, ipv4),
	COMPOSE_FIELD("ipv6_address", decode_ipv6, draft_attachment, ipv6),
	COMPOSE_FIELD("mac_address", decode_mac, draft_attachment, mac),
	COMPOSE_IGNORED("aliases"),
	COMPOSE_IGNORED("driver_opts"),
	COMPOSE_IGNORED("gw_priority"),
	COMPOSE_IGNORED("interface_name"),
	COMPOSE_IGNORED("link_local_ips"),
	COMPOSE_IGNORED("priority"),
};

static const struct compose_shape shape = { "a network of a service", fields, ARRAY_LEN(fields),
					    CF_UNKNOWN_SETTING };

/* The attachment to that network, a new one if need be; NULL: out of memory or beyond the limit. */
static struct draft_attachment *attach(struct compose *c, struct draft_service *service,
				       const char *network, struct source_loc loc)
{
	struct draft_attachment fresh = { .network = network, .loc = loc };

	for (size_t i = 0; i < service->networks.n; i++)
		if (strcmp(service->networks.items[i].network, network) == 0)
			return &service->networks.items[i];
	if (service->networks.n == LIMIT_COMPOSE_NETWORKS) {
		compose_report(c->diags, CF_TOO_MANY, loc, NULL,
			       "a service is on more than %u networks", LIMIT_COMPOSE_NETWORKS);
		c->stopped = true;
		return NULL;
	}
	if (VEC_PUSH(c->arena, &service->networks, fresh) < 0)
		return NULL;
	return &service->networks.items[service->networks.n - 1];
}

static int add_named(struct compose *c, const struct node *item, struct draft_service *service)
{
	const char *name;
	int r = compose_text(c, item, "a network", &name);

	if (r || !name)
		return r;
	return attach(c, service, name, item->loc) || c->stopped ? 0 : -ENOMEM;
}

static int add_mapped(struct compose *c, const struct node *key, struct draft_service *service)
{
	if (key->kind != NODE_SCALAR || key->repeated || compose_is_extension(key))
		return 0;
	struct draft_attachment *attachment = attach(c, service, key->text, key->loc);
	if (!attachment)
		return c->stopped ? 0 : -ENOMEM;
	if (*compose_tag_name(key->value))
		*attachment = (struct draft_attachment){ .network = key->text, .loc = key->loc };
	return node_is_null(key->value) ? 0
					: compose_decode_object(c, key->value, &shape, attachment);
}

int compose_decode_attachments(struct compose *c, const struct node *key, void *object)
{
	bool listed = key->value->kind == NODE_SEQUENCE;
	int r = 0;

	if (!listed && key->value->kind != NODE_MAPPING) {
		compose_wrong_type(c, key->value, key->text, "a list or a mapping");
		return 0;
	}
	for (const struct node *one = key->value->first; one && r == 0 && !c->stopped;
	     one = one->next)
		r = listed ? add_named(c, one, object) : add_mapped(c, one, object);
	return r;
}
