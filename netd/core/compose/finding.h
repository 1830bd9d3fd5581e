/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything the compose reader can report, by name; the texts of the table are in finding.c.
 * Internal to core/compose. */
#pragma once

#include "core/base/diag.h"
#include "core/base/limits.h"
#include "core/base/text.h"
#include "core/yaml/node.h"

struct compose;

/* In the order of the ids, so that the table is sorted. */
enum compose_finding {
	CF_BAD_ADDRESS,
	CF_BAD_INTERPOLATION,
	CF_BAD_NAME,
	CF_BAD_PORT,
	CF_BAD_SUBNET,
	CF_BAD_VALUE,
	CF_CONFLICTING_VALUE,
	CF_DEPENDENCY_CYCLE,
	CF_DOCKER_SOCKET,
	CF_DUPLICATE_KEY,
	CF_EXTENDS_CYCLE,
	CF_EXTERNAL_NETWORK,
	CF_FOREIGN_CONTAINER,
	CF_HOST_NETWORK,
	CF_INCLUDE_CYCLE,
	CF_MISSING_KEY,
	CF_NETWORK_MODE,
	CF_NO_IMAGE,
	CF_NO_SERVICE,
	CF_OLD_FORMAT,
	CF_OVERLAPPING_SUBNETS,
	CF_PORT_CONFLICT,
	CF_PORTS_IGNORED,
	CF_POWERFUL_CAPABILITY,
	CF_PRIVILEGED,
	CF_PUBLISHED_EVERYWHERE,
	CF_REPLICAS,
	CF_SAME_ADDRESS,
	CF_SAME_NAME,
	CF_SUBNET_FULL,
	CF_TOO_DEEP,
	CF_TOO_LARGE,
	CF_TOO_MANY,
	CF_UNDEFINED_NETWORK,
	CF_UNDEFINED_SERVICE,
	CF_UNKNOWN_BASE,
	CF_UNKNOWN_KEY,
	CF_UNKNOWN_SETTING,
	CF_UNKNOWN_VALUE,
	CF_UNMANAGED_DRIVER,
	CF_UNREAD_FILE,
	CF_UNSET_VARIABLE,
	CF_UNTAGGED_IMAGE,
	CF_WRONG_TYPE,
	CF_YAML_ALIAS,
	CF_YAML_ENCODING,
	CF_YAML_SYNTAX,
	CF_YAML_TAG,
};

/* diag_add() with id and severity of the table. @hint lives in the list's arena, or is static. */
void compose_report(struct compose *c, enum compose_finding finding, struct source_loc loc,
		    const char *hint, const char *format, ...) PRINTF_LIKE(5, 6);
/* A word from outside for one message: of four alive at a time. */
const char *compose_quote(struct compose *c, const char *word);
/* A hint in the list's arena; NULL when no further record is kept, or memory is out. */
const char *compose_hint(struct compose *c, const char *format, ...) PRINTF_LIKE(2, 3);
/* The closest of the names as a hint, or @otherwise. */
const char *compose_suggest(struct compose *c, const char *word, const char *const *names, size_t n,
			    const char *otherwise);
/* What is reported from now on is about that service, or that network. */
void compose_about_service(struct compose *c, const char *service);
void compose_about_network(struct compose *c, const char *network);

extern const struct node_dialect compose_dialect;
