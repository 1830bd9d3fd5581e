/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon: wiring only. Its state, and what its files call each other for. Files:
 *
 *   daemon.c        start and stop order, sources of facts; wakes.c: timers and signals
 *   policy.c        which policy is wanted; policy-set.c: one policy; policy-files.c: the files at
 *                   --policy; policy-kept.c: the one that was in force, and the start
 *   facts.c, resolvers.c, reports.c   facts from files: the host, its resolvers, images; labels.c:
 *                   what Docker is asked for
 *   reconcile.c     carries out the plan's steps; reconcile-due.c: tells the plan what happened;
 *                   reconcile-off.c: takes all of it away; generation.c: what a step makes;
 *                   dials.c: what docker-proxy has taken of containers that are held back
 *   floor.c         what holds when a commit fails; first.c: a host without any policy
 *   stamp.c         what accepted connections carry; ground.c: settings of the kernel that the
 *                   rules need; neighbours.c: what the host believes of endpoints; agree.c: whether
 *                   the host's ports are what Docker says
 *   stalls.c        when the loop stood still; latency.c: how long rules took; ready.c: what
 *                   systemd is told
 *   closed.c, logged.c, denials.c     what is said of endpoints and flows
 *   flows.c, flows-kept.c             the flows that were seen; staged.c: a candidate that is
 *                   judged by them; history.c: policies to go back to; members.c: the other
 *                   hosts of the fleet
 *   questions.c     what is answered beside the loop; answers*.c: control verbs */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "core/base/arena.h"
#include "core/plan/doubt.h"
#include "core/plan/plan.h"
#include "core/policy/policy.h"
#include "core/world/world-store.h"
#include "daemon/denials.h"
#include "daemon/dials.h"
#include "daemon/flows.h"
#include "daemon/generation.h"
#include "daemon/history.h"
#include "daemon/latency.h"
#include "daemon/members.h"
#include "daemon/options.h"
#include "daemon/policy-set.h"
#include "daemon/questions.h"
#include "daemon/staged.h"
#include "daemon/stalls.h"
#include "daemon/statefiles.h"
#include "edge/control/control.h"
#include "edge/docker/docker.h"
#include "edge/fw/fw.h"
#include "edge/fw/watch.h"
#include "edge/host/host.h"
#include "edge/loop/watch.h"
#include "edge/policydir/watch.h"
#include "edge/rtnl/rtnl.h"

/* Of images (reports.c). */
struct reports {
	struct policydir_watch *files, *keys;
	struct beside *reading;	    /* NULL: nobody reads them now */
	const struct images *taken; /* the store's; NULL: nothing is known */
	bool is_due;		    /* they have changed while they were read */
	bool is_settled; /* they were read once, or could not be for so long that nobody waits */
	bool is_awaited; /* since the last good reading another one was begun */
	bool has_failed; /* since then */
	uint64_t backoff_us;
	sd_event_source *retry, *late;
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
	struct reports reports;
	struct nflog *nflog; /* NULL: nobody reads what the rules log */
	struct nflog *alone; /* what one netd of a network namespace can hold */
	struct denials denials;
	struct flows flows;
	struct staged staged;
	struct members members;
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
	struct dials dials;	      /* of those whom it holds back */
	uint64_t n_reused;	      /* compilations that were not made as a whole */
	struct generation *committed; /* NULL: nothing yet */
	bool has_floor;		      /* the closed base was committed instead, at least once */
	struct arena *floor_arena;    /* of floor */
	const struct ruleset *floor;  /* the closed base, while it is what is in force */
	bool floor_lags;	      /* facts have changed since */
	bool read_facts;	      /* of the engine, or the inventory; at least once */
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
/* The world is known when the engine, or the inventory, was read, and, where tables of an earlier
 * run hold so long, the reports that the policy asks for: so a restart cuts off nobody whose image
 * is known. */
void facts_note_synced(struct daemon *d);

/* ---- reports.c ---- */

/* Has what is told of images read, now and whenever a file changes. It waits for nothing. 0 or
 * -errno. */
int reports_start(struct daemon *d) MUST_CHECK;
/* Before the loop is gone. */
void reports_stop(struct daemon *d);

/* ---- resolvers.c ---- */

/* Reads the host's resolvers, and those that Docker was given. 0 or -errno: they stay as they were.
 */
int resolvers_refresh(struct daemon *d) MUST_CHECK;
/* From now on whenever their file changes, wherever it is. 0 or -errno. */
int resolvers_watch(struct daemon *d) MUST_CHECK;
/* A folder may have come that was not there: looks for it, and reads. 0 or -errno. */
int resolvers_look_again(struct daemon *d) MUST_CHECK;

/* ---- reconcile-due.c ---- */

/* A fact changed: the next idle moment of the loop, or 10 ms from now at the latest. */
void reconcile_soon(struct daemon *d);
void reconcile_note(struct daemon *d, enum plan_input input);

/* ---- reconcile-off.c ---- */

/* Takes netd's tables away: the plan keeps them away from here on. 0, or -errno: they stay. */
int reconcile_off(struct daemon *d) MUST_CHECK;

/* ---- reconcile.c ---- */

/* Carries out what the plan asks for, now. */
int reconcile_run(struct daemon *d) MUST_CHECK;
/* Docker keeps its networks over boots: with them known, their bridges are closed before it runs.
 */
void reconcile_keep_networks(struct daemon *d);
/* ---- floor.c ---- */

/* A commit has failed: puts the closed base into force if nothing else holds. */
void floor_lay(struct daemon *d);
/* Facts may have changed while it is in force: a new network is closed at once, and not with the
 * next try of a commit. */
void floor_follow(struct daemon *d);
/* Something else is in force. */
void floor_leave(struct daemon *d);

/* ---- ready.c ---- */

/* READY=1, once, when the start is done and something is in force. */
void ready_tell(struct daemon *d);
/* What `systemctl status` shows. */
void ready_tell_status(const struct daemon *d);

/* ---- first.c ---- */

struct policydir;
/* No policy was ever in force on this host, as far as anything tells. @files: at --policy, as read;
 * @kept: what reading the kept policy gave. */
bool first_contact(const struct daemon *d, const struct policydir *files, int kept,
		   struct arena *arena);
/* Another policy is wanted than @old: the first one ends it. */
void first_contact_follow(struct daemon *d, const struct policy_set *old);
/* That nothing is enforced, and what ends it, in the log. */
void first_contact_say_waits(const struct daemon *d);
/* The first policy was not confirmed: it is as before. */
void first_contact_resume(struct daemon *d);
/* What would be closed, in the log. Nothing unless netd waits. */
void first_contact_say(struct daemon *d);
/* Nothing is enforced, and a first policy is waited for. */
static inline bool first_contact_waits(const struct daemon *d)
{
	return d->plan.off && !d->off_since && d->wanted && d->wanted->none;
}

/* ---- closed.c ---- */

/* Logs the endpoints that are denied everything now and were not in @old (NULL: nothing was). */
void closed_report(const struct generation *old, const struct generation *now);

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

/* ---- ground.c ---- */

/* Puts right what the committed rules need of the kernel beside tables. */
void ground_keep(struct daemon *d);
/* What became of it; for struct rtnl_options. */
void ground_on_set(void *userdata, const char *bridge, enum rtnl_setting setting, int r);
/* From now on that is looked at whenever the watchdog wakes netd. 0 or -errno. */
int ground_watch(struct daemon *d) MUST_CHECK;

/* ---- answers.c ---- */

control_handler_fn answers_handle;
