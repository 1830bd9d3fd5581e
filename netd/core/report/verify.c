/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/report/verify.h"

#include "core/report/json.h"

int report_verify(const struct report_verified *verified, cJSON **ret)
{
	struct rj j = { 0 };
	cJSON *root = rj_answer(&j);

	rj_number(&j, root, "objects", (double)verified->n_objects);
	cJSON *drifts = rj_add_array(&j, root, "drifts");
	for (size_t i = 0; i < verified->n_drifts; i++) {
		cJSON *object = rj_push_object(&j, drifts);
		rj_text(&j, object, "kind", verified->drifts[i].kind);
		rj_text(&j, object, "object", verified->drifts[i].object);
	}
	rj_number(&j, root, "more", (double)verified->n_more);
	rj_number(&j, root, "mended", (double)verified->n_mended);
	return rj_finish(&j, root, ret);
}
