/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netd's place for many hosts of a fleet in one process: it answers what netd-fleet asks (hosts,
 * status, apply), takes every policy, and enforces nothing. What it is asked it says on its output,
 * a line each, with the time in microseconds of the monotonic clock:
 *
 *     applied HOST US REVISION    a policy was taken; REVISION: how many this host has taken
 *     followed HOST US            its netd-fleet says that the store is followed
 *     lost HOST US                that it is not
 *     told HOST US N              that the fleet has N other hosts */
#pragma once

#include <stddef.h>

#include "core/base/cleanup.h"

/* Of host number @i in @folder: the path of netd.sock is FOLDER/NAME/netd.sock. */
#define BENCH_NAME_LEN 16
#define BENCH_PATH_LEN 100
const char *bench_name(size_t i, char ret[BENCH_NAME_LEN]);
/* Makes the folder, too. 0 or -errno. */
int bench_folder(const char *folder, size_t i, char ret[BENCH_PATH_LEN]) MUST_CHECK;

/* A process that listens for @n hosts from number @first on when this returns; it ends with this
 * one. 0 or -errno. */
int bench_netd_start(const char *folder, size_t first, size_t n) MUST_CHECK;
