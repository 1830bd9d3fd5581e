/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What netd commits is what `nft -f` makes of the printed text: the same objects in the kernel, and
 * `nft list` of them loads again. Needs root and nft. */
#include "../unit/test_names_lib.h"
#include "fw_lib.h"

static char script[] = "/tmp/netd-test-XXXXXX";
static bool same_printer; /* nft 1.0.6: the notes to its own printer are compared, too */

static void write_script(const struct ruleset *rs)
{
	struct text out = { 0 };
	FILE *file = fopen(script, "w");

	assert_non_null(file);
	ruleset_print(rs, &out);
	assert_false(text_failed(&out));
	assert_int_equal(fputs(text_str(&out), file) >= 0, 1);
	assert_int_equal(fclose(file), 0);
	text_done(&out);
}

static bool equal(struct fixture *f, const struct ruleset *rs)
{
	commit(f, NULL, rs);
	char *ours = dump_kernel(same_printer);
	fresh_netns();
	write_script(rs);
	if (shell("nft -c -f %s && nft -f %s", script, script) != 0)
		return false;
	char *theirs = dump_kernel(same_printer);
	bool same = same_dump(ours, theirs);
	/* Loading takes the place of what is there. */
	same = same && shell("nft -f %s", script) == 0;
	char *again = dump_kernel(same_printer);
	same = same && same_dump(theirs, again);
	free(ours);
	free(theirs);
	free(again);
	return same;
}

static void the_sample(void **state)
{
	struct fixture *f = *state;

	assert_true(equal(f, seal(sample_ruleset(f->arena))));
}

/* A table of family netdev, on the one interface that is in each network namespace. */
static void at_an_interface(void **state)
{
	static const struct rs_device lo = { .name = "lo" };
	static const struct rs_base in = { RS_HOOK_INGRESS, -300, &lo, 1 },
				    out = { RS_HOOK_EGRESS, -300, &lo, 1 };
	static const enum rs_type mac[] = { RS_TYPE_LINK_ADDR },
				  flow[] = { RS_TYPE_IPV6, RS_TYPE_IPV6, RS_TYPE_INET_PROTO,
					     RS_TYPE_INET_SERVICE, RS_TYPE_INET_SERVICE };
	static const struct rs_note note = {
		"seen", { RS_IP6_SADDR, RS_IP6_DADDR, RS_META_L4PROTO, RS_TH_SPORT, RS_TH_DPORT }, 5
	};
	struct fixture *f = *state;
	struct ruleset *rs = ruleset_new(f->arena);
	struct rs_set *macs = ruleset_add_set(rs, RS_NETDEV, "macs", mac, 1);
	struct rs_set *seen = ruleset_add_set(rs, RS_NETDEV, "seen", flow, 5);
	struct rs_chain *ingress = ruleset_add_chain(rs, RS_NETDEV, "ingress", &in);
	struct rs_chain *egress = ruleset_add_chain(rs, RS_NETDEV, "egress", &out);
	struct rs_match match = { .op = RS_IN, .n_fields = 1, .set = "macs" };
	struct rs_key key = { 6, { 2, 0, 0, 0, 0, 1 } };

	assert_true(macs && seen && ingress && egress);
	seen->forgets_s = 180;
	assert_int_equal(ruleset_add_key(rs, macs, &key, NULL), 0);
	match.fields[0] = RS_LINK_DADDR;
	add_rule(rs, ingress,
		 (struct rs_rule){ .matches = &match, .n_matches = 1, .verdict = RS_DROP });
	match.fields[0] = RS_LINK_SADDR;
	add_rule(rs, egress,
		 (struct rs_rule){ .matches = &match, .n_matches = 1, .verdict = RS_DROP });
	add_rule(rs, egress, (struct rs_rule){ .note = &note, .verdict = RS_ACCEPT });
	assert_true(equal(f, seal(rs)));
}

static void an_empty_one(void **state)
{
	struct fixture *f = *state;

	assert_true(equal(f, seal(ruleset_new(f->arena))));
}

static void random_ones(void **state)
{
	const char *text = getenv("SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : 1;

	print_message("SEED=%llu\n", (unsigned long long)seed);
	for (uint64_t i = 0; i < 60; i++) {
		fw_teardown(state);
		fw_setup(state);
		struct fixture *f = *state;
		bool same = equal(f, random_ruleset(f->arena, seed + i));
		if (!same)
			print_message("at SEED=%llu\n", (unsigned long long)(seed + i));
		assert_true(same);
	}
}

/* Tiers and files of every name that validate takes. */
static void any_names(void **state)
{
	struct fixture *f = *state;
	const struct ruleset *rs;
	struct names names;
	size_t next = 0, loaded = 0;

	names_make(&names, f->arena, 1);
	while ((rs = names_next_ruleset(&names, &next, f->arena))) {
		write_script(rs);
		if (shell("nft -c -f %s", script) != 0)
			fail_msg("nft does not load what stands in %s", script);
		loaded++;
	}
	assert_true(loaded * NAMES_TIERS > NAMES_RANDOM);
}

static void nft_lists_and_loads_it_back(void **state)
{
	struct fixture *f = *state;

	commit(f, NULL, seal(sample_ruleset(f->arena)));
	char *ours = dump_kernel(false);
	/* An old nft cannot read the table flags that it lists. */
	assert_int_equal(shell("nft -s list ruleset | grep -v '^\tflags' >%s", script), 0);
	fresh_netns();
	assert_int_equal(shell("nft -f %s", script), 0);
	char *loaded = dump_kernel(false);
	assert_true(same_dump(ours, loaded));
	free(ours);
	free(loaded);
}

/* What the compiler makes for whole hosts; with a later nft in PATH, as that one lists it. */
static void compiled_ones_load_from_their_listing(void **state)
{
	static const char *const exports[] = { "export-host", "export-parent", "export-policy",
					       "export-published" };

	(void)state;
	/* As text: nft loads a prefix of whole bytes by those alone. */
	for (size_t i = 0; i < ARRAY_LEN(exports); i++) {
		fresh_netns();
		assert_int_equal(shell("nft -f tests/golden/ctl/%s/stdout", exports[i]), 0);
		assert_int_equal(shell("nft -s list ruleset >%s && test -s %s", script, script), 0);
		fresh_netns();
		assert_int_equal(shell("nft -f %s", script), 0);
		assert_int_equal(shell("nft -s list ruleset | cmp -s - %s", script), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_sample, fw_setup, fw_teardown),
		cmocka_unit_test_setup_teardown(at_an_interface, fw_setup, fw_teardown),
		cmocka_unit_test_setup_teardown(an_empty_one, fw_setup, fw_teardown),
		cmocka_unit_test_setup_teardown(random_ones, fw_setup, fw_teardown),
		cmocka_unit_test_setup_teardown(any_names, fw_setup, fw_teardown),
		cmocka_unit_test_setup_teardown(nft_lists_and_loads_it_back, fw_setup, fw_teardown),
		cmocka_unit_test_setup_teardown(compiled_ones_load_from_their_listing, fw_setup,
						fw_teardown),
	};
	int skipped = have_netns();

	if (skipped)
		return skipped;
	if (shell("nft --version >/dev/null 2>&1") != 0) {
		print_message("SKIP: there is no nft to compare with\n");
		return 77;
	}
	same_printer = shell("nft --version | grep -q 'v1\\.0\\.6 '") == 0;
	int fd = mkstemp(script);
	if (fd < 0)
		return 1;
	close(fd);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	(void)unlink(script);
	return failed;
}
