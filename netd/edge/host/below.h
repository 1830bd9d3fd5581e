/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to edge/host: files of a host below its root folder, which may be mounted anywhere. Links
 * lead nowhere outside of it, and nothing that blocks is waited for. @path has no slash in front.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/arena.h"
#include "core/world/hostfacts.h"

/* Files of settings are a few lines; what is longer is not read to its end. */
#define BELOW_BYTES 65536u

/* A descriptor, for the caller to close; -1: errno. */
int below_open(int root, const char *path, int flags);
/* Into @bytes, NUL-terminated; the length, 0 where there is nothing to read. */
size_t below_read(int root, const char *path, char bytes[BELOW_BYTES]);
bool below_exists(int root, const char *path);

/* scripts.c: the files for nft that name netd's tables. 0 or -ENOMEM. */
int scripts_survey(int root, struct arena *arena, struct doctor_host *ret) MUST_CHECK;
