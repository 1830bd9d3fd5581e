/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control verbs. answers.c: those that read what is in force; answers-history.c: what was;
 * answers-flows.c: what was seen; answers-admin.c: those that change it; answers-kernel.c: what the
 * kernel says of it. Private to the daemon. */
#pragma once

#include "core/base/hash.h"
#include "core/report/report.h"
#include "daemon/daemon.h"

/* What the kernel has said; of what a verb has not asked, zero. */
struct kernel_facts {
	const struct report_counter *counters; /* by name, then table; NULL: none were read */
	size_t n_counters;
	struct cut_facts cut;	     /* connections */
	struct fw_state state;	     /* whether there are tables */
	struct fw_verified verified; /* against what was committed */
	int verify_error;	     /* -errno: verified and state are not known, error says why */
	struct fw_error error;
	struct host_process process; /* netd itself */
	bool is_last_look; /* netd has committed during all before: a difference may be that */
};
answer_ask_fn kernel_ask_counters, kernel_ask_connections, kernel_ask_objects, kernel_ask_all,
	answer_ask_metrics;

answer_fn answer_apply, answer_apply_check, answer_rollback_check, answer_rollback,
	answer_confirm_check, answer_confirm, answer_reload, answer_off, answer_history,
	answer_verify, answer_reload_check, answer_metrics, answer_flows, answer_top,
	answer_stage_check, answer_stage, answer_hosts;
answer_aside_fn answer_reload_found;

/* What is in force, with the counters that were asked for. Without a policy all of it is NULL. 0 or
 * -errno. */
int answer_input(const struct daemon *d, struct arena *arena, struct report_input *ret) MUST_CHECK;

/* {"changes":…}, for the answer to a change that was checked; *ret stays NULL where there is
 * nothing to compare with. 0 or -errno. */
int answer_changes(struct daemon *d, const struct policy *policy, struct arena *arena,
		   cJSON **ret) MUST_CHECK;
/* Texts of a policy, and how they come into force. */
struct answer_texts {
	const struct policy_source *sources;
	size_t n;
	enum history_by by;
	uint64_t of; /* HISTORY_BY_ROLLBACK */
};
/* The "confirm_s" of a request is 0, which is none, or a time that netd waits for. */
bool answer_is_confirm_time(const struct control_request *request) MUST_CHECK;
/* Of what is staged, and of the policy in force, which `stage` compares. Something is staged. */
void answer_staged_digest(const struct daemon *d, char ret[HASH_TEXT_LEN]);
/* The "expect" of a request, where it has one, is the digest of the policy in force; or the one
 * above. *ret is set, and nothing else, where it is not, or nothing is staged. 0 or -ENOMEM. Asked
 * beside the loop, so that nobody waits for an answer that is no, and in it, where it counts. */
int answer_expect_policy(const struct daemon *d, const struct control_request *request,
			 cJSON **ret) MUST_CHECK;
int answer_expect_staged(const struct daemon *d, const struct control_request *request,
			 cJSON **ret) MUST_CHECK;
/* Beside the loop; what is found is the answer, and else what it changes goes into it. */
int answer_check_texts(struct daemon *d, const struct answer_texts *texts, struct arena *arena,
		       cJSON **ret) MUST_CHECK;
/* Once they are checked: in force before the answer, taken back unless it is confirmed. */
int answer_put_into_force(struct daemon *d, const struct control_request *request,
			  const struct answer_texts *texts, struct arena *arena,
			  cJSON **ret) MUST_CHECK;

/* For what is asked about flows: the facts of what is in force, without a policy those of Docker;
 * and the flows, with an index of those facts. 0 or -errno. */
int answer_flow_input(const struct daemon *d, struct arena *arena,
		      struct report_input *ret) MUST_CHECK;
struct report_flows;
int answer_take_flows(struct daemon *d, const struct report_input *in, struct arena *arena,
		      struct report_flows *ret) MUST_CHECK;

/* {"v":1,"code":…,"report":…}. Takes @report. */
int answer_report(enum wire_code code, cJSON *report, cJSON **ret) MUST_CHECK;
/* Takes @error; NULL: -ENOMEM. */
int answer_error(cJSON *error, cJSON **ret) MUST_CHECK;
/* What was asked for is in force. */
bool answer_is_well(const struct daemon *d);
/* Why there is nothing to ask about. */
int answer_not_in_force(const struct daemon *d, cJSON **ret) MUST_CHECK;
/* An answer with the diagnostics of a policy. */
int answer_invalid(const struct diag_list *diags, cJSON **ret) MUST_CHECK;
/* A policy that is kept, and the JSON that its plan is in. */
struct kept_policy {
	struct history_record record;
	cJSON *root;
};
/* That of the "generation" of a request, else the one before what is in force. *answer is set, and
 * nothing else, where there is none. */
int answer_find_kept(struct daemon *d, const struct control_request *request, struct arena *arena,
		     struct kept_policy *ret, cJSON **answer) MUST_CHECK;
/* The "files" of a request, borrowed from it. -EINVAL: not as they should be. */
int answer_read_files(const struct control_request *request, struct arena *arena,
		      struct policy_source **ret, size_t *ret_n) MUST_CHECK;
