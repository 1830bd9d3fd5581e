/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers of etcd's JSON gateway. */
#include <errno.h>

#include "core/base/base64.h"
#include "core/etcd/etcd.h"
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
	return 0;
}
