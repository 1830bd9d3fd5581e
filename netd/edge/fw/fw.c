/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening, and what this kernel can do: asked with batches that are checked and forgotten. */
#include "edge/fw/fw.h"

#include <errno.h>
#include <stdlib.h>

#include "edge/fw/encode.h"
#include "edge/fw/handle.h"

/* Not netd's own name: another process may own that one, and would make every answer -EPERM. */
#define PROBE_TABLE "netd_probe"

static int check(struct fw *fw, const struct ruleset *rs, uint32_t table_flags,
		 struct fw_error *error)
{
	struct fw_batch batch CLEANUP(fw_batch_done) = { 0 };
	struct fw_encode_options options = { .whole = true, .table_flags = table_flags };
	struct rs_diff diff;
	uint32_t genid = 0;
	int r = ruleset_diff(NULL, rs, rs->arena, &diff);

	if (r == 0)
		r = fw_genid(fw, &genid);
	if (r == 0)
		r = fw_batch_begin(&batch, fw->seq + 1);
	if (r == 0) {
		batch.table = PROBE_TABLE;
		r = fw_encode(&batch, &diff, &options);
	}
	if (r < 0)
		return fw_fail(error, r, "asking what the kernel can do: %s%s", strerror(-r),
			       r == -EPERM ? "; netd needs CAP_NET_ADMIN" : "");
	fw->seq += (uint32_t)batch.n_records;
	fw_batch_set_genid(&batch, genid);
	return fw_send(fw, &batch, error);
}

/* True when the kernel takes it; another's commit in between is not an answer. */
static bool takes(struct fw *fw, const struct ruleset *rs, uint32_t table_flags)
{
	struct fw_error error;
	int r = -ERESTART;

	for (int i = 0; i < 64 && r == -ERESTART; i++)
		r = check(fw, rs, table_flags, &error);
	return r == 0;
}

/* A ruleset of one chain, with the rule in it or empty. */
static struct ruleset *probe_ruleset(struct arena *arena, const struct rs_rule *rule)
{
	struct ruleset *rs = ruleset_new(arena);
	struct rs_chain *chain = rs ? ruleset_add_chain(rs, RS_INET, "probe", NULL) : NULL;
	const char *why;

	if (!chain)
		return NULL;
	if (rule && ruleset_add_rule(rs, chain, rule) < 0)
		return NULL;
	return ruleset_seal(rs, &why) < 0 ? NULL : rs;
}

/* A chain of its own at the hook egress, of the interface that each network namespace has. */
static struct ruleset *probe_hook(struct arena *arena)
{
	static const struct rs_device lo = { .name = "lo" };
	static const struct rs_base base = { RS_HOOK_EGRESS, 0, &lo, 1 };
	struct ruleset *rs = ruleset_new(arena);
	const char *why;

	if (!rs || !ruleset_add_chain(rs, RS_NETDEV, "probe", &base))
		return NULL;
	return ruleset_seal(rs, &why) < 0 ? NULL : rs;
}

static int probe(struct fw *fw, struct fw_error *error)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	static const struct rs_log line = {
		.prefix = "netd", .group = 1, .per_second = 1, .burst = 1
	};
	struct rs_mark secmark = { RS_CT_SECMARK, 1, 2, false };
	const struct rs_rule logs = { .log = &line }, stamps = { .mark = &secmark };
	const struct ruleset *plain = arena ? probe_ruleset(arena, NULL) : NULL;
	const struct ruleset *log = plain ? probe_ruleset(arena, &logs) : NULL;
	const struct ruleset *stamp = log ? probe_ruleset(arena, &stamps) : NULL;
	const struct ruleset *hook = stamp ? probe_hook(arena) : NULL;

	if (!hook)
		return fw_fail(error, -ENOMEM, "out of memory");
	int r = check(fw, plain, 0, error);
	if (r < 0 && r != -ERESTART)
		return r;
	fw->owns_tables = takes(fw, plain, FW_TABLE_OWNED);
	fw->can_log = takes(fw, log, 0);
	fw->can_stamp = takes(fw, stamp, 0);
	fw->can_hook = takes(fw, hook, 0);
	return 0;
}

int fw_open(struct fw **ret, struct fw_error *error)
{
	struct fw *fw CLEANUP(fw_freep) = calloc(1, sizeof(*fw));

	if (!fw)
		return fw_fail(error, -ENOMEM, "out of memory");
	int r = fw_sockets_open(fw);
	if (r < 0)
		return fw_fail(error, r, "opening a netfilter socket: %s", strerror(-r));
	r = probe(fw, error);
	if (r < 0)
		return r;
	*error = (struct fw_error){ 0 };
	*ret = TAKE_PTR(fw);
	return 0;
}

struct fw *fw_free(struct fw *fw)
{
	if (fw)
		fw_sockets_close(fw);
	free(fw);
	return NULL;
}

void fw_freep(struct fw **fw)
{
	*fw = fw_free(*fw);
}

bool fw_owns_tables(const struct fw *fw)
{
	return fw->owns_tables;
}

bool fw_can_log(const struct fw *fw)
{
	return fw->can_log;
}

bool fw_can_stamp(const struct fw *fw)
{
	return fw->can_stamp;
}

bool fw_can_hook(const struct fw *fw)
{
	return fw->can_hook;
}

uint32_t fw_portid(const struct fw *fw)
{
	return mnl_socket_get_portid(fw->nl);
}

uint64_t fw_conflicts(const struct fw *fw)
{
	return fw->n_conflicts;
}
