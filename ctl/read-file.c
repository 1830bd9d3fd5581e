/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "edge/base/fd.h"

/* A pipe is as good as a file, but one that nobody writes to does not hold us up. */
static FILE *open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	FILE *file = fd >= 0 && fcntl(fd, F_SETFL, 0) == 0 ? fdopen(fd, "r") : NULL;

	if (!file && fd >= 0)
		(void)close(fd);
	return file;
}

const char *read_file_or_stdin(const char *path, size_t limit, struct text *ret)
{
	bool standard = strcmp(path, "-") == 0;
	CLEANUP(fd_close_file) FILE *file = standard ? NULL : open_file(path);
	FILE *from = standard ? stdin : file;
	char bytes[65536];
	size_t n;

	errno = from ? 0 : errno;
	while (from && (n = fread(bytes, 1, sizeof(bytes), from)) > 0) {
		text_add_n(ret, bytes, n);
		if (ret->len > limit)
			break;
	}
	return !from || ferror(from) ? strerror(errno) : NULL;
}
