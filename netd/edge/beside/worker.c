/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/beside/worker.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "edge/base/clock.h"
#include "edge/beside/child.h"
#include "edge/loop/loop.h"

/* One that ends at once, each time, is begun no more often. */
#define BEGIN_AGAIN_US UINT64_C(1000000)
/* Answers per turn of the loop; the rest waits its turn. */
#define BATCH 64

struct worker {
	struct worker_options options;
	sd_event *loop; /* borrowed */
	pid_t pid;	/* 0: there is none */
	int fd;		/* -1: it is not to be asked */
	uint64_t begun_us;
	size_t n_asked; /* that it has not answered */
	bool late;
	sd_event_source *answers, *child, *patience, *again;
};

static int begin(struct worker *worker);

static void hang_up(struct worker *worker)
{
	worker->answers = sd_event_source_disable_unref(worker->answers);
	if (worker->fd >= 0)
		(void)close(worker->fd);
	worker->fd = -1;
	worker->n_asked = 0;
}

/* ---- in the loop ---- */

static int watch_patience(struct worker *worker)
{
	return worker->n_asked ? loop_arm(worker->patience, worker->options.patience_us)
			       : loop_disarm(worker->patience);
}

static int on_answers(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct worker *worker = userdata;
	_Alignas(max_align_t) char message[WORKER_MESSAGE];

	(void)source;
	(void)revents;
	for (int i = 0; i < BATCH; i++) {
		ssize_t n = recv(fd, message, sizeof(message), MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0) { /* it ends: on_end() comes */
			hang_up(worker);
			break;
		}
		worker->n_asked -= worker->n_asked > 0;
		worker->options.answered(worker->options.userdata, message, (size_t)n);
	}
	return watch_patience(worker);
}

static int on_silence(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct worker *worker = userdata;

	(void)source;
	(void)usec;
	if (worker->pid == 0)
		return 0;
	/* Where it waits inside the kernel, it ends when that lets it go, and not before that is
	 * there another one. */
	(void)kill(worker->pid, SIGKILL);
	hang_up(worker);
	worker->late = true;
	worker->options.lost(worker->options.userdata, true, 0);
	return 0;
}

static int on_end(sd_event_source *source, const siginfo_t *info, void *userdata)
{
	struct worker *worker = userdata;
	uint64_t lived = clock_monotonic_us() - worker->begun_us;
	bool late = worker->late;
	int status = info->si_code == CLD_EXITED ? W_EXITCODE(info->si_status, 0)
						 : W_EXITCODE(0, info->si_status);

	(void)source;
	hang_up(worker);
	worker->child = sd_event_source_disable_unref(worker->child);
	worker->pid = 0;
	worker->late = false;
	int r = loop_arm(worker->again, lived < BEGIN_AGAIN_US ? BEGIN_AGAIN_US - lived : 0);
	if (r == 0)
		r = watch_patience(worker);
	if (!late) /* else that was said */
		worker->options.lost(worker->options.userdata, false, status);
	return r;
}

static int on_again(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct worker *worker = userdata;

	(void)source;
	(void)usec;
	if (begin(worker) < 0) /* no memory, or no process to be had */
		return loop_arm(worker->again, BEGIN_AGAIN_US);
	worker->options.ready(worker->options.userdata);
	return 0;
}

/* ---- life ---- */

static int listen_to(struct worker *worker, int fd)
{
	const struct loop_io io = {
		.name = "worker",
		.fd = fd,
		.events = EPOLLIN,
		.priority = SD_EVENT_PRIORITY_IMPORTANT,
		.handler = on_answers,
		.userdata = worker,
	};
	int r = loop_add_io(worker->loop, &io, &worker->answers);

	if (r == 0)
		worker->fd = fd;
	return r;
}

static int begin(struct worker *worker)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	int r = listen_to(worker, pair[0]);
	if (r < 0) {
		(void)close(pair[0]);
		(void)close(pair[1]);
		return r;
	}
	pid_t parent = getpid(), pid = fork();
	if (pid == 0)
		beside_child_stay(&worker->options, pair[1], parent);
	r = pid < 0 ? -errno : 0;
	(void)close(pair[1]);
	const struct loop_child child = { "worker", pid, SD_EVENT_PRIORITY_NORMAL, on_end, worker };
	if (r == 0)
		r = loop_add_child(worker->loop, &child, &worker->child);
	if (r < 0) {
		hang_up(worker);
		if (pid > 0)
			(void)kill(pid, SIGKILL);
		if (pid > 0)
			(void)waitpid(pid, NULL, 0);
		return r;
	}
	worker->pid = pid;
	worker->begun_us = clock_monotonic_us();
	return 0;
}

int worker_new(sd_event *loop, const struct worker_options *options, struct worker **ret)
{
	CLEANUP(worker_freep) struct worker *worker = calloc(1, sizeof(*worker));

	if (!worker)
		return -ENOMEM;
	worker->options = *options;
	worker->loop = loop;
	worker->fd = -1;
	const struct loop_timer patience = { "worker-patience", 0, on_silence, worker };
	const struct loop_timer again = { "worker-again", 0, on_again, worker };
	int r = loop_block_signal(SIGCHLD);
	if (r == 0)
		r = loop_add_timer(loop, &patience, &worker->patience);
	if (r == 0)
		r = loop_add_timer(loop, &again, &worker->again);
	if (r == 0)
		r = begin(worker);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(worker);
	return 0;
}

/* It is not waited for, since it may be waiting inside the kernel itself. */
struct worker *worker_free(struct worker *worker)
{
	if (!worker)
		return NULL;
	hang_up(worker);
	sd_event_source_disable_unref(worker->child);
	sd_event_source_disable_unref(worker->patience);
	sd_event_source_disable_unref(worker->again);
	if (worker->pid > 0)
		(void)kill(worker->pid, SIGKILL);
	free(worker);
	return NULL;
}

void worker_freep(struct worker **worker)
{
	*worker = worker_free(*worker);
}

int worker_ask(struct worker *worker, const void *message, size_t size)
{
	if (worker->fd < 0)
		return -EAGAIN;
	/* One that has just ended is noticed in the loop. */
	if (send(worker->fd, message, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return errno == EPIPE || errno == ECONNRESET || errno == EINTR ? -EAGAIN : -errno;
	worker->n_asked++;
	return worker->n_asked == 1 ? watch_patience(worker) : 0;
}

/* ---- in the process ---- */

int worker_receive(int fd, void *ret, size_t size)
{
	ssize_t n;

	do
		n = recv(fd, ret, size, 0);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : (int)n;
}

int worker_answer(int fd, const void *message, size_t size)
{
	ssize_t n;

	do
		n = send(fd, message, size, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}
