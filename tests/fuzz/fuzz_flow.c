/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flows from the state folder, a file of lines: what is taken can be kept, and comes back as it is.
 */
#include "core/flow/json.h"
#include "tests/fuzz/fuzz.h"

static char *print(const struct flow *flow)
{
	cJSON *json = flow_to_json(flow);

	assert(json);
	char *text = cJSON_PrintUnformatted(json);
	cJSON_Delete(json);
	assert(text);
	return text;
}

static void check_flow(const struct flow *flow, struct flow_store *store, struct arena *arena)
{
	char *text CLEANUP(free_ptr) = print(flow);
	struct flow again;
	cJSON *json = NULL;
	int r = flow_read_line(text, strlen(text), arena, &again, &json);

	assert(flow->count > 0 && flow->first <= flow->last);
	assert(r == 0 || strlen(text) > LIMIT_FLOW_LINE);
	if (r == 0) {
		char *text_again CLEANUP(free_ptr) = print(&again);
		assert(strcmp(text, text_again) == 0);
	}
	cJSON_Delete(json);
	r = flow_store_restore(store, flow);
	assert(r == 0);
	r = flow_store_note(store, flow, flow->last + 1);
	assert(r == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct fuzz_parts lines = { (const char *)data, (const char *)data + size, '\n' };
	struct flow_store *store = flow_store_new(1);
	const char *line;
	size_t len;
	struct flow flow;

	assert(arena && store);
	flow_store_limit(store, 4);
	while (size > 0 && fuzz_next(&lines, &line, &len)) {
		cJSON *json = NULL;
		int r = flow_read_line(line, len, arena, &flow, &json);
		assert(r == 0 || r == FLOW_E_INVALID);
		if (r == 0)
			check_flow(&flow, store, arena);
		cJSON_Delete(json);
	}
	assert(flow_store_counts(store).kept <= 4);
	for (uint32_t at = 0; flow_store_next(store, false, &at, &flow);) {
		char *text CLEANUP(free_ptr) = print(&flow);
		assert(*text == '{');
	}
	(void)flow_store_free(store);
	return 0;
}
