/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/rtnl/dump.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "edge/base/fd.h"

#define TRIES 5
/* Longer than query.h lets all tries take that are answered at all. */
#define DEADLINE_US UINT64_C(60000000)

/* @start: forgets what an earlier try has read. */
static int try(struct query *query, query_link_fn *cb, void *data, int (*start)(void *data))
{
	int r = -EINTR;

	for (int i = 0; i < TRIES && r == -EINTR; i++) {
		r = start(data);
		if (r == 0)
			r = query_links(query, cb, data);
	}
	return r == -EINTR ? 1 : r;
}

/* ---- in the loop ---- */

static int unsee(void *data)
{
	links_unsee(data);
	return 0;
}

static int on_link(const struct nlmsghdr *nlh, void *data)
{
	return links_apply(data, nlh);
}

/* We are subscribed before we dump, so what changes meanwhile comes as a message: an interrupted
 * dump may miss nothing for good, but proves no absence. */
int dump_read(struct query *query, struct links *links)
{
	int r = try(query, on_link, links, unsee);

	if (r == 0)
		links_drop_unseen(links);
	return r;
}

/* ---- beside it ---- */

static int empty(void *data)
{
	int fd = *(int *)data;

	return ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0 ? -errno : 0;
}

static int keep_link(const struct nlmsghdr *nlh, void *data)
{
	const size_t aligned = NLMSG_ALIGN(nlh->nlmsg_len);

	return fd_write(*(int *)data, (const char *)nlh, aligned);
}

static int read_beside(void *userdata, int fd)
{
	struct query query;
	int r = query_open(&query);

	(void)userdata;
	if (r < 0)
		return r;
	r = try(&query, keep_link, &fd, empty);
	query_close(&query);
	return r;
}

static int take(struct links *links, const struct beside_result *result)
{
	int left = (int)result->size, r = 0;
	void *bytes = mmap(NULL, result->size, PROT_READ, MAP_PRIVATE, result->fd, 0);
	const struct nlmsghdr *nlh = bytes;

	if (bytes == MAP_FAILED) /* not even one link is none, too */
		return -errno;
	links_unsee(links);
	for (; r == 0 && mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
		r = links_apply(links, nlh);
	(void)munmap(bytes, result->size);
	if (r == 0 && result->code == 0)
		links_drop_unseen(links);
	return r < 0 ? r : result->code;
}

static void on_read(void *userdata, const struct beside_result *result)
{
	struct dump *dump = userdata;
	int r = result->end == BESIDE_DONE     ? take(dump->links, result)
		: result->end == BESIDE_FAILED ? result->code
					       : -ETIMEDOUT;

	dump->beside = NULL;
	dump->done(dump->userdata, r);
}

int dump_begin(struct dump *dump)
{
	const struct beside_work work = {
		.work = read_beside, .done = on_read, .userdata = dump, .deadline_us = DEADLINE_US
	};

	return beside_begin(&dump->besides, &work, &dump->beside);
}

void dump_done(struct dump *dump)
{
	beside_group_done(&dump->besides);
	dump->beside = NULL;
}
