/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The facts, and what Docker makes of single settings. */
#include "core/posture/posture.h"

#include <string.h>
#include <strings.h>

#include "core/base/text.h"

static const char *const names[POSTURE_FACTS] = {
	[POSTURE_ROOT] = "root",
	[POSTURE_PRIVILEGED] = "privileged",
	[POSTURE_DROPS_ALL] = "drops-all-capabilities",
	[POSTURE_ADDS] = "adds-capabilities",
	[POSTURE_READ_ONLY] = "read-only",
	[POSTURE_NO_NEW_PRIVILEGES] = "no-new-privileges",
	[POSTURE_UNCONFINED] = "unconfined",
	[POSTURE_MEMORY] = "memory-limit",
	[POSTURE_CPUS] = "cpu-limit",
	[POSTURE_PIDS] = "pids-limit",
	[POSTURE_ENDLESS_SWAP] = "endless-swap",
	[POSTURE_HEALTHCHECK] = "healthcheck",
	[POSTURE_HEALTHCHECK_TIMES] = "healthcheck-times",
	[POSTURE_LOG_LIMITS] = "log-limits",
	[POSTURE_HOST_NETWORK] = "host-network",
	[POSTURE_HOST_PID] = "host-pid",
	[POSTURE_HOST_IPC] = "host-ipc",
	[POSTURE_HOST_UTS] = "host-uts",
	[POSTURE_HOST_USERS] = "host-users",
	[POSTURE_DOCKER_SOCKET] = "docker-socket",
	[POSTURE_DEVICES] = "devices",
	[POSTURE_SECRETS] = "secrets-in-environment",
	[POSTURE_BUILD_SECRETS] = "secrets-in-build",
	[POSTURE_PUBLISHED] = "published-on-all-addresses",
	[POSTURE_DEFAULT_NETWORK] = "default-network",
	[POSTURE_OPEN_NETWORK] = "open-network",
	[POSTURE_TAGGED] = "tagged",
	[POSTURE_DIGEST] = "digest",
	[POSTURE_FEW_CAPABILITIES] = "few-capabilities",
	[POSTURE_KNOWN_REGISTRY] = "known-registry",
	[POSTURE_SCANNED] = "scanned",
	[POSTURE_SIGNED] = "signed",
};

const char *posture_fact_name(enum posture_fact fact)
{
	return names[fact];
}

enum posture_fact posture_find_fact(const char *name)
{
	unsigned int fact = 0;

	while (fact < POSTURE_FACTS && strcmp(names[fact], name) != 0)
		fact++;
	return (enum posture_fact)fact;
}

bool posture_is_known(const struct posture *posture)
{
	static const struct posture nothing;

	return posture->image || memcmp(posture->facts, nothing.facts, sizeof(nothing.facts)) != 0;
}

bool posture_equal(const struct posture *a, const struct posture *b)
{
	return memcmp(a->facts, b->facts, sizeof(a->facts)) == 0 &&
	       a->capabilities == b->capabilities && text_equal(a->image, b->image);
}

/* ---- what its image is called ---- */

/* "sha256:…": the id of an image, which is what it holds. */
static bool is_pinned(const char *image)
{
	return strchr(image, '@') || text_begins(image, "sha256:");
}

/* A colon before the last slash is a registry's port. */
static const char *tag_of(const char *image)
{
	const char *slash = strrchr(image, '/');
	const char *colon = strchr(slash ? slash : image, ':');

	return colon && colon[1] ? colon + 1 : NULL;
}

void posture_complete(struct posture *posture)
{
	const char *image = posture->image, *tag = image ? tag_of(image) : NULL;

	posture->facts[POSTURE_TAGGED] = posture->facts[POSTURE_DIGEST] = POSTURE_UNKNOWN;
	if (!image || !*image)
		return;
	bool pinned = is_pinned(image);
	posture->facts[POSTURE_DIGEST] = posture_of(pinned);
	posture->facts[POSTURE_TAGGED] = posture_of(pinned || (tag && strcmp(tag, "latest") != 0));
}

/* ---- single settings ---- */

enum posture_value posture_user_is_root(const char *user)
{
	size_t len = strcspn(user, ":"), zeros = strspn(user, "0");

	if (len == 0 || zeros == len || (len == 4 && strncmp(user, "root", 4) == 0))
		return POSTURE_YES;
	return strspn(user, "0123456789") == len ? POSTURE_NO : POSTURE_UNKNOWN;
}

/* `seccomp=unconfined`, and with a colon as it was written once. */
static bool is_switched_off(const char *option, const char *what)
{
	const char *value = text_after(option, what);

	return value && (*value == '=' || *value == ':') && strcmp(value + 1, "unconfined") == 0;
}

void posture_note_security_option(struct posture *posture, const char *option)
{
	const char *value = text_after(option, "no-new-privileges");

	if (value && (!*value || strcmp(value + 1, "true") == 0))
		posture->facts[POSTURE_NO_NEW_PRIVILEGES] = POSTURE_YES;
	if (is_switched_off(option, "seccomp") || is_switched_off(option, "apparmor") ||
	    strcmp(option, "systempaths=unconfined") == 0 || strcmp(option, "label=disable") == 0)
		posture->facts[POSTURE_UNCONFINED] = POSTURE_YES;
}

enum posture_value posture_log_is_limited(const char *driver, bool has_size, bool has_files)
{
	if (has_size && has_files)
		return POSTURE_YES;
	if (!*driver)
		return POSTURE_UNKNOWN;
	/* `local` has bounds of its own; all others hand on, and keep nothing. */
	return posture_of(strcmp(driver, "json-file") != 0);
}

/* ---- names that look like secrets ---- */

static bool is_word(const char *word, size_t len, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(list[i]) == len && strncasecmp(list[i], word, len) == 0)
			return true;
	return false;
}

/* The last word of a name, split at what is no letter or digit. */
static size_t last_word(const char *name, size_t len)
{
	while (len > 0 && name[len - 1] != '_' && name[len - 1] != '-' && name[len - 1] != '.')
		len--;
	return len;
}

bool posture_is_secret_name(const char *name, size_t len)
{
	static const char *const secret[] = { "PASSWORD", "PASSWD",	 "PASS",       "PASSPHRASE",
					      "SECRET",	  "SECRETS",	 "TOKEN",      "TOKENS",
					      "APIKEY",	  "CREDENTIALS", "CREDENTIAL", "PGPASSWORD",
					      "PASSWORDS" };
	/* A key is one only with such a word in front of it: python's images have GPG_KEY. */
	static const char *const of_key[] = { "API",	 "ACCESS",     "PRIVATE", "SECRET",
					      "SIGNING", "ENCRYPTION", "MASTER",  "AUTH" };
	static const char *const key[] = { "KEY", "KEYS" };
	static const char *const where[] = { "FILE", "PATH", "DIR", "TTL" };
	size_t last = last_word(name, len);
	bool after_kind = false;

	if (is_word(name + last, len - last, where, ARRAY_LEN(where)))
		return false;
	for (size_t end = len, at; end > 0; end = at > 0 ? at - 1 : 0) {
		at = last_word(name, end);
		const char *word = name + at;
		if (is_word(word, end - at, secret, ARRAY_LEN(secret)) ||
		    (after_kind && is_word(word, end - at, of_key, ARRAY_LEN(of_key))))
			return true;
		after_kind = is_word(word, end - at, key, ARRAY_LEN(key));
	}
	return false;
}

void posture_print_shortfalls(const struct posture *posture, const struct posture_require *require,
			      struct text *out)
{
	struct posture_shortfall one;
	const char *gap = "";

	for (size_t cursor = 0; posture_next_shortfall(posture, require, &cursor, &one);) {
		text_printf(out, "%s%s (it %s)", gap, one.check->key, one.text);
		gap = ", ";
	}
}
