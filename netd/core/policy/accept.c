/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `accept`: findings that the policy's owner knows of and lives with. Which findings there are, and
 * which of them can be accepted, is known where they are all at hand (core/report/accept.c). */
#include <errno.h>
#include <string.h>

#include "core/policy/decode.h"
#include "core/policy/until.h"

/* Lower-case words joined by dashes, as the ids of findings are. */
static bool is_id(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
	size_t len = strspn(text, letters);

	while (len && text[len] == '-') {
		size_t more = strspn(text + len + 1, letters);
		if (more == 0)
			return false;
		len += more + 1;
	}
	return len > 0 && text[len] == '\0';
}

static int decode_finding(struct decoder *d, const struct node *key, void *object)
{
	static const struct decode_list how = { "a finding or a list of findings", true,
						F_EMPTY_LIST, "name one, as in `[exposed-port]`" };
	struct policy_accept *accept = object;
	const struct node *item = policy_decode_items(d, key, &how);
	size_t n = !item ? 0 : key->value->kind == NODE_SEQUENCE ? key->value->n : 1;
	const char **ids = arena_alloc(d->arena, n * sizeof(*ids));
	char word[TEXT_QUOTE_LEN];

	if (!ids)
		return -ENOMEM;
	for (size_t i = 0; item && i < n; i++, item = item->next) {
		ids[i] = policy_decode_text(d, item, key->text);
		if (ids[i] && !is_id(ids[i]))
			policy_report(d->diags, F_BAD_VALUE, item->loc,
				      "write what stands in the brackets: `exposed-port`",
				      "`%s` is not the id of a finding", text_quote(ids[i], word));
	}
	accept->findings = ids;
	accept->n_findings = n;
	return 0;
}

static int decode_file(struct decoder *d, const struct node *key, void *object)
{
	((struct policy_accept *)object)->file = policy_decode_pattern(d, key->value, key->text);
	return 0;
}

static int decode_accepted_tier(struct decoder *d, const struct node *key, void *object)
{
	((struct policy_accept *)object)->tier = policy_decode_pattern(d, key->value, key->text);
	return 0;
}

static int decode_accepted_container(struct decoder *d, const struct node *key, void *object)
{
	((struct policy_accept *)object)->container =
		policy_decode_pattern(d, key->value, key->text);
	return 0;
}

static int decode_accepted_service(struct decoder *d, const struct node *key, void *object)
{
	((struct policy_accept *)object)->service = policy_decode_pattern(d, key->value, key->text);
	return 0;
}

static int decode_accepted_network(struct decoder *d, const struct node *key, void *object)
{
	((struct policy_accept *)object)->network = policy_decode_pattern(d, key->value, key->text);
	return 0;
}

static int decode_port(struct decoder *d, const struct node *key, void *object)
{
	struct policy_accept *accept = object;

	policy_decode_port(d, key->value, key->text, &accept->port);
	accept->has_port = true;
	return 0;
}

static int decode_reason(struct decoder *d, const struct node *key, void *object)
{
	const char *text = policy_decode_text(d, key->value, key->text);

	if (text && !*text)
		policy_report(d->diags, F_BAD_VALUE, key->value->loc,
			      "write for whoever reads this in a year", "`reason` is empty");
	((struct policy_accept *)object)->reason = text;
	return 0;
}

static int decode_accepted_until(struct decoder *d, const struct node *key, void *object)
{
	policy_decode_time(d, key, &((struct policy_accept *)object)->until);
	return 0;
}

static int decode_accept(struct decoder *d, const struct node *node)
{
	static const struct decode_field fields[] = {
		{ "finding", true, decode_finding },
		{ "file", false, decode_file },
		{ "tier", false, decode_accepted_tier },
		{ "container", false, decode_accepted_container },
		{ "service", false, decode_accepted_service },
		{ "network", false, decode_accepted_network },
		{ "port", false, decode_port },
		{ "reason", true, decode_reason },
		{ "until", false, decode_accepted_until },
	};
	static const struct decode_shape shape = { "an accepted finding", fields,
						   ARRAY_LEN(fields) };
	struct policy_accept accept = { .loc = node->loc };
	size_t errors = d->diags->n_errors;
	int r = policy_decode_object(d, node, &shape, &accept);

	if (r < 0 || d->diags->n_errors != errors || node->kind == NODE_BAD)
		return r;
	if (accept.file || accept.tier || accept.container || accept.service || accept.network ||
	    accept.has_port)
		return VEC_PUSH(d->arena, &d->accepts, accept);
	policy_report(d->diags, F_MISSING_KEY, node->loc,
		      "add `tier`, `service`, `container`, `network`, `port` or `file`",
		      "an accepted finding needs a place");
	return 0;
}

int policy_decode_accept(struct decoder *d, const struct node *key)
{
	const struct node *item = policy_decode_section(d, key, "a list of accepted findings");
	int r = 0;

	for (; item && r == 0 && d->n_accepts <= LIMIT_RULES; item = item->next) {
		if (d->n_accepts++ == LIMIT_RULES)
			policy_report(d->diags, F_TOO_MANY_ITEMS, item->loc,
				      "use globs: `service: \"web-*\"`",
				      "the policy accepts more than %u findings", LIMIT_RULES);
		else
			r = decode_accept(d, item);
	}
	return r;
}
