/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/ruleset: building, lookups, printing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "core/ruleset/print.h"
#include "test_ruleset_random.h"

static int setup(void **state)
{
	*state = arena_new();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	*state = arena_free(*state);
	return 0;
}

static struct ruleset *sealed_sample(struct arena *arena)
{
	struct ruleset *rs = sample_ruleset(arena);
	const char *why = "";
	int r = ruleset_seal(rs, &why);

	if (r < 0)
		print_message("%s\n", why);
	assert_int_equal(r, 0);
	return rs;
}

/* ---- building ---- */

static void seals_the_sample(void **state)
{
	const struct ruleset *rs = sealed_sample(*state);
	const struct rs_table *inet = &rs->tables[RS_INET];

	assert_int_equal(inet->counters.n, 2);
	assert_string_equal(inet->counters.items[0], "denied");
	for (size_t i = 1; i < inet->sets.n; i++)
		assert_true(strcmp(inet->sets.items[i - 1]->name, inet->sets.items[i]->name) < 0);
	assert_string_equal(ruleset_find_chain(inet, "denied")->name, "denied");
	assert_null(ruleset_find_chain(inet, "nobody"));
	assert_null(ruleset_find_set(inet, "nothing"));
	assert_string_equal(inet->chains.items[0]->name, "accepted");
}

static void makes_doubles_one(void **state)
{
	struct ruleset *rs = ruleset_new(*state);
	struct rs_set *set = add_set(rs, RS_INET, "twice", RS_TYPE_IPV4);
	const char *why;

	add_elem(rs, set, key_ip("10.0.0.1"));
	add_elem(rs, set, key_ip("10.0.0.2"));
	add_elem(rs, set, key_ip("10.0.0.1"));
	assert_int_equal(ruleset_seal(rs, &why), 0);
	assert_int_equal(set->n_elems, 2);
}

static void follows_the_stamp(void **state)
{
	struct ruleset *rs = sealed_sample(*state);
	struct text out = { 0 };

	ruleset_set_stamp(rs, 0x12340000 | 0x55); /* bits outside the mask do not count */
	ruleset_print(rs, &out);
	assert_non_null(strstr(text_str(&out), "ct secmark & 0xffff0000 == 0x12340000 accept"));
	assert_non_null(strstr(text_str(&out),
			       "ct secmark set ct secmark & 0x0000ffff | 0x12340000 accept"));
	assert_null(strstr(text_str(&out), "00070000"));
	text_done(&out);
}

static void knows_bad_names(void **state)
{
	char longest[129];

	(void)state;
	memset(longest, 'a', sizeof(longest));
	longest[128] = '\0';
	assert_false(ruleset_name_ok(longest));
	longest[127] = '\0';
	assert_true(ruleset_name_ok(longest));
	static const char *const good[] = { "to_web", "ip4", "Web-1", "a.b", "_x", "forward" };
	static const char *const bad[] = { "",	  "ip6", "fwd", "policy",   "4ip",    "a b",
					   "a/b", "x\"", "-a",	"synproxy", "a-rwnd", "zone" };
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(ruleset_name_ok(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(ruleset_name_ok(bad[i]));
}

/* ---- lookups ---- */

static void finds_elements(void **state)
{
	const struct ruleset *rs = sealed_sample(*state);
	const struct rs_table *inet = &rs->tables[RS_INET];
	static const struct {
		const char *set, *key;
		bool in;
	} rows[] = {
		{ "frontend4", "172.18.0.2", true },
		{ "frontend4", "172.18.0.3", true },
		{ "frontend4", "172.18.0.1", false },
		{ "frontend4", "172.18.0.4", false },
		{ "nobody6", "fd00::1", false },
		{ "to4", "172.18.0.9", true },
		{ "lan4", "9.255.255.255", false },
		{ "lan4", "10.0.0.0", true },
		{ "lan4", "10.255.255.255", true },
		{ "lan4", "11.0.0.9", true },
		{ "lan4", "11.0.0.10", false },
		{ "lan4", "255.255.255.254", true },
		{ "lan4", "255.255.255.255", false },
		{ "low6", "::", false },
		{ "low6", "::5", true },
		{ "low6", "::6", false },
		{ "low6", "fd00::1", true },
		{ "low6", "fd00::2", false },
		{ "frontend4", "fd00::1", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rs_key key = key_ip(rows[i].key);
		bool in = rs_set_find(ruleset_find_set(inet, rows[i].set), &key) >= 0;
		if (in != rows[i].in)
			print_message("%s in %s\n", rows[i].key, rows[i].set);
		assert_int_equal(in, rows[i].in);
	}
	const struct rs_set *to4 = ruleset_find_set(inet, "to4");
	struct rs_key key = key_ip("172.18.0.2");
	ptrdiff_t at = rs_set_find(to4, &key);
	assert_true(at >= 0);
	assert_string_equal(rs_set_elem(to4, (size_t)at).outcome.target, "to_frontend");
}

static void finds_in_large_sets(void **state)
{
	struct ruleset *rs = ruleset_new(*state);
	struct rs_set *set = add_set(rs, RS_INET, "even", RS_TYPE_INET_SERVICE);
	const char *why;

	for (uint32_t port = 0; port < 65536; port += 2)
		add_elem(rs, set, key_u16(RS_TYPE_INET_SERVICE, (uint16_t)(port * 7)));
	assert_int_equal(ruleset_seal(rs, &why), 0);
	for (uint32_t port = 0; port < 65536; port++) {
		struct rs_key key = key_u16(RS_TYPE_INET_SERVICE, (uint16_t)port);
		assert_int_equal(rs_set_find(set, &key) >= 0, port % 2 == 0);
	}
}

/* ---- printing ---- */

static const char golden[] =
	"table inet netd {}\n"
	"delete table inet netd\n"
	"table bridge netd {}\n"
	"delete table bridge netd\n"
	"\n"
	"table inet netd {\n"
	"\tcounter denied {\n"
	"\t}\n"
	"\n"
	"\tset lan4 {\n"
	"\t\ttype ipv4_addr\n"
	"\t\tflags interval\n"
	"\t\telements = {\n"
	"\t\t\t10.0.0.0/8,\n"
	"\t\t\t192.168.0.3-192.168.0.5,\n"
	"\t\t}\n"
	"\t}\n"
	"\n"
	"\tmap to4 {\n"
	"\t\ttype ipv4_addr : verdict\n"
	"\t\telements = {\n"
	"\t\t\t172.18.0.2 : goto to_web,\n"
	"\t\t}\n"
	"\t}\n"
	"\n"
	"\t# tier web\n"
	"\tchain to_web {\n"
	"\t\tmeta l4proto tcp ct reply proto-src 80-90 ct original ip saddr @lan4 accept comment "
	"\"a.yaml:1\"\n"
	"\t\tlimit rate 10/second burst 20 packets log prefix \"deny \" group 5\n"
	"\t\tcounter name \"denied\" drop\n"
	"\t}\n"
	"\n"
	"\tchain forward {\n"
	"\t\ttype filter hook forward priority -10; policy accept;\n"
	"\t\tct reply ip saddr vmap @to4\n"
	"\t}\n"
	"}\n"
	"\n"
	"table bridge netd {\n"
	"}\n";

static void prints_golden(void **state)
{
	struct ruleset *rs = ruleset_new(*state);
	struct rs_log log = { "deny ", 5, 10, 20, NULL, RS_IP_SADDR };
	struct text out = { 0 };
	const char *why;

	assert_int_equal(ruleset_add_counter(rs, RS_INET, "denied"), 0);
	struct rs_set *lan = add_set(rs, RS_INET, "lan4", RS_TYPE_IPV4);
	lan->interval = true;
	add_range(rs, lan, "192.168.0.3", "192.168.0.5");
	add_range(rs, lan, "10.0.0.0", "10.255.255.255");
	struct rs_set *to = add_set(rs, RS_INET, "to4", RS_TYPE_IPV4);
	to->map = true;
	add_verdict(rs, to, key_ip("172.18.0.2"), RS_GOTO, "to_web");
	struct rs_chain *web = add_chain(rs, RS_INET, "to_web");
	web->comment = "tier web";
	add_rule(rs, web,
		 (struct rs_rule){ MATCHES(L4(6),
					   match_range(RS_CT_REPLY_PROTO_SRC,
						       key_u16(RS_TYPE_INET_SERVICE, 80),
						       key_u16(RS_TYPE_INET_SERVICE, 90)),
					   match_set(RS_IN, RS_CT_ORIGINAL_IP_SADDR, "lan4")),
				   .verdict = RS_ACCEPT, .comment = "a.yaml:1" });
	add_rule(rs, web, (struct rs_rule){ .log = &log });
	add_rule(rs, web, (struct rs_rule){ .counter = "denied", .verdict = RS_DROP });
	add_rule(rs, add_base(rs, RS_INET, "forward", RS_HOOK_FORWARD, -10),
		 (struct rs_rule){ .verdict = RS_VMAP,
				   .target = "to4",
				   .vmap_fields = { RS_CT_REPLY_IP_SADDR },
				   .n_vmap_fields = 1 });
	assert_int_equal(ruleset_seal(rs, &why), 0);
	ruleset_print(rs, &out);
	assert_string_equal(text_str(&out), golden);
	text_done(&out);
}

/* What nft has no word for is never printed as something else that is there. */
static void prints_odd_names(void **state)
{
	static const struct {
		const char *name, *want;
	} rows[] = {
		{ "br-lan", "\"br-lan\"" },
		{ "a*b", "\"a*b\"" },
		{ "a*", "\"a\\*\"" },
		{ "a\\*", "\"a\\?\"" },
		{ "back\\s", "\"back\\s\"" },
		{ "q\"t", "\"q?t\"" },
		{ "br\xc3\xa4", "\"br\xc3\xa4\"" },
		{ "a\xe2\x80\xae", "\"a???\"" },
		{ "fifteen*******", "\"fifteen******\\*\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(text_done) struct text out = { 0 };
		uint8_t bytes[16] = { 0 };
		memcpy(bytes, rows[i].name, strlen(rows[i].name));
		rs_print_value(RS_TYPE_IFNAME, bytes, &out);
		assert_string_equal(text_str(&out), rows[i].want);
	}
}

static void prints_json(void **state)
{
	const struct ruleset *rs = sealed_sample(*state);
	struct text out = { 0 };

	assert_int_equal(ruleset_print_json(rs, &out), 0);
	cJSON *root = cJSON_Parse(text_str(&out));
	assert_non_null(root);
	const cJSON *inet = cJSON_GetArrayItem(cJSON_GetObjectItem(root, "tables"), 0);
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(inet, "family")), "inet");
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(inet, "chains")),
			 (int)rs->tables[RS_INET].chains.n);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(inet, "sets")),
			 (int)rs->tables[RS_INET].sets.n);
	cJSON_Delete(root);
	text_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(seals_the_sample, setup, teardown),
		cmocka_unit_test_setup_teardown(makes_doubles_one, setup, teardown),
		cmocka_unit_test_setup_teardown(follows_the_stamp, setup, teardown),
		cmocka_unit_test(knows_bad_names),
		cmocka_unit_test_setup_teardown(finds_elements, setup, teardown),
		cmocka_unit_test_setup_teardown(finds_in_large_sets, setup, teardown),
		cmocka_unit_test_setup_teardown(prints_golden, setup, teardown),
		cmocka_unit_test(prints_odd_names),
		cmocka_unit_test_setup_teardown(prints_json, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
