/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/compile/entries.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

bool match_names_container(const struct policy_match *match)
{
	return match->compose_project || match->compose_service || match->container ||
	       match->image || match->n_labels || match->endpoint;
}

static bool is_exact(const char *glob)
{
	return glob && !strpbrk(glob, "*?");
}

/* Any one of its labels will do; the service tells more than the project. */
static void find_key(struct match_entry *entry)
{
	const struct policy_match *match = entry->match;

	for (size_t i = 0; i < match->n_labels && !entry->key; i++)
		if (is_exact(match->labels[i].value)) {
			entry->key = match->labels[i].key;
			entry->value = match->labels[i].value;
		}
	if (!entry->key && is_exact(match->compose_service)) {
		entry->key = "com.docker.compose.service";
		entry->value = match->compose_service;
	}
	if (!entry->key && is_exact(match->compose_project)) {
		entry->key = "com.docker.compose.project";
		entry->value = match->compose_project;
	}
}

static int by_label(const void *left, const void *right)
{
	const struct match_entry *a = *(const struct match_entry *const *)left;
	const struct match_entry *b = *(const struct match_entry *const *)right;
	int order = strcmp(a->key, b->key);

	if (order == 0)
		order = strcmp(a->value, b->value);
	return order ? order : (a > b) - (a < b);
}

static void sort_by_label(struct match_entries *entries)
{
	size_t n = 0;

	for (size_t i = 0; i < entries->n; i++)
		if (entries->all[i].key)
			entries->by_label[n++] = &entries->all[i];
	if (n)
		qsort(entries->by_label, n, sizeof(struct match_entry *), by_label);
	for (size_t i = 0; i < n; i++) {
		const char *key = entries->by_label[i]->key;
		if (i == 0 || strcmp(entries->by_label[i - 1]->key, key) != 0)
			entries->keys[entries->n_keys++] = (struct match_key){ key, i, 0 };
		entries->keys[entries->n_keys - 1].n++;
	}
}

int match_entries_make(const struct policy *policy, struct arena *arena, struct match_entries *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < policy->n_tiers; i++)
		n += policy->tiers[i].n_matches;
	struct match_entry *all = arena_alloc(arena, n * sizeof(*all));
	*ret = (struct match_entries){
		.all = all,
		.by_label = arena_alloc(arena, n * sizeof(struct match_entry *)),
		.keys = arena_alloc(arena, n * sizeof(struct match_key)),
		.of_network = arena_alloc(arena, n * sizeof(struct match_entry *)),
		.of_container = arena_alloc(arena, n * sizeof(struct match_entry *)),
	};
	if (!all || !ret->by_label || !ret->keys || !ret->of_network || !ret->of_container)
		return -ENOMEM;
	for (uint32_t i = 0; i < policy->n_tiers; i++)
		for (size_t m = 0; m < policy->tiers[i].n_matches; m++) {
			const struct policy_match *match = &policy->tiers[i].matches[m];
			struct match_entry *entry = &all[ret->n++];
			*entry = (struct match_entry){ .match = match,
						       .tier = i,
						       .strength = match_names_container(match)
									   ? 2
									   : 1 };
			find_key(entry);
		}
	sort_by_label(ret);
	return 0;
}

static bool allows_network(const struct match_entry *entry, const struct world_network *network)
{
	return !entry->match->network || text_glob(entry->match->network, network->name);
}

void match_entries_of_network(struct match_entries *entries, const struct world_network *network)
{
	entries->n_of_network = 0;
	for (size_t i = 0; i < entries->n; i++)
		if (!entries->all[i].key && allows_network(&entries->all[i], network))
			entries->of_network[entries->n_of_network++] = &entries->all[i];
}

/* Keeps of_container in order. */
static void insert(struct match_entries *entries, const struct match_entry *entry)
{
	size_t i = entries->n_of_container++;

	for (; i > 0 && entries->of_container[i - 1] > entry; i--)
		entries->of_container[i] = entries->of_container[i - 1];
	entries->of_container[i] = entry;
}

/* The first entry of that key whose value is not before @value, as an index of by_label. */
static size_t find_value(const struct match_entries *entries, const struct match_key *key,
			 const char *value)
{
	size_t lo = key->first, hi = key->first + key->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (strcmp(entries->by_label[mid]->value, value) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void add_by_key(struct match_entries *entries, const struct match_key *key,
		       const struct world_network *network, const struct world_label *label)
{
	for (size_t i = find_value(entries, key, label->value); i < key->first + key->n; i++) {
		const struct match_entry *entry = entries->by_label[i];
		if (strcmp(entry->value, label->value) != 0)
			return;
		if (allows_network(entry, network))
			insert(entries, entry);
	}
}

/* A label that was left out may have any value. */
static void add_all_with_key(struct match_entries *entries, const struct world_network *network)
{
	for (size_t i = 0; i < entries->n; i++)
		if (entries->all[i].key && allows_network(&entries->all[i], network))
			insert(entries, &entries->all[i]);
}

void match_entries_of_container(struct match_entries *entries, const struct world_network *network,
				const struct world_container *container)
{
	memcpy(entries->of_container, entries->of_network,
	       entries->n_of_network * sizeof(struct match_entry *));
	entries->n_of_container = entries->n_of_network;
	if (container->labels_cut) {
		add_all_with_key(entries, network);
		return;
	}
	for (size_t i = 0; i < entries->n_keys; i++) {
		const struct match_key *key = &entries->keys[i];
		const struct world_label *label = world_find_label(container, key->key);
		if (label && label->value)
			add_by_key(entries, key, network, label);
	}
}
