/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes in less room, by zlib, and back. */
#pragma once

#include <stddef.h>

#include "core/base/cleanup.h"

/* *ret is the caller's to free. 0 or -ENOMEM. */
int pack_bytes(const char *bytes, size_t len, char **ret, size_t *ret_len) MUST_CHECK;
/* @size: how many they were, so that nobody else decides how much room they take; a NUL is put
 * behind them. 0; -EINVAL: they are not what pack_bytes() made of so many; -ENOMEM. */
int pack_undo(const char *bytes, size_t len, size_t size, char **ret) MUST_CHECK;
