/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/world/docker-want.h"

#define ALL(key)                        \
	{                               \
		key, NULL, false, false \
	}
#define OF(key, table)                   \
	{                                \
		key, table, false, false \
	}
/* A list of "NAME=value", of which the values are nobody's business. */
#define NAMES(key)                     \
	{                              \
		key, NULL, false, true \
	}
#define END                              \
	{                                \
		NULL, NULL, false, false \
	}

static const struct json_want subnet[] = { ALL("Subnet"), ALL("Gateway"), END };
static const struct json_want ipam[] = { OF("Config", subnet), END };
static const struct json_want endpoint[] = { ALL("Name"),	 ALL("EndpointID"),
					     ALL("MacAddress"),	 ALL("IPv4Address"),
					     ALL("IPv6Address"), END };
static const struct json_want endpoints[] = { OF("*", endpoint), END };

/* Docker's form of a network has few members, but for labels, and options that users write. */
#define NETWORK                                                                               \
	ALL("Id"), ALL("Name"), ALL("Driver"), ALL("Internal"), ALL("Scope"), ALL("Options"), \
		OF("IPAM", ipam)

const struct json_want world_want_networks[] = { NETWORK, END };
const struct json_want world_want_network[] = { NETWORK, OF("Containers", endpoints), END };

static const struct json_want mount[] = { ALL("Source"), END };
static const struct json_want mode[] = { ALL("NetworkMode"), END };
static const struct json_want port[] = { ALL("IP"), ALL("PrivatePort"), ALL("PublicPort"),
					 ALL("Type"), END };

static const struct json_want attached[] = { ALL("NetworkID"), ALL("GwPriority"), END };
static const struct json_want networks[] = { OF("*", attached), END };
static const struct json_want listed_settings[] = { OF("Networks", networks), END };

/* But for the networks. */
#define CONTAINER                                                                        \
	ALL("Id"), ALL("Names"), ALL("Image"), ALL("ImageID"), ALL("State"),             \
		{ "Labels", NULL, true, false }, OF("Ports", port), OF("Mounts", mount), \
		OF("HostConfig", mode)

const struct json_want world_want_containers[] = { CONTAINER,
						   OF("NetworkSettings", listed_settings), END };

static const struct json_want podman_subnet[] = { ALL("subnet"), ALL("gateway"), END };
static const struct json_want podman_options[] = { ALL("isolate"), ALL("mode"), END };

const struct json_want world_want_podman_networks[] = { ALL("id"),
							ALL("name"),
							ALL("driver"),
							ALL("network_interface"),
							ALL("internal"),
							ALL("dns_enabled"),
							OF("subnets", podman_subnet),
							OF("options", podman_options),
							END };

static const struct json_want podman_endpoint[] = { ALL("IPAddress"), ALL("GlobalIPv6Address"),
						    ALL("MacAddress"), END };
static const struct json_want podman_endpoints[] = { OF("*", podman_endpoint), END };
static const struct json_want podman_settings[] = { OF("Networks", podman_endpoints), END };

const struct json_want world_want_podman_network[] = { CONTAINER,
						       OF("NetworkSettings", podman_settings),
						       END };

static const struct json_want binding[] = { ALL("HostIp"), ALL("HostPort"), END };
static const struct json_want bindings[] = { OF("*", binding), END };
static const struct json_want running[] = { ALL("Running"), END };
static const struct json_want settings[] = { OF("Ports", bindings), END };
static const struct json_want log_options[] = { ALL("max-size"), ALL("max-file"), END };
static const struct json_want logging[] = { ALL("Type"), OF("Config", log_options), END };
static const struct json_want given[] = { ALL("CapAdd"),
					  ALL("CapDrop"),
					  ALL("Privileged"),
					  ALL("ReadonlyRootfs"),
					  ALL("SecurityOpt"),
					  ALL("PidMode"),
					  ALL("IpcMode"),
					  ALL("UTSMode"),
					  ALL("UsernsMode"),
					  ALL("NetworkMode"),
					  ALL("Memory"),
					  ALL("MemorySwap"),
					  ALL("NanoCpus"),
					  ALL("CpuQuota"),
					  ALL("PidsLimit"),
					  ALL("Devices"),
					  ALL("DeviceRequests"),
					  ALL("DeviceCgroupRules"),
					  OF("LogConfig", logging),
					  ALL("Dns"),
					  OF("PortBindings", bindings),
					  END };

static const struct json_want health[] = { ALL("Test"),	   ALL("Interval"),    ALL("Timeout"),
					   ALL("Retries"), ALL("StartPeriod"), END };
static const struct json_want made[] = { ALL("User"), ALL("Image"), NAMES("Env"),
					 OF("Healthcheck", health), END };

const struct json_want world_want_inspect[] = { ALL("Id"),
						OF("Config", made),
						OF("State", running),
						OF("Mounts", mount),
						OF("HostConfig", given),
						OF("NetworkSettings", settings),
						END };

static const struct json_want config[] = { { "Labels", NULL, true, false }, END };

const struct json_want world_want_image[] = { ALL("Id"), ALL("RepoDigests"), OF("Config", config),
					      END };

static const struct json_want attributes[] = { ALL("container"), END };
static const struct json_want actor[] = { ALL("ID"), OF("Attributes", attributes), END };

const struct json_want world_want_event[] = { ALL("Type"), ALL("Action"), OF("Actor", actor), END };
