# SPDX-License-Identifier: GPL-2.0-or-later
"""A wire to Docker's socket that can be cut, and that can hold questions back.

netd is given the relay's socket (`--docker unix://…`); behind it is the real engine.
"""
from __future__ import annotations

import re
import socket
import threading
from pathlib import Path
from typing import List, Sequence

LISTS = rb"GET \S*/(networks|containers/json)"


class Relay:
    """Passes bytes between netd and Docker until told otherwise."""

    def __init__(self, docker: Path) -> None:
        self.path = docker.with_name("relay.sock")
        self._docker = docker
        self._open: List[socket.socket] = []
        self._lock = threading.Lock()
        self._joined = threading.Event()
        self._answering = threading.Event()  # unset: questions for lists wait
        self._joined.set()
        self._answering.set()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def netd_args(self) -> Sequence[str]:
        """Options of netd."""
        return ["--docker", f"unix://{self.path}"]

    # What can happen to it

    def cut(self) -> None:
        """Docker is not there: all connections end, new ones too."""
        self._joined.clear()
        self._end_all()

    def join(self) -> None:
        """It is there again."""
        self._answering.set()
        self._joined.set()

    def hold(self) -> None:
        """Docker was away for a moment; from now on it answers, but for its lists."""
        self._answering.clear()
        self._end_all()

    def close(self) -> None:
        """For good."""
        self.cut()
        self._answering.set()
        self._listener.close()
        self.path.unlink()

    def _end_all(self) -> None:
        with self._lock:
            for one in self._open:
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # its other end was faster

    # Passing on

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed
            engine = socket.socket(socket.AF_UNIX)
            try:
                engine.connect(str(self._docker))
            except OSError:
                client.close()  # dockerd is not there either
                continue
            with self._lock:
                self._open += [client, engine]
            if not self._joined.is_set():
                self._end_all()
            for source, sink in ((client, engine), (engine, client)):
                threading.Thread(target=self._pass_on, args=(source, sink, source is client),
                                 daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, are_questions: bool) -> None:
        try:
            while data := source.recv(1 << 16):
                if are_questions and re.search(LISTS, data):
                    self._answering.wait()
                sink.sendall(data)
        except OSError:
            pass  # ended by either end, or by us
        for one in (source, sink):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        with self._lock:
            self._open = [one for one in self._open if one is not source]
        source.close()
