/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The merged project on its way to a world: active services, their containers, the networks that
 * are used, addresses. Internal to core/compose. */
#pragma once

#include "core/compose/decode.h"
#include "core/world/facts.h"

/* A service on a network. */
struct plan_link {
	const struct draft_attachment *attachment; /* without fields where nobody wrote it */
	const char *name;			   /* of the network */
	uint32_t network;			   /* index into the plan */
};

enum plan_mode { PLAN_NETWORKS, PLAN_HOST, PLAN_NONE, PLAN_SHARED };

/* An active service. */
struct plan_service {
	const struct draft_service *draft;
	struct world_container facts; /* of each of its containers, but for name and id */
	const struct source_loc *posture_places; /* for each of POSTURE_FACTS */
	uint32_t replicas;
	enum plan_mode mode;
	VEC(struct plan_link) links; /* sorted by network, each once */
};

/* A network that is used. */
struct plan_network {
	const struct draft_network *draft;
	struct source_loc loc; /* of its definition, or its first use */
	struct world_network facts;
	VEC(struct ip_prefix) subnets;
	VEC(struct ip_addr) gateways;
};

struct plan_container {
	const struct plan_service *service;
	const char *name;
};

struct plan_endpoint {
	struct world_endpoint facts;
	const struct draft_attachment *attachment;
};

struct assembly {
	VEC(struct plan_service) services;
	VEC(struct plan_network) networks;     /* sorted by name */
	VEC(struct plan_container) containers; /* sorted by name */
	VEC(struct plan_endpoint) endpoints;   /* sorted by container, then network */
};

/* In this order. */
void compose_plan_services(struct compose *c, struct assembly *plan);
void compose_plan_networks(struct compose *c, struct assembly *plan);
void compose_plan_containers(struct compose *c, struct assembly *plan);
void compose_plan_endpoints(struct compose *c, struct assembly *plan);
void compose_plan_addresses(struct compose *c, struct assembly *plan);
/* Gives the containers of @world their published ports: of the world it is known through which
 * network Docker does so. NULL: something is wrong already, and what is wrong here is told, too. */
void compose_plan_ports(struct compose *c, const struct assembly *plan, const struct world *world,
			struct world_container *containers);

/* What is dangerous in one active service: reported, and noted as its traits. */
void compose_check_dangers(struct compose *c, struct plan_service *service);
/* Of enum world_trait. */
uint32_t compose_mount_traits(const char *source);
/* Its posture, and where each fact of it was written; when its dangers are known. */
void compose_settle_posture(struct compose *c, struct plan_service *service);

/* All of it, to a world. */
void compose_build(struct compose *c, struct compose_project *ret);

/* PROJECT-SERVICE-N, or container_name. */
const char *compose_container_name(struct compose *c, const struct draft_service *service,
				   uint32_t number);
/* 64 hex digits made of a name: alike for the same, and for two names never alike but by design. */
void compose_make_id(const char *kind, const char *name, char ret[WORLD_ID_LEN]);
/* 1 to WORLD_TEXT_MAX bytes without control characters. */
bool compose_is_plain(const char *text);
