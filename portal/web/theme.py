"""The theme as CSS custom properties, so that the page needs no inline style; text is legible in any theme."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from portal.web.colours import BLACK, WHITE, Rgb, hex_from_rgb, is_colour, legible, luminance, mixed, rgb_from_text
from portal.web.house import ThemeColours

TEXT: Final = 4.6  # WCAG AA asks 4.5 of text
SHAPE: Final = 3.1  # and 3 of what is not text
HALF: Final = 0.18  # the luminance at which black and white contrast alike

SIGNALS: Final[Mapping[str, Rgb]] = {"up": (31, 136, 84), "degraded": (191, 123, 0), "down": (207, 44, 60)}
"""Fixed, because green, amber and red mean something; lightened or darkened for the theme."""


def stylesheet(light: ThemeColours, dark: ThemeColours) -> str:
    """Return the style sheet of both themes: light, dark where the system or the visitor asks for it."""
    bright, dim = _declarations(light), _declarations(dark)
    return (
        f":root{{{bright}}}\n"
        f"@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dim}}}}}\n"
        f":root[data-theme=dark]{{{dim}}}\n"
    )


def properties(colours: ThemeColours) -> dict[str, str]:
    """Return the custom properties of a theme.

    Colours written as `#rrggbb` are made legible; others are taken over as they are.
    """
    background = rgb_from_text(colours.body_bg_color)
    if background is None:
        return _as_written(colours)
    dark = luminance(background) < HALF
    surface = mixed(background, WHITE, 0.055 if dark else 0.72)
    raised = mixed(background, WHITE, 0.1 if dark else 1)
    ground = raised if dark else background  # the one of the three that is hardest to read on
    return {
        "color-scheme": "dark" if dark else "light",
        "--background": hex_from_rgb(background),
        "--surface": hex_from_rgb(surface),
        "--raised": hex_from_rgb(raised),
        "--line": hex_from_rgb(mixed(surface, WHITE if dark else BLACK, 0.09)),
        "--text": _legible(colours.body_color, ground, TEXT),
        "--name": _legible(colours.text_primary_color, ground, TEXT),
        "--title": _legible(colours.emphasis_color, ground, TEXT),
        "--accent": _legible(colours.text_accent_color, ground, SHAPE),
        "--accent-text": _legible(colours.text_accent_color, ground, TEXT),
        **{f"--{name}": hex_from_rgb(legible(rgb, ground, TEXT)) for name, rgb in SIGNALS.items()},
    }


def _legible(colour: str, ground: Rgb, ratio: float) -> str:
    rgb = rgb_from_text(colour)
    if rgb is None:
        return colour if is_colour(colour) else "currentColor"
    return hex_from_rgb(legible(rgb, ground, ratio))


def _as_written(colours: ThemeColours) -> dict[str, str]:
    background = colours.body_bg_color if is_colour(colours.body_bg_color) else "Canvas"
    written = {
        "--background": background,
        "--surface": f"color-mix(in srgb,{background},white 6%)",
        "--raised": f"color-mix(in srgb,{background},white 10%)",
        "--line": "color-mix(in srgb,currentColor,transparent 85%)",
        "--text": colours.body_color,
        "--name": colours.text_primary_color,
        "--title": colours.emphasis_color,
        "--accent": colours.text_accent_color,
        "--accent-text": colours.text_accent_color,
        **{f"--{name}": hex_from_rgb(rgb) for name, rgb in SIGNALS.items()},
    }
    return {name: value if is_colour(value) or "(" in value else "currentColor" for name, value in written.items()}


def _declarations(colours: ThemeColours) -> str:
    return ";".join(f"{name}:{value}" for name, value in properties(colours).items())
