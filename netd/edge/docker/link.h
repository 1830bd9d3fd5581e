/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the link to Docker, each above those that it calls. Internal to edge/docker.
 *
 *   link.c       connect, agree on a version, subscribe; cut and try again
 *   reactions.c  what follows from an event
 *   sync.c       one full reading into a store of its own
 *   questions.c  single requests and their answers
 *   server.c     which server that is */
#pragma once

#include "core/world/world-store.h"
#include "edge/docker/docker.h"
#include "edge/docker/version.h"
#include "edge/http/http.h"

#define LINK_ERROR_LEN 256

enum question_kind {
	QUESTION_NETWORKS,
	QUESTION_NETWORK,
	QUESTION_CONTAINERS,
	QUESTION_CONTAINER,
	QUESTION_INSPECT,
	QUESTION_IMAGE,
};

struct docker_question; /* a request under way, or an inspect that waits for its turn */

/* What link.c is told by the parts below it. */
struct docker_up {
	/* The link is of no use: it is cut, and tried again later. */
	void (*failed)(struct docker *docker, const char *what, const char *reason);
	/* An answer of the reading has been stored. */
	void (*stored)(struct docker *docker);
	/* The reading is done, and its store in use. */
	void (*read)(struct docker *docker);
};

struct docker {
	const struct docker_up *up;
	struct http *http;
	enum docker_engine engine;
	struct docker_handler handler;
	struct world_store *store; /* the caller's */
	struct json_names *labels; /* that a policy asks for */

	enum docker_link link;
	sd_event_source *retry;
	uint64_t retry_us;
	struct http_request *hello;  /* GET /version */
	struct http_request *stream; /* GET /events */
	char server[128];	     /* as the options name it */
	char api[DOCKER_API_LEN], version[64], error[LINK_ERROR_LEN];
	char told[LINK_ERROR_LEN]; /* the reason that on_down was called with, "" when up */
	uint64_t n_events, n_syncs;
	bool is_foreign; /* what answered last is another engine */

	struct docker_question *questions;
	uint64_t n_asked;
	unsigned int n_inspects; /* under way */
	bool wants_posture, wants_images;
	bool inspects_all;

	struct world_store
		*reading; /* where a reading goes: fresh or store; NULL: none is under way */
	struct world_store *fresh; /* of a reading after a cut: what was read so far */
	size_t n_unread;	   /* answers it still waits for */
	bool has_lists, has_inspected;
	bool is_wanted_again;	    /* something happened that may not be in it */
	const char *why;	    /* of this reading, or the next one */
	sd_event_source *again;	    /* the next reading while the link is up */
	uint64_t began_us, took_us; /* the last one */
	struct world_event *missed; /* events that came meanwhile */
	size_t n_missed, cap_missed;
};

/* ---- sync.c ---- */

/* After a cut: gathered in a store of its own, and in force at once and whole. 0 or -ENOMEM. */
int sync_start(struct docker *docker) MUST_CHECK;
/* While the link is up, into the store in use: each answer counts as old as its question. At once,
 * but for the time that keeps readings from following each other. */
void sync_again(struct docker *docker, const char *why);
void sync_stop(struct docker *docker);
int sync_init(struct docker *docker, sd_event *loop) MUST_CHECK;
/* An answer of the reading has been stored. */
void sync_progress(struct docker *docker);

/* ---- reactions.c ---- */

/* 0; -ENOBUFS: too many events during one reading. */
int docker_on_event_line(struct docker *docker, const char *line, size_t len) MUST_CHECK;
/* The events that came during the reading: nothing is taken from them but what to ask again, for
 * the reading may be newer than they are. */
void docker_replay_missed(struct docker *docker);

/* ---- questions.c ---- */

/* Asks for the store in use. At most two questions of one kind and id are under way: one that may
 * be too old, one that is not; a third is asked when one of them is answered. */
void docker_request(struct docker *docker, enum question_kind kind, const char *id);
/* Asks for images whose labels are wanted; @for_sync: for the reading. How many. */
size_t docker_request_images(struct docker *docker, struct world_store *store, bool for_sync);
/* Asks for the reading. */
void docker_request_for_sync(struct docker *docker, enum question_kind kind, const char *id);
/* The answers under way are older than what we know now: drops them. */
void docker_request_forget(struct docker *docker, enum question_kind kind, const char *id);
void docker_request_cancel_all(struct docker *docker);
