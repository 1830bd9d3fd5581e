/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/policydir/policydir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/limits.h"
#include "edge/base/fd.h"
#include "edge/base/folder.h"

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
	const struct policy_source source = { name, arena_strndup(arena, room, (size_t)len),
					      (size_t)len };
	if (!source.bytes)
		return -ENOMEM;
	return VEC_PUSH(arena, &ret->sources, source);
}

/* Somebody may think that it is read. */
static bool looks_like_policy(const char *name)
{
	const char *dot = strrchr(name, '.');

	return *name != '.' && dot &&
	       (strcasecmp(dot, ".yml") == 0 || strcasecmp(dot, ".yaml") == 0);
}

/* The folder that is read, and where what it holds goes. */
struct policy_listing {
	const char *path, *slash;
	struct arena *arena;
	struct policydir *into;
};

static int is_wanted(void *userdata, const char *name)
{
	const struct policy_listing *listing = userdata;
	struct policydir *ret = listing->into;

	if (folder_name_ends_in(name, ret->suffix ? ret->suffix : ".yaml"))
		return 1;
	if (!looks_like_policy(name) || ret->passed_over.n == LIMIT_POLICY_FILES)
		return 0;
	const char *full =
		arena_printf(listing->arena, "%s%s%s", listing->path, listing->slash, name);
	return full ? VEC_PUSH(listing->arena, &ret->passed_over, full) : -ENOMEM;
}

static int list_names(int dir_fd, struct policy_listing *listing, struct folder_names *names)
{
	const struct folder_want want = { is_wanted, listing, LIMIT_POLICY_FILES };
	int r = folder_list(dir_fd, &want, listing->arena, names);

	if (r == FOLDER_E_MANY)
		return fail(listing->into,
			    arena_printf(listing->arena,
					 "%s holds more than %u files that would be read; is it "
					 "the right directory?",
					 listing->path, LIMIT_POLICY_FILES));
	if (r == 0 || r == -ENOMEM)
		return r;
	errno = -r;
	return fail_errno(listing->into, listing->arena, listing->path);
}

/* O_NONBLOCK: a FIFO must not hold up the start. Symbolic links are followed. */
#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

static int read_directory(int dir_fd, const char *path, struct arena *arena, struct policydir *ret)
{
	const char *slash = *path && path[strlen(path) - 1] == '/' ? "" : "/";
	struct policy_listing listing = { path, slash, arena, ret };
	struct folder_names names;
	int r = list_names(dir_fd, &listing, &names);

	if (r)
		return r;
	for (size_t i = 0; i < names.names.n; i++) {
		const char *base = names.names.items[i];
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
