/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of edge/fw share: a network namespace each, programs, rulesets in the kernel. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/test_ruleset_random.h"
#include "edge/fw/fw.h"
#include "fw_dump.h"
#include "netns_lib.h"

struct fixture {
	struct arena *arena;
	struct fw *fw;
	struct fw_error error;
};

static inline void fresh_netns(void)
{
	assert_int_equal(unshare(CLONE_NEWNET), 0);
}

/* The exit status of a shell command, which runs in our namespace and says nothing. */
PRINTF_LIKE(1, 2)
static inline int shell(const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	int status = system(line);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline void open_fw(struct fixture *f)
{
	int r = fw_open(&f->fw, &f->error);

	if (r < 0)
		print_message("%s\n", f->error.text);
	assert_int_equal(r, 0);
}

static inline int fw_setup(void **state)
{
	static struct fixture fixture;

	fixture = (struct fixture){ .arena = arena_new() };
	fresh_netns();
	open_fw(&fixture);
	*state = &fixture;
	return 0;
}

static inline int fw_teardown(void **state)
{
	struct fixture *f = *state;

	f->fw = fw_free(f->fw);
	f->arena = arena_free(f->arena);
	return 0;
}

static inline const struct ruleset *seal(struct ruleset *rs)
{
	const char *why = "";
	int r = ruleset_seal(rs, &why);

	if (r < 0)
		print_message("%s\n", why);
	assert_int_equal(r, 0);
	return rs;
}

static inline void commit(struct fixture *f, const struct ruleset *from, const struct ruleset *to)
{
	int r = fw_commit(f->fw, from, to, f->arena, &f->error);

	if (r < 0)
		print_message("%s\n", f->error.text);
	assert_int_equal(r, 0);
}

/* Equal dumps; else the first line that differs is printed. */
static inline bool same_dump(const char *a, const char *b)
{
	size_t line = 0, i = 0;

	if (strcmp(a, b) == 0)
		return true;
	for (; a[i] == b[i]; i++)
		if (a[i] == '\n')
			line = i + 1;
	print_message("- %.*s\n+ %.*s\n", (int)strcspn(a + line, "\n"), a + line,
		      (int)strcspn(b + line, "\n"), b + line);
	return false;
}
