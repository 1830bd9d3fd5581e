/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state folder. A power cut leaves the old file or the new one, never half of one; a last line
 * with a checksum shows whatever else became of it: a disk that lies, an editor, half a copy. */
#include "edge/base/fd.h"
#include "edge/host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* "\n#crc32 0123abcd\n" */
#define SEAL_LEN 17u

static int open_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static bool is_name(const char *name)
{
	return *name && *name != '.' && !strchr(name, '/') && strlen(name) + 5 <= NAME_MAX;
}

static void make_seal(const char *bytes, size_t len, char ret[SEAL_LEN + 1])
{
	(void)snprintf(ret, SEAL_LEN + 1, "\n#crc32 %08lx\n",
		       crc32_z(0, (const unsigned char *)bytes, len) & 0xffffffff);
}

static int write_sealed(int fd, const char *bytes, size_t len)
{
	char seal[SEAL_LEN + 1];

	make_seal(bytes, len, seal);
	int r = fd_write(fd, bytes, len);
	if (r == 0)
		r = fd_write(fd, seal, SEAL_LEN);
	return r == 0 && fsync(fd) < 0 ? -errno : r;
}

static int write_temporary(int dir_fd, const char *name, const char *bytes, size_t len)
{
	/* What a crash left behind; O_EXCL then makes sure that the file is ours alone. */
	if (unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT)
		return -errno;
	CLEANUP(fd_close)
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	return write_sealed(fd, bytes, len);
}

int host_state_write(const char *dir, const char *name, const void *bytes, size_t len)
{
	char temporary[NAME_MAX + 1];

	if (!is_name(name))
		return -EINVAL;
	(void)snprintf(temporary, sizeof(temporary), ".%s.new", name);
	CLEANUP(fd_close) int dir_fd = open_dir(dir);
	if (dir_fd < 0)
		return dir_fd;
	int r = write_temporary(dir_fd, temporary, bytes, len);
	if (r == 0 && renameat(dir_fd, temporary, dir_fd, name) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlinkat(dir_fd, temporary, 0);
		return r;
	}
	/* The name is in place; a folder that cannot be synced only loses it in a power cut, and an
	 * older state is one that can be started from. */
	(void)fsync(dir_fd);
	return 0;
}

/* An empty file is one that cannot be mistaken for what was written. */
int host_state_spoil(const char *dir, const char *name, bool wait)
{
	if (!is_name(name))
		return -EINVAL;
	CLEANUP(fd_close) int dir_fd = open_dir(dir);
	if (dir_fd < 0)
		return dir_fd;
	CLEANUP(fd_close)
	int fd = openat(dir_fd, name, O_WRONLY | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	return wait && fsync(fd) < 0 ? -errno : 0;
}

static int check_seal(struct host_bytes *ret, char *bytes, size_t len)
{
	char seal[SEAL_LEN + 1];

	if (len < SEAL_LEN)
		return len == 0 ? -ENODATA : -EBADMSG;
	make_seal(bytes, len - SEAL_LEN, seal);
	if (memcmp(bytes + len - SEAL_LEN, seal, SEAL_LEN) != 0)
		return -EBADMSG;
	bytes[len - SEAL_LEN] = '\0';
	*ret = (struct host_bytes){ bytes, len - SEAL_LEN };
	return 0;
}

static int read_sealed(int fd, size_t max, struct arena *arena, struct host_bytes *ret)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size < 0 || (uintmax_t)st.st_size > (uintmax_t)max + SEAL_LEN)
		return -EFBIG;
	size_t size = (size_t)st.st_size;
	char *bytes = arena_alloc(arena, size + 1);
	if (!bytes)
		return -ENOMEM;
	ssize_t len = fd_read(fd, bytes, size);
	if (len < 0)
		return (int)len;
	return check_seal(ret, bytes, (size_t)len);
}

int host_state_read(const char *dir, const char *name, size_t max, struct arena *arena,
		    struct host_bytes *ret)
{
	if (!is_name(name))
		return -EINVAL;
	CLEANUP(fd_close) int dir_fd = open_dir(dir);
	if (dir_fd < 0)
		return dir_fd;
	CLEANUP(fd_close)
	int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return read_sealed(fd, max, arena, ret);
}
