/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netd.conf. */
#include "core/conf/conf.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct conf conf = { 0 };
	struct diag_list diags;
	uint32_t bit = 1;

	diag_init(&diags, arena);
	int r = conf_parse("netd.conf", (const char *)data, size, arena, &diags, &conf);
	assert(r == 0 || r == CONF_E_INVALID);
	fuzz_check_diags(&diags, r == 0);
	for (size_t i = 0; i < conf.settings.n; i++) {
		const struct conf_setting *setting = &conf.settings.items[i];
		fuzz_check_text(setting->key);
		fuzz_check_text(setting->value);
		assert(!strchr(" \t", *setting->value));
		assert(setting->loc.line > 0 && setting->loc.col > 0 && setting->loc.line <= size);
		/* No key twice. */
		assert(conf_find(&conf, setting->key) == setting);
		(void)conf_parse_bit(setting->value, &bit);
		assert(bit && (bit & (bit - 1)) == 0);
	}
	return 0;
}
