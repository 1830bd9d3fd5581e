/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Input made to hurt, as large as a project may be: bounded time, bounded memory, a clear finding.
 */
#include "tests/unit/test_compose_lib.h"
#include "tests/unit/test_rows_lib.h"

/* ---- each fills @size bytes, or a limit ---- */

static void hurt_too_large(struct text *yaml, size_t size)
{
	(void)size;
	text_add(yaml, "services: {a: {image: x:1}}\n");
	add_times(yaml, "#23456789\n", 1000 * 1000);
}

static void hurt_alias_nesting(struct text *yaml, size_t size)
{
	text_add(yaml, "x-0: &a0 [1]\n");
	for (size_t i = 1; yaml->len + 40 < size; i++)
		text_printf(yaml, "x-%zu: &a%zu [*a%zu]\n", i, i, i - 1);
}

static void hurt_laughs(struct text *yaml, size_t size)
{
	(void)size;
	text_add(yaml, "x-0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n");
	for (size_t i = 1; i < 12; i++) {
		text_printf(yaml, "x-%zu: &a%zu [", i, i);
		for (size_t k = 0; k < 10; k++)
			text_printf(yaml, "*a%zu, ", i - 1);
		text_add(yaml, "]\n");
	}
	text_add(yaml, "services: {a: {image: x:1, labels: *a11}}\n");
}

/* Mappings that merge each other: every level doubles. */
static void hurt_merge_laughs(struct text *yaml, size_t size)
{
	(void)size;
	text_add(yaml, "x-0: &a0 {a: 1}\n");
	for (size_t i = 1; i < 64; i++)
		text_printf(yaml, "x-%zu: &a%zu {b%zu: *a%zu, <<: [*a%zu, {c%zu: *a%zu}]}\n", i, i,
			    i, i - 1, i - 1, i, i - 1);
}

/* One large mapping, merged as often as the file can name it. */
static void hurt_merges(struct text *yaml, size_t size)
{
	text_add(yaml, "x-a: &a {");
	for (size_t i = 0; yaml->len < size / 2; i++)
		text_printf(yaml, "k%zu: 1, ", i);
	text_add(yaml, "}\nx-b: [");
	while (yaml->len + 20 < size)
		text_add(yaml, "{<<: *a}, ");
	text_add(yaml, "]\n");
}

static void hurt_aliases(struct text *yaml, size_t size)
{
	text_add(yaml, "services: {a: {image: x:1}}\nx-0: [");
	for (size_t i = 0; i < 999; i++)
		text_printf(yaml, "&anchor%zu 1, ", i);
	while (yaml->len + 20 < size)
		text_add(yaml, "*anchor998, ");
	text_add(yaml, "]\n");
}

static void hurt_labels(struct text *yaml, size_t size)
{
	text_add(yaml, "x-a: &a {image: x:1, labels: [");
	for (size_t i = 0; yaml->len < size / 4; i++)
		text_printf(yaml, "k%zu=1, ", i % 5000);
	text_add(yaml, "]}\nservices:\n");
	for (size_t i = 0; i < 10; i++)
		text_printf(yaml, "  s%zu: *a\n", i);
}

/* A large base that every service extends. */
static void hurt_extends(struct text *yaml, size_t size)
{
	text_add(yaml, "services:\n  base: {image: x:1, labels: [");
	for (size_t i = 0; yaml->len < size / 2; i++)
		text_printf(yaml, "k%zu=1, ", i);
	text_add(yaml, "]}\n");
	for (size_t i = 1; i < LIMIT_COMPOSE_SERVICES; i++)
		text_printf(yaml, "  s%zu: {extends: base}\n", i);
}

static void hurt_extends_chains(struct text *yaml, size_t size)
{
	(void)size;
	text_add(yaml, "services:\n");
	for (size_t i = 0; i < LIMIT_COMPOSE_SERVICES; i++) {
		if (i % 16 == 15)
			text_printf(yaml, "  s%zu: {image: x:1}\n", i);
		else
			text_printf(yaml, "  s%zu: {extends: s%zu}\n", i, i + 1);
	}
	text_add(yaml, "  s999: {image: x:1}\n");
}

static void hurt_ports(struct text *yaml, size_t size)
{
	text_add(yaml, "services: {a: {image: x:1, ports: [");
	for (size_t i = 0; yaml->len + 40 < size; i++)
		text_printf(yaml, "127.%zu.%zu.%zu:1:1,", i >> 16 & 255, i >> 8 & 255, i & 255);
	text_add(yaml, "]}}\n");
}

static void hurt_port_conflicts(struct text *yaml, size_t size)
{
	text_add(yaml, "services:\n");
	for (size_t i = 0; yaml->len + 80 < size && i < LIMIT_COMPOSE_SERVICES; i++)
		text_printf(yaml, "  s%zu: {image: x:1, ports: [\"9000-9024:9000-9024\"]}\n", i);
}

static void hurt_replicas(struct text *yaml, size_t size)
{
	(void)size;
	text_add(yaml, "services:\n");
	for (size_t i = 0; i < LIMIT_COMPOSE_SERVICES; i++)
		text_printf(yaml, "  s%zu: {image: x:1, scale: 999, ports: [\"1-60000\"]}\n", i);
}

/* A text of variables without a value, which is nothing, again and again. */
static void hurt_empty_variables(struct text *yaml, size_t size)
{
	text_add(yaml, "services: {a: {image: x:1, labels: [&a \"");
	while (yaml->len < size / 2)
		text_add(yaml, "${A-}");
	text_add(yaml, "\"");
	while (yaml->len + 8 < size)
		text_add(yaml, ",*a ");
	text_add(yaml, "]}}\n");
}

static const struct hurt hurts[] = {
	{ "ten megabytes", "too-large", .make = hurt_too_large },
	{ "nesting", "too-deep", "services: ", "[", "", NULL },
	{ "block nesting", "too-deep", "services:\n  ", "- ", "", NULL },
	{ "alias nesting", "too-deep", .make = hurt_alias_nesting },
	{ "a billion laughs", "too-large", .make = hurt_laughs },
	{ "a billion merges", NULL, .make = hurt_merge_laughs },
	{ "merges of a large mapping", "too-large", .make = hurt_merges },
	{ "anchors", "too-large", "x-a: [", "&a@ 1, ", "]\n", NULL },
	{ "the same anchor", "", "services: {a: {image: x:1}}\nx-a: [", "&a 1, *a , ", "]\n",
	  NULL },
	{ "aliases", "", .make = hurt_aliases },
	{ "keys", "unknown-key", "", "k@:\n", "", NULL },
	{ "extension keys", "", "services: {a: {image: x:1}}\n", "x-@:\n", "", NULL },
	{ "keys of a service", "unknown-setting", "services: {a: {", "k@,", "image: x:1}}\n",
	  NULL },
	{ "the same key", NULL, "", "a:\n", "", NULL },
	{ "services", "too-many", "services:\n", "  s@: {image: x:1}\n", "", NULL },
	{ "labels", "", .make = hurt_labels },
	{ "extends", "too-large", .make = hurt_extends },
	{ "chains of extends", NULL, .make = hurt_extends_chains },
	{ "ports", "", .make = hurt_ports },
	{ "empty variables", "too-large", .make = hurt_empty_variables },
	{ "conflicting ports", NULL, .make = hurt_port_conflicts },
	{ "ranges of ports", NULL, "services: {a: {image: x:1, ports: [", "1-65535:1-65535, ",
	  "]}}\n", NULL },
	{ "attachments", "too-many", "services: {a: {image: x:1, networks: [", "n@, ", "]}}\n",
	  NULL },
	{ "nested variables", "bad-interpolation", "services: {a: {image: \"", "${A:-", "\"}}\n",
	  NULL },
	{ "defaults", "", "services: {a: {image: x:1, labels: [",
	  "\"a=${A:-${B:-${C:-${D:-xxxxxxxxxxxxxxxxxxxxxxxxxx}}}}\", ", "]}}\n", NULL },
	{ "long word", "bad-value", "services: {a: {image: \"", "a", "\"}}\n", NULL },
	{ "tag lines", "yaml-tag", "", "%TAG !@! !\n", "---\n", NULL },
	{ "tags", "", "services: {a: {image: x:1}}\nx-a: [", "!a 1, ", "]\n", NULL },
	{ "documents", "wrong-type", "", "---\n", "", NULL },
	{ "NUL bytes", "yaml-encoding", .make = hurt_nul },
	{ "half a character", "yaml-encoding", "", "\xf0\x9f\x98\x80", "\xf0\x9f\x98", NULL },
	{ "quotes", "yaml-syntax", "", "\"\" ", "", NULL },
	{ "replicas", NULL, .make = hurt_replicas },
};

#define HURT_BYTES (512u * 1024 * 1024)

static void check_hurt(void **state)
{
	const struct hurt *hurt = *state;
	CLEANUP(text_done) struct text yaml = { 0 };

	make_hurt(hurt, &yaml, LIMIT_COMPOSE_BYTES - 64);
	struct outcome outcome = read_compose(&yaml);
	check_hurt_of(hurt, &outcome, HURT_BYTES);
}

/* A variable as long as a text may be, in every text. */
static void test_long_variable(void **state)
{
	static char value[LIMIT_COMPOSE_TEXT];
	static const struct compose_variable variable = { "A", value };
	CLEANUP(text_done) struct text yaml = { 0 };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct compose_project project;
	struct diag_list diags;

	(void)state;
	memset(value, 'x', sizeof(value) - 1);
	text_add(&yaml, "services: {a: {image: x:1, labels: [");
	while (yaml.len < 900000)
		text_add(&yaml, "$A, ");
	text_add(&yaml, "]}}\n");
	struct node_source source = { "c.yaml", text_str(&yaml), yaml.len };
	struct compose_input in = { .sources = &source,
				    .n_sources = 1,
				    .project = "p",
				    .variables = &variable,
				    .n_variables = 1 };
	diag_init(&diags, arena);
	assert_int_equal(compose_parse(&in, arena, &diags, &project), COMPOSE_E_INVALID);
	assert_string_equal(diags.diags.items[0].id, "too-large");
	assert_true(arena_used(arena) < HURT_BYTES);
}

/* .env files that say little and mean much. */
static void test_env_files(void **state)
{
	struct text CLEANUP(text_done) large = { 0 };
	struct text CLEANUP(text_done) many = { 0 };
	const struct compose_variables none = { 0 };

	(void)state;
	text_add(&large, "A=");
	add_times(&large, "x", LIMIT_COMPOSE_TEXT - 8);
	add_times(&large, "\nB=$A", 150000);
	for (size_t i = 1; i < LIMIT_COMPOSE_VARIABLES; i++)
		text_printf(&many, "V%zu=\n", i);
	text_add(&many, "Z=");
	add_times(&many, "$V4095", 150000);
	const struct text *const files[] = { &large, &many };
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct node_source source = { ".env", text_str(files[i]), files[i]->len };
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		struct compose_variables list = { 0 };
		struct diag_list diags;
		diag_init(&diags, arena);
		double start = now_s();
		int r = compose_parse_env(&source, &none, arena, &diags, &list);
		print_message("%8.1f ms %6.1f MB\n", (now_s() - start) * 1e3,
			      (double)arena_used(arena) / 1e6);
		assert_int_equal(r, COMPOSE_E_INVALID);
		assert_int_equal(diags.n_errors, 1);
		assert_true(arena_used(arena) < HURT_BYTES / 8);
		assert_true(now_s() - start < 10);
	}
}

/* A large project as people have it. */
static void test_thousand_services(void **state)
{
	CLEANUP(text_done) struct text yaml = { 0 };

	(void)state;
	text_add(&yaml, "x-base: &base\n  restart: always\n  labels: {team: a, stage: b}\n"
			"services:\n");
	for (size_t i = 0; i < 1000; i++)
		text_printf(&yaml,
			    "  service-%zu:\n    <<: *base\n    image: ghcr.io/acme/s%zu:1\n"
			    "    networks: [n%zu, n%zu]\n    ports: [\"127.0.0.1:%zu:80\"]\n"
			    "    environment: {A: b, C: \"${D}\"}\n",
			    i, i, i % 100, (i + 1) % 100, 10000 + i);
	text_add(&yaml, "networks:\n");
	for (size_t i = 0; i < 100; i++)
		text_printf(&yaml, "  n%zu: {internal: %s}\n", i, i % 2 ? "true" : "false");
	double start = now_s();
	CLEANUP(parsed_done) struct parsed parsed = parse_text(&yaml);
	double seconds = now_s() - start;
	print_message("%8.1f ms %6.1f MB for %zu bytes\n", seconds * 1e3,
		      (double)arena_used(parsed.arena) / 1e6, yaml.len);
	assert_int_equal(parsed.code, 0);
	assert_int_equal(parsed.project.world->n_endpoints, 2000);
	assert_true(seconds < 2.0);
}

/* Noise in the place of any byte: no crash, and an answer. */
static void test_mutations(void **state)
{
	static const char base[] =
		"name: ${N:-p}\nx-a: &a {networks: [n], labels: {a: b}}\nservices:\n"
		"  a: {<<: *a, image: \"x:$$1\", ports: [\"[::1]:80-81:80-81/udp\"], scale: 2}\n"
		"  b: {extends: {service: a}, network_mode: service:a, networks: !reset []}\n"
		"  c: {build: ., networks: {n: {ipv4_address: 10.0.0.5}}, volumes: [/x:/y]}\n"
		"networks: {n: {enable_ipv6: true, ipam: {config: [{subnet: 10.0.0.0/24}]}}}\n";
	static const char noise[] = "[]{}:,&*!|>'\"%@`#-? \n\t$0aZ<~";
	uint64_t seed = 20260101;
	char copy[sizeof(base)];

	(void)state;
	print_message("seed %u\n", (unsigned int)seed);
	for (size_t i = 0; i < 20000; i++) {
		memcpy(copy, base, sizeof(base));
		for (size_t k = 0; k <= i % 3; k++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			copy[(seed >> 33) % (sizeof(base) - 1)] =
				noise[(seed >> 20) % (sizeof(noise) - 1)];
		}
		CLEANUP(parsed_done) struct parsed parsed = parse_bytes(copy, sizeof(base) - 1);
		assert_int_equal(parsed.code, parsed.diags.n_errors ? COMPOSE_E_INVALID : 0);
		if (parsed.code)
			continue;
		CLEANUP(free_ptr) char *printed = world_print_inventory(parsed.project.world);
		const struct world *again;
		const char *error = "";
		if (world_parse_inventory(printed, strlen(printed), parsed.arena, &again, &error))
			fail_msg("%s\n%s", error, copy);
	}
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(hurts) + 4] = {
		cmocka_unit_test(test_thousand_services),
		cmocka_unit_test(test_long_variable),
		cmocka_unit_test(test_env_files),
		cmocka_unit_test(test_mutations),
	};

	ADD_ROWS(tests, 4, hurts, check_hurt);
	return cmocka_run_group_tests_name("compose_hostile", tests, NULL, NULL);
}
