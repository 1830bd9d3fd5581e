/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Base64 of RFC 4648, with padding and without line breaks: how JSON carries bytes. */
#pragma once

#include <stddef.h>

#include "core/base/arena.h"
#include "core/base/text.h"

/* @out's own failure sticks. */
void base64_add(struct text *out, const void *bytes, size_t len);
/* 0: *ret has *ret_len bytes and a NUL behind, in @arena; -EINVAL: @text is something else;
 * -ENOMEM.
 */
int base64_decode(const char *text, struct arena *arena, char **ret, size_t *ret_len) MUST_CHECK;
