"""Static files, under a path that changes with their content, so that browsers keep them for good.

One hash stands for the whole tree: modules import each other by relative paths, which therefore carry it too, without
a build step. The icon sets are not part of the tree.
"""

from __future__ import annotations

import hashlib
import mimetypes
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, abort, request

from portal.web.cache import AnswerCache, Built, Variant

FOR_GOOD: Final = "public, max-age=31536000, immutable"
SERVED: Final = ("css", "js", "i18n", "images")
TYPES: Final = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".json": "application/json"}


class Assets:
    """The files of `static/`, read once."""

    def __init__(self, folder: Path) -> None:
        names = sorted(each for part in SERVED for each in (folder / part).glob("**/*") if each.is_file())
        self._files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in names}
        digest = hashlib.blake2b(digest_size=6)
        for name, content in self._files.items():
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
        self.hash = digest.hexdigest()

    def url(self, name: str) -> str:
        """Return the path of a file, hash included."""
        return f"/static/{self.hash}/{name}"

    def content(self, name: str) -> bytes | None:
        """Return a file's content, None where there is no such file."""
        return self._files.get(name)


def assets_blueprint(assets: Assets, cache: AnswerCache) -> Blueprint:
    """Return the blueprint of the static files; a path without or with an old hash works, but is asked for again."""
    blueprint = Blueprint("assets", __name__)

    def file(path: str) -> Response:
        stamp, _, rest = path.partition("/")
        name = rest if assets.content(rest) is not None else path
        content = assets.content(name)
        if content is None:
            abort(404, "there is no such file")
        variant = Variant("static", (name,), content_type(name))
        answer = cache.answer(request, variant, (assets.hash,), lambda: Built(content))
        if stamp == assets.hash:
            answer.headers["Cache-Control"] = FOR_GOOD
        return answer

    blueprint.add_url_rule("/static/<path:path>", "file", file)
    return blueprint


def content_type(name: str) -> str:
    """Return the content type of a file by its name."""
    return TYPES.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
