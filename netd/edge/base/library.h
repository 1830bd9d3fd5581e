/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Libraries that are loaded when they are needed: not every run needs them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* NULL: it is not there. It is never given back. */
void *library_open(const char *name);
/* Writes the function @name of @library to *ret, a pointer of @size bytes. False: it has none of
 * that name, or @library is NULL. */
bool library_find(void *library, const char *name, void *ret, size_t size);
