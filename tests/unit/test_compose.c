/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the compose reader. What every world of it keeps to is test_compose_world.c's; what
 * files come to, and the wording of findings, is the goldens'. */
#include "tests/unit/test_compose_lib.h"

#include "core/compose/decode.h"

static const struct compose_variable shop_variables[] = {
	{ "A", "a" }, { "EMPTY", "" }, { "_X1", "x" }, { "A", "second" }, { "D", "$A" },
};

static struct interpolation shop(void)
{
	return (struct interpolation){ .variables = shop_variables,
				       .n_variables = ARRAY_LEN(shop_variables),
				       .project = "shop" };
}

static const struct {
	const char *text, *want;
} interpolated[] = {
	{ "", "" },
	{ "plain {A} } :", "plain {A} } :" },
	{ "$A", "a" },
	{ "$A$_X1.$A-", "ax.a-" },
	{ "${A}b", "ab" },
	{ "$$A $${A} $$$$", "$A ${A} $$" },
	{ "$D ${D}", "$A $A" }, /* values are not looked into */
	{ "$EMPTY|${EMPTY}", "|" },
	{ "${NO:-x}${NO-y}", "xy" },
	{ "${EMPTY:-x}${EMPTY-y}", "x" },
	{ "${A:-x}${A-y}", "aa" },
	{ "${NO:-}${NO-}", "" },
	{ "${NO:-${NO2:-$A}}", "a" },
	{ "${NO:-{}}", "{}" },
	{ "${NO:-a:b-c?d+e}", "a:b-c?d+e" },
	{ "${NO:-$$}", "$" },
	{ "${A:+x}${EMPTY:+y}${EMPTY+z}${NO+n}", "xz" },
	{ "${A:?no}${EMPTY?no}", "a" },
	{ "${A:-$}${A:-$NO}", "aa" },
	{ "${A:-x{y}z}", "a" },
	{ "^a$ $1 a$", "^a$ $1 a$" }, /* these begin no variable */
	{ "`^.+$`", "`^.+$`" },
	{ "$COMPOSE_PROJECT_NAME", "shop" },
};

static void test_interpolation(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(interpolated); i++) {
		CLEANUP(text_done) struct text out = { 0 };
		struct interpolation how = shop();
		print_message("%s\n", interpolated[i].text);
		assert_int_equal(compose_interpolate(&how, interpolated[i].text, &out), 0);
		assert_string_equal(how.name, "");
		assert_string_equal(how.message, "");
		assert_string_equal(text_str(&out), interpolated[i].want);
	}
}

static const struct {
	const char *text;
	int code;
	const char *name, *message;
} not_interpolated[] = {
	{ "${A:-${BAD", INTERPOLATE_E_SYNTAX, "", "" },
	{ "${A:-x\ny}", INTERPOLATE_E_SYNTAX, "", "" },
	{ "${A:-{}} ${B}", INTERPOLATE_E_SYNTAX, "", "" }, /* compose counts braces like this */
	{ "${A:-${NO?deep}}", INTERPOLATE_E_REQUIRED, "NO", "deep" }, /* needed or not */
	{ "$NO ${A", INTERPOLATE_E_SYNTAX, "", "" },
	{ "${NO}", INTERPOLATE_E_UNSET, "NO", "" },
	{ "$NO", INTERPOLATE_E_UNSET, "NO", "" },
	{ "x${NO:?say it}", INTERPOLATE_E_REQUIRED, "NO", "say it" },
	{ "${EMPTY:?}", INTERPOLATE_E_REQUIRED, "EMPTY", "" },
	{ "${NO:-${NO2?deep}}", INTERPOLATE_E_REQUIRED, "NO2", "deep" },
	{ "${}", INTERPOLATE_E_SYNTAX, "", "" },
	{ "${A", INTERPOLATE_E_SYNTAX, "", "" },
	{ "${A:}", INTERPOLATE_E_SYNTAX, "", "" },
	{ "${A:x}", INTERPOLATE_E_SYNTAX, "", "" },
	{ "${A B}", INTERPOLATE_E_SYNTAX, "", "" },
	{ "${1A}", INTERPOLATE_E_SYNTAX, "", "" },
};

static void test_bad_interpolation(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(not_interpolated); i++) {
		CLEANUP(text_done) struct text out = { 0 };
		struct interpolation how = shop();
		print_message("%s\n", not_interpolated[i].text);
		assert_int_equal(compose_interpolate(&how, not_interpolated[i].text, &out),
				 not_interpolated[i].code);
		assert_string_equal(how.name, not_interpolated[i].name);
		assert_string_equal(how.message, not_interpolated[i].message);
	}
}

static void test_interpolation_limit(void **state)
{
	static char value[LIMIT_COMPOSE_TEXT + 1];
	static const struct compose_variable variables[] = { { "A", value } };
	struct interpolation how = { .variables = variables, .n_variables = 1 };
	CLEANUP(text_done) struct text fits = { 0 }, over = { 0 };

	(void)state;
	memset(value, 'x', LIMIT_COMPOSE_TEXT);
	assert_int_equal(compose_interpolate(&how, "$A", &fits), 0);
	assert_int_equal(fits.len, LIMIT_COMPOSE_TEXT);
	assert_int_equal(compose_interpolate(&how, "${A}x", &over), INTERPOLATE_E_TOO_LONG);
}

static const struct {
	const char *text, *host_ip, *port;
	unsigned int lo, hi;
} ports[] = {
	{ "80", "-", "80/tcp", 0, 0 },
	{ "80-82/UDP", "-", "80-82/udp", 0, 0 },
	{ "8080:80", "-", "80/tcp", 8080, 8080 },
	{ "8080:80/sctp", "-", "80/sctp", 8080, 8080 },
	{ "127.0.0.1:8080:80", "127.0.0.1", "80/tcp", 8080, 8080 },
	{ "127.0.0.1::80", "127.0.0.1", "80/tcp", 0, 0 },
	{ ":8080:80", "-", "80/tcp", 8080, 8080 },
	{ ":80", "-", "80/tcp", 0, 0 },
	{ "[::1]:8080:80", "::1", "80/tcp", 8080, 8080 },
	{ "[2001:db8::7]::80", "2001:db8::7", "80/tcp", 0, 0 },
	{ "9000-9001:90-91", "-", "90-91/tcp", 9000, 9001 },
	{ "9000-9009:90", "-", "90/tcp", 9000, 9009 },
	{ "65535:65535", "-", "65535/tcp", 65535, 65535 },
	{ "0:80", "-", "80/tcp", 0, 0 },
};

static void test_ports(void **state)
{
	char ip[IP_TEXT_LEN], port[PORT_RANGE_TEXT_LEN];
	struct draft_port got;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ports); i++) {
		print_message("%s\n", ports[i].text);
		assert_int_equal(compose_parse_port(ports[i].text, &got), 0);
		assert_string_equal(ip_format(&got.host_ip, ip), ports[i].host_ip);
		assert_string_equal(port_range_format(&got.port, port), ports[i].port);
		assert_int_equal(got.host_lo, ports[i].lo);
		assert_int_equal(got.host_hi, ports[i].hi);
	}
}

static void test_bad_ports(void **state)
{
	static const char *const bad[] = {
		"",
		":",
		"80:",
		"0",
		"65536",
		"1:0",
		"x",
		"80/",
		"80/icmp",
		"80/any",
		"-80",
		"80-",
		"82-80",
		"1-2:1-3",
		"1:1-2",
		"a:1:1",
		"1.2.3:1:1",
		"[::1:1:1",
		"[]:1:1",
		"[::g]:1:1",
		"::1:8080:80",
		"1:2:3:4:5:6",
		"80 ",
		" 80",
		"80:80:80/tcp/udp",
		"[::1]8080:80",
		"+80",
		"0x50",
	};
	struct draft_port got;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		print_message("%s\n", bad[i]);
		assert_true(compose_parse_port(bad[i], &got) < 0);
	}
}

static void test_env(void **state)
{
	static const struct compose_variable outer[] = { { "HOME", "/root" } };
	static const struct compose_variables known = {
		{ (struct compose_variable *)(uintptr_t)outer, 1, 1 }
	};
	static const struct {
		const char *text, *want; /* NAME=value; …, NULL: invalid */
	} rows[] = {
		{ "", "" },
		{ "# only\n\n  \n", "" },
		{ "A=1", "A=1;" },
		{ "A=1\r\nB=2\r\n", "A=1;B=2;" },
		{ "A=1\nA=2\n", "A=2;" },
		{ "export A = 1 2 # c\n", "A=1 2;" },
		{ "A=x#y\nB=#\nC=x\t# y\n", "A=x#y;B=#;C=x\t# y;" },
		{ "A='it\\'s \\n'\nB=\"\\q\"", "A=it's \\n;B=\\q;" },
		{ "A=^x$\n", "A=^x$;" },
		{ "A: 1\n", "A=1;" },
		{ "A=\nB=''\nC=\"\"\n", "A=;B=;C=;" },
		{ "A='$HOME \\n'\n", "A=$HOME \\n;" },
		{ "A=\"$HOME\\n\\$x \\\"q\\\"\" # c\nB=2", "A=/root\n$x \"q\";B=2;" },
		{ "A=\"one\ntwo\"\nB=1", "A=one\ntwo;B=1;" },
		{ "A=1\nB=${A}2\nC=${B:-x}$HOME", "A=1;B=12;C=12/root;" },
		{ "A=$NO\nB=1", "B=1;" }, /* not known, so not set */
		{ "HOME\nA\nB=1", "B=1;" },
		{ "A=${B\n", NULL },
		{ "=1", NULL },
		{ "A B=1", NULL },
		{ "A=\"open\n", NULL },
		{ "\xef\xbb\xbf"
		  "A=1\n",
		  "A=1;" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(text_done) struct text got = { 0 };
		struct node_source source = { ".env", rows[i].text, strlen(rows[i].text) };
		struct compose_variables list = { 0 };
		struct diag_list diags;

		print_message("%s\n", rows[i].text);
		diag_init(&diags, arena);
		int r = compose_parse_env(&source, &known, arena, &diags, &list);
		assert_int_equal(r, rows[i].want ? 0 : COMPOSE_E_INVALID);
		assert_int_equal(diags.n_errors > 0, !rows[i].want);
		for (size_t k = 0; k < list.list.n; k++)
			text_printf(&got, "%s=%s;", list.list.items[k].name,
				    list.list.items[k].value);
		if (rows[i].want)
			assert_string_equal(text_str(&got), rows[i].want);
	}
}

static void test_project_name(void **state)
{
	static const struct {
		const char *given, *variable, *key, *directory, *want; /* want NULL: an error */
	} rows[] = {
		{ "given", "var", "key", "/dir", "given" },
		{ NULL, "var", "key", "/dir", "var" },
		{ NULL, NULL, "key", "/dir", "key" },
		{ NULL, NULL, NULL, "/srv/dir", "dir" },
		{ NULL, NULL, NULL, "/srv/My Dir_2//", "mydir_2" },
		{ NULL, NULL, NULL, "-_x", "x" },
		{ NULL, NULL, "Key.One", "/dir", "keyone" },
		{ "Given", NULL, NULL, "/dir", NULL },
		{ "-x", NULL, NULL, "/dir", NULL },
		{ NULL, NULL, NULL, "/", NULL },
		{ NULL, NULL, NULL, NULL, NULL },
		{ NULL, "", "key", NULL, "key" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		const char *yaml =
			arena_printf(arena, "%s%s\nservices: {a: {image: x}}\n",
				     rows[i].key ? "name: " : "", rows[i].key ? rows[i].key : "");
		struct node_source source = { "c.yaml", yaml, strlen(yaml) };
		struct compose_variable variable = { "COMPOSE_PROJECT_NAME", rows[i].variable };
		struct compose_input in = { .sources = &source,
					    .n_sources = 1,
					    .variables = &variable,
					    .n_variables = rows[i].variable ? 1 : 0,
					    .project = rows[i].given,
					    .directory = rows[i].directory };
		struct compose_project project = { 0 };
		struct diag_list diags;

		diag_init(&diags, arena);
		int r = compose_parse(&in, arena, &diags, &project);
		assert_int_equal(r, rows[i].want ? 0 : COMPOSE_E_INVALID);
		if (!rows[i].want) {
			assert_string_equal(diags.diags.items[0].id, "bad-name");
			continue;
		}
		assert_string_equal(project.name, rows[i].want);
		assert_string_equal(project.world->containers[0].name,
				    arena_printf(arena, "%s-a-1", rows[i].want));
	}
}

static void test_no_file(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct compose_input in = { .project = "p" };
	struct compose_project project = { 0 };
	struct diag_list diags;

	(void)state;
	diag_init(&diags, arena);
	assert_int_equal(compose_parse(&in, arena, &diags, &project), COMPOSE_E_INVALID);
	assert_string_equal(diags.diags.items[0].id, "missing-key");
	assert_null(project.world);
}

/* ---- the loader ---- */

struct loading {
	unsigned int calls;
	int code;
	char asked[256];
};

static int load(void *userdata, struct arena *arena, const char *path, bool secret,
		struct node_source *ret)
{
	static const char yaml[] = "services: {b: {image: b, labels: {from: b}}}\n";
	struct loading *loading = userdata;

	(void)arena;
	assert_false(secret);
	loading->calls++;
	(void)snprintf(loading->asked, sizeof(loading->asked), "%s", path);
	*ret = (struct node_source){ "dir/other.yaml", yaml, sizeof(yaml) - 1 };
	return loading->code;
}

static void test_loader(void **state)
{
	static const char yaml[] =
		"services:\n  a: {extends: {file: ./x//../other.yaml, service: b}}\n"
		"  c: {extends: {file: other.yaml, service: b}}\n";
	struct node_source source = { "dir/c.yaml", yaml, sizeof(yaml) - 1 };
	static const int codes[] = { 0, COMPOSE_E_UNREADABLE, COMPOSE_E_ABSENT, -ENOMEM };
	static const int wants[] = { 0, COMPOSE_E_INVALID, COMPOSE_E_INVALID, -ENOMEM };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		struct loading loading = { .code = codes[i] };
		struct compose_input in = { .sources = &source,
					    .n_sources = 1,
					    .project = "p",
					    .load = load,
					    .userdata = &loading };
		struct compose_project project = { 0 };
		struct diag_list diags;

		diag_init(&diags, arena);
		assert_int_equal(compose_parse(&in, arena, &diags, &project), wants[i]);
		assert_string_equal(loading.asked, "dir/other.yaml");
		assert_int_equal(loading.calls, codes[i] > 0 ? 2 : 1);
		if (codes[i] == 0)
			assert_string_equal(
				world_label_value(&project.world->containers[1], "from"), "b");
	}
}

/* ---- services that are not started ---- */

/* What compose checks of all that are active, and what only those have that are started. */
static void test_selected_services(void **state)
{
	static const struct {
		const char *other, *id; /* of a second service, beside the one that is named */
	} rows[] = {
		{ "scale: 2, deploy: {replicas: 3}", "conflicting-value" },
		{ "scale: 2, container_name: other", "replicas" },
		{ "scale: 2, container_name: other, profiles: [off]", "" },
		{ "container_name: one", "" },
		{ "scale: 3000000", "" },
	};
	static const char *const services[] = { "a" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(text_done) struct text yaml = { 0 };
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		struct compose_project project = { 0 };
		struct diag_list diags;
		text_printf(&yaml,
			    "services:\n  a: {image: x:1, container_name: one}\n"
			    "  b: {image: x:1, %s}\n",
			    rows[i].other);
		struct node_source source = { "c.yaml", text_str(&yaml), yaml.len };
		struct compose_input in = { .sources = &source,
					    .n_sources = 1,
					    .services = services,
					    .n_services = 1,
					    .project = "p" };
		diag_init(&diags, arena);
		int r = compose_parse(&in, arena, &diags, &project);
		assert_int_equal(r, *rows[i].id ? COMPOSE_E_INVALID : 0);
		assert_string_equal(diags.diags.n ? diags.diags.items[0].id : "", rows[i].id);
		assert_true(r != 0 || project.world->n_containers == 1);
	}
}

/* What somebody else has reported, in a policy say, hides nothing of the project. */
static void test_errors_of_others(void **state)
{
	static const char *const texts[] = { "services: {a: {image: x:1}, b: {image: y:1}}\n",
					     "services: {a: {image: x:1, depends_on: [z]}}\n" };
	static const char *const services[] = { "a" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		struct node_source source = { "c.yaml", texts[i], strlen(texts[i]) };
		struct compose_input in = { .sources = &source,
					    .n_sources = 1,
					    .services = services,
					    .n_services = 1,
					    .project = "p" };
		struct compose_project project = { 0 };
		struct diag_list diags;
		diag_init(&diags, arena);
		diag_add(&diags, DIAG_ERROR, (struct source_loc){ "z.yaml", 1, 1 }, "other", NULL,
			 "something is wrong");
		int r = compose_parse(&in, arena, &diags, &project);
		assert_int_equal(r, i == 0 ? 0 : COMPOSE_E_INVALID);
		assert_int_equal(diags.n_errors, i == 0 ? 1 : 2);
		if (i == 0)
			assert_int_equal(project.world->n_containers, 1);
		else
			assert_string_equal(diags.diags.items[0].id, "undefined-service");
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interpolation),
		cmocka_unit_test(test_bad_interpolation),
		cmocka_unit_test(test_interpolation_limit),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_bad_ports),
		cmocka_unit_test(test_env),
		cmocka_unit_test(test_project_name),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_loader),
		cmocka_unit_test(test_selected_services),
		cmocka_unit_test(test_errors_of_others),
	};

	return cmocka_run_group_tests_name("compose", tests, NULL, NULL);
}
