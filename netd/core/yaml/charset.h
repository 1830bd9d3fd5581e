/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a file may be made of: UTF-8 without characters that hide or reorder text. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/cleanup.h"

struct charset_fault {
	const char *what;   /* static: "a NUL byte" */
	uint32_t code;	    /* code point; of the byte when it is not UTF-8 */
	uint32_t line, col; /* from 1; columns count characters, as libyaml does */
};

#define CHARSET_E_FAULT 1
/* 0, or CHARSET_E_FAULT with the first fault in *ret. @strict: also what prose may hold. */
int charset_check(const char *bytes, size_t len, bool strict, struct charset_fault *ret) MUST_CHECK;
