/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A datagram of the kernel: in aligned memory, and no larger than what it is received in. */
#pragma once

#include <libmnl/libmnl.h>

#include "tests/fuzz/fuzz.h"

#define FUZZ_DATAGRAM ((size_t)65536)

struct fuzz_datagram {
	char *bytes;
	size_t len, at;
};

static inline struct fuzz_datagram fuzz_datagram(const uint8_t *data, size_t size)
{
	size_t len = size < FUZZ_DATAGRAM ? size : FUZZ_DATAGRAM;
	struct fuzz_datagram datagram = { calloc(1, (len + 3) / 4 * 4 + (len == 0)), len, 0 };

	assert(datagram.bytes);
	if (len)
		memcpy(datagram.bytes, data, len);
	return datagram;
}

static inline void fuzz_datagram_done(struct fuzz_datagram *datagram)
{
	free(datagram->bytes);
}

/* The next message, or NULL. libmnl's own test takes a length beyond 2 GB for a small one. */
static inline const struct nlmsghdr *fuzz_next_message(struct fuzz_datagram *datagram)
{
	const struct nlmsghdr *nlh =
		(const struct nlmsghdr *)(const void *)(datagram->bytes + datagram->at);

	if (datagram->at >= datagram->len || nlh->nlmsg_len > FUZZ_DATAGRAM ||
	    !mnl_nlmsg_ok(nlh, (int)(datagram->len - datagram->at)))
		return NULL;
	datagram->at += (nlh->nlmsg_len + 3) / 4 * 4;
	return nlh;
}
