/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fw_verify(): what the kernel holds of a ruleset is what was committed, whatever the ruleset; and
 * whatever somebody changes is named. Needs root and nft. */
#include "fw_lib.h"

#include "core/base/limits.h"
#include "edge/fw/handle.h"

#define SEEDS 60

static struct fw_verified verify(struct fixture *f, const struct ruleset *rs)
{
	struct fw_verified verified;
	int r = fw_verify(f->fw, rs, f->arena, &verified, &f->error);

	if (r < 0)
		print_message("%s\n", f->error.text);
	assert_int_equal(r, 0);
	for (size_t i = 0; i < verified.drifts.n; i++)
		print_message("drift %d: %s\n", (int)verified.drifts.items[i].kind,
			      verified.drifts.items[i].what);
	return verified;
}

static void what_was_committed_is_there(void **state)
{
	struct fixture *f = *state;
	const struct ruleset *last = NULL;

	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		const struct ruleset *next = random_ruleset(f->arena, seed);
		/* Whole, and as a difference to the one before. */
		commit(f, seed % 3 ? last : NULL, next);
		struct fw_verified verified = verify(f, next);
		if (verified.n_drifts)
			fail_msg("seed %d", (int)seed);
		assert_true(verified.n_objects > 2);
		last = next;
	}
}

static void others_that_commit_do_not_matter(void **state)
{
	struct fixture *f = *state;
	const struct ruleset *rs = seal(sample_ruleset(f->arena));

	commit(f, NULL, rs);
	assert_int_equal(shell("nft add table ip netd; nft add chain ip netd forward; "
			       "nft add table inet other"),
			 0);
	assert_int_equal(verify(f, rs).n_drifts, 0);
}

/* Without an owner, so that others can. */
static const struct ruleset *commit_unowned(struct fixture *f)
{
	const struct ruleset *rs = seal(sample_ruleset(f->arena));

	f->fw->owns_tables = false;
	commit(f, NULL, rs);
	assert_int_equal(verify(f, rs).n_drifts, 0);
	return rs;
}

/* What somebody does, and all that is then said of it. */
static const struct sabotage {
	const char *command, *said;
} sabotages[] = {
	{ "nft add chain inet netd stranger", "foreign chain inet netd stranger\n" },
	{ "nft insert rule inet netd denied accept", "foreign rule 1 of chain inet netd denied\n" },
	{ "nft add rule inet netd input accept", "foreign rule 1 of chain inet netd input\n" },
	{ "nft flush chain inet netd accepted", "missing rule 1 of chain inet netd accepted\n" },
	{ "nft delete rule inet netd forward handle "
	  "$(nft -a list chain inet netd forward | sed -n 's/.*vmap.*handle //p')",
	  "missing rule 2 of chain inet netd forward\n" },
	{ "nft replace rule inet netd accepted handle "
	  "$(nft -a list chain inet netd accepted | sed -n 's/.*accept # handle //p') accept",
	  "changed rule 1 of chain inet netd accepted\n" },
	/* The one bit that turns a rule around, and a rule with a set of its own. */
	{ "nft replace rule inet netd forward handle "
	  "$(nft -a list chain inet netd forward | sed -n 's/.*@bridges.*handle //p') "
	  "oifname != @bridges counter name denied drop",
	  "changed rule 3 of chain inet netd forward\n" },
	{ "nft replace rule inet netd to_frontend handle "
	  "$(nft -a list chain inet netd to_frontend |"
	  " sed -n 's/.*ip saddr 10.0.0.1-10.0.0.9.*handle //p') "
	  "ip saddr { 10.0.0.1, 10.0.0.4 } return",
	  "changed rule 12 of chain inet netd to_frontend\n"
	  "foreign set inet netd __set0\n"
	  "foreign an element of set inet netd __set0\n"
	  "foreign an element of set inet netd __set0\n" },
	{ "nft 'add set inet netd strange { type ipv4_addr; }'",
	  "foreign set inet netd strange\n" },
	{ "nft add counter inet netd strange", "foreign counter inet netd strange\n" },
	{ "nft add element inet netd frontend4 { 172.18.0.77 }",
	  "foreign element 172.18.0.77 of set inet netd frontend4\n" },
	{ "nft delete element inet netd frontend4 { 172.18.0.3 }",
	  "missing element 172.18.0.3 of set inet netd frontend4\n" },
	{ "nft delete element inet netd to4 { 172.18.0.9 : drop }; "
	  "nft add element inet netd to4 { 172.18.0.9 : accept }",
	  "changed element 172.18.0.9 of set inet netd to4\n" },
	{ "nft 'chain inet netd input { policy drop; }'", "changed chain inet netd input\n" },
	{ "nft 'add table bridge netd { flags dormant; }'", "changed table bridge netd\n" },
};

static void every_change_is_named(void **state)
{
	static const char *const kinds[] = {
		[FW_MISSING] = "missing", [FW_FOREIGN] = "foreign", [FW_CHANGED] = "changed"
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(sabotages); i++) {
		const struct ruleset *rs = commit_unowned(f);
		struct fw_verified verified;
		char said[4096] = "";
		if (shell("%s", sabotages[i].command) != 0)
			fail_msg("%s", sabotages[i].command);
		assert_int_equal(fw_verify(f->fw, rs, f->arena, &verified, &f->error), 0);
		for (size_t k = 0; k < verified.drifts.n; k++) {
			const struct fw_drift *drift = &verified.drifts.items[k];
			size_t len = strlen(said);
			(void)snprintf(said + len, sizeof(said) - len, "%s %s\n",
				       kinds[drift->kind], drift->what);
		}
		if (strcmp(said, sabotages[i].said) != 0)
			fail_msg("%s: %s", sabotages[i].command, said);
	}
}

/* All of it: listed up to the limit, counted beyond. */
static void a_table_that_is_gone_is_counted(void **state)
{
	struct fixture *f = *state;
	const struct ruleset *rs = commit_unowned(f);
	struct fw_verified verified;

	assert_int_equal(shell("nft delete table bridge netd; nft delete table inet netd"), 0);
	assert_int_equal(fw_verify(f->fw, rs, f->arena, &verified, &f->error), 0);
	assert_int_equal(verified.n_drifts, verified.n_objects);
	assert_int_equal(verified.drifts.n,
			 verified.n_drifts < LIMIT_DRIFTS ? verified.n_drifts : LIMIT_DRIFTS);
	assert_string_equal(verified.drifts.items[0].what, "table inet netd");
	/* And the other way round: foreign, all of it. */
	const struct ruleset *nothing = seal(ruleset_new(f->arena));
	commit(f, NULL, rs);
	assert_int_equal(fw_verify(f->fw, nothing, f->arena, &verified, &f->error), 0);
	assert_int_equal(verified.drifts.items[0].kind, FW_FOREIGN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_committed_is_there, fw_setup, fw_teardown),
		cmocka_unit_test_setup_teardown(others_that_commit_do_not_matter, fw_setup,
						fw_teardown),
		cmocka_unit_test_setup_teardown(every_change_is_named, fw_setup, fw_teardown),
		cmocka_unit_test_setup_teardown(a_table_that_is_gone_is_counted, fw_setup,
						fw_teardown),
	};
	int skipped = have_netns();

	if (skipped)
		return skipped;
	if (shell("nft --version >/dev/null 2>&1") != 0) {
		print_message("SKIP: there is no nft to play the other process\n");
		return 77;
	}
	return cmocka_run_group_tests_name("fw_verify", tests, NULL, NULL);
}
