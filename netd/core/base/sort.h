/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sorting by bytes: for keys whose order is that of memcmp(). */
#pragma once

#include <stddef.h>

/* Longest item. */
#define SORT_ITEM_MAX 128u

/* Sorts @n items of @size bytes by their first @key_len bytes. It takes no memory, and time in
 * proportion to the bytes of all keys, whatever they are. Items with one key stay together, in an
 * order that follows from the input alone. */
void sort_by_bytes(void *items, size_t n, size_t size, size_t key_len);
