"""The evidence of several lambdas: its derivatives by differences, its largest value by another search."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

import l2cli
from l2cli.api.banded import REACH, Bands, with_factors
from l2cli.core.path import design_factor
from l2cli.core.problem import make_problem
from l2cli.select.band_evidence import Slopes, evidence_slopes, settle

SHAPES = {"long": (50, 9, 2), "wide": (20, 45, 2), "wide, many bands": (20, 40, 6), "as many": (30, 12, 12)}


@pytest.mark.parametrize("shape", SHAPES)
def test_derivatives_are_those_of_differences(shape):
    n, p, count = SHAPES[shape]
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n, p))
    X[:, 5] = 2.0
    factors = rng.uniform(0.5, 2.0, p)
    factors[3] = 0.0
    y, s = 2.0 * X[:, 0] + rng.normal(size=n), rng.uniform(0.5, 2.0, n)
    problem = make_problem(X, y, weights=s, penalty_factor=factors)
    bands = Bands(tuple(map(str, range(count))), np.arange(p) % count)

    def at(t):
        trial = with_factors(problem, bands, np.exp(t))
        return evidence_slopes(trial, design_factor(trial, 1.7), 1.7, bands.labels, count)

    t, h = rng.normal(size=count), 1e-5 * np.eye(count)
    found = at(t)
    sides = [(at(t + step), at(t - step)) for step in h]
    assert found.gradient == pytest.approx([(a.value - b.value) / 2e-5 for a, b in sides], abs=1e-7)
    hessian = np.array([(a.gradient - b.gradient) / 2e-5 for a, b in sides])
    assert found.hessian == pytest.approx(hessian, abs=1e-7)


def dense(X, y, s, free, groups):
    """Return -2 log evidence of log lambdas and its gradient, by the covariance of the rows.

    What the intercept and the ``free`` columns span is projected out.
    """
    Z = (X - np.average(X, axis=0, weights=s)) / np.sqrt(np.cov(X.T, aweights=s, ddof=0).diagonal())
    basis = np.linalg.qr(np.sqrt(s)[:, None] * np.column_stack([np.ones(len(y)), Z[:, free]]))[0]
    rest = np.linalg.svd(np.eye(len(y)) - basis @ basis.T)[0][:, : len(y) - basis.shape[1]]
    parts = [rest.T @ (np.sqrt(s)[:, None] * Z[:, group]) for group in groups]
    kernels, r = [part @ part.T for part in parts], rest.T @ (np.sqrt(s) * y)

    def worse(t):
        K = np.eye(len(r)) + sum(k * np.exp(-v) for k, v in zip(kernels, t, strict=True))
        a, inverse = np.linalg.solve(K, r), np.linalg.inv(K)
        slopes = [
            np.exp(-v) * (len(r) * (a @ k @ a) / (r @ a) - np.sum(inverse * k))
            for k, v in zip(kernels, t, strict=True)
        ]
        return len(r) * np.log(r @ a) + np.linalg.slogdet(K)[1], np.array(slopes)

    return worse


@pytest.mark.parametrize(
    ("n", "sizes", "noise", "settings"),
    [
        (60, (3, 6), 1.0, {}),
        (80, (3, 4, 5), 0.5, {"weighted": True, "free": True}),
        (40, (30, 40), 0.7, {"lambda_scale": "mean"}),
    ],
)
def test_the_largest_evidence_is_that_of_another_search(n, sizes, noise, settings):
    rng = np.random.default_rng(n)
    p = sum(sizes)
    X = rng.normal(size=(n, p)) * rng.uniform(0.5, 3.0, p)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    effects = rng.normal(size=p) * np.array([1.0, 0.3, 0.6])[labels] / np.sqrt(np.array(sizes)[labels])
    y = X @ effects + noise * rng.normal(size=n)
    s = rng.uniform(0.5, 2.0, n) if settings.get("weighted") else np.ones(n)
    free = [0] if settings.get("free") else []
    groups = [np.setdiff1d(np.flatnonzero(labels == g), free) for g in range(len(sizes))]
    scale = settings.get("lambda_scale", "sum")
    words: dict[str, Any] = {"penalty_factor": {"x0": 0.0}} if free else {}
    found = l2cli.fit(
        X, y, sample_weight=s, select="evidence", group_penalty="banded", lambda_scale=scale,
        column_groups={f"g{g}": [f"x{j}" for j in members] for g, members in enumerate(groups)}, **words,
    ).to_dict()  # fmt: skip
    lambdas = found["settings"]["group_lambdas"]
    chosen = np.log([lambdas[f"g{g}"] * (s.sum() if scale == "mean" else 1.0) for g in range(len(sizes))])
    worse = dense(X, y, s, free, groups)
    starts = [chosen + step for step in (-2.0, 0.0, 2.0)] + [np.full(len(sizes), np.log(10.0))]
    ends = [minimize(worse, t, jac=True, method="BFGS", options={"gtol": 1e-9}) for t in starts]
    best = min(ends, key=lambda end: end.fun)
    assert worse(chosen)[0] <= best.fun + 1e-10
    assert np.abs(best.jac).max() < 1e-6
    assert np.exp(chosen) == pytest.approx(np.exp(best.x), rel=1e-6)


def test_a_band_of_noise_is_left_out_as_far_as_the_search_reaches():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(80, 6))
    y = X[:, 0] - X[:, 1] + 0.5 * rng.normal(size=80)
    X[:, 3:] -= np.column_stack([y, X[:, :3]]) @ np.linalg.pinv(np.column_stack([y, X[:, :3]])) @ X[:, 3:]
    found = l2cli.fit(
        X, y, select="evidence", group_penalty="banded",
        column_groups={"a": ["x0", "x1", "x2"], "b": ["x3", "x4", "x5"]},
    ).to_dict()["settings"]["group_lambdas"]  # fmt: skip
    common = l2cli.fit(X, y, select="evidence").lam
    assert found["b"] == pytest.approx(common * np.exp(REACH), rel=1e-9)
    assert found["a"] < 10.0 * common


def test_a_search_leaves_a_saddle_and_keeps_to_its_bounds():
    def slopes(t):
        x, z = t
        gradient = np.array([4.0 * x**3 - 4.0 * x, 1.0])
        return Slopes(float(x**4 - 2.0 * x**2 + z), gradient, np.diag([12.0 * x**2 - 4.0, 0.0]))

    low, high = np.full(2, -3.0), np.full(2, 3.0)
    assert settle(slopes, np.array([0.1, 0.0]), low, high) == pytest.approx([1.0, -3.0], abs=1e-8)
    assert settle(slopes, np.array([-2.9, 2.0]), low, high) == pytest.approx([-1.0, -3.0], abs=1e-8)
