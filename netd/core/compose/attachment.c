/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `networks` of a service: a list of names, or a mapping with addresses. */
#include <errno.h>
#include <string.h>

#include "core/compose/decode.h"

static const struct compose_field fields[] = {
	COMPOSE_FIELD("gw_priority", compose_decode_word, draft_attachment, gw_priority),
	COMPOSE_FIELD("ipv4_address", compose_decode_text, draft_attachment, ipv4),
	COMPOSE_FIELD("ipv6_address", compose_decode_text, draft_attachment, ipv6),
	COMPOSE_FIELD("mac_address", compose_decode_text, draft_attachment, mac),
	COMPOSE_IGNORED("aliases"),
	COMPOSE_IGNORED("driver_opts"),
	COMPOSE_IGNORED("interface_name"),
	COMPOSE_IGNORED("link_local_ips"),
	COMPOSE_IGNORED("priority"),
};

static const struct compose_shape shape = { "a network of a service", fields, ARRAY_LEN(fields),
					    CF_UNKNOWN_SETTING };

static int attach(struct compose *c, struct draft_service *service, struct draft_attachment one)
{
	char word[TEXT_QUOTE_LEN];

	for (size_t i = 0; i < service->networks.n; i++)
		if (strcmp(service->networks.items[i].network, one.network) == 0) {
			compose_report(c->diags, CF_DUPLICATE_KEY, one.loc, NULL,
				       "the network `%s` stands here twice",
				       text_quote(one.network, word));
			return 0;
		}
	if (service->networks.n < LIMIT_COMPOSE_NETWORKS)
		return VEC_PUSH(c->arena, &service->networks, one);
	compose_report(c->diags, CF_TOO_MANY, one.loc, NULL,
		       "a service is on more than %u networks", LIMIT_COMPOSE_NETWORKS);
	c->stopped = true;
	return 0;
}

static int add_named(struct compose *c, const struct node *item, struct draft_service *service)
{
	struct draft_attachment one = { .loc = item->loc };
	int r = compose_text(c, item, "a network", &one.network);

	return r || !one.network ? r : attach(c, service, one);
}

static int add_mapped(struct compose *c, const struct node *key, struct draft_service *service)
{
	struct draft_attachment one = { .network = key->text, .loc = key->loc };
	int r = 0;

	if (!node_is_null(key->value))
		r = compose_decode_object(c, key->value, &shape, &one);
	return r ? r : attach(c, service, one);
}

int compose_decode_attachments(struct compose *c, const struct node *key, void *member)
{
	bool listed = key->value->kind == NODE_SEQUENCE;
	int r = 0;

	if (!listed && key->value->kind != NODE_MAPPING) {
		compose_wrong_type(c, key->value, key->text, "a list or a mapping");
		return 0;
	}
	for (const struct node *one = key->value->first; one && r == 0 && !c->stopped;
	     one = one->next)
		r = listed ? add_named(c, one, member) : add_mapped(c, one, member);
	return r;
}
