/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "reader/proxy.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/base/limits.h"
#include "edge/journal/journal.h"
#include "edge/loop/loop.h"
#include "reader/relay.h"

#define DEFAULT_TIMEOUT_US UINT64_C(10000000)
/* Refusals said in one minute; netd itself makes none, and whoever makes them shall not fill the
 * log. */
#define MOST_SAID 10u
#define SAID_US UINT64_C(60000000)

struct proxy {
	struct proxy_options options;
	sd_event *loop;
	sd_event_source *io;
	struct relay *relays[LIMIT_READER_CLIENTS];
	size_t n_relays;
	uint64_t said_since_us;
	unsigned int n_said, n_unsaid;
};

/* ---- what is said ---- */

static void say(struct proxy *proxy, const char *why)
{
	uint64_t now = loop_turn_us(proxy->loop);

	if (now - proxy->said_since_us >= SAID_US) {
		if (proxy->n_unsaid)
			log_warning(LOG_ID_READER_REFUSED, "%u more were refused in that minute",
				    proxy->n_unsaid);
		proxy->said_since_us = now;
		proxy->n_said = proxy->n_unsaid = 0;
	}
	if (proxy->n_said < MOST_SAID) {
		proxy->n_said++;
		log_warning(LOG_ID_READER_REFUSED, "refused, and Docker was not asked: %s", why);
	} else
		proxy->n_unsaid++;
}

static void on_refused(void *userdata, const char *why)
{
	say(userdata, why);
}

/* ---- clients ---- */

static void accept_if_room(const struct proxy *proxy)
{
	bool room = proxy->n_relays < LIMIT_READER_CLIENTS;

	(void)sd_event_source_set_enabled(proxy->io, room ? SD_EVENT_ON : SD_EVENT_OFF);
}

static void on_closed(void *userdata, struct relay *relay)
{
	struct proxy *proxy = userdata;
	size_t i = 0;

	while (proxy->relays[i] != relay)
		i++;
	proxy->relays[i] = proxy->relays[--proxy->n_relays];
	accept_if_room(proxy);
}

/* By the kernel's word, not by the mode of a file alone. */
static bool may_ask(const struct proxy *proxy, int client)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(client, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return false;
	return cred.uid == 0 || cred.uid == proxy->options.peer;
}

static int on_connect(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct proxy *proxy = userdata;
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)source;
	(void)revents;
	/* Out of descriptors or memory: nothing here could mend it. systemd starts the reader anew,
	 * and netd asks again. */
	if (client < 0)
		return errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM
			       ? -errno
			       : 0;
	if (!may_ask(proxy, client)) {
		(void)close(client);
		say(proxy, "a client that is neither netd nor root");
		return 0;
	}
	const struct relay_options options = { client, proxy->options.docker,
					       proxy->options.timeout_us };
	const struct relay_owner owner = { on_closed, on_refused, proxy };
	int r = relay_new(proxy->loop, &options, &owner, &proxy->relays[proxy->n_relays]);
	if (r < 0)
		return r;
	proxy->n_relays++;
	accept_if_room(proxy);
	return 0;
}

/* ---- life ---- */

struct proxy *proxy_free(struct proxy *proxy)
{
	if (!proxy)
		return NULL;
	for (size_t i = 0; i < proxy->n_relays; i++)
		(void)relay_free(proxy->relays[i]);
	(void)sd_event_source_disable_unref(proxy->io);
	(void)sd_event_unref(proxy->loop);
	free(proxy);
	return NULL;
}

void proxy_freep(struct proxy **proxy)
{
	*proxy = proxy_free(*proxy);
}

int proxy_new(sd_event *loop, const struct proxy_options *options, struct proxy **ret)
{
	CLEANUP(proxy_freep) struct proxy *proxy = calloc(1, sizeof(*proxy));

	if (!proxy)
		return -ENOMEM;
	proxy->loop = sd_event_ref(loop);
	proxy->options = *options;
	if (!proxy->options.timeout_us)
		proxy->options.timeout_us = DEFAULT_TIMEOUT_US;
	const struct loop_io io = { "listen", options->fd, EPOLLIN, 0, on_connect, proxy };
	int r = loop_add_io(loop, &io, &proxy->io);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(proxy);
	return 0;
}
