/* SPDX-License-Identifier: GPL-2.0-or-later */
/* This host as a member of its fleet: what the store has for it is applied by netd, as an admin's
 * policy would be, through the same gates; what became of it goes into the host's record.
 *
 * netd decides what is enforced and keeps it, so nothing here can open: with the store away,
 * damaged or older than before the policy in force stays. */
#pragma once

#include <systemd/sd-event.h>

#include "core/base/cleanup.h"
#include "fleet/settings.h"

struct member;

/* @settings is borrowed. 0 or -errno; HTTP_E_URL: an endpoint is of no form that is known. */
int member_new(sd_event *loop, const struct settings *settings, struct member **ret) MUST_CHECK;
struct member *member_free(struct member *member); /* NULL is fine; returns NULL */
void member_freep(struct member **member);
