/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the readers of single formats share. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json-pick.h"
#include "core/base/json-scan.h"
#include "core/base/limits.h"
#include "core/images/private.h"

int images_json(const char *bytes, size_t len, cJSON **ret)
{
	static const struct json_limits limits = { .depth = JSON_PICK_DEPTH,
						   .items = LIMIT_IMAGE_VALUES,
						   .lines = true };
	size_t offset;

	if (json_scan(bytes, len, limits, &offset))
		return IMAGES_E_REFUSED;
	*ret = json_parse(bytes, len, &offset);
	return *ret ? 0 : errno == ENOMEM ? -ENOMEM : IMAGES_E_REFUSED;
}

int images_refuse(struct images_file *file, const char *why)
{
	file->why = why;
	return IMAGES_E_REFUSED;
}
