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

/* ---- a canary ---- */

const char *fleet_canary_below(const char *prefix, const char *group, struct arena *arena)
{
	return arena_printf(arena, "%s/policy.canary/%s%s", prefix, group, *group ? "/" : "");
}

int fleet_canary_group(const struct etcd_mirror *mirror, const char *prefix, struct arena *arena,
		       const char **ret)
{
	const char *below = fleet_canary_below(prefix, "", arena);
	size_t n;

	*ret = NULL;
	if (!below)
		return -ENOMEM;
	const struct etcd_key *keys = etcd_mirror_below(mirror, below, &n);
	if (!keys)
		return 0;
	const char *group = keys->key + strlen(below);
	*ret = arena_strndup(arena, group, strcspn(group, "/"));
	return *ret ? 0 : -ENOMEM;
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

static int add_file(struct files *files, const char *name, const struct etcd_key *key,
		    struct arena *arena)
{
	const struct policy_source source = { name, key->value, key->len };

	if (!name)
		return -ENOMEM;
	files->bytes += key->len;
	if (key->mod_revision > files->revision)
		files->revision = key->mod_revision;
	files->digest = hash_add(files->digest, source.name, strlen(source.name) + 1);
	files->digest = hash_add(files->digest, key->value, key->len + 1);
	return VEC_PUSH(arena, &files->sources, source);
}

/* Those below @below, under names of the folder @folder: "policy", "groups/web". */
static int add_folder(const struct etcd_mirror *mirror, const char *below, const char *folder,
		      struct arena *arena, struct files *files, const char **error)
{
	size_t n;

	if (!below || !folder)
		return -ENOMEM;
	const struct etcd_key *keys = etcd_mirror_below(mirror, below, &n);
	for (size_t i = 0; i < n; i++) {
		const char *fault = file_fault(keys[i].key + strlen(below), &keys[i]);
		if (!fault && files->sources.n >= LIMIT_POLICY_FILES)
			fault = "is one policy file too many";
		if (!fault && files->bytes + keys[i].len > LIMIT_POLICY_BYTES)
			fault = "makes the policy too large";
		int r = fault ? say(arena, &keys[i], fault, error)
			      : add_file(files,
					 arena_printf(arena, "%s/%s", folder,
						      keys[i].key + strlen(below)),
					 &keys[i], arena);
		if (r)
			return r;
	}
	return 0;
}

struct names {
	const char *const *items;
	size_t n;
};

/* Where the files of all hosts are, as a host of these groups has them. 0 or -ENOMEM. */
static int find_shared(const struct etcd_mirror *mirror, const char *prefix,
		       const struct names *groups, struct arena *arena, const char **ret_below,
		       const char **ret_canary)
{
	size_t n;

	*ret_below = arena_printf(arena, "%s/policy/", prefix);
	for (size_t i = 0; i < groups->n && *ret_below; i++) {
		const char *below = fleet_canary_below(prefix, groups->items[i], arena);
		if (below && !etcd_mirror_below(mirror, below, &n))
			continue;
		*ret_below = below;
		*ret_canary = groups->items[i];
		break;
	}
	return *ret_below ? 0 : -ENOMEM;
}

int fleet_policy_of(const struct etcd_mirror *mirror, const char *prefix, const char *const *groups,
		    size_t n_groups, struct arena *arena, struct fleet_policy *ret,
		    const char **error)
{
	struct files files = { .digest = HASH_BEGIN };
	const char *below = NULL, *canary = NULL;
	int r = find_shared(mirror, prefix, &(struct names){ groups, n_groups }, arena, &below,
			    &canary);

	if (r == 0)
		r = add_folder(mirror, below, "policy", arena, &files, error);
	for (size_t i = 0; i < n_groups && r == 0; i++)
		r = add_folder(mirror, arena_printf(arena, "%s/groups/%s/", prefix, groups[i]),
			       arena_printf(arena, "groups/%s", groups[i]), arena, &files, error);
	if (r)
		return r;
	*ret = (struct fleet_policy){ files.sources.items, files.sources.n, files.revision,
				      files.digest, canary };
	return 0;
}

/* ---- what was seen ---- */

const char *fleet_doubt(const struct fleet_seen *seen, const struct etcd_mirror *mirror,
			const uint64_t *counter)
{
	if (counter && *counter < seen->counter)
		return *counter == 0 ? "it is not signed"
				     : "its signature is older than one that was taken, as if it "
				       "was replayed";
	if (seen->revision == 0 || (counter && *counter > seen->counter))
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
		    " generation %" PRIu64 " counter %" PRIu64 "\n",
		    seen->cluster_id, seen->revision, seen->digest, seen->generation,
		    seen->counter);
	return text_take(&text);
}

/* Before there were signatures no counter was kept. */
int fleet_read_seen(const char *bytes, size_t len, struct fleet_seen *ret)
{
	struct fleet_seen seen = { 0 };
	char text[160];
	int end = 0;

	if (len >= sizeof(text))
		return -EINVAL;
	memcpy(text, bytes, len);
	text[len] = '\0';
	if (sscanf(text,
		   "cluster %" SCNu64 " revision %" SCNd64 " digest %" SCNx64 " generation %" SCNu64
		   "%n counter %" SCNu64 "%n",
		   &seen.cluster_id, &seen.revision, &seen.digest, &seen.generation, &end,
		   &seen.counter, &end) < 4 ||
	    strspn(text + end, "\n") != len - (size_t)end || seen.revision < 0)
		return -EINVAL;
	*ret = seen;
	return 0;
}
