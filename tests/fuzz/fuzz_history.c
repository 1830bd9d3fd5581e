/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of earlier policies, as the state folder gives them back: what is read can be kept again,
 * and shown. */
#include <errno.h>

#include "core/report/history.h"
#include "tests/fuzz/fuzz.h"

static void free_json(cJSON **json)
{
	cJSON_Delete(*json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct history_record record = { 0 }, again = { 0 };
	cJSON *root CLEANUP(free_json) = NULL, *root_again CLEANUP(free_json) = NULL;
	cJSON *answer CLEANUP(free_json) = NULL;
	char author[HISTORY_AUTHOR_LEN];
	int r = history_parse((const char *)data, size, arena, &record, &root);

	assert(r == 0 || r == -EINVAL);
	assert((r == 0) == (root != NULL));
	if (r != 0)
		return 0;
	assert(record.n_sources > 0 && record.entry.generation > 0);
	(void)history_author_text(&record.entry.author, author);
	char *kept CLEANUP(free_ptr) = history_print(&record);
	assert(kept);
	r = history_parse(kept, strlen(kept), arena, &again, &root_again);
	assert(r == 0);
	char *kept_again CLEANUP(free_ptr) = history_print(&again);
	assert(kept_again && strcmp(kept, kept_again) == 0);
	r = report_history_record(&record, &answer);
	assert(r == 0);
	return 0;
}
