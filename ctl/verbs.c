/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each verb of the verb table (core/wire) runs and takes. */
#include "ctl/ctl.h"

#define COMPOSE_FACTS (OPT_COMPOSE | OPT_SERVICE | OPT_ENV_FILE)
#define ENGINE (OPT_DOCKER | OPT_ENGINE)
#define HOST_FACTS (OPT_INVENTORY | COMPOSE_FACTS)
#define FLOW_FILTERS (OPT_CONTAINER | OPT_TIER | OPT_VERDICT | OPT_SINCE)
#define MATRIX_FORMATS "text json dot mermaid"

static const struct ctl_verb verbs[] = {
	{ "validate",
	  verb_validate,
	  { HOST_FACTS | OPT_STRICT, "text json sarif junit",
	    "validate --compose compose.yaml policy.d" } },
	{ "test", verb_test, { HOST_FACTS, "text json junit tap", "test policy.d" } },
	{ "plan",
	  verb_plan,
	  { HOST_FACTS | OPT_AGAINST | ENGINE, "text json markdown",
	    "plan --against main/policy.d --inventory prod.json policy.d" } },
	{ "explain",
	  verb_explain,
	  { HOST_FACTS | OPT_POLICY, NULL, "explain web-1 db-1 5432/tcp" } },
	{ "matrix",
	  verb_matrix,
	  { HOST_FACTS | OPT_POLICY, MATRIX_FORMATS,
	    "matrix --policy policy.d --format dot | dot -Tsvg > matrix.svg" } },
	{ "suggest",
	  verb_suggest,
	  { HOST_FACTS | OPT_POLICY | OPT_FLOWS | OPT_DENIED | ENGINE, NULL,
	    "suggest > policy.yaml" } },
	{ "audit",
	  verb_audit,
	  { HOST_FACTS | OPT_POLICY | OPT_DOCKER | OPT_IMAGES | OPT_KEYS, "text json sarif junit",
	    "audit --compose compose.yaml" } },
	{ "export", verb_export, { HOST_FACTS, NULL, "export policy.d | nft -c -f -" } },
	{ "schema", verb_schema, { 0, NULL, "schema > netd-policy.schema.json" } },
	{ "completion",
	  verb_completion,
	  { 0, NULL, "completion bash > /etc/bash_completion.d/netdctl" } },
	{ "inventory",
	  verb_inventory,
	  { ENGINE | COMPOSE_FACTS, "text json", "inventory > prod.json" } },
	{ "doctor", verb_doctor, { OPT_INVENTORY | ENGINE | OPT_ROOT, NULL, NULL } },
	{ "status", verb_status, { 0, NULL, NULL } },
	{ "metrics", verb_metrics, { 0, "text openmetrics", "metrics > netd.prom" } },
	{ "report",
	  verb_report,
	  { OPT_INVENTORY | ENGINE | OPT_ROOT, "text json", "report > report.html" } },
	{ "endpoints", verb_endpoints, { 0, NULL, NULL } },
	{ "rules", verb_rules, { 0, NULL, NULL } },
	{ "ports", verb_ports, { 0, NULL, NULL } },
	{ "flows",
	  verb_flows,
	  { FLOW_FILTERS | OPT_FOLLOW, NULL, "flows --verdict denied --since 1h" } },
	{ "top", verb_top, { FLOW_FILTERS, NULL, "top --tier backend" } },
	{ "verify", verb_verify, { 0, NULL, NULL } },
	{ "apply", verb_apply, { OPT_CONFIRM | OPT_EXPECT, NULL, "apply --confirm 60s policy.d" } },
	{ "stage",
	  verb_stage,
	  { OPT_APPLY | OPT_DISCARD | OPT_CONFIRM | OPT_EXPECT, NULL,
	    "stage policy.d; netdctl stage" } },
	{ "allow",
	  verb_allow,
	  { OPT_CONFIRM | OPT_FLOWS | OPT_INVENTORY | OPT_POLICY | ENGINE, NULL,
	    "allow --confirm 60s 48213" } },
	{ "confirm", verb_confirm, { OPT_EXPECT, NULL, NULL } },
	{ "history", verb_history, { 0, NULL, "history 7" } },
	{ "rollback",
	  verb_rollback,
	  { OPT_CONFIRM | OPT_EXPECT, NULL, "rollback --confirm 60s 7" } },
	{ "reload", verb_reload, { OPT_DISCARD_APPLIED, NULL, NULL } },
	{ "fleet",
	  verb_fleet,
	  { OPT_CONFIG | OPT_GROUP | OPT_SIGN_KEY | OPT_EXPECT | OPT_YES | OPT_CANARY | OPT_WAIT |
		    OPT_ACCEPT_DENIALS,
	    NULL, "fleet apply policy.d; netdctl fleet status" } },
	{ "hosts", verb_hosts, { 0, NULL, "hosts" } },
	{ "off", verb_off, { OPT_YES, NULL, NULL } },
};

const struct ctl_verb *ctl_verbs(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(verbs);
	return verbs;
}
