/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that runs out while edge/fw builds a batch, at each allocation of ours and of libnftnl:
 * many of its setters tell of it by what they return, some in no way, and what they could not copy
 * would be missing in the message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "edge/fw/encode.h"
#include "test_ruleset_random.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAS_OWN_MALLOC 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_OWN_MALLOC 0
#endif
#endif
#ifndef HAS_OWN_MALLOC
#define HAS_OWN_MALLOC 1
#endif

static size_t until_failure; /* 0: memory does not run out */

#if HAS_OWN_MALLOC

static bool runs_out(void)
{
	return until_failure && --until_failure == 0;
}

/* These take the place of the C library's, for libnftnl as well. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);

void *malloc(size_t size)
{
	return runs_out() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return runs_out() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
	return runs_out() ? NULL : __libc_realloc(old, size);
}

#endif

/* Builds with the memory running out at that allocation. */
static int build(struct fw_batch *batch, const struct rs_diff *diff, bool whole, size_t failure)
{
	struct fw_encode_options options = { .whole = whole, .exists = { true, true } };

	*batch = (struct fw_batch){ 0 };
	until_failure = failure;
	int r = fw_batch_begin(batch, 1);
	if (r == 0)
		r = fw_encode(batch, diff, &options);
	int end = fw_batch_end(batch);
	until_failure = 0;
	assert_true(r == 0 || end == -ENOMEM); /* a batch that lacks something has no end */
	return r == 0 ? end : r;
}

static void fails_as_a_whole(const struct rs_diff *diff, bool whole)
{
	struct fw_batch complete, batch;
	size_t n = 0;
	int r;

	assert_int_equal(build(&complete, diff, whole, 0), 0);
	while ((r = build(&batch, diff, whole, ++n)) == -ENOMEM)
		fw_batch_done(&batch);
	assert_int_equal(r, 0);
	assert_true(n > complete.n_records);
	assert_int_equal(batch.len, complete.len);
	assert_memory_equal(batch.bytes, complete.bytes, complete.len);
	fw_batch_done(&batch);
	fw_batch_done(&complete);
}

static void nothing_is_left_out(void **state)
{
	struct arena *arena = arena_new();
	struct ruleset *rs = sample_ruleset(arena);
	const char *why;
	struct rs_diff diff;

	(void)state;
	if (!HAS_OWN_MALLOC) {
		print_message("SKIP: the address sanitizer has an allocator of its own\n");
		arena_free(arena);
		skip();
	}
	assert_int_equal(ruleset_seal(rs, &why), 0);
	assert_int_equal(ruleset_diff(NULL, rs, arena, &diff), 0);
	fails_as_a_whole(&diff, true);
	for (uint64_t seed = 1; seed < 4; seed++) {
		assert_int_equal(ruleset_diff(random_ruleset(arena, seed),
					      random_ruleset(arena, seed + 10), arena, &diff),
				 0);
		fails_as_a_whole(&diff, false);
	}
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(nothing_is_left_out) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
