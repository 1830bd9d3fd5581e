/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/questions-file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/json.h"
#include "core/base/limits.h"
#include "core/wire/wire.h"
#include "edge/base/fd.h"

/* ---- in the child ---- */

static bool is_finding(const cJSON *answer)
{
	const char *code = wire_string(answer, "code");

	return code && strcmp(code, wire_code_name(WIRE_FINDING)) == 0;
}

static int write_answer(int fd, const cJSON *answer)
{
	size_t len = 0;
	char *line CLEANUP(free_ptr) = wire_print(answer, &len);

	return line ? fd_write(fd, line, len) : -ENOMEM;
}

static int kind_of(const cJSON *answer)
{
	if (!wire_string(answer, "code"))
		return QUESTIONS_NOTE;
	return is_finding(answer) ? QUESTIONS_FINDING : QUESTIONS_ANSWER;
}

static int write_aside(int fd, const cJSON *aside)
{
	size_t len = 0;
	char *line CLEANUP(free_ptr) = wire_print(aside, &len);
	uint32_t size = (uint32_t)len;

	if (!line)
		return -ENOMEM;
	if (len > LIMIT_ASIDE_BYTES)
		return -EMSGSIZE;
	int r = fd_write(fd, line, len);
	return r < 0 ? r : fd_write(fd, (const char *)&size, sizeof(size));
}

int questions_write(int fd, cJSON *answer)
{
	cJSON *aside = cJSON_DetachItemFromObjectCaseSensitive(answer, QUESTIONS_ASIDE);
	int r = answer->child ? write_answer(fd, answer) : 0;
	int kind = answer->child ? kind_of(answer) : QUESTIONS_ANSWER;

	if (r == 0 && aside)
		r = write_aside(fd, aside);
	kind += aside ? QUESTIONS_ASIDE_TOO : 0;
	cJSON_Delete(aside);
	cJSON_Delete(answer);
	return r < 0 ? r : kind;
}

int questions_put_aside(cJSON *aside, cJSON **ret)
{
	if (!*ret)
		*ret = cJSON_CreateObject();
	if (!*ret) {
		cJSON_Delete(aside);
		return -ENOMEM;
	}
	return wire_add(*ret, QUESTIONS_ASIDE, aside);
}

/* ---- in the loop ---- */

cJSON *questions_read_note(const struct beside_result *result)
{
	char *bytes CLEANUP(free_ptr) =
		result->size <= LIMIT_CHANGES_BYTES ? malloc(result->size) : NULL;

	if (!bytes || pread(result->fd, bytes, result->size, 0) != (ssize_t)result->size)
		return NULL;
	return json_parse(bytes, result->size, NULL);
}

int questions_read_aside(struct beside_result *result, cJSON **ret)
{
	uint32_t len = 0;

	if (result->end != BESIDE_DONE || result->code < QUESTIONS_ASIDE_TOO)
		return 0;
	result->code -= QUESTIONS_ASIDE_TOO;
	if (result->size < sizeof(len) || pread(result->fd, &len, sizeof(len),
						(off_t)(result->size - sizeof(len))) != sizeof(len))
		return -EIO;
	result->size -= sizeof(len);
	char *bytes CLEANUP(free_ptr) =
		len <= result->size && len <= LIMIT_ASIDE_BYTES ? malloc(len + 1) : NULL;
	if (!bytes)
		return -ENOMEM;
	result->size -= len;
	if (pread(result->fd, bytes, len, (off_t)result->size) != (ssize_t)len)
		return -EIO;
	*ret = json_parse(bytes, len, NULL);
	return *ret ? 0 : -ENOMEM;
}
