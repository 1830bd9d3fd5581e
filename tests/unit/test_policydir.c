/* SPDX-License-Identifier: GPL-2.0-or-later */
/* edge/policydir: what is read, in which order, what is not, and what the watch sees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/limits.h"
#include "edge/policydir/policydir.h"
#include "edge/policydir/watch.h"
#include "test_file_lib.h"

struct fixture {
	char dir[64];
	struct arena *arena;
	struct policydir files;
	unsigned int n_changes;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	(void)stpcpy(f->dir, "/tmp/netd-policydir-XXXXXX");
	f->arena = arena_new();
	*state = f;
	return mkdtemp(f->dir) && f->arena ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	remove_folder(f->dir);
	arena_free(f->arena);
	free(f);
	return 0;
}

static const char *at(const struct fixture *f, const char *name)
{
	return arena_printf(f->arena, "%s/%s", f->dir, name);
}

static void write_file(const char *path, const char *bytes, size_t len)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	assert_int_equal(close(fd), 0);
}

static void put(const struct fixture *f, const char *name, const char *text)
{
	write_file(at(f, name), text, strlen(text));
}

static int read_path(struct fixture *f, const char *path)
{
	f->files = (struct policydir){ 0 };
	return policydir_read(path, f->arena, &f->files);
}

static void assert_source(const struct fixture *f, size_t i, const char *name, const char *text)
{
	const struct policy_source *source = &f->files.sources.items[i];

	assert_true(i < f->files.sources.n);
	assert_string_equal(source->name, name);
	assert_int_equal(source->len, strlen(text));
	assert_memory_equal(source->bytes, text, source->len);
}

static void a_directory_is_read_in_name_order(void **state)
{
	struct fixture *f = *state;

	put(f, "20-b.yaml", "b");
	put(f, "10-a.yaml", "a");
	put(f, "9.yaml", "nine");
	put(f, "B.yaml", "");
	put(f, ".hidden.yaml", "x");
	put(f, "a.yml", "x");
	put(f, "a.yaml~", "x");
	put(f, ".yaml", "x");
	put(f, "yaml", "x");
	assert_int_equal(mkdir(at(f, "sub"), 0700), 0);
	assert_int_equal(read_path(f, f->dir), 0);
	assert_int_equal(f->files.sources.n, 4);
	assert_source(f, 0, at(f, "10-a.yaml"), "a");
	assert_source(f, 1, at(f, "20-b.yaml"), "b");
	assert_source(f, 2, at(f, "9.yaml"), "nine");
	assert_source(f, 3, at(f, "B.yaml"), "");
	assert_int_equal(f->files.passed_over.n, 1);
	assert_string_equal(f->files.passed_over.items[0], at(f, "a.yml"));
	assert_int_equal(read_path(f, at(f, "")), 0);
	assert_source(f, 0, at(f, "10-a.yaml"), "a");
	/* Several paths add up. */
	assert_int_equal(policydir_read(at(f, "a.yml"), f->arena, &f->files), 0);
	assert_int_equal(f->files.sources.n, 5);
	assert_source(f, 4, at(f, "a.yml"), "x");
	assert_int_equal(read_path(f, at(f, "sub")), 0);
	assert_int_equal(f->files.sources.n, 0);
}

static void links_are_followed(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mkdir(at(f, "real"), 0700), 0);
	put(f, "real/1.yaml", "one");
	assert_int_equal(symlink("real", at(f, "link")), 0);
	assert_int_equal(symlink("1.yaml", at(f, "real/2.yaml")), 0);
	assert_int_equal(read_path(f, at(f, "link")), 0);
	assert_int_equal(f->files.sources.n, 2);
	assert_source(f, 1, at(f, "link/2.yaml"), "one");
}

static void assert_unreadable(struct fixture *f, const char *path, const char *want)
{
	assert_int_equal(read_path(f, path), POLICYDIR_E_UNREADABLE);
	if (!strstr(f->files.error, want))
		fail_msg("%s: no `%s` in it", f->files.error, want);
}

static void what_is_no_file_is_refused_at_once(void **state)
{
	struct fixture *f = *state;

	assert_unreadable(f, at(f, "absent.yaml"), "absent.yaml: No such file");
	assert_unreadable(f, "/dev/zero", "not a regular file");
	assert_int_equal(mkfifo(at(f, "fifo.yaml"), 0600), 0);
	assert_unreadable(f, at(f, "fifo.yaml"), "not a regular file");
	/* One bad file is enough: half a policy is another policy. */
	put(f, "a.yaml", "x");
	assert_unreadable(f, f->dir, "fifo.yaml: it is not a regular file");
	assert_int_equal(unlink(at(f, "fifo.yaml")), 0);
	assert_int_equal(mkdir(at(f, "dir.yaml"), 0700), 0);
	assert_unreadable(f, f->dir, "dir.yaml: it is not a regular file");
	assert_int_equal(rmdir(at(f, "dir.yaml")), 0);
	assert_int_equal(symlink("nowhere", at(f, "lost.yaml")), 0);
	assert_unreadable(f, f->dir, "lost.yaml: No such file");
	assert_int_equal(unlink(at(f, "lost.yaml")), 0);
	assert_int_equal(symlink("loop.yaml", at(f, "loop.yaml")), 0);
	assert_unreadable(f, f->dir, "loop.yaml: Too many levels");
}

static void sizes_have_limits(void **state)
{
	struct fixture *f = *state;
	char *bytes = calloc(1, LIMIT_POLICY_BYTES + 1);

	assert_non_null(bytes);
	memset(bytes, '#', LIMIT_POLICY_BYTES + 1);
	write_file(at(f, "big.yaml"), bytes, LIMIT_POLICY_BYTES);
	assert_int_equal(read_path(f, f->dir), 0);
	assert_int_equal(f->files.sources.items[0].len, LIMIT_POLICY_BYTES);
	write_file(at(f, "big.yaml"), bytes, LIMIT_POLICY_BYTES + 1);
	assert_unreadable(f, f->dir, "big.yaml: it has 1048577 bytes");
	free(bytes);
}

static void the_number_of_files_has_a_limit(void **state)
{
	struct fixture *f = *state;
	char name[32];

	for (unsigned int i = 0; i < LIMIT_POLICY_FILES; i++) {
		(void)snprintf(name, sizeof(name), "%u.yaml", i);
		put(f, name, "");
	}
	assert_int_equal(read_path(f, f->dir), 0);
	assert_int_equal(f->files.sources.n, LIMIT_POLICY_FILES);
	put(f, "last.yaml", "");
	assert_unreadable(f, f->dir, "right directory");
	for (int i = 0; i < 10; i++) {
		(void)snprintf(name, sizeof(name), "more%d.yaml", i);
		put(f, name, "");
	}
	assert_unreadable(f, f->dir, "more than 256");
}

/* ---- the watch ---- */

static void on_change(void *userdata)
{
	((struct fixture *)userdata)->n_changes++;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Runs the loop until @n changes were told, at most 5 s; then as long again as a change takes to
 * settle, so that one too many is seen. */
static void expect_changes(struct fixture *f, sd_event *event, unsigned int n)
{
	uint64_t deadline = now_ms() + 5000;

	while (f->n_changes < n && now_ms() < deadline)
		(void)sd_event_run(event, 10000);
	deadline = now_ms() + 150;
	while (now_ms() < deadline)
		(void)sd_event_run(event, 10000);
	assert_int_equal(f->n_changes, n);
	f->n_changes = 0;
}

static void unref_event(sd_event **event)
{
	*event = sd_event_unref(*event);
}

static void a_directory_is_watched(void **state)
{
	struct fixture *f = *state;
	CLEANUP(unref_event) sd_event *event = NULL;
	CLEANUP(policydir_watch_freep) struct policydir_watch *watch = NULL;

	assert_int_equal(sd_event_new(&event), 0);
	assert_int_equal(policydir_watch_new(event, f->dir, on_change, f, &watch), 0);
	expect_changes(f, event, 0);
	/* A burst is one change. */
	for (int i = 0; i < 20; i++)
		put(f, "a.yaml", "x");
	put(f, "b.yaml", "x");
	expect_changes(f, event, 1);
	assert_int_equal(rename(at(f, "b.yaml"), at(f, "a.yaml")), 0);
	expect_changes(f, event, 1);
	assert_int_equal(symlink("a.yaml", at(f, "c.yaml")), 0);
	expect_changes(f, event, 1);
	assert_int_equal(unlink(at(f, "a.yaml")), 0);
	expect_changes(f, event, 1);
	/* Created is not yet written. */
	int fd = open(at(f, "d.yaml"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	expect_changes(f, event, 0);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(close(fd), 0);
	expect_changes(f, event, 1);
	assert_int_equal(read_path(f, f->dir), POLICYDIR_E_UNREADABLE); /* c.yaml leads nowhere */
	expect_changes(f, event, 0);
}

static void a_file_is_watched_through_renames(void **state)
{
	struct fixture *f = *state;
	CLEANUP(unref_event) sd_event *event = NULL;
	CLEANUP(policydir_watch_freep) struct policydir_watch *watch = NULL;

	put(f, "p.yaml", "x");
	assert_int_equal(sd_event_new(&event), 0);
	assert_int_equal(policydir_watch_new(event, at(f, "p.yaml"), on_change, f, &watch), 0);
	put(f, "other.yaml", "x");
	expect_changes(f, event, 0);
	for (int i = 0; i < 3; i++) {
		put(f, "p.yaml.new", "y");
		assert_int_equal(rename(at(f, "p.yaml.new"), at(f, "p.yaml")), 0);
		expect_changes(f, event, 1);
	}
	assert_int_equal(unlink(at(f, "p.yaml")), 0);
	expect_changes(f, event, 1);
	put(f, "p.yaml", "z");
	expect_changes(f, event, 1);
}

static void a_directory_may_come_go_and_come_back(void **state)
{
	struct fixture *f = *state;
	CLEANUP(unref_event) sd_event *event = NULL;
	CLEANUP(policydir_watch_freep) struct policydir_watch *watch = NULL;

	assert_int_equal(sd_event_new(&event), 0);
	assert_int_equal(policydir_watch_new(event, at(f, "policy.d"), on_change, f, &watch), 0);
	assert_int_equal(mkdir(at(f, "policy.d"), 0700), 0);
	put(f, "policy.d/a.yaml", "x");
	expect_changes(f, event, 1);
	put(f, "policy.d/a.yaml", "y");
	expect_changes(f, event, 1);
	/* As a configuration management replaces it. */
	assert_int_equal(rename(at(f, "policy.d"), at(f, "old.d")), 0);
	assert_int_equal(mkdir(at(f, "policy.d"), 0700), 0);
	expect_changes(f, event, 1);
	put(f, "policy.d/b.yaml", "x");
	while (f->n_changes == 0)
		(void)sd_event_run(event, 10000);
	f->n_changes = 0;
	expect_changes(f, event, 0);
	put(f, "policy.d/b.yaml", "z");
	expect_changes(f, event, 1);
	put(f, "old.d/a.yaml", "x");
	expect_changes(f, event, 0);
}

/* Not by looking again and again: while nothing happens the loop sleeps. */
static void a_way_may_be_made_step_by_step(void **state)
{
	struct fixture *f = *state;
	CLEANUP(unref_event) sd_event *event = NULL;
	CLEANUP(policydir_watch_freep) struct policydir_watch *watch = NULL;

	assert_int_equal(sd_event_new(&event), 0);
	assert_int_equal(
		policydir_watch_new(event, at(f, "etc/netd/policy.d/"), on_change, f, &watch), 0);
	assert_int_equal(sd_event_run(event, 1500000), 0); /* it has slept so long */
	put(f, "other", "x");
	expect_changes(f, event, 0);
	assert_int_equal(mkdir(at(f, "etc"), 0700), 0);
	expect_changes(f, event, 0);
	assert_int_equal(mkdir(at(f, "etc/netd"), 0700), 0);
	assert_int_equal(mkdir(at(f, "etc/netd/policy.d"), 0700), 0);
	expect_changes(f, event, 1);
	put(f, "etc/netd/policy.d/a.yaml", "x");
	expect_changes(f, event, 1);
	/* All of it goes, and comes back as a whole. */
	assert_int_equal(rename(at(f, "etc"), at(f, "old")), 0);
	assert_int_equal(rename(at(f, "old/netd/policy.d"), at(f, "kept.d")), 0);
	expect_changes(f, event, 1);
	assert_int_equal(sd_event_run(event, 1500000), 0);
	assert_int_equal(rename(at(f, "kept.d"), at(f, "old/netd/policy.d")), 0);
	assert_int_equal(rename(at(f, "old"), at(f, "etc")), 0);
	expect_changes(f, event, 1);
	/* A file, in the place of a folder. */
	remove_folder(at(f, "etc"));
	put(f, "etc", "x");
	expect_changes(f, event, 1);
	assert_int_equal(unlink(at(f, "etc")), 0);
	expect_changes(f, event, 0);
	assert_int_equal(mkdir(at(f, "etc"), 0700), 0);
	assert_int_equal(mkdir(at(f, "etc/netd"), 0700), 0);
	put(f, "etc/netd/policy.d", "a file");
	expect_changes(f, event, 1);
	put(f, "etc/netd/policy.d", "another");
	expect_changes(f, event, 1);
}

static void a_link_may_lead_nowhere_for_a_time(void **state)
{
	struct fixture *f = *state;
	CLEANUP(unref_event) sd_event *event = NULL;
	CLEANUP(policydir_watch_freep) struct policydir_watch *watch = NULL;

	assert_int_equal(symlink("real", at(f, "link")), 0);
	assert_int_equal(sd_event_new(&event), 0);
	assert_int_equal(policydir_watch_new(event, at(f, "link"), on_change, f, &watch), 0);
	expect_changes(f, event, 0);
	assert_int_equal(mkdir(at(f, "real"), 0700), 0);
	expect_changes(f, event, 1);
	put(f, "real/a.yaml", "x");
	expect_changes(f, event, 1);
}

/* As an admin types it in the folder where he stands. */
static void a_path_may_begin_here(void **state)
{
	static const char *const paths[] = { "./policy.yaml", ".//policy.yaml", "policy.yaml", "" };
	struct fixture *f = *state;

	assert_int_equal(chdir(f->dir), 0);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		CLEANUP(unref_event) sd_event *event = NULL;
		CLEANUP(policydir_watch_freep) struct policydir_watch *watch = NULL;
		assert_int_equal(sd_event_new(&event), 0);
		assert_int_equal(policydir_watch_new(event, paths[i], on_change, f, &watch), 0);
		put(f, "policy.yaml", "x");
		expect_changes(f, event, 1);
		put(f, "policy.yaml", "y");
		expect_changes(f, event, 1);
		assert_int_equal(unlink(at(f, "policy.yaml")), 0);
		expect_changes(f, event, 1);
	}
	assert_int_equal(chdir("/"), 0);
}

/* Of which no folder tells: it is looked for by the clock. */
static void a_file_system_may_be_mounted(void **state)
{
	struct fixture *f = *state;
	CLEANUP(unref_event) sd_event *event = NULL;
	CLEANUP(policydir_watch_freep) struct policydir_watch *watch = NULL;

	if (unshare(CLONE_NEWNS) < 0)
		skip(); /* needs root */
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_int_equal(mkdir(at(f, "disk"), 0700), 0);
	assert_int_equal(mkdir(at(f, "policy.d"), 0700), 0);
	assert_int_equal(sd_event_new(&event), 0);
	assert_int_equal(policydir_watch_new(event, at(f, "disk/policy.d"), on_change, f, &watch),
			 0);
	put(f, "a.yaml", "x");
	assert_int_equal(mount(f->dir, at(f, "disk"), NULL, MS_BIND, NULL), 0);
	for (int i = 0; i < 15 && f->n_changes == 0; i++)
		assert_true(sd_event_run(event, 1000000) >= 0);
	assert_int_equal(umount2(at(f, "disk"), MNT_DETACH), 0);
	assert_true(f->n_changes > 0);
}

/* Who hands a file on as a text needs its end, whatever its length. */
static void a_file_ends_in_a_nul(void **state)
{
	const struct fixture *f = *state;
	char bytes[65];

	memset(bytes, 'x', sizeof(bytes));
	for (size_t len = 1; len < sizeof(bytes); len++) {
		struct policydir one = { 0 };
		write_file(at(f, "a.yaml"), bytes, len);
		assert_int_equal(policydir_read(at(f, "a.yaml"), f->arena, &one), 0);
		assert_non_null(arena_strdup(f->arena, "what comes next"));
		assert_int_equal(strlen(one.sources.items[0].bytes), len);
		assert_int_equal(one.sources.items[0].len, len);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_directory_is_read_in_name_order),
		T(a_file_ends_in_a_nul),
		T(links_are_followed),
		T(what_is_no_file_is_refused_at_once),
		T(sizes_have_limits),
		T(the_number_of_files_has_a_limit),
		T(a_directory_is_watched),
		T(a_file_is_watched_through_renames),
		T(a_directory_may_come_go_and_come_back),
		T(a_way_may_be_made_step_by_step),
		T(a_link_may_lead_nowhere_for_a_time),
		T(a_path_may_begin_here),
		T(a_file_system_may_be_mounted),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
