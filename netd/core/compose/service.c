/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One service: what of its keys matters to the network, and the names of those that do not. */
#include <string.h>

#include "core/compose/decode.h"
#include "core/compose/value.h"

/* ---- networks: a list of names, or a mapping with addresses ---- */

#define FIELD(name, decode, member) SCHEMA_WORD_FIELD(name, decode, draft_attachment, member)

static const struct schema_field attachment_fields[] = {
	FIELD("gw_priority", compose_decode_word, gw_priority),
	FIELD("ipv4_address", compose_decode_text, ipv4),
	FIELD("ipv6_address", compose_decode_text, ipv6),
	FIELD("mac_address", compose_decode_text, mac),
};
static const struct schema_shape attachment_shape = {
	attachment_fields,	  ARRAY_LEN(attachment_fields),
	"a network of a service", NULL,
	CF_UNKNOWN_SETTING,	  "aliases driver_opts interface_name link_local_ips priority",
};
static const struct schema_field attachment_field = {
	"a network of a service", SCHEMA_MAP | SCHEMA_NULL, SCHEMA_BY_KIND, NULL, 0,
	&attachment_shape,
};
static const struct schema_shape attachments_shape = { .others = &attachment_field };

static void attach(struct compose *c, struct draft_service *service, struct draft_attachment one)
{
	for (size_t i = 0; i < service->networks.n; i++)
		if (strcmp(service->networks.items[i].network, one.network) == 0) {
			compose_report(c, CF_DUPLICATE_KEY, one.loc, NULL,
				       "the network `%s` stands here twice",
				       compose_quote(c, one.network));
			return;
		}
	if (service->networks.n == LIMIT_COMPOSE_NETWORKS)
		compose_stop(c, CF_TOO_MANY, one.loc, "a service is on more than %u networks",
			     LIMIT_COMPOSE_NETWORKS);
	else
		COMPOSE_PUSH(c, &service->networks, one);
}

static void decode_attachments(struct compose *c, const struct node *key, void *service)
{
	for (const struct node *one = key->value->first; one && !c->stopped; one = one->next) {
		struct draft_attachment attachment = { .network = one->text, .loc = one->loc };
		if (key->value->kind == NODE_SEQUENCE)
			attachment.network = compose_text(c, one, "a network");
		else if (one->value->kind == NODE_MAPPING)
			schema_decode(c, one->value, &attachment_shape, &attachment);
		if (attachment.network)
			attach(c, service, attachment);
	}
}

/* ---- labels ---- */

static void report_label(struct compose *c, struct source_loc loc, const char *key)
{
	compose_report(c, CF_UNKNOWN_VALUE, loc,
		       "give the variable a value if a tier matches this label",
		       "the label `%s` depends on a variable without a value: it is left out",
		       compose_quote(c, key));
}

/* "key=value", or "key". */
static struct draft_label listed_label(struct compose *c, const struct node *item)
{
	struct draft_text text = compose_try_text(c, item, "a label");
	const char *whole = text.unknown ? item->text : text.text;
	struct draft_label label = { 0 };

	if (!whole)
		return label;
	size_t len = strcspn(whole, "=");
	label.key = compose_copy(c, whole, len);
	label.value = text.unknown ? NULL : whole + len + (whole[len] == '=');
	if (text.unknown)
		report_label(c, item->loc, label.key);
	if (text.unknown && strchr(label.key, '$'))
		label.key = NULL;
	return label;
}

/* docker compose's own output doubles each `$`, in keys, too, where it does not read it so. */
static const char *label_key(struct compose *c, const char *text)
{
	char *key = c->canonical && strstr(text, "$$") ? compose_alloc(c, strlen(text) + 1) : NULL;
	size_t n = 0;

	for (const char *from = text; key && *from; from++) {
		key[n++] = *from;
		from += text_begins(from, "$$");
	}
	return key ? key : text;
}

static struct draft_label mapped_label(struct compose *c, const struct node *key)
{
	struct draft_label label = { .key = label_key(c, key->text) };

	if (key->value->kind != NODE_SCALAR || value_type_of(key->value) == VALUE_TIME) {
		compose_wrong_type(c, key->value, key->text, "a word in quotes");
		label.key = NULL;
	} else if (key->value->tag == compose_unset) {
		report_label(c, key->value->loc, key->text);
	} else {
		label.value = value_text(key->value, c);
	}
	return label;
}

static void decode_labels(struct compose *c, const struct node *key, void *member)
{
	struct draft_service *service = member;

	for (const struct node *one = key->value->first; one && !c->stopped; one = one->next) {
		struct draft_label label = key->value->kind == NODE_SEQUENCE ? listed_label(c, one)
									     : mapped_label(c, one);
		label.rank = service->labels.n;
		if (label.key)
			COMPOSE_PUSH(c, &service->labels, label);
	}
}

static void decode_label_file(struct compose *c, const struct node *key, void *member)
{
	struct draft_texts *files = member;

	COMPOSE_PUSH(c, files, (struct draft_text){ .loc = key->loc });
}

/* ---- volumes: only what is mounted from the host ---- */

static void set_mount(struct compose *c, struct draft_service *service, struct draft_mount mount)
{
	for (size_t i = 0; i < service->mounts.n; i++)
		if (strcmp(service->mounts.items[i].target, mount.target) == 0) {
			service->mounts.items[i] = mount; /* the later one counts */
			return;
		}
	COMPOSE_PUSH(c, &service->mounts, mount);
}

/* "SOURCE:TARGET", or the long form; a TARGET alone is no mount from the host. */
static void add_mount(struct compose *c, const struct node *item, struct draft_service *service)
{
	bool is_long = item->kind == NODE_MAPPING;
	const struct node *source = is_long ? node_get(item, "source") : item;
	const struct node *target = is_long ? node_get(item, "target") : item;
	struct draft_mount mount = { .loc = item->loc, .source = "" };

	if (!target)
		return;
	mount.target = compose_try_text(c, target, "a volume").text;
	if (is_long && source)
		mount.source = compose_try_text(c, source, "a volume").text;
	size_t len = !is_long && mount.target ? strcspn(mount.target, ":") : 0;
	if (len && mount.target[len]) {
		mount.source = compose_copy(c, mount.target, len);
		mount.target = compose_copy(c, mount.target + len + 1,
					    strcspn(mount.target + len + 1, ":"));
	}
	if (!mount.source || *mount.source != '/')
		mount.source = "";
	if (mount.target)
		set_mount(c, service, mount);
}

static void decode_volumes(struct compose *c, const struct node *key, void *member)
{
	for (const struct node *item = key->value->first; item && !c->stopped; item = item->next)
		add_mount(c, item, member);
}

/* ---- the service ---- */

#define WORD(name, decode, member) SCHEMA_WORD_FIELD(name, decode, draft_service, member)
#define OTHER(name, kinds, merge, decode, member, shape)                                  \
	{                                                                                 \
		name, kinds, merge, decode, offsetof(struct draft_service, member), shape \
	}
/* The whole service is the member. */
#define WHOLE(name, kinds, merge, decode, shape)     \
	{                                            \
		name, kinds, merge, decode, 0, shape \
	}
#define ANY (SCHEMA_LIST | SCHEMA_MAP | SCHEMA_WORD | SCHEMA_NULL)

#define POSTURE(name, merge, decode) OTHER(name, 0, merge, decode, posture, NULL)

static const struct schema_field limit_fields[] = {
	POSTURE("cpus", SCHEMA_LATER, compose_decode_posture_limit),
	POSTURE("memory", SCHEMA_LATER, compose_decode_posture_limit),
	POSTURE("pids", SCHEMA_LATER, compose_decode_posture_limit),
};
static const struct schema_shape limits_shape = { .fields = limit_fields,
						  .n = ARRAY_LEN(limit_fields) };
static const struct schema_field reservation_fields[] = {
	POSTURE("devices", SCHEMA_BY_KIND, compose_decode_devices),
};
static const struct schema_shape reservations_shape = { .fields = reservation_fields,
							.n = ARRAY_LEN(reservation_fields) };
static const struct schema_field resource_fields[] = {
	WHOLE("limits", 0, SCHEMA_BY_KIND, NULL, &limits_shape),
	WHOLE("reservations", 0, SCHEMA_BY_KIND, NULL, &reservations_shape),
};
static const struct schema_shape resources_shape = { .fields = resource_fields,
						     .n = ARRAY_LEN(resource_fields) };
static const struct schema_field deploy_fields[] = {
	WORD("replicas", compose_decode_number, replicas),
	WHOLE("resources", 0, SCHEMA_BY_KIND, NULL, &resources_shape),
};
static const struct schema_shape deploy_shape = {
	deploy_fields,
	ARRAY_LEN(deploy_fields),
	"`deploy`",
	NULL,
	CF_UNKNOWN_SETTING,
	"endpoint_mode labels mode placement restart_policy rollback_config "
	"update_config",
};

static const struct schema_field fields[] = {
	WORD("image", compose_decode_try_text, image),
	WORD("container_name", compose_decode_text, container_name),
	WHOLE("ports", SCHEMA_LIST, SCHEMA_BY_KIND, compose_decode_ports, &compose_port_shape),
	WHOLE("networks", SCHEMA_LIST | SCHEMA_MAP, SCHEMA_KEYS, decode_attachments,
	      &attachments_shape),
	WHOLE("labels", SCHEMA_LIST | SCHEMA_MAP, SCHEMA_ENTRIES, decode_labels, NULL),
	WHOLE("depends_on", SCHEMA_LIST | SCHEMA_MAP, SCHEMA_NEEDS, compose_decode_depends_on,
	      &compose_need_shape),
	WHOLE("volumes", SCHEMA_LIST, SCHEMA_BY_KIND, decode_volumes, NULL),
	WHOLE("deploy", SCHEMA_MAP | SCHEMA_NULL, SCHEMA_BY_KIND, NULL, &deploy_shape),
	WHOLE("links", SCHEMA_LIST, SCHEMA_BY_KIND, compose_decode_links, NULL),
	WHOLE("volumes_from", SCHEMA_LIST, SCHEMA_BY_KIND, compose_decode_volumes_from, NULL),
	WHOLE("build", 0, SCHEMA_LATER, compose_decode_build, NULL),
	WHOLE("cap_add", SCHEMA_LIST, SCHEMA_BY_KIND, compose_decode_cap_add, NULL),
	POSTURE("cap_drop", SCHEMA_BY_KIND, compose_decode_capabilities),
	POSTURE("cpu_quota", SCHEMA_LATER, compose_decode_posture_limit),
	POSTURE("cpus", SCHEMA_LATER, compose_decode_posture_limit),
	POSTURE("device_cgroup_rules", SCHEMA_BY_KIND, compose_decode_devices),
	POSTURE("devices", SCHEMA_BY_KIND, compose_decode_devices),
	POSTURE("environment", SCHEMA_ENTRIES, compose_decode_environment),
	POSTURE("env_file", SCHEMA_LATER, compose_decode_env_file),
	POSTURE("gpus", SCHEMA_LATER, compose_decode_devices),
	POSTURE("healthcheck", SCHEMA_BY_KIND, compose_decode_healthcheck),
	POSTURE("logging", SCHEMA_BY_KIND, compose_decode_logging),
	POSTURE("mem_limit", SCHEMA_LATER, compose_decode_posture_limit),
	POSTURE("memswap_limit", SCHEMA_LATER, compose_decode_swap_limit),
	POSTURE("pids_limit", SCHEMA_LATER, compose_decode_posture_limit),
	POSTURE("read_only", SCHEMA_LATER, compose_decode_posture_flag),
	POSTURE("security_opt", SCHEMA_BY_KIND, compose_decode_security_options),
	POSTURE("user", SCHEMA_LATER, compose_decode_user),
	POSTURE("userns_mode", SCHEMA_LATER, compose_decode_users_namespace),
	OTHER("dns", 0, SCHEMA_ENTRIES, compose_decode_known_words, dns, NULL),
	OTHER("label_file", 0, SCHEMA_LATER, decode_label_file, label_files, NULL),
	OTHER("profiles", SCHEMA_LIST, SCHEMA_BY_KIND, compose_decode_words, profiles, NULL),
	OTHER("provider", 0, SCHEMA_LATER, compose_decode_presence, provider, NULL),
	WORD("network_mode", compose_decode_text, network_mode),
	WORD("mac_address", compose_decode_text, mac),
	WORD("privileged", compose_decode_flag, privileged),
	WORD("scale", compose_decode_number, scale),
	WORD("use_api_socket", compose_decode_flag, api_socket),
	OTHER("pid", SCHEMA_WORD | SCHEMA_NULL, SCHEMA_LATER, compose_decode_try_text, pid, NULL),
	WORD("ipc", compose_decode_try_text, ipc),
	WORD("uts", compose_decode_try_text, uts),
	WHOLE("command", ANY, SCHEMA_LATER, NULL, NULL),
	WHOLE("entrypoint", ANY, SCHEMA_LATER, NULL, NULL),
	WHOLE("develop", ANY, SCHEMA_LATER, NULL, NULL),
};

/* `expose` is a note to readers: Docker acts on none of it. */
static const struct schema_shape shape = {
	fields,
	ARRAY_LEN(fields),
	"a service",
	NULL,
	CF_UNKNOWN_SETTING,
	"annotations attach blkio_config cgroup cgroup_parent configs cpu_count "
	"cpu_percent cpu_period cpu_rt_period cpu_rt_runtime cpu_shares cpuset "
	"credential_spec dns_opt dns_search domainname expose extends external_links "
	"extra_hosts group_add hostname init isolation mem_reservation mem_swappiness "
	"models oom_kill_disable oom_score_adj platform post_start pre_start pre_stop "
	"pull_policy pull_refresh_after restart runtime secrets shm_size stdin_open "
	"stop_grace_period stop_signal storage_opt sysctls tmpfs tty ulimits "
	"working_dir",
};

static void read_service(struct compose *c, const struct node *key, void *member)
{
	struct draft_service service = { .name = key->text, .loc = key->loc };

	(void)member;
	compose_about_service(c, key->text);
	if (!compose_check_key(c, key, "a service"))
		return;
	c->values += key->value->weight;
	if (c->values > LIMIT_COMPOSE_VALUES) {
		compose_stop(c, CF_TOO_LARGE, key->loc, "the services come to more than %u values",
			     LIMIT_COMPOSE_VALUES);
		return;
	}
	schema_decode(c, key->value, &shape, &service);
	COMPOSE_PUSH(c, &c->services, service);
}

const struct schema_field compose_schema_service = {
	"a service", SCHEMA_MAP, SCHEMA_BY_KIND, read_service, 0, &shape,
};
