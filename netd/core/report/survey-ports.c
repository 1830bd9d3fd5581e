/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Look-ups of a survey: what its classes publish, and the prefixes that rules name. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/report/print.h"
#include "core/report/survey.h"

struct found_port {
	uint32_t class, endpoint;
	struct port_range port;
	uint8_t family;
	/* Reached by this host alone; by nobody, as it is admitted through no port; by nobody, as
	 * behind docker-proxy it does not show which of several classes answers; Docker lets nobody
	 * in, as the network is internal or docker-proxy is off. */
	bool loopback, closed, mixed, dropped;
	bool routed; /* it is at the endpoint's own address */
};
typedef VEC(struct found_port) found_ports;

/* The most open one first. */
static int by_found_port(const void *left, const void *right)
{
	const struct found_port *a = left, *b = right;

	if (a->class != b->class)
		return a->class < b->class ? -1 : 1;
	if (a->port.proto != b->port.proto)
		return (int)a->port.proto - (int)b->port.proto;
	if (a->port.lo != b->port.lo)
		return (int)a->port.lo - (int)b->port.lo;
	if (a->loopback != b->loopback)
		return a->loopback ? 1 : -1;
	if (a->closed != b->closed)
		return a->closed ? 1 : -1;
	if (a->mixed != b->mixed)
		return a->mixed ? 1 : -1;
	if (a->dropped != b->dropped)
		return a->dropped ? 1 : -1;
	return a->endpoint < b->endpoint ? -1 : a->endpoint > b->endpoint;
}

static bool is_of_several_classes(const struct survey *survey, uint32_t container)
{
	uint32_t class = SURVEY_NONE;

	for (uint32_t e = survey->first_of[container]; e < survey->first_of[container + 1]; e++) {
		if (!world_may_publish(survey->world, e))
			continue;
		if (class != SURVEY_NONE && survey->class_of[e] != class)
			return true;
		class = survey->class_of[e];
	}
	return false;
}

static int note_ports(const struct survey *survey, uint32_t endpoint, found_ports *list)
{
	const struct world_endpoint *e = &survey->world->endpoints[endpoint];
	const struct world_container *container = &survey->world->containers[e->container];
	int r = 0;

	if (survey->class_of[endpoint] == SURVEY_NONE)
		return 0;
	for (size_t i = 0; i < container->n_published && r == 0; i++) {
		const struct world_published *published = &container->published[i];
		enum ip_family family = (enum ip_family)published->host_ip.family;
		uint32_t publisher = world_publisher(survey->world, e->container, family);
		enum world_publishing how = world_publishing(survey->world, endpoint, family);
		bool proxied = how == WORLD_PUBLISHES_PROXY;
		if (publisher != endpoint && publisher != WORLD_NO_ENDPOINT)
			continue;
		struct found_port found = { survey->class_of[endpoint],
					    endpoint,
					    published->port,
					    published->host_ip.family,
					    ip_is_loopback(&published->host_ip),
					    !survey_is_admitted(survey, endpoint),
					    proxied && is_of_several_classes(survey, e->container),
					    (proxied && survey->world->no_proxy) ||
						    survey->world->networks[e->network].internal,
					    how == WORLD_PUBLISHES_ROUTED };
		r = VEC_PUSH(survey->arena, list, found);
	}
	return r;
}

typedef VEC(struct survey_opening) opening_list;

/* @port comes in order: it belongs to the last opening or begins one. */
static int note_opening(const struct survey *survey, const struct found_port *port,
			opening_list *list)
{
	const struct survey_opening new = { .class = port->class,
					    .port = port->port,
					    .endpoint = { SURVEY_NONE, SURVEY_NONE },
					    .routed = { SURVEY_NONE, SURVEY_NONE } };
	size_t family = port->family == IP_V6;
	struct survey_opening *last = list->n ? &list->items[list->n - 1] : NULL;

	if (!last || last->class != port->class || last->port.proto != port->port.proto ||
	    last->port.lo != port->port.lo) {
		if (VEC_PUSH(survey->arena, list, new) < 0)
			return -ENOMEM;
		last = &list->items[list->n - 1];
	}
	if (last->endpoint[family] == SURVEY_NONE) {
		last->endpoint[family] = port->endpoint;
		last->loopback[family] = port->loopback;
	}
	if (port->routed && last->routed[family] == SURVEY_NONE)
		last->routed[family] = port->endpoint;
	last->several[family] |= port->routed && last->routed[family] != port->endpoint;
	return 0;
}

/* What is said of one holds for the other. */
static bool is_alike(const struct survey_opening *a, const struct survey_opening *b)
{
	bool several = a->several[0] || a->several[1] || b->several[0] || b->several[1];

	return !several && memcmp(a->routed, b->routed, sizeof(a->routed)) == 0 &&
	       a->class == b->class && a->port.proto == b->port.proto &&
	       memcmp(a->endpoint, b->endpoint, sizeof(a->endpoint)) == 0 &&
	       memcmp(a->loopback, b->loopback, sizeof(a->loopback)) == 0;
}

/* Neighbouring ports that the same endpoints have, for the same, are one opening. */
static void join_openings(opening_list *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->n; i++) {
		struct survey_opening *last = kept ? &list->items[kept - 1] : NULL;
		const struct survey_opening *next = &list->items[i];
		if (last && last->port.hi + 1 == next->port.lo && is_alike(last, next))
			last->port.hi = next->port.hi;
		else
			list->items[kept++] = *next;
	}
	list->n = kept;
}

int survey_find_openings(struct survey *survey)
{
	opening_list list = { 0 };
	found_ports found = { 0 };
	int r = 0;

	for (uint32_t e = 0; e < survey->world->n_endpoints && r == 0; e++)
		r = note_ports(survey, e, &found);
	if (found.n)
		qsort(found.items, found.n, sizeof(*found.items), by_found_port);
	for (size_t i = 0; i < found.n && r == 0; i++)
		r = note_opening(survey, &found.items[i], &list);
	join_openings(&list);
	survey->openings = list.items;
	survey->n_openings = list.n;
	return r;
}

/* Whether all of the opening comes before the port, in the order of openings. */
static bool is_before(const struct survey_opening *opening, uint32_t class,
		      const struct port_range *port)
{
	if (opening->class != class)
		return opening->class < class;
	if (opening->port.proto != port->proto)
		return opening->port.proto < port->proto;
	return opening->port.hi < port->lo;
}

uint32_t survey_opening_from(const struct survey *survey, uint32_t class,
			     const struct port_range *port)
{
	uint32_t low = 0, high = (uint32_t)survey->n_openings;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (is_before(&survey->openings[middle], class, port))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint32_t survey_opening_at(const struct survey *survey, uint32_t class,
			   const struct port_range *port)
{
	uint32_t i = survey_opening_from(survey, class, port);
	const struct survey_opening *at = &survey->openings[i];

	return i < survey->n_openings && at->class == class && at->port.proto == port->proto &&
			       at->port.lo <= port->lo
		       ? i
		       : SURVEY_NONE;
}

/* ---- prefixes ---- */

uint32_t survey_prefix_at(const struct survey *survey, const struct ip_prefix *prefix)
{
	uint32_t low = 0, high = (uint32_t)survey->n_prefixes;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct ip_prefix *at = &survey->prefixes[middle];
		int order = ip_compare(&prefix->addr, &at->addr);
		order = order ? order : (int)prefix->len - (int)at->len;
		if (order == 0)
			return middle;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return SURVEY_NONE;
}
