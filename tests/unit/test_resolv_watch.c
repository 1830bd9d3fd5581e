/* SPDX-License-Identifier: GPL-2.0-or-later */
/* edge/host/resolv-watch: a file that is reached by links is replaced in every way there is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "edge/host/resolv-watch.h"
#include "test_file_lib.h"

#define WAIT_US 5000000u

struct fixture {
	char root[64], path[128], beside[128];
	sd_event *loop;
	struct resolv_watch *watch;
	unsigned int n_changes;
};

static const char *below(const struct fixture *f, const char *name, char ret[128])
{
	(void)snprintf(ret, 128, "%s/%s", f->root, name);
	return ret;
}

static void make_folder(const struct fixture *f, const char *name)
{
	char path[128];

	assert_int_equal(mkdir(below(f, name, path), 0700), 0);
}

static void write_file(const struct fixture *f, const char *name)
{
	char path[128];
	FILE *file = fopen(below(f, name, path), "w");

	assert_non_null(file);
	assert_true(fputs("nameserver 192.0.2.53\n", file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* As every careful program replaces a file or a link. */
static void move(const struct fixture *f, const char *from, const char *to)
{
	char old[128], new[128];

	assert_int_equal(rename(below(f, from, old), below(f, to, new)), 0);
}

static void make_link(const struct fixture *f, const char *target, const char *name)
{
	char path[128];

	assert_int_equal(symlink(target, below(f, name, path)), 0);
}

static void on_change(void *userdata)
{
	((struct fixture *)userdata)->n_changes++;
}

/* /etc/resolv.conf -> ../run/a/stub.conf -> real.conf */
static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	(void)snprintf(f->root, sizeof(f->root), "/tmp/netd-resolv-XXXXXX");
	assert_non_null(mkdtemp(f->root));
	make_folder(f, "etc");
	make_folder(f, "run");
	make_folder(f, "run/a");
	make_folder(f, "run/b");
	write_file(f, "run/a/real.conf");
	write_file(f, "run/b/real.conf");
	make_link(f, "real.conf", "run/a/stub.conf");
	make_link(f, "../run/a/stub.conf", "etc/resolv.conf");
	assert_true(sd_event_new(&f->loop) >= 0);
	const struct resolv_watch_options options = {
		.path = below(f, "etc/resolv.conf", f->path),
		.beside = below(f, "late/resolv.conf", f->beside),
		.on_change = on_change,
		.userdata = f,
	};
	assert_int_equal(resolv_watch_new(f->loop, &options, &f->watch), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	f->watch = resolv_watch_free(f->watch);
	f->loop = sd_event_unref(f->loop);
	remove_folder(f->root);
	free(f);
	return 0;
}

/* Turns until all that has come is told. */
static void settle(struct fixture *f)
{
	while (sd_event_run(f->loop, 0) > 0)
		;
}

static void expect_change(struct fixture *f)
{
	unsigned int before = f->n_changes;

	while (f->n_changes == before)
		assert_true(sd_event_run(f->loop, WAIT_US) > 0);
	settle(f);
}

static void the_file_is_written(void **state)
{
	write_file(*state, "run/a/real.conf");
	expect_change(*state);
}

static void the_file_is_replaced(void **state)
{
	write_file(*state, "run/a/new");
	move(*state, "run/a/new", "run/a/real.conf");
	expect_change(*state);
}

static void a_link_on_the_way_is_replaced(void **state)
{
	make_link(*state, "../b/real.conf", "run/a/new");
	move(*state, "run/a/new", "run/a/stub.conf");
	expect_change(*state);
	/* And from then on the other file counts. */
	write_file(*state, "run/b/real.conf");
	expect_change(*state);
}

static void the_link_is_made_anew(void **state)
{
	struct fixture *f = *state;
	char path[128];

	assert_int_equal(unlink(below(f, "etc/resolv.conf", path)), 0);
	make_link(f, "../run/b/real.conf", "etc/resolv.conf");
	expect_change(f);
	write_file(f, "run/b/real.conf");
	expect_change(f);
}

static void a_folder_that_comes_later(void **state)
{
	struct fixture *f = *state;

	make_folder(f, "late");
	settle(f);
	assert_int_equal(resolv_watch_again(f->watch), 0);
	write_file(f, "late/resolv.conf");
	expect_change(f);
}

static void other_files_are_nothing(void **state)
{
	struct fixture *f = *state;

	write_file(f, "etc/other");
	settle(f);
	assert_int_equal(f->n_changes, 0);
	write_file(f, "run/b/real.conf"); /* the same name, where no link leads */
	settle(f);
	assert_int_equal(f->n_changes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_file_is_written, setup, teardown),
		cmocka_unit_test_setup_teardown(the_file_is_replaced, setup, teardown),
		cmocka_unit_test_setup_teardown(a_link_on_the_way_is_replaced, setup, teardown),
		cmocka_unit_test_setup_teardown(the_link_is_made_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(a_folder_that_comes_later, setup, teardown),
		cmocka_unit_test_setup_teardown(other_files_are_nothing, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
