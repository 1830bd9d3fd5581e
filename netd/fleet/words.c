/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fleet/words.h"

#include <errno.h>
#include <stdio.h>

const char *words_refusal(const struct wire_answer *answer, char *ret, size_t size)
{
	const cJSON *diag = cJSON_GetArrayItem(wire_array(answer->json, "diagnostics"), 0);
	const char *text = wire_string(diag, "text"), *file = wire_string(diag, "file");

	if (text && file)
		(void)snprintf(ret, size, "%.100s:%.0f: %.300s", file, wire_number(diag, "line", 0),
			       text);
	else if (wire_error_text(answer->json))
		(void)snprintf(ret, size, "%.400s", wire_error_text(answer->json));
	else
		(void)snprintf(ret, size, "netd gives no reason");
	return ret;
}

char *words_apply(const struct fleet_policy *policy, size_t *ret_len)
{
	cJSON *request = wire_new_request("apply");
	cJSON *files = request ? cJSON_AddArrayToObject(request, "files") : NULL;
	int r = files ? 0 : -ENOMEM;
	char *line = NULL;

	for (size_t i = 0; i < policy->n_sources && r == 0; i++) {
		cJSON *file = cJSON_CreateObject();
		r = file && cJSON_AddItemToArray(files, file) ? 0 : -ENOMEM;
		if (r == 0)
			r = wire_add_string(file, "name", policy->sources[i].name);
		if (r == 0)
			r = wire_add_string(file, "text", policy->sources[i].bytes);
	}
	if (r == 0)
		line = wire_print(request, ret_len);
	cJSON_Delete(request);
	return line;
}
