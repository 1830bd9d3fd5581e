/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is taken out of Docker's answers on their way: the same wherever the network cut them, never
 * longer than what came, and a store takes of it what it takes of the whole. */
#include "core/world/docker-want.h"
#include "core/world/world-store.h"
#include "tests/fuzz/fuzz.h"

static void pick_in_steps(const char *bytes, size_t size, size_t step, bool is_lines,
			  struct text *out)
{
	static const char *const keys[] = { "tier", "a" };
	struct json_names *names = json_names_new(keys, ARRAY_LEN(keys), 64);
	struct json_pick *pick = json_pick_new(world_want_containers, names, 65536, is_lines);

	for (size_t at = 0; at < size; at += step) {
		int r = json_pick_feed(pick, bytes + at, size - at < step ? size - at : step, out);
		assert(r == 0);
	}
	(void)json_names_unref(names);
	(void)json_pick_free(pick);
}

static void read_picked(const struct text *picked)
{
	struct world_store *store = world_store_new();
	struct world_event event;
	const char *error = NULL;
	int r = world_store_set_containers(store, text_str(picked), picked->len, &error);

	assert(r == 0 || r == WORLD_E_INVALID);
	r = world_parse_event(text_str(picked), picked->len, &event);
	assert(r == 0 || r == WORLD_E_INVALID);
	(void)world_store_free(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t step = size > 0 ? 1 + data[0] % 64u : 1;

	for (int is_lines = 0; is_lines < 2; is_lines++) {
		CLEANUP(text_done) struct text whole = { 0 }, cut = { 0 };
		pick_in_steps((const char *)data, size, size ? size : 1, is_lines, &whole);
		pick_in_steps((const char *)data, size, step, is_lines, &cut);
		assert(whole.len == cut.len && strcmp(text_str(&whole), text_str(&cut)) == 0);
		read_picked(&whole);
	}
	return 0;
}
