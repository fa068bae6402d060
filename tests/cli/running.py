"""Runs the command line inside the test, as `main` does, and keeps what it says."""

from __future__ import annotations

import io
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout

from msgspec import Struct

from portal.cli.main import run


class Outcome(Struct, frozen=True):
    """What one command came to."""

    code: int
    out: str
    err: str


def portal(*arguments: str, environ: Mapping[str, str] | None = None) -> Outcome:
    """Run `portal ARGUMENTS`."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(arguments, environ or {})
    return Outcome(code, out.getvalue(), err.getvalue())
