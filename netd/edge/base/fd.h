/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptors of files: closing them at the end of a scope, and whole reads and writes. A
 * descriptor belongs to the function that has it in a CLEANUP() variable; -1 stands for none. */
#pragma once

#include <dirent.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include "core/base/cleanup.h"

/* All for CLEANUP(); -1 and NULL are fine. */
void fd_close(const int *fd);
void fd_close_file(FILE **file);
void fd_close_dir(DIR **dir);

/* Up to @size bytes: fewer only at the end of the file. The number, or -errno. */
ssize_t fd_read(int fd, char *ret, size_t size) MUST_CHECK;
/* All of the bytes. 0 or -errno, with a part of them written. */
int fd_write(int fd, const char *bytes, size_t len) MUST_CHECK;
