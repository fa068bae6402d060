"""Colours: which texts are CSS colours, and how a colour becomes legible on a background (WCAG 2 contrast)."""

from __future__ import annotations

import colorsys
import re
from typing import Final

Rgb = tuple[int, int, int]

WHITE: Final[Rgb] = (255, 255, 255)
BLACK: Final[Rgb] = (0, 0, 0)
LINEAR_UNTIL: Final = 0.04045  # of a channel of sRGB
STEPS: Final = 40  # of a colour on its way to black or white; finer is not seen

_COLOUR = re.compile(
    r"#([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})|[a-z]{3,32}"
    r"|(rgba?|hsla?|hwb|lab|lch|oklab|oklch)\([-0-9.,%/ a-z]{1,60}\)",
    re.IGNORECASE,
)
_HEX = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)


def is_colour(text: str) -> bool:
    """Return whether a text can stand for a colour in CSS and for nothing else."""
    return _COLOUR.fullmatch(text) is not None


def rgb_from_text(text: str) -> Rgb | None:
    """Return the colour that `#abc` or `#aabbcc` names, None for any other way to write one."""
    if _HEX.fullmatch(text) is None:
        return None
    digits = text[1:] if len(text) > len("#abc") else "".join(each * 2 for each in text[1:])
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)


def hex_from_rgb(rgb: Rgb) -> str:
    """Return a colour as `#aabbcc`."""
    return f"#{rgb[0]:02x}{rgb[1]:02x}{rgb[2]:02x}"


def rgb_from_hue(hue: float, lightness: float, saturation: float) -> Rgb:
    """Return a colour from its hue (a turn is 1), lightness and saturation (0 to 1)."""
    red, green, blue = (round(255 * each) for each in colorsys.hls_to_rgb(hue % 1, lightness, saturation))
    return red, green, blue


def mixed(first: Rgb, second: Rgb, share: float) -> Rgb:
    """Return `first` with a share of `second`, from 0 to 1."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def luminance(rgb: Rgb) -> float:
    """Return the relative luminance, from 0 for black to 1 for white."""
    red, green, blue = (_linear(each / 255) for each in rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: Rgb, second: Rgb) -> float:
    """Return the contrast of two colours, from 1 to 21."""
    darker, lighter = sorted((luminance(first), luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def legible(colour: Rgb, background: Rgb, ratio: float) -> Rgb:
    """Return the colour, moved towards black or white just so far that its contrast with the background is `ratio`."""
    towards = BLACK if contrast(BLACK, background) > contrast(WHITE, background) else WHITE
    candidates = (mixed(colour, towards, step / STEPS) for step in range(STEPS + 1))
    return next((each for each in candidates if contrast(each, background) >= ratio), towards)


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= LINEAR_UNTIL else ((channel + 0.055) / 1.055) ** 2.4
