/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The store and answers that are not what Docker says: one that is refused leaves the store as it
 * was, and what is damaged in one costs itself alone. */
#include "core/world/world-store.h"
#include "tests/unit/test_world_store_lib.h"

#define X512 X16("12345678901234567890123456789012")

/* ---- refusals leave the store as it was ---- */

struct refusal_row {
	const char *name;
	struct step step;
	const char *error;
};

static const struct refusal_row refusal_rows[] = {
	{ "not JSON", { PUT_NETWORK, "{", NULL }, "not JSON" },
	{ "cut off", { SET_NETWORKS, "[" NET("5", "five") "}", NULL }, "not a list of networks" },
	{ "more behind", { SET_CONTAINERS, "[] []", NULL }, "not a list of containers" },
	{ "not UTF-8", { PUT_NETWORK, "{\"Name\":\"caf\xe9\"}", NULL }, "the text is not UTF-8" },
	{ "not a list", { SET_NETWORKS, "{}", NULL }, "not a list of networks" },
	{ "error object",
	  { SET_CONTAINERS, "{\"message\":\"x\"}", NULL },
	  "not a list of containers" },
	{ "network without id",
	  { PUT_NETWORK, "{\"Name\":\"x\"}", NULL },
	  "Id: missing or not an id" },
	{ "inspect",
	  { INSPECTED, INSPECT("a", "true", "{\"80/tcp\":[{\"HostPort\":\"x\"}]}", "{}"), NULL },
	  "HostPort: not a port" },
};

/* ---- what is damaged costs itself alone ---- */

#define GOOD_NET NET("1", "front") ",\"Containers\":null}"
#define NET_ON(d, name, bridge) \
	NET(d, name) ",\"Options\":{\"com.docker.network.bridge.name\":\"" bridge "\"}}"
#define HALF_BOUND "{\"PrivatePort\":80,\"PublicPort\":8080.5,\"Type\":\"tcp\"}"
#define WITH_FRONT "net front br-111111111111\n"

static const struct store_row flaw_rows[] = {
	{ "elements of any kind",
	  { { SET_NETWORKS,
	      "[7,{\"Id\":5},null,\"x\",{\"Id\":\"../x\"}," GOOD_NET
	      ",{\"a\":\"caf\xe9\"},{\"b\":tru},"
	      "[[[]]]]",
	      NULL } },
	  WITH_FRONT "left out 8: Id: missing or not an id\n" },
	{ "containers of any kind",
	  { { SET_CONTAINERS, "[{\"Names\":[\"/a\"]}," LISTED("b", "db", "running", "") ",[]]",
	      NULL } },
	  "ctr db tier=db mode=bridge\nleft out 2: Id: missing or not an id\n" },
	{ "a reading without them",
	  { { SET_NETWORKS, "[7]", NULL }, { SET_NETWORKS, "[" GOOD_NET "]", NULL } },
	  WITH_FRONT },
	{ "network twice",
	  { { SET_NETWORKS, "[" NET("5", "five") "}," GOOD_NET "," NET("5", "five") "}]", NULL } },
	  "net five br-555555555555 !it is in Docker's list twice\n" WITH_FRONT },
	{ "name",
	  { { SET_NETWORKS, "[" NET("5", X512) "}," GOOD_NET "]", NULL } },
	  "net " ID("5") " br-555555555555 !its name is too long\n" WITH_FRONT },
	{ "bridge",
	  { { SET_NETWORKS, "[" NET_ON("5", "five", "a/b") "," GOOD_NET "]", NULL } },
	  "net five  !its bridge has a name that the kernel or Docker does not keep\n" WITH_FRONT },
	{ "odd names of bridges",
	  { { SET_NETWORKS,
	      "[" NET_ON("5", "star", "a*b") "," NET_ON("6", "quote", "q\\\"t") "," NET_ON(
		      "7", "slash", "back\\\\s") "," NET_ON("8", "utf8", "br\u00e4") "]",
	      NULL } },
	  "net quote q\"t\nnet slash back\\s\nnet star a*b\nnet utf8 br\xc3\xa4\n" },
	{ "subnet",
	  { { SET_NETWORKS,
	      "[" NET("5", "x") ",\"IPAM\":{\"Config\":[{\"Subnet\":\"x\"}]}}," GOOD_NET "]",
	      NULL } },
	  WITH_FRONT "net x br-555555555555 !IPAM: Subnet is not a subnet\n" },
	{ "address of one endpoint",
	  { { WEB_AND_DB_RUN },
	    { PUT_NETWORK,
	      NET_BODY("1", "front", MEMBER("a", "172.18.0.x") "," MEMBER("b", "172.18.0.3")),
	      NULL } },
	  WITH_FRONT "ctr db tier=db mode=bridge\nctr web tier=web mode=bridge\n"
		     "ep db front 172.18.0.3\nep web front -\n" },
	{ "address of the other family",
	  { { WEB_RUNS }, { PUT_NETWORK, NET_BODY("1", "front", MEMBER("a", "fd00::1")), NULL } },
	  WITH_FRONT "ctr web tier=web mode=bridge\nep web front -\n" },
	{ "endpoint twice",
	  { { WEB_RUNS },
	    { PUT_NETWORK,
	      NET_BODY("1", "front", MEMBER("a", "172.18.0.2") "," MEMBER("a", "172.18.0.3")),
	      NULL } },
	  "net front br-111111111111 !Containers: an id is there twice\n"
	  "ctr web tier=web mode=bridge\nep web front 172.18.0.2\n" },
	{ "container twice",
	  { { PUT_CONTAINERS,
	      "[" LISTED("c", "c", "running", "") "," LISTED("c", "c", "running", "") "]", NULL } },
	  "ctr c? tier=c mode=bridge !it is in Docker's list twice\n" },
	{ "port number",
	  { { PUT_CONTAINERS,
	      "[" LISTED("c", "c", "running", HALF_BOUND) "," LISTED("d", "d", "running", "") "]",
	      NULL } },
	  "ctr c? tier=c mode=bridge !Ports: a port is not a number up to 65535\n"
	  "ctr d tier=d mode=bridge\n" },
	{ "port type",
	  { { PUT_CONTAINERS,
	      "[" LISTED("c", "c", "running",
			 "{\"PrivatePort\":80,\"PublicPort\":80,\"Type\":\"x\"}") "]",
	      NULL } },
	  "ctr c? tier=c mode=bridge !Ports: unknown Type\n" },
	{ "label that is no text",
	  { { PUT_CONTAINERS, "[{\"Id\":\"" ID("c") "\",\"Names\":[\"/c\"],\"Labels\":{\"a\":1}}]",
	      NULL } },
	  "ctr c? mode= !the value of a label is too long\n" },
	{ "no answer about a network",
	  { { WEB_RUNS }, { FRONT_HAS_WEB }, { FLAW_NETWORK, ID("1"), "status 500" } },
	  "net front br-111111111111 !status 500\nctr web tier=web mode=bridge\n" },
	{ "nor about a new one",
	  { { FLAW_NETWORK, ID("2"), "status 500" } },
	  "net " ID("2") " br-222222222222 !status 500\n" },
	{ "until there is one",
	  { { WEB_RUNS }, { FLAW_NETWORK, ID("1"), "status 500" }, { FRONT_HAS_WEB } },
	  WITH_FRONT "ctr web tier=web mode=bridge\nep web front 172.18.0.2\n" },
	{ "no answer about a container",
	  { { WEB_AND_DB_RUN }, { FRONT_HAS_BOTH }, { FLAW_CONTAINER, ID("a"), "status 500" } },
	  WITH_FRONT "ctr db tier=db mode=bridge\nctr web? tier=web mode=bridge !status 500\n"
		     "ep db front 172.18.0.3\nep web front 172.18.0.2\n" },
};

static void refuses(void **state)
{
	const struct refusal_row *row = *state;
	struct world_store *store = world_store_new();
	const char *error = NULL;

	for (size_t i = 0; i < ARRAY_LEN(base_steps); i++)
		take(store, &base_steps[i]);
	CLEANUP(free_ptr) char *before = digest(store);
	assert_int_equal(answers[row->step.verb](store, row->step.a, strlen(row->step.a), &error),
			 WORLD_E_INVALID);
	assert_string_equal(error, row->error);
	CLEANUP(free_ptr) char *after = digest(store);
	assert_string_equal(before, after);
	(void)world_store_free(store);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(refusal_rows) + ARRAY_LEN(flaw_rows)];

	ADD_ROWS(tests, 0, refusal_rows, refuses);
	ADD_ROWS(tests, ARRAY_LEN(refusal_rows), flaw_rows, steps);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
