"""Every source, against its table of cases."""

from __future__ import annotations

import pytest

from tests.sources.table import Case, cases, outcome


@pytest.mark.parametrize("case", cases("application"), ids=str)
def test_a_startpunkt_application_becomes_what_its_case_says(case: Case) -> None:
    assert outcome("application", case) == case.expected


@pytest.mark.parametrize("case", cases("bookmark"), ids=str)
def test_a_startpunkt_bookmark_becomes_what_its_case_says(case: Case) -> None:
    assert outcome("bookmark", case) == case.expected


@pytest.mark.parametrize("case", cases("hajimari-application"), ids=str)
def test_a_hajimari_application_becomes_what_its_case_says(case: Case) -> None:
    assert outcome("hajimari-application", case) == case.expected


@pytest.mark.parametrize("case", cases("hajimari-bookmark"), ids=str)
def test_a_hajimari_bookmark_becomes_what_its_case_says(case: Case) -> None:
    assert outcome("hajimari-bookmark", case) == case.expected


@pytest.mark.parametrize("case", cases("ingress"), ids=str)
def test_an_ingress_becomes_what_its_case_says(case: Case) -> None:
    assert outcome("ingress", case) == case.expected


@pytest.mark.parametrize("case", cases("route"), ids=str)
def test_a_route_becomes_what_its_case_says(case: Case) -> None:
    assert outcome("route", case) == case.expected


@pytest.mark.parametrize("case", cases("virtualservice"), ids=str)
def test_a_virtualservice_becomes_what_its_case_says(case: Case) -> None:
    assert outcome("virtualservice", case) == case.expected


@pytest.mark.parametrize("case", cases("httproute"), ids=str)
def test_an_httproute_becomes_what_its_case_says(case: Case) -> None:
    assert outcome("httproute", case) == case.expected
