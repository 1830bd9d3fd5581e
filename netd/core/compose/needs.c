/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which services want which others: what `docker compose up` starts with those that are named, and
 * refuses when they are not there, not active, or want each other in a circle. */
#include <string.h>

#include "core/compose/decode.h"

/* ---- decoding ---- */

static void add_need(struct compose *c, struct draft_service *service, struct draft_need need)
{
	for (size_t i = 0; i < service->needs.n; i++)
		if (strcmp(service->needs.items[i].service, need.service) == 0) {
			if (need.own) /* what `depends_on` says counts */
				service->needs.items[i] = need;
			return;
		}
	COMPOSE_PUSH(c, &service->needs, need);
}

/* A text that begins with the name. */
static void add_named(struct compose *c, struct draft_service *service,
		      const struct draft_text *text)
{
	const char *name = compose_copy(c, text->text, strcspn(text->text, ":"));

	add_need(c, service, (struct draft_need){ .service = name, .loc = text->loc });
}

struct condition {
	struct draft_flag condition, required;
};

static const struct schema_field fields[] = {
	SCHEMA_WORD_FIELD("condition", compose_decode_presence, condition, condition),
	SCHEMA_WORD_FIELD("required", compose_decode_flag, condition, required),
};
static const struct schema_shape condition_shape = { .fields = fields, .n = ARRAY_LEN(fields) };
static const struct schema_field condition_field = {
	"a condition", SCHEMA_MAP, SCHEMA_BY_KIND, NULL, 0, &condition_shape,
};
const struct schema_shape compose_need_shape = { .others = &condition_field };

void compose_decode_depends_on(struct compose *c, const struct node *key, void *service)
{
	bool listed = key->value->kind == NODE_SEQUENCE;

	for (const struct node *one = key->value->first; one && !c->stopped; one = one->next) {
		struct draft_need need = { .service = one->text, .loc = one->loc, .own = true };
		struct condition condition = { 0 };
		if (listed)
			need.service = compose_text(c, one, "a service");
		else
			schema_decode(c, one->value, &condition_shape, &condition);
		if (!listed && !condition.condition.set)
			compose_report(c, CF_MISSING_KEY, one->loc,
				       "add `condition: service_started`",
				       "`depends_on` as a mapping needs the key `condition`");
		need.optional = condition.required.set && !condition.required.value;
		if (need.service)
			add_need(c, service, need);
	}
}

/* "SERVICE" or "SERVICE:ALIAS". */
void compose_decode_links(struct compose *c, const struct node *key, void *service)
{
	struct draft_texts all = { 0 };

	compose_decode_words(c, key, &all);
	for (size_t i = 0; i < all.n; i++)
		add_named(c, service, &all.items[i]);
}

/* "SERVICE", "SERVICE:ro"; "container:NAME" is none of ours. */
void compose_decode_volumes_from(struct compose *c, const struct node *key, void *service)
{
	struct draft_texts all = { 0 };

	compose_decode_words(c, key, &all);
	for (size_t i = 0; i < all.n; i++)
		if (!text_begins(all.items[i].text, "container:"))
			add_named(c, service, &all.items[i]);
}

/* `service:NAME` of network_mode and its like. */
static void add_shared(struct compose *c, struct draft_service *service)
{
	const struct draft_text *const all[] = { &service->network_mode, &service->ipc,
						 &service->pid, &service->uts };

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i]->text && text_begins(all[i]->text, "service:"))
			add_need(c, service,
				 (struct draft_need){ .service = all[i]->text + 8,
						      .loc = all[i]->loc });
}

/* ---- checking ---- */

static struct draft_service *find(const struct compose *c, const char *name)
{
	for (size_t i = 0; i < c->services.n; i++)
		if (strcmp(c->services.items[i].name, name) == 0)
			return &c->services.items[i];
	return NULL;
}

static struct draft_service *find_active(const struct compose *c, const struct draft_need *need)
{
	struct draft_service *service = find(c, need->service);

	return service && compose_service_is_active(c, service) ? service : NULL;
}

static void check_network(struct compose *c, const struct draft_attachment *attachment,
			  const char *service)
{
	const char *names[LIMIT_COMPOSE_NETWORKS];
	size_t n = 0;

	for (size_t i = 0; i < c->networks.n && n < ARRAY_LEN(names); i++) {
		names[n] = c->networks.items[i].key;
		if (strcmp(names[n++], attachment->network) == 0)
			return;
	}
	if (strcmp(attachment->network, "default") == 0)
		return;
	compose_report(c, CF_UNDEFINED_NETWORK, attachment->loc,
		       compose_suggest(c, attachment->network, names, n,
				       "define it under the top-level `networks`"),
		       "`%s` is on the network `%s`, which no file defines", service,
		       compose_quote(c, attachment->network));
}

static void check_service(struct compose *c, const struct draft_service *service)
{
	const struct draft_text *mode = &service->network_mode, *image = &service->image;
	bool has_image = image->unknown || (image->text && *image->text);

	compose_about_service(c, service->name);
	if (!has_image && !service->build.set && !service->provider.set)
		compose_report(c, CF_NO_IMAGE, service->loc, "add `image:` or `build:`",
			       "`%s` has neither an image nor a build", service->name);
	if (mode->text && *mode->text && service->networks.n)
		compose_report(c, CF_NETWORK_MODE, mode->loc, "keep one of the two",
			       "`%s` has both `network_mode` and `networks`", service->name);
	for (size_t i = 0; i < service->networks.n; i++)
		check_network(c, &service->networks.items[i], service->name);
	for (size_t i = 0; i < service->needs.n; i++) {
		const struct draft_need *need = &service->needs.items[i];
		bool there = find(c, need->service) != NULL;
		if (there && (need->optional || find_active(c, need)))
			continue;
		compose_report(c, CF_UNDEFINED_SERVICE, need->loc,
			       there ? "activate its profile with COMPOSE_PROFILES, or write "
				       "`required: false` under `depends_on`"
				     : NULL,
			       there ? "`%s` needs the service `%s`, which is in a profile that is "
				       "not active"
				     : "`%s` needs the service `%s`, which no file defines",
			       compose_quote(c, service->name), compose_quote(c, need->service));
	}
}

/* Depth first, without recursion: the services that are open lie on each other. */
static const struct draft_need *find_circle(const struct compose *c, struct draft_service *top)
{
	top->seen = true;
	while (top) {
		const struct draft_need *need = NULL;
		if (top->next_need < top->needs.n)
			need = &top->needs.items[top->next_need++];
		struct draft_service *other = need ? find_active(c, need) : NULL;
		if (!need) {
			top->closed = true;
			top = top->wanted_by;
		} else if (other && !other->seen) {
			other->seen = true;
			other->wanted_by = top;
			top = other;
		} else if (other && !other->closed) {
			return need;
		}
	}
	return NULL;
}

static void check_circles(struct compose *c)
{
	const struct draft_need *need = NULL;

	for (size_t i = 0; i < c->services.n && !need; i++) {
		struct draft_service *service = &c->services.items[i];
		if (!service->seen && compose_service_is_active(c, service))
			need = find_circle(c, service);
	}
	if (need)
		compose_report(c, CF_DEPENDENCY_CYCLE, need->loc, NULL,
			       "the service `%s` needs itself this way",
			       compose_quote(c, need->service));
}

/* ---- those that are to be started ---- */

/* Naming a service activates its profiles, and so the others of them. */
static void enable(struct compose *c, const struct draft_service *named)
{
	for (size_t i = 0; i < c->services.n; i++) {
		const struct draft_texts *have = &c->services.items[i].profiles;
		for (size_t k = 0; k < have->n; k++)
			for (size_t m = 0; m < named->profiles.n; m++)
				c->services.items[i].enabled |=
					strcmp(have->items[k].text,
					       named->profiles.items[m].text) == 0;
	}
}

static void name_services(struct compose *c)
{
	struct source_loc loc = { .file = c->in->sources[0].name };

	for (size_t i = 0; i < c->in->n_services; i++) {
		struct draft_service *service = find(c, c->in->services[i]);
		if (!service)
			compose_report(c, CF_UNDEFINED_SERVICE, loc, NULL,
				       "no file defines the service `%s`, which is to be started",
				       compose_quote(c, c->in->services[i]));
		else if (!compose_service_is_active(c, service))
			enable(c, service);
		if (service)
			service->wanted = true;
	}
}

/* Round by round, until nobody wants another one. */
static void add_wanted(struct compose *c)
{
	for (bool more = true; more;) {
		more = false;
		for (size_t i = 0; i < c->services.n; i++) {
			const struct draft_service *service = &c->services.items[i];
			for (size_t k = 0; service->wanted && k < service->needs.n; k++) {
				struct draft_service *other =
					find_active(c, &service->needs.items[k]);
				if (other && !other->wanted)
					other->wanted = more = true;
			}
		}
	}
	for (size_t i = 0; i < c->services.n; i++)
		if (c->services.items[i].enabled) /* the others were looked at before */
			check_service(c, &c->services.items[i]);
}

void compose_check_needs(struct compose *c)
{
	for (size_t i = 0; i < c->services.n; i++)
		add_shared(c, &c->services.items[i]);
	for (size_t i = 0; i < c->services.n; i++)
		if (compose_service_is_active(c, &c->services.items[i]))
			check_service(c, &c->services.items[i]);
	check_circles(c);
	if (c->in->n_services == 0 || c->diags->n_errors != c->errors)
		return;
	name_services(c);
	add_wanted(c);
}
