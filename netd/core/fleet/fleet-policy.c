/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys of the store to the policy files of a host. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/limits.h"
#include "core/base/text.h"
#include "core/fleet/fleet.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

/* ---- names ---- */

static bool is_name(const char *text, size_t len)
{
	return len > 0 && len <= FLEET_NAME && *text != '.' && strspn(text, NAME_CHARACTERS) >= len;
}

bool fleet_is_name(const char *text)
{
	return is_name(text, strlen(text));
}

bool fleet_is_prefix(const char *text)
{
	for (;;) {
		size_t len = strcspn(text, "/");
		if (!is_name(text, len))
			return false;
		if (!text[len])
			return true;
		text += len + 1;
	}
}

int fleet_policy_range(const char *prefix, struct arena *arena, struct fleet_range *ret)
{
	ret->first = arena_printf(arena, "%s/groups/", prefix);
	/* '0' follows '/'. */
	ret->end = arena_printf(arena, "%s/policy0", prefix);
	return ret->first && ret->end ? 0 : -ENOMEM;
}

const char *fleet_record_key(const char *prefix, const char *host, struct arena *arena)
{
	return arena_printf(arena, "%s/records/%s", prefix, host);
}

/* ---- files ---- */

struct files {
	VEC(struct policy_source) sources;
	size_t bytes;
	int64_t revision;
	uint64_t digest;
};

/* A file's name, as netd's messages will have it, is the key behind the prefix. NULL, or what is
 * wrong with it. */
static const char *file_fault(const char *name, const struct etcd_key *key)
{
	size_t len = strlen(name);

	if (!fleet_is_name(name) || len <= 5 || strcmp(name + len - 5, ".yaml") != 0)
		return "is not the name of a policy file";
	if (strlen(key->value) != key->len)
		return "holds a NUL byte";
	return NULL;
}

static int say(struct arena *arena, const struct etcd_key *key, const char *fault,
	       const char **error)
{
	char word[TEXT_QUOTE_LEN];

	*error = arena_printf(arena, "the key %s %s", text_quote(key->key, word), fault);
	return *error ? FLEET_E_INVALID : -ENOMEM;
}

static int add_file(struct files *files, const char *prefix, const struct etcd_key *key,
		    struct arena *arena)
{
	const struct policy_source source = { key->key + strlen(prefix) + 1, key->value, key->len };

	files->bytes += key->len;
	if (key->mod_revision > files->revision)
		files->revision = key->mod_revision;
	files->digest = hash_add(files->digest, source.name, strlen(source.name) + 1);
	files->digest = hash_add(files->digest, key->value, key->len + 1);
	return VEC_PUSH(arena, &files->sources, source);
}

/* Those of one folder: "policy", "groups/web". */
static int add_folder(const struct etcd_mirror *mirror, const char *prefix, const char *folder,
		      struct arena *arena, struct files *files, const char **error)
{
	size_t n;
	const char *below = arena_printf(arena, "%s/%s/", prefix, folder);

	if (!below)
		return -ENOMEM;
	const struct etcd_key *keys = etcd_mirror_below(mirror, below, &n);
	for (size_t i = 0; i < n; i++) {
		const char *fault = file_fault(keys[i].key + strlen(below), &keys[i]);
		if (!fault && files->sources.n >= LIMIT_POLICY_FILES)
			fault = "is one policy file too many";
		if (!fault && files->bytes + keys[i].len > LIMIT_POLICY_BYTES)
			fault = "makes the policy too large";
		int r = fault ? say(arena, &keys[i], fault, error)
			      : add_file(files, prefix, &keys[i], arena);
		if (r)
			return r;
	}
	return 0;
}

int fleet_policy_of(const struct etcd_mirror *mirror, const char *prefix, const char *const *groups,
		    size_t n_groups, struct arena *arena, struct fleet_policy *ret,
		    const char **error)
{
	struct files files = { .digest = HASH_BEGIN };
	int r = add_folder(mirror, prefix, "policy", arena, &files, error);

	for (size_t i = 0; i < n_groups && r == 0; i++) {
		const char *folder = arena_printf(arena, "groups/%s", groups[i]);
		r = folder ? add_folder(mirror, prefix, folder, arena, &files, error) : -ENOMEM;
	}
	if (r)
		return r;
	*ret = (struct fleet_policy){ files.sources.items, files.sources.n, files.revision,
				      files.digest };
	return 0;
}

/* ---- what was seen ---- */

const char *fleet_doubt(const struct fleet_seen *seen, const struct etcd_mirror *mirror)
{
	if (seen->revision == 0)
		return NULL;
	if (seen->cluster_id != mirror->cluster_id)
		return "it is another cluster than before";
	if (mirror->revision < seen->revision)
		return "it is at an older revision than before, as if it was restored from a "
		       "backup";
	return NULL;
}

char *fleet_print_seen(const struct fleet_seen *seen)
{
	struct text text = { 0 };

	text_printf(&text,
		    "cluster %" PRIu64 " revision %" PRId64 " digest %" PRIx64
		    " generation %" PRIu64 "\n",
		    seen->cluster_id, seen->revision, seen->digest, seen->generation);
	if (text_failed(&text)) {
		text_done(&text);
		return NULL;
	}
	return text.bytes;
}

int fleet_read_seen(const char *bytes, size_t len, struct fleet_seen *ret)
{
	char text[128];
	int end = -1;

	if (len >= sizeof(text))
		return -EINVAL;
	memcpy(text, bytes, len);
	text[len] = '\0';
	if (sscanf(text,
		   "cluster %" SCNu64 " revision %" SCNd64 " digest %" SCNx64 " generation %" SCNu64
		   "%n",
		   &ret->cluster_id, &ret->revision, &ret->digest, &ret->generation, &end) != 4 ||
	    end < 0 || strspn(text + end, "\n") != len - (size_t)end || ret->revision <= 0)
		return -EINVAL;
	return 0;
}
