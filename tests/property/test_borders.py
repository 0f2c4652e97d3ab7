"""Sizes choose algorithms: on either side of every such border the answers are the same.

A row of weight 2 is split into two of weight 1, and a constant column added, to cross the borders between n
and p: neither changes J. The borders in amounts of work are moved to both sides of one problem.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l2cli.core import path as path_module
from l2cli.core import problem as problem_module
from l2cli.core import threads
from l2cli.core.covariance import standard_errors
from l2cli.core.moments import gram_system, moments_of
from l2cli.core.path import solve_path
from l2cli.core.problem import make_problem
from l2cli.core.solvers import fold_rows, newton, smooth_folds
from l2cli.core.solvers.fold_rows import FoldRows
from l2cli.core.solvers.ridge import factor_from_gram, factor_from_kernel, factor_from_rows
from l2cli.data.folds import draw_folds
from l2cli.engines import pool
from l2cli.select import gaussian_folds, glm_folds, ridge_folds
from l2cli.select.cv import fold_fits
from tests.heldout import heldout_eta

FAMILIES = ("gaussian", "binomial", "poisson", "gamma", "tweedie")
every_family = pytest.mark.parametrize("family", FAMILIES)
every_glm = pytest.mark.parametrize("family", FAMILIES[1:])
every_mix = pytest.mark.parametrize("mix", [0.0, 0.5, 1.0])
repeatable = settings(max_examples=5, deadline=None, derandomize=True, database=None)
LAMBDAS = np.array([30.0, 3.0, 0.3])


@contextmanager
def moved(module, name, value):
    """Set a border for a while (Hypothesis calls a test's body many times)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, value)
        yield


class Data:
    """Random rows, the first of weight 2, with or without missing cells."""

    def __init__(self, family, n, p, seed, *, missing=False, sizes=None):
        rng = np.random.default_rng(seed)
        self.family = family
        self.X = rng.normal(size=(n, p)) * (np.ones(p) if sizes is None else sizes) + 0.5
        eta = self.X[:, 0] / self.X[:, 0].std()
        mean = np.exp(0.5 * np.clip(eta, -3.0, 3.0))
        self.y = {
            "gaussian": eta + rng.normal(size=n),
            "binomial": (eta + rng.logistic(size=n) > 0.5) * 1.0,
            "gamma": mean * rng.gamma(2.0, 0.5, size=n) + 1e-2,
        }.get(family, rng.poisson(mean) * 1.0)
        self.y[:6] = [1.0, 0.0, 1.0, 0.0, 1.0, 0.0] if family != "gamma" else 0.7
        self.s = rng.uniform(0.5, 2.0, size=n)
        self.s[0] = 2.0
        if missing:
            self.X[rng.random(self.X.shape) < 0.1] = np.nan

    def problem(self, **settings):
        return make_problem(self.X, self.y, family=self.family, weights=self.s, **settings)

    def split(self, times=1, **settings):
        """Return the problem with the first row cut into ``times`` + 1 of a smaller weight each."""
        order = np.append(np.arange(len(self.y)), np.zeros(times, dtype=np.int64))
        s = self.s[order]
        s[order == 0] = 2.0 / (times + 1)
        return make_problem(self.X[order], self.y[order], family=self.family, weights=s, **settings)

    def padded(self, columns=1, **settings):
        """Return the problem with constant columns added."""
        X = np.hstack([self.X, np.full((len(self.y), columns), 3.0)])
        return make_problem(X, self.y, family=self.family, weights=self.s, **settings)


def assert_same(a, b, *, rel=1e-8, df=1e-7):
    """Assert equal paths; b may have more columns, whose coefficients are 0."""
    p = a.coef.shape[0]
    size = np.abs(a.u).max()
    assert b.u[:p] == pytest.approx(a.u, rel=rel, abs=rel * 1e-2 * size)
    assert not b.u[p:].any()
    assert b.intercept0 == pytest.approx(a.intercept0, rel=rel, abs=rel)
    assert b.effective_df == pytest.approx(a.effective_df, rel=df)
    for path in (a, b):
        assert path.certificate.converged().all()


@every_mix
@every_family
@repeatable
@given(p=st.integers(8, 30), seed=st.integers(0, 2**32 - 1), intercept=st.booleans(), raw=st.booleans())
def test_n_below_at_and_above_p_are_one_problem(family, mix, p, seed, intercept, raw):
    """n = p - 1, p, p + 1, p + 2 rows that say the same; then columns that add nothing."""
    given = {"l1_ratio": mix, "intercept": intercept, "standardize": not raw}
    data = Data(family, p - 1, p, seed)
    first = solve_path(data.problem(**given), LAMBDAS)
    for times in (1, 2, 3):
        assert_same(first, solve_path(data.split(times, **given), LAMBDAS))
    tall = Data(family, p + 1, p, seed)
    assert_same(solve_path(tall.problem(**given), LAMBDAS), solve_path(tall.padded(2, **given), LAMBDAS))


@repeatable
@given(
    n=st.integers(6, 30), p=st.integers(4, 30), seed=st.integers(0, 2**32 - 1), intercept=st.booleans(),
    free=st.booleans(),
)  # fmt: skip
def test_the_three_ways_to_a_ridge_factor_agree(n, p, seed, intercept, free):
    factors = np.ones(p)
    factors[1] = 0.0 if free else 2.0
    problem = Data("gaussian", n, p, seed).problem(intercept=intercept, penalty_factor=factors)
    rows = factor_from_rows(problem)
    ways = [factor_from_gram(gram_system(problem, moments_of(problem))), factor_from_kernel(problem)]
    for factor in ways:
        assert factor.solve(LAMBDAS) == pytest.approx(rows.solve(LAMBDAS), rel=1e-8, abs=1e-10)
        assert factor.effective_df(LAMBDAS) == pytest.approx(rows.effective_df(LAMBDAS), rel=1e-9)
        assert factor.rank == rows.rank == min(p, n - intercept)
        assert np.all((factor.null > 1e-6) == (rows.null > 1e-6))


@pytest.mark.parametrize("shape", [(60, 9), (20, 31)], ids=["long", "wide"])
@pytest.mark.parametrize("missing", [False, True])
def test_rows_are_factorized_or_summed_up(shape, missing):
    data = Data("gaussian", shape[0], shape[1], 3, missing=missing)
    paths, factors = [], []
    for flops in (0.0, np.inf):
        with moved(path_module, "ROWS_FLOPS", flops):
            factors.append(path_module.design_factor(data.problem(), float(LAMBDAS.min())))
            paths.append(solve_path(data.problem(), LAMBDAS))
    assert [factor.exact for factor in factors] == [False, True]
    # a path corrects its factor by the rows, so the factors are compared by themselves, too
    assert factors[0].solve(LAMBDAS) == pytest.approx(factors[1].solve(LAMBDAS), rel=1e-9, abs=1e-11)
    assert_same(*paths, rel=1e-11, df=1e-11)


@pytest.mark.parametrize("intercept", [True, False])
def test_elastic_nets_of_a_gram_or_of_products(intercept):
    """p = n + 1 makes the products of columns, p = n the Gram; neither corrected by the rows."""
    data = Data("gaussian", 19, 20, seed=2)
    nets = [
        path_module.elastic_net_of(problem)
        for problem in (
            data.problem(l1_ratio=0.5, intercept=intercept),
            data.split(l1_ratio=0.5, intercept=intercept),
        )
    ]
    assert [type(net.gram).__name__ for net in nets] == ["ProductGram", "DenseGram"]
    (a, first), (b, second) = (net.solve(LAMBDAS) for net in nets)
    assert b == pytest.approx(a, rel=1e-9, abs=1e-11)
    assert second == pytest.approx(first, rel=1e-9)


@pytest.mark.parametrize("intercept", [True, False])
def test_least_squares_with_and_without_the_original_columns(intercept):
    data = Data("gaussian", 80, 6, seed=5, sizes=10.0 ** np.arange(-3, 3))
    answers = []
    for cells in (0, 10**6):
        with moved(problem_module, "KEEP_ORIGINALS", cells):
            problem = data.problem(intercept=intercept)
            assert (problem.originals is None) == (cells == 0)
            path = solve_path(problem, np.zeros(1))
            answers.append((path, standard_errors(problem, path.u[:, 0], path.intercept0[0])))
    (a, first), (b, second) = answers
    assert_same(a, b, rel=1e-11)
    assert b.intercept == pytest.approx(a.intercept, rel=1e-11)
    assert first is not None
    assert second is not None
    assert second.coef == pytest.approx(first.coef, rel=1e-11)
    assert second.intercept == pytest.approx(first.intercept, rel=1e-11, abs=1e-300)


@every_glm
def test_columns_of_unlike_size_are_rotated_or_not(family):
    """Raw columns whose sizes span the border UNEVEN, more of them than rows."""
    data = Data(family, 15, 24, seed=2, sizes=10.0 ** np.linspace(-0.5, 1.5, 24))
    paths = []
    for columns in (0, 2000):
        with moved(newton, "UNEVEN", 1.0), moved(newton, "MOST_UNROTATED", columns):
            problem = data.problem(standardize=False)
            assert (newton.NewtonSolver(problem).rotation is None) == (columns > 0)
            paths.append(solve_path(problem, LAMBDAS))
    assert_same(*paths)


def losses_of(problem, folds, lambdas=LAMBDAS, *, change=None, jobs=1):
    """Return fold losses and held-out predictions; ``change`` is applied to the fits before they start."""
    fits = fold_fits(problem, folds, "sum", jobs=jobs)
    if change is not None:
        change(fits)
    found = fits.losses(lambdas, "deviance"), heldout_eta(fits, float(lambdas[-1]))
    assert fits.kkt_max <= 1e-5
    return found


def assert_same_folds(a, b, *, rel):
    assert b[0] == pytest.approx(a[0], rel=rel)
    assert b[1] == pytest.approx(a[1], rel=rel, abs=rel * np.abs(a[1]).max())


@pytest.mark.parametrize("mix", [0.0, 0.5])
@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize(("p", "by_moments"), [(24, True), (25, False)])
def test_gaussian_folds_by_moments_or_by_rows(mix, missing, p, by_moments):
    """p is the size of the smallest training set, then one more."""
    folds = draw_folds(32, 4, seed=0)
    problem = Data("gaussian", 32, p, seed=8, missing=missing).problem(l1_ratio=mix)

    def the_other_way(fits):
        assert fits.by_moments == by_moments
        fits.by_moments = not by_moments
        fits.moments = gaussian_folds.FoldMoments.of(problem, folds) if fits.by_moments else None

    assert_same_folds(losses_of(problem, folds), losses_of(problem, folds, change=the_other_way), rel=1e-7)


def test_ridge_folds_kept_or_made_again_and_losses_by_moments_or_rows():
    problem, folds = Data("gaussian", 60, 7, seed=9).problem(), draw_folds(60, 5, seed=1)
    whole = losses_of(problem, folds)
    with moved(ridge_folds, "CACHE_BYTES", 0):
        assert_same_folds(whole, losses_of(problem, folds), rel=1e-14)
    for share in (0.0, np.inf):
        with moved(gaussian_folds, "CANCELLATION", share):
            assert_same_folds(whole, losses_of(problem, folds), rel=1e-11)


@every_mix
@every_glm
@pytest.mark.parametrize("missing", [False, True])
def test_batched_folds_with_one_curvature_or_each_its_own(family, mix, missing):
    """Where all columns are alike their mean is each, so the curvatures are the same, too."""
    problem = Data(family, 80, 6, seed=4, missing=missing).problem(l1_ratio=mix)
    folds = draw_folds(80, 4, seed=2)
    B = np.outer(np.random.default_rng(0).normal(size=7), np.ones(4)) * 0.3
    found, curvatures = [], []
    for flops in (0.0, np.inf):
        with moved(fold_rows, "OWN_WEIGHTS_FLOPS", flops):
            batch = FoldRows(problem, folds.ids[0], 4)
            batch.shift[:] = batch.shift[:, :1]  # what is imputed differs from fold to fold
            assert batch.own_weights == (flops > 0)
            curvatures.append(batch.curvatures(B))
            found.append(losses_of(problem, folds))
    assert curvatures[0] == pytest.approx(curvatures[1], rel=1e-10, abs=1e-10)
    assert_same_folds(*found, rel=1e-5)


@every_glm
@pytest.mark.parametrize("missing", [False, True])
def test_folds_with_systems_of_their_own_or_one_for_all(family, missing):
    """Chord steps with a curvature for each training set; conjugate gradients with one of all rows."""
    problem = Data(family, 80, 6, seed=4, missing=missing).problem()
    folds, found = draw_folds(80, 4, seed=2), []
    for coordinates in (0, 128):
        with moved(fold_rows, "OWN_WEIGHTS_FLOPS", 0.0), moved(smooth_folds, "FEW_COORDINATES", coordinates):
            found.append(losses_of(problem, folds, np.geomspace(100.0, 0.1, 13)))
    assert_same_folds(*found, rel=1e-5)


@every_mix
@every_glm
@pytest.mark.parametrize(("p", "batched"), [(23, True), (24, False)])
def test_folds_batched_or_one_by_one_to_the_end_or_as_far_as_needed(family, mix, p, batched):
    """p is one less than the smallest training set, then its size; the limit of rough fits on both sides."""
    folds = draw_folds(32, 4, seed=0)
    problem = Data(family, 32, p, seed=6).problem(l1_ratio=mix)
    whole = losses_of(problem, folds)

    def one_by_one(fits):
        assert fits.batched == batched
        fits.batched = False

    for cells in (0, 10**9):
        with moved(glm_folds, "ROUGH_CELLS", cells):
            assert_same_folds(whole, losses_of(problem, folds, change=one_by_one), rel=1e-5)


def test_folds_here_or_in_workers():
    problem, folds = Data("binomial", 20, 30, seed=7).problem(), draw_folds(20, 4, seed=3)
    here = losses_of(problem, folds)
    with moved(pool, "WORTH_IT", 0.0):
        assert_same_folds(here, losses_of(problem, folds, jobs=None), rel=1e-12)


@every_mix
@every_family
def test_rows_passed_over_on_threads_or_not(family, mix):
    """Blocks of 64 rows: three threads take them in turn, and their sums are added up in order."""
    data, folds = Data(family, 300, 5, seed=1, missing=True), draw_folds(300, 3, seed=1)
    found = []
    with moved(problem_module, "BLOCK_BYTES", 1):
        for cells, count in ((10**9, 1), (1, 3)):
            with moved(threads, "WORTH_CELLS", cells), moved(threads, "thread_count", partial(int, count)):
                problem = data.problem(l1_ratio=mix)
                path = solve_path(problem, np.append(LAMBDAS, 0.0))
                found.append((path, losses_of(problem, folds)))
    (a, first), (b, second) = found
    assert_same(a, b, rel=1e-12, df=1e-12)
    assert_same_folds(first, second, rel=1e-12)
