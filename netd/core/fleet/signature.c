/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/fleet/signature.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/base64.h"
#include "core/base/text.h"

/* What fleet_print_signature() makes at most, and a NUL. */
#define SIGNATURE_TEXT 256u

const char *fleet_signature_key(const char *prefix, struct arena *arena)
{
	return arena_printf(arena, "%s/policy.signature", prefix);
}

/* ---- the signature as text ---- */

char *fleet_print_signature(const struct fleet_signature *signature)
{
	struct text text = { 0 };

	text_printf(&text, "netd fleet signature 1\ncounter %" PRIu64 "\nkey ", signature->counter);
	base64_add(&text, signature->key, sizeof(signature->key));
	text_add(&text, "\nsignature ");
	base64_add(&text, signature->bytes, sizeof(signature->bytes));
	text_add(&text, "\n");
	return text_take(&text);
}

/* @size bytes of Base64. 0, -EINVAL or -ENOMEM. */
static int read_bytes(const char *word, struct arena *arena, unsigned char *ret, size_t size)
{
	char *bytes = NULL;
	size_t len = 0;
	int r = base64_decode(word, arena, &bytes, &len);

	if (r == 0 && len != size)
		r = -EINVAL;
	if (r == 0)
		memcpy(ret, bytes, size);
	return r;
}

/* What is read is printed again: so blanks, signs and whatever else sscanf() passes over are no
 * second form of the same. */
static int check_form(const struct fleet_signature *signature, const char *text)
{
	CLEANUP(free_ptr) char *again = fleet_print_signature(signature);

	if (!again)
		return -ENOMEM;
	return strcmp(again, text) == 0 ? 0 : -EINVAL;
}

int fleet_read_signature(const char *bytes, size_t len, struct arena *arena,
			 struct fleet_signature *ret)
{
	char text[SIGNATURE_TEXT], counter[24], key[64], signature[128];

	if (len >= sizeof(text) || memchr(bytes, '\0', len))
		return -EINVAL;
	memcpy(text, bytes, len);
	text[len] = '\0';
	if (sscanf(text, "netd fleet signature 1 counter %20[0-9] key %63s signature %127s",
		   counter, key, signature) != 3)
		return -EINVAL;
	errno = 0;
	ret->counter = strtoull(counter, NULL, 10);
	if (errno || ret->counter == 0)
		return -EINVAL;
	int r = read_bytes(key, arena, ret->key, sizeof(ret->key));
	if (r == 0)
		r = read_bytes(signature, arena, ret->bytes, sizeof(ret->bytes));
	return r == 0 ? check_form(ret, text) : r;
}

/* ---- what is signed ---- */

static int add_below(const struct etcd_mirror *mirror, const char *prefix, const char *folder,
		     struct arena *arena, struct fleet_files *ret)
{
	size_t n = 0;
	const char *below = arena_printf(arena, "%s/%s/", prefix, folder);
	const struct etcd_key *keys = below ? etcd_mirror_below(mirror, below, &n) : NULL;
	int r = below ? 0 : -ENOMEM;

	for (size_t i = 0; i < n && r == 0; i++)
		r = VEC_PUSH(arena, &ret->sources,
			     (struct policy_source){ keys[i].key + strlen(prefix) + 1,
						     keys[i].value, keys[i].len });
	return r;
}

int fleet_all_files(const struct etcd_mirror *mirror, const char *prefix, struct arena *arena,
		    struct fleet_files *ret)
{
	int r = add_below(mirror, prefix, "groups", arena, ret);

	if (r == 0)
		r = add_below(mirror, prefix, "policy.canary", arena, ret);
	return r == 0 ? add_below(mirror, prefix, "policy", arena, ret) : r;
}

char *fleet_signed_message(const struct fleet_message *message, size_t *ret_len)
{
	const struct fleet_files *files = message->files;
	const char *group = message->group ? message->group : "";
	struct text text = { 0 };

	text_printf(&text,
		    "netd fleet policy 1\nprefix %zu %s\nfor %zu %s\ncounter %" PRIu64
		    "\nfiles %zu\n",
		    strlen(message->prefix), message->prefix, strlen(group), group,
		    message->counter, files->sources.n);
	for (size_t i = 0; i < files->sources.n; i++) {
		const struct policy_source *file = &files->sources.items[i];
		text_printf(&text, "file %zu %zu %s\n", strlen(file->name), file->len, file->name);
		text_add_n(&text, file->bytes, file->len);
		text_add(&text, "\n");
	}
	*ret_len = text.len;
	return text_take(&text);
}

uint64_t fleet_next_counter(uint64_t last, int64_t now)
{
	uint64_t time = now > 0 ? (uint64_t)now : 1;

	return time > last ? time : last + 1;
}
