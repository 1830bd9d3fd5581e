/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to edge/docker: the ways in which Docker's own tools name an engine (a path, unix://,
 * tcp://, http://, https://, a folder of certificates) as settings of libcurl. The rules are those
 * of docker(1): DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH. */
#pragma once

#include <stdbool.h>

#include "core/base/cleanup.h"
#include "edge/docker/curl.h"
#include "edge/docker/docker.h"

struct http_setup {
	char *socket_path;     /* NULL: tcp */
	char *base;	       /* "http://docker", "https://host:2376" */
	char *ca, *cert, *key; /* NULL: no TLS, or no such file */
	bool is_tls, is_verified;
};

/* DOCKER_E_URL or -ENOMEM. */
int http_setup_init(struct http_setup *setup, const struct docker_options *options) MUST_CHECK;
void http_setup_done(struct http_setup *setup);
/* False: curl took an option not, or no memory. */
bool http_setup_apply(const struct http_setup *setup, const struct curl *curl, CURL *easy,
		      const char *path);
