"""What looks like something that is read is said; whatever else people keep in a folder is not."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from portal.demo.lint import lint

OURS = "startpunkt.ullberg.us/"
KINDS = yaml.safe_load(Path(__file__).with_name("lint.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", KINDS, ids=lambda case: f"{case.get('apiVersion', '')} {case['kind']}")
def test_a_kind_is_said_where_it_looks_like_one_that_is_read(case: dict[str, str]) -> None:
    manifest = {"metadata": {"name": "a"}, **{key: case[key] for key in ("apiVersion", "kind") if key in case}}

    assert "\n".join(lint(manifest)) == case.get("said", "")


@pytest.mark.parametrize(
    ("kind", "annotations", "said"),
    [
        ("Ingress", {f"{OURS}enable": "true", "other.example.com/enbale": "true"}, []),
        ("Ingress", {f"{OURS}enbale": "true"}, [f"annotation {OURS}enbale: not read; did you mean {OURS}enable?"]),
        ("Ingress", {f"{OURS}colour": "red"}, [f"annotation {OURS}colour: not read; did you mean {OURS}iconColor?"]),
        ("Ingress", {"hajimari.io/instance": "home"}, ["annotation hajimari.io/instance: not read"]),
        ("IngressClass", {f"{OURS}enbale": "true"}, []),
        ("Ingress", None, []),
        ("Ingress", "none", []),
    ],
)
def test_an_annotation_of_a_known_family_that_is_not_read_is_said(
    kind: str, annotations: object, said: list[str]
) -> None:
    manifest = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": "a", "annotations": annotations},
    }

    assert list(lint(manifest)) == said
