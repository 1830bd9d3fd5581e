# SPDX-License-Identifier: GPL-2.0-or-later
"""Ethernet frames made by hand, each with a token in it, and a sniffer that lists the tokens.

    python3 frames.py INTERFACE        prints "ready", at SIGTERM the tokens that came in
"""
from __future__ import annotations

import ipaddress
import re
import select
import signal
import socket
import struct
import sys
from typing import Dict, NamedTuple

MAGIC = b"n3td"
BROADCAST = "ff:ff:ff:ff:ff:ff"
IP, ARP, IP6, VLAN, SVLAN = 0x0800, 0x0806, 0x86dd, 0x8100, 0x88a8
TCP, UDP, ICMP, ICMP6 = 6, 17, 1, 58


class Host(NamedTuple):
    """Who may be named in a frame."""

    mac: str
    ip4: str
    ip6: str

    @property
    def local(self) -> str:
        """fe80, made of the MAC."""
        octets = bytearray(mac(self.mac))
        octets[0] ^= 2
        return str(ipaddress.IPv6Address(b"\xfe\x80" + bytes(6) + bytes(octets[:3]) + b"\xff\xfe"
                                         + bytes(octets[3:])))


def mac(text: str) -> bytes:
    """Six bytes."""
    return bytes.fromhex(text.replace(":", ""))


def token(number: int) -> bytes:
    """What the sniffer looks for."""
    return MAGIC + struct.pack("!I", number)


def checksum(data: bytes) -> int:
    """RFC 1071."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def eth(destination: str, source: str, kind: int, payload: bytes) -> bytes:
    """A frame."""
    return mac(destination) + mac(source) + struct.pack("!H", kind) + payload


def tagged(frame: bytes, *tags: "tuple[int, int]") -> bytes:
    """With VLAN tags: (type, id), the outermost first."""
    inserted = b"".join(struct.pack("!HH", kind, vid) for kind, vid in tags)
    return frame[:12] + inserted + frame[12:]


def pseudo(source: str, destination: str, proto: int, length: int) -> bytes:
    """What the checksums of UDP, TCP and ICMPv6 begin with."""
    ends = b"".join(ipaddress.ip_address(a).packed for a in (source, destination))
    return ends + (struct.pack("!II", length, proto) if ":" in source
                   else struct.pack("!HH", proto, length))


def ipv4(source: str, destination: str, proto: int, payload: bytes, offset: int = 0) -> bytes:
    """@offset: the field with flags and fragment offset."""
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 7, offset, 64, proto, 0,
                       ipaddress.IPv4Address(source).packed,
                       ipaddress.IPv4Address(destination).packed)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def ipv6(source: str, destination: str, proto: int, payload: bytes, hops: int = 64) -> bytes:
    """Without extension headers; those are part of @payload."""
    return struct.pack("!IHBB", 6 << 28, len(payload), proto, hops) + \
        ipaddress.IPv6Address(source).packed + ipaddress.IPv6Address(destination).packed + payload


def ip_any(source: str, destination: str, proto: int, payload: bytes) -> bytes:
    """Of the family of its addresses."""
    return (ipv6 if ":" in source else ipv4)(source, destination, proto, payload)


def udp(source: str, destination: str, data: bytes, port: int = 9) -> bytes:
    """A datagram, its IP header included."""
    length = 8 + len(data)
    body = struct.pack("!HHHH", 4000, port, length, 0) + data
    check = checksum(pseudo(source, destination, UDP, length) + body) or 0xffff
    return ip_any(source, destination, UDP, body[:6] + struct.pack("!H", check) + body[8:])


def tcp(source: str, destination: str, flags: int, data: bytes) -> bytes:
    """A segment, its IP header included."""
    body = struct.pack("!HHIIBBHHH", 4001, 80, 1, 1, 0x50, flags, 1000, 0, 0) + data
    check = checksum(pseudo(source, destination, TCP, len(body)) + body)
    return ip_any(source, destination, TCP, body[:16] + struct.pack("!H", check) + body[18:])


def icmp(source: str, destination: str, kind: int, data: bytes, code: int = 0) -> bytes:
    """ICMP of either family, its IP header included."""
    v6 = ":" in source
    body = struct.pack("!BBHI", kind, code, 0, 0) + data
    seed = pseudo(source, destination, ICMP6, len(body)) if v6 else b""
    body = body[:2] + struct.pack("!H", checksum(seed + body)) + body[4:]
    if v6:
        return ipv6(source, destination, ICMP6, body, 255)
    return ipv4(source, destination, ICMP, body)


def advert(source: str, destination: str, target: str, target_mac: str, data: bytes) -> bytes:
    """A neighbour advertisement that overrides."""
    body = ipaddress.IPv6Address(target).packed + b"\x02\x01" + mac(target_mac) + data
    packet = bytearray(icmp(source, destination, 136, body))
    packet[44] = 0x20  # override; the checksum follows
    packet[42:44] = b"\0\0"
    check = checksum(pseudo(source, destination, ICMP6, len(packet) - 40) + bytes(packet[40:]))
    packet[42:44] = struct.pack("!H", check)
    return bytes(packet)


def arp(operation: int, sender_mac: str, sender_ip: str, target_mac: str, target_ip: str) -> bytes:
    """ARP for IPv4."""
    return struct.pack("!HHBBH", 1, IP, 6, 4, operation) + mac(sender_mac) + \
        ipaddress.IPv4Address(sender_ip).packed + mac(target_mac) + \
        ipaddress.IPv4Address(target_ip).packed


def sniff(interface: str) -> None:
    """Until SIGTERM, and then what is still in the buffer."""
    listener = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    listener.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)  # SO_RCVBUFFORCE
    listener.bind((interface, 0))
    listener.setblocking(False)
    wake, stop = socket.socketpair()
    stop.setblocking(False)
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.set_wakeup_fd(stop.fileno())
    counts: Dict[int, int] = {}
    print("ready", flush=True)
    stopping = False
    while not stopping:
        stopping = wake in select.select([listener, wake], [], [])[0]
        while True:
            try:
                frame, sender = listener.recvfrom(65536)
            except BlockingIOError:
                break
            found = re.search(MAGIC + b"(.{4})", frame, re.S)
            if found and sender[2] != socket.PACKET_OUTGOING:
                number = struct.unpack("!I", found[1])[0]
                counts[number] = counts.get(number, 0) + 1
    print("tokens " + " ".join(str(number) for number in sorted(counts)), flush=True)


if __name__ == "__main__":
    sniff(sys.argv[1])
