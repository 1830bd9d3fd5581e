/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netd.conf(5) from disk, for netd and netdctl. */
#pragma once

#include "core/conf/conf.h"

#define CONF_DEFAULT "/etc/netd/netd.conf"

#define CONF_E_UNREADABLE 2

/* Adds the settings of @path (NULL: the default) and then of the files PATH.d/NAME.conf in name
 * order to @conf, which starts zeroed. The default and the folder need not be there. All is kept in
 * @arena. 0; CONF_E_INVALID: @diags says why; CONF_E_UNREADABLE: *error says which file and why;
 * -ENOMEM. */
int conf_read_files(const char *path, struct arena *arena, struct diag_list *diags,
		    struct conf *conf, const char **error) MUST_CHECK;
