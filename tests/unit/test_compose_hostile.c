/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Input made to hurt, as large as a project may be: bounded time, bounded memory, a clear finding.
 */
#include <time.h>

#include "tests/unit/test_compose_lib.h"

static double now(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void add_times(struct text *text, const char *bytes, size_t times)
{
	for (size_t i = 0; i < times; i++)
		text_add(text, bytes);
}

/* ---- input made to hurt: each fills @size bytes ---- */

static void hurt_too_large(struct text *yaml, size_t size)
{
	(void)size;
	text_add(yaml, "services: {a: {image: x}}\n");
	add_times(yaml, "#23456789\n", 1000 * 1000);
}

static void hurt_nesting(struct text *yaml, size_t size)
{
	text_add(yaml, "services: ");
	add_times(yaml, "[", size - 16);
}

static void hurt_block_nesting(struct text *yaml, size_t size)
{
	text_add(yaml, "services:\n  ");
	add_times(yaml, "- ", size / 2 - 16);
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
	text_add(yaml, "services: {a: {image: x, labels: *a11}}\n");
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

static void hurt_anchors(struct text *yaml, size_t size)
{
	text_add(yaml, "x-a: [");
	for (size_t i = 0; yaml->len + 20 < size; i++)
		text_printf(yaml, "&a%zu 1, ", i);
	text_add(yaml, "]\n");
}

static void hurt_same_anchor(struct text *yaml, size_t size)
{
	text_add(yaml, "services: {a: {image: x}}\nx-a: [");
	while (yaml->len + 20 < size)
		text_add(yaml, "&a 1, *a , ");
	text_add(yaml, "]\n");
}

static void hurt_aliases(struct text *yaml, size_t size)
{
	text_add(yaml, "services: {a: {image: x}}\nx-0: [");
	for (size_t i = 0; i < 999; i++)
		text_printf(yaml, "&anchor%zu 1, ", i);
	while (yaml->len + 20 < size)
		text_add(yaml, "*anchor998, ");
	text_add(yaml, "]\n");
}

static void hurt_keys(struct text *yaml, size_t size)
{
	for (size_t i = 0; yaml->len + 12 < size; i++)
		text_printf(yaml, "%zx:\n", i);
}

static void hurt_extension_keys(struct text *yaml, size_t size)
{
	text_add(yaml, "services: {a: {image: x}}\n");
	for (size_t i = 0; yaml->len + 12 < size; i++)
		text_printf(yaml, "x-%zx:\n", i);
}

static void hurt_service_keys(struct text *yaml, size_t size)
{
	text_add(yaml, "services: {a: {");
	for (size_t i = 0; yaml->len + 24 < size; i++)
		text_printf(yaml, "%zx,", i);
	text_add(yaml, "image: x}}\n");
}

static void hurt_same_key(struct text *yaml, size_t size)
{
	add_times(yaml, "a:\n", size / 3);
}

static void hurt_services(struct text *yaml, size_t size)
{
	text_add(yaml, "services:\n");
	for (size_t i = 0; yaml->len + 30 < size; i++)
		text_printf(yaml, "  s%zu: {image: x}\n", i);
}

static void hurt_labels(struct text *yaml, size_t size)
{
	text_add(yaml, "x-a: &a {image: x, labels: [");
	for (size_t i = 0; yaml->len < size / 4; i++)
		text_printf(yaml, "k%zu=1, ", i % 5000);
	text_add(yaml, "]}\nservices:\n");
	for (size_t i = 0; i < 10; i++)
		text_printf(yaml, "  s%zu: *a\n", i);
}

/* A large base that every service extends. */
static void hurt_extends(struct text *yaml, size_t size)
{
	text_add(yaml, "services:\n  base: {image: x, labels: [");
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
			text_printf(yaml, "  s%zu: {image: x}\n", i);
		else
			text_printf(yaml, "  s%zu: {extends: s%zu}\n", i, i + 1);
	}
	text_add(yaml, "  s999: {image: x}\n");
}

static void hurt_ports(struct text *yaml, size_t size)
{
	text_add(yaml, "services: {a: {image: x, ports: [");
	for (size_t i = 0; yaml->len + 40 < size; i++)
		text_printf(yaml, "127.%zu.%zu.%zu:1:1,", i >> 16 & 255, i >> 8 & 255, i & 255);
	text_add(yaml, "]}}\n");
}

static void hurt_port_conflicts(struct text *yaml, size_t size)
{
	text_add(yaml, "services:\n");
	for (size_t i = 0; yaml->len + 80 < size && i < LIMIT_COMPOSE_SERVICES; i++)
		text_printf(yaml, "  s%zu: {image: x, ports: [\"9000-9024:9000-9024\"]}\n", i);
}

static void hurt_port_ranges(struct text *yaml, size_t size)
{
	text_add(yaml, "services: {a: {image: x, ports: [");
	while (yaml->len + 30 < size)
		text_add(yaml, "1-65535:1-65535, ");
	text_add(yaml, "]}}\n");
}

static void hurt_attachments(struct text *yaml, size_t size)
{
	text_add(yaml, "services: {a: {image: x, networks: [");
	for (size_t i = 0; yaml->len + 20 < size; i++)
		text_printf(yaml, "n%zu, ", i);
	text_add(yaml, "]}}\n");
}

static void hurt_variables(struct text *yaml, size_t size)
{
	text_add(yaml, "services: {a: {image: \"");
	add_times(yaml, "${A:-", size / 5 - 20);
	text_add(yaml, "\"}}\n");
}

static void hurt_defaults(struct text *yaml, size_t size)
{
	text_add(yaml, "services: {a: {image: x, labels: [");
	while (yaml->len + 80 < size)
		text_add(yaml, "\"a=${A:-${B:-${C:-${D:-xxxxxxxxxxxxxxxxxxxxxxxxxx}}}}\", ");
	text_add(yaml, "]}}\n");
}

static void hurt_long_word(struct text *yaml, size_t size)
{
	text_add(yaml, "services: {a: {image: \"");
	add_times(yaml, "a", size - 40);
	text_add(yaml, "\"}}\n");
}

static void hurt_tags(struct text *yaml, size_t size)
{
	for (size_t i = 0; yaml->len + 24 < size; i++)
		text_printf(yaml, "%%TAG !%zx! !\n", i);
	text_add(yaml, "---\n");
}

static void hurt_node_tags(struct text *yaml, size_t size)
{
	text_add(yaml, "services: {a: {image: x}}\nx-a: [");
	while (yaml->len + 20 < size)
		text_add(yaml, "!a 1, ");
	text_add(yaml, "]\n");
}

static void hurt_documents(struct text *yaml, size_t size)
{
	add_times(yaml, "---\n", size / 4);
}

static void hurt_nul(struct text *yaml, size_t size)
{
	while (yaml->len < size)
		text_add_n(yaml, "", 1);
}

static void hurt_utf8(struct text *yaml, size_t size)
{
	add_times(yaml, "\xf0\x9f\x98\x80", size / 4 - 1);
	text_add(yaml, "\xf0\x9f\x98");
}

static void hurt_quotes(struct text *yaml, size_t size)
{
	add_times(yaml, "\"\" ", size / 3);
}

static void hurt_replicas(struct text *yaml, size_t size)
{
	(void)size;
	text_add(yaml, "services:\n");
	for (size_t i = 0; i < LIMIT_COMPOSE_SERVICES; i++)
		text_printf(yaml, "  s%zu: {image: x, scale: 999, ports: [\"1-60000\"]}\n", i);
}

static const struct hurt {
	const char *name;
	void (*make)(struct text *yaml, size_t size);
	const char *id; /* of the first finding; "" none */
} hurts[] = {
	{ "ten megabytes", hurt_too_large, "too-large" },
	{ "nesting", hurt_nesting, "too-deep" },
	{ "block nesting", hurt_block_nesting, "too-deep" },
	{ "alias nesting", hurt_alias_nesting, "too-deep" },
	{ "a billion laughs", hurt_laughs, "too-large" },
	{ "a billion merges", hurt_merge_laughs, NULL },
	{ "merges of a large mapping", hurt_merges, "too-large" },
	{ "anchors", hurt_anchors, "too-large" },
	{ "the same anchor", hurt_same_anchor, "" },
	{ "aliases", hurt_aliases, "" },
	{ "keys", hurt_keys, "unknown-key" },
	{ "extension keys", hurt_extension_keys, "" },
	{ "keys of a service", hurt_service_keys, "unknown-setting" },
	{ "the same key", hurt_same_key, NULL },
	{ "services", hurt_services, "too-many" },
	{ "labels", hurt_labels, "" },
	{ "extends", hurt_extends, "too-large" },
	{ "chains of extends", hurt_extends_chains, NULL },
	{ "ports", hurt_ports, "" },
	{ "conflicting ports", hurt_port_conflicts, NULL },
	{ "ranges of ports", hurt_port_ranges, NULL },
	{ "attachments", hurt_attachments, "too-many" },
	{ "nested variables", hurt_variables, "bad-interpolation" },
	{ "defaults", hurt_defaults, "" },
	{ "long word", hurt_long_word, "bad-value" },
	{ "tag lines", hurt_tags, "yaml-tag" },
	{ "tags", hurt_node_tags, "" },
	{ "documents", hurt_documents, "yaml-multi-document" },
	{ "NUL bytes", hurt_nul, "yaml-encoding" },
	{ "half a character", hurt_utf8, "yaml-encoding" },
	{ "quotes", hurt_quotes, "yaml-syntax" },
	{ "replicas", hurt_replicas, NULL },
};

/* Bounds far above what is measured without instrumentation (see the messages), far below what a
 * quadratic step would take. */
#define HURT_SECONDS 20.0
#define HURT_BYTES (512u * 1024 * 1024)

static void check_hurt(void **state)
{
	const struct hurt *hurt = *state;
	CLEANUP(text_done) struct text yaml = { 0 };

	hurt->make(&yaml, LIMIT_COMPOSE_BYTES - 64);
	double start = now();
	CLEANUP(parsed_done) struct parsed parsed = parse_text(&yaml);
	double seconds = now() - start;
	print_message("%8.1f ms %6.1f MB  %zu findings, %s\n", seconds * 1e3,
		      (double)arena_used(parsed.arena) / 1e6,
		      parsed.diags.n_errors + parsed.diags.n_warnings, first_id(&parsed));
	assert_int_not_equal(parsed.code, -ENOMEM);
	assert_true(seconds < HURT_SECONDS);
	assert_true(arena_used(parsed.arena) < HURT_BYTES);
	if (hurt->id)
		assert_string_equal(first_id(&parsed), hurt->id);
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
	text_add(&yaml, "services: {a: {image: x, labels: [");
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
	double start = now();
	CLEANUP(parsed_done) struct parsed parsed = parse_text(&yaml);
	double seconds = now() - start;
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
	static struct hurt states[ARRAY_LEN(hurts)];
	struct CMUnitTest tests[ARRAY_LEN(hurts) + 3] = {
		cmocka_unit_test(test_thousand_services),
		cmocka_unit_test(test_long_variable),
		cmocka_unit_test(test_mutations),
	};

	memcpy(states, hurts, sizeof(hurts));
	for (size_t i = 0; i < ARRAY_LEN(hurts); i++)
		tests[i + 3] =
			(struct CMUnitTest){ hurts[i].name, check_hurt, NULL, NULL, &states[i] };
	return cmocka_run_group_tests_name("compose_hostile", tests, NULL, NULL);
}
