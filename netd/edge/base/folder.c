/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/base/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "edge/base/fd.h"

bool folder_name_ends_in(const char *name, const char *suffix)
{
	size_t len = strlen(name), n = strlen(suffix);

	return *name != '.' && len > n && strcmp(name + len - n, suffix) == 0;
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A stream of its own, which begins where the folder does. */
static DIR *open_stream(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);

	if (!stream) {
		int error = errno;
		fd_close(&fd);
		errno = error;
	}
	return stream;
}

static int add_name(const struct folder_want *want, const char *name, struct arena *arena,
		    struct folder_names *ret)
{
	int wanted = want->is_wanted(want->userdata, name);

	if (wanted <= 0)
		return wanted;
	if (ret->names.n == want->most)
		return FOLDER_E_MANY;
	const char *copy = arena_strdup(arena, name);
	return copy ? VEC_PUSH(arena, &ret->names, copy) : -ENOMEM;
}

int folder_list(int dir, const struct folder_want *want, struct arena *arena,
		struct folder_names *ret)
{
	CLEANUP(fd_close_dir) DIR *stream = open_stream(dir);
	const struct dirent *entry;
	int r = 0;

	*ret = (struct folder_names){ 0 };
	if (!stream)
		return -errno;
	while (r == 0 && (errno = 0, entry = readdir(stream)))
		r = add_name(want, entry->d_name, arena, ret);
	if (r == 0 && errno)
		return -errno;
	if (ret->names.n)
		qsort(ret->names.items, ret->names.n, sizeof(*ret->names.items), by_bytes);
	return r;
}
