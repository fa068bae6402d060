"""Label selectors in a configuration: as a text, or as Kubernetes objects write them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Final, cast

from msgspec import Struct

from portal.settings.document import Member, Members, Scalar, Value
from portal.settings.errors import Place, suggestion
from portal.settings.kinds import Choice, Many, Text, UnfitError
from portal.settings.reading import Rows, Section

_SELECTOR: Final = r"[-A-Za-z0-9_./=!,() ]*"
_WORDS_BY_OPERATOR: Final = {"In": "{} in ({})", "NotIn": "{} notin ({})", "Exists": "{}", "DoesNotExist": "!{}"}
_WITH_VALUES: Final = ("In", "NotIn")
_FORMS: Final = ("matchLabels", "matchExpressions")


class Expression(Section, frozen=True):
    """One of `matchExpressions`."""

    key: Annotated[str, Text(r"[-A-Za-z0-9_./]{1,317}", "the key of a label")] = ""
    operator: Annotated[str, Choice(tuple(_WORDS_BY_OPERATOR))] = ""
    values: Annotated[tuple[str, ...], Many(Text(r"[-A-Za-z0-9_.]{0,63}", "the value of a label"))] = ()


_EXPRESSIONS: Final = Rows(Expression, ("key", "operator"))


class Labels(Struct, frozen=True):
    """A label selector: `team=media,tier!=test`, or with `matchLabels` and `matchExpressions` under it."""

    def read(self, value: Value) -> str:
        """Return the selector as a text. Raises UnfitError."""
        if not isinstance(value, Members):
            return Text(_SELECTOR, "a label selector like team=media,tier!=test").read(value)
        return ",".join(term for member in value.members for term in _terms(member))


def _terms(member: Member) -> Iterator[str]:
    if member.key == "matchLabels" and isinstance(member.value, Members):
        yield from map(_term_from_label, member.value.members)
    elif member.key == "matchExpressions" and member.value is not None and not isinstance(member.value, Members):
        for each in _EXPRESSIONS.read(member.value):
            yield _term_from_expression(cast("Expression", each), member.value.place)
    else:
        hint = "" if member.key in _FORMS else suggestion(member.key, _FORMS)
        what = "matchLabels with labels under it, nor matchExpressions with a list"
        raise UnfitError(f'"{member.key}" is not {what}{hint}', member.place)


def _term_from_label(label: Member) -> str:
    if not isinstance(label.value, Scalar) or re.fullmatch(_SELECTOR, f"{label.key}={label.value.text}") is None:
        raise UnfitError(f'the label "{label.key}" has no value that a label can have', label.place)
    return f"{label.key}={label.value.text}"


def _term_from_expression(expression: Expression, place: Place) -> str:
    operator, values = expression.operator, expression.values
    if bool(values) != (operator in _WITH_VALUES):
        raise UnfitError(f"{operator} {'takes no' if values else 'needs'} values", place)
    return _WORDS_BY_OPERATOR[operator].format(expression.key, ",".join(values))
