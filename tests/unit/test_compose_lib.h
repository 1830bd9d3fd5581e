/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compose text to a project, for the tests of core/compose. */
#pragma once

#include "core/base/limits.h"
#include "core/compose/compose.h"
#include "tests/unit/test_yaml_lib.h"

struct parsed {
	struct arena *arena;
	struct diag_list diags;
	struct compose_project project;
	int code;
};

static inline void parsed_done(struct parsed *parsed)
{
	parsed->arena = arena_free(parsed->arena);
}

static inline struct parsed parse_bytes(const char *bytes, size_t len)
{
	struct node_source source = { "c.yaml", bytes, len };
	struct compose_input in = { .sources = &source, .n_sources = 1, .project = "p" };
	struct parsed parsed = { .arena = arena_new() };

	diag_init(&parsed.diags, parsed.arena);
	parsed.code = compose_parse(&in, parsed.arena, &parsed.diags, &parsed.project);
	return parsed;
}

static inline struct parsed parse_text(const struct text *text)
{
	assert_false(text_failed(text));
	return parse_bytes(text_str(text), text->len);
}

static inline const char *first_id(const struct parsed *parsed)
{
	return parsed->diags.diags.n ? parsed->diags.diags.items[0].id : "";
}

/* As read_yaml(). */
static inline struct outcome read_compose(const struct text *yaml)
{
	double start = now_s();
	CLEANUP(parsed_done) struct parsed parsed = parse_text(yaml);

	return outcome_of(parsed.code, &parsed.diags, parsed.arena, start);
}
