/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/http/curl.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define LIBRARY "libcurl.so.4"

/* A data pointer as a function's: what POSIX makes of dlsym(), and C knows no cast for. */
static bool find(void *library, const char *name, void *ret, size_t size)
{
	void *symbol = dlsym(library, name);

	memcpy(ret, &symbol, size);
	return symbol != NULL;
}

int curl_load(struct curl *ret)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	bool found = library != NULL;

#define CURL_FIND(name) found = found && find(library, "curl_" #name, &ret->name, sizeof(ret->name))
	CURL_FUNCTIONS(CURL_FIND);
#undef CURL_FIND
	return found ? 0 : -ELIBACC;
}
