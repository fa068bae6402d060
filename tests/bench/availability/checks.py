"""The CPU of one check beside a bare urllib3 HEAD.

The floor makes a new connection each time, because a check has to see that connecting works; what HEAD costs on a kept
connection is shown beside it. CPU time of this process alone, the best of interleaved repetitions.
"""

from __future__ import annotations

import ssl
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import requests
import urllib3
from msgspec import structs

from portal.availability.probes import probe
from portal.availability.scheduler import Scheduler
from portal.availability.targets import CheckOptions, Target, target_from_url
from portal.availability.transport import Opener
from tests.availability.entries import application
from tests.availability.servers import Authority
from tests.bench.availability.figures import Rows, process, row

REPETITIONS = 9
CALLS = 300


def per_check() -> Rows:
    """Measure the CPU of one check beside a bare urllib3 HEAD, with and without TLS."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        authority = Authority(folder, "authority")
        authority.server("server")
        port = stack.enter_context(process("answer"))
        secure = stack.enter_context(
            process("answer", str(folder / "authority-server.pem"), str(folder / "authority-server.key"))
        )
        return [
            *_compared("http-head", f"http://127.0.0.1:{port}/app", authority.file),
            *_compared("https-head", f"https://127.0.0.1:{secure}/app", authority.file),
        ]


def _compared(case: str, url: str, ca_file: Path) -> Rows:
    subjects = _subjects(url, str(ca_file))
    best = dict.fromkeys(subjects, float("inf"))
    for _ in range(REPETITIONS):
        for name, ask in subjects.items():
            best[name] = min(best[name], _cpu(ask))
    return [
        row(case, name, "cpu_us_per_check", round(used * 1e6, 1), "us", ratio=used / best["floor"])
        for name, used in best.items()
    ]


def _subjects(url: str, ca_file: str) -> dict[str, Callable[[], object]]:
    pool = urllib3.PoolManager(ssl_context=ssl.create_default_context(cafile=ca_file))
    session = requests.Session()
    session.trust_env = False
    session.verify = ca_file
    opener, target = Opener(), _target(url, ca_file)
    closing = {"Connection": "close", "User-Agent": "bench"}
    return {
        "floor": lambda: pool.request("HEAD", url, headers=closing, retries=False, timeout=5.0),
        "urllib3-kept-open": lambda: pool.request("HEAD", url, retries=False, timeout=5.0),
        "requests-session": lambda: session.head(url, headers=closing, timeout=5.0),
        "portal": lambda: probe(target, opener),
        "portal-scheduled": _scheduled(target, opener),
    }


def _scheduled(target: Target, opener: Opener) -> Callable[[], object]:
    """Return a check with all that belongs to it: the plan, belief and history."""
    now = [0.0]
    scheduler = Scheduler(
        lambda _target: probe(target, opener), lambda _news: None, lambda _name, check: check(), clock=lambda: now[0]
    )
    scheduler.follow(None, application("bench", target.url))
    interval = CheckOptions().interval

    def ask() -> None:
        now[0] += interval * 1.02
        scheduler.turn()

    return ask


def _cpu(ask: Callable[[], object]) -> float:
    ask()
    began = time.process_time()
    for _ in range(CALLS):
        ask()
    return (time.process_time() - began) / CALLS


def _target(url: str, ca_file: str) -> Target:
    target = target_from_url(url)
    if target is None:
        raise ValueError(url)
    return structs.replace(target, ca_file=ca_file)
