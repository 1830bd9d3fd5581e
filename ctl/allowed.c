/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/allowed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/limits.h"
#include "core/base/text.h"
#include "ctl/out-text.h"
#include "edge/base/fd.h"

#define ASIDE_FILE "." ALLOWED_FILE ".waits"
#define NEW_FILE "." ALLOWED_FILE ".new"

/* The first line of what waits; the policy follows it. */
#define ASIDE_LINE "# waits for the confirmation of policy %s\n"

static const char *join(const char *folder, const char *name, struct arena *arena)
{
	size_t len = strlen(folder);

	while (len > 1 && folder[len - 1] == '/')
		len--;
	return arena_printf(arena, "%.*s/%s", (int)len, folder, name);
}

int allowed_path(const char *folder, struct arena *arena, const char **ret)
{
	struct stat st;

	if (stat(folder, &st) < 0) {
		ctl_complain("cannot read %s: %s", folder, strerror(errno));
		return CTL_USAGE;
	}
	if (!S_ISDIR(st.st_mode)) {
		ctl_complain("%s is one file: `netdctl allow` needs a policy folder, to write a "
			     "file of its own; add the rule by hand",
			     folder);
		return CTL_USAGE;
	}
	*ret = join(folder, ALLOWED_FILE, arena);
	return *ret ? CTL_OK : ctl_out_of_memory();
}

/* 0 or -errno. */
static int write_new(const char *path, const char *text)
{
	CLEANUP(fd_close)
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	int r = fd < 0 ? -errno : fd_write(fd, text, strlen(text));

	return r < 0 ? r : fsync(fd) < 0 ? -errno : 0;
}

static void sync_folder(const char *folder)
{
	CLEANUP(fd_close) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		(void)fsync(fd);
}

/* Whole or not there, over a power cut too. */
static int replace(const char *folder, const char *name, const char *text, struct arena *arena)
{
	const char *path = join(folder, name, arena), *new = join(folder, NEW_FILE, arena);

	if (!path || !new)
		return ctl_out_of_memory();
	int r = write_new(new, text);
	if (r == 0 && rename(new, path) < 0)
		r = -errno;
	if (r == 0) {
		sync_folder(folder);
		return CTL_OK;
	}
	ctl_complain("cannot write %s: %s", path, strerror(-r));
	(void)unlink(new);
	return CTL_USAGE;
}

int allowed_write(const char *folder, const char *text, struct arena *arena)
{
	return replace(folder, ALLOWED_FILE, text, arena);
}

int allowed_set_aside(const char *folder, const char *text, const cJSON *report,
		      struct arena *arena)
{
	const char *waiting =
		arena_printf(arena, ASIDE_LINE "%s", member_text(report, "digest"), text);

	return waiting ? replace(folder, ASIDE_FILE, waiting, arena) : ctl_out_of_memory();
}

int allowed_settle(const cJSON *report)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(text_done) struct text text = { 0 };
	const char *folder = wire_string(report, "policy_path");
	const char *path = arena && folder ? join(folder, ASIDE_FILE, arena) : NULL;
	struct stat st;

	if (!path || lstat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return CTL_OK;
	const char *error = read_file_or_stdin(path, LIMIT_POLICY_BYTES, &text);
	const char *line = arena_printf(arena, ASIDE_LINE, member_text(report, "digest"));
	if (!line || text_failed(&text))
		return ctl_out_of_memory();
	if (error) {
		ctl_complain("cannot read %s: %s", path, error);
		return CTL_USAGE;
	}
	int status = CTL_OK;
	if (*member_text(report, "digest") && text_begins(text_str(&text), line))
		status = allowed_write(folder, text_str(&text) + strlen(line), arena);
	if (status == CTL_OK)
		(void)unlink(path);
	return status;
}
