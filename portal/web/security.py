"""What every response says to browsers about safety: nothing is loaded, framed or run that does not come from us."""

from __future__ import annotations

from typing import Final

from flask import Flask, Response

POLICY: Final = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'; object-src 'none'"
DRAWING_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""For SVG opened by itself: its own style element and nothing else; no script, no origin."""

HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def install(app: Flask) -> None:
    """Let every response carry the headers, unless it has stricter ones of its own."""

    def secure(answer: Response) -> Response:
        for name, value in HEADERS.items():
            answer.headers.setdefault(name, value)
        return answer

    app.after_request(secure)
