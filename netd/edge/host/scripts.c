/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files under /etc that nft loads, and those that they include: which of them name netd's tables.
 * Some tens of files of some kilobytes; a saved ruleset of a large host has megabytes. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/text.h"
#include "core/conf/script.h"
#include "edge/base/fd.h"
#include "edge/host/below.h"

/* As many as an admin would ever split a ruleset into. */
#define MOST_SCRIPTS 64u
/* In a folder, looked at for names that match. */
#define MOST_NAMES 1024u
/* A listing of 10,000 endpoints has some 5 MiB. */
#define SCRIPT_BYTES (16u * 1024u * 1024u)

struct search {
	int root;
	struct arena *arena;
	const char *paths[MOST_SCRIPTS]; /* without the first slash, each once */
	size_t n;
	bool left_out;
};

static int add_path(struct search *search, const char *path)
{
	path += strspn(path, "/");
	for (size_t i = 0; i < search->n; i++)
		if (strcmp(search->paths[i], path) == 0)
			return 0;
	if (search->n == MOST_SCRIPTS) {
		search->left_out = true;
		return 0;
	}
	search->paths[search->n] = arena_strdup(search->arena, path);
	return search->paths[search->n++] ? 0 : -ENOMEM;
}

static int by_text(const void *left, const void *right)
{
	return strcmp(left, right);
}

/* The files of the folder whose names match, in order. */
static int add_folder(struct search *search, const char *folder, const char *pattern)
{
	int fd = below_open(search->root, folder, O_RDONLY | O_DIRECTORY);
	CLEANUP(fd_close_dir) DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	char names[MOST_SCRIPTS][SCRIPT_PATH_LEN], path[2 * SCRIPT_PATH_LEN];
	size_t n = 0, seen = 0;
	int r = 0;

	while (dir && seen++ < MOST_NAMES && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || strlen(entry->d_name) >= SCRIPT_PATH_LEN ||
		    fnmatch(pattern, entry->d_name, 0) != 0)
			continue;
		search->left_out |= n == MOST_SCRIPTS;
		if (n < MOST_SCRIPTS)
			memcpy(names[n++], entry->d_name, strlen(entry->d_name) + 1);
	}
	search->left_out |= seen > MOST_NAMES;
	if (n)
		qsort(names, n, sizeof(names[0]), by_text);
	for (size_t i = 0; i < n && r == 0; i++) {
		(void)snprintf(path, sizeof(path), "%.255s/%.255s", folder, names[i]);
		r = add_path(search, path);
	}
	return r;
}

/* As nft finds it: a path, or what matches in the last folder; not an absolute one is below /etc.
 */
static int add_include(struct search *search, const char *include)
{
	char path[SCRIPT_PATH_LEN + sizeof("etc/")];
	char *name, *slash;

	(void)snprintf(path, sizeof(path), "%s%s", *include == '/' ? "" : "etc/",
		       include + strspn(include, "/"));
	slash = strrchr(path, '/');
	name = slash ? slash + 1 : path;
	if (!strpbrk(path, "*?["))
		return add_path(search, path);
	if (!slash || strcspn(path, "*?[") < (size_t)(name - path)) {
		search->left_out = true; /* a pattern of folders */
		return 0;
	}
	*slash = '\0';
	return add_folder(search, path, name);
}

/* What a unit hands to nft: "ExecStart=/usr/sbin/nft -f /etc/nftables.conf". */
static int add_unit(struct search *search, const char *path)
{
	static const char option[] = " -f ";
	char bytes[BELOW_BYTES], file[SCRIPT_PATH_LEN];
	int r = 0;

	if (below_read(search->root, path, bytes) == 0)
		return 0;
	for (const char *at = bytes; r == 0 && (at = strstr(at, option));) {
		at += strlen(option);
		size_t len = strcspn(at, " \t\n;'\"");
		if (*at != '/' || len >= sizeof(file))
			continue;
		memcpy(file, at, len);
		file[len] = '\0';
		r = add_path(search, file);
	}
	return r;
}

static int add_units(struct search *search)
{
	static const char folder[] = "etc/systemd/system/nftables.service.d";
	static const char *const units[] = { "etc/systemd/system/nftables.service",
					     "lib/systemd/system/nftables.service",
					     "usr/lib/systemd/system/nftables.service" };
	struct search drop_ins = { .root = search->root, .arena = search->arena };
	int r = add_folder(&drop_ins, folder, "*.conf");

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(units); i++)
		r = add_unit(search, units[i]);
	for (size_t i = 0; r == 0 && i < drop_ins.n; i++)
		r = add_unit(search, drop_ins.paths[i]);
	search->left_out |= drop_ins.left_out;
	return r;
}

/* Files of a kernel's file systems have no length, devices and pipes are none. */
static bool read_script(struct search *search, const char *path, char *bytes, struct script *ret)
{
	CLEANUP(fd_close) int fd = below_open(search->root, path, O_RDONLY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
		return false;
	ssize_t n = fd_read(fd, bytes, SCRIPT_BYTES);
	if (n < 0)
		return false;
	search->left_out |= st.st_size > (off_t)SCRIPT_BYTES;
	script_read(bytes, (size_t)n, ret);
	search->left_out |= ret->left_out;
	return true;
}

static int follow(struct search *search, char *bytes, struct doctor_host *ret)
{
	const char **found = arena_alloc(search->arena, MOST_SCRIPTS * sizeof(*found));
	struct script script;
	size_t n = 0;
	int r = found ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < search->n; i++) {
		if (!read_script(search, search->paths[i], bytes, &script))
			continue;
		if (script.names_netd)
			found[n] = arena_printf(search->arena, "/%s", search->paths[i]);
		if (script.names_netd && !found[n++])
			return -ENOMEM;
		for (size_t k = 0; r == 0 && k < script.n_includes; k++)
			r = add_include(search, script.includes[k]);
	}
	ret->nft_files = found;
	ret->n_nft_files = n;
	ret->nft_left_out = search->left_out;
	return r;
}

int scripts_survey(int root, struct arena *arena, struct doctor_host *ret)
{
	static const char *const files[] = { "etc/nftables.conf", "etc/sysconfig/nftables.conf" };
	static const char *const folders[] = { "etc/nftables.d", "etc/nftables" };
	struct search search = { .root = root, .arena = arena };
	char *bytes CLEANUP(free_ptr) = malloc(SCRIPT_BYTES);
	int r = bytes ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(files); i++)
		r = add_path(&search, files[i]);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(folders); i++)
		r = add_folder(&search, folders[i], "*");
	if (r == 0)
		r = add_units(&search);
	return r == 0 ? follow(&search, bytes, ret) : r;
}
