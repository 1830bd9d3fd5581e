/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is told of images decides which tier an endpoint is in. */
#include "tests/unit/test_assign_lib.h"
#include "tests/unit/test_compile_lib.h"

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define REPORT(found)                                                                  \
	"{\"file\":\"f\",\"scanner\":0,\"made\":900,\"found\":" found ",\"digests\":[" \
	"\"sha256:" DIGEST "\"]}"
#define SIGNATURE(keys) "{\"file\":\"f\",\"digest\":\"sha256:" DIGEST "\",\"keys\":" keys "}"
#define TOLD(reports, signatures)                                    \
	"{\"keys\":[\"k.pem\"],\"refused\":[],\"reports\":[" reports \
	"],\"signatures\":[" signatures "]}"

static const struct row {
	const char *require, *told; /* told NULL: nothing is */
	bool is_known;		    /* the engine has told of the image's digests */
	enum assign_kind kind;
} rows[] = {
	{ "max_severity: high", TOLD(REPORT("[0,0,0,0,1,0]"), ""), true, ASSIGN_TIER },
	{ "max_severity: high", TOLD(REPORT("[0,0,0,0,1,0]"), ""), false, ASSIGN_UNKNOWN },
	{ "max_severity: high", TOLD(REPORT("[0,0,0,0,0,1]"), ""), true, ASSIGN_QUARANTINED },
	{ "max_severity: high, max_age: 1m", TOLD(REPORT("[0,0,0,0,1,0]"), ""), true,
	  ASSIGN_QUARANTINED },
	{ "max_severity: high", TOLD("", ""), true, ASSIGN_QUARANTINED },
	{ "max_severity: high", NULL, true, ASSIGN_QUARANTINED },
	{ "max_severity: high", NULL, false, ASSIGN_QUARANTINED },
	{ "signed_by: k.pem", TOLD("", SIGNATURE("1")), true, ASSIGN_TIER },
	{ "signed_by: k.pem", TOLD("", SIGNATURE("1")), false, ASSIGN_UNKNOWN },
	{ "signed_by: k.pem", TOLD("", SIGNATURE("0")), true, ASSIGN_QUARANTINED },
	{ "signed_by: other.pem", TOLD("", SIGNATURE("1")), true, ASSIGN_QUARANTINED },
	{ "max_severity: high, signed_by: k.pem", TOLD(REPORT("[0,0,0,0,1,0]"), SIGNATURE("1")),
	  true, ASSIGN_TIER },
	{ "max_severity: high, signed_by: k.pem", TOLD("", SIGNATURE("1")), true,
	  ASSIGN_QUARANTINED },
};

static const struct policy *parse_row(const struct row *row, struct arena *arena)
{
	const char *text = arena_printf(arena,
					"version: 1\nunmatched: ignore\ntiers:\n  a: {match: "
					"[{network: '*'}], require: {image: {%s}}}\n",
					row->require);
	const struct policy_source source = { "p.yaml", text, strlen(text) };
	struct diag_list diags;
	const struct policy *policy = NULL;

	diag_init(&diags, arena);
	assert_int_equal(policy_parse(&source, 1, arena, &diags, &policy), 0);
	return policy;
}

static enum assign_kind assign_row(const struct row *row, const struct images *told)
{
	static const struct images_digest digest = { DIGEST };
	static const struct world_image image = { .id = "1", .digests = &digest, .n_digests = 1 };
	struct fixture f;

	fixture_make(&f, "");
	struct world world = *f.world;
	struct world_container *containers =
		arena_dup(f.arena, world.containers, world.n_containers * sizeof(*containers));
	for (size_t i = 0; i < world.n_containers; i++) {
		containers[i].inspected = true;
		(void)strcpy(containers[i].image_id, image.id);
	}
	world.containers = containers;
	world.images = &image;
	world.n_images = row->is_known;
	world.reports = told;
	const struct compile_input in = { .policy = parse_row(row, f.arena),
					  .world = &world,
					  .now = 1000 };
	const struct assignment *all = assign_all_at(&in, f.arena);
	assert_non_null(all);
	enum assign_kind kind = all[parse_end(&f, "web-1").endpoint].kind;
	(void)arena_free(f.arena);
	return kind;
}

static void an_image_decides(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct images *told = NULL;
		if (rows[i].told)
			assert_int_equal(images_parse(rows[i].told, strlen(rows[i].told), &told),
					 0);
		enum assign_kind kind = assign_row(&rows[i], told);
		if (kind != rows[i].kind)
			fail_msg("row %zu: %s", i, assign_kind_name(kind));
		(void)images_free(told);
	}
}

/* While the first reading of the folder is under way, it is not said that somebody lacks what may
 * be there. */
static void a_reading_is_waited_for(void **state)
{
	static const struct row row = { .require = "max_severity: high", .is_known = true };
	struct fixture f;

	(void)state;
	fixture_make(&f, "");
	for (int is_awaited = 0; is_awaited < 2; is_awaited++) {
		struct world world = *f.world;
		struct world_container *containers = arena_dup(
			f.arena, world.containers, world.n_containers * sizeof(*containers));
		for (size_t i = 0; i < world.n_containers; i++)
			containers[i].inspected = true;
		world.containers = containers;
		world.awaits_reports = is_awaited;
		const struct compile_input in = { .policy = parse_row(&row, f.arena),
						  .world = &world,
						  .now = 1000 };
		const struct assignment *all = assign_all_at(&in, f.arena);
		assert_non_null(all);
		assert_int_equal(all[parse_end(&f, "web-1").endpoint].kind,
				 is_awaited ? ASSIGN_UNKNOWN : ASSIGN_QUARANTINED);
	}
	(void)arena_free(f.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(an_image_decides),
					    cmocka_unit_test(a_reading_is_waited_for) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
