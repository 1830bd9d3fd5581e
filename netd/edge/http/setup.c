/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/http/setup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

#define CONNECT_TIMEOUT_MS 5000L
#define RECEIVE_BYTES (64L * 1024L)

void http_setup_done(struct http_setup *setup)
{
	free(setup->socket_path);
	free(setup->base);
	free(setup->ca);
	free(setup->cert);
	free(setup->key);
	*setup = (struct http_setup){ 0 };
}

static int set_tcp(struct http_setup *setup, const struct http_options *options, const char *host)
{
	size_t len = strcspn(host, "/");

	/* User names, paths and the like have no business here. */
	if (len == 0 || (host[len] && host[len + 1]) || strpbrk(host, "@?# \\"))
		return HTTP_E_URL;
	setup->is_tls = options->is_tls || text_after(options->url, "https://");
	setup->is_verified = !options->is_unverified;
	setup->is_shared = options->is_shared;
	if (asprintf(&setup->base, "%s://%.*s", setup->is_tls ? "https" : "http", (int)len, host) >=
	    0)
		return 0;
	setup->base = NULL;
	return -ENOMEM;
}

static int set_socket(struct http_setup *setup, const char *path)
{
	if (*path != '/')
		return HTTP_E_URL;
	setup->socket_path = strdup(path);
	setup->base = strdup("http://localhost");
	return setup->socket_path && setup->base ? 0 : -ENOMEM;
}

static int set_url(struct http_setup *setup, const struct http_options *options)
{
	static const char *const schemes[] = { "tcp://", "http://", "https://" };
	const char *path = text_after(options->url, "unix://");

	if (path)
		return set_socket(setup, path);
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		if (text_after(options->url, schemes[i]))
			return set_tcp(setup, options, text_after(options->url, schemes[i]));
	return HTTP_E_URL;
}

static int set_file(char **ret, const char *path)
{
	*ret = path ? strdup(path) : NULL;
	return path && !*ret ? -ENOMEM : 0;
}

int http_setup_init(struct http_setup *setup, const struct http_options *options)
{
	int r = set_url(setup, options);

	if (r == 0)
		r = set_file(&setup->ca, options->ca);
	if (r == 0)
		r = set_file(&setup->cert, options->cert);
	if (r == 0)
		r = set_file(&setup->key, options->key);
	if (r)
		http_setup_done(setup);
	return r;
}

static bool apply_text(const struct curl *curl, CURL *easy, CURLoption option, const char *value)
{
	return !value || curl->easy_setopt(easy, option, value) == CURLE_OK;
}

static bool apply_number(const struct curl *curl, CURL *easy, CURLoption option, long value)
{
	return curl->easy_setopt(easy, option, value) == CURLE_OK;
}

/* A handshake costs either side milliseconds. Who asks twice at once waits for whether the other
 * end speaks HTTP/2, and does not open a second connection meanwhile. */
static bool apply_shared(const struct curl *curl, CURL *easy)
{
	return apply_number(curl, easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS) &&
	       apply_number(curl, easy, CURLOPT_PIPEWAIT, 1);
}

static bool apply_tls(const struct http_setup *setup, const struct curl *curl, CURL *easy)
{
	return (!setup->is_shared || apply_shared(curl, easy)) &&
	       apply_text(curl, easy, CURLOPT_CAINFO, setup->ca) &&
	       apply_text(curl, easy, CURLOPT_SSLCERT, setup->cert) &&
	       apply_text(curl, easy, CURLOPT_SSLKEY, setup->key) &&
	       apply_number(curl, easy, CURLOPT_SSL_VERIFYPEER, setup->is_verified) &&
	       apply_number(curl, easy, CURLOPT_SSL_VERIFYHOST, setup->is_verified ? 2 : 0);
}

bool http_setup_apply(const struct http_setup *setup, const struct curl *curl, CURL *easy,
		      const char *path)
{
	CLEANUP(free_ptr) char *url = NULL;

	if (asprintf(&url, "%s%s", setup->base, path) < 0) {
		url = NULL;
		return false;
	}
	return apply_text(curl, easy, CURLOPT_URL, url) &&
	       apply_text(curl, easy, CURLOPT_UNIX_SOCKET_PATH, setup->socket_path) &&
	       apply_text(curl, easy, CURLOPT_PROTOCOLS_STR, "http,https") &&
	       apply_text(curl, easy, CURLOPT_PROXY, "") &&
	       apply_text(curl, easy, CURLOPT_NOPROXY, "*") &&
	       apply_text(curl, easy, CURLOPT_USERAGENT, "netd") &&
	       apply_number(curl, easy, CURLOPT_FOLLOWLOCATION, 0) &&
	       apply_number(curl, easy, CURLOPT_NOSIGNAL, 1) &&
	       apply_number(curl, easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1) &&
	       apply_number(curl, easy, CURLOPT_PATH_AS_IS, 1) &&
	       apply_number(curl, easy, CURLOPT_TCP_KEEPALIVE, 1) &&
	       apply_number(curl, easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS) &&
	       apply_number(curl, easy, CURLOPT_BUFFERSIZE, RECEIVE_BYTES) &&
	       (!setup->is_tls || apply_tls(setup, curl, easy));
}
