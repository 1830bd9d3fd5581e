/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The merged project on its way to a world: active services, their containers, the networks that
 * are used, addresses. Internal to core/compose. */
#pragma once

#include "core/compose/decode.h"

/* A service on a network. */
struct plan_link {
	const struct draft_attachment *attachment; /* NULL: nobody wrote it */
	const char *name;			   /* of the network */
	uint32_t network;			   /* index into the plan */
};

enum plan_mode { PLAN_NETWORKS, PLAN_HOST, PLAN_NONE, PLAN_SHARED };

/* An active service. */
struct plan_service {
	const struct draft_service *draft;
	uint32_t replicas;
	enum plan_mode mode;
	const char *image;
	const char *network_mode; /* as struct world_container has it */
	const struct world_label *labels;
	const struct world_published *published;
	size_t n_labels, n_published;
	uint32_t traits;	     /* of enum world_trait */
	VEC(struct plan_link) links; /* sorted by network, each once */
};

struct plan_container {
	size_t service;	 /* index into the plan */
	uint32_t number; /* from 1 */
	const char *name;
	struct source_loc loc; /* of what names it */
	char id[WORLD_ID_LEN];
};

/* A network that is used. */
struct plan_network {
	const struct draft_network *draft; /* NULL: no file defines it */
	const char *name, *driver;
	struct source_loc loc; /* of its definition, or its first use */
	char id[WORLD_ID_LEN], bridge[WORLD_IFNAME_LEN];
	VEC(struct ip_prefix) subnets;
	VEC(struct ip_addr) gateways;
};

struct plan_endpoint {
	uint32_t container, network; /* indices into the plan */
	const struct plan_link *link;
	struct ip_addr ipv4, ipv6;
	struct mac_addr mac;
};

struct assembly {
	VEC(struct plan_service) services;
	VEC(struct plan_network) networks;     /* sorted by name */
	VEC(struct plan_container) containers; /* sorted by name */
	VEC(struct plan_endpoint) endpoints;   /* sorted by container, then network */
};

/* Each: 0 (also when something was reported) or -ENOMEM. */
int compose_plan_services(struct compose *c, struct assembly *plan) MUST_CHECK;
int compose_plan_ports(struct compose *c, struct assembly *plan) MUST_CHECK;
int compose_plan_networks(struct compose *c, struct assembly *plan) MUST_CHECK;
int compose_plan_containers(struct compose *c, struct assembly *plan) MUST_CHECK;
int compose_plan_endpoints(struct compose *c, struct assembly *plan) MUST_CHECK;
int compose_plan_addresses(struct compose *c, struct assembly *plan) MUST_CHECK;

/* What is dangerous in one active service: reported, and noted as its traits. */
void compose_check_dangers(struct compose *c, struct plan_service *service);

/* All of it, to a world. */
int compose_build(struct compose *c, struct compose_project *ret) MUST_CHECK;

/* 64 hex digits made of a name: alike for the same, and for two names never alike but by design. */
void compose_make_id(const char *kind, const char *name, char ret[WORLD_ID_LEN]);
/* PROJECT-SERVICE-N, or container_name; NULL: out of memory. */
const char *compose_container_name(struct compose *c, const struct draft_service *service,
				   uint32_t number);
/* 1 to WORLD_TEXT_MAX bytes without control characters. */
bool compose_is_plain(const char *text);
