"""The group lasso: by the optimality conditions written here, against the lasso and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from l2cli.core.grid import lambda_grid, lambda_max
from l2cli.core.objective import certify
from l2cli.core.path import solve_path
from l2cli.core.penalties import Groups, kink_value, subgradient_distance
from l2cli.core.problem import make_problem
from l2cli.core.solvers.gram import DenseGram, ProductGram
from l2cli.core.solvers.group_block import block_minimiser
from l2cli.core.solvers.group_set import GroupSet
from l2cli.data.folds import Folds, draw_folds
from l2cli.select.cv import fold_fits
from l2cli.spec import GridSpec
from tests.heldout import heldout_eta

FAMILIES = ["gaussian", "binomial", "multinomial", "poisson", "gamma", "tweedie"]
LABELS = np.array([0, 0, 0, 1, 1, 2, 3, 3, 3, 3])


def labels_for(p):
    return np.arange(p) // 4


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("settings", [{}, {"standardize": False}, {"intercept": False}], ids=str)
@pytest.mark.parametrize("shape", [(90, 10), (30, 48)], ids=["tall", "wide"])
def test_every_path_is_certified(data, family, settings, shape):
    X, y, s = data(family, *shape)
    labels = LABELS if shape[1] == 10 else labels_for(48)
    problem = make_problem(X, y, family=family, weights=s, groups=labels, **settings)
    grid, automatic = lambda_grid(GridSpec(count=8), problem)
    assert automatic
    path = solve_path(problem, grid)
    assert path.certificate.kkt_residual.max() <= 1e-11
    assert path.certificate.duality_gap.max() <= 1e-10
    assert not path.u[..., 0].any()
    # a group is in or out as a whole, for every class
    inside = np.round(Groups.of(labels).norms((path.u != 0.0).astype(float)) ** 2)
    sizes = np.bincount(labels).reshape(-1, *(1 for _ in inside.shape[1:]))
    assert np.all(np.isin(inside - sizes, 0.0) | np.isin(inside, 0.0))
    assert np.all(path.effective_df >= -1e-9)


def test_the_conditions_of_yuan_and_lin_hold_on_the_original_columns(data):
    X, y, s = data()
    factor = np.array([1.0, 1.0, 1.0, 2.0, 2.0, 0.0, 0.5, 0.5, 0.5, 0.5])
    problem = make_problem(X, y, weights=s, groups=LABELS, penalty_factor=factor)
    lam = 0.2 * lambda_max(problem)
    path = solve_path(problem, np.array([lam]))
    mean, W = np.average(X, axis=0, weights=s), s.sum()
    sd = np.sqrt(s @ (X - mean) ** 2 / W)
    Z, w = (X - mean) / sd, path.coef[:, 0] * sd
    residual = s * (y - path.intercept[0] - X @ path.coef[:, 0])
    for g in range(4):
        at = np.equal(LABELS, g)
        pull, weight = Z[:, at].T @ residual, lam * factor[at][0] * np.sqrt(at.sum())
        size = np.linalg.norm(w[at])
        if size > 0:
            assert pull == pytest.approx(weight * w[at] / size, abs=1e-8)
        else:
            assert np.linalg.norm(pull) <= weight * (1 + 1e-10)
    assert np.linalg.norm(w[LABELS == 2]) > 0  # nothing penalizes it
    assert (w == 0).any()


@pytest.mark.parametrize("family", FAMILIES)
def test_groups_of_one_are_the_lasso(data, family):
    X, y, s = data(family)
    alone = make_problem(X, y, family=family, weights=s, groups=np.arange(10))
    lasso = make_problem(X, y, family=family, weights=s, l1_ratio=1.0)
    lambdas = lambda_max(lasso) * np.array([1.0, 0.5, 0.1, 0.01])
    assert lambda_max(alone) == pytest.approx(lambda_max(lasso), rel=1e-12)
    one, other = solve_path(alone, lambdas), solve_path(lasso, lambdas)
    assert one.coef == pytest.approx(other.coef, rel=1e-7, abs=1e-9)
    assert np.array_equal(one.u != 0, other.u != 0)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("free", [False, True], ids=["all penalized", "a free group"])
def test_the_largest_useful_lambda_leaves_nothing_and_a_smaller_one_does(data, family, free):
    X, y, s = data(family)
    factor = np.where((LABELS == 1) & free, 0.0, 1.0)
    problem = make_problem(X, y, family=family, weights=s, groups=LABELS, penalty_factor=factor)
    top = lambda_max(problem)
    path = solve_path(problem, np.array([top, 0.99 * top]))
    assert not path.u[factor > 0, ..., 0].any()
    assert path.u[factor > 0, ..., 1].any()
    assert path.certificate.kkt_residual.max() <= 1e-10


def test_it_is_the_minimum_that_another_method_finds(data):
    X, y, s = data("binomial")
    problem = make_problem(X, y, family="binomial", weights=s, groups=LABELS)
    lam = 0.1 * lambda_max(problem)
    path = solve_path(problem, np.array([lam]))
    groups = Groups.of(LABELS)

    def objective(theta):
        eta = problem.X @ theta[:-1] + theta[-1]
        penalty = 2.0 * lam * kink_value(problem.l1_penalty, theta[:-1], groups)
        return float(s @ problem.likelihood.deviance(y, eta)) + penalty

    here = np.append(path.u[:, 0], path.intercept0[0])
    rng = np.random.default_rng(1)
    best = min(
        minimize(
            objective,
            here + 0.1 * rng.normal(size=11),
            method="Powell",
            options={"maxfev": 4000, "xtol": 1e-10, "ftol": 1e-14},
        ).fun
        for _ in range(2)
    )
    assert objective(here) <= best * (1 + 1e-12)
    assert best <= objective(here) * (1 + 1e-3)


def test_duplicated_columns_and_groups_are_no_trouble(data):
    X, y, s = data()
    both = np.column_stack([X, X[:, :3], X[:, 3] + X[:, 4]])
    labels = np.append(LABELS, [4, 4, 4, 1])
    problem = make_problem(both, y, weights=s, groups=labels)
    path = solve_path(problem, lambda_grid(GridSpec(count=12), problem)[0])
    assert path.certificate.kkt_residual.max() <= 1e-11


def test_lambda_0_is_least_squares(data):
    X, y, s = data()
    path = solve_path(make_problem(X, y, weights=s, groups=LABELS), np.zeros(1))
    root = np.sqrt(s)
    expected = np.linalg.lstsq(np.column_stack([X, np.ones(90)]) * root[:, None], y * root, rcond=None)[0]
    assert path.coef[:, 0] == pytest.approx(expected[:-1], rel=1e-9)


@pytest.mark.parametrize("family", ["gaussian", "binomial", "poisson", "multinomial"])
@pytest.mark.parametrize("shape", [(90, 10), (30, 48)], ids=["tall", "wide"])
def test_fold_losses_are_those_of_separate_fits(data, family, shape):
    X, y, s = data(family, *shape)
    labels = LABELS if shape[1] == 10 else labels_for(48)
    problem = make_problem(X, y, family=family, weights=s, groups=labels)
    lambdas = lambda_max(problem) * np.array([0.5, 0.1, 0.02])
    folds = draw_folds(
        len(y), 3, seed=1, strata=y.astype(np.int64) if family in ("binomial", "multinomial") else None
    )
    fits = fold_fits(problem, folds, "sum")
    found = fits.losses(lambdas, "deviance")
    for f in range(3):
        held = folds.ids[0] == f
        part = make_problem(X[~held], y[~held], family=family, weights=s[~held], groups=labels)
        path = solve_path(part, lambdas)
        for i in range(3):
            eta = X[held] @ path.coef[..., i] + path.intercept[..., i]
            target = np.eye(3)[y[held].astype(int)] if family == "multinomial" else y[held]
            loss = np.average(part.likelihood.deviance(target, eta), weights=s[held])
            assert found[f, i] == pytest.approx(loss, rel=1e-5)
    assert fits.kkt_max <= 1e-5


def test_missing_cells_are_imputed_inside_the_folds(data):
    X, y, s = data()
    X[np.random.default_rng(3).random(X.shape) < 0.1] = np.nan
    problem = make_problem(X, y, weights=s, groups=LABELS)
    folds = draw_folds(90, 3, seed=1)
    lam = 0.1 * lambda_max(problem)
    found = fold_fits(problem, folds, "sum").losses(np.array([lam]), "mse")
    for f in range(3):
        held = folds.ids[0] == f
        part = make_problem(X[~held], y[~held], weights=s[~held], groups=LABELS)
        path = solve_path(part, np.array([lam]))
        Z = np.where(np.isnan(X[held]), part.mean, X[held])
        loss = np.average((y[held] - Z @ path.coef[:, 0] - path.intercept[0]) ** 2, weights=s[held])
        assert found[f, 0] == pytest.approx(loss, rel=1e-9)


def test_effective_df_are_the_trace_of_the_derivative_of_the_fit(data):
    """With the active groups fixed the fit is differentiable in y (Vaiter et al. 2012)."""
    X, y, _ = data(n=40)
    lam = 0.1 * lambda_max(make_problem(X, y, groups=LABELS))

    def fitted(target):
        path = solve_path(make_problem(X, target, groups=LABELS), np.array([lam]))
        return X @ path.coef[:, 0] + path.intercept[0], path

    _, path = fitted(y)
    h, total = 1e-5, 0.0
    for i in range(40):
        e = h * np.eye(40)[i]
        total += (fitted(y + e)[0][i] - fitted(y - e)[0][i]) / (2 * h)
    assert path.effective_df[0] == pytest.approx(total - 1.0, rel=1e-5)  # the intercept is one more


def test_the_duality_gap_bounds_the_distance_to_the_best_value(data):
    X, y, s = data("poisson")
    problem = make_problem(X, y, family="poisson", weights=s, groups=LABELS)
    lam = np.array([0.2 * lambda_max(problem)])
    path, rng = solve_path(problem, lam), np.random.default_rng(1)
    best, null = (
        value(problem, path.u[:, 0], path.intercept0[0], lam[0]),
        value(problem, np.zeros(10), np.log(np.average(y, weights=s)), lam[0]),
    )
    for size in (1e-3, 1e-4):
        u = path.u[:, 0] * (1.0 + size * rng.normal(size=10))
        off = solve_intercept(problem, u)
        away = (value(problem, u, off, lam[0]) - best) / null
        assert 0 < away <= certify(problem, u[:, None], np.array([off]), lam).duality_gap[0]


def value(problem, u, b0, lam):
    eta = problem.X @ u + b0
    loss = float(problem.weights @ problem.likelihood.deviance(problem.y, eta))
    return loss + 2.0 * lam * kink_value(problem.l1_penalty, u, problem.groups)


def solve_intercept(problem, u):
    return float(problem.likelihood.null_intercept(problem.y, problem.weights, problem.X @ u))


@pytest.mark.parametrize("wide", [False, True])
def test_the_quadratic_is_minimised_for_unequal_weights_inside_a_group(wide):
    rng = np.random.default_rng(4)
    A = rng.normal(size=(20 if wide else 60, 30))
    groups = Groups.of(np.arange(30) // 5)
    level = rng.uniform(0.5, 2.0, 30)
    level[:5] = 0.0
    q, b = A.T @ rng.normal(size=len(A)), rng.uniform(0.0, 0.1, 30)
    gram = ProductGram(A) if wide else DenseGram(A.T @ A)
    solver = GroupSet(gram, groups, level)
    for share in (3.0, 1.0, 0.1, 1.0):
        a = share * level
        v = solver.solve(q, a, b, tol=1e-12)
        gradient = A.T @ (A @ v) + b * v - q
        assert np.abs(subgradient_distance(gradient, v, a, None, groups)).max() <= 1e-10
    again = GroupSet(gram, groups, level)
    again.solve(q, 3.0 * level, b, tol=1e-12)
    again.begin(v, level, b)
    assert again.solve(q, level, b, tol=1e-12) == pytest.approx(v, abs=1e-9)


def test_a_block_has_the_minimum_that_its_equation_says():
    rng = np.random.default_rng(5)
    A = rng.normal(size=(9, 4))
    B, c = A.T @ A, rng.normal(size=4) * 3.0
    for w in (0.0, 0.1, 2.0):
        v = block_minimiser(B, c, w)
        assert B @ v + (w * v / np.linalg.norm(v)) == pytest.approx(c, abs=1e-10)
    assert not block_minimiser(B, c, float(np.linalg.norm(c))).any()
    assert not block_minimiser(np.zeros((4, 4)), c, 0.1).any()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("shape", [(90, 10), (30, 48)], ids=["tall", "wide"])
def test_a_column_that_does_not_vary_brings_no_norm_into_an_unpenalized_group(data, family, shape):
    """In all rows, and in those that a fold is trained on (a rare level)."""
    X, y, s = data(family, *shape)
    labels = LABELS if shape[1] == 10 else labels_for(48)
    factor = np.where(labels == 0, 0.0, 1.0)
    ids = np.arange(len(y)) % 3
    X[:, 2] = 0.0
    problem = make_problem(X, y, family=family, weights=s, groups=labels, penalty_factor=factor)
    lambdas = lambda_max(problem) * np.array([1.0, 0.3, 0.05])
    path = solve_path(problem, lambdas)
    assert path.certificate.kkt_residual.max() <= 1e-10
    assert not path.u[2].any()
    others = np.delete(np.arange(shape[1]), 2)
    without = make_problem(
        X[:, others], y, family=family, weights=s, groups=labels[others], penalty_factor=factor[others]
    )
    if shape[1] == 10:  # the free columns count as often as they are there
        assert path.coef[others] == pytest.approx(solve_path(without, lambdas).coef, rel=1e-7, abs=1e-9)
    X[ids == 0, 2] = np.arange(np.sum(ids == 0)) % 2
    rare = make_problem(X, y, family=family, weights=s, groups=labels, penalty_factor=factor)
    fits = fold_fits(rare, Folds(ids[None], 3, "rows"), "sum", jobs=1)
    eta, train = heldout_eta(fits, float(lambdas[1]))[0][ids == 0], ids > 0
    part = make_problem(
        X[train], y[train], family=family, weights=s[train], groups=labels, penalty_factor=factor
    )
    alone = solve_path(part, lambdas[1:2])
    expected = np.tensordot(X[~train], alone.coef[..., 0], 1) + alone.intercept[..., 0]
    if family == "multinomial":  # the same probabilities
        eta, expected = (v - v.mean(axis=1, keepdims=True) for v in (eta, expected))
    assert eta == pytest.approx(expected, rel=1e-5, abs=1e-5)
    assert fits.kkt_max <= 1e-7
