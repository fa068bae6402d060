"""What the server remembers of a client's requests, judged by the rules that hold under every fault."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from typing import Any

Request = dict[str, Any]

WINDOW_SECONDS = 10.0
MOST_IN_WINDOW = 6


def is_list(request: Request) -> bool:
    """Tell whether the request begins a list; continuation pages do not count."""
    return bool(request["verb"] == "list") and not request["query"].get("continue")


def is_watch(request: Request) -> bool:
    """Tell whether the request is a watch."""
    return bool(request["verb"] == "watch")


def most_in_window(requests: list[Request], second: float) -> int:
    """Return the most requests for one resource in any ten seconds; `second` is how long one took in the test."""
    moments: dict[str, list[float]] = defaultdict(list)
    for request in requests:
        if is_list(request) or is_watch(request):
            moments[request["name"]].append(request["time"] / second)
    return max((_most(each) for each in moments.values()), default=0)


def broken_rules(requests: list[Request]) -> list[str]:
    """Return what is wrong with any of the requests, whatever the server did."""
    return [f"{rule}: {request['path']} {request['query']}" for request in requests for rule in _broken(request)]


def _most(moments: list[float]) -> int:
    return max(number + 1 - bisect_left(moments, moment - WINDOW_SECONDS) for number, moment in enumerate(moments))


def _broken(request: Request) -> list[str]:
    query = request["query"]
    rules = {
        "a list names no version": request["verb"] == "list" and "resourceVersion" in query,
        "a watch starts from a list's version": is_watch(request) and query.get("resourceVersion", "0") in ("", "0"),
        "a watch ends itself within 240 s": is_watch(request) and not 1 <= float(query.get("timeoutSeconds", 0)) < 240,
        "a watch is not compressed": is_watch(request) and "gzip" in request["headers"].get("accept-encoding", ""),
        "nobody asks for initial events": "sendInitialEvents" in query,
    }
    return [rule for rule, broken in rules.items() if broken]
