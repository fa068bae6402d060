"""Draws icons as SVG tiles: an outline or a letter in its colour on a tint of it, legible in light and in dark."""

from __future__ import annotations

import zlib
from typing import Final
from xml.sax.saxutils import escape

from portal.web.colours import Rgb, hex_from_rgb, is_colour, legible, rgb_from_hue, rgb_from_text
from portal.web.icon_sets import Outline

LIGHT_SURFACE: Final[Rgb] = (246, 244, 240)  # the darker of the light tiles, and the lighter of the dark ones
DARK_SURFACE: Final[Rgb] = (58, 60, 74)
RATIO: Final = 3.1  # WCAG AA for what is not text
HUES: Final = 24

_TILE: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48" width="48" height="48">'
    "<style>:root{{color:{light}}}@media(prefers-color-scheme:dark){{:root{{color:{dark}}}}}</style>"
    '<rect width="48" height="48" rx="12" fill="currentColor" fill-opacity=".13"/>{body}</svg>'
)
_OUTLINE: Final = '<path transform="translate(10 10) scale(1.1667)" fill="currentColor" d="{path}"/>'
_LETTER: Final = (
    '<text x="24" y="32" text-anchor="middle" font-family="system-ui,sans-serif" font-size="23" font-weight="600" '
    'fill="currentColor">{letter}</text>'
)


def outline_tile(outline: Outline, colour: str, seed: str) -> bytes:
    """Return the tile of an outline, in the colour given, else the brand's, else one that `seed` stands for."""
    return _tile(_OUTLINE.format(path=escape(outline.path, {'"': ""})), _colours(colour, outline.brand, seed))


def letter_tile(name: str, colour: str = "") -> bytes:
    """Return a tile with the first letter of a name, always in the same colour for the same name."""
    letter = next((each for each in name.upper() if each.isalnum()), "?")
    return _tile(_LETTER.format(letter=escape(letter)), _colours(colour, "", name.casefold()))


def _colours(colour: str, brand: str, seed: str) -> tuple[str, str]:
    if colour and is_colour(colour):
        return colour, colour
    own = rgb_from_text(f"#{brand}") if brand else None
    hue = zlib.crc32(seed.encode()) % HUES / HUES
    light, dark = (own, own) if own is not None else (rgb_from_hue(hue, 0.42, 0.55), rgb_from_hue(hue, 0.72, 0.6))
    return hex_from_rgb(legible(light, LIGHT_SURFACE, RATIO)), hex_from_rgb(legible(dark, DARK_SURFACE, RATIO))


def _tile(body: str, colours: tuple[str, str]) -> bytes:
    return _TILE.format(light=colours[0], dark=colours[1], body=body).encode()
