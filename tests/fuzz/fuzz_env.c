/* SPDX-License-Identifier: GPL-2.0-or-later */
/* .env files beside compose files. */
#include "core/compose/compose.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct node_source source = { ".env", (const char *)data, size };
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct compose_variables known = { 0 }, ret = { 0 };
	struct diag_list diags;
	int r = VEC_PUSH(arena, &known.list, ((struct compose_variable){ "HOME", "/root" }));

	assert(r == 0);
	diag_init(&diags, arena);
	r = compose_parse_env(&source, &known, arena, &diags, &ret);
	assert(r == 0 || r == COMPOSE_E_INVALID);
	fuzz_check_diags(&diags, r == 0);
	assert(r == 0 || ret.list.n == 0);
	assert(ret.list.n <= LIMIT_COMPOSE_VARIABLES);
	for (size_t i = 0; i < ret.list.n; i++) {
		fuzz_check_text(ret.list.items[i].name);
		assert(strlen(ret.list.items[i].value) <= size + LIMIT_COMPOSE_TEXT);
	}
	return 0;
}
