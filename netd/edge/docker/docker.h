/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The link to Docker's API: follows its events, asks what they leave out, and keeps a world_store
 * true. Works with engines from API 1.24 (Docker 1.12) on, and with podman, whose API is the same
 * but for the networks.
 *
 * It subscribes first, then reads everything, then asks again for whatever was named meanwhile: no
 * gap. That reading takes effect at once and whole. When the connection is cut it starts over,
 * after 100 ms at first and 1 s at most; until then the store keeps what was last known. While it
 * is up, everything is read again about once a minute, as Docker drops events for a slow reader. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "core/base/arena.h"
#include "core/base/cleanup.h"
#include "core/world/world-store.h"

struct docker;

/* Whose API is spoken. Each is refused where the other is meant, so that nobody's facts are taken
 * for another's: podman answers to Docker's questions, too, and means something else. */
enum docker_engine {
	DOCKER_ENGINE_DOCKER,
	DOCKER_ENGINE_PODMAN, /* from 4.0 on, with netavark */
};

/* "docker", "podman". False: there is no engine of that name. */
bool docker_engine_parse(const char *text, enum docker_engine *ret);

struct docker_options {
	enum docker_engine engine;
	const char *url; /* unix:///run/docker.sock, tcp://HOST:PORT, http(s)://HOST:PORT */
	const char
		*cert_dir; /* TLS with its ca.pem, cert.pem, key.pem (DOCKER_CERT_PATH); or NULL */
	bool tls_verify;   /* DOCKER_TLS_VERIFY: with cert_dir, check the server's name and CA */
	bool inspects_all; /* after a reading, ask for traits and posture of running containers too
			    */
	/* Bytes of labels kept of a container beside those that somebody asks for; 0: LIMIT_LABELS.
	 */
	size_t label_bytes;
};

/* Called from the event loop; any may be NULL. They may call docker_status() and docker_resync(),
 * not docker_free(). */
struct docker_handler {
	/* Everything was read anew; the store holds it. */
	void (*on_synced)(void *userdata);
	/* The store has changed: @why is "network connect" and the like. */
	void (*on_change)(void *userdata, const char *why);
	/* Each event of interest, before anything follows from it; those of the second before the
	 * subscription are among them. */
	void (*on_event)(void *userdata, const struct world_event *event);
	/* The link is down, once per reason. */
	void (*on_down)(void *userdata, const char *reason);
	void *userdata;
};

#define DOCKER_E_URL 1	       /* options->url is not of a form above */
#define DOCKER_E_UNREACHABLE 2 /* docker_fetch_world(): no full reading in time */
#define DOCKER_E_FOREIGN 3     /* docker_fetch_world(): another engine answers there */

/* Starts connecting in the next turn of @loop. @store is borrowed until docker_free(). 0,
 * DOCKER_E_URL or -errno. */
int docker_new(sd_event *loop, const struct docker_options *options,
	       const struct docker_handler *handler, struct world_store *store,
	       struct docker **ret) MUST_CHECK;
struct docker *docker_free(struct docker *docker); /* NULL is fine; returns NULL */
void docker_freep(struct docker **docker);	   /* for CLEANUP() */

/* Asks about a network and, unless its id is "", a container on it; nothing while the link is not
 * up. on_change() follows. */
void docker_ask(struct docker *docker, const char *network_id, const char *container_id);
/* Reads everything anew: for when something does not fit what Docker said, or events may be lost.
 * The link stays up and follows events meanwhile; at once, but for a pause between readings. While
 * the link is not up a reading comes anyway. @why, a constant, is what on_change() is told. */
void docker_resync(struct docker *docker, const char *why);

/* These labels are asked for (those of compose always are): where a container has too many for all
 * to be kept, these are. Where one is new and was left out somewhere, everything
 * is read anew. 0 or -ENOMEM. */
int docker_want_labels(struct docker *docker, const char *const *keys, size_t n) MUST_CHECK;

/* Rules hang on the posture of containers from now on, or not any more. Then a reading ends when
 * those that run were inspected, too, and whoever was not is inspected. */
void docker_want_posture(struct docker *docker, bool wanted);
/* And on the digests of their images: from now on those are asked for again with each reading, for
 * images come to repositories after they were made. To be called, too, when something is told about
 * images that may have come to one just now. */
void docker_want_images(struct docker *docker, bool wanted);

enum docker_link { DOCKER_LINK_DOWN, DOCKER_LINK_CONNECTING, DOCKER_LINK_SYNCING, DOCKER_LINK_UP };

struct docker_status {
	enum docker_link link;
	const char *server;	    /* as the options name it */
	const char *api_version;    /* in use, "" until known */
	const char *engine_version; /* "" until known; of podman with WORLD_PODMAN before it */
	const char *last_error;	    /* "" when there was none; kept after it is mended */
	uint64_t n_events, n_syncs;
	bool is_foreign; /* another engine answers at the socket: it is not believed */
};
/* Texts are valid until the loop runs on. */
struct docker_status docker_status(const struct docker *docker);

/* Some question is not answered yet. */
bool docker_is_asking(const struct docker *docker);

/* One full reading, traits included, for tools: runs a loop of its own. DOCKER_E_URL,
 * DOCKER_E_UNREACHABLE and DOCKER_E_FOREIGN come with *error, in @arena. */
int docker_fetch_world(const struct docker_options *options, uint32_t timeout_ms,
		       struct arena *arena, const struct world **ret,
		       const char **error) MUST_CHECK;
