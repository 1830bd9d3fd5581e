/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The posture of a container: how far its user, capabilities, file system, limits and so on leave
 * it able to do harm. Facts as values, each of which may be not known, and THE table of what is
 * asked of them: `netdctl audit`, `require` of a tier and validate all read that one table.
 *
 * Whoever makes a struct posture (core/world of Docker's answers and of inventories, core/compose)
 * keeps no value of an environment variable, only whether a name looks like a secret's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/diag.h"
#include "core/base/text.h"
#include "core/images/images.h"

/* Zero is not known: a struct posture that nobody has filled in knows nothing. */
enum posture_value { POSTURE_UNKNOWN, POSTURE_NO, POSTURE_YES };

/* Their names in an inventory are in posture.c. */
enum posture_fact {
	POSTURE_ROOT, /* it runs as user 0; of a user by name only its image knows the number */
	POSTURE_PRIVILEGED,
	POSTURE_DROPS_ALL, /* cap_drop: ALL */
	POSTURE_ADDS,	   /* capabilities beyond those that Docker gives by itself */
	POSTURE_READ_ONLY, /* its root file system */
	POSTURE_NO_NEW_PRIVILEGES,
	POSTURE_UNCONFINED, /* seccomp or AppArmor is switched off */
	POSTURE_MEMORY,	    /* is limited; so are the next three */
	POSTURE_CPUS,
	POSTURE_PIDS,
	POSTURE_ENDLESS_SWAP, /* memswap_limit: -1 */
	POSTURE_HEALTHCHECK,
	POSTURE_HEALTHCHECK_TIMES, /* interval, timeout, retries and start period are given */
	POSTURE_LOG_LIMITS,	   /* what it writes cannot fill the disk */
	POSTURE_HOST_NETWORK,
	POSTURE_HOST_PID,
	POSTURE_HOST_IPC,
	POSTURE_HOST_UTS,
	POSTURE_HOST_USERS, /* where Docker maps users to others, it is left out of that */
	POSTURE_DOCKER_SOCKET,
	POSTURE_DEVICES,       /* of the host, GPUs too */
	POSTURE_SECRETS,       /* a name in its environment looks like a secret's */
	POSTURE_BUILD_SECRETS, /* one of its build arguments; only a compose file tells */
	/* Of its networks and published ports: only a whole world tells (core/report/audit.c). */
	POSTURE_PUBLISHED, /* on all addresses of the host */
	POSTURE_DEFAULT_NETWORK,
	POSTURE_OPEN_NETWORK, /* publishes nothing, and a network of its has a way out */
	/* Of what its image is called (posture_complete()), from here on. */
	POSTURE_TAGGED, /* by a version, or a digest: not `latest` */
	POSTURE_DIGEST,
	/* Against what is required (posture_next_shortfall()). */
	POSTURE_FEW_CAPABILITIES,
	POSTURE_KNOWN_REGISTRY,
	POSTURE_SCANNED, /* no vulnerability of its image is worse than is admitted */
	POSTURE_SIGNED,	 /* its image is, by a key that is named */
	POSTURE_FACTS
};
#define POSTURE_STORED POSTURE_PUBLISHED /* those before it are in an inventory */

struct posture {
	enum posture_value facts[POSTURE_FACTS];
	/* Bit n: it has capability n of the kernel. Counts where POSTURE_DROPS_ALL is known. */
	uint64_t capabilities;
	const char *image;	   /* as whoever made it wrote it; NULL: not known */
	struct images_about about; /* its image; of one that a store keeps, nothing is in it */
};

bool posture_is_known(const struct posture *posture); /* anything of it */
bool posture_equal(const struct posture *a, const struct posture *b);
static inline enum posture_value posture_of(bool yes)
{
	return yes ? POSTURE_YES : POSTURE_NO;
}
/* "read-only", for an inventory. */
const char *posture_fact_name(enum posture_fact fact);
/* POSTURE_FACTS: there is none of that name. */
enum posture_fact posture_find_fact(const char *name);
/* Facts that follow from the others: those of its image's name. */
void posture_complete(struct posture *posture);

/* ---- capabilities ---- */

#define POSTURE_ALL_CAPABILITIES UINT64_MAX
/* "NET_BIND_SERVICE", in capitals; NULL: no capability has that number. */
const char *posture_capability_name(unsigned int number);
/* Its bit, of "net_bind_service", "CAP_NET_BIND_SERVICE" and the like; all of them for "ALL"; 0:
 * none has that name. */
uint64_t posture_capability(const char *name);

/* What a container was asked to have more, and less: as Docker makes one set of both. */
struct posture_capabilities {
	uint64_t added, dropped;
	bool adds_all, drops_all;
	bool unknown; /* some of it could not be read */
};
void posture_note_capability(struct posture_capabilities *all, const char *name, bool dropped);
/* Sets the facts that follow, and which it has. @privileged is POSTURE_YES: all. */
void posture_set_capabilities(struct posture *posture, const struct posture_capabilities *all);

/* ---- readers of single settings ---- */

/* "1000:1000", "root", "": whether that is root. A name is not known: what number it has, the
 * image's /etc/passwd says. */
enum posture_value posture_user_is_root(const char *user);
/* One of `security_opt`. */
void posture_note_security_option(struct posture *posture, const char *option);
/* Whether a name of an environment variable looks like a secret's; one that ends in FILE, PATH or
 * DIR says where a secret is. @len: bytes of the name. */
bool posture_is_secret_name(const char *name, size_t len);
/* Whether what is logged has bounds: @driver "": the daemon's own. The options max-size and
 * max-file are there. */
enum posture_value posture_log_is_limited(const char *driver, bool has_size, bool has_files);

/* ---- the table ---- */

enum posture_level { POSTURE_LOW, POSTURE_MEDIUM, POSTURE_HIGH, POSTURE_CRITICAL };

struct posture_check {
	struct diag_info finding; /* all are warnings, which a policy may accept */
	enum posture_level level;
	const char *cis; /* number in the CIS Docker Benchmark 1.6.0, or NULL: none is about it */
	enum posture_fact fact;
	enum posture_value wanted;
	bool of_healthcheck; /* not asked where there is none */
	bool only_required, is_known_or_fine;
	const char *text;    /* what is wrong, behind the container's name */
	const char *unknown; /* the same where the fact is not known */
	const char *compose; /* the remedy: what to write into a compose file */
	const char *run;     /* and what to give `docker run` */
	const char *key;     /* how `require` says it: "read_only: true"; NULL: it cannot */
};

const struct posture_check *posture_checks(size_t *ret_n);
const struct posture_check *posture_find_check(const char *id); /* NULL: none */
const char *posture_level_name(enum posture_level level);	/* "high" */

/* One thing that is wrong. */
struct posture_shortfall {
	const struct posture_check *check;
	bool unknown;
	const char *text; /* what is wrong, behind the container's name */
};

/* What a tier requires: POSTURE_UNKNOWN of a fact is no requirement. */
struct posture_require {
	enum posture_value wanted[POSTURE_FACTS];
	uint64_t capabilities;	       /* those it may have; for POSTURE_FEW_CAPABILITIES */
	const char *const *registries; /* globs; for POSTURE_KNOWN_REGISTRY */
	size_t n_registries;
	enum images_severity most; /* for POSTURE_SCANNED */
	int64_t max_age;	   /* seconds; 0: of any age */
	const char *const *keys;   /* names of files; for POSTURE_SIGNED */
	size_t n_keys;
};
/* What is told of its image is asked for. */
bool posture_requires_image(const struct posture_require *require);
/* What is required is not known for the moment: the engine has not told of the image yet. */
bool posture_is_waiting(const struct posture *posture, const struct posture_require *require);

/* Each shortfall once, in the order of the table; false: there is no further one. *cursor starts at
 * 0. @require NULL: an audit, of everything that the table asks for. */
bool posture_next_shortfall(const struct posture *posture, const struct posture_require *require,
			    size_t *cursor, struct posture_shortfall *ret);
/* All of them in words: "read_only (it may write to its root), …". */
void posture_print_shortfalls(const struct posture *posture, const struct posture_require *require,
			      struct text *out);
