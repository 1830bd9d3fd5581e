/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/http/curl.h"

#include <errno.h>
#include <stdbool.h>

#include "edge/base/library.h"

#define LIBRARY "libcurl.so.4"

int curl_load(struct curl *ret)
{
	void *library = library_open(LIBRARY);
	bool found = true;

#define CURL_FIND(name) found = found && library_find(library, "curl_" #name, &ret->name, sizeof(ret->name))
	CURL_FUNCTIONS(CURL_FIND);
#undef CURL_FIND
	return found ? 0 : -ELIBACC;
}
