"""Relaxed multinomial fits against SciPy's optimum over the coefficients that the lasso selects."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

from l2cli.api.judge import check_path
from l2cli.core.class_supports import columns_of, support_fit, tied_columns
from l2cli.core.grid import lambda_max
from l2cli.core.path import solve_path
from l2cli.core.problem import make_problem
from l2cli.core.relaxed import relaxed_path
from l2cli.core.separation import separating_columns
from l2cli.errors import FitError

SHARES = np.array([1.5, 0.6, 0.3, 0.1, 0.01])


def rows_of(n=150, p=6, c=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * rng.uniform(0.5, 3.0, p) + rng.normal(size=p)
    eta = X @ rng.normal(size=(p, c)) / 4.0
    y = (eta + rng.gumbel(size=(n, c))).argmax(axis=1)
    return X, y.astype(float), rng.uniform(0.5, 2.0, n)


def best_on(problem, A, *, ridge=0.0, start=None):
    """Return (u, b) that minimise half the deviance over the coefficients A (p, C), plus ridge/2 |u|^2."""
    Z, Y, s, m = problem.X, problem.y, problem.weights, int(A.sum())

    def loss(t):
        u = np.zeros(A.shape)
        u[A] = t[:m]
        eta = Z @ u + t[m:] * problem.intercept
        pull = s[:, None] * (softmax(eta, axis=1) - Y)
        value = s @ (logsumexp(eta, axis=1) - (Y * eta).sum(axis=1)) + 0.5 * ridge * t[:m] @ t[:m]
        return value, np.append((Z.T @ pull)[A] + ridge * t[:m], pull.sum(axis=0) * problem.intercept)

    start = np.zeros(m + A.shape[1]) if start is None else start
    answer = minimize(loss, start, jac=True, method="BFGS", options={"gtol": 1e-8, "maxiter": 5000})
    u = np.zeros(A.shape)
    u[A] = answer.x[:m]
    return u, answer.x[m:]


def residual_by_hand(problem, u, b, A):
    """Return the largest gradient over A and the intercepts, over the largest one of the null model."""
    share = problem.weights @ problem.y / problem.weights.sum()
    null = problem.weights[:, None] * (share * problem.intercept + (1 - problem.intercept) / len(share))
    pull = problem.weights[:, None] * (softmax(problem.X @ u + b, axis=1) - problem.y)
    off = max(
        np.abs((problem.X.T @ pull)[A]).max(initial=0.0), problem.intercept * np.abs(pull.sum(axis=0)).max()
    )
    return off / np.abs(problem.X.T @ (null - problem.weights[:, None] * problem.y)).max()


@pytest.mark.parametrize("gamma", [0.0, 0.4])
@pytest.mark.parametrize("classes", [2, 3, 4])
@pytest.mark.parametrize(
    ("mix", "settings"),
    [(1.0, {}), (0.5, {}), (1.0, {"intercept": False}), (1.0, {"standardize": False})],
    ids=["lasso", "enet", "no-intercept", "raw"],
)
def test_relaxed_fits_lie_between_the_lasso_and_the_fit_on_its_support(gamma, classes, mix, settings):
    X, y, s = rows_of(c=classes)
    factors = np.array([1.0, 0.5, 0.0, 1.0, 2.0, 1.0])
    problem = make_problem(
        X, y, family="multinomial", weights=s, penalty_factor=factors, l1_ratio=mix, relax_gamma=gamma,
        **settings,
    )  # fmt: skip
    grid = lambda_max(problem) * SHARES
    lasso, found = solve_path(problem, grid), relaxed_path(problem, grid)
    assert found.active is not None
    assert np.array_equal(found.active, (lasso.u != 0.0) | (factors == 0.0)[:, None, None])
    for i in range(len(grid)):
        A = found.active[..., i]
        u, b = best_on(problem, A)
        full = A.all(axis=1)
        u[full] -= u[full].mean(axis=1, keepdims=True)
        assert found.u[..., i] == pytest.approx(gamma * lasso.u[..., i] + (1 - gamma) * u, abs=2e-6)
        b = b - b.mean() if problem.intercept else 0.0 * b
        expected = gamma * (lasso.intercept0[:, i] - lasso.intercept0[:, i].mean()) + (1 - gamma) * b
        assert found.intercept0[:, i] - found.intercept0[:, i].mean() == pytest.approx(expected, abs=2e-6)
        count = np.minimum(A.sum(axis=1), classes - 1).sum()
        assert found.effective_df[i] == pytest.approx(gamma * lasso.effective_df[i] + (1 - gamma) * count)
        if gamma == 0.0:
            assert residual_by_hand(problem, found.u[..., i], found.intercept0[:, i], A) < 1e-11
    assert found.active[2].all()
    assert found.certificate.converged().all()
    assert found.certificate.kkt_residual.max() < 1e-11
    assert np.isnan(found.certificate.duality_gap).all()
    eta = np.einsum("ij,jkl->ikl", problem.X, found.u) + found.intercept0
    deviance = 2 * s @ (logsumexp(eta, axis=1) - (problem.y[..., None] * eta).sum(axis=1))
    assert found.certificate.train_deviance == pytest.approx(deviance, rel=1e-10)


def test_two_classes_are_the_binomial_fit():
    """Its relaxed end: the same probabilities, with one of the two coefficients of a column pinned at 0."""
    X, y, _ = rows_of(c=2)
    two = make_problem(X, y, family="multinomial", l1_ratio=1.0, relax_gamma=0.0)
    one = make_problem(X, y, family="binomial", l1_ratio=1.0, relax_gamma=0.0)
    grid = lambda_max(one) * np.array([0.5, 0.1])
    many, single = relaxed_path(two, grid), relaxed_path(one, grid)
    assert many.coef[:, 1] - many.coef[:, 0] == pytest.approx(single.coef, abs=1e-9)
    assert many.intercept[1] - many.intercept[0] == pytest.approx(single.intercept, abs=1e-9)
    assert many.effective_df == pytest.approx(single.effective_df)


def test_an_empty_support_is_the_null_model_and_one_of_all_the_fit_without_penalty():
    X, y, s = rows_of(p=3)
    problem = make_problem(X, y, family="multinomial", weights=s, l1_ratio=0.01, relax_gamma=0.0)
    path = relaxed_path(problem, lambda_max(problem) * np.array([1.0, 1e-5]))
    share = s @ problem.y / s.sum()
    assert not path.u[..., 0].any()
    assert path.effective_df[0] == 0.0
    assert softmax(path.intercept[:, 0]) == pytest.approx(share, rel=1e-12)
    assert path.active is not None
    assert path.active[..., 1].all()
    bare = solve_path(problem, np.zeros(1))
    assert path.coef[..., 1] == pytest.approx(bare.coef[..., 0], abs=1e-9)
    assert path.intercept[:, 1] == pytest.approx(bare.intercept[:, 0], abs=1e-9)
    at_zero = relaxed_path(problem, np.zeros(1))
    assert at_zero.u == pytest.approx(bare.u, abs=1e-12)


def test_a_class_that_is_never_in_the_support_keeps_zeros():
    X, y, _ = rows_of(c=4)
    problem = make_problem(X, y, family="multinomial", l1_ratio=1.0, relax_gamma=0.0)
    A = np.ones((6, 4), dtype=bool)
    A[:, 2] = False
    fit = support_fit(problem, np.flatnonzero(A))
    every = support_fit(problem, np.arange(24))
    assert not fit.u[:, 2].any()
    assert not fit.tied.any()
    assert fit.u - fit.u.mean(axis=1, keepdims=True) == pytest.approx(every.u, abs=1e-9)
    eta, other = problem.X @ fit.u + fit.intercept0, problem.X @ every.u + every.intercept0
    assert softmax(eta, axis=1) == pytest.approx(softmax(other, axis=1), abs=1e-10)
    assert fit.effective_df == every.effective_df == 18


def test_tied_columns_share_the_smallest_coefficients_where_classes_share_them():
    X, y, s = rows_of(p=4)
    X = np.column_stack([X, X[:, 0], X[:, 1] + X[:, 2]])
    problem = make_problem(X, y, family="multinomial", weights=s, l1_ratio=0.5)
    cases = {
        ((0, 0), (4, 1)): ([], 2),  # one column for one class each: told apart
        ((0, 0), (4, 1), (0, 2)): ([0, 4], 2),  # but for what all three have in common
        ((0, 0), (0, 1), (4, 0)): ([0, 4], 2),
        ((1, 0), (2, 0), (5, 0)): ([1, 2, 5], 2),
        ((1, 0), (2, 0), (5, 1)): ([], 3),
        tuple((j, k) for j in (0, 4) for k in range(3)): ([0, 4], 2),
    }
    for pairs, (tied, df) in cases.items():
        coordinates = np.array(sorted(j * 3 + k for j, k in pairs))
        fit = support_fit(problem, coordinates)
        A = np.zeros((6, 3), dtype=bool)
        A.ravel()[coordinates] = True
        assert columns_of(coordinates, 3)[1].tolist() == A[A.any(axis=1)].tolist()
        assert np.flatnonzero(fit.tied).tolist() == tied
        assert fit.u == pytest.approx(best_on(problem, A, ridge=1e-6)[0], abs=1e-5)
        assert fit.residual < 1e-12
        assert fit.effective_df == df
        again = support_fit(problem, coordinates, before=support_fit(problem, np.arange(9)))
        assert again.u == pytest.approx(fit.u, abs=1e-9)


def test_ties_are_looked_for_among_the_coefficients_of_the_support_alone():
    """Not among those of all classes: 60 columns of 30 classes are 1800, 60 of them in use."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 30))
    y = np.arange(90) % 30
    problem = make_problem(np.hstack([X, X]), y.astype(float), family="multinomial")
    support = np.zeros((60, 30), dtype=bool)
    support[np.arange(60), np.r_[:30, :29, 0]] = True  # the last copy is in another class
    tracemalloc.start()
    tied = tied_columns(problem, support)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.flatnonzero(~tied).tolist() == [29, 59]
    assert peak < 4e6


def test_bounds_hold_for_both_parents():
    X, y, _ = rows_of()
    bounds = (np.full(6, -0.1), np.full(6, 0.15))
    problem = make_problem(X, y, family="multinomial", l1_ratio=1.0, relax_gamma=0.0, bounds=bounds)
    path = relaxed_path(problem, lambda_max(problem) * SHARES)
    assert path.active is not None
    assert path.coef.min() == pytest.approx(-0.1, rel=1e-12)
    assert path.coef.max() == pytest.approx(0.15, rel=1e-12)
    assert not path.coef[~path.active].any()
    assert path.certificate.kkt_residual.max() < 1e-11
    resting = (np.abs(path.coef - 0.025) >= 0.125 - 1e-12) & path.active
    assert path.effective_df.tolist() == (path.active & ~resting).sum(axis=(0, 1)).tolist()
    A = path.active[..., 2]
    Z, Y, m = problem.X, problem.y, int(A.sum())

    def loss(t):
        u = np.zeros(A.shape)
        u[A] = t[:m]
        eta = Z @ u + t[m:]
        pull = softmax(eta, axis=1) - Y
        return (logsumexp(eta, axis=1) - (Y * eta).sum(axis=1)).sum(), np.append(
            (Z.T @ pull)[A], pull.sum(axis=0)
        )

    ends = np.column_stack([np.repeat(b * problem.scale, 3)[A.ravel()] for b in bounds]).tolist()
    best = minimize(loss, np.zeros(m + 3), jac=True, method="L-BFGS-B", bounds=ends + [(None, None)] * 3,
                    options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 5000})  # fmt: skip
    assert path.certificate.train_deviance[2] == pytest.approx(2 * best.fun, rel=1e-10)


def test_groups_are_relaxed_class_by_class():
    X, y, _ = rows_of()
    problem = make_problem(
        X, y, family="multinomial", relax_gamma=0.0, groups=np.array([0, 0, 1, 1, 2, 3])
    )  # fmt: skip
    path = relaxed_path(problem, np.array([0.4 * lambda_max(problem)]))
    assert path.active is not None
    A = path.active[..., 0]
    assert np.array_equal(A[0], A[1])
    assert 0 < A.sum() < A.size
    u = best_on(problem, A)[0]
    full = A.all(axis=1)
    u[full] -= u[full].mean(axis=1, keepdims=True)
    assert path.u[..., 0] == pytest.approx(u, abs=2e-6)
    assert path.certificate.kkt_residual[0] < 1e-11


def test_separated_supports_run_away_and_are_refused_by_name():
    X, _, _ = rows_of(n=150, p=4)
    rng = np.random.default_rng(5)
    y = np.where(X[:, 1] > X[:, 1].mean() + 0.5, 2.0, (rng.random(150) < 0.5) * 1.0)
    problem = make_problem(X, y, family="multinomial", l1_ratio=1.0, relax_gamma=0.5)
    path = relaxed_path(problem, lambda_max(problem) * np.array([1.5, 0.5]))
    assert path.last_move[0] == 0.0
    assert path.last_move[1] > 0.5
    with pytest.raises(
        FitError, match=r"no finite relaxed fit at lambda .* are separated by b, which it leaves"
    ):
        check_path(problem, path, ("a", "b", "c", "d"), None)


def test_whether_a_support_separates_depends_on_its_classes():
    """Class 2 lies above the others in a column: they are apart where 2 has it, or both others."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    y = np.where(X[:, 0] > 0.5, 2.0, (rng.random(60) < 0.5) * 1.0)
    problem = make_problem(X, y, family="multinomial")
    for classes, apart in (([2], True), ([0], False), ([1], False), ([0, 1], True), ([], False)):
        A = np.zeros((2, 3), dtype=bool)
        A[1] = True
        A[0, classes] = True
        found = separating_columns(problem, A)
        assert (found is not None) == apart
        assert found is None or found.tolist() == [True, False]
    bounded = make_problem(X, y, family="multinomial", bounds=(np.full(2, -1.0), np.full(2, 1.0)))
    assert separating_columns(bounded, np.ones(2, dtype=bool)) is None
