"""A scripted cluster: applications appear, change, fail, recover and go, in a loop of less than a minute."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any

import yaml
from msgspec import Struct

from portal.demo.manifests import Manifests, key_of, kind_of


class Step(Struct, frozen=True):
    """What happens at a moment of the loop, in seconds; `answers` are HTTP statuses by host, 200 unless said."""

    at: float
    apply: tuple[dict[str, Any], ...] = ()
    delete: tuple[dict[str, Any], ...] = ()
    answers: dict[str, int] = {}


class Script(Struct, frozen=True):
    """A cluster at the start of the loop, and the steps of the loop, in seconds."""

    seconds: float
    objects: tuple[dict[str, Any], ...]
    steps: tuple[Step, ...]


def script() -> Script:
    """Return the script that comes with portal."""
    text = files("portal.demo").joinpath("cluster.yaml").read_text(encoding="utf-8")
    told = yaml.safe_load(text)
    steps = tuple(
        Step(each["at"], tuple(each.get("apply", ())), tuple(each.get("delete", ())), each.get("answers", {}))
        for each in told["steps"]
    )
    return Script(told["seconds"], tuple(told["objects"]), steps)


class Theatre:
    """Plays a script over and over; `answers` says what each host answers now."""

    def __init__(self, played: Script, manifests: Manifests, clock: Callable[[], float] = time.monotonic) -> None:
        self._script = played
        self._manifests = manifests
        self._clock = clock
        self.answers: dict[str, int] = {}
        self.rewind()

    def run(self, stop: threading.Event) -> None:
        """Play until `stop` is set."""
        while not stop.is_set():
            self._play_once(stop, self._clock())
            self.rewind()

    def rewind(self) -> None:
        """Bring the cluster back to the start of the loop."""
        first = {(kind_of(each), key_of(each)) for each in self._script.objects}
        for kind, key in tuple(self._manifests.everything()):
            if (kind, key) not in first:
                self._manifests.drop(kind, key)
        self._apply(self._script.objects)
        self.answers.clear()

    def perform(self, step: Step) -> None:
        """Do what a step says."""
        self._apply(step.apply)
        for manifest in step.delete:
            self._manifests.drop(kind_of(manifest), key_of(manifest))
        self.answers.update(step.answers)

    def _play_once(self, stop: threading.Event, start: float) -> None:
        for step in self._script.steps:
            if stop.wait(max(start + step.at - self._clock(), 0)):
                return
            self.perform(step)
        stop.wait(max(start + self._script.seconds - self._clock(), 0))

    def _apply(self, manifests: Sequence[dict[str, Any]]) -> None:
        for manifest in manifests:
            self._manifests.put(manifest)
