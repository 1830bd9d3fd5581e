/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/base/library.h"

#include <dlfcn.h>
#include <string.h>

void *library_open(const char *name)
{
	return dlopen(name, RTLD_NOW | RTLD_LOCAL);
}

/* A data pointer as a function's: what POSIX makes of dlsym(), and C knows no cast for. */
bool library_find(void *library, const char *name, void *ret, size_t size)
{
	void *symbol = library ? dlsym(library, name) : NULL;

	memcpy(ret, &symbol, size);
	return symbol != NULL;
}
