"""Complaints of the decoder are said in words of YAML; each is made by the decoder itself."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import pytest

from portal.kube.wording import wording


class Named(msgspec.Struct):
    name: str


@pytest.mark.parametrize(
    ("wanted", "written", "said"),
    [
        (int | None, '"first"', "is text, and a whole number is wanted, without quotes"),
        (int | None, "1.5", "is a number with a fraction, and a whole number is wanted"),
        (int | None, "true", "is true or false, and a whole number is wanted"),
        (int, "null", "is null, and a whole number is wanted"),
        (float, '"1"', "is text, and a number is wanted, without quotes"),
        (bool | None, '"yes"', "is text, and true or false is wanted, without quotes"),
        (bool | None, "1", "is a number, and true or false is wanted"),
        (str | None, "true", "is true or false, and text is wanted, in quotes"),
        (str | None, "5000", "is a number, and text is wanted, in quotes"),
        (str, "1.5", "is a number with a fraction, and text is wanted, in quotes"),
        (str, '["a"]', "is a list, and text is wanted"),
        (str, "{}", "is a map, and text is wanted"),
        (list[str] | None, '"a"', "is text, and a list is wanted"),
        (list[str], "{}", "is a map, and a list is wanted"),
        (Named, "[]", "is a list, and a map is wanted"),
        (dict[str, str], '"a"', "is text, and a map is wanted"),
        (str | list[int] | None, "{}", "is a map, and text or a list is wanted"),
        (Named, "{}", "lacks name, which is required"),
        (Literal["Ingress"], '"Pod"', "is 'Pod', which is none of the values that it may have"),
        (Literal[1, 2], "5", "is 5, which is none of the values that it may have"),
    ],
)
def test_what_the_decoder_complains_of_is_put_into_words(wanted: Any, written: str, said: str) -> None:
    with pytest.raises(msgspec.ValidationError) as raised:
        msgspec.json.decode(written, type=wanted)

    assert wording(str(raised.value)) == said


@pytest.mark.parametrize(
    "complaint", ["Expected `ext`, got `str`", "Expected `str`, got `ext`", "Nothing of the kind", ""]
)
def test_what_is_not_known_stays_as_it_is(complaint: str) -> None:
    assert wording(complaint) == complaint
