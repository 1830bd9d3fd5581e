/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon: wiring only. Files: daemon.c (start and stop order, sources of facts), wakes.c
 * (timers and signals), policy.c (which policy is wanted), policy-files.c (the files at
 * --policy), facts.c and resolvers.c (facts from
 * files), reconcile.c (carries out the plan's steps), floor.c (what holds when a commit fails),
 * stamp.c (what accepted connections carry), first.c (a host without any policy), stalls.c (when
 * the loop stood still), ground.c (settings of the kernel that the rules need), neighbours.c (what
 * the host believes of endpoints), closed.c, logged.c and denials.c (what is said of endpoints and
 * flows), flows.c and flows-kept.c (the flows that were seen), staged.c (a candidate that is judged
 * by them), history.c (policies to go back to), questions.c (what is answered beside the loop),
 * answers*.c (control verbs). */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "core/base/arena.h"
#include "core/compile/again.h"
#include "core/metrics/histogram.h"
#include "core/plan/doubt.h"
#include "core/plan/plan.h"
#include "core/policy/policy.h"
#include "core/world/world.h"
#include "daemon/denials.h"
#include "daemon/flows.h"
#include "daemon/history.h"
#include "daemon/options.h"
#include "daemon/questions.h"
#include "daemon/staged.h"
#include "daemon/statefiles.h"
#include "edge/control/control.h"
#include "edge/docker/docker.h"
#include "edge/fw/fw.h"
#include "edge/fw/watch.h"
#include "edge/host/host.h"
#include "edge/loop/watch.h"
#include "edge/policydir/watch.h"
#include "edge/rtnl/rtnl.h"

/* Where a policy came from. */
struct policy_origin {
	const char *text; /* "/etc/netd/policy.d", "apply by root (uid 0)", … */
	struct history_author author;
	int64_t taken_at; /* seconds since the epoch; 0: now */
	bool admitted;	  /* policy_admit() has found nothing already, beside the loop */
};

/* A policy with the texts it came from; everything in its own arena. */
struct policy_set {
	struct arena *arena;
	const struct policy *policy;
	const struct policy_source *sources;
	size_t n_sources;
	const char *origin; /* as policy_origin.text */
	struct history_author author;
	int64_t taken_at;     /* seconds since the epoch: its tests passed as of then */
	uint64_t digest;      /* of the texts */
	uint64_t path_digest; /* of the files at --policy when it was taken */
	bool none;	      /* first contact (first.c): it stands for plain Docker */
	bool was_in_force;    /* last, before netd was started */
};

/* What is in force in the kernel, and what it was made from. */
struct generation {
	struct arena *arena; /* world, ruleset, assignments */
	struct policy_set *policy;
	const struct world *world;
	struct world_held held;	    /* of world */
	bool synced;		    /* the world is all that Docker knows */
	struct compile_input input; /* of what compiled is made, for the next time */
	struct compile_output compiled;
	struct arena *base; /* of compiled: kept by arena */
	int64_t judged_at;  /* seconds since the epoch: rules with `until` hold or not as of then */
	uint64_t made_us;   /* CLOCK_MONOTONIC: held as of then */
};

#define LATENCY_SAMPLES 256

/* Docker's connect event -> the endpoint's rules committed. */
struct latency {
	struct metrics_histogram histogram; /* of all samples since netd started */
	uint32_t samples_us[LATENCY_SAMPLES];
	size_t n; /* ever taken */
	struct {
		char network_id[WORLD_ID_LEN], container_id[WORLD_ID_LEN];
		uint64_t since_us;
	} pending[64];
	size_t n_pending;
};

/* Times at which the loop stood still. */
struct stalls {
	struct loop_watch watch;
	sd_event_source *timer; /* reads everything again */
	bool waits;		/* for the timer */
	uint64_t n_read, read_us, said_us;
};

struct daemon {
	const struct options *options;
	sd_event *loop;
	struct world_store *store;
	struct docker *docker;
	struct rtnl *rtnl;
	struct fw *fw;
	struct fw_watch *fw_watch;
	struct control *control;
	struct policydir_watch *policy_watch;
	struct nflog *nflog; /* NULL: nobody reads what the rules log */
	struct nflog *alone; /* what one netd of a network namespace can hold */
	struct denials denials;
	struct flows flows;
	struct staged staged;
	struct host_resolvers resolvers;
	struct host_docker docker_settings;
	sd_event_source *post, *bound, *wake, *until, *confirm, *hold, *doubt;
	struct resolv_watch *resolv_watch;
	bool bound_armed;

	struct policy_set *wanted;   /* the next commit takes this one; never NULL once started */
	struct policy_set *previous; /* comes back unless the change is confirmed; or NULL */
	/* Until what is wanted was committed: what was wanted before. It comes back where the
	 * kernel refuses that and nothing else is in force. */
	struct policy_set *fallback;
	struct policy_set *held;  /* is not forgotten while a change is tried; or NULL */
	unsigned int n_refusals;  /* of what is wanted */
	uint64_t n_given_up;	  /* policies that the kernel has refused */
	bool is_refused;	  /* policy_error tells of one */
	const char *policy_error; /* why the files at --policy are not in force, or NULL */
	char policy_error_text[256];

	const void *labels_of[2]; /* the policies whose labels Docker is asked for */

	struct history history;
	struct stalls stalls;
	struct beside_group besides;
	struct statefiles state;
	struct questions questions;

	struct plan plan;
	struct doubts doubts;	      /* of the generation in force */
	uint64_t n_reused;	      /* compilations that were not made as a whole */
	struct generation *committed; /* NULL: nothing yet */
	bool has_floor;		      /* the closed base was committed instead, at least once */
	struct arena *floor_arena;    /* of floor */
	const struct ruleset *floor;  /* the closed base, while it is what is in force */
	bool floor_lags;	      /* facts have changed since */
	bool read_docker;	      /* at least once */
	bool found_tables;	      /* netd's, or one of them, at start */
	bool is_started, is_ready;    /* every step of the start is done; systemd was told so */
	uint32_t stamp;
	char secmark_user[FW_PLACE_LEN]; /* "", or who keeps what netd would keep its stamp in */
	uint64_t n_commits, n_failures, n_disturbed, started_us;
	int64_t committed_at, confirm_until; /* seconds since the epoch; 0: not */
	int64_t off_since;		     /* of meaning while plan.off */
	struct fw_error last_error;
	struct latency latency;
	uint64_t look_every_us, looked_at_us; /* ground.c; 0: never */
	int bridge_nf_error;		      /* 0, or why bridge-nf-call-* could not be set */
};

/* Runs until SIGTERM or SIGINT. 0, or -errno after it was logged. */
int daemon_run(const struct options *options) MUST_CHECK;

/* ---- policy.c ---- */

/* At start: the files at --policy, else the last policy that was in force, else the empty one. */
int policy_start(struct daemon *d) MUST_CHECK;
/* Rules can be made of it for this host, and its own tests pass as of @now. Nothing is wanted
 * before that. 0, POLICY_E_INVALID (@diags says what), -ENOMEM. */
int policy_admit(struct daemon *d, const struct policy *policy, int64_t now,
		 struct diag_list *diags) MUST_CHECK;
/* Have --policy read and checked beside the loop, and taken if nothing is wrong with it. What is
 * wrong is logged and remembered, and the policy in force stays. Never waits; 0 or -ENOMEM.
 * follow: only if the files differ from those that were there when the wanted policy was taken, as
 * an apply is not undone by a notice that comes late, or by files that were only touched. */
int policy_follow(struct daemon *d) MUST_CHECK;
/* In any case but for one that would undo an apply, which is logged; and netd is on again after
 * `netdctl off`. */
int policy_hang_up(struct daemon *d) MUST_CHECK;
/* Takes over texts from somewhere else. @diags: what was found. As above. */
int policy_take(struct daemon *d, const struct policy_source *sources, size_t n,
		const struct policy_origin *origin, struct diag_list *diags) MUST_CHECK;
/* Keeps the policy in force for the next start. */
void policy_save(struct daemon *d);
/* A commit has failed. A policy that the kernel goes on refusing is given up for the one before. */
void policy_give_up(struct daemon *d);
/* Wants one that was wanted before. */
void policy_change(struct daemon *d, struct policy_set *set);
struct policy_set *policy_set_free(struct policy_set *set);
/* Frees the policies that nothing refers to any more, after a commit. */
void policy_forget(struct daemon *d, struct policy_set *old);

/* ---- wakes.c ---- */

/* Timers, signals, and the post source. 0 or -errno. */
int wakes_start(struct daemon *d) MUST_CHECK;

/* ---- facts.c ---- */

/* What is in force may not fit any more: that is looked at when nothing else is pending. */
void facts_changed(struct daemon *d);
#define DAEMON_POLICY_FILE "policy.json"
#define DAEMON_NETWORKS_FILE "networks.json" /* in the state folder */
/* What was known before the boot: the bridges to close until Docker answers. */
void facts_load_networks(struct daemon *d);
/* The bridges and their ports, as rtnetlink shows them now. 0 or -ENOMEM. */
int facts_take_links(struct daemon *d) MUST_CHECK;
int facts_load_inventory(struct daemon *d) MUST_CHECK;

/* ---- resolvers.c ---- */

/* Reads the host's resolvers, and those that Docker was given. 0 or -errno: they stay as they were.
 */
int resolvers_refresh(struct daemon *d) MUST_CHECK;
/* From now on whenever their file changes, wherever it is. 0 or -errno. */
int resolvers_watch(struct daemon *d) MUST_CHECK;
/* A folder may have come that was not there: looks for it, and reads. 0 or -errno. */
int resolvers_look_again(struct daemon *d) MUST_CHECK;

/* ---- reconcile.c ---- */

/* A fact changed: the next idle moment of the loop, or 10 ms from now at the latest. */
void reconcile_soon(struct daemon *d);
/* Carries out what the plan asks for, now. */
int reconcile_run(struct daemon *d) MUST_CHECK;
/* Takes netd's tables away: the plan keeps them away from here on. 0, or -errno: they stay. */
int reconcile_off(struct daemon *d) MUST_CHECK;
/* Docker keeps its networks over boots: with them known, their bridges are closed before it runs.
 */
void reconcile_keep_networks(struct daemon *d);
void reconcile_note(struct daemon *d, enum plan_input input);
struct generation *generation_free(struct generation *generation);
/* Docker has told of a container on a network. Rules that are there before that took no time. */
struct world_event;
void latency_begin(struct latency *latency, const struct generation *in_force,
		   const struct world_event *event, uint64_t now_us);
/* The q-th of 100 samples, in microseconds; 0 when there are none. */
uint32_t latency_count(const struct latency *latency); /* samples that are held */
uint32_t latency_percentile(const struct latency *latency, unsigned int q);

/* ---- floor.c ---- */

/* A commit has failed: puts the closed base into force if nothing else holds. */
void floor_lay(struct daemon *d);
/* Facts may have changed while it is in force: a new network is closed at once, and not with the
 * next try of a commit. */
void floor_follow(struct daemon *d);
/* Something else is in force. */
void floor_leave(struct daemon *d);
/* READY=1, once, when the start is done and something is in force. */
void floor_tell_ready(struct daemon *d);

/* ---- first.c ---- */

struct policydir;
/* No policy was ever in force on this host, as far as anything tells. @files: at --policy, as read;
 * @kept: what reading the kept policy gave. */
bool first_contact(const struct daemon *d, const struct policydir *files, int kept,
		   struct arena *arena);
/* Nothing is enforced, and a first policy is waited for. */
bool first_contact_waits(const struct daemon *d);
/* 0 or -errno. */
int first_contact_begin(struct daemon *d) MUST_CHECK;
/* Another policy is wanted than @old: the first one ends it. */
void first_contact_follow(struct daemon *d, const struct policy_set *old);
/* The first policy was not confirmed: it is as before. */
void first_contact_resume(struct daemon *d);
/* What would be closed, in the log. Nothing unless netd waits. */
void first_contact_say(struct daemon *d);
/* What `systemctl status` shows. */
void first_contact_tell_systemd(const struct daemon *d);

/* ---- closed.c ---- */

/* Logs the endpoints that are denied everything now and were not in @old (NULL: nothing was). */
void closed_report(const struct generation *old, const struct generation *now);
/* The order of endpoints, over generations: 0: the same one. */
int generation_compare(const struct generation *a, size_t i, const struct generation *b, size_t j);

/* ---- logged.c ---- */

/* 0; -EPERM, said: another netd has this network namespace; -ENOMEM. */
int logged_hold_host(struct daemon *d) MUST_CHECK;
/* Reads what the rules log, where that can be read. 0 or -ENOMEM. */
int logged_start(struct daemon *d) MUST_CHECK;

/* ---- stamp.c ---- */

/* Before the first commit: a stamp that no connection has. 0 or -errno. */
int stamp_start(struct daemon *d, const struct fw_state *found) MUST_CHECK;
/* Looks for others who use what the stamp is kept in, and says so; the plan is told. */
void stamp_look(struct daemon *d);
bool stamp_has_room(const struct daemon *d);

/* ---- labels.c ---- */

/* After a change of the policy: asks Docker for the labels that it names. 0 or -ENOMEM. */
int labels_follow(struct daemon *d) MUST_CHECK;

/* ---- agree.c ---- */

/* Compares what is in force with the host's ports. 0 or -errno. */
int agree_look(struct daemon *d) MUST_CHECK;
/* Does what is due about what disagrees. 0 or -errno. */
int agree_run(struct daemon *d) MUST_CHECK;

/* ---- neighbours.c ---- */

/* Tells the host where the endpoints are that were not admitted in @old (NULL: none was). */
void neighbours_correct(struct rtnl *rtnl, const struct generation *old,
			const struct generation *now);

/* ---- stalls.c ---- */

/* Before loop_run(). 0 or -errno. */
int stalls_start(struct daemon *d) MUST_CHECK;

/* ---- ground.c ---- */

/* Puts right what the committed rules need of the kernel beside tables. */
void ground_keep(struct daemon *d);
/* From now on that is looked at whenever the watchdog wakes netd. 0 or -errno. */
int ground_watch(struct daemon *d) MUST_CHECK;

/* ---- answers.c ---- */

control_handler_fn answers_handle;
