/* SPDX-License-Identifier: GPL-2.0-or-later */
/* FNV-1a: for hash tables, and to tell whether something is still the same. It is not proof against
 * somebody who chooses what is hashed. The numbers are the same on every machine; names in the
 * ruleset and digests in the state folder are made of them, so the function must not change. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* 32 bits, of the text without its NUL. */
uint32_t hash_text(const char *text);

/* 64 bits, of one piece after the other: hash_add(hash_add(HASH_BEGIN, a, n), b, m). */
#define HASH_BEGIN UINT64_C(0xcbf29ce484222325)
uint64_t hash_add(uint64_t hash, const void *bytes, size_t len);
/* "0123456789abcdef"; returns @ret. */
#define HASH_TEXT_LEN 17
const char *hash_format(uint64_t hash, char ret[HASH_TEXT_LEN]);
