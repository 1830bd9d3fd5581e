/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `require` of a tier: the posture that a container must have to be in it. What may be written is
 * what can be required and nothing else: `read_only: false` would require nobody to be able to
 * write, which nobody means. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/duration.h"
#include "core/policy/decode.h"

static void want(struct posture_require *require, enum posture_fact fact, enum posture_value value)
{
	require->wanted[fact] = value;
}

static void report_other(struct decoder *d, const struct node *key, const char *only)
{
	char word[TEXT_QUOTE_LEN];
	const char *hint = arena_printf(d->diags->arena,
					"write `%s: %s`, or leave it out where nothing is required",
					text_quote(key->text, word), only);

	policy_report(d->diags, F_BAD_VALUE, key->value->loc, hint, "`%s` cannot require this",
		      text_quote(key->text, word));
}

/* ---- keys with one value that means something ---- */

static const struct {
	const char *key;
	const char *only; /* the word it takes */
	enum posture_fact facts[6];
	size_t n;
	enum posture_value wanted;
} words[] = {
	{ "user", "non-root", { POSTURE_ROOT }, 1, POSTURE_NO },
	{ "read_only", "true", { POSTURE_READ_ONLY }, 1, POSTURE_YES },
	{ "no_new_privileges", "true", { POSTURE_NO_NEW_PRIVILEGES }, 1, POSTURE_YES },
	{ "healthcheck", "true", { POSTURE_HEALTHCHECK }, 1, POSTURE_YES },
	{ "log_limits", "true", { POSTURE_LOG_LIMITS }, 1, POSTURE_YES },
	{ "privileged", "false", { POSTURE_PRIVILEGED }, 1, POSTURE_NO },
	{ "host_namespaces",
	  "false",
	  { POSTURE_HOST_NETWORK, POSTURE_HOST_PID, POSTURE_HOST_IPC, POSTURE_HOST_UTS,
	    POSTURE_HOST_USERS },
	  5,
	  POSTURE_NO },
	{ "docker_socket", "false", { POSTURE_DOCKER_SOCKET }, 1, POSTURE_NO },
	{ "devices", "none", { POSTURE_DEVICES }, 1, POSTURE_NO },
	{ "secrets_in_environment", "false", { POSTURE_SECRETS }, 1, POSTURE_NO },
};

static int decode_only_word(struct decoder *d, const struct node *key, void *object)
{
	size_t i = 0;

	while (i + 1 < ARRAY_LEN(words) && strcmp(words[i].key, key->text) != 0)
		i++;
	const char *text = policy_decode_text(d, key->value, key->text);
	if (!text)
		return 0;
	if (strcmp(text, words[i].only) != 0) {
		report_other(d, key, words[i].only);
		return 0;
	}
	for (size_t k = 0; k < words[i].n; k++)
		want(object, words[i].facts[k], words[i].wanted);
	return 0;
}

/* ---- limits ---- */

static const struct {
	const char *name;
	enum posture_fact fact;
	enum posture_value wanted;
} limits[] = {
	{ "memory", POSTURE_MEMORY, POSTURE_YES },
	{ "cpus", POSTURE_CPUS, POSTURE_YES },
	{ "pids", POSTURE_PIDS, POSTURE_YES },
	{ "swap", POSTURE_ENDLESS_SWAP, POSTURE_NO },
};

static void decode_limit(struct decoder *d, const struct node *item, const char *name,
			 struct posture_require *require)
{
	const char *text = policy_decode_text(d, item, name);
	char word[TEXT_QUOTE_LEN];
	size_t i = 0;

	while (text && i < ARRAY_LEN(limits) && strcmp(limits[i].name, text) != 0)
		i++;
	if (!text)
		return;
	if (i < ARRAY_LEN(limits))
		want(require, limits[i].fact, limits[i].wanted);
	else
		policy_report(d->diags, F_BAD_VALUE, item->loc,
			      "it is `memory`, `cpus`, `pids` or `swap`", "`%s` cannot be `%s`",
			      name, text_quote(text, word));
}

static int decode_limits(struct decoder *d, const struct node *key, void *object)
{
	static const struct decode_list how = { "a limit or a list of limits", true, F_EMPTY_LIST,
						"name one, as in `[memory, cpus, pids]`" };
	const struct node *item = policy_decode_items(d, key, &how);
	bool many = key->value->kind == NODE_SEQUENCE;

	for (; item; item = many ? item->next : NULL)
		decode_limit(d, item, key->text, object);
	return 0;
}

/* ---- capabilities ---- */

static int decode_drop(struct decoder *d, const struct node *key, void *object)
{
	const char *text = policy_decode_text(d, key->value, key->text);

	if (text && strcmp(text, "all") != 0)
		report_other(d, key, "all");
	want(object, POSTURE_DROPS_ALL, POSTURE_YES);
	return 0;
}

static int decode_add(struct decoder *d, const struct node *key, void *object)
{
	static const struct decode_list how = { "a capability or a list of them", true,
						F_EMPTY_LIST,
						"leave `add` out where none may be added" };
	const struct node *item = policy_decode_items(d, key, &how);
	bool many = key->value->kind == NODE_SEQUENCE;
	struct posture_require *require = object;
	char word[TEXT_QUOTE_LEN];

	for (; item; item = many ? item->next : NULL) {
		const char *text = policy_decode_text(d, item, key->text);
		uint64_t bits = text ? posture_capability(text) : 0;
		if (text && (!bits || bits == POSTURE_ALL_CAPABILITIES))
			policy_report(d->diags, F_BAD_VALUE, item->loc,
				      "write one as in capabilities(7), like `NET_BIND_SERVICE`",
				      "unknown capability `%s`", text_quote(text, word));
		require->capabilities |= bits;
	}
	return 0;
}

static int decode_capabilities(struct decoder *d, const struct node *key, void *object)
{
	static const struct decode_field fields[] = {
		{ "drop", true, decode_drop },
		{ "add", false, decode_add },
	};
	static const struct decode_shape shape = { "`capabilities`", fields, ARRAY_LEN(fields) };

	want(object, POSTURE_FEW_CAPABILITIES, POSTURE_YES);
	return policy_decode_object(d, key->value, &shape, object);
}

/* ---- images ---- */

static int decode_pinned(struct decoder *d, const struct node *key, void *object)
{
	static const char *const names[] = { "tag", "digest" };
	int i = policy_decode_word(d, key, names, ARRAY_LEN(names));

	if (i >= 0)
		want(object, i == 1 ? POSTURE_DIGEST : POSTURE_TAGGED, POSTURE_YES);
	return 0;
}

static int decode_registries(struct decoder *d, const struct node *key, void *object)
{
	static const struct decode_list how = { "a registry or a list of them", true, F_EMPTY_LIST,
						"name one, as in `[ghcr.io, docker.io/acme/*]`" };
	const struct node *item = policy_decode_items(d, key, &how);
	size_t n = !item ? 0 : key->value->kind == NODE_SEQUENCE ? key->value->n : 1;
	struct posture_require *require = object;
	const char **all = arena_alloc(d->arena, n * sizeof(*all));

	if (!all)
		return -ENOMEM;
	require->registries = all;
	for (size_t i = 0; item && i < n; i++, item = item->next) {
		const char *pattern = policy_decode_pattern(d, item, key->text);
		if (pattern)
			all[require->n_registries++] = pattern;
	}
	want(object, POSTURE_KNOWN_REGISTRY, POSTURE_YES);
	return 0;
}

static int decode_max_severity(struct decoder *d, const struct node *key, void *object)
{
	static const char *const names[] = { "none", "low", "medium", "high", "critical" };
	static const enum images_severity severities[] = { IMAGES_NONE, IMAGES_LOW, IMAGES_MEDIUM,
							   IMAGES_HIGH, IMAGES_CRITICAL };
	int i = policy_decode_word(d, key, names, ARRAY_LEN(names));

	if (i >= 0)
		((struct posture_require *)object)->most = severities[i];
	want(object, POSTURE_SCANNED, POSTURE_YES);
	return 0;
}

static int decode_max_age(struct decoder *d, const struct node *key, void *object)
{
	const char *text = policy_decode_text(d, key->value, key->text);
	struct posture_require *require = object;
	char word[TEXT_QUOTE_LEN];

	require->max_age = text ? duration_parse(text, "mhdw") : 0;
	if (text && (require->max_age < 60 || require->max_age > LIMIT_IMAGE_AGE_S))
		policy_report(d->diags, F_BAD_VALUE, key->value->loc,
			      "write it as `36h`, `7d` or `2w`, ten years at most",
			      "`%s` is not an age", text_quote(text, word));
	return 0;
}

/* The name of a file in the folder of keys, and of nothing elsewhere. */
static bool is_key_name(const char *text)
{
	size_t len = strlen(text);

	return *text != '.' && len > 4 && len <= LIMIT_NAME && !strchr(text, '/') &&
	       (strcmp(text + len - 4, ".pem") == 0 || strcmp(text + len - 4, ".pub") == 0);
}

static int decode_signed_by(struct decoder *d, const struct node *key, void *object)
{
	static const struct decode_list how = { "a key or a list of keys", true, F_EMPTY_LIST,
						"name one, as in `[release.pem]`" };
	const struct node *item = policy_decode_items(d, key, &how);
	size_t n = !item ? 0 : key->value->kind == NODE_SEQUENCE ? key->value->n : 1;
	struct posture_require *require = object;
	const char **all = arena_alloc(d->arena, n * sizeof(*all));
	char word[TEXT_QUOTE_LEN];

	if (!all)
		return -ENOMEM;
	require->keys = all;
	for (size_t i = 0; item && i < n; i++, item = item->next) {
		const char *name = policy_decode_text(d, item, key->text);
		if (name && is_key_name(name))
			all[require->n_keys++] = name;
		else if (name)
			policy_report(d->diags, F_BAD_VALUE, item->loc,
				      "write the name of a file in netd's folder of keys, as "
				      "`release.pem` or `cosign.pub`",
				      "`%s` is not the name of a key", text_quote(name, word));
	}
	want(object, POSTURE_SIGNED, POSTURE_YES);
	return 0;
}

static int decode_required_image(struct decoder *d, const struct node *key, void *object)
{
	static const struct decode_field fields[] = {
		{ "pinned", false, decode_pinned },
		{ "registries", false, decode_registries },
		{ "max_severity", false, decode_max_severity },
		{ "max_age", false, decode_max_age },
		{ "signed_by", false, decode_signed_by },
	};
	static const struct decode_shape shape = { "`image`", fields, ARRAY_LEN(fields) };
	struct posture_require *require = object;

	if (key->value->kind == NODE_MAPPING && key->value->n == 0)
		policy_report(d->diags, F_EMPTY_LIST, key->value->loc,
			      "write for example `{pinned: tag}`", "`image` requires nothing");
	int r = policy_decode_object(d, key->value, &shape, object);
	if (r == 0 && require->max_age && !require->wanted[POSTURE_SCANNED])
		policy_report(d->diags, F_BAD_VALUE, key->value->loc,
			      "add what its reports may tell, as `max_severity: high`",
			      "`max_age` without `max_severity` requires nothing");
	return r;
}

bool policy_requires_images(const struct policy *policy)
{
	for (size_t i = 0; i < policy->n_tiers; i++)
		if (posture_requires_image(policy->tiers[i].require))
			return true;
	return false;
}

bool policy_requires_posture(const struct policy *policy)
{
	for (size_t i = 0; i < policy->n_tiers; i++)
		if (policy->tiers[i].require)
			return true;
	return false;
}

/* ---- the whole ---- */

int policy_decode_require(struct decoder *d, const struct node *key, void *object)
{
	static const struct decode_field fields[] = {
		{ "user", false, decode_only_word },
		{ "capabilities", false, decode_capabilities },
		{ "read_only", false, decode_only_word },
		{ "no_new_privileges", false, decode_only_word },
		{ "limits", false, decode_limits },
		{ "healthcheck", false, decode_only_word },
		{ "log_limits", false, decode_only_word },
		{ "privileged", false, decode_only_word },
		{ "host_namespaces", false, decode_only_word },
		{ "docker_socket", false, decode_only_word },
		{ "devices", false, decode_only_word },
		{ "secrets_in_environment", false, decode_only_word },
		{ "image", false, decode_required_image },
	};
	static const struct decode_shape shape = { "`require`", fields, ARRAY_LEN(fields) };
	struct draft_tier *draft = object;
	struct posture_require *require = arena_alloc(d->arena, sizeof(*require));

	if (!require)
		return -ENOMEM;
	if (key->value->kind == NODE_MAPPING && key->value->n == 0)
		policy_report(d->diags, F_EMPTY_LIST, key->value->loc,
			      "write for example `{user: non-root}`", "`require` requires nothing");
	draft->tier.require = require;
	draft->tier.require_loc = key->loc;
	return policy_decode_object(d, key->value, &shape, require);
}

int policy_decode_require_mode(struct decoder *d, const struct node *key, void *object)
{
	static const char *const modes[] = { "enforce", "warn" };
	int mode = policy_decode_word(d, key, modes, ARRAY_LEN(modes));
	struct draft_tier *draft = object;

	draft->tier.require_warns = mode == 1;
	return 0;
}
