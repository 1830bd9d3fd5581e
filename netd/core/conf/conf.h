/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netd.conf(5): bytes -> `key = value` lines that know where they stand. Which keys there are, and
 * which values, is the caller's knowledge. Pure. */
#pragma once

#include <stddef.h>

#include "core/base/arena.h"
#include "core/base/cleanup.h"
#include "core/base/diag.h"

struct conf_setting {
	const char *key, *value; /* neither is empty; printable, without blanks around it */
	struct source_loc loc;
};

struct conf {
	VEC(struct conf_setting) settings; /* in the order in which they were read */
};

#define CONF_E_INVALID 1

/* Adds the settings of one file to @conf, which starts zeroed. @name is borrowed, the rest is
 * copied to @arena. Every mistake becomes a finding: what is no setting, and a key that comes twice
 * in one file. 0; CONF_E_INVALID: @diags says why, and what was added does not count; -ENOMEM. */
int conf_parse(const char *name, const char *bytes, size_t len, struct arena *arena,
	       struct diag_list *diags, struct conf *conf) MUST_CHECK;
/* The setting of @key in the last file that has one, or NULL. */
const struct conf_setting *conf_find(const struct conf *conf, const char *key);
/* "0x00100000": one bit of 32; false: it is none. */
bool conf_parse_bit(const char *text, uint32_t *ret);
