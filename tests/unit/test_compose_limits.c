/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every limit on compose files, at n and n + 1; and the end of memory, at every allocation. */
#include "tests/unit/test_compose_lib.h"
#include "tests/unit/test_rows_lib.h"

static void make_services(struct text *yaml, size_t n)
{
	text_add(yaml, "services:\n");
	for (size_t i = 0; i < n; i++)
		text_printf(yaml, "  s%zu: {image: x:1}\n", i);
}

static void make_networks(struct text *yaml, size_t n)
{
	text_add(yaml, "services: {a: {image: x:1}}\nnetworks:\n");
	for (size_t i = 0; i < n; i++)
		text_printf(yaml, "  n%zu:\n", i);
}

static void make_attachments(struct text *yaml, size_t n)
{
	text_add(yaml, "services: {a: {image: x:1, networks: [");
	for (size_t i = 0; i < n; i++)
		text_printf(yaml, "n%zu, ", i);
	text_add(yaml, "]}}\nnetworks:\n");
	for (size_t i = 0; i < n && i < LIMIT_COMPOSE_NETWORKS; i++)
		text_printf(yaml, "  n%zu:\n", i);
}

static void make_replicas(struct text *yaml, size_t n)
{
	text_printf(yaml, "services: {a: {image: x:1, scale: %zu}}\n", n);
}

static void make_containers(struct text *yaml, size_t n)
{
	text_add(yaml, "services:\n");
	for (size_t i = 0; n; i++) {
		size_t some = n < LIMIT_COMPOSE_REPLICAS ? n : LIMIT_COMPOSE_REPLICAS;
		text_printf(yaml, "  s%zu: {image: x:1, scale: %zu, network_mode: none}\n", i,
			    some);
		n -= some;
	}
}

static void make_endpoints(struct text *yaml, size_t n)
{
	text_printf(
		yaml,
		"services:\n  a: {image: x:1, scale: %zu, networks: &n [a, b, c, d, e, f, g, h, "
		"i, j]}\n  b: {image: x:1, scale: %zu, networks: [a]}\n"
		"networks: {a: , b: , c: , d: , e: , f: , g: , h: , i: , j: }\n",
		n / 10 - 1, n - (n / 10 - 1) * 10);
}

static void make_subnets(struct text *yaml, size_t n)
{
	text_add(yaml, "services: {a: {image: x:1}}\nnetworks: {default: {ipam: {config: [");
	for (size_t i = 0; i < n; i++)
		text_printf(yaml, "{subnet: 10.%zu.0.0/16}, ", i);
	text_add(yaml, "]}}}\n");
}

static void make_ports(struct text *yaml, size_t n)
{
	text_printf(yaml,
		    "services: {a: {image: x:1, ports: [\"127.0.0.1:1-%zu:1-%zu\", "
		    "\"127.0.0.2:1-%zu:1-%zu\"]}}\n",
		    n / 2, n / 2, n - n / 2, n - n / 2);
}

static void make_anchors(struct text *yaml, size_t n)
{
	text_add(yaml, "services: {a: {image: x:1}}\nx-a: [");
	for (size_t i = 0; i < n; i++)
		text_printf(yaml, "&a%zu 1, ", i);
	text_add(yaml, "]\n");
}

static void make_values(struct text *yaml, size_t n)
{
	text_add(yaml, "services: {a: {image: x:1}}\nx-a: &a [");
	for (size_t i = 1; i < n / 100; i++)
		text_add(yaml, "1,");
	text_add(yaml, "]\nx-b: [");
	for (size_t i = 0; i < 100; i++)
		text_add(yaml, "*a, ");
	text_printf(yaml, "]\nx-c: %s\n", n % 100 ? "[&z 1, *z]" : "1");
}

static void make_chain(struct text *yaml, size_t n)
{
	text_add(yaml, "services:\n");
	for (size_t i = 1; i < n; i++)
		text_printf(yaml, "  s%zu: {extends: s%zu}\n", i, i + 1);
	text_printf(yaml, "  s%zu: {image: x:1}\n", n);
}

static void make_bytes(struct text *yaml, size_t n)
{
	text_add(yaml, "services: {a: {image: x:1}}\n");
	while (yaml->len < n)
		text_add(yaml, "#");
}

static void make_depth(struct text *yaml, size_t n)
{
	text_add(yaml, "services: {a: {image: x:1}}\nx-a: ");
	for (size_t i = 1; i < n; i++)
		text_add(yaml, "[");
	for (size_t i = 1; i < n; i++)
		text_add(yaml, "]");
	text_add(yaml, "\n");
}

static void make_named(struct text *yaml, size_t n)
{
	text_add(yaml, "services: {");
	while (n--)
		text_add(yaml, "a");
	text_add(yaml, ": {image: x:1}}\n");
}

static const struct limit limits[] = {
	{ "services", make_services, LIMIT_COMPOSE_SERVICES, "too-many", 0 },
	{ "networks", make_networks, LIMIT_COMPOSE_NETWORKS, "too-many", 0 },
	{ "networks of a service", make_attachments, LIMIT_COMPOSE_NETWORKS, "too-many", 0 },
	{ "replicas", make_replicas, LIMIT_COMPOSE_REPLICAS, "too-many", 0 },
	{ "containers", make_containers, LIMIT_COMPOSE_ENDPOINTS, "too-many", 0 },
	{ "endpoints", make_endpoints, LIMIT_COMPOSE_ENDPOINTS, "too-many", 0 },
	{ "subnets", make_subnets, LIMIT_COMPOSE_SUBNETS, "too-many", 0 },
	{ "anchors", make_anchors, LIMIT_YAML_ANCHORS, "too-large", 0 },
	{ "values", make_values, LIMIT_YAML_NODES, "too-large", 0 },
	{ "extends", make_chain, LIMIT_COMPOSE_EXTENDS, "too-deep", 0 },
	{ "bytes", make_bytes, LIMIT_COMPOSE_BYTES, "too-large", 0 },
	{ "depth", make_depth, LIMIT_YAML_DEPTH, "too-deep", 0 },
	{ "name of a service", make_named, LIMIT_COMPOSE_KEY, "bad-name", 0 },
};

static void check_limit(void **state)
{
	check_limit_of(*state, read_compose, COMPOSE_E_INVALID);
}

static void test_limit_ports(void **state)
{
	CLEANUP(text_done) struct text fits = { 0 }, over = { 0 };

	(void)state;
	make_ports(&fits, LIMIT_COMPOSE_PORTS);
	make_ports(&over, LIMIT_COMPOSE_PORTS + 1);
	CLEANUP(parsed_done) struct parsed a = parse_text(&fits);
	CLEANUP(parsed_done) struct parsed b = parse_text(&over);
	assert_int_equal(a.code, 0);
	assert_int_equal(a.project.world->containers[0].n_published, LIMIT_COMPOSE_PORTS);
	assert_string_equal(first_id(&b), "too-many");
}

static void test_limit_files(void **state)
{
	static const char yaml[] = "services: {a: {image: x:1}}\n";
	struct node_source sources[LIMIT_COMPOSE_FILES + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sources); i++)
		sources[i] = (struct node_source){ "c.yaml", yaml, sizeof(yaml) - 1 };
	for (size_t more = 0; more < 2; more++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		struct compose_input in = { .sources = sources,
					    .n_sources = LIMIT_COMPOSE_FILES + more,
					    .project = "p" };
		struct compose_project project;
		struct diag_list diags;
		diag_init(&diags, arena);
		int r = compose_parse(&in, arena, &diags, &project);
		assert_int_equal(r, more ? COMPOSE_E_INVALID : 0);
	}
}

/* One more in a second file counts as one more in the first. */
static void test_limits_over_files(void **state)
{
	static const struct {
		void (*make)(struct text *yaml, size_t n);
		size_t limit;
		const char *one_more;
	} rows[] = {
		{ make_services, LIMIT_COMPOSE_SERVICES, "services: {z: {image: x:1}}\n" },
		{ make_networks, LIMIT_COMPOSE_NETWORKS, "networks: {z: }\n" },
	};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		const char *more = rows[i / 2].one_more;
		CLEANUP(text_done) struct text first = { 0 };
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		struct compose_project project;
		struct diag_list diags;
		rows[i / 2].make(&first, rows[i / 2].limit - i % 2);
		const struct node_source sources[] = { { "a.yaml", text_str(&first), first.len },
						       { "b.yaml", more, strlen(more) } };
		struct compose_input in = { .sources = sources, .n_sources = 2, .project = "p" };
		diag_init(&diags, arena);
		int r = compose_parse(&in, arena, &diags, &project);
		assert_int_equal(r, i % 2 ? 0 : COMPOSE_E_INVALID);
		if (r != 0)
			assert_string_equal(diags.diags.items[0].id, "too-many");
	}
}

static void test_limit_variables(void **state)
{
	const struct compose_variables none = { 0 };

	(void)state;
	for (size_t more = 0; more < 2; more++) {
		CLEANUP(text_done) struct text env = { 0 };
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		struct compose_variables list = { 0 };
		struct diag_list diags;
		for (size_t i = 0; i < LIMIT_COMPOSE_VARIABLES + more; i++)
			text_printf(&env, "V%zu=1\n", i);
		struct node_source source = { ".env", text_str(&env), env.len };
		diag_init(&diags, arena);
		int r = compose_parse_env(&source, &none, arena, &diags, &list);
		assert_int_equal(r, more ? COMPOSE_E_INVALID : 0);
		assert_int_equal(list.list.n, more ? 0 : LIMIT_COMPOSE_VARIABLES);
	}
}

/* A network that takes all the addresses which stand for those that are not given. */
static void test_no_symbolic_addresses_left(void **state)
{
	static const char form[] = "services: {a: {image: x:1, networks: [all, one]}}\n"
				   "networks: {one: , all: {ipam: {config: [{subnet: %s}]}}}\n";
	static const char *const subnets[] = { "198.18.0.0/16", "198.18.0.0/15" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(subnets); i++) {
		CLEANUP(text_done) struct text yaml = { 0 };
		text_printf(&yaml, form, subnets[i]);
		CLEANUP(parsed_done) struct parsed parsed = parse_text(&yaml);
		assert_int_equal(parsed.code, i == 0 ? 0 : COMPOSE_E_INVALID);
		assert_string_equal(first_id(&parsed), i == 0 ? "" : "too-many");
	}
}

/* ---- memory ---- */

static const char everything[] =
	"name: ${NAME:-all}\n"
	"x-a: &a {labels: {a: b}, networks: [one]}\n"
	"services:\n"
	"  a: {<<: *a, image: \"x:${TAG:-1}\", scale: 3, ports: [\"80\", {target: 81}]}\n"
	"  b: {extends: a, build: ., networks: {two: {ipv4_address: 10.0.0.9}}, scale: 1}\n"
	"  c: {image: x:1, network_mode: \"service:b\", volumes: [\"/var/run/docker.sock:/x\"]}\n"
	"  d: {image: x:1, privileged: true, cap_add: [ALL], profiles: [none], labels: "
	"[\"a=$NO\"]}\n"
	"  e: {image: \"y:$NO\", labels: [\"a=$NO\", b], network_mode: host, port: 1}\n"
	"  f: {image: x:1, networks: [out], ports: [\"127.0.0.1:99:1\"], container_name: ff}\n"
	"networks:\n"
	"  one: {internal: true, enable_ipv6: true}\n"
	"  two: {ipam: {config: [{subnet: 10.0.0.0/24, aux_addresses: {r: 10.0.0.7}}]}}\n"
	"  out: {external: true, name: out}\n";

/* Whatever allocation fails, it is said, and nothing leaks (the sanitizers look on). */
static int parse_failing(uint64_t fail_after)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct node_source source = { "c.yaml", everything, sizeof(everything) - 1 };
	struct compose_input in = { .sources = &source, .n_sources = 1 };
	struct compose_project project = { 0 };
	struct diag_list diags;

	diag_init(&diags, arena);
	arena_fail_after(arena, fail_after);
	int r = compose_parse(&in, arena, &diags, &project);
	assert_int_equal(r == 0, project.world != NULL);
	return r;
}

static void sweep_memory(int (*parse)(uint64_t fail_after))
{
	uint64_t n = 1;

	assert_int_equal(parse(0), 0);
	for (; n < 100000; n++) {
		int r = parse(n);
		if (r == 0)
			break;
		assert_int_equal(r, -ENOMEM);
	}
	print_message("%u allocations\n", (unsigned int)n);
	assert_true(n > 100 && n < 100000);
}

static void test_out_of_memory(void **state)
{
	(void)state;
	sweep_memory(parse_failing);
}

/* What several files are made of: merged, included with variables of their own, extended. */
static const struct {
	const char *name, *text;
} files[] = {
	{ "a.yaml", "name: all\n"
		    "include: [part/c.yaml, {path: [part/c.yaml], env_file: [part/more.env]}]\n"
		    "services:\n"
		    "  a: {image: x:1, labels: {a: b, c: }, dns: 192.0.2.1, networks: [one],\n"
		    "      depends_on: [b], ports: [\"80\"], build: {context: .}}\n"
		    "  b: {extends: {file: part/base.yaml, service: any}}\n"
		    "networks:\n"
		    "  one: {ipam: {config: [{subnet: 10.0.0.0/24}, {subnet: 10.1.0.0/24}]}}\n"
		    "  old: {external: {name: elsewhere}}\n" },
	{ "b.yaml",
	  "services:\n"
	  "  a: {labels: [d=e], dns: [192.0.2.2], networks: {old: {}}, build: !reset {},\n"
	  "      depends_on: {c: {condition: service_started}}}\n"
	  "  b: {ports: !override [\"81\"], privileged: !reset false}\n"
	  "networks: {one: {ipam: {config: [{subnet: 10.0.0.0/24, gateway: 10.0.0.7}]}}}\n" },
	{ "part/c.yaml", "services: {c: {image: \"c:$TAG\", network_mode: \"service:d\"},\n"
			 "           d: {image: d:1, scale: 2}}\n"
			 "networks: {two: }\n" },
	{ "part/base.yaml", "services: {any: {extends: base, privileged: true},\n"
			    "           base: {image: b:1, ports: [\"80\"], labels: {x: y}}}\n" },
	{ "part/.env", "TAG=\"1\"\n" },
	{ "part/more.env", "TAG=1\n" },
};

static int load_known(void *userdata, struct arena *arena, const char *path, bool secret,
		      struct node_source *ret)
{
	(void)userdata;
	(void)secret;
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (strcmp(files[i].name, path) == 0) {
			*ret = (struct node_source){ arena_strdup(arena, path), files[i].text,
						     strlen(files[i].text) };
			return ret->name ? 0 : -ENOMEM;
		}
	return COMPOSE_E_ABSENT;
}

static int parse_files_failing(uint64_t fail_after)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct node_source sources[] = {
		{ files[0].name, files[0].text, strlen(files[0].text) },
		{ files[1].name, files[1].text, strlen(files[1].text) },
	};
	const char *const services[] = { "a", "b" };
	struct compose_input in = { .sources = sources,
				    .n_sources = ARRAY_LEN(sources),
				    .services = services,
				    .n_services = ARRAY_LEN(services),
				    .load = load_known };
	struct compose_project project = { 0 };
	struct diag_list diags;

	diag_init(&diags, arena);
	arena_fail_after(arena, fail_after);
	int r = compose_parse(&in, arena, &diags, &project);
	assert_int_equal(r == 0, project.world != NULL);
	return r;
}

static void test_out_of_memory_files(void **state)
{
	(void)state;
	sweep_memory(parse_files_failing);
}

static void test_out_of_memory_env(void **state)
{
	static const char text[] = "A=1\nB=\"$A $A\"\nC='x'\nD=$NO\n";
	static const struct compose_variables known = { 0 };
	struct node_source source = { ".env", text, sizeof(text) - 1 };
	int r = -ENOMEM;

	(void)state;
	for (uint64_t n = 1; r != 0; n++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		struct compose_variables list;
		struct diag_list diags;
		diag_init(&diags, arena);
		arena_fail_after(arena, n);
		r = compose_parse_env(&source, &known, arena, &diags, &list);
		assert_true(n < 1000 && (r == 0 || r == -ENOMEM));
	}
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(limits) + 8] = {
		cmocka_unit_test(test_limit_ports),
		cmocka_unit_test(test_limit_files),
		cmocka_unit_test(test_limits_over_files),
		cmocka_unit_test(test_limit_variables),
		cmocka_unit_test(test_no_symbolic_addresses_left),
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_out_of_memory_files),
		cmocka_unit_test(test_out_of_memory_env),
	};

	ADD_ROWS(tests, 8, limits, check_limit);
	return cmocka_run_group_tests_name("compose_limits", tests, NULL, NULL);
}
