/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flows from a file: whatever they say, what is proposed is a policy that passes its own tests, the
 * same for the lines in another order; and beside it nothing more is proposed. */
#include "core/suggest/suggest.h"
#include "tests/fuzz/fuzz.h"

#define NOW 1893456000 /* 2030-01-01T00:00:00Z */

static const char inventory[] =
	"{\"version\":1,\"resolvers\":[\"192.168.1.1\"],\"networks\":["
	"{\"id\":\"front\",\"name\":\"shop_front\",\"driver\":\"bridge\",\"bridge\":\"br-front\","
	"\"internal\":false,\"subnets\":[\"172.18.0.0/24\",\"fd00:1::/64\"],"
	"\"gateways\":[\"172.18.0.1\",\"fd00:1::1\"]},"
	"{\"id\":\"back\",\"name\":\"shop_back\",\"driver\":\"bridge\",\"bridge\":\"br-back\","
	"\"internal\":true,\"subnets\":[\"172.19.0.0/29\"],\"gateways\":[\"172.19.0.1\"]}],"
	"\"containers\":["
	"{\"id\":\"a\",\"name\":\"shop-web-1\",\"image\":\"nginx:1\",\"labels\":{"
	"\"com.docker.compose.project\":\"shop\",\"com.docker.compose.service\":\"web\"},"
	"\"endpoints\":[{\"network\":\"shop_front\",\"ipv4\":\"172.18.0.2\","
	"\"ipv6\":\"fd00:1::2\"}],\"published\":[{\"host_port\":443,\"port\":\"443/tcp\"}]},"
	"{\"id\":\"b\",\"name\":\"shop-app-1\",\"image\":\"acme/shop:4\","
	"\"endpoints\":[{\"network\":\"shop_front\",\"ipv4\":\"172.18.0.3\"},"
	"{\"network\":\"shop_back\",\"ipv4\":\"172.19.0.3\"}]},"
	"{\"id\":\"c\",\"name\":\"shop-app-2\",\"image\":\"acme/shop:4\","
	"\"endpoints\":[{\"network\":\"shop_front\",\"ipv4\":\"172.18.0.4\"},"
	"{\"network\":\"shop_back\",\"ipv4\":\"172.19.0.4\"}]},"
	"{\"id\":\"d\",\"name\":\"shop-db-1\",\"image\":\"postgres:16\",\"labels\":{"
	"\"com.docker.compose.project\":\"shop\",\"com.docker.compose.service\":\"db\"},"
	"\"endpoints\":[{\"network\":\"shop_back\",\"ipv4\":\"172.19.0.2\"}]}]}";

static const struct world *make_world(struct arena *arena)
{
	const struct world *world = NULL;
	const char *error = NULL;
	int r = world_parse_inventory(inventory, strlen(inventory), arena, &world, &error);

	assert(r == 0);
	return world;
}

static const struct policy *read_policy(const struct policy_source *source, struct arena *arena)
{
	const struct policy *policy = NULL;
	struct diag_list diags;

	diag_init(&diags, arena);
	int r = policy_parse(source, 1, arena, &diags, &policy);
	assert(r == 0);
	return policy;
}

/* Of the suggestion itself nothing is missing. */
static void check_fixpoint(struct suggest_input in, const char *text, struct arena *arena)
{
	struct policy_source source = { "p.yaml", text, strlen(text) };
	struct suggest_output output CLEANUP(suggest_output_done) = { 0 };
	cJSON *denied = NULL;

	in.policy = read_policy(&source, arena);
	in.sources = &source;
	in.n_sources = 1;
	int r = suggest_make(&in, &output);
	assert(r == 0 && !output.adds);
	r = suggest_denied(&in, &denied);
	assert(r == 0);
	cJSON_Delete(denied);
}

static void check_order(struct suggest_input in, const char *text, struct arena *arena)
{
	struct suggest_output output CLEANUP(suggest_output_done) = { 0 };
	struct suggest_evidence turned = *in.evidence;
	struct flow *flows = arena_alloc(arena, (turned.n + 1) * sizeof(*flows));

	for (size_t i = 0; i < turned.n; i++)
		flows[i] = in.evidence->flows[turned.n - 1 - i];
	turned.flows = flows;
	in.evidence = &turned;
	int r = suggest_make(&in, &output);
	assert(r == 0 && strcmp(output.text, text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct suggest_output output CLEANUP(suggest_output_done) = { 0 };
	struct suggest_evidence evidence;
	struct suggest_input in = { .evidence = &evidence, .now = NOW };
	const char *error = NULL;
	int r = suggest_read((const char *)data, size, arena, &evidence, &error);

	assert(r == 0 || r == SUGGEST_E_INVALID);
	if (r != 0) {
		fuzz_check_text(error);
		return 0;
	}
	in.world = make_world(arena);
	r = suggest_make(&in, &output);
	assert(r == 0);
	check_order(in, output.text, arena);
	check_fixpoint(in, output.text, arena);
	return 0;
}
