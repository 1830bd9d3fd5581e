/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One service: what of its keys matters to the network, and the names of those that do not. */
#include <errno.h>
#include <string.h>

#include "core/compose/decode.h"
#include "core/compose/value.h"

static int decode_presence(struct compose *c, const struct node *key, void *member)
{
	(void)c;
	*(struct draft_flag *)member = (struct draft_flag){ key->loc, true, true };
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
	size_t len = strcspn(whole, "=");
	char *key = arena_strndup(c->arena, whole, len);
	if (!key)
		return -ENOMEM;
	if (text.unknown)
		report_label(c, item->loc, key);
	if (text.unknown && strchr(key, '$'))
		return 0;
	return add_label(c, service, key, text.unknown ? NULL : whole + len + (whole[len] == '='));
}

static int add_mapped_label(struct compose *c, const struct node *key,
			    struct draft_service *service)
{
	bool unknown = key->value->tag == compose_unset;
	const char *value = NULL;

	if (key->value->kind != NODE_SCALAR || value_type_of(key->value) == VALUE_TIME) {
		compose_wrong_type(c, key->value, key->text, "a word in quotes");
		return 0;
	}
	if (unknown)
		report_label(c, key->value->loc, key->text);
	else
		value = value_text(key->value, c->arena);
	return unknown || value ? add_label(c, service, key->text, value) : -ENOMEM;
}

static int decode_labels(struct compose *c, const struct node *key, void *member)
{
	bool listed = key->value->kind == NODE_SEQUENCE;
	int r = 0;

	if (!listed && key->value->kind != NODE_MAPPING) {
		compose_wrong_type(c, key->value, key->text, "a list or a mapping");
		return 0;
	}
	for (const struct node *one = key->value->first; one && r == 0; one = one->next)
		r = listed ? add_listed_label(c, one, member) : add_mapped_label(c, one, member);
	return r;
}

/* ---- lists of words ---- */

static int decode_profiles(struct compose *c, const struct node *key, void *member)
{
	return compose_add_words(c, key, "a profile", member);
}

static int decode_capabilities(struct compose *c, const struct node *key, void *member)
{
	return compose_add_words(c, key, NULL, member);
}

static int decode_dns(struct compose *c, const struct node *key, void *member)
{
	return key->value->kind == NODE_SCALAR ? compose_add_word(c, key->value, NULL, member)
					       : compose_add_words(c, key, NULL, member);
}

static int decode_label_file(struct compose *c, const struct node *key, void *member)
{
	struct draft_texts *files = member;
	struct draft_text text = { .loc = key->loc };

	return VEC_PUSH(c->arena, files, text);
}

/* ---- volumes: only what is mounted from the host ---- */

static int set_mount(struct compose *c, struct draft_service *service, struct draft_mount mount)
{
	for (size_t i = 0; i < service->mounts.n; i++)
		if (strcmp(service->mounts.items[i].target, mount.target) == 0) {
			service->mounts.items[i] = mount; /* the later one counts */
			return 0;
		}
	return VEC_PUSH(c->arena, &service->mounts, mount);
}

/* "SOURCE:TARGET", or the long form; a TARGET alone is no mount from the host. */
static int add_mount(struct compose *c, const struct node *item, struct draft_service *service)
{
	bool is_long = item->kind == NODE_MAPPING;
	const struct node *source = is_long ? node_get(item, "source") : item;
	const struct node *where = is_long ? node_get(item, "target") : item;
	struct draft_mount mount = { .loc = item->loc, .target = "" };
	struct draft_text from = { 0 }, to = { 0 };
	int r = source ? compose_try_text(c, source, "a volume", &from) : 0;

	if (r == 0 && where)
		r = compose_try_text(c, where, "a volume", &to);
	if (r || !to.text)
		return r;
	size_t len = is_long ? SIZE_MAX : strcspn(to.text, ":");
	mount.source = from.text && *from.text == '/' && (is_long || to.text[len]) ? from.text : "";
	mount.target = to.text;
	if (!is_long && *mount.source)
		mount.source = arena_strndup(c->arena, mount.source, len);
	if (!is_long && to.text[len])
		mount.target =
			arena_strndup(c->arena, to.text + len + 1, strcspn(to.text + len + 1, ":"));
	return mount.source && mount.target ? set_mount(c, service, mount) : -ENOMEM;
}

static int decode_volumes(struct compose *c, const struct node *key, void *member)
{
	int r = 0;

	if (!compose_is_list(c, key))
		return 0;
	for (const struct node *item = key->value->first; item && r == 0; item = item->next)
		r = add_mount(c, item, member);
	return r;
}

/* ---- the service ---- */

static const struct compose_field deploy_fields[] = {
	COMPOSE_FIELD("replicas", compose_decode_number, draft_service, replicas),
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

static int decode_deploy(struct compose *c, const struct node *key, void *member)
{
	return compose_decode_object(c, key->value, &deploy_shape, member);
}

#define FIELD(name, decode, member) COMPOSE_FIELD(name, decode, draft_service, member)

static const struct compose_field fields[] = {
	COMPOSE_WHOLE("depends_on", compose_decode_depends_on),
	COMPOSE_WHOLE("deploy", decode_deploy),
	COMPOSE_WHOLE("labels", decode_labels),
	COMPOSE_WHOLE("links", compose_decode_links),
	COMPOSE_WHOLE("networks", compose_decode_attachments),
	COMPOSE_WHOLE("ports", compose_decode_ports),
	COMPOSE_WHOLE("volumes", decode_volumes),
	COMPOSE_WHOLE("volumes_from", compose_decode_volumes_from),
	FIELD("build", decode_presence, build),
	FIELD("cap_add", decode_capabilities, capabilities),
	FIELD("container_name", compose_decode_text, container_name),
	FIELD("dns", decode_dns, dns),
	FIELD("image", compose_try_decode_text, image),
	FIELD("ipc", compose_try_decode_text, ipc),
	FIELD("label_file", decode_label_file, label_files),
	FIELD("mac_address", compose_decode_text, mac),
	FIELD("network_mode", compose_decode_text, network_mode),
	FIELD("pid", compose_try_decode_text, pid),
	FIELD("privileged", compose_decode_flag, privileged),
	FIELD("profiles", decode_profiles, profiles),
	FIELD("provider", decode_presence, provider),
	FIELD("scale", compose_decode_number, scale),
	FIELD("use_api_socket", compose_decode_flag, api_socket),
	FIELD("uts", compose_try_decode_text, uts),
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
	COMPOSE_IGNORED("develop"),
	COMPOSE_IGNORED("device_cgroup_rules"),
	COMPOSE_IGNORED("devices"),
	COMPOSE_IGNORED("dns_opt"),
	COMPOSE_IGNORED("dns_search"),
	COMPOSE_IGNORED("domainname"),
	COMPOSE_IGNORED("entrypoint"),
	COMPOSE_IGNORED("env_file"),
	COMPOSE_IGNORED("environment"),
	COMPOSE_IGNORED("expose"), /* a note to readers: Docker acts on none of it */
	COMPOSE_IGNORED("extends"),
	COMPOSE_IGNORED("external_links"),
	COMPOSE_IGNORED("extra_hosts"),
	COMPOSE_IGNORED("gpus"),
	COMPOSE_IGNORED("group_add"),
	COMPOSE_IGNORED("healthcheck"),
	COMPOSE_IGNORED("hostname"),
	COMPOSE_IGNORED("init"),
	COMPOSE_IGNORED("isolation"),
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
	COMPOSE_IGNORED("working_dir"),
};

static const struct compose_shape shape = { "a service", fields, ARRAY_LEN(fields),
					    CF_UNKNOWN_SETTING };

int compose_decode_service(struct compose *c, const struct node *key, struct draft_service *ret)
{
	return compose_decode_object(c, key->value, &shape, ret);
}
