# SPDX-License-Identifier: GPL-2.0-or-later
"""Frames and packets as bytes, right or wrong on purpose.

Each builder takes what comes inside as bytes and returns bytes; addresses are texts.
Checksums are right, so that nothing is dropped for another reason than netd's.
"""
from __future__ import annotations

import ipaddress
import struct
from typing import List, Optional

IP, ARP, IP6, VLAN, QINQ, EXPERIMENTAL = 0x0800, 0x0806, 0x86DD, 0x8100, 0x88A8, 0x88B5
ICMP, IGMP, IPIP, TCP, UDP, SIT, GRE, ICMP6 = 1, 2, 4, 6, 17, 41, 47, 58
HOP_BY_HOP, FRAGMENT, DESTINATION_OPTIONS = 0, 44, 60
SCTP, UDPLITE = 132, 136
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
BROADCAST = "ff:ff:ff:ff:ff:ff"
NOBODY = "00:00:00:00:00:00"


def mac(text: str) -> bytes:
    """Six bytes."""
    return bytes.fromhex(text.replace(":", ""))


def addr(text: str) -> bytes:
    """Four or sixteen bytes."""
    return ipaddress.ip_address(text).packed


def link_local(of_mac: str) -> str:
    """The IPv6 link-local address made of a MAC."""
    raw = mac(of_mac)
    tail = bytes([raw[0] ^ 2]) + raw[1:3] + b"\xff\xfe" + raw[3:]
    return str(ipaddress.IPv6Address(b"\xfe\x80" + bytes(6) + tail))


def multicast_mac(group: str) -> str:
    """Where frames for a multicast group go."""
    raw = addr(group)
    if len(raw) == 4:
        return "01:00:5e:" + ":".join(f"{b:02x}" for b in (raw[1] & 0x7F, raw[2], raw[3]))
    return "33:33:" + ":".join(f"{b:02x}" for b in raw[12:])


def solicited_node(of: str) -> str:
    """The multicast group in which a neighbour is asked for an address."""
    return str(ipaddress.IPv6Address(addr("ff02::1:ff00:0")[:13] + addr(of)[13:]))


def checksum(data: bytes) -> int:
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def pseudo(src: str, dst: str, proto: int, length: int) -> bytes:
    """What transport checksums cover besides the segment."""
    if ":" in src:
        return addr(src) + addr(dst) + struct.pack(">IHBB", length, 0, 0, proto)
    return addr(src) + addr(dst) + struct.pack(">BBH", 0, proto, length)


# Link layer


def ether(dst: str, src: str, kind: int, payload: bytes) -> bytes:
    """An Ethernet frame, padded to its least length."""
    return (mac(dst) + mac(src) + struct.pack(">H", kind) + payload).ljust(60, b"\0")


def tagged(frame: bytes, tpid: int = VLAN, vid: int = 0) -> bytes:
    """The frame with a VLAN tag."""
    return frame[:12] + struct.pack(">HH", tpid, vid) + frame[12:]


def llc(dst: str, src: str, payload: bytes) -> bytes:
    """An 802.3 frame: the type is a length."""
    return ether(dst, src, len(payload), payload)


def arp(dst: str, src: str, operation: int, sender: "tuple[str, str]", target: "tuple[str, str]",
        extra: bytes = b"") -> bytes:
    """ARP; sender and target are (MAC, address); @extra stands behind it in the frame."""
    body = struct.pack(">HHBBH", 1, IP, 6, 4, operation)
    for pair in (sender, target):
        body += mac(pair[0]) + addr(pair[1])
    return ether(dst, src, ARP, body + extra)


# Network layer


def ip4(src: str, dst: str, proto: int, payload: bytes, *, ttl: int = 64, ident: int = 1,
        offset: int = 0, more: bool = False, options: bytes = b"") -> bytes:
    """IPv4; @offset in bytes, @options padded to words."""
    options += b"\0" * (-len(options) % 4)
    words = 5 + len(options) // 4
    head = struct.pack(">BBHHHBBH", 0x40 | words, 0, 4 * words + len(payload), ident,
                       (0x2000 if more else 0) | offset // 8, ttl, proto, 0)
    head += addr(src) + addr(dst) + options
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload


def ip6(src: str, dst: str, proto: int, payload: bytes, *, hops: int = 64) -> bytes:
    """IPv6; extension headers are payload."""
    return struct.pack(">IHBB", 6 << 28, len(payload), proto, hops) + addr(src) + addr(dst) + payload


def options6(following: int, payload: bytes) -> bytes:
    """An empty hop-by-hop or destination options header before @payload."""
    return bytes([following, 0, 1, 4, 0, 0, 0, 0]) + payload


def fragment6(following: int, offset: int, more: bool, ident: int, payload: bytes) -> bytes:
    """A fragment header before a part of a payload."""
    return struct.pack(">BBHI", following, 0, offset | int(more), ident) + payload


def ip(src: str, dst: str, proto: int, payload: bytes, *, hops: int = 64) -> bytes:
    """IPv4 or IPv6."""
    if ":" in src:
        return ip6(src, dst, proto, payload, hops=hops)
    return ip4(src, dst, proto, payload, ttl=hops)


def fragments4(src: str, dst: str, proto: int, payload: bytes, step: int, ident: int,
               overlap: Optional[bytes] = None) -> List[bytes]:
    """The packet in fragments of @step bytes; @overlap is sent once more over the first."""
    parts = [ip4(src, dst, proto, payload[i:i + step], ident=ident, offset=i,
                 more=i + step < len(payload)) for i in range(0, len(payload), step)]
    if overlap is not None:
        parts.insert(1, ip4(src, dst, proto, overlap, ident=ident, offset=0, more=True))
    return parts


# Transport


def udp(src: str, dst: str, sport: int, dport: int, payload: bytes, proto: int = UDP) -> bytes:
    """UDP, or UDP-Lite which covers all of itself as well."""
    length = 8 + len(payload)
    head = struct.pack(">HHHH", sport, dport, length, 0)
    total = checksum(pseudo(src, dst, proto, length) + head + payload) or 0xFFFF
    return head[:6] + struct.pack(">H", total) + payload


def tcp(src: str, dst: str, sport: int, dport: int, flags: int, payload: bytes = b"",
        seq: int = 1000, ack: int = 0) -> bytes:
    """TCP without options."""
    head = struct.pack(">HHIIBBHHH", sport, dport, seq, ack, 5 << 4, flags, 65535, 0, 0)
    total = checksum(pseudo(src, dst, TCP, len(head) + len(payload)) + head + payload)
    return head[:16] + struct.pack(">H", total) + head[18:] + payload


def icmp(kind: int, code: int, rest: bytes, payload: bytes) -> bytes:
    """ICMP of IPv4; @rest: four bytes."""
    body = struct.pack(">BBH", kind, code, 0) + rest + payload
    return body[:2] + struct.pack(">H", checksum(body)) + body[4:]


def icmp6(src: str, dst: str, kind: int, code: int, payload: bytes) -> bytes:
    """ICMPv6; @payload: everything behind the checksum."""
    body = struct.pack(">BBH", kind, code, 0) + payload
    total = checksum(pseudo(src, dst, ICMP6, len(body)) + body)
    return body[:2] + struct.pack(">H", total) + body[4:]


def igmp(kind: int, group: str, payload: bytes = b"") -> bytes:
    """IGMP, version 2."""
    body = struct.pack(">BBH", kind, 10, 0) + addr(group) + payload
    return body[:2] + struct.pack(">H", checksum(body)) + body[4:]


# Neighbour discovery

SOLICIT, ADVERT, ROUTER_ADVERT, REDIRECT = 135, 136, 134, 137
SOURCE_MAC, TARGET_MAC = 1, 2


def nd_option(kind: int, of_mac: str) -> bytes:
    """A link-layer address option."""
    return bytes([kind, 1]) + mac(of_mac)


def neighbour(src: str, dst: str, kind: int, target: str, option: bytes = b"") -> bytes:
    """A neighbour solicitation, or an overriding advertisement, as an IPv6 packet."""
    flags = 0x60000000 if kind == ADVERT else 0
    body = struct.pack(">I", flags) + addr(target) + option
    return ip6(src, dst, ICMP6, icmp6(src, dst, kind, 0, body), hops=255)


def router_advert(src: str, dst: str, prefix: str) -> bytes:
    """A router advertisement with a prefix to make addresses of, as an ICMPv6 message."""
    option = struct.pack(">BBBBIII", 3, 4, 64, 0xC0, 86400, 14400, 0) + addr(prefix)
    return icmp6(src, dst, ROUTER_ADVERT, 0, struct.pack(">BBHII", 64, 0, 1800, 0, 0) + option)
