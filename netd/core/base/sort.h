/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sorted arrays. */
#pragma once

#include <stddef.h>

/* Longest item. */
#define SORT_ITEM_MAX 128u

/* Sorts @n items of @size bytes by their first @key_len bytes. It takes no memory, and time in
 * proportion to the bytes of all keys, whatever they are. Items with one key stay together, in an
 * order that follows from the input alone. */
void sort_by_bytes(void *items, size_t n, size_t size, size_t key_len);

/* As qsort() and bsearch() take it: below, at or above 0 as @left is before, at or behind @right.
 */
typedef int sort_order(const void *left, const void *right);

/* Sorts as qsort() does, and keeps of items that are equal the first. How many are left; @items may
 * be NULL where @n is 0. */
size_t sort_once(void *items, size_t n, size_t size, sort_order *order);
/* The index of the first item that is not before @key, @n: all are. @order is asked about @key and
 * an item, in this order. */
size_t sort_bound(const void *key, const void *items, size_t n, size_t size, sort_order *order);
