/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One record: its facts packed into one block, and copied out of it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/world/facts.h"
#include "core/world/store.h"

/* A block is written twice: without memory, to learn its size, then into it. Arrays that need
 * alignment come first. */
struct packer {
	char *base; /* NULL: only count */
	size_t used;
};

static const void *pack_record(struct packer *packer, const void *bytes, size_t size)
{
	size_t at = packer->used;

	packer->used += size;
	if (!packer->base)
		return bytes;
	if (size)
		memcpy(packer->base + at, bytes, size);
	return packer->base + at;
}

static const char *pack_text(struct packer *packer, const char *text)
{
	return pack_record(packer, text, strlen(text) + 1);
}

static const char *pack_text_or_null(struct packer *packer, const char *text)
{
	return text ? pack_text(packer, text) : NULL;
}

static struct world_network pack_network(struct packer *packer, const struct world_network *from)
{
	struct world_network to = *from;

	to.subnets = pack_record(packer, from->subnets, from->n_subnets * sizeof(*from->subnets));
	to.gateways =
		pack_record(packer, from->gateways, from->n_gateways * sizeof(*from->gateways));
	to.name = pack_text(packer, from->name);
	to.driver = pack_text(packer, from->driver);
	to.flaw = pack_text_or_null(packer, from->flaw);
	return to;
}

static struct world_container pack_container(struct packer *packer,
					     const struct world_container *from)
{
	struct world_container to = *from;
	size_t size = from->n_labels * sizeof(*from->labels);
	struct world_label *labels = packer->base ? (void *)(packer->base + packer->used) : NULL;

	to.labels = pack_record(packer, from->labels, size);
	to.priorities = pack_record(packer, from->priorities,
				    from->n_priorities * sizeof(*from->priorities));
	to.dns = pack_record(packer, from->dns, from->n_dns * sizeof(*from->dns));
	for (size_t i = 0; i < from->n_labels; i++) {
		struct world_label label = { pack_text(packer, from->labels[i].key),
					     pack_text_or_null(packer, from->labels[i].value),
					     from->labels[i].origin };
		if (labels)
			labels[i] = label;
	}
	to.name = pack_text(packer, from->name);
	to.image = pack_text(packer, from->image);
	to.network_mode = pack_text(packer, from->network_mode);
	to.posture.image = pack_text_or_null(packer, from->posture.image);
	to.flaw = pack_text_or_null(packer, from->flaw);
	to.published = NULL;
	to.n_published = 0;
	return to;
}

struct store_network *store_network_free(struct store_network *network)
{
	if (!network)
		return NULL;
	free(network->block);
	free(network->endpoints);
	free(network->told);
	free(network);
	return NULL;
}

struct store_network *store_network_new(const struct world_network *facts)
{
	struct packer packer = { 0 };
	struct store_network *network = calloc(1, sizeof(*network));

	if (!network)
		return NULL;
	(void)pack_network(&packer, facts);
	network->block_size = packer.used;
	network->block = malloc(packer.used);
	if (!network->block)
		return store_network_free(network);
	packer = (struct packer){ .base = network->block };
	network->facts = pack_network(&packer, facts);
	network->object =
		(struct store_object){ .id = network->facts.id, .name = network->facts.name };
	return network;
}

struct store_container *store_container_free(struct store_container *container)
{
	if (!container)
		return NULL;
	free(container->block);
	free(container->bound.items);
	free(container->configured.items);
	free(container->published.items);
	free(container);
	return NULL;
}

static int copy_ports(const struct world_published *items, size_t n, struct store_ports *ret)
{
	if (n == 0)
		return 0;
	ret->items = malloc(n * sizeof(*items));
	if (!ret->items)
		return -ENOMEM;
	memcpy(ret->items, items, n * sizeof(*items));
	ret->n = n;
	return 0;
}

static bool has_port(const struct store_ports *ports, const struct port_range *port)
{
	for (size_t i = 0; i < ports->n; i++)
		if (ports->items[i].port.proto == port->proto &&
		    ports->items[i].port.lo == port->lo)
			return true;
	return false;
}

/* What was asked for of that port, over its family; one for others than this host before one for
 * this host alone. */
static const struct world_published *find_wish(const struct store_ports *configured,
					       const struct world_published *port)
{
	const struct world_published *found = NULL;

	for (size_t i = 0; i < configured->n; i++) {
		const struct world_published *wish = &configured->items[i];
		if (wish->port.proto == port->port.proto && wish->port.lo == port->port.lo &&
		    wish->host_ip.family == port->host_ip.family &&
		    (!found || ip_is_loopback(&found->host_ip)))
			found = wish;
	}
	return found;
}

/* Of a port that it opens at the container's own address Docker does not tell on which address of
 * the family it was asked for: the wish does. Without one it counts for nothing, NULL. */
static const struct world_published *as_asked_for(const struct store_container *container,
						  const struct world_published *port)
{
	const struct world_published *wish = find_wish(&container->configured, port);

	return port->host_port || (wish && !ip_is_loopback(&wish->host_ip)) ? port : wish;
}

/* What was asked for counts for a port only until Docker has bound that port. @told: Docker tells
 * what it has bound, and not somebody who knows both. */
static int unite_ports(struct store_container *container, bool told)
{
	size_t n = 0, most = container->bound.n + container->configured.n;

	if (most == 0)
		return 0;
	struct world_published *items = malloc(most * sizeof(*items));
	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < container->bound.n; i++) {
		const struct world_published *bound = &container->bound.items[i];
		bound = told ? as_asked_for(container, bound) : bound;
		if (bound)
			items[n++] = *bound;
	}
	container->published = (struct store_ports){ items, n };
	for (size_t i = 0; i < container->configured.n; i++)
		if (!has_port(&container->published, &container->configured.items[i].port))
			items[n++] = container->configured.items[i];
	container->published = (struct store_ports){ items, world_sort_published(items, n) };
	return 0;
}

struct store_container *store_container_new(const struct world_container *facts,
					    const struct store_ports *configured)
{
	struct packer packer = { 0 };
	struct store_container *container = calloc(1, sizeof(*container));

	if (!container)
		return NULL;
	(void)pack_container(&packer, facts);
	container->block_size = packer.used;
	container->block = malloc(packer.used);
	if (!container->block ||
	    copy_ports(facts->published, facts->n_published, &container->bound) < 0 ||
	    (configured &&
	     copy_ports(configured->items, configured->n, &container->configured) < 0) ||
	    unite_ports(container, configured) < 0)
		return store_container_free(container);
	packer = (struct packer){ .base = container->block };
	container->facts = pack_container(&packer, facts);
	container->object =
		(struct store_object){ .id = container->facts.id, .name = container->facts.name };
	return container;
}

/* ---- copies for a snapshot ---- */

/* Blocks of a snapshot follow each other; each starts aligned. */
static size_t aligned(size_t size)
{
	return (size + sizeof(void *) - 1) / sizeof(void *) * sizeof(void *);
}

size_t store_network_room(const struct store_network *network)
{
	return aligned(network->block_size);
}

size_t store_container_room(const struct store_container *container)
{
	return aligned(container->block_size) +
	       aligned(container->published.n * sizeof(struct world_published));
}

static void *copy_out(char **room, const void *bytes, size_t size)
{
	char *at = *room;

	if (size)
		memcpy(at, bytes, size);
	*room += aligned(size);
	return at;
}

/* The place in @copy that @pointer has in @block. */
static const void *moved(const void *pointer, const void *block, const char *copy)
{
	return !pointer ? NULL : copy + ((const char *)pointer - (const char *)block);
}

struct world_network store_network_copy(const struct store_network *network, char **room)
{
	const void *block = network->block;
	const char *copy = copy_out(room, block, network->block_size);
	struct world_network facts = network->facts;

	facts.name = moved(facts.name, block, copy);
	facts.driver = moved(facts.driver, block, copy);
	facts.flaw = moved(facts.flaw, block, copy);
	facts.subnets = moved(facts.subnets, block, copy);
	facts.gateways = moved(facts.gateways, block, copy);
	return facts;
}

struct world_container store_container_copy(const struct store_container *container, char **room)
{
	const void *block = container->block;
	char *copy = copy_out(room, block, container->block_size);
	struct world_label *labels = (void *)copy; /* the block begins with them */
	struct world_container facts = container->facts;

	for (size_t i = 0; i < facts.n_labels; i++) {
		labels[i].key = moved(labels[i].key, block, copy);
		labels[i].value = moved(labels[i].value, block, copy);
	}
	facts.labels = labels;
	facts.dns = moved(facts.dns, block, copy);
	facts.priorities = moved(facts.priorities, block, copy);
	facts.name = moved(facts.name, block, copy);
	facts.image = moved(facts.image, block, copy);
	facts.network_mode = moved(facts.network_mode, block, copy);
	facts.posture.image = moved(facts.posture.image, block, copy);
	facts.flaw = moved(facts.flaw, block, copy);
	facts.published = copy_out(room, container->published.items,
				   container->published.n * sizeof(*facts.published));
	facts.n_published = container->published.n;
	return facts;
}
