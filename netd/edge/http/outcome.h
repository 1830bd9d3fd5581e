/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What libcurl says of a transfer that is over. Private to edge/http. */
#pragma once

#include "edge/http/curl.h"
#include "edge/http/http.h"

struct http_transfer {
	const struct curl *curl;
	CURL *easy;
	CURLcode code;
	const char *refused; /* why it was given up by ourselves, or NULL */
	const char *error;   /* libcurl's own text, or "" */
};

/* All but the body. Its texts live as long as @easy is asked for nothing else. */
struct http_result http_outcome(const struct http_transfer *transfer);
