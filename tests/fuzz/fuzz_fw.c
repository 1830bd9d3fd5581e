/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel says of nf_tables and its connections: each message to every reader. */
#include <errno.h>

#include "edge/fw/decode.h"
#include "tests/fuzz/fuzz_netlink.h"

static void free_batch(struct fw_batch *batch)
{
	fw_batch_done(batch);
}

static void check_ports(const struct fw_admitted *admitted)
{
	for (size_t i = 0; i < admitted->ports.n; i++)
		assert(memchr(admitted->ports.items[i].ifname, '\0', WORLD_IFNAME_LEN));
}

static void check_connections(const struct cut_facts *facts)
{
	for (size_t i = 0; i < facts->connections.n; i++) {
		const struct cut_connection *connection = &facts->connections.items[i];
		assert(ip_len(&connection->from) > 0 && ip_len(&connection->to) > 0);
		assert(connection->proto != PROTO_ANY && connection->proto <= PROTO_ICMPV6);
	}
}

/* As answers to a dump; whose sequence number is the first message's. */
static void read_answers(const struct fuzz_datagram *datagram, struct arena *arena)
{
	struct fw_admitted admitted = { 0 };
	struct fw_counters counters = { 0 };
	struct cut_facts facts = { 0 };
	struct fw_state state = { 0 };
	enum fw_forward forward = FW_FORWARD_NONE;
	bool docker = false;
	char place[FW_PLACE_LEN] = "";
	uint32_t genid;
	struct fw_reading readings[] = { { arena, &counters },
					 { arena, &admitted },
					 { arena, &facts } };
	const struct {
		fw_answer_fn *fn;
		void *userdata;
	} readers[] = {
		{ fw_take_genid, &genid },	    { fw_take_table, state.exists },
		{ fw_take_stamp, &state },	    { fw_take_counter, &readings[0] },
		{ fw_take_admitted, &readings[1] }, { fw_take_connection, &readings[2] },
		{ fw_take_forward, &forward },	    { fw_take_docker_chain, &docker },
		{ fw_take_secmark_user, place },
	};
	uint32_t seq = 0;

	if (datagram->len >= sizeof(struct nlmsghdr))
		seq = ((const struct nlmsghdr *)(const void *)datagram->bytes)->nlmsg_seq;
	for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
		struct fw_answer answer = { .seq = seq,
					    .dump = true,
					    .fn = readers[i].fn,
					    .userdata = readers[i].userdata };
		int r = fw_read_answer(&answer, datagram->bytes, datagram->len);
		assert(r != -ENOMEM || answer.done);
	}
	check_ports(&admitted);
	check_connections(&facts);
}

static void read_notices(const struct fuzz_datagram *datagram)
{
	struct fw_notices notices = { .own_port = 7 };
	const char *bytes = datagram->bytes;
	size_t left = datagram->len;
	const struct nlmsghdr *nlh;
	struct fw_change change;

	while ((nlh = fw_next_message(&bytes, &left)))
		if (fw_take_notice(&notices, nlh, &change))
			assert(change.n > 0 && *change.first);
}

static void read_verdict(const struct fuzz_datagram *datagram)
{
	struct fw_batch batch CLEANUP(free_batch) = { 0 };
	struct fw_verdict verdict = { .batch = &batch };
	char text[FW_DESCRIPTION_LEN];
	int r = fw_batch_begin(&batch, 1);

	assert(r == 0);
	fw_read_verdict(&verdict, datagram->bytes, datagram->len);
	assert(!verdict.err || verdict.seq == 1);
	fw_batch_describe(&batch, verdict.seq, verdict.offset, text);
	fuzz_check_text(text);
}

/* What is taken as rules in force differs from itself in nothing, and from no rules in all of it.
 */
static void compare(const struct fuzz_datagram *datagram, struct arena *arena)
{
	struct fw_canon canon = { .arena = arena }, nothing = { .arena = arena };
	struct fw_verified same = { 0 }, all = { 0 };
	struct ruleset *rs = ruleset_new(arena);
	const char *bytes = datagram->bytes, *why = NULL;
	size_t left = datagram->len;
	const struct nlmsghdr *nlh;
	int r = ruleset_seal(rs, &why);

	while (r == 0 && (nlh = fw_next_message(&bytes, &left)))
		r = fw_canon_take(&canon, nlh);
	assert(r == 0);
	fw_canon_sort(&canon);
	r = fw_compare(rs, &canon, &canon, arena, &same);
	assert(r == 0 && same.n_drifts == 0);
	r = fw_compare(rs, &nothing, &canon, arena, &all);
	assert(r == 0 && all.n_drifts == canon.things.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_datagram datagram CLEANUP(fuzz_datagram_done) = fuzz_datagram(data, size);
	struct arena *arena CLEANUP(arena_freep) = arena_new();

	read_answers(&datagram, arena);
	read_notices(&datagram);
	read_verdict(&datagram);
	compare(&datagram, arena);
	return 0;
}
