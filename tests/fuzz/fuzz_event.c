/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Docker's stream of events: the lines are the same wherever the network cut it. */
#include <errno.h>

#include "core/base/lines.h"
#include "core/world/facts.h"
#include "core/world/world-store.h"
#include "tests/fuzz/fuzz.h"

#define LIMIT 512u

static void check_line(const char *line, size_t len)
{
	struct world_event event = { 0 };
	int r = world_parse_event(line, len, &event);

	assert(r == 0 || r == WORLD_E_INVALID);
	if (r != 0)
		return;
	assert(event.kind <= WORLD_EVENT_DAEMON_RELOAD);
	assert(!*event.network_id || world_id_valid(event.network_id));
	assert(!*event.container_id || world_id_valid(event.container_id));
}

/* The number of lines, -1: one is too long. */
static int read_stream(const char *bytes, size_t size, size_t step, bool check)
{
	struct lines lines CLEANUP(lines_done) = { .limit = LIMIT, .ahead = size };
	const char *line;
	size_t len;
	int n = 0;

	for (size_t at = 0; at < size; at += step) {
		int r = lines_add(&lines, bytes + at, size - at < step ? size - at : step);
		assert(r == 0);
		if (lines_overflow(&lines))
			return -1;
		for (; lines_next_text(&lines, &line, &len); n++) {
			assert(len > 0 && !memchr(line, '\n', len));
			if (check)
				check_line(line, len);
		}
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t step = size > 0 ? 1 + data[0] % 64u : 1;
	int n = read_stream((const char *)data, size, size ? size : 1, true);
	int n_cut = read_stream((const char *)data, size, step, false);

	/* In one piece, only a last line without an end can be too long. */
	assert(n_cut == n || n_cut == -1);
	check_line((const char *)data, size);
	return 0;
}
