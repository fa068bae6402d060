"""flask-sse as it is, on gevent's server: `python -m tests.bench.stream.subject_flask_sse PORT CONTROL REDIS_PORT`."""

from gevent import monkey

monkey.patch_all()

import socket  # noqa: E402 - after the patch
import sys  # noqa: E402

from flask import Flask  # noqa: E402
from flask_sse import sse  # noqa: E402
from gevent.pywsgi import WSGIServer  # noqa: E402


def main(port: int, control: int, redis_port: int) -> None:
    app = Flask("bench")
    app.config["REDIS_URL"] = f"redis://127.0.0.1:{redis_port}"
    app.register_blueprint(sse, url_prefix="/stream")
    app.add_url_rule("/ping", "ping", lambda: "pong")
    listener = socket.create_server(("127.0.0.1", control))
    WSGIServer(("127.0.0.1", port), app, log=None, backlog=1024).start()
    while True:
        connection, _ = listener.accept()
        with app.app_context():
            for line in connection.makefile("r"):
                sse.publish(line.rstrip(), type="CONFIG_CHANGED")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
