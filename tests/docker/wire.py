# SPDX-License-Identifier: GPL-2.0-or-later
"""A wire between netd and dockerd that fails on request.

    wire = FailingWire(folder / "wire.sock", host.socket)
    wire.lose_events = True      what Docker tells meanwhile is lost, as for a slow reader
    wire.cut(); wire.mend()         Docker cannot be reached; it can again
    with wire.hold("/networks/") as held:     Docker has answered, netd gets it at the end
        held.wait()
    wire.hold_back(LISTS); wire.let_go()      the same in two steps

What passes are Docker's own bytes: requests as netd sends them, answers as Docker gives
them, only late or never.
"""
from __future__ import annotations

import re
import socket
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, List, Optional

ENOUGH = 65536
LISTS = "/(networks|containers/json)"  # what a full reading begins with


class Held(threading.Event):
    """Answers that wait; set when the first one does."""

    def __init__(self, pattern: str) -> None:
        super().__init__()
        self.pattern = re.compile(pattern)
        self.go_on = threading.Event()

    def pass_through(self, path: str) -> None:
        """Returns when this answer may go on."""
        if self.pattern.search(path):
            self.set()
            self.go_on.wait()


class FailingWire:
    """Takes connections on @path and leads them to dockerd's socket."""

    def __init__(self, path: Path, docker: Path) -> None:
        self.path, self.docker = path, docker
        self.lose_events = False
        self.n_lost = 0
        self._held: Optional[Held] = None
        self._lock = threading.Lock()
        self._open: List[socket.socket] = []
        self._listener: Optional[socket.socket] = None
        self.mend()

    @property
    def url(self) -> str:
        """For netd --docker."""
        return f"unix://{self.path}"

    def mend(self) -> None:
        """Docker can be reached."""
        if self._listener is not None:
            return
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self.path.chmod(0o777)
        self._listener.listen(64)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """Docker cannot be reached, and all connections end."""
        if self._listener is None:
            return
        self.path.unlink()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._listener = None
        with self._lock:
            ends, self._open = self._open, []
        for end in ends:
            _shut(end)

    def close(self) -> None:
        """The end of it."""
        self.let_go()
        self.cut()

    def hold_back(self, pattern: str) -> Held:
        """Answers to requests whose path matches wait."""
        self._held = Held(pattern)
        return self._held

    def let_go(self) -> None:
        """They wait no longer."""
        held, self._held = self._held, None
        if held is not None:
            held.go_on.set()

    @contextmanager
    def hold(self, pattern: str) -> Iterator[Held]:
        """Answers to requests whose path matches come at the end of the block."""
        try:
            yield self.hold_back(pattern)
        finally:
            self.let_go()

    # One connection

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        far = socket.socket(socket.AF_UNIX)
        try:
            far.connect(str(self.docker))
            with self._lock:
                self._open += [near, far]
            while self._exchange(near, far):
                pass
        except OSError:
            pass
        finally:
            _shut(near)
            _shut(far)
            near.close()
            far.close()

    def _exchange(self, near: socket.socket, far: socket.socket) -> bool:
        """One request and its answer; False at the end of the connection."""
        request = _read_head(near)
        if not request:
            return False
        far.sendall(request)
        path = request.split(b" ", 2)[1].decode()
        answer = _read_head(far)
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", answer)
        chunked = re.search(rb"(?i)\r\ntransfer-encoding: *chunked", answer) is not None
        if chunked and "/events" in path:
            near.sendall(answer)
            return self._pass_events(near, far)
        body = _read_chunks(far) if chunked else _read(far, int(length[1]) if length else 0)
        held = self._held
        if held is not None:
            held.pass_through(path)
        near.sendall(answer + body)
        return True

    def _pass_events(self, near: socket.socket, far: socket.socket) -> bool:
        """Chunk by chunk, until either end hangs up."""
        threading.Thread(target=_end_with, args=(near, far), daemon=True).start()
        while True:
            chunk = _read_chunk(far)
            if self.lose_events:
                self.n_lost += 1
            else:
                near.sendall(chunk)
            if int(chunk.split(b"\r\n", 1)[0], 16) == 0:
                return False


def _shut(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def _end_with(near: socket.socket, far: socket.socket) -> None:
    """netd says nothing on a stream of events but that it goes."""
    try:
        near.recv(1)
    except OSError:
        pass
    _shut(far)


def _read(source: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = source.recv(min(ENOUGH, size - len(data)))
        if not part:
            raise ConnectionError("the end came early")
        data += part
    return data


def _read_until(source: socket.socket, end: bytes) -> bytes:
    """Byte by byte: what follows belongs to somebody else."""
    data = b""
    while not data.endswith(end):
        part = source.recv(1)
        if not part:
            if data:
                raise ConnectionError("the end came early")
            return b""
        data += part
    return data


def _read_head(source: socket.socket) -> bytes:
    return _read_until(source, b"\r\n\r\n")


def _read_chunk(source: socket.socket) -> bytes:
    head = _read_until(source, b"\r\n")
    if not head:
        raise ConnectionError("the end came early")
    return head + _read(source, int(head.split(b";")[0], 16) + 2)


def _read_chunks(source: socket.socket) -> bytes:
    data = b""
    while True:
        chunk = _read_chunk(source)
        data += chunk
        if int(chunk.split(b"\r\n", 1)[0].split(b";")[0], 16) == 0:
            return data
