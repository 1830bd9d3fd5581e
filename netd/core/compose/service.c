/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One service: what of its keys matters to the network, and the names of those that do not. */
#include <errno.h>
#include <string.h>

#include "core/compose/decode.h"

static int decode_image(struct compose *c, const struct node *key, void *object)
{
	return compose_try_text(c, key->value, key->text, &((struct draft_service *)object)->image);
}

static int decode_container_name(struct compose *c, const struct node *key, void *object)
{
	return compose_decode_text(c, key, &((struct draft_service *)object)->container_name);
}

static int decode_network_mode(struct compose *c, const struct node *key, void *object)
{
	return compose_decode_text(c, key, &((struct draft_service *)object)->network_mode);
}

static int decode_mac(struct compose *c, const struct node *key, void *object)
{
	return compose_decode_text(c, key, &((struct draft_service *)object)->mac);
}

static int decode_pid(struct compose *c, const struct node *key, void *object)
{
	return compose_try_text(c, key->value, key->text, &((struct draft_service *)object)->pid);
}

static int decode_scale(struct compose *c, const struct node *key, void *object)
{
	return compose_decode_number(c, key, &((struct draft_service *)object)->scale);
}

static int decode_privileged(struct compose *c, const struct node *key, void *object)
{
	return compose_decode_flag(c, key, &((struct draft_service *)object)->privileged);
}

static int decode_api_socket(struct compose *c, const struct node *key, void *object)
{
	return compose_decode_flag(c, key, &((struct draft_service *)object)->api_socket);
}

static int decode_build(struct compose *c, const struct node *key, void *object)
{
	(void)c;
	((struct draft_service *)object)->build = (struct draft_flag){ key->loc, true, true };
	return 0;
}

static int decode_provider(struct compose *c, const struct node *key, void *object)
{
	(void)c;
	((struct draft_service *)object)->provider = (struct draft_flag){ key->loc, true, true };
	return 0;
}

/* ---- labels ---- */

static void report_label(struct compose *c, struct source_loc loc, const char *key)
{
	char word[TEXT_QUOTE_LEN];

	compose_report(c->diags, CF_UNKNOWN_VALUE, loc,
		       "give the variable a value if a tier matches this label",
		       "the label `%s` depends on a variable without a value: it is left out",
		       text_quote(key, word));
}

static int add_label(struct compose *c, struct draft_service *service, const char *key,
		     const char *value)
{
	struct draft_label label = { key, value, service->labels.n };

	return VEC_PUSH(c->arena, &service->labels, label);
}

/* "key=value", or "key". */
static int add_listed_label(struct compose *c, const struct node *item,
			    struct draft_service *service)
{
	struct draft_text text;
	int r = compose_try_text(c, item, "a label", &text);

	if (r || (!text.text && !text.unknown))
		return r;
	const char *whole = text.unknown ? item->text : text.text;
	const char *equals = strchr(whole, '=');
	char *key =
		arena_strndup(c->arena, whole, equals ? (size_t)(equals - whole) : strlen(whole));
	if (!key)
		return -ENOMEM;
	if (text.unknown)
		report_label(c, item->loc, key);
	if (text.unknown && strchr(key, '$'))
		return 0;
	return add_label(c, service, key, text.unknown ? NULL : equals ? equals + 1 : "");
}

static int add_mapped_label(struct compose *c, const struct node *key,
			    struct draft_service *service)
{
	struct draft_text text;

	if (key->kind != NODE_SCALAR || key->repeated)
		return 0;
	if (node_is_null(key->value))
		return add_label(c, service, key->text, "");
	int r = compose_try_text(c, key->value, key->text, &text);
	if (r || (!text.text && !text.unknown))
		return r;
	if (text.unknown)
		report_label(c, key->value->loc, key->text);
	return add_label(c, service, key->text, text.text);
}

static int decode_labels(struct compose *c, const struct node *key, void *object)
{
	bool listed = key->value->kind == NODE_SEQUENCE;
	int r = 0;

	if (!listed && key->value->kind != NODE_MAPPING) {
		compose_wrong_type(c, key->value, key->text, "a list or a mapping");
		return 0;
	}
	for (const struct node *one = key->value->first; one && r == 0; one = one->next)
		r = listed ? add_listed_label(c, one, object) : add_mapped_label(c, one, object);
	return r;
}

/* ---- lists of words ---- */

/* @name of a word for findings; NULL: one that depends on an unset variable is let be. */
static int add_word(struct compose *c, const struct node *item, const char *name,
		    struct draft_texts *words)
{
	struct draft_text text = { .loc = item->loc };
	int r = name ? compose_text(c, item, name, &text.text)
		     : compose_try_text(c, item, "an entry", &text);

	return r || !text.text ? r : VEC_PUSH(c->arena, words, text);
}

static int add_words(struct compose *c, const struct node *key, const char *name,
		     struct draft_texts *words)
{
	int r = 0;

	if (key->value->kind != NODE_SEQUENCE) {
		compose_wrong_type(c, key->value, key->text, "a list");
		return 0;
	}
	for (const struct node *item = key->value->first; item && r == 0; item = item->next)
		r = add_word(c, item, name, words);
	return r;
}

static int decode_profiles(struct compose *c, const struct node *key, void *object)
{
	return add_words(c, key, "a profile", &((struct draft_service *)object)->profiles);
}

static int decode_capabilities(struct compose *c, const struct node *key, void *object)
{
	return add_words(c, key, NULL, &((struct draft_service *)object)->capabilities);
}

static int decode_label_file(struct compose *c, const struct node *key, void *object)
{
	struct draft_service *service = object;
	struct draft_text text = { .loc = key->loc };

	return VEC_PUSH(c->arena, &service->label_files, text);
}

/* ---- volumes: only what is mounted from the host ---- */

/* "SOURCE:TARGET", or the long form; a TARGET alone is no mount from the host. */
static int add_mount(struct compose *c, const struct node *item, struct draft_service *service)
{
	bool is_long = item->kind == NODE_MAPPING;
	const struct node *source = is_long ? node_get(item, "source") : item;
	struct draft_text text;

	if (!source || source->kind != NODE_SCALAR || node_is_null(source))
		return 0;
	int r = compose_try_text(c, source, "a volume", &text);
	const char *colon = text.text ? strchr(text.text, ':') : NULL;
	if (r || !text.text || text.text[0] != '/' || (!is_long && !colon))
		return r;
	if (!is_long)
		text.text = arena_strndup(c->arena, text.text, (size_t)(colon - text.text));
	if (!text.text)
		return -ENOMEM;
	text.loc = item->loc;
	return VEC_PUSH(c->arena, &service->mounts, text);
}

static int decode_volumes(struct compose *c, const struct node *key, void *object)
{
	int r = 0;

	if (key->value->kind != NODE_SEQUENCE) {
		compose_wrong_type(c, key->value, key->text, "a list");
		return 0;
	}
	for (const struct node *item = key->value->first; item && r == 0; item = item->next)
		r = add_mount(c, item, object);
	return r;
}

/* ---- deploy ---- */

static int decode_replicas(struct compose *c, const struct node *key, void *object)
{
	return compose_decode_number(c, key, &((struct draft_service *)object)->replicas);
}

static const struct compose_field deploy_fields[] = {
	COMPOSE_FIELD("replicas", decode_replicas, draft_service, replicas),
	COMPOSE_IGNORED("endpoint_mode"),
	COMPOSE_IGNORED("labels"), /* of the service, not of its containers */
	COMPOSE_IGNORED("mode"),
	COMPOSE_IGNORED("placement"),
	COMPOSE_IGNORED("resources"),
	COMPOSE_IGNORED("restart_policy"),
	COMPOSE_IGNORED("rollback_config"),
	COMPOSE_IGNORED("update_config"),
};

static const struct compose_shape deploy_shape = { "`deploy`", deploy_fields,
						   ARRAY_LEN(deploy_fields), CF_UNKNOWN_SETTING };

static int decode_deploy(struct compose *c, const struct node *key, void *object)
{
	return compose_decode_object(c, key->value, &deploy_shape, object);
}

/* ---- the service ---- */

static const struct compose_field fields[] = {
	COMPOSE_FIELD("build", decode_build, draft_service, build),
	COMPOSE_FIELD("cap_add", decode_capabilities, draft_service, capabilities),
	COMPOSE_FIELD("container_name", decode_container_name, draft_service, container_name),
	COMPOSE_FIELD("deploy", decode_deploy, draft_service, replicas),
	COMPOSE_FIELD("image", decode_image, draft_service, image),
	COMPOSE_FIELD("label_file", decode_label_file, draft_service, label_files),
	COMPOSE_FIELD("labels", decode_labels, draft_service, labels),
	COMPOSE_FIELD("mac_address", decode_mac, draft_service, mac),
	COMPOSE_FIELD("network_mode", decode_network_mode, draft_service, network_mode),
	COMPOSE_FIELD("networks", compose_decode_attachments, draft_service, networks),
	COMPOSE_FIELD("pid", decode_pid, draft_service, pid),
	COMPOSE_FIELD("ports", compose_decode_ports, draft_service, ports),
	COMPOSE_FIELD("privileged", decode_privileged, draft_service, privileged),
	COMPOSE_FIELD("profiles", decode_profiles, draft_service, profiles),
	COMPOSE_FIELD("provider", decode_provider, draft_service, provider),
	COMPOSE_FIELD("scale", decode_scale, draft_service, scale),
	COMPOSE_FIELD("use_api_socket", decode_api_socket, draft_service, api_socket),
	COMPOSE_FIELD("volumes", decode_volumes, draft_service, mounts),
	COMPOSE_IGNORED("extends"), /* followed before its service is read */
	COMPOSE_IGNORED("expose"),  /* a note to readers: Docker acts on none of it */
	COMPOSE_IGNORED("annotations"),
	COMPOSE_IGNORED("attach"),
	COMPOSE_IGNORED("blkio_config"),
	COMPOSE_IGNORED("cap_drop"),
	COMPOSE_IGNORED("cgroup"),
	COMPOSE_IGNORED("cgroup_parent"),
	COMPOSE_IGNORED("command"),
	COMPOSE_IGNORED("configs"),
	COMPOSE_IGNORED("cpu_count"),
	COMPOSE_IGNORED("cpu_percent"),
	COMPOSE_IGNORED("cpu_period"),
	COMPOSE_IGNORED("cpu_quota"),
	COMPOSE_IGNORED("cpu_rt_period"),
	COMPOSE_IGNORED("cpu_rt_runtime"),
	COMPOSE_IGNORED("cpu_shares"),
	COMPOSE_IGNORED("cpus"),
	COMPOSE_IGNORED("cpuset"),
	COMPOSE_IGNORED("credential_spec"),
	COMPOSE_IGNORED("depends_on"),
	COMPOSE_IGNORED("develop"),
	COMPOSE_IGNORED("device_cgroup_rules"),
	COMPOSE_IGNORED("devices"),
	COMPOSE_IGNORED("dns"),
	COMPOSE_IGNORED("dns_opt"),
	COMPOSE_IGNORED("dns_search"),
	COMPOSE_IGNORED("domainname"),
	COMPOSE_IGNORED("entrypoint"),
	COMPOSE_IGNORED("env_file"),
	COMPOSE_IGNORED("environment"),
	COMPOSE_IGNORED("external_links"),
	COMPOSE_IGNORED("extra_hosts"),
	COMPOSE_IGNORED("gpus"),
	COMPOSE_IGNORED("group_add"),
	COMPOSE_IGNORED("healthcheck"),
	COMPOSE_IGNORED("hostname"),
	COMPOSE_IGNORED("init"),
	COMPOSE_IGNORED("ipc"),
	COMPOSE_IGNORED("isolation"),
	COMPOSE_IGNORED("links"),
	COMPOSE_IGNORED("logging"),
	COMPOSE_IGNORED("mem_limit"),
	COMPOSE_IGNORED("mem_reservation"),
	COMPOSE_IGNORED("mem_swappiness"),
	COMPOSE_IGNORED("memswap_limit"),
	COMPOSE_IGNORED("models"),
	COMPOSE_IGNORED("oom_kill_disable"),
	COMPOSE_IGNORED("oom_score_adj"),
	COMPOSE_IGNORED("pids_limit"),
	COMPOSE_IGNORED("platform"),
	COMPOSE_IGNORED("post_start"),
	COMPOSE_IGNORED("pre_start"),
	COMPOSE_IGNORED("pre_stop"),
	COMPOSE_IGNORED("pull_policy"),
	COMPOSE_IGNORED("pull_refresh_after"),
	COMPOSE_IGNORED("read_only"),
	COMPOSE_IGNORED("restart"),
	COMPOSE_IGNORED("runtime"),
	COMPOSE_IGNORED("secrets"),
	COMPOSE_IGNORED("security_opt"),
	COMPOSE_IGNORED("shm_size"),
	COMPOSE_IGNORED("stdin_open"),
	COMPOSE_IGNORED("stop_grace_period"),
	COMPOSE_IGNORED("stop_signal"),
	COMPOSE_IGNORED("storage_opt"),
	COMPOSE_IGNORED("sysctls"),
	COMPOSE_IGNORED("tmpfs"),
	COMPOSE_IGNORED("tty"),
	COMPOSE_IGNORED("ulimits"),
	COMPOSE_IGNORED("user"),
	COMPOSE_IGNORED("userns_mode"),
	COMPOSE_IGNORED("uts"),
	COMPOSE_IGNORED("volumes_from"),
	COMPOSE_IGNORED("working_dir"),
};

static const struct compose_shape shape = { "a service", fields, ARRAY_LEN(fields),
					    CF_UNKNOWN_SETTING };

int compose_decode_service(struct compose *c, const struct node *node, struct draft_service *draft)
{
	return compose_decode_object(c, node, &shape, draft);
}
