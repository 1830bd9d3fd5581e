/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Capabilities by name and number, and how Docker makes one set of what is added and dropped
 * (daemon/pkg/oci/caps of moby: ALL among the added beats ALL among the dropped). */
#include <string.h>
#include <strings.h>

#include "core/base/text.h"
#include "core/posture/posture.h"

/* By the numbers of include/uapi/linux/capability.h. */
static const char *const names[] = {
	"CHOWN",
	"DAC_OVERRIDE",
	"DAC_READ_SEARCH",
	"FOWNER",
	"FSETID",
	"KILL",
	"SETGID",
	"SETUID",
	"SETPCAP",
	"LINUX_IMMUTABLE",
	"NET_BIND_SERVICE",
	"NET_BROADCAST",
	"NET_ADMIN",
	"NET_RAW",
	"IPC_LOCK",
	"IPC_OWNER",
	"SYS_MODULE",
	"SYS_RAWIO",
	"SYS_CHROOT",
	"SYS_PTRACE",
	"SYS_PACCT",
	"SYS_ADMIN",
	"SYS_BOOT",
	"SYS_NICE",
	"SYS_RESOURCE",
	"SYS_TIME",
	"SYS_TTY_CONFIG",
	"MKNOD",
	"LEASE",
	"AUDIT_WRITE",
	"AUDIT_CONTROL",
	"SETFCAP",
	"MAC_OVERRIDE",
	"MAC_ADMIN",
	"SYSLOG",
	"WAKE_ALARM",
	"BLOCK_SUSPEND",
	"AUDIT_READ",
	"PERFMON",
	"BPF",
	"CHECKPOINT_RESTORE",
};

/* What Docker gives a container that asks for nothing. */
static const char *const defaults[] = {
	"CHOWN",   "DAC_OVERRIDE", "FSETID",	       "FOWNER",
	"MKNOD",   "NET_RAW",	   "SETGID",	       "SETUID",
	"SETFCAP", "SETPCAP",	   "NET_BIND_SERVICE", "SYS_CHROOT",
	"KILL",	   "AUDIT_WRITE",
};

const char *posture_capability_name(unsigned int number)
{
	return number < ARRAY_LEN(names) ? names[number] : NULL;
}

uint64_t posture_capability(const char *name)
{
	if (strncasecmp(name, "CAP_", 4) == 0)
		name += 4;
	if (strcasecmp(name, "ALL") == 0)
		return POSTURE_ALL_CAPABILITIES;
	for (unsigned int i = 0; i < ARRAY_LEN(names); i++)
		if (strcasecmp(names[i], name) == 0)
			return UINT64_C(1) << i;
	return 0;
}

static uint64_t default_capabilities(void)
{
	uint64_t all = 0;

	for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
		all |= posture_capability(defaults[i]);
	return all;
}

void posture_note_capability(struct posture_capabilities *all, const char *name, bool dropped)
{
	uint64_t bits = posture_capability(name);

	if (bits == POSTURE_ALL_CAPABILITIES) {
		*(dropped ? &all->drops_all : &all->adds_all) = true;
		return;
	}
	/* One that a newer kernel has: to drop it takes nothing away that we know of. */
	all->unknown |= bits == 0 && !dropped;
	*(dropped ? &all->dropped : &all->added) |= bits;
}

void posture_set_capabilities(struct posture *posture, const struct posture_capabilities *all)
{
	uint64_t given = default_capabilities(), has;

	if (all->adds_all)
		has = POSTURE_ALL_CAPABILITIES & ~all->dropped;
	else
		has = (all->drops_all ? 0 : given & ~all->dropped) | all->added;
	if (posture->facts[POSTURE_PRIVILEGED] != POSTURE_NO || all->unknown)
		has = POSTURE_ALL_CAPABILITIES;
	posture->capabilities = has;
	posture->facts[POSTURE_DROPS_ALL] = posture_of(all->drops_all && !all->adds_all);
	posture->facts[POSTURE_ADDS] =
		posture_of(all->unknown || all->adds_all || (all->added & ~given));
}
