"""What a query says, however its author writes lists."""

from __future__ import annotations

from flask import Request


def listed(asked: Request, name: str) -> str:
    """Return a list from the query with commas between its parts: `?tags=a,b` and `?tags=a&tags=b` say the same."""
    return ",".join(asked.args.getlist(name))
