/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `allow`, `deny` and `tests`: peers, ports, times. */
#include "core/policy/rule.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/policy/peer.h"
#include "core/policy/until.h"

static const char *const action_words[] = { "allow", "deny" }; /* of enum policy_action */

static const char *suggest_peer(struct decoder *d, const char *word)
{
	size_t n_words, n = d->policy->n_tiers;
	const char *const *words = policy_peer_words(&n_words);
	const char *names[LIMIT_TIERS + 16];

	if (policy_report_is_full(d->diags))
		return NULL;
	for (size_t i = 0; i < n; i++)
		names[i] = d->policy->tiers[i].name;
	memcpy(names + n, words, n_words * sizeof(*names));
	return diag_suggest(d->diags, word, names, n + n_words);
}

static void report_no_peer(struct decoder *d, const struct node *node, enum peer_problem problem)
{
	const char *known = policy_find_synonym(node->text);
	const char *hint = known ? known : suggest_peer(d, node->text);
	char word[TEXT_QUOTE_LEN];

	if (problem == PEER_UNKNOWN_TIER && d->partial)
		return; /* it may stand where reading failed, which was reported */
	if (problem == PEER_UNKNOWN_TIER)
		policy_report(d->diags, F_UNKNOWN_TIER, node->loc,
			      hint ? hint : "define it under `tiers`", "there is no tier `%s`",
			      text_quote(node->text, word));
	else
		policy_report(d->diags, F_UNKNOWN_PEER, node->loc,
			      hint ? hint
				   : "a peer is a tier, `host`, `internet`, `lan`, `world`, `dns`, "
				     "`hosts`, an address or a CIDR",
			      "`%s` is not a peer", text_quote(node->text, word));
}

static void decode_peer(struct decoder *d, const struct node *node, const char *name,
			struct policy_peer *peer)
{
	*peer = (struct policy_peer){ .loc = node->loc };
	const char *text = policy_decode_text(d, node, name);
	if (!text)
		return;
	enum peer_problem problem = policy_peer_parse(d->policy, text, peer);
	if (problem == PEER_UNKNOWN_TIER || problem == PEER_NOT_A_NAME)
		report_no_peer(d, node, problem);
	else if (problem != PEER_OK)
		policy_report_prefix(d, node, problem, &peer->prefix);
}

static int decode_peers(struct decoder *d, const struct node *key, const struct policy_peer **ret,
			size_t *ret_n)
{
	static const struct decode_list how = { "a peer or a list of peers", true, F_EMPTY_LIST,
						"name a peer, or remove the rule" };
	const struct node *item = policy_decode_items(d, key, &how);
	size_t n = !item ? 0 : key->value->kind == NODE_SEQUENCE ? key->value->n : 1;
	struct policy_peer *peers = arena_alloc(d->arena, n * sizeof(*peers));

	if (!peers)
		return -ENOMEM;
	for (size_t i = 0; item && i < n; i++, item = item->next)
		decode_peer(d, item, key->text, &peers[i]);
	*ret = peers;
	*ret_n = n;
	return 0;
}

static int decode_from(struct decoder *d, const struct node *key, void *object)
{
	struct policy_rule *rule = object;

	return decode_peers(d, key, &rule->from, &rule->n_from);
}

static int decode_to(struct decoder *d, const struct node *key, void *object)
{
	struct policy_rule *rule = object;

	return decode_peers(d, key, &rule->to, &rule->n_to);
}

/* "9010-9000/tcp": the same with its ends exchanged is a range. */
static bool turn_range(const char *text, struct port_range *ret)
{
	char turned[PORT_RANGE_TEXT_LEN];
	const char *dash = strchr(text, '-'), *slash = strchr(text, '/');

	if (!dash || !slash || dash > slash || strlen(text) >= sizeof(turned))
		return false;
	(void)snprintf(turned, sizeof(turned), "%.*s-%.*s%s", (int)(slash - dash - 1), dash + 1,
		       (int)(dash - text), text, slash);
	return port_range_parse(turned, ret) == 0;
}

static const char *port_hint(struct decoder *d, const char *text)
{
	enum ip_proto proto;
	const char *slash = strchr(text, '/');

	if (strlen(text) >= PORT_RANGE_TEXT_LEN || policy_report_is_full(d->diags))
		return NULL;
	if (*text && strspn(text, "0123456789-") == strlen(text))
		return arena_printf(d->diags->arena, "name the protocol: `%s/tcp`", text);
	if (proto_parse(text, &proto) == 0)
		return arena_printf(d->diags->arena, "all its ports are `1-65535/%s`", text);
	if (slash && proto_parse(slash + 1, &proto) == 0 && !proto_has_ports(proto))
		return arena_printf(d->diags->arena, "write `%s` on its own", slash + 1);
	if (strcmp(text, "any") == 0 || strcmp(text, "all") == 0 || strcmp(text, "*") == 0)
		return "leave `ports` out for every protocol and port";
	return "write `N/proto` or `N-M/proto` with tcp, udp or sctp, or `icmp`, `icmpv6`";
}

void policy_decode_port(struct decoder *d, const struct node *node, const char *name,
			struct port_range *ret)
{
	const char *text = policy_decode_text(d, node, name);
	char word[TEXT_QUOTE_LEN], turned[PORT_RANGE_TEXT_LEN];
	struct port_range range;

	*ret = (struct port_range){ 0 };
	if (!text)
		return;
	int r = port_range_parse(text, ret);
	if (r == -ERANGE && turn_range(text, &range))
		policy_report(d->diags, F_REVERSED_RANGE, node->loc,
			      arena_printf(d->diags->arena, "did you mean `%s`?",
					   port_range_format(&range, turned)),
			      "the range `%s` ends before it begins", text_quote(text, word));
	else if (r == -ERANGE)
		policy_report(d->diags, F_BAD_PORT, node->loc, "ports are 1 to 65535",
			      "`%s` is out of range", text_quote(text, word));
	else if (r < 0)
		policy_report(d->diags, F_BAD_PORT, node->loc, port_hint(d, text),
			      "`%s` is not a port", text_quote(text, word));
}

static int decode_ports(struct decoder *d, const struct node *key, void *object)
{
	static const struct decode_list how = { "a port or a list of ports", true, F_EMPTY_LIST,
						"leave `ports` out for every protocol and port" };
	struct policy_rule *rule = object;
	const struct node *item = policy_decode_items(d, key, &how);
	size_t n = !item ? 0 : key->value->kind == NODE_SEQUENCE ? key->value->n : 1;
	struct port_range *ports = arena_alloc(d->arena, n * sizeof(*ports));

	if (!ports)
		return -ENOMEM;
	for (size_t i = 0; item && i < n; i++, item = item->next)
		policy_decode_port(d, item, key->text, &ports[i]);
	rule->ports = ports;
	rule->n_ports = n;
	return 0;
}

static int decode_log(struct decoder *d, const struct node *key, void *object)
{
	((struct policy_rule *)object)->log = policy_decode_bool(d, key) == 1;
	return 0;
}

void policy_decode_time(struct decoder *d, const struct node *key, int64_t *ret)
{
	const char *text = policy_decode_text(d, key->value, key->text);
	char word[TEXT_QUOTE_LEN];

	if (text && policy_until_parse(text, ret) < 0)
		policy_report(d->diags, F_BAD_TIME, key->value->loc,
			      "write it in UTC, as `2026-12-31T18:00:00Z`", "`%s` is not a time",
			      text_quote(text, word));
}

static int decode_until(struct decoder *d, const struct node *key, void *object)
{
	policy_decode_time(d, key, &((struct policy_rule *)object)->until);
	return 0;
}

static int decode_rule(struct decoder *d, const struct node *node, enum policy_action action)
{
	static const struct decode_field fields[] = {
		{ "from", true, decode_from },	  { "to", true, decode_to },
		{ "ports", false, decode_ports }, { "log", false, decode_log },
		{ "until", false, decode_until },
	};
	static const struct decode_shape shape = { "a rule", fields, ARRAY_LEN(fields) };
	struct policy_rule rule = { .loc = node->loc, .action = action };
	size_t errors = d->diags->n_errors;
	int r = policy_decode_object(d, node, &shape, &rule);

	if (r < 0 || d->diags->n_errors != errors || d->partial || node->kind == NODE_BAD)
		return r;
	policy_check_rule(d, node, &rule);
	if (d->diags->n_errors != errors)
		return 0;
	return VEC_PUSH(d->arena, &d->rules, rule);
}

static int decode_rules(struct decoder *d, const struct node *key, enum policy_action action)
{
	const struct node *item = policy_decode_section(d, key, "a list of rules");
	int r = 0;

	for (; item && r == 0 && d->n_rules <= LIMIT_RULES; item = item->next) {
		if (d->n_rules++ == LIMIT_RULES)
			policy_report(d->diags, F_TOO_MANY_RULES, item->loc,
				      "join rules that differ in a peer or port only",
				      "the policy has more than %u rules", LIMIT_RULES);
		else
			r = decode_rule(d, item, action);
	}
	return r;
}

int policy_decode_allow(struct decoder *d, const struct node *key)
{
	return decode_rules(d, key, POLICY_ALLOW);
}

int policy_decode_deny(struct decoder *d, const struct node *key)
{
	return decode_rules(d, key, POLICY_DENY);
}

static int decode_test_from(struct decoder *d, const struct node *key, void *object)
{
	decode_peer(d, key->value, key->text, &((struct policy_test *)object)->from);
	return 0;
}

static int decode_test_to(struct decoder *d, const struct node *key, void *object)
{
	decode_peer(d, key->value, key->text, &((struct policy_test *)object)->to);
	return 0;
}

static int decode_test_port(struct decoder *d, const struct node *key, void *object)
{
	struct port_range *port = &((struct policy_test *)object)->port;
	char text[PORT_RANGE_TEXT_LEN];

	policy_decode_port(d, key->value, key->text, port);
	if (proto_has_ports((enum ip_proto)port->proto) && port->lo != port->hi)
		policy_report(d->diags, F_BAD_PORT, key->value->loc, "write a test for each",
			      "a test asks about one port, but `%s` is a range",
			      port_range_format(port, text));
	return 0;
}

static int decode_test_expect(struct decoder *d, const struct node *key, void *object)
{
	int action = policy_decode_word(d, key, action_words, ARRAY_LEN(action_words));

	((struct policy_test *)object)->expect = action == 0 ? POLICY_ALLOW : POLICY_DENY;
	return 0;
}

static int decode_test(struct decoder *d, const struct node *node)
{
	static const struct decode_field fields[] = {
		{ "from", true, decode_test_from },
		{ "to", true, decode_test_to },
		{ "port", true, decode_test_port },
		{ "expect", true, decode_test_expect },
	};
	static const struct decode_shape shape = { "a test", fields, ARRAY_LEN(fields) };
	struct policy_test test = { .loc = node->loc };
	size_t errors = d->diags->n_errors;
	int r = policy_decode_object(d, node, &shape, &test);

	if (r < 0 || d->diags->n_errors != errors || d->partial || node->kind == NODE_BAD)
		return r;
	struct policy_rule ends = {
		.loc = test.loc, .from = &test.from, .n_from = 1, .to = &test.to, .n_to = 1
	};
	if (!policy_check_ends(d, &ends, "a test"))
		return 0;
	return VEC_PUSH(d->arena, &d->tests, test);
}

int policy_decode_tests(struct decoder *d, const struct node *key)
{
	const struct node *item = policy_decode_section(d, key, "a list of tests");
	int r = 0;

	for (; item && r == 0 && d->n_tests <= LIMIT_RULES; item = item->next) {
		if (d->n_tests++ == LIMIT_RULES)
			policy_report(d->diags, F_TOO_MANY_TESTS, item->loc, NULL,
				      "the policy has more than %u tests", LIMIT_RULES);
		else
			r = decode_test(d, item);
	}
	return r;
}
