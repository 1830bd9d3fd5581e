# SPDX-License-Identifier: GPL-2.0-or-later
"""A member of etcd that takes its time."""
import socket
import ssl
import threading


class Slow:
    """In front of a member: the first answer on each connection takes @seconds."""

    def __init__(self, store, seconds):
        self.seconds, self.member = seconds, int(store.url(0).rpartition(":")[2])
        self.here = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.here.load_cert_chain(*store.server)
        self.there = ssl.create_default_context(cafile=str(store.authority.folder / "ca.pem"))
        self.there.load_cert_chain(*store.host)
        self.ended = threading.Event()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self.server.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client = self.server.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.relay, args=(client,), daemon=True).start()

    def relay(self, client):
        try:
            with self.here.wrap_socket(client, server_side=True) as one, socket.create_connection(
                    ("127.0.0.1", self.member)) as way, self.there.wrap_socket(
                        way, server_hostname="127.0.0.1") as other:
                # SSL objects are not for two threads: what comes is looked for in turn.
                one.settimeout(0.05)
                other.settimeout(0.05)
                is_first = True
                while not self.ended.is_set():
                    for source, sink in ((one, other), (other, one)):
                        try:
                            data = source.recv(65536)
                        except TimeoutError:
                            continue
                        if not data:
                            return
                        if source is other and is_first:
                            is_first = False
                            self.ended.wait(self.seconds)  # that is what is slow
                        sink.sendall(data)
        except OSError:
            pass

    def end(self):
        self.ended.set()
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
