/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the merged files say, decoded, before it is checked as a whole. Internal to core/compose. */
#pragma once

#include "core/base/ip.h"
#include "core/compose/compose.h"
#include "core/compose/finding.h"
#include "core/compose/interpolate.h"

/* NULL text: not given, or `unknown`. */
struct draft_text {
	const char *text;
	struct source_loc loc;
	bool unknown; /* depends on a variable without a value */
};

struct draft_texts {
	struct draft_text *items;
	size_t n, cap;
};

struct draft_number {
	uint32_t value;
	struct source_loc loc;
	bool set;
};

struct draft_flag {
	struct source_loc loc;
	bool value, set;
};

struct draft_label {
	const char *key, *value; /* value NULL: unknown */
	size_t rank;		 /* of two alike the later counts */
};

struct draft_attachment {
	const char *network; /* its key in `networks` */
	struct source_loc loc;
	struct draft_text ipv4, ipv6, mac, gw_priority;
};

/* How the host's port is written: compose compares what is written. DRAFT_ODD: as nobody else
 * writes it, `080` or with `UDP`. */
enum draft_published { DRAFT_UNSAID, DRAFT_TEXT, DRAFT_NUMBER, DRAFT_ODD };

/* Of equal length where both ranges are longer than one. */
struct draft_port {
	struct source_loc loc;
	struct ip_addr host_ip;	   /* IP_NONE: every address */
	uint16_t host_lo, host_hi; /* 0: Docker chooses one */
	struct port_range port;	   /* the container's */
	enum draft_published published;
	bool is_long; /* written as a mapping */
};
/* One port of the host for each of the container's. */
static inline bool draft_port_is_fixed(const struct draft_port *port)
{
	return port->host_lo && port->host_hi - port->host_lo == port->port.hi - port->port.lo;
}

struct draft_mount {
	const char *source, *target; /* source "": none of the host's */
	struct source_loc loc;
};

/* Another service that must be there. */
struct draft_need {
	const char *service;
	struct source_loc loc;
	bool optional; /* or need not be active */
	bool own;      /* said by `depends_on` */
};

/* What is absent is in the posture when its plan is made (compose_settle_posture()). */
struct draft_posture {
	struct posture posture;
	struct posture_capabilities capabilities;
	struct source_loc at[POSTURE_FACTS]; /* file NULL: nothing of it is written */
};

struct draft_service {
	const char *name;
	struct source_loc loc;
	/* compose_check_needs(): its profile was activated; it is to be started; and on the way
	 * through what each needs. */
	bool enabled, wanted, seen, closed;
	struct draft_service *wanted_by;
	size_t next_need;
	struct draft_text image, container_name, network_mode, mac, pid, ipc, uts;
	struct draft_flag build, provider, privileged, api_socket;
	struct draft_number scale, replicas;
	VEC(struct draft_label) labels;
	VEC(struct draft_attachment) networks;
	VEC(struct draft_port) ports;
	VEC(struct draft_need) needs;
	VEC(struct draft_mount) mounts;
	struct draft_texts profiles, capabilities, label_files, dns;
	struct draft_posture posture;
};

struct draft_subnet {
	struct source_loc loc;
	struct ip_prefix prefix;
	struct ip_prefix range;	    /* where addresses are taken from; IP_NONE: all of it */
	struct ip_addr gateway;	    /* IP_NONE: the first */
	VEC(struct ip_addr) others; /* aux_addresses */
};

struct draft_network {
	const char *key;
	struct source_loc loc;
	struct draft_text name, driver, bridge, binding; /* binding: host_binding_ipv4 */
	struct draft_text modes[2];			 /* gateway_mode_ipv4, _ipv6 */
	struct draft_flag internal, external, ipv4, ipv6, icc, masquerade;
	VEC(struct draft_subnet) subnets;
};

struct compose_document;

struct compose_file {
	const char *name;
	const struct node *root; /* of its first document; NULL: it has none */
	bool usable;		 /* false: reported */
	/* What `extends` finds in it, with these variables. */
	const struct compose_document *document;
	const struct compose_variable *variables;
};

/* One compose_parse(). What ends it (memory, a limit) is noted here and looked at once: c->stopped.
 * Until then whoever goes on gets an empty text or a NODE_BAD, and finds nothing more to do. */
struct compose {
	const struct compose_input *in;
	struct arena *arena;
	struct diag_list *diags;
	struct interpolation variables;
	struct draft_text name; /* top-level `name:` */
	VEC(struct compose_file *) files;
	size_t n_given; /* of the files: others extend or include the rest */
	bool canonical; /* docker compose's own word: see is_canonical() */
	VEC(struct draft_service) services;
	VEC(struct draft_network) networks;
	size_t errors;		       /* that others had reported before */
	size_t bytes, values;	       /* against the limits */
	bool checked_bad;	       /* the schema was not met, and that was reported */
	bool stopped;		       /* memory is out, or a limit was met and reported */
	char words[4][TEXT_QUOTE_LEN]; /* compose_quote() */
	size_t next_word;
};

/* Notes that memory is out; false. */
bool compose_no_memory(struct compose *c);
/* Reports what a limit forbids; nothing more is read. */
void compose_stop(struct compose *c, enum compose_finding finding, struct source_loc loc,
		  const char *format, ...) PRINTF_LIKE(4, 5);
/* Zeroed; NULL: memory is out. */
void *compose_alloc(struct compose *c, size_t size);
/* In the arena; "" when memory is out. */
const char *compose_copy(struct compose *c, const char *text, size_t len);
const char *compose_printf(struct compose *c, const char *format, ...) PRINTF_LIKE(2, 3);
#define COMPOSE_PUSH(c, list, ...) \
	((void)(VEC_PUSH((c)->arena, (list), __VA_ARGS__) == 0 || compose_no_memory(c)))
