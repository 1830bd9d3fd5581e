/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/conf/files.h"

#include <errno.h>
#include <sys/stat.h>

#include "edge/policydir/policydir.h"

/* A link that leads nowhere is there: somebody means a file. */
static bool is_missing(const char *path)
{
	struct stat st;

	return lstat(path, &st) < 0 && errno == ENOENT;
}

int conf_read_files(const char *path, struct arena *arena, struct diag_list *diags,
		    struct conf *conf, const char **error)
{
	const char *main = path ? path : CONF_DEFAULT;
	const char *paths[] = { main, arena_printf(arena, "%s.d", main) };
	struct policydir files = { .suffix = ".conf" };
	int r = 0, worst = 0;

	if (!paths[1])
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		if ((i > 0 || !path) && is_missing(paths[i]))
			continue;
		r = policydir_read(paths[i], arena, &files);
		if (r == POLICYDIR_E_UNREADABLE) {
			*error = files.error;
			return CONF_E_UNREADABLE;
		}
		if (r < 0)
			return r;
	}
	/* All findings in one run. */
	for (size_t i = 0; i < files.sources.n; i++) {
		const struct policy_source *file = &files.sources.items[i];
		r = conf_parse(file->name, file->bytes, file->len, arena, diags, conf);
		if (r < 0)
			return r;
		if (r > 0)
			worst = r;
	}
	return worst;
}
