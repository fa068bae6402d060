"""A door without a server behind it: a test lays out what it answers, and the reflector takes it for real."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from portal.kube.errors import KubeError
from portal.kube.listwatch import Page, WatchEvent
from portal.kube.resources import Metadata, Projection

Answers = list[Any]


class FakeStream:
    """Yields what was laid out; raises what was laid out; then ends in order."""

    def __init__(self, steps: Sequence[Any]) -> None:
        self._steps = deque(steps)
        self.closed = False

    def __iter__(self) -> Iterator[Sequence[WatchEvent[Any]]]:
        while self._steps:
            step = self._steps.popleft()
            if isinstance(step, BaseException):
                raise step
            yield step() if callable(step) else step

    def close(self) -> None:
        self.closed = True


class FakeDoor:
    """Answers lists and watches with what was laid out, and remembers what was asked."""

    def __init__(self, lists: Answers, watches: Answers) -> None:
        self._lists = deque(lists)
        self._watches = deque(watches)
        self.asked: list[tuple[Any, ...]] = []
        self.streams: list[FakeStream] = []

    def list(self, *, limit: int, continue_token: str) -> Page[Any]:
        self.asked.append(("list", limit, continue_token))
        return answered(self._lists.popleft())

    def watch(self, *, resource_version: str, timeout_seconds: float) -> FakeStream:
        del timeout_seconds
        self.asked.append(("watch", resource_version))
        self.streams.append(FakeStream(answered(self._watches.popleft())))
        return self.streams[-1]


def answered(answer: Any) -> Any:
    """Return what was laid out, or raise it."""
    if isinstance(answer, KubeError):
        raise answer
    return answer


def thing(name: str, version: int = 1, namespace: str = "default") -> Projection:
    """Return an object."""
    metadata = Metadata(name=name, namespace=namespace, uid=f"uid-{name}", resource_version=str(version))
    return Projection(metadata=metadata)


def page(version: int, *names: str, token: str = "") -> Page[Any]:
    """Return a page of objects."""
    return Page(tuple(thing(name, version) for name in names), str(version), token)
