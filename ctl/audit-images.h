/* SPDX-License-Identifier: GPL-2.0-or-later */
/* audit --images: what is told of the images of a host. */
#pragma once

#include "ctl/ctl.h"

/* Reads the folders into a copy of *world. CTL_OK, or the exit status after saying what is wrong.
 */
int audit_read_images(const struct ctl_args *args, struct arena *arena,
		      const struct world **world) MUST_CHECK;
/* A table of the images that containers have, and of the files that count for nothing; nothing
 * where no folder was read. */
void audit_show_images(const struct ctl *ctl, const struct world *world);
/* The same as members "images" and "refused". */
void audit_add_images(const struct world *world, int64_t now, cJSON *root);
