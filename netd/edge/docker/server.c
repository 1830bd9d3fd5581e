/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/docker/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/limits.h"

/* DIR/NAME if it is there, the caller's to free; else NULL. 0 or -ENOMEM. */
static int find_file(const char *dir, const char *name, char **ret)
{
	char *path;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return -ENOMEM;
	if (access(path, R_OK) == 0)
		*ret = path;
	else
		free(path);
	return 0;
}

int docker_http_new(sd_event *loop, const struct docker_options *options, struct http **ret)
{
	CLEANUP(free_ptr) char *ca = NULL, *cert = NULL, *key = NULL;
	int r = 0;

	if (options->cert_dir) {
		r = find_file(options->cert_dir, "ca.pem", &ca);
		if (r == 0)
			r = find_file(options->cert_dir, "cert.pem", &cert);
		if (r == 0)
			r = find_file(options->cert_dir, "key.pem", &key);
	}
	if (r < 0)
		return r;
	const struct http_options http = { .name = "docker",
					   .url = options->url,
					   .ca = ca,
					   .cert = cert,
					   .key = key,
					   .is_tls = options->cert_dir != NULL,
					   .is_unverified =
						   options->cert_dir && !options->tls_verify,
					   .body_bytes = LIMIT_DOCKER_BYTES,
					   .line_bytes = LIMIT_DOCKER_EVENT_BYTES };
	r = http_new(loop, &http, ret);
	return r == HTTP_E_URL ? DOCKER_E_URL : r;
}
