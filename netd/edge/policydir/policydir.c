/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/policydir/policydir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/limits.h"
#include "edge/base/fd.h"

/* A plain string or NULL (out of memory) becomes the error. */
static int fail(struct policydir *ret, const char *text)
{
	if (!text)
		return -ENOMEM;
	ret->error = text;
	return POLICYDIR_E_UNREADABLE;
}

static int fail_errno(struct policydir *ret, struct arena *arena, const char *name)
{
	return fail(ret, arena_printf(arena, "cannot read %s: %s", name, strerror(errno)));
}

static int check_file(int fd, const char *name, struct arena *arena, struct policydir *ret)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fail_errno(ret, arena, name);
	if (!S_ISREG(st.st_mode))
		return fail(ret,
			    arena_printf(arena, "cannot read %s: it is not a regular file", name));
	if (st.st_size > (off_t)LIMIT_POLICY_BYTES)
		return fail(ret,
			    arena_printf(arena,
					 "cannot read %s: it has %lld bytes, a file may have %u",
					 name, (long long)st.st_size, LIMIT_POLICY_BYTES));
	if (ret->sources.n >= LIMIT_POLICY_FILES)
		return fail(ret,
			    arena_printf(arena,
					 "%s is one file too many: %u are read; is it the right "
					 "directory?",
					 name, LIMIT_POLICY_FILES));
	return 0;
}

/* Takes @fd. */
static int read_file(int opened, const char *name, struct arena *arena, struct policydir *ret)
{
	CLEANUP(fd_close) int fd = opened;
	CLEANUP(free_ptr) char *room = NULL;
	int r = check_file(fd, name, arena, ret);

	if (r)
		return r;
	/* The size may have changed since; what counts is what is read. */
	room = malloc(LIMIT_POLICY_BYTES + 1);
	if (!room)
		return -ENOMEM;
	ssize_t len = fd_read(fd, room, LIMIT_POLICY_BYTES + 1);
	if (len < 0)
		return fail_errno(ret, arena, name);
	if (len > (ssize_t)LIMIT_POLICY_BYTES)
		return fail(ret,
			    arena_printf(arena, "cannot read %s: it grows while it is read", name));
	const struct policy_source source = { name, arena_dup(arena, room, (size_t)len),
					      (size_t)len };
	if (!source.bytes)
		return -ENOMEM;
	return VEC_PUSH(arena, &ret->sources, source);
}

/* Hidden files are editors' and package managers' leftovers. */
static bool is_read(const char *name, const struct policydir *ret)
{
	const char *suffix = ret->suffix ? ret->suffix : ".yaml";
	size_t len = strlen(name), suffix_len = strlen(suffix);

	return name[0] != '.' && len > suffix_len && strcmp(name + len - suffix_len, suffix) == 0;
}

/* Somebody may think that it is read. */
static bool looks_like_policy(const char *name)
{
	const char *dot = strrchr(name, '.');

	return *name != '.' && dot &&
	       (strcasecmp(dot, ".yml") == 0 || strcasecmp(dot, ".yaml") == 0);
}

static int note_passed_over(const char *path, const char *name, struct arena *arena,
			    struct policydir *ret)
{
	bool bounded = ret->passed_over.n < LIMIT_POLICY_FILES;
	const char *slash = *path && path[strlen(path) - 1] == '/' ? "" : "/";
	const char *full = arena_printf(arena, "%s%s%s", path, slash, name);

	if (!full)
		return -ENOMEM;
	return bounded ? VEC_PUSH(arena, &ret->passed_over, full) : 0;
}

/* By bytes: the same order in every locale. */
static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct name_list {
	VEC(const char *) names;
};

static int list_names(int dir_fd, const char *path, struct arena *arena, struct name_list *list,
		      struct policydir *ret)
{
	CLEANUP(fd_close_dir) DIR *dir = NULL;
	int fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 3);

	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		int saved = errno;
		fd_close(&fd);
		errno = saved;
		return fail_errno(ret, arena, path);
	}
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(dir);
		if (!entry)
			return errno ? fail_errno(ret, arena, path) : 0;
		if (!is_read(entry->d_name, ret)) {
			int noted = looks_like_policy(entry->d_name)
					    ? note_passed_over(path, entry->d_name, arena, ret)
					    : 0;
			if (noted < 0)
				return noted;
			continue;
		}
		if (list->names.n > LIMIT_POLICY_FILES)
			return fail(ret, arena_printf(arena,
						      "%s holds more than %u files that would "
						      "be read; is it the right directory?",
						      path, LIMIT_POLICY_FILES));
		const char *name = arena_strdup(arena, entry->d_name);
		int r = name ? VEC_PUSH(arena, &list->names, name) : -ENOMEM;
		if (r < 0)
			return r;
	}
}

/* O_NONBLOCK: a FIFO must not hold up the start. Symbolic links are followed. */
#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

static int read_directory(int dir_fd, const char *path, struct arena *arena, struct policydir *ret)
{
	struct name_list list = { 0 };
	const char *slash = *path && path[strlen(path) - 1] == '/' ? "" : "/";
	int r = list_names(dir_fd, path, arena, &list, ret);

	if (r)
		return r;
	if (list.names.n)
		qsort(list.names.items, list.names.n, sizeof(*list.names.items), by_name);
	for (size_t i = 0; i < list.names.n; i++) {
		const char *base = list.names.items[i];
		const char *name = arena_printf(arena, "%s%s%s", path, slash, base);

		if (!name)
			return -ENOMEM;
		int fd = openat(dir_fd, base, OPEN_FLAGS);
		if (fd < 0)
			return fail_errno(ret, arena, name);
		r = read_file(fd, name, arena, ret);
		if (r)
			return r;
	}
	return 0;
}

int policydir_read(const char *path, struct arena *arena, struct policydir *ret)
{
	struct stat st;
	const char *name = arena_strdup(arena, path);

	if (!name)
		return -ENOMEM;
	int fd = open(name, OPEN_FLAGS);
	if (fd < 0) {
		int error = errno;
		ret->missing = error == ENOENT && lstat(name, &st) < 0 && errno == ENOENT;
		errno = error;
		return fail_errno(ret, arena, name);
	}
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		CLEANUP(fd_close) int dir_fd = fd;
		return read_directory(dir_fd, name, arena, ret);
	}
	return read_file(fd, name, arena, ret);
}
