/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/http/outcome.h"

#include <stdbool.h>
#include <string.h>

/* NULL: the answer has no such header. */
static const char *header_of(const struct http_transfer *transfer, const char *name)
{
	struct curl_header *header = NULL;

	return transfer->curl->easy_header(transfer->easy, name, 0, CURLH_HEADER, -1, &header) ==
			       CURLHE_OK
		       ? header->value
		       : NULL;
}

/* Of a unix socket libcurl says only that it could not connect to "localhost port 80". */
static const char *failure_of(const struct http_transfer *transfer)
{
	const struct curl *curl = transfer->curl;
	long os_error = 0;

	if (transfer->refused)
		return transfer->refused;
	if (transfer->code == CURLE_COULDNT_CONNECT &&
	    curl->easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &os_error) == CURLE_OK &&
	    os_error)
		return strerror((int)os_error);
	/* libcurl says after how many milliseconds: another text each time, for the same news. */
	if (transfer->code == CURLE_OPERATION_TIMEDOUT)
		return "no answer in time";
	return *transfer->error ? transfer->error : curl->easy_strerror(transfer->code);
}

/* A connection that was there before has no time of its own at which it came about. */
static bool was_reached(const struct http_transfer *transfer)
{
	curl_off_t connected = 0, ready = 0;

	(void)transfer->curl->easy_getinfo(transfer->easy, CURLINFO_CONNECT_TIME_T, &connected);
	(void)transfer->curl->easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME_T, &ready);
	return connected > 0 || ready > 0;
}

struct http_result http_outcome(const struct http_transfer *transfer)
{
	const struct curl *curl = transfer->curl;
	struct http_result result = { .body = "", .date = -1 };

	if (transfer->code != CURLE_OK) {
		result.error = failure_of(transfer);
		result.is_late =
			transfer->code == CURLE_OPERATION_TIMEDOUT && was_reached(transfer);
		return result;
	}
	(void)curl->easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &result.status);
	(void)curl->easy_getinfo(transfer->easy, CURLINFO_LOCAL_IP, &result.local);
	result.server = header_of(transfer, "Server");
	const char *date = header_of(transfer, "Date");
	result.date = date ? curl->getdate(date, NULL) : -1;
	return result;
}
