#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# nft 1.0.6 (Debian 12): an interface name that ends in a star, in a set, is listed as a pattern.
#
# Linux allows a star in the name of an interface, and nft reads "a\*" as just that name. In a rule it
# lists the backslash again. In the elements of a set it leaves it out, so that its own listing is
# refused, since a pattern needs `flags interval`.
#
# Seen: "Error: You must add 'flags interval' to your set declaration if you want to add prefix
# elements".
# shellcheck disable=SC1091
set -u
. "$(dirname "$0")/lib/debian.sh"
. "$(dirname "$0")/lib/nft.sh"

debian_root bookworm nftables
debian_program nft usr/sbin/nft "nftables v1.0.6 "

expect_refusal 'table inet t {
	set s {
		type ifname
		elements = { "a\*" }
	}
	chain c {
		iifname "a\*" accept
	}
}'
