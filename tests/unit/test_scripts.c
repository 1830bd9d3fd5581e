/* SPDX-License-Identifier: GPL-2.0-or-later */
/* edge/host/scripts: the files that are looked through, and those that are not: pipes, links that
 * lead out of the host or round in a ring, files of the kernel, and more than anybody has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "edge/host/survey.h"

static void put(const char *root, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", root, name);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int make_root(void **state)
{
	static char root[] = "/tmp/netd-scripts-XXXXXX";
	char path[256];

	(void)strcpy(root, "/tmp/netd-scripts-XXXXXX");
	assert_non_null(mkdtemp(root));
	(void)snprintf(path, sizeof(path), "%s/etc", root);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/etc/nftables.d", root);
	assert_int_equal(mkdir(path, 0700), 0);
	*state = root;
	return 0;
}

static void remove_tree(const char *root)
{
	char command[256];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", root);
	assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c) */
}

static int remove_root(void **state)
{
	remove_tree(*state);
	return 0;
}

/* The paths that were found, each with a space behind, and "!" where something is left out. */
static void check(const char *root, const char *want)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct doctor_host host;
	char got[512] = "";

	assert_int_equal(host_survey(root, arena, &host), 0);
	for (size_t i = 0; i < host.n_nft_files; i++) {
		(void)strcat(got, host.nft_files[i]);
		(void)strcat(got, " ");
	}
	if (host.nft_left_out)
		(void)strcat(got, "!");
	assert_string_equal(got, want);
}

static void follows_includes(void **state)
{
	check(*state, "");
	put(*state, "etc/nftables.conf",
	    "include \"/etc/ring.nft\"\ninclude \"/etc/not-there\"\ninclude \"sub/*\"\n");
	put(*state, "etc/ring.nft", "include \"nftables.conf\"\ninclude \"/etc/ring.nft\"\n");
	put(*state, "etc/nftables.d/a", "table inet other {}\n");
	check(*state, "");
	put(*state, "etc/ring.nft", "include \"nftables.conf\"\ntable inet netd {}\n");
	check(*state, "/etc/ring.nft ");
	put(*state, "etc/nftables.conf", "include \"/etc/*/x.nft\"\n");
	check(*state, "!");
}

static void reads_files_alone(void **state)
{
	char path[256], outside[256];

	(void)snprintf(path, sizeof(path), "%s/etc/nftables.d/pipe", (char *)*state);
	assert_int_equal(mkfifo(path, 0600), 0);
	(void)snprintf(path, sizeof(path), "%s/etc/nftables.d/folder", (char *)*state);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/etc/nftables.d/ring", (char *)*state);
	assert_int_equal(symlink("ring", path), 0);
	(void)snprintf(path, sizeof(path), "%s/etc/nftables.d/kernel", (char *)*state);
	assert_int_equal(symlink("/proc/self/status", path), 0);
	/* Inside the host the link leads to another file than outside. */
	(void)snprintf(outside, sizeof(outside), "%s-outside", (char *)*state);
	FILE *file = fopen(outside, "we");
	assert_non_null(file);
	assert_true(fputs("table inet netd {}\n", file) >= 0);
	assert_int_equal(fclose(file), 0);
	(void)snprintf(path, sizeof(path), "%s/etc/nftables.d/out", (char *)*state);
	assert_int_equal(symlink(outside, path), 0);
	check(*state, "");
	assert_int_equal(unlink(outside), 0);
	/* And one that stays inside. */
	put(*state, "etc/real", "table inet netd {}\n");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/real", path), 0);
	check(*state, "/etc/nftables.d/out ");
}

static void has_a_limit(void **state)
{
	char name[64];

	for (int i = 0; i < 62; i++) {
		(void)snprintf(name, sizeof(name), "etc/nftables.d/%03d", i);
		put(*state, name, "table inet filter {}\n");
	}
	check(*state, ""); /* with the two that are always looked for: 64 */
	put(*state, "etc/nftables.d/zzz", "table inet netd {}\n");
	check(*state, "!");
}

/* In the folder of the unit's drop-ins, too. */
static void has_a_limit_of_drop_ins(void **state)
{
	static const char *const folders[] = { "etc/systemd", "etc/systemd/system",
					       "etc/systemd/system/nftables.service.d" };
	char name[96];

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		(void)snprintf(name, sizeof(name), "%s/%s", (char *)*state, folders[i]);
		assert_int_equal(mkdir(name, 0700), 0);
	}
	for (int i = 0; i < 65; i++) {
		check(*state, "");
		(void)snprintf(name, sizeof(name), "%s/%03d.conf", folders[2], i);
		put(*state, name, "[Service]\n");
	}
	check(*state, "!");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(follows_includes, make_root, remove_root),
		cmocka_unit_test_setup_teardown(reads_files_alone, make_root, remove_root),
		cmocka_unit_test_setup_teardown(has_a_limit, make_root, remove_root),
		cmocka_unit_test_setup_teardown(has_a_limit_of_drop_ins, make_root, remove_root),
	};

	return cmocka_run_group_tests_name("scripts", tests, NULL, NULL);
}
