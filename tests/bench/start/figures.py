"""Figures in the form of the contract."""

from __future__ import annotations

from typing import Any

Rows = list[dict[str, Any]]


def row(case: str, subject: str, metric: str, value: float, unit: str, ratio: float | None = None) -> dict[str, Any]:
    """Return one figure in the form of the contract."""
    figure = {"case": case, "subject": subject, "metric": metric, "value": value, "unit": unit}
    return figure if ratio is None else {**figure, "ratio_to_floor": round(ratio, 3)}
