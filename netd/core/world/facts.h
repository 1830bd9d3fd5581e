/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What whoever makes a struct world needs: which names and addresses can be, and the orders that
 * it promises. */
#pragma once

#include "core/base/cleanup.h"
#include "core/world/world.h"

/* 1 to 64 letters, digits, '_', '.', '-', the first a letter or digit: safe in a URL path. */
bool world_id_valid(const char *id);
void world_id_copy(char ret[WORLD_ID_LEN], const char *id); /* of a valid id */
/* What the kernel takes as an interface name and keeps as it is, of whatever letters
 * (dev_valid_name; a % is a place for a number). U+FFFD stands for bytes that Docker could not
 * write down. */
bool world_ifname_valid(const char *name);
/* "br-" and the first 12 characters of the id: what Docker calls a bridge by default. */
void world_bridge_default(char ret[WORLD_IFNAME_LEN], const char *id);
/* An address that one container can have: not unspecified, loopback, multicast or broadcast. */
bool world_address_possible(const struct ip_addr *addr);

/* What it means to be given a capability ("NET_ADMIN", "CAP_BPF", "ALL"; capitals), or a folder or
 * file of the host: of enum world_trait. */
uint32_t world_capability_traits(const char *capability);
uint32_t world_mount_traits(const char *source);

/* The orders that struct world promises. */
int world_compare_labels(const void *left, const void *right);
int world_compare_published(const void *left, const void *right);
/* Sorts and drops repetitions; the new length. */
size_t world_sort_published(struct world_published *items, size_t n);
