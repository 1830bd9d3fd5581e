/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of netdctl share. A verb reads its arguments, gets a report (offline from
 * core/report, or live from the daemon: the same JSON), and shows it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "core/base/arena.h"
#include "core/base/diag.h"
#include "core/base/text.h"
#include "core/policy/policy.h"
#include "core/report/report.h"
#include "core/wire/wire.h"
#include "core/world/world.h"
#include "edge/docker/docker.h"
#include "edge/policydir/policydir.h"

/* Exit statuses, the same for all verbs (netdctl(8)). */
enum ctl_exit {
	CTL_OK = 0,
	CTL_FINDING = 1,
	CTL_USAGE = 2,
	CTL_UNREACHABLE = 3,
	CTL_REFUSED = 4,
};

#define CTL_DEFAULT_SOCKET "/run/netd/netd.sock"

struct ctl {
	const char *socket; /* NULL: that of netd.conf(5), or the default */
	const char *docker; /* URL, or NULL: DOCKER_HOST or the default */
	enum docker_engine engine;
	const char *format;	  /* "text" */
	bool color, color_errors; /* on stdout, on stderr */
	int64_t now;		  /* seconds since the epoch */
	int *failure;		  /* exit status of what could not be shown; CTL_OK: all was */
};

/* ---- options.c ---- */

/* Options that a verb may take, beside --format and --help. */
enum ctl_option {
	OPT_POLICY = 1 << 0,
	OPT_INVENTORY = 1 << 1,
	OPT_COMPOSE = 1 << 2,
	OPT_AGAINST = 1 << 3,
	OPT_CONFIRM = 1 << 4,
	OPT_DOCKER = 1 << 5,
	OPT_YES = 1 << 6,
	OPT_ROOT = 1 << 7,
	OPT_STRICT = 1 << 8,
	OPT_SERVICE = 1 << 9,
	OPT_ENV_FILE = 1 << 10,
	OPT_DISCARD_APPLIED = 1 << 11,
	OPT_CONTAINER = 1 << 12,
	OPT_TIER = 1 << 13,
	OPT_VERDICT = 1 << 14,
	OPT_SINCE = 1 << 15,
	OPT_FOLLOW = 1 << 16,
	OPT_APPLY = 1 << 17,
	OPT_DISCARD = 1 << 18,
	OPT_FLOWS = 1 << 19,
	OPT_DENIED = 1 << 20,
	OPT_ENGINE = 1 << 21,
	OPT_CONFIG = 1 << 22,
	OPT_GROUP = 1 << 23,
	OPT_EXPECT = 1 << 24,
	OPT_IMAGES = 1 << 25,
	OPT_KEYS = 1 << 26,
	OPT_SIGN_KEY = 1 << 27,
	OPT_CANARY = 1 << 28,
	OPT_WAIT = 1 << 29,
	OPT_ACCEPT_DENIALS = 1 << 30,
};

/* Compose files of one project: as many as people layer. */
#define CTL_COMPOSE_FILES 16u
#define CTL_SERVICES 64u

struct ctl_args {
	const char *policy, *inventory, *against, *root, *flows; /* NULL: not given */
	const char *config, *group, *expect, *canary;		 /* likewise */
	const char *images, *keys, *sign_key;			 /* likewise */
	char *compose[CTL_COMPOSE_FILES], *env_files[CTL_COMPOSE_FILES];
	char *services[CTL_SERVICES];
	size_t n_compose, n_env_files, n_services;
	uint32_t confirm_s, wait_s;		/* 0: not given */
	const char *container, *tier, *verdict; /* NULL: any */
	int64_t since;				/* seconds since the epoch; 0: not given */
	bool yes, strict, discard_applied, denied, follow, apply, discard, accept_denials;
	char **files; /* positional arguments */
	size_t n;
};

struct ctl_option_row {
	enum ctl_option bit;
	const char *name, *arg, *help; /* arg "": takes none; FILE, OLD, DIR: a path */
};

struct ctl_usage {
	unsigned int options; /* of enum ctl_option */
	const char *formats;  /* "text json sarif": what --format may be; NULL: text and json */
	const char *example;  /* behind `netdctl `; NULL: the usage says it all */
};

typedef int ctl_verb_fn(struct ctl *ctl, const struct ctl_args *args);

struct ctl_verb {
	const char *name;
	ctl_verb_fn *run;
	struct ctl_usage usage;
};

/* CTL_OK, or the exit status after saying what is wrong. *help: --help was asked and answered. */
int ctl_options_parse(struct ctl *ctl, const struct ctl_verb *verb, int argc, char **argv,
		      struct ctl_args *ret, bool *help) MUST_CHECK;
const struct ctl_option_row *options_rows(size_t *ret_n);
const char *options_formats(const struct ctl_verb *verb); /* "text json" */
void options_print_verb_help(const struct ctl_verb *verb);
bool ctl_is_format(const struct ctl *ctl, const char *name);
/* "netdctl: ..." on stderr. */
void ctl_complain(const char *format, ...) PRINTF_LIKE(1, 2);
int ctl_out_of_memory(void); /* says so; CTL_UNREACHABLE, as WIRE_INTERNAL has it */

/* ---- verbs.c ---- */

const struct ctl_verb *ctl_verbs(size_t *ret_n);

/* ---- input.c: each gives CTL_OK, or an exit status after saying why ---- */

/* A file, a pipe or, as "-", standard input, and no more of it than shows that it has over @limit
 * bytes. NULL, or why it cannot be read; ask text_failed(). */
const char *read_file_or_stdin(const char *path, size_t limit, struct text *ret) MUST_CHECK;

struct input_policy {
	struct policydir dir;
	struct diag_list diags;
	const struct policy *policy; /* NULL: invalid */
	size_t n_files;		     /* of the policy: compose files may be added behind them */
};

/* Reads and checks. With an invalid policy CTL_OK too: the caller looks at ->policy and shows
 * ->diags. */
int input_read_policy(const struct ctl *ctl, char *const *files, size_t n, struct arena *arena,
		      struct input_policy *ret) MUST_CHECK;
/* The same, and an invalid policy is shown and ends in CTL_FINDING. */
int input_valid_files(const struct ctl *ctl, char *const *files, size_t n, struct arena *arena,
		      struct input_policy *ret) MUST_CHECK;
int input_valid_policy(const struct ctl *ctl, char *const *files, size_t n, struct arena *arena,
		       const struct policy **ret) MUST_CHECK;
/* What is wrong, on stderr; CTL_FINDING. */
int input_show_errors(const struct ctl *ctl, const struct input_policy *input) MUST_CHECK;
/* Facts about a host, and where they were written. */
struct input_facts {
	const struct world *world; /* NULL: none were given, or they are not valid */
	const struct world *given; /* the same before anything was added that stands for more */
	const char *source;	   /* for findings: the inventory, or the first compose file */
	const struct source_loc *places; /* of the world's containers; NULL for an inventory */
	const char *const *services;	 /* names, likewise */
	const struct source_loc *const *posture_places; /* likewise, for each of POSTURE_FACTS */
};
/* The inventory or compose files of the arguments. Findings of compose files go to @into, with
 * their texts: CTL_OK for them, too. */
int input_facts(const struct ctl_args *args, struct arena *arena, struct input_policy *into,
		struct input_facts *ret) MUST_CHECK;
/* The same alone; errors of a compose file are shown and end in CTL_FINDING. *ret NULL: none were
 * given. */
int input_world(const struct ctl *ctl, const struct ctl_args *args, struct arena *arena,
		const struct world **ret) MUST_CHECK;
/* The same, as they were given. */
int input_given(const struct ctl *ctl, const struct ctl_args *args, struct arena *arena,
		const struct world **ret) MUST_CHECK;
/* Both, compiled. @files NULL: the policy is args->policy. */
int input_prepare(const struct ctl *ctl, const struct ctl_args *args, struct arena *arena,
		  struct report_input *ret) MUST_CHECK;
int input_compile(const struct policy *const *policies, size_t n, const struct world *world,
		  int64_t now, struct arena *arena, struct report_input *ret) MUST_CHECK;

/* ---- docker.c ---- */

/* The engine's URL: of --docker, DOCKER_HOST, or its socket. */
const char *docker_url(const struct ctl *ctl);
/* What Docker says. CTL_OK; CTL_UNREACHABLE, CTL_USAGE, CTL_REFUSED (another engine answers there):
 * *error (in @arena) says why. */
int docker_world(const struct ctl *ctl, struct arena *arena, const struct world **ret,
		 const char **error) MUST_CHECK;

/* ---- plan-docker.c ---- */

/* No netd runs: what @policy changes on this host, with Docker alone. CTL_FINDING: something;
 * another exit status after saying why. *ret is NULL where there is no answer. */
int plan_with_docker(const struct ctl *ctl, const struct policy *policy, struct arena *arena,
		     cJSON **ret) MUST_CHECK;

/* ---- live.c ---- */

/* Where netd is asked; in @arena, which may be NULL. */
const char *live_socket(const struct ctl *ctl, struct arena *arena);

/* Asks without a word on stderr: *ret is NULL where there is no answer, *ret_code says why. */
int live_ask_quietly(const struct ctl *ctl, cJSON *request, cJSON **ret,
		     enum wire_code *ret_code) MUST_CHECK;

/* Asks the daemon. Takes @request; *ret (owned by the caller) is the "report" of its answer, or
 * NULL when it has none. The exit status follows from the answer's code; an error is said, and so
 * are diagnostics. */
int live_ask(const struct ctl *ctl, cJSON *request, cJSON **ret) MUST_CHECK;
/* The same about files, whose lines the diagnostics show. @alone NULL, or *alone is set where netd
 * does not run, and that is not said. */
int live_ask_about(const struct ctl *ctl, cJSON *request, const struct policydir *files,
		   bool *alone, cJSON **ret) MUST_CHECK;
/* "files" of a request: the texts of a policy. */
int live_add_files(cJSON *request, const struct policydir *dir, struct arena *arena) MUST_CHECK;
/* What a change waits for, and what it is to be the change of. 0 or -ENOMEM. */
int live_add_conditions(cJSON *request, const struct ctl_args *args) MUST_CHECK;
/* A verb without arguments whose answer is shown. */
int live_verb(const struct ctl *ctl, const char *verb,
	      void (*show)(const struct ctl *ctl, const cJSON *report)) MUST_CHECK;

/* ---- verb-doctor.c ---- */

/* What is wrong with this host. CTL_OK, CTL_FINDING, or another exit status after saying why, and
 * *ret (the caller's) is NULL. */
int doctor_examine(const struct ctl *ctl, const struct ctl_args *args, cJSON **ret) MUST_CHECK;

/* ---- verb-apply.c ---- */

/* Puts these files into force: with args->confirm_s, in the place of args->expect. As
 * live_ask_about(). */
int apply_ask(const struct ctl *ctl, const struct policydir *dir, const struct ctl_args *args,
	      cJSON **ret) MUST_CHECK;

/* ---- show-*.c: a report as text ---- */

typedef void show_fn(const struct ctl *ctl, const cJSON *report);
show_fn show_explain, show_plan, show_plan_markdown, show_matrix, show_matrix_dot,
	show_matrix_mermaid, show_endpoints, show_rules, show_ports, show_status, show_doctor,
	show_test, show_test_tap, show_test_junit, show_history, show_history_record, show_verify,
	show_change, show_flows, show_top, show_stage, show_staging, show_page, show_fleet_plan;
/* As JSON for --format json, else with @text. Takes and frees @report; NULL: CTL_UNREACHABLE, else
 * @status. */
int show_report(const struct ctl *ctl, cJSON *report, show_fn *text, int status);
/* What a change has changed, or would change, in short: report_changes(). @all: the verb that shows
 * all of it. */
void show_changes(const struct ctl *ctl, const cJSON *changes, const char *all);
/* The text, or "-" where there is none. */
const char *show_or_dash(const char *text);
/* "ports" and "except" of an object: "8080/tcp, 9000-9010/tcp", "any but 22/tcp"; in @arena, NULL:
 * out of memory. */
const char *show_port_list(const cJSON *object, struct arena *arena);
/* "host_ip" and "host_port" of an object: "[::]:443"; in @arena, "" out of memory. */
const char *show_published(const cJSON *object, struct arena *arena);

/* ---- out-diag.c, out-ci.c ---- */

/* file:line:col: error[id]: text, the line, a caret, a hint. @sources may be NULL. */
void diag_print_text(const struct ctl *ctl, const cJSON *diagnostics,
		     const struct policydir *sources);
/* The same on stderr, for verbs whose output is something else: it may go on to a program. */
void diag_print_errors(const struct ctl *ctl, const cJSON *diagnostics,
		       const struct policydir *sources);
void diag_print_sarif(const cJSON *diagnostics);
/* @strict: warnings are failures, too. */
void diag_print_junit(const char *verb, const cJSON *diagnostics, const struct policydir *sources,
		      bool strict);
/* Text with &, <, >, " and control characters made harmless in XML. */
void xml_print(const char *text);

/* ---- verb-*.c ---- */

ctl_verb_fn verb_validate, verb_test, verb_plan, verb_explain, verb_matrix, verb_export, verb_audit,
	verb_inventory, verb_status, verb_endpoints, verb_rules, verb_ports, verb_apply,
	verb_confirm, verb_history, verb_rollback, verb_verify, verb_reload, verb_off, verb_fleet,
	verb_doctor, verb_schema, verb_completion, verb_metrics, verb_flows, verb_top, verb_stage,
	verb_hosts, verb_report, verb_suggest, verb_allow;
