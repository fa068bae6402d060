"""Clients that are not ours read the stream, directly and behind nginx with its defaults: all of it, once."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import gevent
import httpx
import pytest
import requests
import sseclient
from httpx_sse import connect_sse

from portal.web.events import STREAM_PATH
from tests.stream.site import PATIENCE, Site

ROOT = Path(__file__).parents[2]
NODE_MODULES = ROOT / "build" / "node" / "node_modules"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
CHROMIUM = shutil.which("chromium")
CURL = shutil.which("curl")
COUNT = 20
FIELD = re.compile(r"(id|data): ")
Read = list[tuple[str, str]]

NGINX_CONFIG = """
daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://127.0.0.1:{upstream}; }} }}
}}
"""


@pytest.fixture(params=["directly", "behind nginx"])
def origin(request: pytest.FixtureRequest, site: Site, tmp_path: Path) -> Iterator[str]:
    if request.param == "directly":
        yield f"http://127.0.0.1:{site.address[1]}"
        return
    if NGINX is None:
        pytest.skip("nginx is missing; on Debian: apt-get install nginx-light")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = tmp_path / "nginx.conf"
    config.write_text(NGINX_CONFIG.format(folder=tmp_path, port=port, upstream=site.address[1]))
    process = subprocess.Popen([NGINX, "-p", str(tmp_path), "-c", str(config)], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + PATIENCE
    while not _listens(port):
        assert time.monotonic() < deadline, (tmp_path / "error.log").read_text()
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(PATIENCE)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def read_with_httpx_sse(url: str, last: str) -> Read:
    headers = {"Last-Event-ID": last} if last else {}
    with httpx.Client(timeout=PATIENCE) as client, connect_sse(client, "GET", url, headers=headers) as source:
        return [(event.id, event.data) for event, _ in zip(source.iter_sse(), range(COUNT), strict=False)]


def read_with_sseclient(url: str, last: str) -> Read:
    headers = {"Last-Event-ID": last} if last else {}
    with requests.get(url, headers=headers, stream=True, timeout=PATIENCE) as response:
        events = sseclient.SSEClient(response.iter_content(chunk_size=1)).events()
        return [(event.id, event.data) for event, _ in zip(events, range(COUNT), strict=False)]


def read_with_curl(url: str, last: str) -> Read:
    if CURL is None:
        pytest.skip("curl is missing; on Debian: apt-get install curl")
    command = [CURL, "-sN", "--max-time", str(PATIENCE), "-H", f"Last-Event-ID: {last}", url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as curl:
        assert curl.stdout is not None
        lines = [line.rstrip("\n") for line in islice(filter(FIELD.match, curl.stdout), 2 * COUNT)]
        curl.kill()
    return [(event_id[4:], data[6:]) for event_id, data in zip(lines[::2], lines[1::2], strict=True)]


def _run(command: list[str]) -> Read:
    answer = subprocess.run(command, capture_output=True, check=False, timeout=60, cwd=ROOT, text=True)
    assert answer.returncode == 0, answer.stderr[-2000:]
    return [(event_id, data) for event_id, data in json.loads(answer.stdout)]


def _with_query(url: str, last: str) -> str:
    return f"{url}?last_event_id={last}" if last else url


def read_with_chromium(url: str, last: str) -> Read:
    if CHROMIUM is None:
        pytest.skip("Chromium is missing; on Debian: apt-get install chromium")
    arguments = [CHROMIUM, _with_query(url, last), str(COUNT)]
    return _run([sys.executable, "-m", "tests.stream.browser_reader", *arguments])


def read_with_node(url: str, last: str) -> Read:
    node = shutil.which("node")
    if node is None or not (NODE_MODULES / "eventsource").is_dir():
        pytest.skip("npm's eventsource is missing; get it: npm install --prefix build/node eventsource@3")
    script = Path(__file__).with_name("node_reader.mjs")
    return _run([node, str(script), str(NODE_MODULES.parent), _with_query(url, last), str(COUNT)])


CLIENTS = [read_with_httpx_sse, read_with_sseclient, read_with_curl, read_with_chromium, read_with_node]


@pytest.mark.parametrize("read", CLIENTS, ids=lambda read: read.__name__.removeprefix("read_with_"))
def test_a_client_that_is_not_ours_gets_every_event_once(
    read: Callable[[str, str], Read], site: Site, origin: str
) -> None:
    before = [str(site.hub.publish("CONFIG_CHANGED", {"n": n, "text": "ä\u2028ö"})) for n in range(12)]
    reading = gevent.spawn(read, origin + STREAM_PATH, before[1])
    site.wait(lambda: site.hub.desk.admission.clients or reading.ready(), 30)

    after = [str(site.hub.publish("CONFIG_CHANGED", {"n": n, "text": "ä\u2028ö"})) for n in range(12, 24)]
    events = reading.get(timeout=60)

    seen = [(event_id, json.loads(data)["data"]) for event_id, data in events if "HEARTBEAT" not in data]
    assert len(seen) == COUNT - 1
    assert [event_id for event_id, _ in seen] == [*before[2:], *after][: COUNT - 1]
    assert seen[0][1] == {"n": 2, "text": "ä\u2028ö"}
