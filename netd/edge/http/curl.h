/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libcurl, loaded when somebody is asked: it brings thirty libraries along, and loading them
 * takes longer than most of what netdctl is asked. Private to
 * edge/http. */
#pragma once

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#include "core/base/cleanup.h"

/* A row for each function that is used, curl_NAME() as NAME. */
#define CURL_FUNCTIONS(ROW)       \
	ROW(easy_cleanup);        \
	ROW(easy_getinfo);        \
	ROW(easy_header);         \
	ROW(easy_init);           \
	ROW(easy_setopt);         \
	ROW(easy_strerror);       \
	ROW(getdate);             \
	ROW(global_cleanup);      \
	ROW(global_init);         \
	ROW(multi_add_handle);    \
	ROW(multi_assign);        \
	ROW(multi_cleanup);       \
	ROW(multi_info_read);     \
	ROW(multi_init);          \
	ROW(multi_remove_handle); \
	ROW(multi_setopt);        \
	ROW(multi_socket_action); \
	ROW(slist_append);        \
	ROW(slist_free_all)

#define CURL_MEMBER(name) __typeof__(curl_##name) *name
struct curl {
	CURL_FUNCTIONS(CURL_MEMBER);
};
#undef CURL_MEMBER

/* 0, or -ELIBACC: there is no libcurl, or none that has all of them. It stays loaded. */
int curl_load(struct curl *ret) MUST_CHECK;
