from __future__ import annotations

import pytest

from portal.availability.login import leads_to_login
from tests.availability.cases import cases


@pytest.mark.parametrize(("asked", "location", "expected"), cases("login_cases"))
def test_a_redirect_to_a_login_is_told_from_other_redirects(asked: str, location: str, expected: bool) -> None:
    assert leads_to_login(asked, location) is expected
