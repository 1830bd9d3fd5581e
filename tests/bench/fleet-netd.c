/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/bench/fleet-netd.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/hash.h"
#include "core/base/limits.h"
#include "core/base/lines.h"
#include "core/wire/wire.h"
#include "edge/base/clock.h"
#include "edge/loop/loop.h"

/* What netd knows of one host. */
struct place {
	char name[BENCH_NAME_LEN];
	unsigned n_taken;
	bool is_followed;
	char *text; /* the other hosts, as it was told */
};

struct door {
	struct place *place;
	sd_event *loop;
	int fd;
};

struct caller {
	struct place *place;
	int fd;
	struct lines lines;
	sd_event_source *io;
};

/* ---- names ---- */

const char *bench_name(size_t i, char ret[BENCH_NAME_LEN])
{
	(void)snprintf(ret, BENCH_NAME_LEN, "h%05u", (unsigned)i);
	return ret;
}

int bench_folder(const char *folder, size_t i, char ret[BENCH_PATH_LEN])
{
	char name[BENCH_NAME_LEN];
	int len = snprintf(ret, BENCH_PATH_LEN, "%s/%s", folder, bench_name(i, name));

	if (len < 0 || len >= BENCH_PATH_LEN)
		return -ENAMETOOLONG;
	return mkdir(ret, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

/* ---- answers ---- */

static void say(const struct place *place, const char *what, const char *more)
{
	(void)printf("%s %s %" PRIu64 "%s\n", what, place->name, clock_monotonic_us(), more);
	(void)fflush(stdout);
}

static void take_policy(struct place *place, cJSON *report)
{
	char more[16];

	place->n_taken++;
	(void)snprintf(more, sizeof(more), " %u", place->n_taken);
	say(place, "applied", more);
	(void)cJSON_AddNumberToObject(report, "generation", place->n_taken);
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; (text = strchr(text, '\n')); text++)
		n++;
	return n;
}

static void take_hosts(struct place *place, const cJSON *request, cJSON *report)
{
	const char *text = wire_string(request, "text");
	const cJSON *store = cJSON_GetObjectItemCaseSensitive(request, "store");
	bool is_followed = wire_bool(store, "followed", false);
	char more[24], stamp[16], digest[HASH_TEXT_LEN];

	if (store && is_followed != place->is_followed) {
		place->is_followed = is_followed;
		say(place, is_followed ? "followed" : "lost", "");
	}
	if (text) {
		free(place->text);
		place->text = strdup(text);
		(void)snprintf(more, sizeof(more), " %zu", count_lines(text));
		say(place, "told", more);
	}
	const char *known = place->text ? place->text : "";
	(void)snprintf(stamp, sizeof(stamp), "%u", place->n_taken);
	(void)hash_format(hash_add(HASH_BEGIN, known, strlen(known)), digest);
	(void)cJSON_AddNumberToObject(report, "grace_s", 600);
	(void)cJSON_AddBoolToObject(report, "named", true);
	(void)cJSON_AddStringToObject(report, "digest", place->text ? digest : "");
	(void)cJSON_AddStringToObject(report, "stamp", stamp);
	if (!text && !store)
		(void)cJSON_AddStringToObject(report, "text", known);
}

/* What of netd's status goes into a record. */
static void tell_status(const struct place *place, cJSON *report)
{
	(void)cJSON_AddStringToObject(report, "version", NETD_VERSION);
	(void)cJSON_AddStringToObject(report, "mode", "enforce");
	(void)cJSON_AddNumberToObject(report, "policy_generation", place->n_taken);
	(void)cJSON_AddNumberToObject(report, "tiers", 3);
	(void)cJSON_AddNumberToObject(report, "endpoints", 30);
	(void)cJSON_AddStringToObject(cJSON_AddObjectToObject(report, "docker"), "link", "up");
	(void)cJSON_AddStringToObject(cJSON_AddObjectToObject(report, "kernel"), "holds",
				      "committed");
}

static char *answer(struct place *place, const cJSON *request, size_t *ret_len)
{
	const char *verb = wire_string(request, "verb");
	cJSON *root = cJSON_CreateObject();
	cJSON *report = cJSON_AddObjectToObject(root, "report");

	(void)cJSON_AddNumberToObject(root, "v", 1);
	(void)cJSON_AddStringToObject(root, "code", "ok");
	if (verb && strcmp(verb, "apply") == 0)
		take_policy(place, report);
	else if (verb && strcmp(verb, "hosts") == 0)
		take_hosts(place, request, report);
	else
		tell_status(place, report);
	char *line = wire_print(root, ret_len);
	cJSON_Delete(root);
	return line;
}

/* ---- who asks ---- */

static void hang_up(struct caller *caller)
{
	(void)sd_event_source_disable_unref(caller->io);
	(void)close(caller->fd);
	lines_done(&caller->lines);
	free(caller);
}

static int on_question(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct caller *caller = userdata;
	char bytes[65536];
	const char *line;
	size_t len;
	ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	(void)source;
	(void)revents;
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0 || lines_add(&caller->lines, bytes, (size_t)n) < 0) {
		hang_up(caller);
		return 0;
	}
	if (lines_next(&caller->lines, &line, &len) != LINES_LINE)
		return 0;
	cJSON *request = cJSON_ParseWithLength(line, len);
	CLEANUP(free_ptr) char *said = answer(caller->place, request, &len);
	cJSON_Delete(request);
	/* As much as a socket takes at once: the longest is the list of hosts at the start. */
	if (!said || send(fd, said, len, MSG_NOSIGNAL) != (ssize_t)len)
		hang_up(caller);
	return 0;
}

static int on_caller(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct door *door = userdata;
	struct caller *caller = calloc(1, sizeof(*caller));

	(void)source;
	(void)revents;
	if (!caller)
		return -ENOMEM;
	caller->place = door->place;
	caller->fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	lines_init(&caller->lines, LIMIT_REQUEST_BYTES, LINES_ONE_READ);
	const struct loop_io io = { "caller", caller->fd, EPOLLIN, 0, on_question, caller };
	int r = caller->fd < 0 ? -errno : loop_add_io(door->loop, &io, &caller->io);
	if (r < 0)
		hang_up(caller);
	return r;
}

/* ---- life ---- */

static int listen_at(sd_event *loop, struct place *place, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct door *door = calloc(1, sizeof(*door));
	sd_event_source *source;

	if (!door || strlen(path) >= sizeof(addr.sun_path))
		return door ? -ENAMETOOLONG : -ENOMEM;
	(void)stpcpy(addr.sun_path, path);
	*door = (struct door){ place, loop, socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	if (door->fd < 0 || bind(door->fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(door->fd, 16) < 0)
		return -errno;
	const struct loop_io io = { "door", door->fd, EPOLLIN, 0, on_caller, door };
	return loop_add_io(loop, &io, &source);
}

static int listen_for(sd_event *loop, const char *folder, size_t i)
{
	struct place *place = calloc(1, sizeof(*place));
	char below[BENCH_PATH_LEN], path[WIRE_PATH_LEN], admin[WIRE_PATH_LEN];
	int r = place ? bench_folder(folder, i, below) : -ENOMEM;

	if (r < 0)
		return r;
	(void)bench_name(i, place->name);
	if ((size_t)snprintf(path, sizeof(path), "%s/netd.sock", below) >= sizeof(path))
		return -ENAMETOOLONG;
	r = wire_admin_path(path, admin);
	if (r == 0)
		r = listen_at(loop, place, path);
	return r == 0 ? listen_at(loop, place, admin) : r;
}

static int serve(const char *folder, size_t first, size_t n, int ready)
{
	sd_event *loop = NULL;
	int r = sd_event_new(&loop);

	for (size_t i = first; i < first + n && r >= 0; i++)
		r = listen_for(loop, folder, i);
	if (r < 0)
		return r;
	(void)close(ready);
	return sd_event_loop(loop);
}

int bench_netd_start(const char *folder, size_t first, size_t n)
{
	int ready[2];
	char byte;

	if (pipe(ready) < 0)
		return -errno;
	pid_t pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)close(ready[0]);
		int r = serve(folder, first, n, ready[1]);
		(void)fprintf(stderr, "fleet-netd: %s\n", strerror(-r));
		_exit(1);
	}
	(void)close(ready[1]);
	ssize_t len = read(ready[0], &byte, 1); /* its end: it listens, or has ended */
	(void)close(ready[0]);
	return len == 0 ? 0 : -EIO;
}
