/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One server (struct http_options) as settings of libcurl. Private to edge/http. */
#pragma once

#include <stdbool.h>

#include "core/base/cleanup.h"
#include "edge/http/curl.h"
#include "edge/http/http.h"

struct http_setup {
	char *socket_path;     /* NULL: tcp */
	char *base;	       /* "http://localhost", "https://host:2376" */
	char *ca, *cert, *key; /* NULL: none */
	bool is_tls, is_verified, is_shared;
};

/* HTTP_E_URL or -ENOMEM. */
int http_setup_init(struct http_setup *setup, const struct http_options *options) MUST_CHECK;
void http_setup_done(struct http_setup *setup);
/* False: curl did not take an option, or there is no memory. */
bool http_setup_apply(const struct http_setup *setup, const struct curl *curl, CURL *easy,
		      const char *path);
