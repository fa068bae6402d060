"""Code written for flask-sse runs after changing one import, and without its faults."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import flask_sse
import gevent
import pytest
from flask import Flask, abort, request
from gevent.pywsgi import WSGIServer

from portal.stream.hub import Hub
from portal.web.server import Server
from portal.web.sse import Message, ServerSentEventsBlueprint, bind, exchange_of
from tests.stream.replicas import Valkey
from tests.stream.site import Reader


class App:
    """An application as flask-sse's documentation shows it, on a plain gevent server or on portal's."""

    def __init__(self, *, bound: bool = False, **config: Any) -> None:
        self.app = Flask("greetings")
        self.app.config.update(config)
        self.sse = ServerSentEventsBlueprint("sse", __name__)
        self.sse.add_url_rule(rule="", endpoint="stream", view_func=self.sse.stream)
        self.sse.before_request(self.check)
        self.app.register_blueprint(self.sse, url_prefix="/stream")
        self.app.add_url_rule("/hello", "hello", self.hello)
        self.stop = threading.Event()
        self.hub = Hub()
        self.address = self._bound() if bound else self._plain()

    def _bound(self) -> tuple[str, int]:
        bind(self.app, self.hub, self.hub.append)
        server = Server(self.app, "127.0.0.1", 0)
        self.loops = [gevent.spawn(server.serve, self.stop), gevent.spawn(self.hub.run, self.stop)]
        return server.address

    def _plain(self) -> tuple[str, int]:
        server = WSGIServer(("127.0.0.1", 0), self.app, log=None)
        server.start()
        return "127.0.0.1", server.server_port

    def check(self) -> None:
        if request.args.get("secret") == "wrong":
            abort(403)

    def hello(self) -> str:
        self.sse.publish({"message": "Hello!"}, type="greeting")
        return "Message sent!"

    def publish(self, data: object, **more: Any) -> None:
        with self.app.app_context():
            self.sse.publish(data, **more)

    def read(self, query: str = "", last: str = "", path: str = "/stream") -> Reader:
        header = f"Last-Event-ID: {last}\r\n" if last else ""
        return Reader(self.address, f"GET {path}{query} HTTP/1.0\r\nHost: x\r\n{header}\r\n".encode())

    def listen(self, query: str = "", last: str = "") -> Reader:
        return self.read(query, last).until(lambda reader: reader.body.endswith(b"\n\n"))


@pytest.fixture(params=[True, False], ids=["bound to portal", "on its own"])
def greetings(request: pytest.FixtureRequest) -> Iterator[App]:
    app = App(bound=request.param)
    yield app
    app.stop.set()
    app.hub.close(0)


def data_of(reader: Reader) -> list[tuple[str, str]]:
    return [(frame.event, frame.data) for frame in reader.frames if frame.data]


def test_the_example_of_flask_sse_works(greetings: App) -> None:
    reader = greetings.listen()

    answer = greetings.read(path="/hello").until_end()

    reader.until(data_of)
    assert answer.body == b"Message sent!"
    assert data_of(reader) == [("greeting", '{"message": "Hello!"}')]


def test_headers_come_before_the_first_event(greetings: App) -> None:
    reader = greetings.listen()

    assert reader.headers["content-type"] == "text/event-stream"
    assert data_of(reader) == []


def test_channels_are_apart(greetings: App) -> None:
    users, others = greetings.listen("?channel=users"), greetings.listen()

    greetings.publish("for all")
    greetings.publish("for users", channel="users")

    users.until(data_of)
    others.until(data_of)
    assert data_of(users) == [("", "for users")]
    assert data_of(others) == [("", "for all")]


def test_a_reader_resumes_after_its_last_id_or_the_publishers_own(greetings: App) -> None:
    reader = greetings.listen()
    for n in range(5):
        greetings.publish(str(n), id=f"mine-{n}" if n == 3 else None)
    reader.until(lambda reader: len(data_of(reader)) == 5)
    seen = [frame for frame in reader.frames if frame.data]

    by_position = greetings.listen(last=seen[1].id)
    by_own_id = greetings.listen(last="mine-3")

    assert [data for _, data in data_of(by_position)] == ["2", "3", "4"]
    assert [data for _, data in data_of(by_own_id)] == ["4"]


def test_access_is_checked_before_the_stream(greetings: App) -> None:
    reader = greetings.read("?secret=wrong").until_end()

    assert b" 403 " in reader.head


def test_messages_are_yielded_as_they_were_published(greetings: App) -> None:
    seen: list[Message] = []

    def take() -> None:
        with greetings.app.app_context():
            seen.extend(message for message, _ in zip(greetings.sse.messages(), range(2), strict=False))

    taking = gevent.spawn(take)
    gevent.sleep(0.01)
    greetings.publish({"a": 1}, type="t", id="7", retry=2000)
    greetings.publish("text")
    greetings.publish("one more")
    taking.get(timeout=5)

    assert seen == [Message({"a": 1}, type="t", id="7", retry=2000), Message("text")]


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (Message("a\u2028b"), "data: a\u2028b\n\n"),
        (Message(""), "data: \n\n"),
        (Message("line\n"), "data: line\ndata: \n\n"),
        (Message(" lead"), "data:  lead\n\n"),
        (Message({"a": 1}), 'data: {"a": 1}\n\n'),
        (Message("x", type="t", id="1", retry=5000), "id: 1\nevent: t\nretry: 5000\ndata: x\n\n"),
        (Message("x", retry=0), "retry: 1000\ndata: x\n\n"),
    ],
)
def test_the_faults_of_its_frames_are_gone(message: Message, text: str) -> None:
    assert str(message) == text


@pytest.mark.parametrize(
    "fields", [{"type": "a\nb"}, {"id": "a\rb"}, {"id": "a\0b"}, {"type": "error"}, {"retry": "soon"}, {"retry": -1}]
)
def test_what_would_inject_or_break_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        str(Message("x", **fields))


def test_a_message_is_flask_sses_message() -> None:
    message = Message("x", type="t")

    assert isinstance(message, flask_sse.Message)
    assert message.to_dict() == {"data": "x", "type": "t"}
    assert repr(message) == "Message('x', type='t')"
    assert message != Message("y", type="t")


@pytest.fixture
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    own = Valkey(tmp_path_factory.mktemp("valkey"))
    yield own
    own.close()


@pytest.mark.parametrize("key", ["SSE_REDIS_URL", "REDIS_URL"])
def test_processes_that_share_a_redis_share_the_messages(valkey: Valkey, key: str) -> None:
    web, worker = App(**{key: valkey.url}), App(**{key: valkey.url})
    reader = web.listen()

    worker.publish({"n": 1}, type="done")

    reader.until(data_of)
    assert [(name, json.loads(data)) for name, data in data_of(reader)] == [("done", {"n": 1})]


def test_many_readers_share_one_connection_to_redis(valkey: Valkey) -> None:
    web = App(SSE_REDIS_URL=valkey.url)
    readers = [web.listen() for _ in range(30)]

    web.publish("x")
    for reader in readers:
        reader.until(data_of)

    assert len(valkey.client().client_list()) <= 3


def test_portals_own_binding_wins(valkey: Valkey) -> None:
    greetings = App(bound=True, SSE_REDIS_URL=valkey.url)

    assert exchange_of(greetings.app).hub is greetings.hub
