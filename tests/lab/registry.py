#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A registry of images for `docker push`, in memory: registry.py PORT, on 127.0.0.1, which engines speak plain HTTP to.
It prints "ready" when it listens. What it calls an image by, the digest of its manifest, is what signatures name, and what
an engine adds to the image's RepoDigests."""
from __future__ import annotations

import hashlib
import itertools
import re
import sys
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Dict, Tuple

BLOBS: Dict[str, bytes] = {}
UPLOADS: Dict[str, bytes] = {}
NUMBERS = itertools.count()
MANIFESTS: Dict[Tuple[str, str], Tuple[str, bytes]] = {}  # by name and tag or digest: its type


def digest_of(content: bytes) -> str:
    """As registries name it."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


class Registry(BaseHTTPRequestHandler):
    """What a push needs of https://distribution.github.io/distribution/spec/api/."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # pylint: disable=redefined-builtin
        """Nobody reads it."""

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        """A whole answer; of HEAD without its body."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def body(self) -> bytes:
        """Of the request, which may come in chunks."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def do_GET(self) -> None:  # pylint: disable=invalid-name
        """Whether it is one, and what it holds."""
        manifest = re.fullmatch(r"/v2/(.+)/manifests/([^/]+)", self.path)
        blob = re.fullmatch(r"/v2/.+/blobs/(sha256:[0-9a-f]{64})", self.path)
        if manifest and (manifest[1], manifest[2]) in MANIFESTS:
            kind, content = MANIFESTS[manifest[1], manifest[2]]
            self.answer(200, content, Content_Type=kind, Docker_Content_Digest=digest_of(content))
        elif blob and blob[1] in BLOBS:
            self.answer(200, BLOBS[blob[1]], Docker_Content_Digest=blob[1])
        else:
            self.answer(200 if self.path == "/v2/" else 404)

    do_HEAD = do_GET

    def do_POST(self) -> None:  # pylint: disable=invalid-name
        """An upload begins."""
        self.body()
        upload = str(next(NUMBERS))
        UPLOADS[upload] = b""
        path = urllib.parse.urlsplit(self.path).path.rstrip("/")
        self.answer(202, Location=f"{path}/{upload}", Range="0-0", Docker_Upload_UUID=upload)

    def do_PATCH(self) -> None:  # pylint: disable=invalid-name
        """It goes on."""
        upload = self.path.rsplit("/", 1)[1]
        UPLOADS[upload] += self.body()
        self.answer(202, Location=self.path, Range=f"0-{max(len(UPLOADS[upload]) - 1, 0)}", Docker_Upload_UUID=upload)

    def do_PUT(self) -> None:  # pylint: disable=invalid-name
        """An upload ends, or a manifest comes."""
        content = self.body()
        manifest = re.fullmatch(r"/v2/(.+)/manifests/([^/]+)", self.path)
        if manifest:
            kind = self.headers.get("Content-Type", "")
            for name in (manifest[2], digest_of(content)):
                MANIFESTS[manifest[1], name] = (kind, content)
        else:
            content = UPLOADS.pop(urllib.parse.urlsplit(self.path).path.rsplit("/", 1)[1]) + content
            BLOBS[digest_of(content)] = content
        self.answer(201, Location=self.path, Docker_Content_Digest=digest_of(content))


def main() -> None:
    """Until it is ended."""
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Registry)
    print("ready", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
