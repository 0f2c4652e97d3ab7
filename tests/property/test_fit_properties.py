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

repeatable = settings(max_examples=5, deadline=None, derandomize=True, database=None)
LAMBDAS = np.array([50.0, 3.0, 0.2])
FAMILIES = ("gaussian", "binomial", "poisson", "gamma", "tweedie")
every_family = pytest.mark.parametrize("family", FAMILIES)
every_mix = pytest.mark.parametrize("mix", [0.0, 0.5, 1.0])
cases = st.tuples(
    st.integers(8, 40), st.integers(1, 12), st.integers(0, 2**32 - 1), st.booleans(), st.booleans()
)


def targets(family, eta, rng):
    """Return a target of a family that eta explains in part."""
    n = len(eta)
    if family == "gaussian":
        return eta + rng.logistic(size=n)
    if family == "binomial":
        noisy = eta + rng.logistic(size=n)
        return (noisy > np.median(noisy)).astype(float)
    counts = 1.0 * rng.poisson(np.exp(0.5 * np.clip(eta, -3.0, 3.0)))
    counts[0] += 1.0
    return {"poisson": counts, "gamma": counts + rng.gamma(1.0, size=n)}.get(
        family, counts * rng.gamma(3.0, 1 / 3, size=n)
    )


class Case:
    """Random data with every setting, and its fit."""

    def __init__(self, family, mix, drawn):
        n, p, seed, self.intercept, self.standardize = drawn
        self.family, self.mix, self.rng = family, mix, np.random.default_rng(seed)
        self.X = self.rng.normal(size=(n, p)) + self.rng.normal(size=p)
        if self.rng.random() < 0.5:
            self.X[self.rng.random(self.X.shape) < 0.15] = np.nan
        self.y = targets(family, np.nan_to_num(self.X[:, 0]), self.rng)
        self.given = {
            "weights": self.rng.integers(1, 4, size=n).astype(float),
            "offset": self.rng.normal(size=n) * (0.3 if family in FAMILIES[2:] else 1.0),
            "penalty_factor": self.rng.choice([0.5, 1.0, 2.0], size=p),
        }

    def problem(self, X=None, y=None, **changes):
        settings = {
            "family": self.family, "l1_ratio": self.mix, "intercept": self.intercept,
            "standardize": self.standardize, **self.given, **changes,
        }  # fmt: skip
        return make_problem(self.X if X is None else X, self.y if y is None else y, **settings)

    def fit(self, X=None, y=None, lambdas=LAMBDAS, **changes):
        path = solve_path(self.problem(X, y, **changes), lambdas)
        assert path.certificate.converged().all()
        return path


def same(a, b, rel=1e-8):
    """Assert equal paths."""
    assert a.coef == pytest.approx(b.coef, rel=rel, abs=1e-9 * np.abs(a.coef).max())
    assert a.intercept == pytest.approx(b.intercept, rel=rel, abs=1e-8)
    assert a.certificate.train_deviance == pytest.approx(b.certificate.train_deviance, rel=1e-7)


@every_mix
@every_family
@repeatable
@given(drawn=cases)
def test_weight_2_is_the_row_twice(family, mix, drawn):
    case = Case(family, mix, drawn)
    times = case.given["weights"].astype(int)
    repeated = case.fit(
        np.repeat(case.X, times, axis=0),
        np.repeat(case.y, times),
        weights=None,
        offset=np.repeat(case.given["offset"], times),
    )
    same(repeated, case.fit())


@every_mix
@every_family
@repeatable
@given(drawn=cases)
def test_the_order_of_rows_and_columns_does_not_matter(family, mix, drawn):
    case = Case(family, mix, drawn)
    rows, columns = case.rng.permutation(case.X.shape[0]), case.rng.permutation(case.X.shape[1])
    mixed = case.fit(
        case.X[rows][:, columns], case.y[rows], weights=case.given["weights"][rows],
        offset=case.given["offset"][rows], penalty_factor=case.given["penalty_factor"][columns],
    )  # fmt: skip
    plain = case.fit()
    assert mixed.coef == pytest.approx(plain.coef[columns], rel=1e-8, abs=1e-10)
    assert mixed.intercept == pytest.approx(plain.intercept, rel=1e-8, abs=1e-9)
    assert mixed.effective_df == pytest.approx(plain.effective_df, rel=1e-8)


@every_mix
@every_family
@repeatable
@given(drawn=cases)
def test_units_and_origins_of_standardized_columns_do_not_matter(family, mix, drawn):
    case = Case(family, mix, (*drawn[:3], True, True))
    unit = 10.0 ** case.rng.uniform(-6, 6, size=case.X.shape[1])
    origin = case.rng.normal(size=case.X.shape[1]) * unit
    moved = case.fit(case.X * unit + origin)
    plain = case.fit()
    assert pytest.approx(plain.coef, rel=1e-7, abs=1e-9) == (moved.coef.T * unit).T
    assert moved.intercept + origin @ moved.coef == pytest.approx(plain.intercept, rel=1e-7, abs=1e-7)


@every_mix
@every_family
@repeatable
@given(drawn=cases)
def test_the_data_twice_is_half_of_lambda(family, mix, drawn):
    """J of two copies at 2 lambda is twice J of one at lambda; so is J with doubled weights."""
    case = Case(family, mix, drawn)
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


@every_mix
@pytest.mark.parametrize("family", FAMILIES[:2])
@repeatable
@given(drawn=cases)
def test_swapping_the_classes_or_the_sign_swaps_the_sign(family, mix, drawn):
    case = Case(family, mix, drawn)
    flipped = 1.0 - case.y if case.family == "binomial" else -case.y
    other, plain = case.fit(y=flipped, offset=-case.given["offset"]), case.fit()
    assert other.coef == pytest.approx(-plain.coef, rel=1e-8, abs=1e-10)
    assert other.intercept == pytest.approx(-plain.intercept, rel=1e-8, abs=1e-9)


@every_mix
@every_family
@repeatable
@given(drawn=cases)
def test_doubling_factors_is_doubling_lambda(family, mix, drawn):
    case = Case(family, mix, drawn)
    other = case.fit(penalty_factor=2.0 * case.given["penalty_factor"])
    assert other.coef == pytest.approx(case.fit(lambdas=2.0 * LAMBDAS).coef, rel=1e-8, abs=1e-10)


@every_family
@repeatable
@given(drawn=cases, step=st.floats(0.01, 2.0))
def test_a_path_moves_no_further_than_the_logarithm_of_lambda(family, drawn, step):
    """|D^1/2 (u(l1) - u(l2))| <= |log l1 - log l2| times the larger norm.

    The derivative along log lambda is -lambda (H + lambda D)^-1 D u, in D-norm at most |D^1/2 u|.
    """
    case = Case(family, 0.0, drawn)
    lambdas = 3.0 * np.exp(-step * np.arange(6))
    path = case.fit(lambdas=lambdas)
    problem = case.problem()
    scaled = np.sqrt(problem.penalty)[:, None] * path.u
    norms = np.linalg.norm(scaled, axis=0)
    assert np.all(np.diff(norms) >= -1e-10 * norms[0])
    moves = np.linalg.norm(np.diff(scaled, axis=1), axis=0)
    assert np.all(moves <= step * norms[1:] * (1 + 1e-9) + 1e-12)
    assert np.all(np.diff(path.certificate.train_deviance) <= 1e-9 * path.certificate.train_deviance[0])
    if case.family == "gaussian":  # elsewhere the curvature changes too
        assert np.all(np.diff(path.effective_df) >= -1e-9)


@every_mix
@every_family
@pytest.mark.parametrize("shape", [(320, 6), (90, 95)], ids=["long", "wide"])
@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_any_block_size_gives_the_same_path_and_fold_losses(monkeypatch, family, mix, shape, missing):
    rng = np.random.default_rng(9)
    X = rng.normal(size=shape) + 1.0
    y = targets(family, X[:, 0], rng)
    X[rng.random(shape) < missing] = np.nan
    weights = rng.uniform(0.5, 2.0, size=shape[0])
    folds = Folds(rng.permutation(np.arange(shape[0]) % 4)[None, :], 4, "rows")
    lambdas = np.array([100.0, 5.0])

    def run():
        problem = make_problem(X, y, family=family, weights=weights, l1_ratio=mix)
        return solve_path(problem, lambdas), fold_fits(problem, folds, "sum", jobs=1).losses(
            lambdas, "deviance"
        )

    whole, losses = run()
    for size in (1, 30_000):
        monkeypatch.setattr(problem_module, "BLOCK_BYTES", size)
        path, other = run()
        assert path.coef == pytest.approx(whole.coef, rel=1e-12, abs=1e-12 * np.abs(whole.coef).max())
        assert path.intercept == pytest.approx(whole.intercept, rel=1e-12, abs=1e-12)
        assert path.effective_df == pytest.approx(whole.effective_df, rel=1e-12)
        assert other == pytest.approx(losses, rel=1e-12)


@every_family
@pytest.mark.parametrize("intercept", [True, False])
def test_any_block_size_gives_the_same_unpenalized_fit(monkeypatch, family, intercept):
    rng = np.random.default_rng(4)
    X = rng.normal(size=(700, 5)) + 1.0
    problem = make_problem(X, targets(family, X[:, 0], rng), family=family, intercept=intercept)
    whole = solve_path(problem, np.zeros(1))
    for size in (1, 20_000):
        monkeypatch.setattr(problem_module, "BLOCK_BYTES", size)
        path = solve_path(problem, np.zeros(1))
        assert path.coef == pytest.approx(whole.coef, rel=1e-12)
        assert path.intercept == pytest.approx(whole.intercept, rel=1e-12)
        assert (path.rank, path.effective_df[0]) == (whole.rank, whole.effective_df[0])
