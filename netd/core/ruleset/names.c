/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which names nft reads back. It lists any name but refuses its own words when loading. */
#include "core/ruleset/ruleset.h"

#include <stdlib.h>
#include <string.h>

/* NFT_NAME_MAXLEN is 256, but older tools stop here. */
#define NAME_MAX_LEN 127u

/* The words of nft's scanner (1.0.6 to 1.1.x) that look like a name. Sorted. */
/* clang-format off */
static const char *const reserved[] = {
	"a-rwnd", "abort", "accept", "ackseq", "add", "addr", "ah", "all", "and", "arp", "asconf",
	"asconf-ack", "auto-merge", "avgpkt", "bridge", "burst", "bypass", "bytes", "cfi", "cgroup",
	"cgroupv2", "chain", "chains", "checksum", "chunk", "classid", "code", "comment", "comp",
	"constant", "continue", "cookie-ack", "cookie-echo", "count", "counter", "counters", "cpi",
	"cpu", "create", "csumcov", "ct", "cum-tsn-ack", "cwr", "daddr", "data", "day", "dccp",
	"define", "dei", "delete", "describe", "destroy", "device", "devices", "direction", "dnat",
	"doff", "dport", "drop", "dscp", "dst", "dup", "dynamic", "echo", "ecn", "ecne", "element",
	"elements", "eol", "eq", "error", "esp", "ether", "event", "exists", "expectation",
	"expiration", "expires", "export", "exthdr", "fanout", "fastopen", "fib", "flags", "flow",
	"flowlabel", "flowtable", "flowtables", "flush", "forward-tsn", "frag", "frag-off",
	"fully-random", "fwd", "gateway", "gc-interval", "ge", "geneve", "get", "goto", "gre",
	"gretap", "group", "gt", "handle", "hbh", "hdrlength", "heartbeat", "heartbeat-ack",
	"helper", "helpers", "hlen", "hook", "hooks", "hoplimit", "hour", "htype", "ibriport",
	"ibrname", "icmp", "icmpv6", "icmpx", "id", "igmp", "iif", "iifgroup", "iifname", "iiftype",
	"import", "in", "inc", "include", "index", "inet", "init", "init-ack", "init-tag",
	"initial-tsn", "inner", "insert", "interval", "ip", "ip6", "ipsec", "jhash", "json", "jump",
	"l3proto", "label", "last", "last-entry", "le", "left", "length", "level", "limit",
	"limits", "list", "ll", "log", "lowest-tsn", "lshift", "lsrr", "lt", "map", "maps", "mark",
	"masquerade", "max-delay", "maxseg", "md5sig", "memory", "meta", "meter", "meters", "mh",
	"minute", "missing", "mod", "monitor", "more-fragments", "mptcp", "mrt", "mss", "mtu",
	"name", "ne", "netdev", "new-cum-tsn", "nexthdr", "nexthop", "nftrace", "nh", "noop", "nop",
	"not", "notrack", "num", "num-dup-tsns", "num-gap-ack-blocks", "num-inbound-streams",
	"num-outbound-streams", "numgen", "obriport", "obrname", "offload", "offset", "oif",
	"oifgroup", "oifname", "oiftype", "operation", "option", "options", "or", "original", "osf",
	"out", "over", "packets", "param-problem", "pcp", "performance", "persistent", "pkttype",
	"plen", "policy", "port", "position", "ppid", "prefix", "priority", "proto-dst",
	"proto-src", "protocol", "ptr", "ptype", "queue", "queue-threshold", "quota", "quotas",
	"ra", "random", "rate", "redefine", "redirect", "reject", "rename", "replace", "reply",
	"reqid", "reserved", "reserved2", "reset", "return", "right", "rr", "rshift", "rt", "rt0",
	"rt2", "rtclassid", "rule", "rules", "ruleset", "sack", "sack-perm", "sack-permitted",
	"sack0", "sack1", "sack2", "sack3", "saddr", "sctp", "secmark", "secmarks", "second",
	"seed", "seg-left", "seqno", "sequence", "set", "sets", "shutdown", "shutdown-ack",
	"shutdown-complete", "sid", "size", "skgid", "skuid", "snaplen", "snat", "socket", "spi",
	"spnum", "sport", "srh", "ssn", "ssrr", "state", "status", "stream", "subtype", "symhash",
	"synproxy", "synproxys", "table", "tables", "tag", "tcp", "th", "time", "timeout",
	"timestamp", "to", "tproxy", "trace", "transparent", "tsecr", "tsn", "tsval", "ttl", "type",
	"typeof", "udp", "udplite", "undefine", "until", "update", "urgptr", "used", "value",
	"version", "vlan", "vm", "vmap", "vtag", "vxlan", "week", "wildcard", "window", "with",
	"wscale", "xml", "xor", "xt", "zone",
};
/* clang-format on */

static int by_text(const void *key, const void *item)
{
	return strcmp(key, *(const char *const *)item);
}

const char *const *ruleset_reserved_words(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(reserved);
	return reserved;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool ruleset_name_ok(const char *name)
{
	size_t len = name ? strlen(name) : 0;

	if (len == 0 || len > NAME_MAX_LEN || !(is_letter(name[0]) || name[0] == '_'))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_letter(name[i]) && !(name[i] >= '0' && name[i] <= '9') &&
		    !strchr("_-.", name[i]))
			return false;
	return !bsearch(name, reserved, ARRAY_LEN(reserved), sizeof(*reserved), by_text);
}
