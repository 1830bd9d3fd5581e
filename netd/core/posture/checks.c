/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one table of checks, and what is asked by it. */
#include <string.h>

#include "core/base/text.h"
#include "core/posture/posture.h"

static const struct posture_check checks[] = {
	{ .finding = { "root-user", DIAG_WARNING, "a container that runs as root" },
	  .level = POSTURE_HIGH,
	  .cis = "4.1",
	  .fact = POSTURE_ROOT,
	  .wanted = POSTURE_NO,
	  .text = "runs as root",
	  .unknown = "does not say by its number which user it runs as: its image decides",
	  .compose = "user: \"1000:1000\"",
	  .run = "--user 1000:1000",
	  .key = "user: non-root" },
	{ .finding = { "privileged-mode", DIAG_WARNING, "a container that is privileged" },
	  .level = POSTURE_CRITICAL,
	  .cis = "5.5",
	  .fact = POSTURE_PRIVILEGED,
	  .wanted = POSTURE_NO,
	  .text = "is privileged",
	  .unknown = "may be privileged: that is not known",
	  .compose = "privileged: false",
	  .run = "without --privileged",
	  .key = "privileged: false" },
	{ .finding = { "capabilities-kept", DIAG_WARNING,
		       "a container that keeps the capabilities that Docker gives by itself" },
	  .level = POSTURE_MEDIUM,
	  .cis = "5.4",
	  .fact = POSTURE_DROPS_ALL,
	  .wanted = POSTURE_YES,
	  .text = "keeps the capabilities that Docker gives by itself",
	  .unknown = "may keep capabilities: those it drops are not known",
	  .compose = "cap_drop: [ALL]",
	  .run = "--cap-drop ALL",
	  .key = "capabilities: {drop: all}" },
	{ .finding = { "capabilities-added", DIAG_WARNING,
		       "a container with capabilities beyond those that Docker gives by itself" },
	  .level = POSTURE_HIGH,
	  .cis = "5.4",
	  .fact = POSTURE_ADDS,
	  .wanted = POSTURE_NO,
	  .text = "has capabilities beyond those that Docker gives by itself",
	  .unknown = "may have further capabilities: those it adds are not known",
	  .compose = "cap_add: [NET_BIND_SERVICE], or none",
	  .run = "--cap-add for what Docker gives by itself alone",
	  .key = NULL },
	{ .finding = { "capabilities-beyond", DIAG_WARNING,
		       "a container with capabilities that its tier does not admit" },
	  .level = POSTURE_HIGH,
	  .cis = "5.4",
	  .fact = POSTURE_FEW_CAPABILITIES,
	  .wanted = POSTURE_YES,
	  .only_required = true,
	  .text = "has capabilities that its tier does not admit",
	  .unknown = "has capabilities that are not known",
	  .compose = "cap_add: what the tier admits",
	  .run = "--cap-add what the tier admits",
	  .key = "capabilities: {add: ...}" },
	{ .finding = { "writable-root", DIAG_WARNING,
		       "a container that may write to its root file system" },
	  .level = POSTURE_MEDIUM,
	  .cis = "5.13",
	  .fact = POSTURE_READ_ONLY,
	  .wanted = POSTURE_YES,
	  .text = "may write to its root file system",
	  .unknown = "may be able to write to its root file system",
	  .compose = "read_only: true, and tmpfs: [/tmp] for what it writes",
	  .run = "--read-only --tmpfs /tmp",
	  .key = "read_only: true" },
	{ .finding = { "new-privileges", DIAG_WARNING,
		       "a container whose processes may gain privileges" },
	  .level = POSTURE_MEDIUM,
	  .cis = "5.26",
	  .fact = POSTURE_NO_NEW_PRIVILEGES,
	  .wanted = POSTURE_YES,
	  .text = "may gain privileges, by set-user-id programs",
	  .unknown = "may be able to gain privileges",
	  .compose = "security_opt: [no-new-privileges:true]",
	  .run = "--security-opt no-new-privileges",
	  .key = "no_new_privileges: true" },
	{ .finding = { "unconfined", DIAG_WARNING,
		       "a container without seccomp, AppArmor or SELinux" },
	  .level = POSTURE_HIGH,
	  .cis = "5.22",
	  .fact = POSTURE_UNCONFINED,
	  .wanted = POSTURE_NO,
	  .text = "has its seccomp, AppArmor or SELinux profile switched off",
	  .unknown = "may have its profiles switched off",
	  .compose = "security_opt: without unconfined",
	  .run = "--security-opt without unconfined",
	  .key = NULL },
	{ .finding = { "no-memory-limit", DIAG_WARNING,
		       "a container that may take all memory of the host" },
	  .level = POSTURE_MEDIUM,
	  .cis = "5.11",
	  .fact = POSTURE_MEMORY,
	  .wanted = POSTURE_YES,
	  .text = "may take all memory of the host",
	  .unknown = "may have no limit of memory",
	  .compose = "mem_limit: 256m",
	  .run = "--memory 256m",
	  .key = "limits: [memory]" },
	{ .finding = { "endless-swap", DIAG_WARNING,
		       "a container that may take all swap of the host" },
	  .level = POSTURE_LOW,
	  .cis = NULL,
	  .fact = POSTURE_ENDLESS_SWAP,
	  .wanted = POSTURE_NO,
	  .text = "may take all swap of the host",
	  .unknown = "may take all swap of the host",
	  .compose = "memswap_limit: as much as mem_limit",
	  .run = "--memory-swap as much as --memory",
	  .key = "limits: [swap]" },
	{ .finding = { "no-cpu-limit", DIAG_WARNING, "a container that may take all processors" },
	  .level = POSTURE_MEDIUM,
	  .cis = "5.12",
	  .fact = POSTURE_CPUS,
	  .wanted = POSTURE_YES,
	  .text = "may take all processors of the host",
	  .unknown = "may have no limit of processor time",
	  .compose = "cpus: 0.5",
	  .run = "--cpus 0.5",
	  .key = "limits: [cpus]" },
	{ .finding = { "no-pids-limit", DIAG_WARNING,
		       "a container that may start processes without end" },
	  .level = POSTURE_MEDIUM,
	  .cis = "5.29",
	  .fact = POSTURE_PIDS,
	  .wanted = POSTURE_YES,
	  .text = "may start processes without end",
	  .unknown = "may have no limit of processes",
	  .compose = "pids_limit: 100",
	  .run = "--pids-limit 100",
	  .key = "limits: [pids]" },
	{ .finding = { "no-healthcheck", DIAG_WARNING, "a container whose health nobody checks" },
	  .level = POSTURE_LOW,
	  .cis = "5.27",
	  .fact = POSTURE_HEALTHCHECK,
	  .wanted = POSTURE_YES,
	  .text = "has no health check",
	  .unknown = "does not say how its health is checked",
	  .compose = "healthcheck: {test: [CMD, ...]}",
	  .run = "--health-cmd ...",
	  .key = "healthcheck: true" },
	{ .finding = { "healthcheck-times", DIAG_WARNING,
		       "a health check without an interval, timeout, retries or start period" },
	  .level = POSTURE_LOW,
	  .cis = NULL,
	  .fact = POSTURE_HEALTHCHECK_TIMES,
	  .wanted = POSTURE_YES,
	  .of_healthcheck = true,
	  .text = "has a health check without one of interval, timeout, retries and start period",
	  .unknown = "does not say how often its health is checked",
	  .compose = "healthcheck: {interval: 30s, timeout: 5s, retries: 3, start_period: 10s}",
	  .run = "--health-interval 30s --health-timeout 5s --health-retries 3 "
		 "--health-start-period 10s",
	  .key = NULL },
	{ .finding = { "no-log-limits", DIAG_WARNING,
		       "a container that may fill the disk with what it logs" },
	  .level = POSTURE_LOW,
	  .cis = NULL,
	  .fact = POSTURE_LOG_LIMITS,
	  .wanted = POSTURE_YES,
	  .text = "may fill the disk with what it logs",
	  .unknown = "does not say how much it may log",
	  .compose = "logging: {driver: json-file, options: {max-size: 10m, max-file: \"3\"}}",
	  .run = "--log-opt max-size=10m --log-opt max-file=3",
	  .key = "log_limits: true" },
	{ .finding = { "host-network-namespace", DIAG_WARNING,
		       "a container in the host's network namespace" },
	  .level = POSTURE_HIGH,
	  .cis = "5.10",
	  .fact = POSTURE_HOST_NETWORK,
	  .wanted = POSTURE_NO,
	  .text = "is in the host's network namespace",
	  .unknown = "may be in the host's network namespace",
	  .compose = "networks: of its own",
	  .run = "--network NAME",
	  .key = "host_namespaces: false" },
	{ .finding = { "host-pid-namespace", DIAG_WARNING,
		       "a container that sees the host's processes" },
	  .level = POSTURE_HIGH,
	  .cis = "5.16",
	  .fact = POSTURE_HOST_PID,
	  .wanted = POSTURE_NO,
	  .text = "sees the host's processes",
	  .unknown = "may see the host's processes",
	  .compose = "without pid: host",
	  .run = "without --pid host",
	  .key = "host_namespaces: false" },
	{ .finding = { "host-ipc-namespace", DIAG_WARNING,
		       "a container that shares the host's memory segments" },
	  .level = POSTURE_HIGH,
	  .cis = "5.17",
	  .fact = POSTURE_HOST_IPC,
	  .wanted = POSTURE_NO,
	  .text = "shares the host's memory segments",
	  .unknown = "may share the host's memory segments",
	  .compose = "without ipc: host",
	  .run = "without --ipc host",
	  .key = "host_namespaces: false" },
	{ .finding = { "host-uts-namespace", DIAG_WARNING,
		       "a container that may change the host's name" },
	  .level = POSTURE_MEDIUM,
	  .cis = "5.21",
	  .fact = POSTURE_HOST_UTS,
	  .wanted = POSTURE_NO,
	  .text = "may change the host's name",
	  .unknown = "may be able to change the host's name",
	  .compose = "without uts: host",
	  .run = "without --uts host",
	  .key = "host_namespaces: false" },
	{ .finding = { "host-user-namespace", DIAG_WARNING,
		       "a container whose users are not mapped, where Docker maps those of "
		       "others" },
	  .level = POSTURE_MEDIUM,
	  .cis = "5.31",
	  .fact = POSTURE_HOST_USERS,
	  .wanted = POSTURE_NO,
	  .text = "has the host's users, where Docker maps those of others",
	  .unknown = "may have the host's users",
	  .compose = "without userns_mode: host",
	  .run = "without --userns host",
	  .key = "host_namespaces: false" },
	{ .finding = { "docker-socket-mounted", DIAG_WARNING, "a container with Docker's socket" },
	  .level = POSTURE_CRITICAL,
	  .cis = "5.32",
	  .fact = POSTURE_DOCKER_SOCKET,
	  .wanted = POSTURE_NO,
	  .text = "has Docker's socket, and with it the host",
	  .unknown = "may have Docker's socket",
	  .compose = "volumes: without docker.sock and the folders it is in",
	  .run = "--volume without docker.sock and the folders it is in",
	  .key = "docker_socket: false" },
	{ .finding = { "devices", DIAG_WARNING, "a container with devices of the host" },
	  .level = POSTURE_MEDIUM,
	  .cis = "5.18",
	  .fact = POSTURE_DEVICES,
	  .wanted = POSTURE_NO,
	  .text = "has devices of the host",
	  .unknown = "may have devices of the host",
	  .compose = "without devices, device_cgroup_rules and gpus",
	  .run = "without --device and --gpus",
	  .key = "devices: none" },
	{ .finding = { "secret-in-environment", DIAG_WARNING,
		       "a variable of a container that is called as secrets are" },
	  .level = POSTURE_HIGH,
	  .cis = NULL,
	  .fact = POSTURE_SECRETS,
	  .wanted = POSTURE_NO,
	  .text = "has a variable in its environment that is called as secrets are",
	  .unknown = "may have secrets in its environment: its variables are not known",
	  .compose = "NAME_FILE: /run/secrets/NAME, and secrets: [NAME]",
	  .run = "--env NAME_FILE=/run/secrets/NAME",
	  .key = "secrets_in_environment: false" },
	{ .finding = { "secret-in-build", DIAG_WARNING,
		       "a build argument that is called as secrets are: it stays in the image" },
	  .level = POSTURE_HIGH,
	  .cis = "4.10",
	  .fact = POSTURE_BUILD_SECRETS,
	  .wanted = POSTURE_NO,
	  .is_known_or_fine = true,
	  .text = "is built with an argument that is called as secrets are: it stays in the image",
	  .unknown = "",
	  .compose = "build: {secrets: [NAME]}",
	  .run = "docker build --secret id=NAME",
	  .key = NULL },
	{ .finding = { "published-on-all", DIAG_WARNING,
		       "a port published on all addresses of the host" },
	  .level = POSTURE_MEDIUM,
	  .cis = "5.14",
	  .fact = POSTURE_PUBLISHED,
	  .wanted = POSTURE_NO,
	  .is_known_or_fine = true,
	  .text = "publishes a port on all addresses of the host",
	  .unknown = "",
	  .compose = "ports: [\"127.0.0.1:8080:80\"]",
	  .run = "--publish 127.0.0.1:8080:80",
	  .key = NULL },
	{ .finding = { "default-network", DIAG_WARNING,
		       "a container on a network that all others are on who name none" },
	  .level = POSTURE_MEDIUM,
	  .cis = "5.30",
	  .fact = POSTURE_DEFAULT_NETWORK,
	  .wanted = POSTURE_NO,
	  .is_known_or_fine = true,
	  .text = "is on the network of all that name none",
	  .unknown = "",
	  .compose = "networks: [NAME], one for each tier",
	  .run = "--network NAME, one for each tier",
	  .key = NULL },
	{ .finding = { "open-network", DIAG_WARNING,
		       "a container that publishes nothing, on networks with a way out" },
	  .level = POSTURE_LOW,
	  .cis = NULL,
	  .fact = POSTURE_OPEN_NETWORK,
	  .wanted = POSTURE_NO,
	  .is_known_or_fine = true,
	  .text = "publishes nothing, and none of its networks is internal",
	  .unknown = "",
	  .compose = "internal: true, for one of its networks",
	  .run = "docker network create --internal NAME",
	  .key = NULL },
	{ .finding = { "unpinned-image", DIAG_WARNING,
		       "an image without a version: what it is can change" },
	  .level = POSTURE_MEDIUM,
	  .cis = "5.28",
	  .fact = POSTURE_TAGGED,
	  .wanted = POSTURE_YES,
	  .text = "runs an image without a version: what that is can change",
	  .unknown = "runs an image that is not known",
	  .compose = "image: NAME:VERSION, or NAME@sha256:...",
	  .run = "NAME:VERSION, or NAME@sha256:...",
	  .key = "image: {pinned: tag}" },
	{ .finding = { "image-without-digest", DIAG_WARNING,
		       "an image that is named by no digest" },
	  .level = POSTURE_LOW,
	  .cis = NULL,
	  .fact = POSTURE_DIGEST,
	  .wanted = POSTURE_YES,
	  .only_required = true,
	  .text = "runs an image that is named by no digest",
	  .unknown = "runs an image that is not known",
	  .compose = "image: NAME@sha256:...",
	  .run = "NAME@sha256:...",
	  .key = "image: {pinned: digest}" },
	{ .finding = { "foreign-registry", DIAG_WARNING,
		       "an image of a registry that its tier does not admit" },
	  .level = POSTURE_HIGH,
	  .cis = NULL,
	  .fact = POSTURE_KNOWN_REGISTRY,
	  .wanted = POSTURE_YES,
	  .only_required = true,
	  .text = "runs an image of a registry that its tier does not admit",
	  .unknown = "runs an image that is not known",
	  .compose = "image: of a registry that the tier admits",
	  .run = "an image of a registry that the tier admits",
	  .key = "image: {registries: ...}" },
	{ .finding = { "vulnerable-image", DIAG_WARNING,
		       "an image with a vulnerability that is worse than is admitted, or without a "
		       "report that counts" },
	  .level = POSTURE_HIGH,
	  .cis = "4.4",
	  .fact = POSTURE_SCANNED,
	  .wanted = POSTURE_YES,
	  .only_required = true,
	  .text = "runs an image with a vulnerability that is worse than is admitted",
	  .unknown = "runs an image of which nothing is known",
	  .compose = "image: one without the vulnerability, and a report of it",
	  .run = "an image without the vulnerability, and a report of it",
	  .key = "image: {max_severity: ...}" },
	{ .finding = { "unsigned-image", DIAG_WARNING,
		       "an image that nobody has signed who is admitted" },
	  .level = POSTURE_HIGH,
	  .cis = "4.5",
	  .fact = POSTURE_SIGNED,
	  .wanted = POSTURE_YES,
	  .only_required = true,
	  .text = "runs an image signed by others than are admitted",
	  .unknown = "runs an image of which nothing is known",
	  .compose = "image: one that is signed, and its signature",
	  .run = "an image that is signed, and its signature",
	  .key = "image: {signed_by: ...}" },
};

const struct posture_check *posture_checks(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(checks);
	return checks;
}

const struct posture_check *posture_find_check(const char *id)
{
	for (size_t i = 0; i < ARRAY_LEN(checks); i++)
		if (strcmp(checks[i].finding.id, id) == 0)
			return &checks[i];
	return NULL;
}

const char *posture_level_name(enum posture_level level)
{
	static const char *const levels[] = { "low", "medium", "high", "critical" };

	return levels[level];
}

/* ---- what is asked ---- */

/* "ghcr.io", "registry:5000", "docker.io" where none is named: as Docker splits it, what is before
 * the first slash is a registry if it has a dot or a colon or is localhost. */
static const char *registry_of(const char *image, char ret[256])
{
	size_t len = strcspn(image, "/");

	if (!image[len] || len >= 256 ||
	    (memchr(image, '.', len) == NULL && memchr(image, ':', len) == NULL &&
	     (len != 9 || memcmp(image, "localhost", 9) != 0)))
		return "docker.io";
	memcpy(ret, image, len);
	ret[len] = '\0';
	return ret;
}

/* An id names no registry. */
static enum posture_value is_of_registry(const struct posture *posture,
					 const struct posture_require *require)
{
	char registry[256];

	if (!posture->image || !*posture->image || text_begins(posture->image, "sha256:"))
		return POSTURE_UNKNOWN;
	const char *name = registry_of(posture->image, registry);
	for (size_t i = 0; i < require->n_registries; i++) {
		const char *glob = require->registries[i];
		if (text_glob(glob, strchr(glob, '/') ? posture->image : name))
			return POSTURE_YES;
	}
	return POSTURE_NO;
}

static enum posture_value value_of(const struct posture *posture,
				   const struct posture_require *require, enum posture_fact fact)
{
	if (fact == POSTURE_FEW_CAPABILITIES)
		return posture->facts[POSTURE_DROPS_ALL] == POSTURE_UNKNOWN
			       ? POSTURE_UNKNOWN
			       : posture_of(!(posture->capabilities & ~require->capabilities));
	if (fact == POSTURE_KNOWN_REGISTRY)
		return is_of_registry(posture, require);
	return posture->facts[fact];
}

/* What is told of its image: false: @fact is no such question. */
static bool ask_image(const struct posture *posture, const struct posture_require *require,
		      enum posture_fact fact, struct images_answer *ret)
{
	if (!require || (fact != POSTURE_SCANNED && fact != POSTURE_SIGNED))
		return false;
	*ret = fact == POSTURE_SCANNED
		       ? images_ask_severity(&posture->about, require->most, require->max_age)
		       : images_ask_signer(&posture->about, require->keys, require->n_keys);
	return true;
}

bool posture_requires_image(const struct posture_require *require)
{
	return require && (require->wanted[POSTURE_SCANNED] != POSTURE_UNKNOWN ||
			   require->wanted[POSTURE_SIGNED] != POSTURE_UNKNOWN);
}

bool posture_is_waiting(const struct posture *posture, const struct posture_require *require)
{
	const struct images_about *about = &posture->about;

	return posture_requires_image(require) &&
	       (about->is_awaited || (about->all && *about->id && !about->is_known));
}

static bool is_asked(const struct posture *posture, const struct posture_require *require,
		     const struct posture_check *check)
{
	if (require)
		return require->wanted[check->fact] != POSTURE_UNKNOWN;
	if (check->only_required ||
	    (check->is_known_or_fine && posture->facts[check->fact] == POSTURE_UNKNOWN))
		return false;
	return !check->of_healthcheck || posture->facts[POSTURE_HEALTHCHECK] == POSTURE_YES;
}

bool posture_next_shortfall(const struct posture *posture, const struct posture_require *require,
			    size_t *cursor, struct posture_shortfall *ret)
{
	while (*cursor < ARRAY_LEN(checks)) {
		const struct posture_check *check = &checks[(*cursor)++];
		if (!is_asked(posture, require, check))
			continue;
		struct images_answer answer;
		if (ask_image(posture, require, check->fact, &answer)) {
			if (answer.fine)
				continue;
			*ret = (struct posture_shortfall){ check, !answer.known, answer.why };
			return true;
		}
		enum posture_value value = value_of(posture, require, check->fact);
		if (value == check->wanted)
			continue;
		bool unknown = value == POSTURE_UNKNOWN;
		*ret = (struct posture_shortfall){ check, unknown,
						   unknown ? check->unknown : check->text };
		return true;
	}
	return false;
}
