/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests to netd-reader, and to netd-metrics. What it takes is one GET without a body, however it
 * is looked at, and it is the same wherever the stream was cut. */
#include <strings.h>

#include "core/request/request.h"
#include "tests/fuzz/fuzz.h"

/* The first place of @text in @bytes, whatever its case; the end where there is none. */
static size_t place_of(const char *text, const char *bytes, size_t len)
{
	size_t n = strlen(text), at = 0;

	while (at + n <= len && strncasecmp(bytes + at, text, n) != 0)
		at++;
	return at + n <= len ? at : len;
}

static void check_taken(const char *bytes, size_t len, const struct request *request)
{
	static const char *const dangers[] = { "\ncontent-length",
					       "\ntransfer-encoding",
					       "\nupgrade",
					       "\nconnection",
					       "\nexpect",
					       "\n ",
					       "\n\t",
					       "\n\n" };
	size_t target = strlen(request->target);

	assert(!request->refusal && request->target[0] == '/');
	assert(len > target + 4 && memcmp(bytes, "GET ", 4) == 0);
	assert(memcmp(bytes + 4, request->target, target) == 0);
	assert(memcmp(bytes + 4 + target, " HTTP/1.1\r\n", 11) == 0);
	assert(!memchr(request->target, ' ', target) && !memchr(bytes, '\0', len));
	/* It ends where it says for the first time that it does. */
	assert(place_of("\r\n\r\n", bytes, len) == len - 4);
	for (size_t i = 0; i < ARRAY_LEN(dangers); i++)
		assert(place_of(dangers[i], bytes, len) == len);
	/* No segment of its path goes up, nor is any written in another way. */
	size_t path = strcspn(request->target, "?");
	assert(place_of("/.", request->target, path) == path);
	assert(!memchr(request->target, '%', path) &&
	       place_of("//", request->target, path) == path);
}

/* One page, and never what Docker is asked. */
static void check_scrape(const char *bytes, size_t len, int r_docker)
{
	struct request request;
	int r = request_read_scrape(bytes, len, &request);

	assert(r == 0 || r == REQUEST_E_PARTIAL || r == REQUEST_E_REFUSED);
	assert(r != 0 || (r_docker != 0 && strcmp(request.target, "/metrics") == 0));
	assert(r != 0 || place_of("\r\n\r\n", bytes, len) == len - 4);
	if (r == REQUEST_E_REFUSED)
		fuzz_check_text(request.refusal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	struct request request, part;
	int r = request_read(bytes, size, &request);

	assert(r == 0 || r == REQUEST_E_PARTIAL || r == REQUEST_E_REFUSED);
	assert(r != 0 || size < LIMIT_QUESTION_BYTES);
	check_scrape(bytes, size, r);
	if (r == 0)
		check_taken(bytes, size, &request);
	if (r == REQUEST_E_REFUSED)
		fuzz_check_text(request.refusal);
	/* Of what was not refused each beginning waits for more, and more heals no refusal. */
	for (size_t len = 0; len < size; len++) {
		int r_part = request_read(bytes, len, &part);
		assert(r == REQUEST_E_REFUSED || r_part == REQUEST_E_PARTIAL);
	}
	return 0;
}
