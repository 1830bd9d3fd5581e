/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of diagnostics: the one place where an id, its severity and its meaning stand. */
#include "core/compose/finding.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/compose/draft.h"

static const struct diag_info infos[] = {
	[CF_BAD_ADDRESS] = { "bad-address", DIAG_ERROR,
			     "an address that does not parse, or that its network does not have" },
	[CF_BAD_INTERPOLATION] = { "bad-interpolation", DIAG_ERROR,
				   "a `${` that begins no variable" },
	[CF_BAD_NAME] = { "bad-name", DIAG_ERROR, "a name that compose or Docker does not take" },
	[CF_BAD_PORT] = { "bad-port", DIAG_ERROR, "a port that does not parse" },
	[CF_BAD_SUBNET] = { "bad-subnet", DIAG_ERROR,
			    "a subnet that does not parse or is too large or too small" },
	[CF_BAD_VALUE] = { "bad-value", DIAG_ERROR, "a value that its key does not take" },
	[CF_CONFLICTING_VALUE] = { "conflicting-value", DIAG_ERROR,
				   "two settings that contradict each other" },
	[CF_DEPENDENCY_CYCLE] = { "dependency-cycle", DIAG_ERROR, "services that need each other" },
	[CF_DOCKER_SOCKET] = { "docker-socket", DIAG_WARNING,
			       "a service with Docker's socket, which is root on the host" },
	[CF_DUPLICATE_KEY] = { "duplicate-key", DIAG_ERROR,
			       "a key that stands twice in a mapping" },
	[CF_EXTENDS_CYCLE] = { "extends-cycle", DIAG_ERROR, "services that extend each other" },
	[CF_EXTERNAL_NETWORK] = { "external-network", DIAG_WARNING,
				  "a network made elsewhere, whose properties are not known here" },
	[CF_FOREIGN_CONTAINER] = { "foreign-container", DIAG_WARNING,
				   "a service in the network of a container made elsewhere" },
	[CF_HOST_NETWORK] = { "host-network", DIAG_WARNING,
			      "a service in the host's own network, which no tier covers" },
	[CF_INCLUDE_CYCLE] = { "include-cycle", DIAG_ERROR, "files that include each other" },
	[CF_MISSING_KEY] = { "missing-key", DIAG_ERROR, "a key that must be there is not" },
	[CF_NETWORK_MODE] = { "network-mode", DIAG_ERROR,
			      "a network_mode beside settings that it excludes" },
	[CF_NO_IMAGE] = { "no-image", DIAG_ERROR, "a service with neither image nor build" },
	[CF_NO_SERVICE] = { "no-service", DIAG_WARNING,
			    "no service is active: all are in profiles that are not" },
	[CF_OLD_FORMAT] = { "old-format", DIAG_ERROR,
			    "the first compose format, with services at the top level" },
	[CF_OVERLAPPING_SUBNETS] = { "overlapping-subnets", DIAG_ERROR,
				     "two networks with the same addresses" },
	[CF_PORT_CONFLICT] = { "port-conflict", DIAG_ERROR,
			       "a port of the host that two containers publish on" },
	[CF_PORTS_IGNORED] = { "ports-ignored", DIAG_WARNING,
			       "ports of a service that has no network to publish from" },
	[CF_POWERFUL_CAPABILITY] = { "powerful-capability", DIAG_WARNING,
				     "a capability with which a container can leave its network" },
	[CF_PRIVILEGED] = { "privileged", DIAG_WARNING,
			    "a privileged service: a packet filter cannot contain it" },
	[CF_PUBLISHED_EVERYWHERE] = { "published-everywhere", DIAG_WARNING,
				      "a port published on every address of the host" },
	[CF_REPLICAS] = { "replicas", DIAG_ERROR,
			  "several containers with what only one can have" },
	[CF_SAME_ADDRESS] = { "same-address", DIAG_ERROR,
			      "an address or bridge that is used twice" },
	[CF_SAME_NAME] = { "same-name", DIAG_ERROR, "two containers of one name" },
	[CF_SUBNET_FULL] = { "subnet-full", DIAG_ERROR,
			     "a subnet with fewer addresses than containers" },
	[CF_TOO_DEEP] = { "too-deep", DIAG_ERROR, "lists and mappings nested too deep" },
	[CF_TOO_LARGE] = { "too-large", DIAG_ERROR,
			   "more bytes or values than a project may have" },
	[CF_TOO_MANY] = { "too-many", DIAG_ERROR,
			  "more services, networks, containers or ports than a project may have" },
	[CF_UNDEFINED_NETWORK] = { "undefined-network", DIAG_ERROR,
				   "a network that no file defines" },
	[CF_UNDEFINED_SERVICE] = { "undefined-service", DIAG_ERROR,
				   "a service that no file defines, or that is not active" },
	[CF_UNKNOWN_BASE] = { "unknown-base", DIAG_ERROR,
			      "a file, or a service to extend, that is not there" },
	[CF_UNKNOWN_KEY] = { "unknown-key", DIAG_ERROR,
			     "a top-level key that compose files do not have" },
	[CF_UNKNOWN_SETTING] = { "unknown-setting", DIAG_WARNING,
				 "a key that this netd does not know: nothing of it is read" },
	[CF_UNKNOWN_VALUE] = { "unknown-value", DIAG_WARNING,
			       "an image or label that is not known here, and left out" },
	[CF_UNMANAGED_DRIVER] = { "unmanaged-driver", DIAG_WARNING,
				  "a network that is not a bridge, so netd does not filter it" },
	[CF_UNREAD_FILE] = { "unread-file", DIAG_WARNING,
			     "a file that `docker compose up` reads and nobody gave" },
	[CF_UNSET_VARIABLE] = { "unset-variable", DIAG_ERROR,
				"a variable that is needed and has no value" },
	[CF_UNTAGGED_IMAGE] = { "untagged-image", DIAG_WARNING,
				"an image without tag or digest: what that is can change" },
	[CF_WRONG_TYPE] = { "wrong-type", DIAG_ERROR,
			    "a list, mapping or word in the place of another" },
	[CF_YAML_ALIAS] = { "yaml-alias", DIAG_ERROR,
			    "an alias without its anchor, or a merge key that merges no mapping" },
	[CF_YAML_ENCODING] = { "yaml-encoding", DIAG_ERROR,
			       "bytes that are not UTF-8, or characters that hide what is "
			       "written" },
	[CF_YAML_SYNTAX] = { "yaml-syntax", DIAG_ERROR, "text that is not YAML" },
	[CF_YAML_TAG] = { "yaml-tag", DIAG_ERROR,
			  "a `%TAG` line, or a tag that cannot be followed" },
};

const struct diag_info *compose_diag_table(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(infos);
	return infos;
}

static void report(struct diag_list *diags, enum compose_finding finding, struct source_loc loc,
		   const char *hint, const char *text)
{
	diag_add(diags, infos[finding].severity, loc, infos[finding].id, hint, "%s", text);
}

void compose_report(struct compose *c, enum compose_finding finding, struct source_loc loc,
		    const char *hint, const char *format, ...)
{
	char text[1024]; /* names are bounded or quoted, so nothing is cut but long file names */
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	report(c->diags, finding, loc, hint, text);
}

const char *compose_quote(struct compose *c, const char *word)
{
	c->next_word = (c->next_word + 1) % ARRAY_LEN(c->words);
	return text_quote(word, c->words[c->next_word]);
}

const char *compose_hint(struct compose *c, const char *format, ...)
{
	char text[512];
	va_list args;

	if (c->diags->diags.n >= LIMIT_DIAGS)
		return NULL;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return arena_strdup(c->diags->arena, text);
}

const char *compose_suggest(struct compose *c, const char *word, const char *const *names, size_t n,
			    const char *otherwise)
{
	bool kept = c->diags->diags.n < LIMIT_DIAGS;
	const char *hint = kept ? diag_suggest(c->diags, word, names, n) : NULL;

	return hint ? hint : otherwise;
}

void compose_about_service(struct compose *c, const char *service)
{
	c->diags->about = (struct diag_subject){ .service = service };
}

void compose_about_network(struct compose *c, const char *network)
{
	c->diags->about = (struct diag_subject){ .network = network };
}

/* ---- what is wrong with the YAML ---- */

static void report_yaml_fault(struct diag_list *diags, enum node_fault fault, struct source_loc loc,
			      const char *hint, const char *text)
{
	static const enum compose_finding findings[] = {
		[NODE_FAULT_ALIAS] = CF_YAML_ALIAS,
		[NODE_FAULT_DUPLICATE_KEY] = CF_DUPLICATE_KEY,
		[NODE_FAULT_ENCODING] = CF_YAML_ENCODING,
		[NODE_FAULT_MULTI_DOCUMENT] = CF_YAML_SYNTAX, /* of other dialects */
		[NODE_FAULT_SYNTAX] = CF_YAML_SYNTAX,
		[NODE_FAULT_TAG] = CF_YAML_TAG,
		[NODE_FAULT_TOO_DEEP] = CF_TOO_DEEP,
		[NODE_FAULT_TOO_LARGE] = CF_TOO_LARGE,
	};

	report(diags, findings[fault], loc, hint, text);
}

const struct node_dialect compose_dialect = { .one = "a compose",
					      .many = "compose files",
					      .depth_hint = "a compose file needs ten levels",
					      .rich = true,
					      .report = report_yaml_fault };
