"""Numbers for people: significant digits, and as many as an interval supports."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchlab.tables.rounding import decimals, estimate, number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-1.934, "−1.93"),
        (97.94, "97.9"),
        (1234.5, "1,234.5"),
        (1.2e-5, "1.20e−5"),
        (float("nan"), "–"),
        (None, "–"),
    ],
)
def test_numbers(value: float | None, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("uncertainty", "places"),
    # The rule's own examples: 0.119 → 0.12, 0.367 → 0.4, 0.0099 → 0.010.
    [(0.119, 2), (0.354, 2), (0.3549, 1), (0.367, 1), (0.949, 1), (0.0099, 3), (1.0, 1), (44.0, -1), (120.0, -1)],
)
def test_the_uncertainty_decides_how_many_places(uncertainty: float, places: int) -> None:
    assert decimals(uncertainty) == places


@pytest.mark.parametrize(
    ("numbers", "texts"),
    [
        ((98.0281, 97.9731, 98.0831), ("98.03", "97.97", "98.08")),
        ((-0.1380, -0.4512, 0.1752), ("−0.14", "−0.45", "0.18")),
        ((0.99851, 0.99571, 1.00131), ("0.9985", "0.9957", "1.0013")),
        ((66.2, -54.5, 186.9), ("70", "−50", "190")),
        ((0.001, -0.04, 0.042), ("0.00", "−0.04", "0.04")),
        ((3.2571e-16, 2.9333e-16, 3.5809e-16), ("3.26e−16", "2.93e−16", "3.58e−16")),
        ((-4.567e7, -5.5e7, -3.634e7), ("−4.6e7", "−5.5e7", "−3.6e7")),
        ((1234567.0, 1234467.0, 1234667.0), ("1.23457e6", "1.23447e6", "1.23467e6")),
        ((4.414, 4.414, 4.414), ("4.414", "4.414", "4.414")),
        ((2.5, float("nan"), float("nan")), ("2.5", "–", "–")),
        ((2.5, -math.inf, math.inf), ("2.5", "−∞", "∞")),
        # Of an open interval, the other end says how well the estimate is known.
        ((3.0218, -math.inf, 3.5527), ("3.0", "−∞", "3.6")),
        ((5.95482, 5.57967, math.inf), ("6.0", "5.6", "∞")),
        ((2.0, 2.0, math.inf), ("2", "2", "∞")),
        ((None, None, None), ("–", "–", "–")),
    ],
)
def test_an_estimate_has_the_digits_of_its_interval(numbers: tuple[float | None, ...], texts: tuple[str, ...]) -> None:
    assert estimate(*numbers) == texts


@given(st.floats(-1e9, 1e9), st.floats(-9, 9))
def test_no_text_is_further_from_its_number_than_half_a_place(value: float, magnitude: float) -> None:
    half = 10**magnitude * max(1.0, abs(value))
    low, high = value - half, value + half
    tolerance = Decimal("0.51") * Decimal(10) ** -decimals((high - low) / 2)
    for exact, text in zip((value, low, high), estimate(value, low, high), strict=True):
        told = Decimal(text.replace("−", "-").replace(",", ""))
        assert abs(told - Decimal(exact)) <= tolerance
