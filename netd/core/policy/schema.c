/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/policy/schema.h"

#include <string.h>

#include "core/base/text.h"

/* Patterns are of the part that ECMAScript and POSIX regular expressions share. */
#define TIER_NAME "[a-z][a-z0-9-]{0,39}"
#define ADDRESS "[0-9A-Fa-f:.]*[:.][0-9A-Fa-f:.]*(/[0-9]{1,3})?"
#define PORTS "[0-9]{1,5}(-[0-9]{1,5})?/(tcp|udp|sctp)|icmp|icmpv6"
#define TIME "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"
/* What cannot stand in a glob: a class or brace would silently match nothing. */
#define NO_GLOB "\\\\[|\\\\]|\\\\{|\\\\}|\\\\\\\\|\\n|\\t"
#define REF(name) "\"$ref\": \"#/$defs/" name "\""
/* A word that some YAML reader may take for a number. */
#define SCALAR "\"type\": [\"string\", \"number\", \"boolean\"]"
/* Readers of YAML 1.1 (that of ajv-cli) make an object without members of a time. */
#define DATE "\"type\": [\"string\", \"object\"], \"maxProperties\": 0"
#define LIST(name) \
	"\"type\": \"array\", \"minItems\": 1, \"maxItems\": 256, \"items\": {" REF(name) "}"
#define ONE_OR_MANY(name) "\"anyOf\": [{" REF(name) "}, {" LIST(name) "}]"
#define SECTION(name) \
	"\"type\": [\"array\", \"null\"], \"maxItems\": 4096, \"items\": {" REF(name) "}"

/* The objects of the language. */
#define NEEDS(name) "{\"required\": [\"" name "\"]}"
static const struct object {
	const char *name;
	bool may_be_empty;
	const char *also; /* what else holds for it, or NULL */
} objects[] = {
	{ "policy", true, NULL },
	{ "tier", true, NULL },
	{ "match", false, NULL },
	{ "compose", false, NULL },
	{ "require", false, NULL },
	{ "capabilities", false, NULL },
	{ "required-image", false, NULL },
	{ "rule", true, NULL },
	{ "test", true, NULL },
	{ "hosts", true, NULL },
	{ "accept", true,
	  "\"anyOf\": [" NEEDS("file") ", " NEEDS("tier") ", " NEEDS("container") ", " NEEDS(
		  "service") ", " NEEDS("network") ", " NEEDS("port") "]" },
};

static const struct key {
	const char *object, *name;
	bool required;
	const char *description;
	const char *value;
} keys[] = {
	{ "policy", "version", true, "of the language: 1", "\"const\": 1" },
	{ "policy", "mode", false, "enforce, or audit: log what enforce would deny, let it pass",
	  "\"enum\": [\"enforce\", \"audit\"], \"default\": \"enforce\"" },
	{ "policy", "unmatched", false, "containers that no tier matches",
	  "\"enum\": [\"deny\", \"ignore\"], \"default\": \"deny\"" },
	{ "policy", "tiers", false, "names and what belongs to them",
	  "\"type\": [\"object\", \"null\"], \"maxProperties\": 256,\n"
	  "          \"propertyNames\": {" REF(
		  "tier-name") "},\n"
			       "          \"additionalProperties\": {" REF("tier") "}" },
	{ "policy", "allow", false, "flows that may be", SECTION("rule") },
	{ "policy", "deny", false, "flows that may not be, whatever allow says", SECTION("rule") },
	{ "policy", "tests", false, "what the policy must hold to", SECTION("test") },
	{ "policy", "accept", false, "findings of netdctl validate that count no more",
	  SECTION("accept") },
	{ "policy", "hosts", false, "the other hosts of the fleet", REF("hosts") },
	{ "hosts", "grace", true, "how long one that is gone is still one: 90s, 10m, 2h, 1d",
	  "\"type\": \"string\", \"pattern\": \"^(([1-9][0-9]{1,4}|[1-5][0-9]{5}|60[0-3][0-9]{3}|"
	  "604[0-7][0-9]{2}|604800)s|([1-9][0-9]{0,3}|100[0-7][0-9]|10080)m|"
	  "([1-9][0-9]?|1[0-5][0-9]|16[0-8])h|[1-7]d)$\"" },
	{ "tier", "description", false, "for people", SCALAR },
	{ "tier", "match", true, "any entry matches; inside an entry, all keys must",
	  LIST("match") },
	{ "tier", "mode", false, "for this tier alone", "\"enum\": [\"enforce\", \"audit\"]" },
	{ "tier", "within", false, "members on the same network",
	  "\"enum\": [\"allow\", \"deny\"], \"default\": \"allow\"" },
	{ "tier", "image_labels", false, "whether labels that come from an image count",
	  "\"enum\": [\"deny\", \"allow\"], \"default\": \"deny\"" },
	{ "tier", "speaks_for", false,
	  "addresses of others that its containers have as well: VPN clients, an address that "
	  "moves, 0.0.0.0/0 for a router",
	  ONE_OR_MANY("address") },
	{ "tier", "require", false, "the posture that its containers must have", REF("require") },
	{ "tier", "require_mode", false, "what becomes of a container that falls short of it",
	  "\"enum\": [\"enforce\", \"warn\"], \"default\": \"enforce\"" },
	{ "require", "user", false, "a number that is not 0", "\"const\": \"non-root\"" },
	{ "require", "capabilities", false, "all are dropped, and which may be added",
	  REF("capabilities") },
	{ "require", "read_only", false, "the root file system", "\"const\": true" },
	{ "require", "no_new_privileges", false, "no set-user-id program counts",
	  "\"const\": true" },
	{ "require", "limits", false, "what must be limited", ONE_OR_MANY("limit") },
	{ "require", "healthcheck", false, "there is one", "\"const\": true" },
	{ "require", "log_limits", false, "what is logged cannot fill the disk",
	  "\"const\": true" },
	{ "require", "privileged", false, "it is not", "\"const\": false" },
	{ "require", "host_namespaces", false, "it is in none of the host's", "\"const\": false" },
	{ "require", "docker_socket", false, "it has none", "\"const\": false" },
	{ "require", "devices", false, "it has none of the host's", "\"const\": \"none\"" },
	{ "require", "secrets_in_environment", false, "no variable is called as secrets are",
	  "\"const\": false" },
	{ "require", "image", false, "how it is named, and where it comes from",
	  REF("required-image") },
	{ "capabilities", "drop", true, "all", "\"const\": \"all\"" },
	{ "capabilities", "add", false, "those that it may have", ONE_OR_MANY("capability") },
	{ "required-image", "pinned", false, "by a version, or by a digest",
	  "\"enum\": [\"tag\", \"digest\"]" },
	{ "required-image", "registries", false,
	  "registries, or with a slash whole names; * and ? are globs", ONE_OR_MANY("glob") },
	{ "required-image", "max_severity", false,
	  "the worst vulnerability that its reports may tell of",
	  "\"enum\": [\"none\", \"low\", \"medium\", \"high\", \"critical\"]" },
	{ "required-image", "max_age", false, "how old a report may be, as 36h, 7d or 2w",
	  "\"type\": \"string\", \"pattern\": \"^[1-9][0-9]{0,5}[mhdw]$\"" },
	{ "required-image", "signed_by", false,
	  "files in the folder of keys: one of them must have signed it", ONE_OR_MANY("key") },
	{ "match", "network", false, "name of a network; * and ? are globs", REF("glob") },
	{ "match", "compose", false, "project and service of docker compose", REF("compose") },
	{ "match", "label", false, "labels with their values; * and ? are globs",
	  "\"type\": \"object\", \"minProperties\": 1, \"maxProperties\": 256,\n"
	  "          \"propertyNames\": {\"minLength\": 1}, "
	  "\"additionalProperties\": {" SCALAR "}" },
	{ "match", "container", false, "name of a container, without a slash in front",
	  "\"allOf\": [{" REF("glob") "}, {\"not\": {\"type\": \"string\", \"pattern\": "
				      "\"^/\"}}]" },
	{ "match", "image", false, "name of an image with its tag", REF("glob") },
	{ "match", "endpoint", false, "what no container stands for; beside it only network",
	  "\"enum\": [\"build\", \"ingress\", \"other\"]" },
	{ "compose", "project", false, "name of the project; * and ? are globs", REF("glob") },
	{ "compose", "service", false, "name of the service; * and ? are globs", REF("glob") },
	{ "rule", "from", true, "a peer, or a list of peers", ONE_OR_MANY("source") },
	{ "rule", "to", true, "a peer, or a list of peers", ONE_OR_MANY("peer") },
	{ "rule", "ports", false, "the container's own ports; none: every protocol and port",
	  ONE_OR_MANY("ports") },
	{ "rule", "log", false, "log the first packet of each flow", "\"type\": \"boolean\"" },
	{ "rule", "until", false, "the rule ends then, in UTC",
	  DATE ", \"pattern\": \"^" TIME "$\"" },
	{ "test", "from", true, "one peer", REF("source") },
	{ "test", "to", true, "one peer", REF("peer") },
	{ "test", "port", true, "one port", REF("ports") },
	{ "test", "expect", true, "the verdict", "\"enum\": [\"allow\", \"deny\"]" },
	{ "accept", "finding", true, "the id of a finding, or a list of ids",
	  ONE_OR_MANY("finding") },
	{ "accept", "file", false, "the file it is found in; * and ? are globs", REF("glob") },
	{ "accept", "tier", false, "name of a tier; * and ? are globs", REF("glob") },
	{ "accept", "container", false, "name of a container; * and ? are globs", REF("glob") },
	{ "accept", "service", false, "name of a compose service; * and ? are globs", REF("glob") },
	{ "accept", "network", false, "name of a network; * and ? are globs", REF("glob") },
	{ "accept", "port", false, "the container's own port, or a range around it", REF("ports") },
	{ "accept", "reason", true, "for people", SCALAR ", \"minLength\": 1" },
	{ "accept", "until", false, "it counts again then, in UTC",
	  DATE ", \"pattern\": \"^" TIME "$\"" },
};

static const struct {
	const char *name, *value;
} words[] = {
	{ "tier-name",
	  "\"type\": \"string\", \"pattern\": \"^" TIER_NAME "$\",\n"
	  "      \"not\": {\"enum\": [\"host\", \"internet\", \"lan\", \"world\", \"dns\", "
	  "\"hosts\", \"any\", \"unmatched\",\n"
	  "        \"true\", \"false\", \"yes\", \"no\", \"on\", \"off\", \"null\", \"y\", "
	  "\"n\"]}" },
	{ "glob", SCALAR ", \"minLength\": 1,\n"
			 "      \"not\": {\"type\": \"string\", \"pattern\": \"" NO_GLOB "\"}" },
	{ "peer", "\"description\": \"a tier, host, internet, lan, world, dns, hosts, an address "
		  "or a "
		  "CIDR\",\n"
		  "      \"type\": \"string\", \"pattern\": \"^(" TIER_NAME "|" ADDRESS ")$\",\n"
		  "      \"not\": {\"enum\": [\"any\", \"unmatched\"]}" },
	{ "address", "\"description\": \"an address or a CIDR\",\n"
		     "      \"type\": \"string\", \"pattern\": \"^" ADDRESS "$\"" },
	{ "source", "\"allOf\": [{" REF("peer") "}, {\"not\": {\"const\": \"dns\"}}]" },
	{ "limit", "\"enum\": [\"memory\", \"cpus\", \"pids\", \"swap\"]" },
	{ "key", "\"type\": \"string\", \"maxLength\": 64,\n"
		 "      \"pattern\": \"^[^./][^/]*[.](pem|pub)$\"" },
	{ "capability", "\"type\": \"string\", \"pattern\": \"^(?!ALL$)[A-Z_]+$\"" },
	{ "finding", "\"type\": \"string\", \"pattern\": \"^[a-z]+(-[a-z]+)*$\"" },
	{ "ports", "\"description\": \"443/tcp, 9000-9010/udp, icmp, icmpv6\",\n"
		   "      \"type\": \"string\", \"pattern\": \"^(" PORTS ")$\"" },
};

static void add_required(struct text *out, const char *object)
{
	const char *gap = "";

	text_add(out, "      \"required\": [");
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (strcmp(keys[i].object, object) != 0 || !keys[i].required)
			continue;
		text_printf(out, "%s\"%s\"", gap, keys[i].name);
		gap = ", ";
	}
	text_add(out, "],\n");
}

static void add_object(struct text *out, const struct object *object)
{
	const char *gap = "";

	text_printf(out, "    \"%s\": {\n      \"type\": \"object\",\n", object->name);
	add_required(out, object->name);
	if (!object->may_be_empty)
		text_add(out, "      \"minProperties\": 1,\n");
	if (object->also)
		text_printf(out, "      %s,\n", object->also);
	text_add(out, "      \"additionalProperties\": false,\n      \"properties\": {");
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (strcmp(keys[i].object, object->name) != 0)
			continue;
		text_printf(out,
			    "%s\n        \"%s\": {\n          \"description\": \"%s\",\n"
			    "          %s\n        }",
			    gap, keys[i].name, keys[i].description, keys[i].value);
		gap = ",";
	}
	text_add(out, "\n      }\n    },\n");
}

char *policy_schema(void)
{
	CLEANUP(text_done) struct text out = { 0 };

	text_add(&out, "{\n"
		       "  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
		       "  \"$id\": \"urn:netd:policy:1\",\n"
		       "  \"title\": \"policy of netd\",\n"
		       "  " REF("policy") ",\n"
					  "  \"$defs\": {\n");
	for (size_t i = 0; i < ARRAY_LEN(objects); i++)
		add_object(&out, &objects[i]);
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		text_printf(&out, "    \"%s\": {\n      %s\n    }%s\n", words[i].name,
			    words[i].value, i + 1 < ARRAY_LEN(words) ? "," : "");
	text_add(&out, "  }\n}\n");
	return text_take(&out);
}
