/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `tiers` and `match`. */
#include "core/policy/decode.h"

#include <errno.h>
#include <string.h>

#include "core/policy/peer.h"

const char *const policy_mode_words[2] = { "enforce", "audit" };

/* The words that YAML 1.1 tools read as something other than text. */
static bool is_yaml_word(const char *name)
{
	static const char *const words[] = { "true", "false", "yes", "no", "on",
					     "off",  "null",  "y",   "n" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(words[i], name) == 0)
			return true;
	return false;
}

static void check_tier_name(struct decoder *d, const struct node *key)
{
	char word[TEXT_QUOTE_LEN];
	const char *quoted = text_quote(key->text, word);

	if (policy_name_is_reserved(key->text))
		policy_report(d->diags, F_RESERVED_NAME, key->loc, "choose another name",
			      "`%s` is a word of the language and cannot name a tier", quoted);
	else if (is_yaml_word(key->text))
		policy_report(d->diags, F_RESERVED_NAME, key->loc, "choose another name",
			      "`%s` is a word of YAML and cannot name a tier", quoted);
	else if (strlen(key->text) > POLICY_TIER_NAME)
		policy_report(d->diags, F_BAD_NAME, key->loc, "choose a shorter name",
			      "the tier name `%s` has more than %u characters", quoted,
			      POLICY_TIER_NAME);
	else if (!policy_name_is_tier(key->text))
		policy_report(d->diags, F_BAD_NAME, key->loc,
			      "use lower-case letters, digits and dashes, a letter first",
			      "`%s` cannot name a tier", quoted);
}

static int decode_network(struct decoder *d, const struct node *key, void *object)
{
	((struct policy_match *)object)->network = policy_decode_pattern(d, key->value, key->text);
	return 0;
}

static int decode_image(struct decoder *d, const struct node *key, void *object)
{
	((struct policy_match *)object)->image = policy_decode_pattern(d, key->value, key->text);
	return 0;
}

static int decode_container(struct decoder *d, const struct node *key, void *object)
{
	struct policy_match *match = object;

	match->container = policy_decode_pattern(d, key->value, key->text);
	if (match->container && match->container[0] == '/')
		policy_report(d->diags, F_BAD_VALUE, key->value->loc, "leave the `/` out",
			      "a container's name does not begin with `/`");
	return 0;
}

static int decode_project(struct decoder *d, const struct node *key, void *object)
{
	((struct policy_match *)object)->compose_project =
		policy_decode_pattern(d, key->value, key->text);
	return 0;
}

static int decode_service(struct decoder *d, const struct node *key, void *object)
{
	((struct policy_match *)object)->compose_service =
		policy_decode_pattern(d, key->value, key->text);
	return 0;
}

static int decode_compose(struct decoder *d, const struct node *key, void *object)
{
	static const struct decode_field fields[] = {
		{ "project", false, decode_project },
		{ "service", false, decode_service },
	};
	static const struct decode_shape shape = { "`compose`", fields, ARRAY_LEN(fields) };

	if (key->value->kind == NODE_MAPPING && key->value->n == 0)
		policy_report(d->diags, F_EMPTY_MATCH, key->value->loc,
			      "name a `project`, a `service`, or both",
			      "`compose` is empty and matches nothing");
	return policy_decode_object(d, key->value, &shape, object);
}

static void decode_one_label(struct decoder *d, const struct node *key, struct policy_label *ret)
{
	char word[TEXT_QUOTE_LEN];
	const char *value = NULL;

	if (key->kind != NODE_SCALAR || !*key->text)
		policy_wrong_type(d, key, "a label", "a word");
	else if (strlen(key->text) > LIMIT_LABEL_KEY)
		policy_report(d->diags, F_BAD_VALUE, key->loc, "choose a shorter key",
			      "the key of the label `%s` has more than %u bytes",
			      text_quote(key->text, word), LIMIT_LABEL_KEY);
	else if (node_is_null(key->value))
		policy_report(d->diags, F_WRONG_TYPE, key->value->loc,
			      "write `\"*\"` for any value, `\"\"` for none",
			      "the label `%s` has no value here", text_quote(key->text, word));
	else
		value = policy_decode_text(d, key->value, key->text);
	*ret = (struct policy_label){ key->text, value };
}

static int decode_label(struct decoder *d, const struct node *key, void *object)
{
	struct policy_match *match = object;
	const struct node *value = key->value;
	struct policy_label *labels = NULL;

	if (value->kind != NODE_MAPPING) {
		policy_wrong_type(d, value, key->text, "a mapping of labels");
		return 0;
	}
	if (value->n == 0)
		policy_report(d->diags, F_EMPTY_MATCH, value->loc, "name a label and its value",
			      "`label` is empty and matches nothing");
	if (value->n > LIMIT_RULE_ITEMS) {
		policy_report(d->diags, F_TOO_MANY_ITEMS, value->loc, NULL,
			      "`label` has more than %u entries", LIMIT_RULE_ITEMS);
		return 0;
	}
	labels = arena_alloc(d->arena, value->n * sizeof(*labels));
	if (!labels)
		return -ENOMEM;
	for (const struct node *label = value->first; label; label = label->next)
		decode_one_label(d, label, &labels[match->n_labels++]);
	match->labels = labels;
	return 0;
}

static int decode_endpoint(struct decoder *d, const struct node *key, void *object)
{
	static const char *const words[] = { "build", "ingress", "other" };
	int word = policy_decode_word(d, key, words, ARRAY_LEN(words));

	if (word >= 0)
		((struct policy_match *)object)->endpoint = words[word];
	return 0;
}

/* Docker's sandboxes are no containers: they have none of what the other keys ask for. */
static void check_endpoint_kind(struct decoder *d, const struct policy_match *match)
{
	if (match->endpoint && (match->compose_project || match->compose_service ||
				match->container || match->image || match->n_labels))
		policy_report(d->diags, F_EMPTY_MATCH, match->loc,
			      "beside `endpoint` only `network` has a meaning",
			      "`endpoint` is for what no container stands for: an entry that asks "
			      "for a container as well matches nothing");
}

static int decode_match_entry(struct decoder *d, const struct node *node,
			      struct policy_match *match)
{
	static const struct decode_field fields[] = {
		{ "network", false, decode_network }, { "compose", false, decode_compose },
		{ "label", false, decode_label },     { "container", false, decode_container },
		{ "image", false, decode_image },     { "endpoint", false, decode_endpoint },
	};
	static const struct decode_shape shape = { "a match entry", fields, ARRAY_LEN(fields) };

	*match = (struct policy_match){ .loc = node->loc };
	if (node->kind == NODE_MAPPING && node->n == 0)
		policy_report(d->diags, F_EMPTY_MATCH, node->loc,
			      "write for example `network: \"*\"`",
			      "an empty entry of `match` names nothing");
	int r = policy_decode_object(d, node, &shape, match);
	check_endpoint_kind(d, match);
	return r;
}

static int decode_match(struct decoder *d, const struct node *key, void *object)
{
	static const struct decode_list how = { "a list of entries", false, F_EMPTY_MATCH,
						"say which containers belong to the tier" };
	struct draft_tier *draft = object;
	const struct node *item = policy_decode_items(d, key, &how);
	size_t n = item ? key->value->n : 0;
	struct policy_match *matches = arena_alloc(d->arena, n * sizeof(*matches));
	int r = matches ? 0 : -ENOMEM;

	for (size_t i = 0; item && i < n && r == 0; i++, item = item->next)
		r = decode_match_entry(d, item, &matches[i]);
	draft->tier.matches = matches;
	draft->tier.n_matches = n;
	return r;
}

static int decode_description(struct decoder *d, const struct node *key, void *object)
{
	const char *text = policy_decode_text(d, key->value, key->text);

	if (text)
		((struct draft_tier *)object)->tier.description = text;
	return 0;
}

static int decode_tier_mode(struct decoder *d, const struct node *key, void *object)
{
	struct draft_tier *draft = object;
	int mode = policy_decode_word(d, key, policy_mode_words, ARRAY_LEN(policy_mode_words));

	if (mode >= 0) {
		draft->tier.mode = (enum policy_mode)mode;
		draft->has_mode = true;
	}
	return 0;
}

static int decode_within(struct decoder *d, const struct node *key, void *object)
{
	static const char *const words[] = { "deny", "allow" };
	int within = policy_decode_word(d, key, words, ARRAY_LEN(words));

	if (within >= 0)
		((struct draft_tier *)object)->tier.within = within == 1;
	return 0;
}

static int decode_image_labels(struct decoder *d, const struct node *key, void *object)
{
	static const char *const words[] = { "deny", "allow" };
	int allow = policy_decode_word(d, key, words, ARRAY_LEN(words));

	if (allow >= 0)
		((struct draft_tier *)object)->tier.image_labels = allow == 1;
	return 0;
}

static int decode_tier(struct decoder *d, const struct node *key)
{
	static const struct decode_field fields[] = {
		{ "description", false, decode_description },
		{ "match", true, decode_match },
		{ "mode", false, decode_tier_mode },
		{ "within", false, decode_within },
		{ "image_labels", false, decode_image_labels },
		{ "speaks_for", false, policy_decode_speaks_for },
		{ "require", false, policy_decode_require },
		{ "require_mode", false, policy_decode_require_mode },
	};
	static const struct decode_shape shape = { "a tier", fields, ARRAY_LEN(fields) };
	struct draft_tier draft = { .index = d->tiers.n };

	if (key->kind != NODE_SCALAR) {
		policy_wrong_type(d, key, "a tier name", "a word");
		d->partial = true;
		return 0;
	}
	check_tier_name(d, key);
	draft.tier = (struct policy_tier){
		.loc = key->loc, .name = key->text, .description = "", .within = true
	};
	int r = policy_decode_object(d, key->value, &shape, &draft);
	return r < 0 ? r : VEC_PUSH(d->arena, &d->tiers, draft);
}

int policy_decode_tiers(struct decoder *d, const struct node *key)
{
	const struct node *tiers = key->value;
	int r = 0;

	if (node_is_null(tiers))
		return 0;
	if (tiers->kind != NODE_MAPPING) {
		policy_wrong_type(d, tiers, key->text, "a mapping of tiers");
		d->partial = true;
		return 0;
	}
	for (const struct node *tier = tiers->first; tier && r == 0; tier = tier->next) {
		if (tier->repeated)
			continue;
		if (d->tiers.n == LIMIT_TIERS) {
			policy_report(d->diags, F_TOO_MANY_TIERS, tier->loc, NULL,
				      "the policy has more than %u tiers", LIMIT_TIERS);
			d->partial = true;
			break;
		}
		r = decode_tier(d, tier);
	}
	return r;
}
