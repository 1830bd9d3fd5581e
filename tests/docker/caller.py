# SPDX-License-Identifier: GPL-2.0-or-later
"""Usage: caller.py [--reset] PORT ADDR...   Connects to a TCP port again and again, many at a time, and says
a word in each connection. Those that are accepted it keeps until they end; with --reset it resets them at
once. It prints "ADDR accepts" with the first of each address, and at SIGTERM a line for each address:
"ADDR made N answered N"."""
from __future__ import annotations

import argparse
import errno
import selectors
import signal
import socket
import struct
import time
from typing import Dict, List

WIDE = 32  # connections of an address that are not accepted yet
KEPT = 1000  # of an address that are: what one accepts takes nothing from the others
PATIENCE_S = 0.3  # then another one is tried: a SYN that was dropped is repeated after a second
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: what close() does then


class Address:
    """Where somebody is called."""

    def __init__(self, text: str, port: int) -> None:
        self.text, self.port = text, port
        self.trying: Dict[socket.socket, float] = {}  # since when
        self.made, self.kept, self.answered = 0, 0, 0

    def call(self) -> socket.socket:
        """Begins one more connection."""
        one = socket.socket(socket.AF_INET6 if ":" in self.text else socket.AF_INET)
        one.setblocking(False)
        one.connect_ex((self.text, self.port))
        self.trying[one] = time.monotonic()
        return one

    def stale(self) -> List[socket.socket]:
        """Those that nobody accepts."""
        return [one for one, since in self.trying.items() if time.monotonic() - since > PATIENCE_S]


class Caller:
    """All of them."""

    def __init__(self, addresses: List[Address], reset: bool) -> None:
        self.addresses, self.reset = addresses, reset
        self.selector = selectors.DefaultSelector()

    def drop(self, one: socket.socket) -> None:
        """Ends a connection, whatever has become of it."""
        self.selector.unregister(one)
        one.close()

    def begin(self) -> None:
        """So many at a time."""
        for address in self.addresses:
            for one in address.stale():
                del address.trying[one]
                self.drop(one)
            while len(address.trying) < WIDE and address.kept < KEPT:
                self.selector.register(address.call(), selectors.EVENT_WRITE, address)

    def accepted(self, one: socket.socket, address: Address) -> None:
        """It was, or refused."""
        del address.trying[one]
        if one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.drop(one)
            return
        address.made += 1
        if address.made == 1:
            print(f"{address.text} accepts", flush=True)
        try:
            one.send(b"a word\n")
        except OSError:
            self.drop(one)
            return
        if self.reset:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self.drop(one)
            return
        address.kept += 1
        self.selector.modify(one, selectors.EVENT_READ, address)

    def heard(self, one: socket.socket, address: Address) -> None:
        """An answer, or the end; one answer is enough."""
        try:
            address.answered += bool(one.recv(4096))
        except OSError as error:
            if error.errno == errno.EAGAIN:
                return
        address.kept -= 1
        self.drop(one)

    def run(self, ends: List[bool]) -> None:
        """Until there is something in @ends."""
        while not ends:
            self.begin()
            for key, events in self.selector.select(0.02):
                one = key.fileobj
                assert isinstance(one, socket.socket)
                if events & selectors.EVENT_WRITE:
                    self.accepted(one, key.data)
                else:
                    self.heard(one, key.data)
            time.sleep(0.002)  # others are to have a turn as well


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--reset", action="store_true")
    parser.add_argument("port", type=int)
    parser.add_argument("addresses", nargs="+")
    args = parser.parse_args()
    ends: List[bool] = []
    signal.signal(signal.SIGTERM, lambda *_: ends.append(True))
    addresses = [Address(text, args.port) for text in args.addresses]
    print("ready", flush=True)
    Caller(addresses, args.reset).run(ends)
    for address in addresses:
        print(f"{address.text} made {address.made} answered {address.answered}", flush=True)


if __name__ == "__main__":
    main()
