/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/control/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "edge/base/fd.h"

#define BACKLOG 64

static int socket_address(const char *path, struct sockaddr_un *ret)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	(void)stpcpy(addr.sun_path, path);
	*ret = addr;
	return 0;
}

/* Whether somebody answers on the socket file. A full queue is somebody too. */
static int is_listened_to(const char *path)
{
	struct sockaddr_un addr;
	int r = socket_address(path, &addr);

	if (r < 0)
		return r;
	CLEANUP(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
		return -EADDRINUSE;
	return errno == ECONNREFUSED || errno == ENOENT ? 0 : -EADDRINUSE;
}

/* Moves the finished socket to its name. It listens by then, so whoever finds the name finds a
 * daemon, and never a file with the wrong mode. */
static int claim(const char *from, const char *path)
{
	struct stat st;

	if (renameat2(AT_FDCWD, from, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EEXIST && errno != EINVAL)
		return -errno;
	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return -EEXIST;
	int r = is_listened_to(path);
	if (r < 0)
		return r;
	return rename(from, path) < 0 ? -errno : 0;
}

/* Without the group, or when the file cannot be given to it: the owner's and root's alone. */
static void open_to_group(const char *path, const char *group)
{
	struct group entry, *found = NULL;
	char buffer[4096];

	if (getgrnam_r(group, &entry, buffer, sizeof(buffer), &found) != 0 || !found)
		return;
	if (lchown(path, (uid_t)-1, found->gr_gid) == 0)
		(void)chmod(path, 0660);
}

static int bind_and_listen(int fd, const char *path)
{
	struct sockaddr_un addr;
	int r = socket_address(path, &addr);

	if (r < 0)
		return r;
	/* The mode of the socket's own inode is where bind() takes the file's from: no moment at
	 * which it is wider, and no umask to change. */
	if (fchmod(fd, 0600) < 0)
		return -errno;
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;
	return listen(fd, BACKLOG) < 0 ? -errno : 0;
}

static int publish(int fd, const char *path, const char *group, struct control_socket *ret)
{
	char temporary[sizeof(ret->path)];
	struct stat st;

	if ((size_t)snprintf(temporary, sizeof(temporary), "%s.new", path) >= sizeof(temporary))
		return -ENAMETOOLONG;
	int r = bind_and_listen(fd, temporary);
	if (r < 0)
		return r;
	open_to_group(temporary, group);
	r = lstat(temporary, &st) < 0 ? -errno : claim(temporary, path);
	if (r < 0) {
		(void)unlink(temporary);
		return r;
	}
	*ret = (struct control_socket){ .fd = fd, .dev = st.st_dev, .ino = st.st_ino };
	(void)stpcpy(ret->path, path);
	return 0;
}

int control_socket_open(const char *path, const char *group, struct control_socket *ret)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	int r = publish(fd, path, group, ret);
	if (r < 0)
		(void)close(fd);
	return r;
}

void control_socket_close(struct control_socket *socket)
{
	struct stat st;

	if (socket->fd < 0)
		return;
	if (lstat(socket->path, &st) == 0 && st.st_dev == socket->dev && st.st_ino == socket->ino)
		(void)unlink(socket->path);
	(void)close(socket->fd);
	socket->fd = -1;
}
