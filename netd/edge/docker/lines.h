/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A byte stream cut into lines, wherever the network split it. Pure: bytes in, lines out. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/cleanup.h"

/* Zero is an empty one. */
struct docker_lines {
	char *bytes;
	size_t start, len, cap; /* unread bytes are start..len */
	size_t scanned;		/* no newline before this */
	size_t limit;		/* bytes of one line, without its newline */
};

void docker_lines_done(struct docker_lines *lines); /* for CLEANUP() too */
/* 0; -EMSGSIZE: an unfinished line is longer than the limit; -ENOMEM. */
int docker_lines_feed(struct docker_lines *lines, const char *bytes, size_t n) MUST_CHECK;
/* The next whole line, without "\n" or "\r\n"; empty ones are skipped. It lies in the buffer and is
 * valid until the next feed. */
bool docker_lines_next(struct docker_lines *lines, const char **ret, size_t *ret_len);
