"""portal's hub, route and server as they run in portal: `python -m tests.bench.stream.subject_portal PORT CONTROL`."""

from gevent import monkey

monkey.patch_all()

import gc  # noqa: E402 - after the patch
import logging  # noqa: E402
import os  # noqa: E402
import socket  # noqa: E402
import sys  # noqa: E402
import threading  # noqa: E402

import gevent  # noqa: E402
import gevent.event  # noqa: E402
from flask import Flask  # noqa: E402

from portal.stream.hub import Hub  # noqa: E402
from portal.web.events import events_blueprint  # noqa: E402
from portal.web.server import Server  # noqa: E402

READ, READ_BYTES = 1, 1 << 18


def main(port: int, control: int) -> None:
    logging.basicConfig(level=logging.WARNING)
    hub, app, stop = Hub(), Flask("bench"), threading.Event()
    app.register_blueprint(events_blueprint(hub))
    app.add_url_rule("/ping", "ping", lambda: "pong")
    server = Server(app, "127.0.0.1", port)
    listener = socket.create_server(("127.0.0.1", control))
    gc.freeze()
    gevent.spawn(hub.run, stop)
    gevent.spawn(server.serve, stop)
    while True:
        connection, _ = listener.accept()
        publish_lines(hub, connection)


def publish_lines(hub: Hub, connection: socket.socket) -> None:
    """Publish each line that arrives, in the loop's own callback: reading is not what is measured."""
    done, watcher, rest = gevent.event.Event(), gevent.get_hub().loop.io(connection.fileno(), READ), b""

    def on_readable() -> None:
        nonlocal rest
        received = os.read(connection.fileno(), READ_BYTES)
        *lines, rest = (rest + received).split(b"\n")
        for line in lines:
            hub.publish("CONFIG_CHANGED", line)
        if not received:
            watcher.stop()
            done.set()

    watcher.start(on_readable)
    done.wait()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
