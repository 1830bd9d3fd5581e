/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Capabilities and sysctls. */
#include "edge/host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "edge/base/fd.h"

int host_check_capabilities(const char **ret_name)
{
	static const struct {
		unsigned int cap;
		const char *name;
	} needed[] = {
		{ CAP_NET_ADMIN, "CAP_NET_ADMIN" },
	};
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
		uint32_t bit = UINT32_C(1) << (needed[i].cap % 32);

		if (data[needed[i].cap / 32].effective & bit)
			continue;
		*ret_name = needed[i].name;
		return HOST_E_MISSING;
	}
	return 0;
}

static const char *bridge_nf_path(enum ip_family family)
{
	return family == IP_V6 ? "/proc/sys/net/bridge/bridge-nf-call-ip6tables"
			       : "/proc/sys/net/bridge/bridge-nf-call-iptables";
}

int host_bridge_nf_get(enum ip_family family, bool *ret)
{
	char digit = '0';
	CLEANUP(fd_close) int fd = open(bridge_nf_path(family), O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	ssize_t n = read(fd, &digit, 1);
	if (n != 1)
		return n < 0 ? -errno : -EIO;
	*ret = digit != '0';
	return 0;
}
