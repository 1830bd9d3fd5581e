/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Listening, accepting, and the sweep that ends what takes too long. */
#include "edge/control/control.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/base/limits.h"
#include "edge/control/conn.h"
#include "edge/loop/loop.h"

#define DEFAULT_TIMEOUT_US UINT64_C(30000000)
/* While all places are taken, a client that does nothing gives way to one that waits. */
#define CROWDED_TIMEOUT_US UINT64_C(1000000)
#define SWEEP_US UINT64_C(250000)

uint64_t control_now(const struct control *control)
{
	return loop_turn_us(control->event);
}

static void listen_if_room(struct listener *listener)
{
	bool room = listener->n_conns < LIMIT_CLIENTS;

	if (listener->io)
		(void)sd_event_source_set_enabled(listener->io, room ? SD_EVENT_ON : SD_EVENT_OFF);
}

void control_freed_one(struct listener *listener)
{
	listen_if_room(listener);
}

static uint64_t sweep_interval(const struct control *control)
{
	return control->timeout_us < 4 * SWEEP_US ? control->timeout_us / 4 : SWEEP_US;
}

static int arm_sweep(struct control *control)
{
	int on = 0;

	if (sd_event_source_get_enabled(control->sweep, &on) > 0 && on != SD_EVENT_OFF)
		return 0;
	return loop_arm(control->sweep, sweep_interval(control));
}

static void sweep_listener(struct listener *listener)
{
	uint64_t now = control_now(listener->control), limit = listener->control->timeout_us;
	struct conn *next;

	if (listener->n_conns >= LIMIT_CLIENTS && limit > CROWDED_TIMEOUT_US)
		limit = CROWDED_TIMEOUT_US;
	for (struct conn *conn = listener->conns; conn; conn = next) {
		next = conn->next;
		/* Waiting for netd's own answer is not the client's fault. */
		if (!conn->token && now > conn->since_us && now - conn->since_us > limit)
			conn_close(conn);
	}
	listen_if_room(listener);
}

static int on_sweep(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct control *control = userdata;

	(void)source;
	(void)usec;
	for (size_t i = 0; i < ARRAY_LEN(control->listeners); i++)
		sweep_listener(&control->listeners[i]);
	return control_clients(control) > 0 ? arm_sweep(control) : 0;
}

static int on_control_client(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct listener *listener = userdata;

	(void)revents;
	int r = arm_sweep(listener->control);
	if (r < 0)
		return r;
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (client >= 0) {
		/* Too little memory for a client is that client's loss. */
		if (conn_new(listener, client) == 0)
			listen_if_room(listener);
		return 0;
	}
	/* No file descriptors left: the client stays in the queue and the socket readable, so look
	 * again with the next sweep instead of spinning. */
	if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
		(void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
	return 0;
}

static int listener_open(struct listener *listener, const char *path, const char *group)
{
	sd_event *event = listener->control->event;
	int r = control_socket_open(path, group, &listener->socket);

	if (r < 0)
		return r;
	const struct loop_io io = {
		.name = listener->admin ? "control-admin" : "control",
		.fd = listener->socket.fd,
		.events = EPOLLIN,
		.priority = CONTROL_PRIORITY,
		.handler = on_control_client,
		.userdata = listener,
	};
	return loop_add_io(event, &io, &listener->io);
}

static void listener_close(struct listener *listener)
{
	/* First: a client that goes would switch it on again. */
	listener->io = sd_event_source_disable_unref(listener->io);
	while (listener->conns)
		conn_close(listener->conns);
	control_socket_close(&listener->socket);
}

static int control_open(struct control *control, const struct control_options *options)
{
	char admin_path[WIRE_PATH_LEN];
	int r = wire_admin_path(options->path, admin_path);

	if (r < 0)
		return r;
	const struct loop_timer sweep = { "control-sweep", CONTROL_PRIORITY, on_sweep, control };
	r = loop_add_timer(control->event, &sweep, &control->sweep);
	if (r < 0)
		return r;
	r = listener_open(&control->listeners[0], options->path,
			  options->read_group ? options->read_group : "netd");
	if (r < 0)
		return r;
	return listener_open(&control->listeners[1], admin_path,
			     options->admin_group ? options->admin_group : "netd-admin");
}

int control_new(sd_event *event, const struct control_options *options, struct control **ret)
{
	CLEANUP(control_freep) struct control *control = calloc(1, sizeof(*control));

	if (!control)
		return -ENOMEM;
	int blocked =
		loop_block_signal(SIGPIPE); /* which sendfile() cannot be asked to leave out */
	if (blocked < 0)
		return blocked;
	control->event = sd_event_ref(event);
	control->handler = options->handler;
	control->gone = options->gone;
	control->userdata = options->userdata;
	control->timeout_us =
		options->timeout_ms ? (uint64_t)options->timeout_ms * 1000 : DEFAULT_TIMEOUT_US;
	for (size_t i = 0; i < ARRAY_LEN(control->listeners); i++)
		control->listeners[i] =
			(struct listener){ .control = control, .socket.fd = -1, .admin = i == 1 };
	int r = control_open(control, options);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(control);
	return 0;
}

struct control *control_free(struct control *control)
{
	if (!control)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(control->listeners); i++)
		listener_close(&control->listeners[i]);
	sd_event_source_disable_unref(control->sweep);
	sd_event_unref(control->event);
	free(control);
	return NULL;
}

void control_freep(struct control **control)
{
	*control = control_free(*control);
}

static struct conn *find(struct control *control, uint64_t token)
{
	for (size_t i = 0; i < ARRAY_LEN(control->listeners) && token; i++)
		for (struct conn *conn = control->listeners[i].conns; conn; conn = conn->next)
			if (conn->token == token)
				return conn;
	return NULL;
}

void control_answer(struct control *control, uint64_t token, cJSON *answer)
{
	struct conn *conn = find(control, token);

	if (conn)
		conn_answer(conn, answer);
	else
		cJSON_Delete(answer);
}

void control_answer_file(struct control *control, uint64_t token, int fd, size_t size)
{
	struct conn *conn = find(control, token);
	int own = conn ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;

	if (own >= 0)
		conn_answer_file(conn, own, size);
	else if (conn)
		conn_answer(conn, NULL);
}

void control_tell(struct control *control, uint64_t token, cJSON *message)
{
	struct conn *conn = find(control, token);

	if (conn)
		conn_tell(conn, message);
	else
		cJSON_Delete(message);
}

unsigned int control_clients(const struct control *control)
{
	return control->listeners[0].n_conns + control->listeners[1].n_conns;
}
