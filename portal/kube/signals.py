"""What goes into the watch's machine, and what comes out of it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from portal.kube.errors import KubeError
from portal.kube.sift import Events

Reason = Literal["initial", "relist", "epoch", "safety", "absent", "forbidden"]


class Started(Struct, frozen=True):
    """Input: begin."""


class Listed(Struct, frozen=True):
    """Input: a page of a list came; `count` objects are on it."""

    resource_version: str
    continue_token: str
    count: int


class Opened(Struct, frozen=True):
    """Input: the server has begun to answer the watch."""


class Received(Struct, frozen=True, gc=False):
    """Input: events came together, or none for a while."""

    events: Events


class Ended(Struct, frozen=True):
    """Input: the server ended the watch in order."""


class Failed(Struct, frozen=True):
    """Input: a list, the start of a watch or a running watch failed."""

    error: KubeError


class Waited(Struct, frozen=True):
    """Input: the wait that was asked for is over."""


class Stopped(Struct, frozen=True):
    """Input: end."""


Input = Started | Listed | Opened | Received | Ended | Failed | Waited | Stopped


class Deliver(Struct, frozen=True, gc=False):
    """Output: hand on these events; everything up to `resource_version` is known then."""

    events: Events
    resource_version: str


class Replace(Struct, frozen=True):
    """Output: hand on the listed objects as the whole truth."""

    reason: Reason
    resource_version: str


class Clear(Struct, frozen=True):
    """Output: hand on that there is nothing any more."""

    reason: Reason


class Close(Struct, frozen=True):
    """Output: hang up. `error` says why, where the watch did not end in order."""

    error: str = ""


class Count(Struct, frozen=True):
    """Output: count something."""

    what: Literal["duplicates", "damaged", "marks", "unknown", "short", "restarts", "errors", "relists"]
    number: int = 1
    label: str = ""


class List(Struct, frozen=True):
    """Command: ask for a page; an empty token begins a new list, `limit` 0 asks for everything at once."""

    limit: int
    continue_token: str = ""


class Watch(Struct, frozen=True):
    """Command: start a watch after a resourceVersion."""

    resource_version: str
    timeout_seconds: float


class Read(Struct, frozen=True):
    """Command: read the next batch of the running watch."""


class Wait(Struct, frozen=True):
    """Command: wait so many seconds."""

    seconds: float


class AwaitReturn(Struct, frozen=True):
    """Command: wait until the API server answers again."""


class Rest(Struct, frozen=True):
    """Command: nothing is left to do."""


Command = List | Watch | Read | Wait | AwaitReturn | Rest
Output = Deliver | Replace | Clear | Close | Count
Outputs = tuple[Output, ...]
