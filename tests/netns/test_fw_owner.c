/* SPDX-License-Identifier: GPL-2.0-or-later */
/* edge/fw and other processes: who may touch the tables, what a killed owner leaves, and how netd
 * hears of changes where tables have no owner. Needs root and nft. */
#include "fw_lib.h"

#include <sys/prctl.h>
#include <sys/socket.h>

#include "edge/fw/handle.h"
#include "edge/fw/watch.h"

static bool cannot_own(const struct fixture *f)
{
	if (!fw_owns_tables(f->fw))
		print_message("SKIP: this kernel has no tables that outlive their owner\n");
	return !fw_owns_tables(f->fw);
}

static void others_cannot_touch_it(void **state)
{
	struct fixture *f = *state;

	if (cannot_own(f))
		skip();
	commit(f, NULL, seal(sample_ruleset(f->arena)));
	char *before = dump_kernel(true);
	assert_int_equal(shell("nft add table ip bystander"), 0);
	assert_int_equal(shell("nft flush ruleset"), 0);
	assert_int_not_equal(shell("nft list table ip bystander 2>/dev/null"), 0);
	assert_int_not_equal(shell("nft delete table inet netd 2>/dev/null"), 0);
	assert_int_not_equal(shell("nft add rule inet netd denied accept 2>/dev/null"), 0);
	assert_int_not_equal(shell("nft flush chain bridge netd identity 2>/dev/null"), 0);
	char *after = dump_kernel(true);
	assert_true(same_dump(before, after));
	free(before);
	free(after);
}

static void a_second_one_is_told(void **state)
{
	struct fixture *f = *state;
	struct fw *second;

	if (cannot_own(f))
		skip();
	commit(f, NULL, seal(sample_ruleset(f->arena)));
	assert_int_equal(fw_open(&second, &f->error), 0);
	assert_int_equal(
		fw_commit(second, NULL, seal(sample_ruleset(f->arena)), f->arena, &f->error),
		-EPERM);
	assert_non_null(strstr(f->error.text, "table inet netd"));
	assert_non_null(strstr(f->error.text, "second netd"));
	assert_int_equal(fw_off(second, &f->error), -EPERM);
	fw_free(second);
}

static void a_killed_owner_leaves_the_rules(void **state)
{
	struct fixture *f = *state;
	int ready[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct fixture child = { .arena = arena_new() };
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		open_fw(&child);
		commit(&child, NULL, seal(sample_ruleset(child.arena)));
		(void)!write(ready[1], "", 1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	char *before = dump_kernel(true);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	char *after = dump_kernel(true);
	assert_true(strlen(after) > 100);
	assert_true(same_dump(before, after));

	struct fw_state now;
	assert_int_equal(fw_probe(f->fw, &now, &f->error), 0);
	assert_int_equal(now.stamp, 0x00070000);
	/* The next one takes over, and owns from then on. */
	commit(f, NULL, seal(random_ruleset(f->arena, 5)));
	char *taken = dump_kernel(true);
	assert_int_not_equal(strcmp(before, taken), 0);
	if (fw_owns_tables(f->fw))
		assert_int_equal(shell("nft flush ruleset"), 0);
	char *kept = dump_kernel(true);
	assert_true(same_dump(taken, kept));
	close(ready[0]);
	close(ready[1]);
	free(before);
	free(after);
	free(taken);
	free(kept);
}

/* An older netd, or nft -f of an export, left tables without an owner. */
static void it_replaces_unowned_tables(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(shell("nft add table inet netd"), 0);
	assert_int_equal(shell("nft add chain inet netd stale"), 0);
	commit(f, NULL, seal(sample_ruleset(f->arena)));
	char *dump = dump_kernel(false);
	assert_null(strstr(dump, "stale"));
	assert_non_null(strstr(dump, "identity_in"));
	free(dump);
}

/* ---- notifications ---- */

struct heard {
	struct fw_change last;
	unsigned int n_changed, n_lost, n_secmark;
};

static void on_changed(void *userdata, const struct fw_change *change)
{
	struct heard *heard = userdata;

	heard->last = *change;
	heard->n_changed++;
}

static void on_secmark(void *userdata)
{
	struct heard *heard = userdata;

	heard->n_secmark++;
}

static void on_lost(void *userdata)
{
	struct heard *heard = userdata;

	heard->n_lost++;
}

/* Until nothing is pending. */
static void run_loop(sd_event *loop)
{
	int r;

	while ((r = sd_event_run(loop, 0)) > 0)
		;
	assert_int_equal(r, 0);
}

static struct fw_watch *watch(struct fixture *f, sd_event *loop, struct heard *heard)
{
	struct fw_watch_handler handler = { f->fw, on_changed, on_lost, on_secmark, heard };
	struct fw_watch *new = NULL;

	f->fw->owns_tables = false; /* as on an older kernel */
	assert_int_equal(fw_watch_new(loop, &handler, &new), 0);
	return new;
}

static void changes_of_others_are_heard(void **state)
{
	struct fixture *f = *state;
	struct heard heard = { 0 };
	sd_event *loop = NULL;

	assert_true(sd_event_new(&loop) >= 0);
	struct fw_watch *w = watch(f, loop, &heard);
	const struct ruleset *rs = seal(sample_ruleset(f->arena));
	commit(f, NULL, rs);
	commit(f, rs, seal(random_ruleset(f->arena, 4)));
	assert_int_equal(shell("nft add table inet netd2"), 0);
	assert_int_equal(shell("nft add table ip netd"), 0);
	run_loop(loop);
	assert_int_equal(heard.n_changed, 0);

	assert_int_equal(shell("nft add chain bridge netd foreign"), 0);
	run_loop(loop);
	assert_int_equal(heard.n_changed, 1);
	assert_string_equal(heard.last.process, "nft");
	assert_true(heard.last.pid > 1);
	assert_string_equal(heard.last.first, "added chain bridge netd foreign");

	assert_int_equal(shell("nft flush ruleset"), 0);
	run_loop(loop);
	assert_int_equal(heard.n_changed, 2);
	assert_true(heard.last.n > 10);
	assert_int_equal(strncmp(heard.last.first, "deleted ", 8), 0);

	/* Putting it back is not a change of others. */
	commit(f, NULL, rs);
	run_loop(loop);
	assert_int_equal(heard.n_changed, 2);
	assert_int_equal(heard.n_lost, 0);
	fw_watch_free(w);
	sd_event_unref(loop);
}

static void rules_that_keep_security_marks_are_heard(void **state)
{
	struct fixture *f = *state;
	struct heard heard = { 0 };
	sd_event *loop = NULL;

	assert_true(sd_event_new(&loop) >= 0);
	struct fw_watch *w = watch(f, loop, &heard);
	commit(f, NULL, seal(sample_ruleset(f->arena)));
	assert_int_equal(shell("nft 'table ip x { chain c { ct mark set 1; }; }'"), 0);
	run_loop(loop);
	assert_int_equal(heard.n_secmark, 0);
	assert_int_equal(shell("nft add rule ip x c ct secmark set meta secmark"), 0);
	run_loop(loop);
	assert_int_equal(heard.n_secmark, 1);
	assert_int_equal(shell("nft delete table ip x"), 0);
	run_loop(loop);
	assert_int_equal(heard.n_secmark, 2);
	assert_int_equal(heard.n_changed, 0);
	fw_watch_free(w);
	sd_event_unref(loop);
}

/* The watch's socket: the one that listens to a group. */
static int listening_fd(void)
{
	for (int fd = 3; fd < 64; fd++) {
		struct sockaddr_nl name = { 0 };
		socklen_t len = sizeof(name);
		if (getsockname(fd, (struct sockaddr *)&name, &len) == 0 &&
		    name.nl_family == AF_NETLINK && name.nl_groups != 0)
			return fd;
	}
	return -1;
}

static void lost_notifications_are_told(void **state)
{
	struct fixture *f = *state;
	struct heard heard = { 0 };
	sd_event *loop = NULL;
	int least = 1;

	assert_true(sd_event_new(&loop) >= 0);
	struct fw_watch *w = watch(f, loop, &heard);
	int fd = listening_fd();
	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &least, sizeof(least)), 0);
	commit(f, NULL, seal(sample_ruleset(f->arena)));
	assert_int_equal(shell("nft flush ruleset"), 0);
	run_loop(loop);
	assert_true(heard.n_lost > 0);
	fw_watch_free(w);
	sd_event_unref(loop);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fw_setup, fw_teardown)
	const struct CMUnitTest tests[] = {
		T(others_cannot_touch_it),
		T(a_second_one_is_told),
		T(a_killed_owner_leaves_the_rules),
		T(it_replaces_unowned_tables),
		T(changes_of_others_are_heard),
		T(lost_notifications_are_told),
		T(rules_that_keep_security_marks_are_heard),
	};
#undef T
	int skipped = have_netns();

	if (skipped)
		return skipped;
	if (shell("nft --version >/dev/null 2>&1") != 0) {
		print_message("SKIP: there is no nft to play the other process\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
