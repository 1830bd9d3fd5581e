/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values to drafts. Internal to core/compose. */
#pragma once

#include "core/compose/draft.h"
#include "core/compose/schema.h"

void compose_wrong_type(struct compose *c, const struct node *node, const char *name,
			const char *expected);
/* @name NULL: a text of unknown use, in which a variable is required. */
void compose_report_unset(struct compose *c, const struct node *node, const char *name);

/* A text; NULL: bad or without a value, reported. */
const char *compose_text(struct compose *c, const struct node *node, const char *name);
/* The same, and a number will do. */
const char *compose_word(struct compose *c, const struct node *node, const char *name);
/* A text for which a variable without a value is no finding. */
struct draft_text compose_try_text(struct compose *c, const struct node *node, const char *name);

/* Into a struct draft_text, draft_flag or draft_number. */
void compose_decode_text(struct compose *c, const struct node *key, void *member);
void compose_decode_word(struct compose *c, const struct node *key, void *member);
void compose_decode_try_text(struct compose *c, const struct node *key, void *member);
void compose_decode_flag(struct compose *c, const struct node *key, void *member);
void compose_decode_number(struct compose *c, const struct node *key, void *member);
/* That it is there, into a struct draft_flag. */
void compose_decode_presence(struct compose *c, const struct node *key, void *member);
/* A word, or a list of them, into a struct draft_texts; _known_: one that depends on a variable
 * without a value is left out. */
void compose_decode_words(struct compose *c, const struct node *key, void *member);
void compose_decode_known_words(struct compose *c, const struct node *key, void *member);

/* Of a service. */
void compose_decode_ports(struct compose *c, const struct node *key, void *service);
/* That compose can take the list apart, of whatever service it is. */
void compose_check_ports(struct compose *c, const struct node *ports);
void compose_decode_depends_on(struct compose *c, const struct node *key, void *service);
void compose_decode_links(struct compose *c, const struct node *key, void *service);
void compose_decode_volumes_from(struct compose *c, const struct node *key, void *service);
void compose_decode_cap_add(struct compose *c, const struct node *key, void *service);
void compose_decode_build(struct compose *c, const struct node *key, void *service);
/* Of its posture, into a struct draft_posture. */
void compose_decode_posture_flag(struct compose *c, const struct node *key, void *posture);
void compose_decode_posture_limit(struct compose *c, const struct node *key, void *posture);
void compose_decode_swap_limit(struct compose *c, const struct node *key, void *posture);
void compose_decode_user(struct compose *c, const struct node *key, void *posture);
void compose_decode_users_namespace(struct compose *c, const struct node *key, void *posture);
void compose_decode_capabilities(struct compose *c, const struct node *key, void *posture);
void compose_decode_security_options(struct compose *c, const struct node *key, void *posture);
void compose_decode_devices(struct compose *c, const struct node *key, void *posture);
void compose_decode_environment(struct compose *c, const struct node *key, void *posture);
void compose_decode_env_file(struct compose *c, const struct node *key, void *posture);
void compose_decode_healthcheck(struct compose *c, const struct node *key, void *posture);
void compose_decode_logging(struct compose *c, const struct node *key, void *posture);
extern const struct schema_shape compose_port_shape, compose_need_shape;
/* "80", "8080:80", "127.0.0.1:8000-8010:80-90/udp": 0; -EINVAL; -ERANGE: 0, above 65535, reversed,
 * or ranges of different lengths. */
int compose_parse_port(const char *text, struct draft_port *ret) MUST_CHECK;

/* What services want of each other, among those that are active. */
void compose_check_needs(struct compose *c);
bool compose_service_is_active(const struct compose *c, const struct draft_service *service);
