/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies: one or more files, with NUL between them, to the ruleset that they make on a host that
 * has something of everything, and on one made from the policy. */
#include <cjson/cJSON.h>

#include "core/report/report.h"
#include "tests/fuzz/fuzz.h"

#define NOW 1767225600 /* 2026-01-01T00:00:00Z */

#define ADDRESSES(network, n) \
	"{\"network\":\"" network "\",\"ipv4\":\"172.18." n ".2\",\"ipv6\":\"fd00:" n "::2\"}"

static const char host[] =
	"{\"version\":1,\"networks\":["
	"{\"name\":\"frontend\",\"subnets\":[\"172.18.1.0/24\",\"fd00:1::/64\"],"
	"\"gateways\":[\"172.18.1.1\",\"fd00:1::1\"]},"
	"{\"name\":\"backend\",\"subnets\":[\"172.18.2.0/24\"],\"icc\":false},"
	"{\"name\":\"internal\",\"subnets\":[\"172.18.3.0/24\"],\"internal\":true},"
	"{\"name\":\"lan\",\"driver\":\"macvlan\"}],"
	"\"containers\":["
	"{\"name\":\"web\",\"image\":\"nginx:1\",\"labels\":{\"tier\":\"web\"},\"endpoints\":"
	"[" ADDRESSES("frontend", "1") "," ADDRESSES(
		"lan",
		"4") "],"
		     "\"published\":[{\"host_port\":8443,\"port\":\"443/tcp\"},"
		     "{\"host_ip\":\"::1\",\"host_port\":53,\"port\":\"53/udp\"}]},"
		     "{\"name\":\"api\",\"image\":\"api:1\",\"labels\":{"
		     "\"com.docker.compose.project\":\"shop\",\"com.docker.compose.service\":"
		     "\"api\"},"
		     "\"endpoints\":[" ADDRESSES("backend", "2") "," ADDRESSES(
			     "internal",
			     "3") "]},"
				  "{\"name\":\"db\",\"labels\":{\"tier\":\"db\"},\"endpoints\":["
				  "{\"network\":\"internal\",\"ipv4\":\"172.18.3.3\"}]}],"
				  "\"resolvers\":[\"192.0.2.53\"]}";

static const struct world *make_host(struct arena *arena)
{
	const struct world *bare = NULL, *world = NULL;
	const char *error = NULL;
	int r = world_parse_inventory(host, sizeof(host) - 1, arena, &bare, &error);

	assert(r == 0);
	r = report_complete_world(bare, arena, &world);
	assert(r == 0);
	return world;
}

/* What is compiled is printed the same twice, and differs from itself in nothing. */
static void check_ruleset(const struct ruleset *rs, const struct ruleset *again,
			  struct arena *arena)
{
	struct text CLEANUP(text_done) out = { 0 }, json = { 0 };
	struct text CLEANUP(text_done) out_again = { 0 };
	struct rs_diff diff;

	ruleset_print(rs, &out);
	ruleset_print(again, &out_again);
	assert(!text_failed(&out) && strcmp(text_str(&out), text_str(&out_again)) == 0);
	int r = ruleset_diff(rs, again, arena, &diff);
	assert(r == 0 && diff.empty && !diff.takes_away);
	r = ruleset_print_json(rs, &json);
	assert(r == 0);
	cJSON *parsed = cJSON_Parse(text_str(&json));
	assert(parsed);
	cJSON_Delete(parsed);
}

static void check_tests(const struct report_input *in)
{
	cJSON *json = NULL;
	size_t failed = 0;
	int r = report_test(in, &json, &failed);

	assert(r == 0 && failed <= in->policy->n_tests);
	cJSON_Delete(json);
}

static void check_on_host(const struct policy *policy, struct arena *arena, struct diag_list *diags)
{
	const struct policy *const twice[] = { policy, policy };
	struct report_input in[2];
	int r = report_prepare(twice, 2, make_host(arena), NOW, arena, in);

	assert(r == 0);
	check_ruleset(in[0].compiled->ruleset, in[1].compiled->ruleset, arena);
	check_tests(&in[0]);
	report_check_world(&in[0], "host.json", NULL, diags);
}

/* Every tier has members there. */
static void check_symbolic(const struct policy *policy, struct arena *arena)
{
	struct report_input in;
	int r = report_prepare(&policy, 1, NULL, NOW, arena, &in);

	assert(r == 0);
	check_tests(&in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "20-shop.yaml", "/a/\"b\\\n.yaml", "", "\xc3\xa4" };
	struct fuzz_parts parts = { (const char *)data, (const char *)data + size, '\0' };
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	const struct policy *policy = NULL;
	struct policy_source sources[ARRAY_LEN(names)];
	struct diag_list diags;
	size_t n = 0;

	for (; n < ARRAY_LEN(names) && fuzz_next(&parts, &sources[n].bytes, &sources[n].len); n++)
		sources[n].name = names[n];
	diag_init(&diags, arena);
	int r = policy_parse(sources, n, arena, &diags, &policy);
	assert(r == 0 || r == POLICY_E_INVALID);
	assert((r == 0) == (policy != NULL));
	fuzz_check_diags(&diags, r == 0);
	if (r != 0)
		return 0;
	policy_check_time(policy, NOW, &diags);
	check_on_host(policy, arena, &diags);
	check_symbolic(policy, arena);
	fuzz_check_diags(&diags, diags.n_errors == 0);
	return 0;
}
