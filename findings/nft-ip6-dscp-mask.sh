#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# nft 1.1.3 (Debian 13): the class of IPv6's DSCP, by a mask, is listed in other bytes.
#
# `ip6 dscp & 0x38 == 0x08` is about a field that begins in the middle of a byte. Its mask is listed as
# 0x3800, which is more than the field holds, and the listing does not load. The same for IPv4, whose
# DSCP begins with a byte, is listed as it was written. nft 1.0.6 lists raw bytes for it, which load, and
# compare with another value.
#
# Seen: "Error: Value 14336 exceeds valid range 0-63".
# shellcheck disable=SC1091
set -u
. "$(dirname "$0")/lib/debian.sh"
. "$(dirname "$0")/lib/nft.sh"

debian_root trixie nftables
debian_program nft usr/sbin/nft "nftables v1.1.3 "
loads_again "table inet t { chain c { ip dscp & 0x38 == 0x08 accept; }; }" ||
	cannot "IPv4's does not load again either"
expect_refusal "table inet t { chain c { ip6 dscp & 0x38 == 0x08 accept; }; }"
