/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The posture of a service: what a compose file says of its user, capabilities, limits and so on,
 * and on which lines. Only a name of an environment variable is looked at, never its value. What
 * depends on a variable without a value, and what the image decides, is not known. */
#include <string.h>
#include <strings.h>

#include "core/compose/decode.h"
#include "core/compose/plan.h"
#include "core/compose/value.h"

/* ---- values ---- */

static void note(struct draft_posture *posture, enum posture_fact fact, enum posture_value value,
		 const struct node *key)
{
	posture->posture.facts[fact] = value;
	posture->at[fact] = key->loc;
}

/* NULL: it is no scalar, or depends on a variable without a value. */
static const char *known_scalar(struct compose *c, const struct node *node)
{
	return node->kind == NODE_SCALAR && node->tag != compose_unset ? value_text(node, c) : NULL;
}

static enum posture_value read_flag(struct compose *c, const struct node *node)
{
	static const char *const yes[] = { "true", "y", "yes", "on" };
	const char *text = known_scalar(c, node);

	for (size_t i = 0; text && i < ARRAY_LEN(yes); i++)
		if (strcasecmp(text, yes[i]) == 0)
			return POSTURE_YES;
	return text ? POSTURE_NO : POSTURE_UNKNOWN;
}

/* "256m", "0.5": more than none. */
static enum posture_value read_limit(struct compose *c, const struct node *node)
{
	const char *text = known_scalar(c, node);

	if (!text)
		return POSTURE_UNKNOWN;
	return posture_of(*text != '-' && strpbrk(text, "123456789"));
}

/* Which fact a key sets. */
static enum posture_fact fact_of(const struct node *key)
{
	static const struct {
		const char *key;
		enum posture_fact fact;
	} facts[] = {
		{ "read_only", POSTURE_READ_ONLY }, { "mem_limit", POSTURE_MEMORY },
		{ "memory", POSTURE_MEMORY },	    { "cpus", POSTURE_CPUS },
		{ "cpu_quota", POSTURE_CPUS },	    { "pids_limit", POSTURE_PIDS },
		{ "pids", POSTURE_PIDS },
	};
	size_t i = 0;

	while (i + 1 < ARRAY_LEN(facts) && strcmp(facts[i].key, key->text) != 0)
		i++;
	return facts[i].fact;
}

void compose_decode_posture_flag(struct compose *c, const struct node *key, void *member)
{
	note(member, fact_of(key), read_flag(c, key->value), key);
}

/* One that is given in two places counts where it is one. */
void compose_decode_posture_limit(struct compose *c, const struct node *key, void *member)
{
	struct draft_posture *posture = member;
	enum posture_value value = read_limit(c, key->value);

	if (posture->posture.facts[fact_of(key)] != POSTURE_YES)
		note(posture, fact_of(key), value, key);
}

void compose_decode_swap_limit(struct compose *c, const struct node *key, void *member)
{
	const char *text = known_scalar(c, key->value);

	note(member, POSTURE_ENDLESS_SWAP, text ? posture_of(*text == '-') : POSTURE_UNKNOWN, key);
}

void compose_decode_user(struct compose *c, const struct node *key, void *member)
{
	const char *text = known_scalar(c, key->value);

	note(member, POSTURE_ROOT, text ? posture_user_is_root(text) : POSTURE_UNKNOWN, key);
}

void compose_decode_users_namespace(struct compose *c, const struct node *key, void *member)
{
	const char *text = known_scalar(c, key->value);

	note(member, POSTURE_HOST_USERS,
	     text ? posture_of(strcmp(text, "host") == 0) : POSTURE_UNKNOWN, key);
}

/* ---- lists ---- */

void compose_decode_capabilities(struct compose *c, const struct node *key, void *member)
{
	struct draft_posture *posture = member;
	bool dropped = strcmp(key->text, "cap_drop") == 0;

	posture->at[dropped ? POSTURE_DROPS_ALL : POSTURE_ADDS] = key->loc;
	for (const struct node *item = key->value->first; item && !c->stopped; item = item->next) {
		const char *name = known_scalar(c, item);
		if (name)
			posture_note_capability(&posture->capabilities, name, dropped);
		else
			posture->capabilities.unknown = true;
	}
}

void compose_decode_cap_add(struct compose *c, const struct node *key, void *member)
{
	struct draft_service *service = member;

	compose_decode_known_words(c, key, &service->capabilities);
	compose_decode_capabilities(c, key, &service->posture);
}

void compose_decode_security_options(struct compose *c, const struct node *key, void *member)
{
	struct draft_posture *posture = member;
	bool unknown = false;

	posture->at[POSTURE_NO_NEW_PRIVILEGES] = posture->at[POSTURE_UNCONFINED] = key->loc;
	for (const struct node *item = key->value->first; item && !c->stopped; item = item->next) {
		const char *option = known_scalar(c, item);
		unknown |= !option;
		if (option)
			posture_note_security_option(&posture->posture, option);
	}
	for (size_t i = POSTURE_NO_NEW_PRIVILEGES; i <= POSTURE_UNCONFINED && !unknown; i++)
		if (posture->posture.facts[i] == POSTURE_UNKNOWN)
			posture->posture.facts[i] = POSTURE_NO;
}

void compose_decode_devices(struct compose *c, const struct node *key, void *member)
{
	struct draft_posture *posture = member;

	(void)c;
	if (key->value->kind == NODE_SCALAR || key->value->n > 0)
		note(posture, POSTURE_DEVICES, POSTURE_YES, key);
}

/* ---- names of variables ---- */

static void look_for_secrets(struct draft_posture *posture, enum posture_fact fact,
			     const struct node *key)
{
	for (const struct node *one = key->value->first; one; one = one->next)
		if (one->kind == NODE_SCALAR &&
		    posture_is_secret_name(one->text, strcspn(one->text, "="))) {
			note(posture, fact, POSTURE_YES, one);
			return;
		}
}

void compose_decode_environment(struct compose *c, const struct node *key, void *member)
{
	(void)c;
	look_for_secrets(member, POSTURE_SECRETS, key);
}

/* What is in the file is not read. */
void compose_decode_env_file(struct compose *c, const struct node *key, void *member)
{
	struct draft_posture *posture = member;

	(void)c;
	if (posture->posture.facts[POSTURE_SECRETS] != POSTURE_YES)
		note(posture, POSTURE_SECRETS, POSTURE_UNKNOWN, key);
}

void compose_decode_build(struct compose *c, const struct node *key, void *member)
{
	struct draft_service *service = member;

	compose_decode_presence(c, key, &service->build);
	for (const struct node *one = key->value->first; one; one = one->next)
		if (one->kind == NODE_SCALAR && one->value && strcmp(one->text, "args") == 0)
			look_for_secrets(&service->posture, POSTURE_BUILD_SECRETS, one);
}

/* ---- health and logging ---- */

static bool is_test_of_none(struct compose *c, const struct node *test)
{
	const struct node *first = test->kind == NODE_SEQUENCE ? test->first : test;
	const char *text = first ? known_scalar(c, first) : "NONE";

	return text && strcmp(text, "NONE") == 0;
}

void compose_decode_healthcheck(struct compose *c, const struct node *key, void *member)
{
	static const char *const times[] = { "interval", "timeout", "retries", "start_period" };
	const struct node *test = node_get(key->value, "test");
	const struct node *disable = node_get(key->value, "disable");
	enum posture_value value = POSTURE_UNKNOWN; /* the image may have one */
	bool all = true;

	if (test)
		value = posture_of(!is_test_of_none(c, test));
	if (disable && read_flag(c, disable) == POSTURE_YES)
		value = POSTURE_NO;
	note(member, POSTURE_HEALTHCHECK, value, key);
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		const struct node *time = node_get(key->value, times[i]);
		all &= time && read_limit(c, time) == POSTURE_YES;
	}
	note(member, POSTURE_HEALTHCHECK_TIMES, posture_of(all), key);
}

void compose_decode_logging(struct compose *c, const struct node *key, void *member)
{
	const struct node *driver = node_get(key->value, "driver");
	const struct node *options = node_get(key->value, "options");
	const char *name = driver ? known_scalar(c, driver) : "";
	bool size = options && node_get(options, "max-size");
	bool files = options && node_get(options, "max-file");

	note(member, POSTURE_LOG_LIMITS,
	     name ? posture_log_is_limited(name, size, files) : POSTURE_UNKNOWN, key);
}

/* ---- the whole ---- */

static void set_host_fact(struct draft_posture *draft, enum posture_fact fact,
			  const struct draft_text *mode)
{
	if (!mode->text && !mode->unknown)
		return;
	draft->posture.facts[fact] =
		(mode->unknown ? POSTURE_UNKNOWN : posture_of(strcmp(mode->text, "host") == 0));
	draft->at[fact] = mode->loc;
}

/* What is absent Docker gives nobody; but the user, the health check and the log are the image's
 * and the daemon's to say. */
static void add_absent(struct draft_posture *draft)
{
	for (unsigned int i = 0; i < POSTURE_STORED; i++)
		if (draft->posture.facts[i] == POSTURE_UNKNOWN && !draft->at[i].file &&
		    i != POSTURE_ROOT && i != POSTURE_HEALTHCHECK && i != POSTURE_LOG_LIMITS)
			draft->posture.facts[i] = POSTURE_NO;
}

/* Of what is no setting of its own. */
static void note_places(struct draft_posture *draft, const struct draft_service *service)
{
	for (size_t i = 0; i < service->mounts.n; i++)
		if (compose_mount_traits(service->mounts.items[i].source))
			draft->at[POSTURE_DOCKER_SOCKET] = service->mounts.items[i].loc;
	for (size_t i = service->ports.n; i > 0; i--)
		if (!ip_is_loopback(&service->ports.items[i - 1].host_ip))
			draft->at[POSTURE_PUBLISHED] = service->ports.items[i - 1].loc;
	if (service->networks.n)
		draft->at[POSTURE_OPEN_NETWORK] = service->networks.items[0].loc;
	draft->at[POSTURE_TAGGED] = draft->at[POSTURE_DIGEST] = service->image.loc;
	draft->at[POSTURE_KNOWN_REGISTRY] = service->image.loc;
	draft->at[POSTURE_FEW_CAPABILITIES] = draft->at[POSTURE_ADDS];
}

void compose_settle_posture(struct compose *c, struct plan_service *service)
{
	struct draft_posture *draft =
		compose_alloc(c, sizeof(*draft)); /* the service's own is constant by now */

	if (!draft)
		return;
	*draft = service->draft->posture;
	set_host_fact(draft, POSTURE_HOST_NETWORK, &service->draft->network_mode);
	set_host_fact(draft, POSTURE_HOST_PID, &service->draft->pid);
	set_host_fact(draft, POSTURE_HOST_IPC, &service->draft->ipc);
	set_host_fact(draft, POSTURE_HOST_UTS, &service->draft->uts);
	draft->posture.facts[POSTURE_PRIVILEGED] = posture_of(service->draft->privileged.value);
	draft->at[POSTURE_PRIVILEGED] = service->draft->privileged.loc;
	draft->posture.facts[POSTURE_DOCKER_SOCKET] =
		posture_of((service->facts.traits & WORLD_DOCKER_SOCKET) != 0);
	note_places(draft, service->draft);
	posture_set_capabilities(&draft->posture, &draft->capabilities);
	add_absent(draft);
	draft->posture.image = *service->facts.image ? service->facts.image : NULL;
	posture_complete(&draft->posture);
	service->facts.posture = draft->posture;
	service->posture_places = draft->at;
}
