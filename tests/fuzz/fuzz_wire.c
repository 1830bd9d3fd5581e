/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control protocol, both ways: bytes of a stream to frames, frames to requests and answers. */
#include <errno.h>

#include "core/base/lines.h"
#include "core/wire/wire.h"
#include "tests/fuzz/fuzz.h"

/* What is taken can be sent on, and says the same. */
static void check_message(const cJSON *json, bool request)
{
	struct wire_request again = { 0 };
	struct wire_answer answer = { 0 };
	const char *error = NULL;
	size_t len, len_again;
	char *line CLEANUP(free_ptr) = wire_print(json, &len);

	assert(line && len > 0 && line[len - 1] == '\n' && !memchr(line, '\n', len - 1));
	int r = request ? wire_parse_request(line, len - 1, &again, &error)
			: wire_parse_answer(line, len - 1, &answer, &error);
	assert(r == 0);
	char *line_again CLEANUP(free_ptr) =
		wire_print(request ? again.json : answer.json, &len_again);
	assert(line_again && strcmp(line, line_again) == 0);
	wire_request_done(&again);
	wire_answer_done(&answer);
}

static void check_line(const char *line, size_t len)
{
	struct wire_request request CLEANUP(wire_request_done) = { 0 };
	struct wire_answer answer CLEANUP(wire_answer_done) = { 0 };
	const char *error = NULL;
	int r = wire_parse_request(line, len, &request, &error);

	assert(r == 0 || r == WIRE_E_INVALID);
	assert((r == 0) == (request.json && request.verb));
	if (r == 0)
		check_message(request.json, true);
	else
		fuzz_check_text(error);
	r = wire_parse_answer(line, len, &answer, &error);
	assert(r == 0 || r == WIRE_E_INVALID);
	assert((r == 0) == (answer.json != NULL));
	if (r == 0)
		check_message(answer.json, false);
	else
		fuzz_check_text(error);
}

/* The stream in pieces of @step bytes. */
static void read_stream(const char *bytes, size_t size, size_t step, size_t limit)
{
	struct lines lines CLEANUP(lines_done);
	const char *line;
	size_t len, at = 0;

	lines_init(&lines, limit, LINES_ONE_READ);
	for (; at < size; at += step) {
		enum lines_state state;
		int r = lines_add(&lines, bytes + at, size - at < step ? size - at : step);
		assert(r == 0 || r == -EMSGSIZE);
		while ((state = lines_next(&lines, &line, &len)) == LINES_LINE) {
			assert(len <= limit && !memchr(line, '\n', len));
			check_line(line, len);
		}
		assert(!lines_has_line(&lines) || state == LINES_TOO_LONG);
		if (r != 0 || state == LINES_TOO_LONG)
			return;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_stream((const char *)data, size, size > 0 ? 1 + data[size - 1] * 16u : 1,
		    LIMIT_REQUEST_BYTES);
	read_stream((const char *)data, size, 7, 64);
	return 0;
}
