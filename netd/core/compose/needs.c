/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which services want which others: what `docker compose up` starts with those that are named, and
 * refuses when they are not there, not active, or want each other in a circle. */
#include <errno.h>
#include <string.h>

#include "core/base/text.h"
#include "core/compose/decode.h"

/* ---- decoding ---- */

static int add_need(struct compose *c, struct draft_service *service, struct draft_need need)
{
	for (size_t i = 0; i < service->needs.n; i++)
		if (strcmp(service->needs.items[i].service, need.service) == 0) {
			if (need.own) /* what `depends_on` says counts */
				service->needs.items[i] = need;
			return 0;
		}
	return VEC_PUSH(c->arena, &service->needs, need);
}

static int add_prefix(struct compose *c, struct draft_service *service, struct source_loc loc,
		      const char *text)
{
	const char *name = arena_strndup(c->arena, text, strcspn(text, ":"));

	return name ? add_need(c, service, (struct draft_need){ name, loc, false, false })
		    : -ENOMEM;
}

static int add_condition(struct compose *c, const struct node *key, struct draft_service *service)
{
	const struct node *required = node_find(key->value, "required");
	struct draft_flag flag = { .value = true };
	int r = 0;

	if (key->value->kind != NODE_MAPPING) {
		compose_wrong_type(c, key->value, key->text, "a mapping");
		return 0;
	}
	if (!node_get(key->value, "condition"))
		compose_report(c->diags, CF_MISSING_KEY, key->loc,
			       "add `condition: service_started`",
			       "`depends_on` as a mapping needs the key `condition`");
	if (required && !node_is_null(required->value))
		r = compose_decode_flag(c, required, &flag);
	return r ? r
		 : add_need(c, service,
			    (struct draft_need){ key->text, key->loc, !flag.value, true });
}

int compose_decode_depends_on(struct compose *c, const struct node *key, void *member)
{
	bool listed = key->value->kind == NODE_SEQUENCE;
	int r = 0;

	if (!listed && !compose_is_mapping(c, key))
		return 0;
	for (const struct node *one = key->value->first; one && r == 0; one = one->next) {
		struct draft_need need = { .loc = one->loc, .own = true };
		if (listed)
			r = compose_text(c, one, "a service", &need.service);
		if (r == 0 && need.service)
			r = add_need(c, member, need);
		else if (!listed)
			r = add_condition(c, one, member);
	}
	return r;
}

/* "SERVICE" or "SERVICE:ALIAS". */
int compose_decode_links(struct compose *c, const struct node *key, void *member)
{
	struct draft_texts links = { 0 };
	int r = compose_add_words(c, key, key->text, &links);

	for (size_t i = 0; i < links.n && r == 0; i++)
		r = add_prefix(c, member, links.items[i].loc, links.items[i].text);
	return r;
}

/* "SERVICE", "SERVICE:ro"; "container:NAME" is none of ours. */
int compose_decode_volumes_from(struct compose *c, const struct node *key, void *member)
{
	struct draft_texts all = { 0 };
	int r = compose_add_words(c, key, key->text, &all);

	for (size_t i = 0; i < all.n && r == 0; i++)
		if (!text_begins(all.items[i].text, "container:"))
			r = add_prefix(c, member, all.items[i].loc, all.items[i].text);
	return r;
}

/* `service:NAME` of network_mode and its like. */
static int add_shared(struct compose *c, struct draft_service *service)
{
	const struct draft_text *const all[] = { &service->network_mode, &service->ipc,
						 &service->pid, &service->uts };
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(all) && r == 0; i++)
		if (all[i]->text && text_begins(all[i]->text, "service:"))
			r = add_need(
				c, service,
				(struct draft_need){ all[i]->text + 8, all[i]->loc, false, false });
	return r;
}

/* ---- checking ---- */

enum mark { UNSEEN, OPEN, DONE };

struct search {
	const struct compose *c;
	enum mark *marks; /* by service */
	size_t *stack, *next;
	size_t depth;
};

static size_t find(const struct compose *c, const char *name)
{
	size_t i = 0;

	while (i < c->services.n && strcmp(c->services.items[i].name, name) != 0)
		i++;
	return i;
}

static void report_missing(struct compose *c, const struct draft_service *service,
			   const struct draft_need *need, bool there)
{
	char word[TEXT_QUOTE_LEN], name[TEXT_QUOTE_LEN];

	compose_report(c->diags, CF_UNDEFINED_SERVICE, need->loc,
		       there ? "activate its profile with COMPOSE_PROFILES, or write `required: "
			       "false` under `depends_on`"
			     : NULL,
		       there ? "`%s` needs the service `%s`, which is in a profile that is not "
			       "active"
			     : "`%s` needs the service `%s`, which no file defines",
		       text_quote(service->name, name), text_quote(need->service, word));
}

static void check_service(struct compose *c, const struct draft_service *service)
{
	compose_about_service(c->diags, service->name);
	for (size_t i = 0; i < service->needs.n; i++) {
		const struct draft_need *need = &service->needs.items[i];
		size_t at = find(c, need->service);
		bool there = at < c->services.n;
		if (!there ||
		    (!need->optional && !compose_service_is_active(c, &c->services.items[at])))
			report_missing(c, service, need, there);
	}
}

/* Depth first, without recursion: the stack has room for all services. */
static const struct draft_need *find_circle(struct search *s, size_t start)
{
	s->stack[0] = start;
	s->depth = 1;
	s->marks[start] = OPEN;
	while (s->depth) {
		size_t at = s->stack[s->depth - 1];
		const struct draft_service *service = &s->c->services.items[at];
		if (s->next[at] == service->needs.n) {
			s->marks[at] = DONE;
			s->depth--;
			continue;
		}
		const struct draft_need *need = &service->needs.items[s->next[at]++];
		size_t to = find(s->c, need->service);
		if (to == s->c->services.n ||
		    !compose_service_is_active(s->c, &s->c->services.items[to]))
			continue;
		if (s->marks[to] == OPEN)
			return need;
		if (s->marks[to] == UNSEEN) {
			s->marks[to] = OPEN;
			s->stack[s->depth++] = to;
		}
	}
	return NULL;
}

static int check_circles(struct compose *c)
{
	size_t n = c->services.n;
	struct search s = { c, arena_alloc(c->arena, n * sizeof(*s.marks)),
			    arena_alloc(c->arena, n * sizeof(*s.stack)),
			    arena_alloc(c->arena, n * sizeof(*s.next)), 0 };
	char word[TEXT_QUOTE_LEN];

	if (!s.marks || !s.stack || !s.next)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct draft_need *need = NULL;
		if (s.marks[i] == UNSEEN && compose_service_is_active(c, &c->services.items[i]))
			need = find_circle(&s, i);
		if (!need)
			continue;
		compose_report(c->diags, CF_DEPENDENCY_CYCLE, need->loc, NULL,
			       "the service `%s` needs itself this way",
			       text_quote(need->service, word));
		return 0;
	}
	return 0;
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
	char word[TEXT_QUOTE_LEN];

	for (size_t i = 0; i < c->in->n_services; i++) {
		size_t at = find(c, c->in->services[i]);
		if (at == c->services.n) {
			compose_report(c->diags, CF_UNDEFINED_SERVICE, loc, NULL,
				       "no file defines the service `%s`, which is to be started",
				       text_quote(c->in->services[i], word));
			continue;
		}
		if (!compose_service_is_active(c, &c->services.items[at]))
			enable(c, &c->services.items[at]);
		c->services.items[at].wanted = true;
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
				size_t to = find(c, service->needs.items[k].service);
				if (to == c->services.n || c->services.items[to].wanted ||
				    !compose_service_is_active(c, &c->services.items[to]))
					continue;
				c->services.items[to].wanted = more = true;
			}
		}
	}
	for (size_t i = 0; i < c->services.n; i++)
		if (c->services.items[i].wanted)
			check_service(c, &c->services.items[i]);
}

int compose_check_needs(struct compose *c)
{
	int r = 0;

	for (size_t i = 0; i < c->services.n && r == 0; i++)
		r = add_shared(c, &c->services.items[i]);
	for (size_t i = 0; i < c->services.n && r == 0; i++)
		if (compose_service_is_active(c, &c->services.items[i]))
			check_service(c, &c->services.items[i]);
	if (r == 0)
		r = check_circles(c);
	if (r || c->in->n_services == 0 || c->diags->n_errors)
		return r;
	name_services(c);
	add_wanted(c);
	return 0;
}
