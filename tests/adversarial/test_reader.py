# SPDX-License-Identifier: GPL-2.0-or-later
"""What a netd that somebody has taken over gets out of netd-reader.

Each attack is bytes written to a socket.  On Docker's own socket they do what they are meant to,
which is the control; through the reader they do nothing.
"""
from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import sys
import unittest
from pathlib import Path
from typing import Any, Iterator, List, NamedTuple, Optional, Sequence

sys.path.append(str(Path(__file__).resolve().parent.parent / "docker"))

# pylint: disable=wrong-import-position
from netd import Container, DockerCase, Netd, Probe, Reader, wait_until

POLICY = """version: 1
tiers:
  client: {match: [{label: {role: client}}]}
  server: {match: [{label: {role: server}}]}
allow:
  - {from: client, to: server, ports: [80/tcp]}
"""
HOST = "Host: docker\r\n"
CREATE = json.dumps({"Image": "netd-probe", "Cmd": ["sleep", "1"]})
NOBODY = 65534


class Answer(NamedTuple):
    """What came back until the connection's end, or until nothing more came."""

    status: int  # of the first answer; 0: none
    text: str

    def count(self) -> int:
        """How many answers it was."""
        return len(re.findall(r"HTTP/1\.[01] \d\d\d", self.text))


def talk(path: Path, request: str, quiet_s: float = 0.5) -> Answer:
    """Write @request as it is; the answer."""
    text = b""
    with socket.socket(socket.AF_UNIX) as stream:
        stream.settimeout(5)
        stream.connect(str(path))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            stream.sendall(request.encode("latin-1"))
        with contextlib.suppress(socket.timeout, ConnectionResetError):
            while part := stream.recv(65536):
                text += part
                stream.settimeout(quiet_s)
    found = re.match(rb"HTTP/1\.[01] (\d\d\d)", text)
    return Answer(int(found.group(1)) if found else 0, text.decode("latin-1"))


def get(path: str, more: str = "") -> str:
    """A request as a library would make it."""
    return f"GET {path} HTTP/1.1\r\n{HOST}{more}\r\n"


def post(path: str, body: str = "", more: str = "") -> str:
    """The same, with a body."""
    return f"POST {path} HTTP/1.1\r\n{HOST}Content-Type: application/json\r\n" \
           f"Content-Length: {len(body)}\r\n{more}\r\n{body}"


class TakenOver(DockerCase):
    """A reader beside a Docker with one container."""

    web: Container
    reader: Reader

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        host = cls.lab.host
        host.network("app", "172.31.1.0/24")
        cls.web = host.run("web", "app", ip="172.31.1.10", labels={"role": "server"})
        cls.reader = Reader(host)
        cls.reader.start()
        cls.addClassCleanup(cls.reader.stop)

    def setUp(self) -> None:
        """netd's own questions are answered, before each attack and after it."""
        self.addCleanup(self.check_answers)
        self.check_answers()

    def check_answers(self) -> None:
        for path in ("/version", "/v1.41/networks", "/v1.41/containers/json?all=1",
                     f"/v1.41/containers/{self.web.id}/json"):
            self.assertEqual(talk(self.reader.socket, get(path)).status, 200, path)

    def direct(self, request: str) -> Answer:
        """On Docker's own socket."""
        return talk(self.lab.host.socket, request)

    def refused(self, request: str) -> None:
        """The reader answers once, and it is its own 403."""
        answer = talk(self.reader.socket, request)
        self.assertEqual((answer.status, answer.count()), (403, 1), (request, answer.text))
        self.assertIn("Content-Type: text/plain\r\n", answer.text)

    def containers(self) -> List[str]:
        """All names."""
        found: List[Any] = self.lab.host.api("GET", "/containers/json?all=1")
        return sorted(name for container in found for name in container["Names"])

    def remove(self, name: str) -> None:
        """What a control has made."""
        self.lab.host.docker("rm", "--force", name)

    # Methods and paths

    def test_what_changes_something(self) -> None:
        create = post("/v1.41/containers/create?name=evil", CREATE)
        before = self.containers()
        self.refused(create)
        self.assertEqual(self.containers(), before)
        self.assertEqual(self.direct(create).status, 201)
        self.remove("evil")
        run = post(f"/containers/{self.web.id}/exec", '{"Cmd": ["true"]}')
        self.assertEqual(self.direct(run).status, 201)
        head = f"HEAD /_ping HTTP/1.1\r\n{HOST}\r\n"
        self.assertEqual(self.direct(head).status, 200)
        network = "evil"
        self.assertEqual(self.direct(post("/networks/create", f'{{"Name":"{network}"}}')).status,
                         201)
        delete = f"DELETE /networks/{network} HTTP/1.1\r\n{HOST}\r\n"
        for request in (run, head, delete, post(f"/containers/{self.web.id}/stop"),
                        post("/networks/create", '{"Name":"more"}'), post("/build"),
                        post("/containers/prune"), f"PUT /version HTTP/1.1\r\n{HOST}\r\n",
                        post("/version"), post("/v1.41/networks")):
            self.refused(request)
        self.assertIn(network, self.lab.host.docker("network", "ls"))
        self.assertEqual(self.direct(delete).status, 204)

    def test_other_paths(self) -> None:
        one = f"/v1.41/containers/{self.web.id}"
        for path in ("/info", "/images/json", f"{one}/logs?stdout=1", f"{one}/top",
                     f"{one}/archive?path=/etc", f"{one}/export", f"{one}/changes", "/volumes",
                     "/system/df", f"{one}/json?size=1", "/v1.41/containers/json?size=1",
                     f"{one}/stats?stream=0"):
            with self.subTest(path):
                self.assertEqual(self.direct(get(path)).status, 200)
                self.refused(get(path))

    def test_paths_in_other_forms(self) -> None:
        """Docker answers each of them: it cleans, decodes or redirects."""
        for path in ("/v1.41/networks/../info", "/v1.41/%69nfo", "//info", "/./info",
                     "/v1.41/containers/json?all=1#x", "http://docker/info", "/v1.41/networks/",
                     "/v1.41/containers/%6a%73on?all=1", "/v1.41/containers/json?all=1&size=1",
                     "/v1.41/containers/json?all=1;size=1", "/version?x=%0d%0a"):
            with self.subTest(path):
                status = self.direct(get(path)).status
                self.assertTrue(200 <= status < 500, status)
                self.refused(get(path))

    # Bytes

    def smuggle(self, request: str, works: bool = True) -> None:
        """@request makes the container "smuggled" where somebody reads it as two."""
        self.refused(request)
        self.assertNotIn("/smuggled", self.containers())
        if works:
            self.direct(request)
            self.assertIn("/smuggled", self.containers(), request)
            self.remove("smuggled")

    def test_smuggled_requests(self) -> None:
        second = post("/containers/create?name=smuggled", CREATE)
        cut, rest = "GET /version HTTP/1.1\r\n", f"{HOST}\r\n"
        self.smuggle(get("/version") + second)
        self.smuggle(get("/version", "Content-Length: 0\r\n") + second)
        self.smuggle(get("/version", "Transfer-Encoding: chunked\r\n") + "0\r\n\r\n" + second)
        self.smuggle(f"GET /version HTTP/1.1\n{HOST}\n" + second)
        self.smuggle(get("/version", f"Content-Length: {len(second)}\r\n") + second + second)
        # Where Docker sees through it too, there is no control but those above.
        for more in (f"Content-Length: {len(second)}\r\nContent-Length: 0\r\n",
                     "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
                     "Transfer-Encoding : chunked\r\n", "Transfer-Encoding: \x0bchunked\r\n",
                     "X: y\rContent-Length: 0\r\n", " folded\r\n", "Content-Length: +0\r\n"):
            self.smuggle(get("/version", more) + second, works=False)
        self.smuggle(cut[:-2] + "\r" + rest + second, works=False)
        self.smuggle(f"GET /version HTTP/1.1\r\nA: b\0\r\n{HOST}\r\n" + second, works=False)
        self.smuggle(f"GET /version HTTP/1.1 \r\n{HOST}\r\n" + second, works=False)

    def test_a_second_request_later(self) -> None:
        """While the first is answered, which for a stream is for ever."""
        second = post("/containers/create?name=smuggled", CREATE)
        with socket.socket(socket.AF_UNIX) as stream:
            stream.settimeout(5)
            stream.connect(str(self.reader.socket))
            stream.sendall(get("/v1.41/events?filters=%7B%7D").encode())
            self.assertIn(b"200 OK", stream.recv(4096))
            with contextlib.suppress(BrokenPipeError):
                stream.sendall(second.encode())
            with contextlib.suppress(ConnectionResetError):
                self.assertEqual(stream.recv(4096), b"")
        self.assertNotIn("/smuggled", self.containers())

    def test_hijacked_connections(self) -> None:
        upgrade = "Connection: Upgrade\r\nUpgrade: tcp\r\n"
        attach = f"/v1.41/containers/{self.web.id}/attach"
        stream = post(f"{attach}?stream=1&stdin=1&stdout=1", more=upgrade)
        websocket = get(f"{attach}/ws?stream=1", "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                        "Sec-WebSocket-Version: 13\r\nOrigin: http://docker\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")
        self.assertEqual(self.direct(stream).status, 101)
        self.assertEqual(self.direct(websocket).status, 101)
        h2c = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
        for request in (stream, websocket, post("/session", more=h2c), post("/grpc", more=h2c),
                        get("/version", upgrade), get("/version", h2c),
                        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + "\0" * 9,
                        f"CONNECT docker:80 HTTP/1.1\r\n{HOST}\r\n"):
            self.refused(request)

    # Who, and how much

    def ask_as(self, uid: int, path: Path) -> str:
        """The first line of the answer to somebody else; "" for none, or the error."""
        os.seteuid(uid)  # the kernel notes who it is at connect()
        try:
            return talk(path, get("/version")).text.split("\r\n", maxsplit=1)[0]
        except OSError as error:
            return type(error).__name__
        finally:
            os.seteuid(0)

    def test_another_user(self) -> None:
        host, answered = self.lab.host, "HTTP/1.1 200 OK"
        for folder in (self.lab.folder, host.folder):
            folder.chmod(0o755)
        with self.open_to_all(host.socket):
            self.assertEqual(self.ask_as(4711, host.socket), answered, "the control")
        self.assertEqual(self.ask_as(NOBODY, self.reader.socket), answered, "its peer")
        self.assertEqual(self.ask_as(4711, self.reader.socket), "")
        self.reader.socket.chmod(0o600)  # as the unit makes it
        self.assertEqual(self.ask_as(4711, self.reader.socket), "PermissionError")
        self.reader.socket.chmod(0o666)

    @contextlib.contextmanager
    def open_to_all(self, path: Path) -> Iterator[None]:
        """Anybody may connect, for a while."""
        mode = path.stat().st_mode
        path.chmod(0o666)
        yield
        path.chmod(mode)

    def memory_kib(self) -> int:
        """What the reader has touched."""
        assert self.reader.child is not None
        status = Path(f"/proc/{self.reader.child.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines()
                    if line.startswith("VmRSS"))

    def hold(self, count: int, request: Optional[bytes]) -> Sequence[socket.socket]:
        """Connections that say @request and read nothing."""
        held = []
        for _ in range(count):
            held.append(socket.socket(socket.AF_UNIX))
            self.addCleanup(held[-1].close)
            held[-1].connect(str(self.reader.socket))
            held[-1].sendall(request or b"GET ")
        return held

    def test_a_client_without_measure(self) -> None:
        """netd goes on meanwhile, and the reader does not grow."""
        self.refused("GET /version HTTP/1.1\r\n" + "User-Agent: x\r\n" * 100000)
        self.refused("GET /" + "x" * 100000)
        before = self.memory_kib()
        with Netd(self.lab.host, POLICY, args=["--docker", self.reader.url]) as netd:
            netd.forget_state()
            netd.start().wait_synced()
            takes_nothing = self.hold(20, get("/v1.41/containers/json?all=1").encode())
            silent = self.hold(100, None)  # more than are served: netd waits for their ten seconds
            client = self.container("client", "app", labels={"role": "client"})
            wait_until("netd to know the container", lambda: netd.allowed(
                "client", "web", "80/tcp", 4), 40)
            netd.wait_synced(40)
            self.assert_open(client, Probe("tcp", "172.31.1.10", 80))
            self.assertLess(self.memory_kib(), before + 4096)
            self.assertEqual(len([*takes_nothing, *silent]), 120)


if __name__ == "__main__":
    unittest.main()
