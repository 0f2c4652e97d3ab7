"""What a fit must not depend on, and how it must change: weights, units, order, copies, blocks, lambda."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l2cli.core import problem as problem_module
from l2cli.core.path import solve_path
from l2cli.core.problem import make_problem
from l2cli.data.folds import Folds
from l2cli.select.cv import fold_fits

repeatable = settings(max_examples=25, deadline=None, derandomize=True, database=None)
LAMBDAS = np.array([50.0, 3.0, 0.2])
cases = st.tuples(
    st.sampled_from(["gaussian", "binomial"]), st.integers(8, 40), st.integers(1, 12),
    st.integers(0, 2**32 - 1), st.booleans(), st.booleans(),
)  # fmt: skip


class Case:
    """Random data with every setting, and its fit."""

    def __init__(self, drawn):
        self.family, n, p, seed, self.intercept, self.standardize = drawn
        self.rng = np.random.default_rng(seed)
        self.X = self.rng.normal(size=(n, p)) + self.rng.normal(size=p)
        if self.rng.random() < 0.5:
            self.X[self.rng.random(self.X.shape) < 0.15] = np.nan
        y = np.nan_to_num(self.X[:, 0]) + self.rng.logistic(size=n)
        self.y = y if self.family == "gaussian" else (y > np.median(y)).astype(float)
        self.given = {
            "weights": self.rng.integers(1, 4, size=n).astype(float),
            "offset": self.rng.normal(size=n),
            "penalty_factor": self.rng.choice([0.5, 1.0, 2.0], size=p),
        }

    def fit(self, X=None, y=None, lambdas=LAMBDAS, **changes):
        settings = {**self.given, "intercept": self.intercept, "standardize": self.standardize, **changes}
        problem = make_problem(
            self.X if X is None else X, self.y if y is None else y, family=self.family, **settings
        )
        return solve_path(problem, lambdas)


def same(a, b, rel=1e-8):
    """Assert equal paths."""
    assert a.coef == pytest.approx(b.coef, rel=rel, abs=1e-9 * np.abs(a.coef).max())
    assert a.intercept == pytest.approx(b.intercept, rel=rel, abs=1e-8)
    assert a.certificate.train_deviance == pytest.approx(b.certificate.train_deviance, rel=1e-7)


@repeatable
@given(cases)
def test_weight_2_is_the_row_twice(drawn):
    case = Case(drawn)
    times = case.given["weights"].astype(int)
    repeated = case.fit(
        np.repeat(case.X, times, axis=0),
        np.repeat(case.y, times),
        weights=None,
        offset=np.repeat(case.given["offset"], times),
    )
    same(repeated, case.fit())


@repeatable
@given(cases)
def test_the_order_of_rows_and_columns_does_not_matter(drawn):
    case = Case(drawn)
    rows, columns = case.rng.permutation(case.X.shape[0]), case.rng.permutation(case.X.shape[1])
    mixed = case.fit(
        case.X[rows][:, columns], case.y[rows], weights=case.given["weights"][rows],
        offset=case.given["offset"][rows], penalty_factor=case.given["penalty_factor"][columns],
    )  # fmt: skip
    plain = case.fit()
    assert mixed.coef == pytest.approx(plain.coef[columns], rel=1e-8, abs=1e-10)
    assert mixed.intercept == pytest.approx(plain.intercept, rel=1e-8, abs=1e-9)
    assert mixed.effective_df == pytest.approx(plain.effective_df, rel=1e-8)


@repeatable
@given(cases)
def test_units_and_origins_of_standardized_columns_do_not_matter(drawn):
    case = Case((*drawn[:4], True, True))
    unit = 10.0 ** case.rng.uniform(-6, 6, size=case.X.shape[1])
    origin = case.rng.normal(size=case.X.shape[1]) * unit
    moved = case.fit(case.X * unit + origin)
    plain = case.fit()
    assert pytest.approx(plain.coef, rel=1e-7, abs=1e-9) == (moved.coef.T * unit).T
    assert moved.intercept + origin @ moved.coef == pytest.approx(plain.intercept, rel=1e-7, abs=1e-7)


@repeatable
@given(cases)
def test_the_data_twice_is_half_of_lambda(drawn):
    """J of two copies at 2 lambda is twice J of one at lambda; so is J with doubled weights."""
    case = Case(drawn)
    plain = case.fit()
    twice = case.fit(
        np.vstack([case.X, case.X]), np.tile(case.y, 2), 2.0 * LAMBDAS,
        weights=np.tile(case.given["weights"], 2), offset=np.tile(case.given["offset"], 2),
    )  # fmt: skip
    doubled = case.fit(lambdas=2.0 * LAMBDAS, weights=2.0 * case.given["weights"])
    for other in (twice, doubled):
        assert other.coef == pytest.approx(plain.coef, rel=1e-8, abs=1e-10)
        assert other.certificate.train_deviance == pytest.approx(
            2.0 * plain.certificate.train_deviance, rel=1e-8
        )
        assert other.effective_df == pytest.approx(plain.effective_df, rel=1e-8)


@repeatable
@given(cases)
def test_swapping_the_classes_or_the_sign_swaps_the_sign(drawn):
    case = Case(drawn)
    flipped = 1.0 - case.y if case.family == "binomial" else -case.y
    other, plain = case.fit(y=flipped, offset=-case.given["offset"]), case.fit()
    assert other.coef == pytest.approx(-plain.coef, rel=1e-8, abs=1e-10)
    assert other.intercept == pytest.approx(-plain.intercept, rel=1e-8, abs=1e-9)


@repeatable
@given(cases)
def test_doubling_factors_is_doubling_lambda(drawn):
    case = Case(drawn)
    other = case.fit(penalty_factor=2.0 * case.given["penalty_factor"])
    assert other.coef == pytest.approx(case.fit(lambdas=2.0 * LAMBDAS).coef, rel=1e-8, abs=1e-10)


@repeatable
@given(cases, st.floats(0.01, 2.0))
def test_a_path_moves_no_further_than_the_logarithm_of_lambda(drawn, step):
    """|D^1/2 (u(l1) - u(l2))| <= |log l1 - log l2| times the larger norm.

    The derivative along log lambda is -lambda (H + lambda D)^-1 D u, in D-norm at most |D^1/2 u|.
    """
    case = Case(drawn)
    lambdas = 3.0 * np.exp(-step * np.arange(6))
    path = case.fit(lambdas=lambdas)
    problem = make_problem(
        case.X,
        case.y,
        family=case.family,
        **case.given,
        intercept=case.intercept,
        standardize=case.standardize,
    )
    scaled = np.sqrt(problem.penalty)[:, None] * path.u
    norms = np.linalg.norm(scaled, axis=0)
    assert np.all(np.diff(norms) >= -1e-10 * norms[0])
    moves = np.linalg.norm(np.diff(scaled, axis=1), axis=0)
    assert np.all(moves <= step * norms[1:] * (1 + 1e-9) + 1e-12)
    assert np.all(np.diff(path.certificate.train_deviance) <= 1e-9 * path.certificate.train_deviance[0])
    if case.family == "gaussian":  # elsewhere the curvature changes too
        assert np.all(np.diff(path.effective_df) >= -1e-9)


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
@pytest.mark.parametrize("shape", [(640, 6), (100, 105)], ids=["long", "wide"])
@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_any_block_size_gives_the_same_path_and_fold_losses(monkeypatch, family, shape, missing):
    rng = np.random.default_rng(9)
    X = rng.normal(size=shape) + 1.0
    y = X[:, 0] + rng.logistic(size=shape[0])
    X[rng.random(shape) < missing] = np.nan
    y = y if family == "gaussian" else (y > 1.0).astype(float)
    weights = rng.uniform(0.5, 2.0, size=shape[0])
    folds = Folds(rng.permutation(np.arange(shape[0]) % 4)[None, :], 4, "rows")
    metric = "deviance"

    def run():
        problem = make_problem(X, y, family=family, weights=weights)
        path = solve_path(problem, np.array([100.0, 5.0]))
        return path, fold_fits(problem, folds, "sum", jobs=1).losses(np.array([100.0, 5.0]), metric)

    whole, losses = run()
    for size in (1, 30_000):
        monkeypatch.setattr(problem_module, "BLOCK_BYTES", size)
        path, other = run()
        assert path.coef == pytest.approx(whole.coef, rel=1e-12, abs=1e-12 * np.abs(whole.coef).max())
        assert path.intercept == pytest.approx(whole.intercept, rel=1e-12)
        assert path.effective_df == pytest.approx(whole.effective_df, rel=1e-12)
        assert other == pytest.approx(losses, rel=1e-12)
