/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/page.h"

const cJSON *page_part(const struct page *page, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(page->report, name);
}

const char *page_number(const struct page *page, const cJSON *object, const char *name)
{
	const char *text = arena_printf(page->arena, "%.0f", wire_number(object, name, 0));

	return text ? text : "";
}
