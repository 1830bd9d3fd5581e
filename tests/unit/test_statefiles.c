/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon/statefiles: the file that must not be older than what holds is spoiled whenever it would
 * be: memory is out, or whoever writes it is killed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/arena.h"
#include "daemon/statefiles.h"
#include "edge/host/host.h"

struct fixture {
	struct beside_group group;
	struct statefiles files;
	char dir[32];
	bool settled;
};

static void on_settled(void *userdata)
{
	struct fixture *f = userdata;

	f->settled = true;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f || sd_event_new(&f->group.loop) < 0)
		return -1;
	strcpy(f->dir, "/tmp/netd-state-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	f->files = (struct statefiles){ .besides = &f->group,
					.dir = f->dir,
					.unlike = "policy",
					.settled = on_settled,
					.userdata = f };
	*state = f;
	return statefiles_start(&f->files);
}

static int teardown(void **state)
{
	static const char *const names[] = { "policy", "other", "policy.new", "other.new" };
	struct fixture *f = *state;

	statefiles_done(&f->files);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char path[64];
		(void)snprintf(path, sizeof(path), "%s/%s", f->dir, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(f->dir);
	beside_group_done(&f->group);
	sd_event_unref(f->group.loop);
	free(f);
	return 0;
}

/* @text NULL: memory is out. */
static void put(struct fixture *f, const char *name, const char *text)
{
	f->settled = false;
	statefiles_write(&f->files, name, text ? strdup(text) : NULL, "so what");
}

static void run(struct fixture *f)
{
	while (!f->settled)
		assert_true(sd_event_run(f->group.loop, UINT64_MAX) >= 0);
}

static void assert_file(const struct fixture *f, const char *name, const char *want)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct host_bytes found;
	int r = host_state_read(f->dir, name, 100, arena, &found);

	assert_int_equal(r, want ? 0 : -ENODATA);
	if (want)
		assert_string_equal(found.bytes, want);
}

static void a_text_is_written(void **state)
{
	struct fixture *f = *state;

	put(f, "policy", "first");
	run(f);
	assert_file(f, "policy", "first");
	assert_string_equal(statefiles_failure(&f->files), "");
}

static void memory_is_out_while_an_older_one_is_written(void **state)
{
	struct fixture *f = *state;

	put(f, "policy", "first");
	put(f, "policy", NULL);
	run(f);
	assert_file(f, "policy", NULL);
	assert_string_not_equal(statefiles_failure(&f->files), "");
	put(f, "policy", "third");
	run(f);
	assert_file(f, "policy", "third");
	assert_string_equal(statefiles_failure(&f->files), "");
}

static void memory_is_out_while_an_older_one_waits(void **state)
{
	struct fixture *f = *state;

	put(f, "policy", "first");
	run(f);
	put(f, "other", "it is its turn");
	put(f, "policy", "second");
	put(f, "policy", NULL);
	assert_file(f, "policy", NULL);
	run(f);
	assert_file(f, "other", "it is its turn");
	assert_file(f, "policy", NULL);
}

/* Of others an older one is better than none. */
static void others_are_left_alone(void **state)
{
	struct fixture *f = *state;

	put(f, "other", "first");
	put(f, "other", "second");
	put(f, "other", NULL);
	run(f);
	assert_file(f, "other", "second");
}

/* Its children are its own: this process has no others. */
static void kill_child(void)
{
	char path[64];
	int pid = 0;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &pid), 1);
	(void)fclose(file);
	assert_int_equal(kill(pid, SIGKILL), 0);
}

/* As when the kernel needs its memory. */
static void whoever_writes_it_is_killed(void **state)
{
	struct fixture *f = *state;

	put(f, "policy", "first");
	run(f);
	put(f, "policy", "second");
	kill_child();
	run(f);
	if (*statefiles_failure(&f->files)) /* else it was done before */
		assert_file(f, "policy", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_text_is_written, setup, teardown),
		cmocka_unit_test_setup_teardown(memory_is_out_while_an_older_one_is_written, setup,
						teardown),
		cmocka_unit_test_setup_teardown(memory_is_out_while_an_older_one_waits, setup,
						teardown),
		cmocka_unit_test_setup_teardown(others_are_left_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(whoever_writes_it_is_killed, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
