/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the targets share. A target is one function of bytes: no files, nothing kept from call to
 * call, and an abort where what it calls breaks a promise of its header. */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/diag.h"
#include "core/base/limits.h"

/* libFuzzer's name for it; replay.c calls it too. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Parts of an input that are read one after the other. */
struct fuzz_parts {
	const char *at, *end;
	char separator;
};

static inline bool fuzz_next(struct fuzz_parts *parts, const char **ret, size_t *ret_len)
{
	if (!parts->at)
		return false;
	const char *stop = memchr(parts->at, parts->separator, (size_t)(parts->end - parts->at));

	*ret = parts->at;
	*ret_len = (size_t)((stop ? stop : parts->end) - parts->at);
	parts->at = stop ? stop + 1 : NULL;
	return true;
}

/* A sentence that may go to a terminal: not empty, on one line, no control characters. */
static inline void fuzz_check_text(const char *text)
{
	assert(text && *text);
	for (const unsigned char *c = (const unsigned char *)text; *c; c++)
		assert(*c >= ' ' && *c != 0x7f);
}

/* A refusal says why, and what is taken has no errors. */
static inline void fuzz_check_diags(const struct diag_list *diags, bool taken)
{
	assert(!diags->out_of_memory && diag_failed(diags) == !taken);
	assert(diags->diags.n <= LIMIT_DIAGS);
	for (size_t i = 0; i < diags->diags.n; i++) {
		const struct diag *diag = &diags->diags.items[i];
		fuzz_check_text(diag->text);
		fuzz_check_text(diag->id);
		if (diag->hint)
			fuzz_check_text(diag->hint);
		assert(diag->loc.file);
	}
}
