"""`portal explain` tells how an entry is checked and what stands behind it."""

from __future__ import annotations

import msgspec
import pytest

from portal.runtime.explaining import explanation
from portal.settings.tree import Settings

OURS = "startpunkt.ullberg.us/"


def explained(annotations: dict[str, str]) -> list[str]:
    backend = {"service": {"name": "shop", "port": {"number": 80}}}
    document = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {
            "name": "shop",
            "namespace": "media",
            "annotations": {f"{OURS}enable": "true", **annotations},
        },
        "spec": {"rules": [{"host": "shop.example.com", "http": {"paths": [{"backend": backend}]}}]},
    }
    body = msgspec.json.encode(document)
    return explanation(Settings(), "ingress/media/shop", lambda *_: body).splitlines()


@pytest.mark.parametrize(
    ("annotations", "line"),
    [
        ({}, "  step: behind it: the Services media/shop"),
        ({f"{OURS}check": "off"}, "  step: check: not asked from outside"),
        ({f"{OURS}checkPath": "/healthz"}, "  step: check: path /healthz"),
        (
            {f"{OURS}checkPath": "healthz"},
            f'  mistake: annotation {OURS}checkPath: "healthz" does not begin with a slash; ignored',
        ),
        (
            {f"{OURS}checkpath": "/healthz"},
            f'  mistake: annotation {OURS}checkpath is not one that portal reads (did you mean "{OURS}checkPath"?)',
        ),
    ],
)
def test_the_check_of_an_entry_is_explained(annotations: dict[str, str], line: str) -> None:
    assert line in explained(annotations)
