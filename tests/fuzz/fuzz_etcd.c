/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers of etcd's JSON gateway. */
#include <errno.h>

#include "core/base/base64.h"
#include "core/etcd/etcd.h"
#include "core/etcd/mirror.h"
#include "tests/fuzz/fuzz.h"

static void check_key(struct arena *arena, const struct etcd_key *key)
{
	CLEANUP(text_done) struct text coded = { 0 };
	char *again;
	size_t len;

	assert(key->key && *key->key && key->value && key->value[key->len] == '\0');
	assert(key->mod_revision >= 0 && key->lease >= 0);
	base64_add(&coded, key->value, key->len);
	int r = base64_decode(text_str(&coded), arena, &again, &len);
	assert(r == 0 && len == key->len && memcmp(again, key->value, len) == 0);
}

/* A copy is renewed by whatever it is: then it has as many keys as the store says, or is none. */
static void check_renewed(const struct etcd_answer *answer)
{
	CLEANUP(etcd_mirror_done) struct etcd_mirror mirror = { 0 };
	const struct etcd_key known = { .key = "a", .value = "1", .len = 1 };
	const struct etcd_answer all = { .cluster_id = answer->cluster_id,
					 .revision = 1,
					 .keys = &known,
					 .n_keys = 1 };
	int r = etcd_mirror_fill(&mirror, &all);

	assert(r == 0);
	r = etcd_mirror_renew(&mirror, answer);
	assert(r == 0 || r == ETCD_MIRROR_E_STALE || r == ETCD_MIRROR_E_LARGE);
	assert(mirror.is_current == (r == 0));
	assert(r != 0 || (mirror.n == (uint64_t)answer->count &&
			  mirror.revision == answer->revision));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct etcd_answer answer;
	const char *error = NULL;
	int r = etcd_read_answer((const char *)data, size, arena, &answer, &error);

	assert(r >= 0 && r <= ETCD_E_ERROR);
	if (r != 0) {
		fuzz_check_text(error);
		return 0;
	}
	assert(answer.revision >= 0 && answer.lease >= 0 && answer.ttl >= 0);
	for (size_t i = 0; i < answer.n_keys; i++)
		check_key(arena, &answer.keys[i]);
	check_renewed(&answer);
	return 0;
}
