"""The page's words, by language; the same files serve the page, the script and `/api/i8n`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
from werkzeug.datastructures import LanguageAccept

FALLBACK: Final = "en-US"
LANGUAGE: Final = re.compile(r"[a-z]{2}(-[A-Z]{2})?")


class Texts:
    """One language's words; what it lacks is said in English."""

    def __init__(self, language: str, words: Mapping[str, str], fallback: Mapping[str, str]) -> None:
        self.language = language
        self._words = {**fallback, **words}

    def __call__(self, key: str, **values: object) -> str:
        """Return the text of a key, each `{name}` replaced by the value of that name; an unknown key as it is."""
        text = self._words.get(key, key)
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", str(value))
        return text


class Languages:
    """The languages of a folder of `xx-XX.json` files."""

    def __init__(self, folder: Path) -> None:
        self._files = {path.stem: path.read_bytes() for path in sorted(folder.glob("*.json"))}
        words = {name: msgspec.json.decode(text, type=dict[str, str]) for name, text in self._files.items()}
        self._texts = {name: Texts(name, own, words[FALLBACK]) for name, own in words.items()}

    @property
    def names(self) -> tuple[str, ...]:
        """Return the languages there are."""
        return tuple(self._files)

    def file(self, name: str) -> bytes:
        """Return the words of a language as JSON."""
        return self._files[name]

    def texts(self, name: str) -> Texts:
        """Return the words of a language."""
        return self._texts[name]

    def spoken(self, wanted: str, default: str) -> str:
        """Return the language to answer in: the one wanted, else one of the same tongue, the default, English."""
        return self._like(wanted) or self._like(default) or FALLBACK

    def accepted(self, accept: LanguageAccept, default: str) -> str:
        """Return the language of ours that a browser likes best."""
        liked = (found for wanted, quality in accept if quality > 0 and (found := self._like(wanted)))
        return next(liked, None) or self._like(default) or FALLBACK

    def _like(self, wanted: str) -> str | None:
        tongue = wanted.partition("-")[0].lower()
        exact = next((name for name in self._files if name.lower() == wanted.lower()), None)
        return exact or next((name for name in self._files if name.partition("-")[0] == tongue), None)
