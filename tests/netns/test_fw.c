/* SPDX-License-Identifier: GPL-2.0-or-later */
/* edge/fw against the kernel: commits, differences, errors, counters and stamps, each test in a
 * fresh network namespace. Needs root. */
#include "fw_lib.h"

#include <endian.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "edge/fw/encode.h"

/* ---- commits ---- */

static void commits_and_replaces(void **state)
{
	struct fixture *f = *state;
	const struct ruleset *rs = seal(sample_ruleset(f->arena));

	commit(f, NULL, rs);
	char *once = dump_kernel(true);
	assert_non_null(strstr(once, "chain bridge netd identity_in"));
	assert_non_null(strstr(once, "name targets6"));
	commit(f, NULL, seal(random_ruleset(f->arena, 1)));
	commit(f, NULL, rs);
	char *again = dump_kernel(true);
	assert_true(same_dump(once, again));
	free(once);
	free(again);
}

static void a_check_changes_nothing(void **state)
{
	struct fixture *f = *state;
	const struct ruleset *rs = seal(sample_ruleset(f->arena));

	assert_int_equal(fw_check(f->fw, NULL, rs, f->arena, &f->error), 0);
	char *dump = dump_kernel(false);
	assert_string_equal(dump, "");
	free(dump);
}

static void off_deletes_both(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(fw_off(f->fw, &f->error), 0);
	commit(f, NULL, seal(sample_ruleset(f->arena)));
	assert_int_equal(fw_off(f->fw, &f->error), 0);
	char *dump = dump_kernel(false);
	assert_string_equal(dump, "");
	free(dump);
}

/* A commit of differences leaves what a commit of the whole leaves. */
static void differences_equal_the_whole(void **state)
{
	struct fixture *f = *state;
	const char *text = getenv("SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : 1;

	print_message("SEED=%llu\n", (unsigned long long)seed);
	for (uint64_t i = 0; i < 40; i++) {
		fw_teardown(state);
		fw_setup(state);
		const struct ruleset *a = random_ruleset(f->arena, seed + i);
		const struct ruleset *b = random_ruleset(f->arena, seed + i + 500);
		commit(f, NULL, a);
		commit(f, a, b);
		char *steps = dump_kernel(true);
		fw_teardown(state);
		fw_setup(state);
		commit(f, NULL, random_ruleset(f->arena, seed + i + 500));
		char *whole = dump_kernel(true);
		bool same = same_dump(steps, whole);
		if (!same)
			print_message("at SEED=%llu\n", (unsigned long long)(seed + i));
		assert_true(same);
		free(steps);
		free(whole);
	}
}

static void many_steps_in_one_table(void **state)
{
	struct fixture *f = *state;
	const struct ruleset *before = NULL, *rs = NULL;

	for (uint64_t i = 0; i < 40; i++) {
		rs = random_ruleset(f->arena, i % 2 ? i : i / 2 + 3);
		commit(f, before, rs);
		before = rs;
	}
	char *steps = dump_kernel(true);
	commit(f, NULL, rs);
	char *whole = dump_kernel(true);
	assert_true(same_dump(steps, whole));
	free(steps);
	free(whole);
}

/* ---- errors ---- */

static struct ruleset *two_chains(struct arena *arena, bool ghost, const char *elem)
{
	struct ruleset *rs = ruleset_new(arena);
	struct rs_set *set = add_set(rs, RS_INET, "frontend4", RS_TYPE_IPV4);

	(void)add_chain(rs, RS_INET, "denied");
	if (ghost)
		(void)add_chain(rs, RS_INET, "ghost");
	add_elem(rs, set, key_ip("172.18.0.2"));
	if (elem)
		add_elem(rs, set, key_ip(elem));
	return rs;
}

/* The kernel holds two_chains(false, "172.18.0.3"); netd believes @from and wants @to. */
static void expect_error(struct fixture *f, struct ruleset *from, struct ruleset *to, int err,
			 const char *object)
{
	commit(f, NULL, seal(two_chains(f->arena, false, "172.18.0.3")));
	char *before = dump_kernel(true);
	assert_int_equal(fw_commit(f->fw, seal(from), seal(to), f->arena, &f->error), err);
	assert_int_equal(f->error.err, err);
	if (!strstr(f->error.text, object))
		print_message("%s\n", f->error.text);
	assert_non_null(strstr(f->error.text, object));
	char *after = dump_kernel(true);
	assert_true(same_dump(before, after));
	free(before);
	free(after);
}

static void errors_name_the_object(void **state)
{
	struct fixture *f = *state;
	struct arena *a = f->arena;

	expect_error(f, two_chains(a, true, "172.18.0.3"), two_chains(a, false, "172.18.0.3"),
		     -ENOENT, "chain inet netd ghost: No such file");
	expect_error(f, two_chains(a, false, NULL), two_chains(a, false, "172.18.0.3"), -EEXIST,
		     "element 172.18.0.3 of set inet netd frontend4: File exists");
	expect_error(f, two_chains(a, false, "172.18.0.9"), two_chains(a, false, NULL), -ENOENT,
		     "element 172.18.0.9 of set inet netd frontend4");

	struct ruleset *missing = two_chains(a, true, "172.18.0.3");
	struct ruleset *jumps = two_chains(a, true, "172.18.0.3");
	add_rule(jumps, jumps->tables[RS_INET].chains.items[0],
		 (struct rs_rule){ .verdict = RS_JUMP, .target = "ghost" });
	expect_error(f, missing, jumps, -ENOENT, "rule 1 of chain inet netd denied");
}

static void deepest_nesting_is_accepted(void **state)
{
	struct fixture *f = *state;
	struct ruleset *rs = ruleset_new(f->arena);
	const int n = 15;

	for (int i = 0; i <= n; i++) {
		const char *name = arena_printf(f->arena, "deep%02d", i);
		struct rs_chain *chain = i ? add_chain(rs, RS_INET, name)
					   : add_base(rs, RS_INET, name, RS_HOOK_INPUT, 0);
		if (i < n)
			add_rule(rs, chain,
				 (struct rs_rule){
					 .verdict = RS_JUMP,
					 .target = arena_printf(f->arena, "deep%02d", i + 1) });
	}
	commit(f, NULL, seal(rs));
}

static void without_privilege_it_says_so(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		struct fw *fw;
		struct fw_error error = { 0 };
		if (setgroups(0, NULL) < 0 || setresgid(65534, 65534, 65534) < 0 ||
		    setresuid(65534, 65534, 65534) < 0)
			_exit(2);
		int r = fw_open(&fw, &error);
		_exit(r == -EPERM && strstr(error.text, "CAP_NET_ADMIN") ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* ---- others commit, too ---- */

/* Makes and deletes another table, now sooner and now later, for as long as the test lives: never as
 * soon all the time as a slow build of ours needs to look and commit. */
static void commit_others(void)
{
	const int longest_us = 10000;
	struct mnl_socket *nl = mnl_socket_open(NETLINK_NETFILTER);
	struct ruleset *empty = ruleset_new(arena_new());
	struct fw_batch batch;
	struct rs_diff diff;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || !nl ||
	    mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    ruleset_diff(NULL, empty, empty->arena, &diff) < 0)
		_exit(1);
	for (;;) {
		struct fw_encode_options options = { .whole = true };
		if (fw_batch_begin(&batch, 1) < 0)
			_exit(1);
		batch.table = "other";
		if (fw_encode(&batch, &diff, &options) < 0)
			_exit(1);
		fw_encode_delete_table(&batch, RS_INET);
		fw_encode_delete_table(&batch, RS_BRIDGE);
		if (fw_batch_end(&batch) < 0 || mnl_socket_sendto(nl, batch.bytes, batch.len) < 0)
			_exit(1);
		char buffer[8192];
		(void)recv(mnl_socket_get_fd(nl), buffer, sizeof(buffer), MSG_DONTWAIT);
		fw_batch_done(&batch);
		(void)usleep((useconds_t)(rand() % longest_us));
	}
}

/* How often the two meet is chance; that they do within seconds is not. */
static void conflicts_are_tried_again(void **state)
{
	struct fixture *f = *state;
	struct ruleset *rs[2] = { sample_ruleset(f->arena), sample_ruleset(f->arena) };
	struct fw_state now;
	uint32_t i = 0;
	double end = now_s() + 20;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		commit_others();
	commit(f, NULL, seal(rs[0]));
	(void)seal(rs[1]);
	do { /* once in any case: the first commit may have met them all */
		i = (i + 1) % 0x10000;
		ruleset_set_stamp(rs[i % 2], i << 16);
		commit(f, rs[(i + 1) % 2], rs[i % 2]);
	} while (fw_conflicts(f->fw) < 5 && now_s() < end);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(fw_conflicts(f->fw) >= 5);
	assert_int_equal(fw_probe(f->fw, &now, &f->error), 0);
	assert_int_equal(now.stamp, i << 16);
}

/* ---- reading back ---- */

static void the_stamp_is_read_back(void **state)
{
	struct fixture *f = *state;
	struct ruleset *rs = sample_ruleset(f->arena), *next = sample_ruleset(f->arena);
	struct fw_state now;

	assert_int_equal(fw_probe(f->fw, &now, &f->error), 0);
	assert_false(now.exists[RS_INET] || now.exists[RS_BRIDGE] || now.stamped);
	commit(f, NULL, seal(rs));
	assert_int_equal(fw_probe(f->fw, &now, &f->error), 0);
	assert_true(now.exists[RS_INET] && now.exists[RS_BRIDGE] && now.stamped);
	assert_int_equal(now.stamp, 0x00070000);
	assert_int_equal(now.stamp_mask, SAMPLE_STAMP_MASK);
	(void)seal(next);
	ruleset_set_stamp(next, 0x00080000);
	commit(f, rs, next);
	assert_int_equal(fw_probe(f->fw, &now, &f->error), 0);
	assert_int_equal(now.stamp, 0x00080000);
}

/* A low bit and the stamp on everything this host sends, counted. */
static struct ruleset *output_ruleset(struct arena *arena, const char *extra)
{
	struct ruleset *rs = ruleset_new(arena);
	struct rs_mark low = { RS_CT_SECMARK, ~0x1u, 0x1, false };
	struct rs_mark stamp = { RS_CT_SECMARK, ~SAMPLE_STAMP_MASK, 0, true };

	rs->stamp_mask = SAMPLE_STAMP_MASK;
	rs->stamp = 0x00050000;
	assert_int_equal(ruleset_add_counter(rs, RS_INET, "sent"), 0);
	assert_int_equal(ruleset_add_counter(rs, RS_INET, "never"), 0);
	assert_int_equal(ruleset_add_counter(rs, RS_BRIDGE, "frames"), 0);
	struct rs_chain *output = add_base(rs, RS_INET, "output", RS_HOOK_OUTPUT, 0);
	add_rule(rs, output, (struct rs_rule){ .mark = &low });
	add_rule(rs, output, (struct rs_rule){ .counter = "sent", .mark = &stamp });
	if (extra) {
		struct rs_match match = match_eq(RS_META_OIFNAME, key_ifname(extra));
		add_rule(rs, output, (struct rs_rule){ MATCHES(match), .verdict = RS_DROP });
		add_elem(rs, add_set(rs, RS_INET, "extra", RS_TYPE_IFNAME), key_ifname(extra));
	}
	return rs;
}

static void send_udp(uint32_t n)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = { htobe32(0x7f000001) } };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	for (uint32_t i = 0; i < n; i++) {
		to.sin_port = htobe16((uint16_t)(1000 + i));
		(void)sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to));
	}
	close(fd);
}

/* Without a name where there is none. */
static struct fw_counter find_counter(const struct fw_counters *counters, enum rs_family family,
				      const char *name)
{
	for (size_t i = 0; i < counters->counters.n; i++) {
		const struct fw_counter *counter = &counters->counters.items[i];
		if (counter->family == family && strcmp(counter->name, name) == 0)
			return *counter;
	}
	return (struct fw_counter){ .family = family };
}

static void counters_survive_differences(void **state)
{
	struct fixture *f = *state;
	const struct ruleset *before = seal(output_ruleset(f->arena, NULL));
	const struct ruleset *after = seal(output_ruleset(f->arena, "eth7"));
	struct fw_counters counters;

	assert_int_equal(shell("ip link set lo up"), 0);
	commit(f, NULL, before);
	send_udp(10);
	commit(f, before, after);
	assert_int_equal(fw_counters(f->fw, f->arena, &counters, &f->error), 0);
	assert_int_equal(counters.counters.n, 3);
	assert_string_equal(counters.counters.items[0].name, "never");
	struct fw_counter sent = find_counter(&counters, RS_INET, "sent");
	assert_true(sent.packets >= 10 && sent.bytes >= 290);
	struct fw_counter never = find_counter(&counters, RS_INET, "never");
	assert_true(never.name && never.packets == 0);
	assert_non_null(find_counter(&counters, RS_BRIDGE, "frames").name);
	assert_null(find_counter(&counters, RS_BRIDGE, "sent").name);
}

/* Whose rules keep security marks, by iptables and by nft; netd's own do not count. */
static void users_of_the_security_mark_are_found(void **state)
{
	static const struct {
		const char *add, *place, *remove;
	} rows[] = {
		{ "iptables-nft -t mangle -A PREROUTING -j CONNSECMARK --restore",
		  "table ip mangle, chain PREROUTING", "iptables-nft -t mangle -F" },
		{ "ip6tables-nft -t mangle -A OUTPUT -j CONNSECMARK --save",
		  "table ip6 mangle, chain OUTPUT", "ip6tables-nft -t mangle -F" },
		{ "nft 'table inet other { chain c { ct secmark set meta secmark; }; }'",
		  "table inet other, chain c", "nft delete table inet other" },
		{ "nft 'table inet other { chain c { ct mark set 7; ct secmark & 0x8 == 0x8 "
		  "accept; }; }'",
		  "", "nft delete table inet other" },
	};
	struct fixture *f = *state;
	char place[FW_PLACE_LEN];

	assert_true(fw_can_stamp(f->fw));
	commit(f, NULL, seal(sample_ruleset(f->arena)));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(shell("%s", rows[i].add), 0);
		assert_int_equal(fw_secmark_user(f->fw, place, &f->error), 0);
		assert_string_equal(place, rows[i].place);
		assert_int_equal(shell("%s", rows[i].remove), 0);
		assert_int_equal(fw_secmark_user(f->fw, place, &f->error), 0);
		assert_string_equal(place, "");
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fw_setup, fw_teardown)
	const struct CMUnitTest tests[] = {
		T(commits_and_replaces),
		T(a_check_changes_nothing),
		T(off_deletes_both),
		T(differences_equal_the_whole),
		T(many_steps_in_one_table),
		T(errors_name_the_object),
		T(deepest_nesting_is_accepted),
		T(without_privilege_it_says_so),
		T(conflicts_are_tried_again),
		T(the_stamp_is_read_back),
		T(counters_survive_differences),
		T(users_of_the_security_mark_are_found),
	};
#undef T
	int skipped = have_netns();

	return skipped ? skipped : cmocka_run_group_tests(tests, NULL, NULL);
}
