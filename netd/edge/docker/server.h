/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to edge/docker: the ways in which Docker's own tools name an engine (a path, unix://,
 * tcp://, http://, https://, a folder of certificates) as a server of edge/http. The rules are
 * those of docker(1): DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH. */
#pragma once

#include "core/base/cleanup.h"
#include "edge/docker/docker.h"
#include "edge/http/http.h"

/* DOCKER_E_URL, -ENOMEM or -errno. */
int docker_http_new(sd_event *loop, const struct docker_options *options,
		    struct http **ret) MUST_CHECK;
