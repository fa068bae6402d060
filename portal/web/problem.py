"""Errors as `application/problem+json` (RFC 9457)."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Final

import msgspec
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

CONTENT_TYPE: Final = "application/problem+json"

_log = logging.getLogger(__name__)


def problem(status: int, detail: str) -> Response:
    """Return a problem body; `detail` says in a sentence what is wrong here."""
    return Response(problem_body(status, detail), status=status, content_type=CONTENT_TYPE)


def problem_body(status: int, detail: str) -> bytes:
    """Return the JSON of a problem."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return msgspec.json.encode(body)


def install(app: Flask) -> None:
    """Let every error of the application be answered as a problem."""
    app.register_error_handler(HTTPException, _from_http)
    app.register_error_handler(Exception, _from_defect)


def _from_http(error: HTTPException) -> HTTPException | Response:
    if error.code is None or error.code < HTTPStatus.BAD_REQUEST:
        return error  # a redirect is an HTTPException too, and its own response
    answer = problem(error.code, error.description or HTTPStatus(error.code).phrase)
    answer.headers.extend({name: value for name, value in error.get_headers() if name == "Allow"})
    return answer


def _from_defect(error: Exception) -> Response:
    _log.error("Request failed path=%s", request.path, exc_info=error)
    return problem(500, "portal has a defect here; its log says more")
