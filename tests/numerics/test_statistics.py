"""Statistics against SciPy, brute force, hand-computed examples and simulated coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from batchlab.tables import intervals
from batchlab.tables.intervals import (
    Estimate,
    geometric_ratio,
    hedges_g,
    holm,
    log2_slope,
    mean_interval,
    moments,
    paired_comparison,
    ratio_of_means,
    root_mean_square,
    trend,
    within,
)

SAMPLES = hnp.arrays(float, st.integers(2, 12), elements=st.floats(-1e3, 1e3, width=32))
P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=8)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(seed))


# Means and intervals


@given(SAMPLES)
def test_mean_interval_equals_scipy(values: np.ndarray) -> None:
    estimate = mean_interval(values)
    assert estimate.mean == pytest.approx(values.mean(), abs=1e-9)
    assert estimate.std == pytest.approx(values.std(ddof=1), rel=1e-9, abs=1e-9)
    if estimate.std > 1e-6:
        low, high = stats.t.interval(0.95, len(values) - 1, values.mean(), stats.sem(values))
        assert (estimate.ci_low, estimate.ci_high) == pytest.approx((low, high), rel=1e-9, abs=1e-9)


def test_mean_interval_by_hand() -> None:
    # Mean 3, std 1, t(2) = 4.302652729911275.
    estimate = mean_interval([2, 3, 4])
    half = 4.302652729911275 / math.sqrt(3)
    assert estimate == Estimate(3, 1, 3, pytest.approx(3 - half), pytest.approx(3 + half))


def test_identical_values_have_exactly_no_spread() -> None:
    estimate = mean_interval([0.1] * 7)
    assert (estimate.mean, estimate.std, estimate.ci_low, estimate.ci_high) == (0.1, 0, 0.1, 0.1)


def test_one_value_has_a_mean_and_no_interval() -> None:
    estimate = mean_interval([0.5, math.nan, math.inf])
    assert (estimate.mean, estimate.n) == (0.5, 1)
    assert math.isnan(estimate.ci_low) and math.isnan(estimate.ci_high) and math.isnan(estimate.std)


def test_no_value_gives_nan() -> None:
    estimate = mean_interval([])
    assert estimate.n == 0 and math.isnan(estimate.mean) and math.isnan(estimate.ci_low)


@pytest.mark.parametrize("n", [2, 3, 5, 20])
def test_the_interval_covers_the_mean_in_95_of_100_samples(n: int) -> None:
    samples = generator(n).normal(3, 2, (4000, n))
    intervals = [mean_interval(sample) for sample in samples]
    covered = np.mean([interval.ci_low <= 3 <= interval.ci_high for interval in intervals])
    # Binomial standard error .0034; four of them.
    assert abs(covered - 0.95) < 0.014


# Paired comparisons


@given(SAMPLES, st.integers(0, 10**6))
def test_paired_comparison_equals_scipy(first: np.ndarray, seed: int) -> None:
    second = first + generator(seed).normal(0.3, 1, len(first))
    ours, theirs = paired_comparison(first, second), stats.ttest_rel(first, second)
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-6)
    interval = theirs.confidence_interval(0.95)
    assert (ours.ci_low, ours.ci_high) == pytest.approx((interval.low, interval.high), rel=1e-6, abs=1e-9)


@given(SAMPLES, st.integers(0, 10**6))
def test_swapping_the_arms_turns_the_sign(first: np.ndarray, seed: int) -> None:
    second = generator(seed).normal(0, 1, len(first))
    there, back = paired_comparison(first, second), paired_comparison(second, first)
    assert there.difference == pytest.approx(-back.difference)
    assert (there.ci_low, there.p) == pytest.approx((-back.ci_high, back.p))


def test_pairs_with_a_diverged_run_are_dropped_whole() -> None:
    full = paired_comparison([1, 2, 4], [1.5, 1, 2])
    holed = paired_comparison([1, math.nan, 2, 9, 4], [1.5, 3, 1, math.inf, 2])
    assert (holed.n, holed.dropped) == (3, 2)
    assert holed.difference == full.difference and holed.p == full.p


def test_the_same_difference_in_every_seed_falls_back_to_the_sign_test() -> None:
    # 0.3 - 0.2 and 0.9 - 0.8 differ in the last bits only.
    comparison = paired_comparison([0.3, 0.9, 0.5], [0.2, 0.8, 0.4])
    assert comparison.std == 0 and comparison.p == 0.25
    assert comparison.ci_low == comparison.ci_high == comparison.difference == pytest.approx(0.1)
    assert comparison.effect_size == math.inf


def test_equal_arms_differ_by_exactly_nothing() -> None:
    comparison = paired_comparison([0.3, 0.9], [0.3, 0.9])
    assert (comparison.difference, comparison.ci_low, comparison.ci_high, comparison.p) == (0, 0, 0, 1)


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_pairs_have_no_test(n: int) -> None:
    comparison = paired_comparison(np.ones(n), np.zeros(n))
    assert comparison.n == n and math.isnan(comparison.p) and math.isnan(comparison.ci_low)


def test_unequal_lengths_are_a_defect() -> None:
    with pytest.raises(ValueError, match="one shape"):
        paired_comparison([1, 2], [1, 2, 3])


# Many tests


def test_holm_by_hand() -> None:
    # 4 · .005, then 3 · .01, then 2 · .03, then max(.06, 1 · .04).
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(P_VALUES, st.floats(0.001, 0.999))
def test_holm_rejects_what_the_step_down_procedure_rejects(p_values: list[float], level: float) -> None:
    adjusted = holm(p_values)
    if np.any(np.abs(adjusted - level) < 1e-12):
        return
    rejected = set()
    for step, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        if p_values[index] > level / (len(p_values) - step):
            break
        rejected.add(index)
    assert rejected == set(np.flatnonzero(adjusted <= level).tolist())


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_holm_is_the_closed_test_of_bonferroni(p_values: list[float]) -> None:
    # Brute force: the adjusted p of a hypothesis is the largest Bonferroni p of any set of hypotheses with it inside.
    m = len(p_values)
    for index, value in enumerate(holm(p_values)):
        worst = 0.0
        for mask in range(1 << m):
            if mask >> index & 1:
                inside = [p_values[j] for j in range(m) if mask >> j & 1]
                worst = max(worst, min(1.0, len(inside) * min(inside)))
        assert value == pytest.approx(worst)


def test_holm_leaves_out_tests_that_could_not_be_made() -> None:
    adjusted = holm([0.01, math.nan, 0.04])
    assert adjusted[[0, 2]] == pytest.approx([0.02, 0.04]) and math.isnan(adjusted[1])
    assert holm([]).shape == (0,)


def test_holm_keeps_the_family_wise_error() -> None:
    p_values = generator().uniform(size=(4000, 6))
    assert np.mean([holm(row).min() < 0.05 for row in p_values]) < 0.05 + 4 * 0.0035


# Effect sizes and equivalence


def test_hedges_g_is_unbiased() -> None:
    samples = generator(1).normal(0.8, 1, (20000, 5))
    sizes = np.array([hedges_g(sample) for sample in samples])
    assert abs(sizes.mean() - 0.8) < 4 * sizes.std() / math.sqrt(len(sizes))


def test_hedges_g_by_hand() -> None:
    # Mean 2, std 1; J(2) = Γ(1) / (√1 Γ(1/2)) = 1/√π.
    assert hedges_g([1, 2, 3]) == pytest.approx(2 / math.sqrt(math.pi))


@pytest.mark.parametrize(
    ("differences", "expected"),
    [([0, 0, 0], 0), ([2, 2, 2], math.inf), ([-2, -2, -2], -math.inf), ([1, 2], math.nan), ([], math.nan)],
)
def test_hedges_g_at_its_limits(differences: list[float], expected: float) -> None:
    assert hedges_g(differences) == pytest.approx(expected, nan_ok=True)


# Moments


@given(hnp.arrays(float, st.integers(3, 60), elements=st.floats(-100, 100, width=16)))
def test_moments_equal_scipy(values: np.ndarray) -> None:
    if np.ptp(values) < 1e-3:
        return
    ours = moments(values)
    assert ours.mean == pytest.approx(values.mean(), abs=1e-10)
    assert ours.std == pytest.approx(values.std(ddof=1), rel=1e-9)
    assert ours.skewness == pytest.approx(stats.skew(values), rel=1e-6, abs=1e-6)
    assert ours.kurtosis == pytest.approx(stats.kurtosis(values), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("scale", [1e-200, 1e-30, 1.0, 1e30, 1e200])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_moments_do_not_depend_on_unit_and_offset(scale: float, offset: float) -> None:
    values = generator(3).gamma(2, 1, 500)
    plain, moved = moments(values), moments((values + offset) * scale)
    assert moved.std / scale == pytest.approx(plain.std, rel=1e-8)
    assert moved.skewness == pytest.approx(plain.skewness, rel=1e-6)
    assert moved.kurtosis == pytest.approx(plain.kurtosis, rel=1e-6)


def test_no_spread_has_no_shape() -> None:
    same = moments([0.1] * 10)
    assert same.std == 0 and math.isnan(same.skewness) and math.isnan(same.kurtosis)


def test_standard_errors_of_moments_match_simulation() -> None:
    samples = [moments(row) for row in generator(4).normal(5, 2, (4000, 100))]
    for name in ("mean", "std", "skewness", "kurtosis"):
        scatter = np.std([getattr(sample, name) for sample in samples])
        stated = np.mean([getattr(sample, f"{name}_error") for sample in samples])
        assert stated == pytest.approx(scatter, rel=0.06), name


def test_root_mean_square() -> None:
    values = generator(5).normal(3, 1, 1000)
    estimate = root_mean_square(values)
    assert estimate.mean == pytest.approx(math.sqrt((values**2).mean()))
    assert root_mean_square(values * 1e200).mean == pytest.approx(estimate.mean * 1e200)
    assert root_mean_square([0.0, 0.0]) == Estimate(0, 0, 2, 0, 0)


def test_the_interval_of_the_root_mean_square_covers() -> None:
    truth = math.sqrt(3**2 + 1)
    intervals = [root_mean_square(row) for row in generator(6).normal(3, 1, (2000, 200))]
    covered = np.mean([interval.ci_low <= truth <= interval.ci_high for interval in intervals])
    assert abs(covered - 0.95) < 0.02


# Ratios


@given(SAMPLES, st.integers(0, 10**6))
def test_the_ends_of_fieller_are_where_the_paired_test_gives_five_percent(numerator: np.ndarray, seed: int) -> None:
    denominator = generator(seed).normal(5, 1, len(numerator))
    numerator = numerator + generator(seed + 1).normal(0, 1, len(numerator))
    interval = ratio_of_means(numerator, denominator)
    if not math.isfinite(interval.ci_low):
        assert paired_comparison(denominator, np.zeros(len(denominator))).p >= 0.05
        return
    for end in (interval.ci_low, interval.ci_high):
        differences = numerator - end * denominator
        t = abs(differences.mean()) * math.sqrt(len(differences)) / differences.std(ddof=1)
        assert t == pytest.approx(intervals.t_quantile(len(differences)), rel=1e-5)


def test_ratio_of_deterministic_quantities_is_exact() -> None:
    ratio = ratio_of_means([469, 469, 469], [938, 938, 938])
    assert (ratio.mean, ratio.ci_low, ratio.ci_high) == pytest.approx((0.5, 0.5, 0.5), abs=1e-15)


def test_ratio_keeps_signs() -> None:
    up, down = ratio_of_means([2, 3, 2.5], [5, 6, 7]), ratio_of_means([2, 3, 2.5], [-5, -6, -7])
    assert (down.mean, down.ci_low, down.ci_high) == pytest.approx((-up.mean, -up.ci_high, -up.ci_low))


def test_ratio_to_an_uncertain_zero_is_unbounded() -> None:
    ratio = ratio_of_means([1, 2, 3], [-1, 0.5, 1])
    assert (ratio.ci_low, ratio.ci_high) == (-math.inf, math.inf)


def test_ratio_with_one_pair_has_no_interval() -> None:
    ratio = ratio_of_means([1, math.nan], [2, 1])
    assert (ratio.mean, ratio.n) == (0.5, 1) and math.isnan(ratio.ci_low)


def test_fieller_covers_the_ratio() -> None:
    random = generator(7)
    covered = 0
    for _ in range(2000):
        shared = random.normal(0, 1, 5)
        ratio = ratio_of_means(6 + shared + random.normal(0, 1, 5), 12 + shared + random.normal(0, 1, 5))
        covered += ratio.ci_low <= 0.5 <= ratio.ci_high
    assert abs(covered / 2000 - 0.95) < 0.02


# Trends


def test_ratio_on_the_logarithmic_scale_against_scipy() -> None:
    # Published: 11.1 [0.06, 39] by Fieller's interval, 8.8 [2.0, 39] on logarithms.
    ratios = np.array([2.4, 2.6, 13.8, 19.0, 33.0])
    below = np.array([0.5, 3.0, 7.0, 1.0, 2.0])
    estimate = geometric_ratio(ratios * below, below)
    low, high = np.exp(stats.t.interval(0.95, 4, np.log(ratios).mean(), stats.sem(np.log(ratios))))
    assert (estimate.mean, estimate.ci_low, estimate.ci_high) == pytest.approx((stats.gmean(ratios), low, high))
    assert (estimate.n, round(estimate.mean, 1), round(estimate.ci_low, 1)) == (5, 8.8, 2.0)
    turned = geometric_ratio(below, ratios * below)
    assert (turned.mean, turned.ci_low) == pytest.approx((1 / estimate.mean, 1 / estimate.ci_high))


def test_logarithmic_ratio_of_equal_quotients_is_exact_and_of_other_signs_an_error() -> None:
    assert geometric_ratio([10.0, 20.0], [20.0, 40.0]) == Estimate(0.5, 0.0, 2, 0.5, 0.5)
    assert math.isnan(geometric_ratio([10.0], [20.0]).ci_low) and geometric_ratio([10.0], [20.0]).mean == 0.5
    assert geometric_ratio([10.0, math.nan, 40.0], [20.0, 1.0, 80.0]).n == 2
    for bad in ([1.0, 0.0], [1.0, -2.0]):
        with pytest.raises(ValueError, match="positive"):
            geometric_ratio(bad, [1.0, 1.0])


def test_logarithmic_ratio_covers_the_ratio_of_medians_of_heavy_tails() -> None:
    random = np.random.Generator(np.random.Philox(5))
    hits = 0
    for _ in range(2000):
        x, y = np.exp(random.normal(1, 1, 5)), np.exp(random.normal(0, 1, 5))
        estimate = geometric_ratio(x, y)
        hits += estimate.ci_low <= math.e <= estimate.ci_high
    assert abs(hits / 2000 - 0.95) < 0.015


def test_an_interval_cut_at_its_bounds_covers_as_before() -> None:
    random = np.random.Generator(np.random.Philox(6))
    whole, cut = 0, 0
    for _ in range(2000):
        estimate = mean_interval(random.normal(0.98, 0.02, 3))
        bounded = within(estimate, (0.0, 1.0))
        assert 0 <= bounded.ci_low <= bounded.ci_high <= 1
        whole += estimate.ci_low <= 0.98 <= estimate.ci_high
        cut += bounded.ci_low <= 0.98 <= bounded.ci_high
    assert cut == whole and abs(whole / 2000 - 0.95) < 0.015
    assert within(Estimate(0.5, 0.1, 1, math.nan, math.nan), (0.0, 1.0)).mean == 0.5


def test_slope_per_doubling() -> None:
    sizes = np.array([16, 64, 256, 1024])
    assert log2_slope(sizes, 3 - 0.25 * np.log2(sizes)) == pytest.approx(-0.25)
    random = generator(8).normal(size=4)
    assert log2_slope(sizes, random) == pytest.approx(stats.linregress(np.log2(sizes), random).slope)
    assert math.isnan(log2_slope([64, 64], [1, 2]))


def test_trend_is_the_interval_over_the_slopes_of_seeds() -> None:
    sizes = [1, 2, 4]
    estimate = trend(sizes, [[0, 1, 2], [0, 2, 4], [0, 3, 6]])
    assert estimate == mean_interval([1, 2, 3])
