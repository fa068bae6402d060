"""Answers are built once per version, and clients that have the present one get 304."""

from __future__ import annotations

import gzip
import random
import threading
from typing import Any

import pytest
from flask import Flask, Response, request

from portal.model import Position
from portal.web.cache import AnswerCache, Built, Variant
from tests.web.houses import SYNCED, HouseState, application, bookmark, state

CATALOG = ["/", "/admin", "/api/apps", "/api/apps/media/nas", "/api/bookmarks", "/api/snapshot"]
CONFIGURED = ["/api/config", "/api/theme", "/api/i8n", "/theme.css"]
GZIP = {"Accept-Encoding": "gzip, br"}


def full_state() -> HouseState:
    return state(*(application(f"App {number}", "Media") for number in range(20)), application("Nas"), bookmark("News"))


@pytest.mark.parametrize("path", [*CATALOG, *CONFIGURED])
def test_a_client_with_the_present_version_gets_304_with_the_same_tag(path: str) -> None:
    client = full_state().client()
    first = client.get(path)

    second = client.get(path, headers={"If-None-Match": first.headers["ETag"]})

    assert (second.status_code, second.data) == (304, b"")
    assert second.headers["ETag"] == first.headers["ETag"]
    assert second.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", CATALOG)
def test_a_change_of_the_catalog_makes_a_new_tag(path: str) -> None:
    house = full_state()
    client = house.client()
    tag = client.get(path).headers["ETag"]

    house.put(application("New"))

    assert client.get(path, headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize("path", ["/api/config", "/api/theme", "/theme.css", "/"])
def test_a_change_of_the_configuration_makes_a_new_tag(path: str) -> None:
    house = full_state()
    client = house.client()
    tag = client.get(path).headers["ETag"]

    house.change_page(title="Home")

    assert client.get(path, headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/api/snapshot"])
def test_a_change_of_the_sync_state_makes_a_new_tag(path: str) -> None:
    house = full_state()
    client = house.client()
    tag = client.get(path).headers["ETag"]

    house.change_sync(SYNCED)

    assert client.get(path, headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/api/snapshot"])
def test_a_new_position_makes_a_new_tag(path: str) -> None:
    house = full_state()
    client = house.client()
    tag = client.get(path).headers["ETag"]

    house.head = Position("e", 2)

    assert client.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_the_tag_of_another_process_is_not_ours() -> None:
    house = full_state()

    tags = {house.client(AnswerCache(boot, 60)).get("/api/apps").headers["ETag"] for boot in ("one", "two")}

    assert len(tags) == 2


def test_a_compressed_answer_has_a_tag_of_its_own_and_says_so() -> None:
    client = full_state().client()

    plain, compressed = client.get("/api/apps"), client.get("/api/apps", headers=GZIP)

    assert compressed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(compressed.data) == plain.data
    assert compressed.headers["ETag"] == plain.headers["ETag"][:-1] + '-gz"'
    assert "Accept-Encoding" in plain.headers["Vary"]
    assert "Accept-Encoding" in compressed.headers["Vary"]


@pytest.mark.parametrize("given", ['"{tag}-gz"', 'W/"{tag}-gz"', '"other", "{tag}-gz"', '"other","{tag}-gz"'])
def test_a_compressed_answer_is_known_by_its_tag_however_it_is_given(given: str) -> None:
    client = full_state().client()
    tag = client.get("/api/apps").headers["ETag"].strip('"')

    answer = client.get("/api/apps", headers={**GZIP, "If-None-Match": given.format(tag=tag)})

    assert answer.status_code == 304


@pytest.mark.parametrize("path", [*CATALOG, *CONFIGURED])
def test_even_a_small_answer_is_compressed(path: str) -> None:
    assert full_state().client().get(path, headers=GZIP).headers["Content-Encoding"] == "gzip"


def test_an_answer_that_compression_would_make_longer_is_left_as_it_is() -> None:
    assert "Content-Encoding" not in state().client().get("/api/apps", headers=GZIP).headers


def test_a_304_carries_the_sync_headers() -> None:
    client = full_state().client()
    tag = client.get("/api/apps").headers["ETag"]

    answer = client.get("/api/apps", headers={"If-None-Match": tag})

    assert (answer.status_code, answer.headers["X-Sync-Status"]) == (304, "completed")


def test_an_error_has_no_tag() -> None:
    assert "ETag" not in state().client().get("/api/apps").headers


def cached(ttl: float = 60.0) -> tuple[AnswerCache, list[int], Any]:
    cache, built = AnswerCache("boot", ttl), []

    def ask(version: int = 1, kind: str = "applications", headers: Any = None) -> Response:
        with Flask("test").test_request_context(headers=headers):
            return cache.answer(request, Variant(kind, ()), (version,), lambda: built.append(version) or Built(b"{}"))

    return cache, built, ask


def test_an_answer_is_built_once_per_version() -> None:
    _, built, ask = cached()

    ask(1), ask(1), ask(2), ask(2)

    assert built == [1, 2]


def test_nothing_is_built_for_a_client_that_has_it() -> None:
    _, built, ask = cached()
    tag = ask(1).headers["ETag"]
    built.clear()

    answer = ask(1, headers={"If-None-Match": tag})

    assert (answer.status_code, built) == (304, [])


def test_invalidation_forgets_the_answers_of_the_kinds_named() -> None:
    cache, built, ask = cached()
    ask(kind="applications"), ask(kind="bookmarks")

    assert cache.invalidate(["applications"]) == 1
    ask(kind="applications"), ask(kind="bookmarks")
    assert len(built) == 3


def test_who_asks_for_the_same_waits_for_it_and_nobody_else_does() -> None:
    cache, _, ask = cached()
    begun, go, built = threading.Event(), threading.Event(), []

    def slow() -> Built:
        begun.set()
        assert go.wait(10)
        built.append("page")
        return Built(b"{}")

    def page() -> None:
        with Flask("test").test_request_context():
            cache.answer(request, Variant("page", ()), (1,), slow)

    readers = [threading.Thread(target=page) for _ in range(3)]
    for reader in readers:
        reader.start()
    assert begun.wait(10)
    other = ask()
    cache.invalidate(["page"])
    go.set()
    for reader in readers:
        reader.join(10)

    assert (other.status_code, built) == (200, ["page"])


def test_a_build_that_failed_leaves_nobody_waiting() -> None:
    cache, built, ask = cached()

    def broken() -> Built:
        raise RuntimeError("no")

    with Flask("test").test_request_context(), pytest.raises(RuntimeError):
        cache.answer(request, Variant("applications", ()), (1,), broken)

    assert (ask().status_code, built) == (200, [1])


def test_answers_take_no_more_room_than_they_are_given() -> None:
    cache, built = AnswerCache("boot", 60, room=5000), []

    def ask(which: str, length: int) -> int:
        with Flask("test").test_request_context():
            build = lambda: built.append(which) or Built(random.randbytes(length))  # noqa: E731 - short
            return len(cache.answer(request, Variant("page", (which,)), (1,), build).data)

    sizes = [ask("a", 2000), ask("b", 2000), ask("a", 2000), ask("too long", 9000), ask("too long", 9000)]

    assert sizes == [2000, 2000, 2000, 9000, 9000]
    assert built == ["a", "b", "a", "too long", "too long"]


def test_a_long_answer_is_compressed_as_a_whole() -> None:
    cache, body = AnswerCache("boot", 60), random.randbytes(1000) * 300

    with Flask("test").test_request_context(headers=GZIP):
        answer = cache.answer(request, Variant("page", ()), (1,), lambda: Built(body))

    assert gzip.decompress(answer.data) == body
