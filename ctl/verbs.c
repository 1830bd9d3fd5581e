/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each verb of the verb table (core/wire) runs and takes. */
#include "ctl/ctl.h"

#define HOST_FACTS (OPT_INVENTORY | OPT_COMPOSE)
#define MATRIX_FORMATS "text json dot svg mermaid"

static const struct ctl_verb verbs[] = {
	{ "validate", verb_validate, { HOST_FACTS | OPT_STRICT, "text json sarif junit" } },
	{ "test", verb_test, { HOST_FACTS, "text json junit tap" } },
	{ "plan", verb_plan, { HOST_FACTS | OPT_AGAINST, "text json markdown" } },
	{ "explain", verb_explain, { HOST_FACTS | OPT_POLICY, NULL } },
	{ "matrix", verb_matrix, { HOST_FACTS | OPT_POLICY, MATRIX_FORMATS } },
	{ "export", verb_export, { HOST_FACTS, NULL } },
	{ "schema", verb_schema, { 0, NULL } },
	{ "completion", verb_completion, { 0, NULL } },
	{ "inventory", verb_inventory, { OPT_DOCKER, "text json" } },
	{ "doctor", verb_doctor, { OPT_INVENTORY | OPT_DOCKER | OPT_ROOT, NULL } },
	{ "status", verb_status, { 0, NULL } },
	{ "endpoints", verb_endpoints, { 0, NULL } },
	{ "rules", verb_rules, { 0, NULL } },
	{ "ports", verb_ports, { 0, NULL } },
	{ "verify", verb_verify, { 0, NULL } },
	{ "apply", verb_apply, { OPT_CONFIRM, NULL } },
	{ "confirm", verb_confirm, { 0, NULL } },
	{ "history", verb_history, { 0, NULL } },
	{ "rollback", verb_rollback, { OPT_CONFIRM, NULL } },
	{ "reload", verb_reload, { 0, NULL } },
	{ "off", verb_off, { OPT_YES, NULL } },
};

const struct ctl_verb *ctl_verbs(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(verbs);
	return verbs;
}
