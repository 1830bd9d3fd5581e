/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy_parse() from top to bottom: files to trees, tiers of all files, then the rules and tests
 * that name them, then what only the whole shows. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/policy/check.h"
#include "core/policy/decode.h"
#include "core/policy/until.h"

static void report_version(struct decoder *d, const struct node *version)
{
	char word[TEXT_QUOTE_LEN];

	policy_report(d->diags, F_BAD_VERSION, version->loc, "write `version: 1`",
		      "this netd reads version 1 of the language, not `%s`",
		      text_quote(version->text, word));
}

static int decode_version(struct decoder *d, const struct node *key, void *object)
{
	const char *text = policy_decode_text(d, key->value, key->text);

	(void)object;
	if (text && key->value->quoted)
		policy_wrong_type(d, key->value, key->text, "a number");
	else if (text && strcmp(text, "1") != 0)
		report_version(d, key->value);
	return 0;
}

static int decode_mode(struct decoder *d, const struct node *key, void *object)
{
	(void)object;
	return policy_set_once(
		d, key, policy_decode_word(d, key, policy_mode_words, ARRAY_LEN(policy_mode_words)),
		&d->mode);
}

static int decode_unmatched(struct decoder *d, const struct node *key, void *object)
{
	static const char *const words[] = { "deny", "ignore" }; /* of enum policy_unmatched */

	(void)object;
	return policy_set_once(d, key, policy_decode_word(d, key, words, ARRAY_LEN(words)),
			       &d->unmatched);
}

static int decode_hosts(struct decoder *d, const struct node *key, void *object)
{
	(void)object;
	return policy_decode_hosts(d, key);
}

static int decode_tiers(struct decoder *d, const struct node *key, void *object)
{
	(void)object;
	return policy_decode_tiers(d, key);
}

static int keep_allow(struct decoder *d, const struct node *key, void *object)
{
	struct draft_section section = { key, policy_decode_allow };

	(void)object;
	return VEC_PUSH(d->arena, &d->sections, section);
}

static int keep_deny(struct decoder *d, const struct node *key, void *object)
{
	struct draft_section section = { key, policy_decode_deny };

	(void)object;
	return VEC_PUSH(d->arena, &d->sections, section);
}

static int keep_tests(struct decoder *d, const struct node *key, void *object)
{
	struct draft_section section = { key, policy_decode_tests };

	(void)object;
	return VEC_PUSH(d->arena, &d->sections, section);
}

static int keep_accept(struct decoder *d, const struct node *key, void *object)
{
	struct draft_section section = { key, policy_decode_accept };

	(void)object;
	return VEC_PUSH(d->arena, &d->sections, section);
}

static const struct decode_field top_fields[] = {
	{ "version", true, decode_version },	  { "mode", false, decode_mode },
	{ "unmatched", false, decode_unmatched }, { "tiers", false, decode_tiers },
	{ "allow", false, keep_allow },		  { "deny", false, keep_deny },
	{ "tests", false, keep_tests },		  { "accept", false, keep_accept },
	{ "hosts", false, decode_hosts },
};

static const struct decode_shape top_shape = { "a policy", top_fields, ARRAY_LEN(top_fields) };

/* A file in another version of the language says nothing to this one, so one finding is enough. */
static const struct node *find_other_version(const struct node *root)
{
	const struct node *version = node_get(root, "version");

	if (!version || version->kind != NODE_SCALAR || version->quoted || !*version->text ||
	    version->text[strspn(version->text, "0123456789.")])
		return NULL;
	return strcmp(version->text, "1") == 0 ? NULL : version;
}

static int read_file(struct decoder *d, const struct policy_source *source)
{
	const struct node *root = NULL;
	struct node_source text = { source->name, source->bytes, source->len };
	int r = node_parse(&text, &policy_dialect, d->arena, d->diags, &root);

	d->partial |= r == NODE_E_INVALID;
	if (r != 0)
		return r < 0 ? r : 0;
	if (!root || node_is_null(root)) {
		policy_report(d->diags, F_MISSING_KEY, (struct source_loc){ source->name, 1, 1 },
			      "start it with `version: 1`", "the file is empty");
		return 0;
	}
	const struct node *other = find_other_version(root);
	d->partial |= root->kind != NODE_MAPPING || other;
	if (!other)
		return policy_decode_object(d, root, &top_shape, NULL);
	report_version(d, other);
	return 0;
}

static bool check_sources(struct decoder *d, const struct policy_source *sources, size_t n)
{
	size_t bytes = 0;

	if (n == 0) {
		policy_report(d->diags, F_MISSING_KEY, (struct source_loc){ .file = "policy" },
			      "write one that starts with `version: 1`", "there is no policy file");
		return false;
	}
	if (n > LIMIT_POLICY_FILES) {
		policy_report(d->diags, F_TOO_MANY_FILES,
			      (struct source_loc){ .file = sources[LIMIT_POLICY_FILES].name },
			      "is this the right directory?", "the policy has more than %u files",
			      LIMIT_POLICY_FILES);
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		if (sources[i].len > LIMIT_POLICY_BYTES - bytes) {
			policy_report(d->diags, F_TOO_LARGE,
				      (struct source_loc){ .file = sources[i].name },
				      "is this the right file?",
				      "the policy has more than %u bytes", LIMIT_POLICY_BYTES);
			return false;
		}
		bytes += sources[i].len;
	}
	return true;
}

/* By name; of one name, by order of reading, which is kept in the index. */
static int by_name(const void *left, const void *right)
{
	const struct draft_tier *a = left, *b = right;
	int order = strcmp(a->tier.name, b->tier.name);

	return order ? order : a->index < b->index ? -1 : a->index > b->index;
}

/* Sorts the tiers, reports those that two files define, and gives each its mode. */
static int merge_tiers(struct decoder *d)
{
	struct draft_tier *drafts = d->tiers.items;
	struct policy_tier *tiers = arena_alloc(d->arena, d->tiers.n * sizeof(*tiers));
	size_t n = 0;

	if (!tiers)
		return -ENOMEM;
	if (d->tiers.n)
		qsort(drafts, d->tiers.n, sizeof(*drafts), by_name);
	for (size_t i = 0; i < d->tiers.n; i++) {
		struct policy_tier *tier = &drafts[i].tier;
		char word[TEXT_QUOTE_LEN], place[DIAG_PLACE_LEN];
		if (n > 0 && strcmp(tiers[n - 1].name, tier->name) == 0) {
			policy_report(d->diags, F_DUPLICATE_TIER, tier->loc,
				      "keep one, or give it another name",
				      "the tier `%s` is already defined %s",
				      text_quote(tier->name, word),
				      diag_place(tier->loc, tiers[n - 1].loc, place));
			continue;
		}
		tiers[n] = *tier;
		if (drafts[i].has_mode && tier->mode == POLICY_ENFORCE &&
		    d->policy->mode == POLICY_AUDIT)
			policy_report(
				d->diags, F_ENFORCED_UNDER_AUDIT, tier->loc,
				"write `mode: audit` for the other tiers instead of the policy",
				"the tier `%s` is not enforced: in audit mode nothing is",
				text_quote(tier->name, word));
		/* At the top audit mode is for all. */
		if (!drafts[i].has_mode || d->policy->mode == POLICY_AUDIT)
			tiers[n].mode = d->policy->mode;
		n++;
	}
	d->policy->tiers = tiers;
	d->policy->n_tiers = n;
	return policy_gather_spoken(d, tiers, n);
}

static int decode_sections(struct decoder *d)
{
	int r = 0;

	for (size_t i = 0; i < d->sections.n && r == 0; i++)
		r = d->sections.items[i].decode(d, d->sections.items[i].key);
	return r;
}

static int read_policy(struct decoder *d, const struct policy_source *sources, size_t n)
{
	int r = 0;

	if (!check_sources(d, sources, n))
		return 0;
	for (size_t i = 0; i < n && r == 0; i++)
		r = read_file(d, &sources[i]);
	d->policy->mode = d->mode.set ? (enum policy_mode)d->mode.value : POLICY_ENFORCE;
	d->policy->unmatched = d->unmatched.set ? (enum policy_unmatched)d->unmatched.value
						: POLICY_UNMATCHED_DENY;
	d->policy->hosts_grace = d->grace.set ? d->grace.value : POLICY_HOSTS_GRACE;
	if (r == 0)
		r = merge_tiers(d);
	if (r == 0)
		r = decode_sections(d);
	d->policy->rules = d->rules.items;
	d->policy->n_rules = d->rules.n;
	d->policy->tests = d->tests.items;
	d->policy->n_tests = d->tests.n;
	d->policy->accepts = d->accepts.items;
	d->policy->n_accepts = d->accepts.n;
	return r < 0 ? r : policy_check(d->policy, d->arena, d->diags);
}

int policy_parse(const struct policy_source *sources, size_t n_sources, struct arena *arena,
		 struct diag_list *diags, const struct policy **ret)
{
	struct decoder d = { .arena = arena, .diags = diags };
	size_t errors = diags->n_errors;

	d.policy = arena_alloc(arena, sizeof(*d.policy));
	if (!d.policy)
		return -ENOMEM;
	int r = read_policy(&d, sources, n_sources);
	diag_sort(diags);
	if (r < 0 || diags->out_of_memory)
		return r < 0 ? r : -ENOMEM;
	if (diags->n_errors != errors)
		return POLICY_E_INVALID;
	*ret = d.policy;
	return 0;
}

void policy_check_time(const struct policy *policy, int64_t now, struct diag_list *diags)
{
	char text[UNTIL_TEXT_LEN];

	for (size_t i = 0; i < policy->n_rules; i++) {
		const struct policy_rule *rule = &policy->rules[i];
		if (rule->until && rule->until <= now)
			policy_report(diags, F_UNTIL_PASSED, rule->loc, "remove the rule",
				      "this rule ended at %s",
				      policy_until_format(rule->until, text));
	}
	for (size_t i = 0; i < policy->n_accepts; i++) {
		const struct policy_accept *accept = &policy->accepts[i];
		if (accept->until && accept->until <= now)
			policy_report(diags, F_UNTIL_PASSED, accept->loc,
				      "mend what was accepted, or give it more time",
				      "this finding was accepted until %s",
				      policy_until_format(accept->until, text));
	}
	diag_sort(diags);
}

int64_t policy_next_change(const struct policy *policy, int64_t now)
{
	int64_t next = 0;

	for (size_t i = 0; i < policy->n_rules; i++) {
		int64_t until = policy->rules[i].until;
		if (until > now && (next == 0 || until < next))
			next = until;
	}
	return next;
}
