# SPDX-License-Identifier: GPL-2.0-or-later
"""Both ends of one flow, each sending on its own, so that each direction shows by itself.

    pump.py serve tcp|udp PORT        pump.py connect tcp|udp ADDRESS PORT

Every 20 ms an end sends the time; for all it receives it prints "got N AT SENT": when it came, and
when the newest of it was sent, in milliseconds of CLOCK_MONOTONIC, which is the same in every
namespace of the machine.
Nothing here ends by an error of the network: a flow that is cut may come back.
"""
from __future__ import annotations

import select
import socket
import sys
import time

PAUSE_S = 0.02


def listen(proto: str, port: int) -> socket.socket:
    """A socket for both families."""
    kind = socket.SOCK_STREAM if proto == "tcp" else socket.SOCK_DGRAM
    server = socket.socket(socket.AF_INET6, kind)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("::", port))
    if proto == "tcp":
        server.listen()
    return server


def connect(proto: str, addr: str, port: int) -> socket.socket:
    """A connected socket."""
    family = socket.AF_INET6 if ":" in addr else socket.AF_INET
    client = socket.socket(family, socket.SOCK_STREAM if proto == "tcp" else socket.SOCK_DGRAM)
    client.settimeout(20)
    client.connect((addr, port))
    return client


def now_ms() -> str:
    """Always as long, so that it can be found in a stream."""
    return f"{time.monotonic() * 1000:015.0f}"


def send(end: socket.socket, peer: tuple | None) -> None:  # type: ignore[type-arg]
    """One little piece; the network's errors are what is measured elsewhere."""
    piece = now_ms().encode() + b"\n"
    try:
        if peer is not None:
            end.sendto(piece, peer)
        else:
            end.send(piece, socket.MSG_DONTWAIT)
    except OSError as error:
        if not isinstance(error, (BlockingIOError, ConnectionError, PermissionError)) \
                and error.errno not in (101, 113):  # unreachable network, host
            raise


def pump(end: socket.socket, learn_peer: bool) -> None:
    """Send and receive until killed."""
    peer, got, next_send = None, 0, time.monotonic()
    rest, sent = b"", "0"
    end.setblocking(False)
    while True:
        wait = max(0.0, next_send - time.monotonic())
        if select.select([end], [], [], wait)[0]:
            try:
                data, sender = end.recvfrom(65536)
            except ConnectionError as error:
                print(f"error {error}", flush=True)
                time.sleep(PAUSE_S)
                continue
            if not data:
                print("closed", flush=True)
                return
            got, peer = got + 1, sender if learn_peer else None
            *pieces, rest = (rest + data).split(b"\n")
            sent = pieces[-1].decode() if pieces else sent
            print(f"got {got} {now_ms()} {sent}", flush=True)
        if time.monotonic() >= next_send:
            next_send += PAUSE_S
            if peer is not None or not learn_peer:
                send(end, peer)


def main(role: str, proto: str, *where: str) -> None:
    """The command line."""
    if role == "connect":
        end = connect(proto, where[0], int(where[1]))
        print("ready", flush=True)
        pump(end, False)
        return
    server = listen(proto, int(where[0]))
    print("ready", flush=True)
    if proto == "udp":
        pump(server, True)
    else:
        pump(server.accept()[0], False)


if __name__ == "__main__":
    main(*sys.argv[1:])
