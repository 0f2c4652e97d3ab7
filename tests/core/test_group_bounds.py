"""Group lasso between bounds: against methods that share no code with it, and by its conditions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq, minimize

from l2cli.core.grid import lambda_grid, lambda_max
from l2cli.core.objective import certify
from l2cli.core.path import solve_path
from l2cli.core.penalties import Box, Groups, subgradient_distance
from l2cli.core.problem import make_problem
from l2cli.core.relaxed import relaxed_path
from l2cli.core.solvers import group_block
from l2cli.core.solvers.active_set import ActiveSet
from l2cli.core.solvers.gram import DenseGram, ProductGram
from l2cli.core.solvers.group_block import boxed_minimiser
from l2cli.core.solvers.group_set import GroupSet
from l2cli.data.folds import draw_folds
from l2cli.select.cv import fold_fits
from l2cli.spec import GridSpec
from tests.heldout import heldout_eta

FAMILIES = ["gaussian", "binomial", "multinomial", "poisson", "gamma", "tweedie"]
BOXES = ["nonnegative", "mixed", "without zero"]
LABELS = np.array([0, 0, 0, 1, 1, 2, 3, 3, 3, 3])


def bounds_for(X, kind, seed=3):
    """Return bounds of which many are reached."""
    rng, p, sd = np.random.default_rng(seed), X.shape[1], X.std(axis=0)
    if kind == "nonnegative":
        return np.zeros(p), np.full(p, np.inf)
    low = np.where(rng.random(p) < 0.4, 0.0, -rng.uniform(0.0, 0.2, p))
    high = np.where(rng.random(p) < 0.3, np.inf, rng.uniform(0.0, 0.2, p))
    if kind == "without zero":
        low[0], high[0], low[4], high[4], high[5] = 0.03, 0.3, -0.1, -0.1, -0.02
        low[5], low[7], low[8], high[8] = -0.1, -np.inf, 0.0, 0.0
    return low / sd, high / sd


def grouped(X, y, s, bounds, family="gaussian", groups=LABELS, **settings):
    problem = make_problem(X, y, family=family, weights=s, groups=groups, bounds=bounds, **settings)
    assert problem.box is not None
    return problem, problem.box


def value(problem, theta, lam):
    """Return J / 2 at (u, b0), written out."""
    u, b0 = theta[:-1], theta[-1]
    loss = problem.weights @ problem.likelihood.deviance(problem.y, problem.X @ u + b0)
    norms = [
        np.linalg.norm((problem.l1_penalty * u)[problem.groups.labels == g])
        for g in range(problem.groups.labels.max() + 1)
    ]
    return 0.5 * float(loss) + lam * sum(norms)


def prox(x, w, low, high):
    """Return the minimiser of 1/2 |v - x|^2 + w |v| within bounds that hold 0."""

    def at(t):  # t = 1 / |v|
        return np.clip(x / (1.0 + w * t), low, high) if t > 0 else np.clip(x, low, high)

    stopped = ((x > 0) & (high <= 0)) | ((x < 0) & (low >= 0))
    if np.linalg.norm(x[~stopped]) <= w:
        return np.zeros_like(x)
    top = 1.0
    while top * np.linalg.norm(at(top)) < 1.0:
        top *= 2.0
    return at(brentq(lambda t: t * np.linalg.norm(at(t)) - 1.0, 0.0, top, xtol=1e-300, rtol=1e-15))


def proximal_gradient(problem, lam, steps=20000):
    """Return (u, b0) by accelerated projected proximal gradient with restarts, gaussian or binomial."""
    Z = np.column_stack([problem.X, np.ones(problem.n_rows)])
    curved = 1.0 if problem.family == "gaussian" else 0.25
    length = 1.0 / (curved * np.linalg.norm(Z * np.sqrt(problem.weights)[:, None], 2) ** 2)
    (low, high), labels = problem.box, problem.groups.labels
    weight = lam * problem.l1_penalty * length
    x = z = np.zeros(Z.shape[1])
    t = 1.0
    for _ in range(steps):
        mu = problem.likelihood.mean(Z @ z)
        target = z + length * (Z.T @ (problem.weights * (problem.y - mu)))
        new = target.copy()
        for g in range(labels.max() + 1):
            at = np.flatnonzero(labels == g)
            new[at] = prox(target[at], weight[at[0]], low[at], high[at])
        if (z - new) @ (new - x) > 0:
            t = 1.0
        after = 0.5 * (1 + np.sqrt(1 + 4 * t * t))
        z, moved = new + (t - 1) / after * (new - x), np.abs(new - x).max()
        x, t = new, after
        if moved <= 1e-15:
            break
    return x


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("settings", [{}, {"standardize": False}, {"intercept": False}], ids=str)
@pytest.mark.parametrize("shape", [(90, 10), (30, 48)], ids=["tall", "wide"])
@pytest.mark.parametrize("kind", BOXES)
def test_every_path_is_certified_and_within_its_bounds(data, family, settings, shape, kind):
    X, y, s = data(family, *shape)
    labels = LABELS if shape[1] == 10 else np.arange(48) // 4
    problem, box = grouped(X, y, s, bounds_for(X, kind), family, labels, **settings)
    path = solve_path(problem, lambda_grid(GridSpec(count=8), problem)[0])
    assert path.certificate.kkt_residual.max() <= 1e-10
    assert np.all(path.certificate.duality_gap <= 1e-10)
    lower, upper = (e.reshape(-1, *(1 for _ in path.u.shape[1:])) for e in box)
    assert np.all((path.u >= lower) & (path.u <= upper))
    assert np.any(((path.u == lower) | (path.u == upper))[..., -1])
    assert np.all(path.effective_df >= -1e-9)
    if kind != "without zero":
        assert not path.u[..., 0].any()


@pytest.mark.parametrize("kind", ["nonnegative", "mixed"])
@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_it_is_where_a_projected_proximal_gradient_comes_to_rest(data, family, kind):
    X, y, s = data(family)
    problem, _ = grouped(X, y, s, bounds_for(X, kind), family)
    for share in (0.5, 0.1):
        lam = share * lambda_max(problem)
        path, slow = solve_path(problem, np.array([lam])), proximal_gradient(problem, lam)
        assert path.u[:, 0] == pytest.approx(slow[:-1], abs=1e-9)
        assert path.intercept0[0] == pytest.approx(slow[-1], abs=1e-9)
        assert np.array_equal(path.u[:, 0] == 0.0, slow[:-1] == 0.0)


@pytest.mark.parametrize("kind", BOXES)
@pytest.mark.parametrize("family", ["gaussian", "binomial", "poisson", "gamma", "tweedie"])
def test_scipy_finds_nothing_better(data, family, kind):
    X, y, s = data(family)
    problem, box = grouped(X, y, s, bounds_for(X, kind), family)
    lam = 0.1 * lambda_max(problem)
    path = solve_path(problem, np.array([lam]))
    here = np.append(path.u[:, 0], path.intercept0[0])
    ends = [*zip(box.lower, box.upper, strict=True), (None, None)]
    rng = np.random.default_rng(1)
    start = np.append(box.clip(here[:-1] + 0.02 * rng.normal(size=10)), here[-1])
    best = minimize(
        value_of := lambda theta: value(problem, theta, lam), start, method="SLSQP", bounds=ends,
        options={"ftol": 1e-14, "maxiter": 500},
    )  # fmt: skip
    assert value_of(here) <= best.fun * (1 + 1e-12)
    assert best.fun <= value_of(here) * (1 + 1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_bounds_that_are_not_reached_change_nothing(data, family):
    X, y, s = data(family)
    free = make_problem(X, y, family=family, weights=s, groups=LABELS)
    wide = np.full(10, 1e3)
    held = make_problem(X, y, family=family, weights=s, groups=LABELS, bounds=(-wide, wide))
    assert lambda_max(held) == lambda_max(free)
    lambdas = lambda_max(free) * np.array([1.0, 0.3, 0.05, 0.005])
    one, other = solve_path(held, lambdas), solve_path(free, lambdas)
    assert one.coef == pytest.approx(other.coef, rel=1e-9, abs=1e-11)
    assert np.array_equal(one.u != 0.0, other.u != 0.0)
    assert one.effective_df == pytest.approx(other.effective_df, rel=1e-6)
    assert one.certificate.duality_gap == pytest.approx(other.certificate.duality_gap, abs=1e-10)


@pytest.mark.parametrize("kind", BOXES)
@pytest.mark.parametrize("family", FAMILIES)
def test_groups_of_one_are_the_bounded_lasso(data, family, kind):
    X, y, s = data(family)
    bounds = bounds_for(X, kind)
    alone = make_problem(X, y, family=family, weights=s, groups=np.arange(10), bounds=bounds)
    lasso = make_problem(X, y, family=family, weights=s, l1_ratio=1.0, bounds=bounds)
    assert lambda_max(alone) == pytest.approx(lambda_max(lasso), rel=1e-12)
    lambdas = lambda_max(lasso) * np.array([1.0, 0.5, 0.1, 0.01])
    one, other = solve_path(alone, lambdas), solve_path(lasso, lambdas)
    assert one.coef == pytest.approx(other.coef, rel=1e-7, abs=1e-9)
    assert np.array_equal(one.u != 0, other.u != 0)
    assert one.certificate.train_deviance == pytest.approx(other.certificate.train_deviance, rel=1e-10)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("free", [False, True], ids=["all penalized", "a free group"])
def test_the_largest_useful_lambda_leaves_nothing_and_a_smaller_one_does(data, family, free):
    X, y, s = data(family)
    factor = np.where((LABELS == 1) & free, 0.0, 1.0)
    settings = {"family": family, "weights": s, "groups": LABELS, "penalty_factor": factor}
    # the first group may only go the wrong way
    open_ended = make_problem(X, y, **settings)
    highest = lambda_max(open_ended)
    first = np.where(factor > 0, solve_path(open_ended, np.array([0.99 * highest])).coef[..., 0].T, 0.0).T
    first = first if first.ndim == 1 else first[:, 0]
    bounds = np.where(first < 0, 0.0, -np.inf), np.where(first > 0, 0.0, np.inf)
    problem = make_problem(X, y, bounds=bounds, **settings)
    top = lambda_max(problem)
    assert top < highest or family == "multinomial"  # there every class pulls its own way
    path = solve_path(problem, np.array([top, 0.999 * top]))
    assert not path.u[factor > 0, ..., 0].any()
    assert path.u[factor > 0, ..., 1].any()
    assert path.certificate.kkt_residual.max() <= 1e-10


def test_bounds_that_leave_no_way_leave_nothing_to_find(data):
    X, y, s = data()
    Z = X - np.average(X, axis=0, weights=s)
    signs = np.sign(Z.T @ (s * (y - np.average(y, weights=s))))
    bounds = np.where(signs > 0, -np.inf, 0.0), np.where(signs > 0, 0.0, np.inf)
    problem = make_problem(X, y, weights=s, groups=LABELS, bounds=bounds)
    assert lambda_max(problem) == 0.0
    path = solve_path(problem, np.array([10.0, 1e-6]))
    assert not path.u.any()
    assert path.certificate.kkt_residual.max() <= 1e-15  # that of the intercept
    assert path.certificate.duality_gap == pytest.approx(0.0, abs=1e-15)


@pytest.mark.parametrize("family", ["gaussian", "poisson"])
@pytest.mark.parametrize("kind", BOXES)
def test_the_duality_gap_bounds_the_distance_to_the_best_value(data, family, kind):
    X, y, s = data(family)
    problem, box = grouped(X, y, s, bounds_for(X, kind), family)
    lam, rng = 0.2 * lambda_max(problem), np.random.default_rng(1)
    path = solve_path(problem, np.array([lam]))
    mean = float(problem.likelihood.null_intercept(y, s, None))
    best = value(problem, np.append(path.u[:, 0], path.intercept0[0]), lam)
    null = 0.5 * float(s @ problem.likelihood.deviance(y, np.full(90, mean)))
    gaps = []
    for size in (1e-2, 1e-3, 1e-4):
        u = box.clip(path.u[:, 0] + size * rng.normal(size=10) * (path.u[:, 0] != 0.0))
        b0 = float(problem.likelihood.null_intercept(y, s, problem.X @ u))
        away = (value(problem, np.append(u, b0), lam) - best) / null
        gaps.append(certify(problem, u[:, None], np.array([b0]), np.array([lam])).duality_gap[0])
        assert 0 < away <= gaps[-1]
    assert gaps[-1] < 0.1 * gaps[0]


def test_the_residual_is_the_distance_to_the_subgradients_and_normals():
    """The distance of -g to (ball + normal cone at 0), by brute force over both."""
    rng = np.random.default_rng(2)
    groups, box = (
        Groups.of(np.zeros(3, dtype=np.int64)),
        Box(np.array([0.0, -1.0, -1.0]), np.array([1.0, 0.0, 1.0])),
    )
    for _ in range(20):
        g, w = 2.0 * rng.normal(size=3), rng.uniform(0.3, 1.5)
        off = subgradient_distance(g, np.zeros(3), np.full(3, w), box, groups)

        def away(x, g=g, w=w):  # a point of the ball, and normals: not positive, not negative, none
            ball = x[:3] * w / max(np.linalg.norm(x[:3]), 1.0)
            return float(np.sum((g + ball + [-(x[3] ** 2), x[4] ** 2, 0.0]) ** 2))

        found = min(minimize(away, rng.normal(size=5), method="BFGS").fun for _ in range(8))
        assert np.linalg.norm(off) == pytest.approx(np.sqrt(found), abs=1e-4)


@pytest.mark.parametrize("family", ["gaussian", "binomial", "poisson", "multinomial"])
@pytest.mark.parametrize("shape", [(90, 10), (30, 48)], ids=["tall", "wide"])
@pytest.mark.parametrize("kind", BOXES)
def test_fold_losses_are_those_of_separate_fits(data, family, shape, kind):
    X, y, s = data(family, *shape)
    labels = LABELS if shape[1] == 10 else np.arange(48) // 4
    bounds = bounds_for(X, kind)
    problem = make_problem(X, y, family=family, weights=s, groups=labels, bounds=bounds)
    lambdas = lambda_max(problem) * np.array([0.5, 0.05])
    folds = draw_folds(len(y), 4, seed=0)
    fits = fold_fits(problem, folds, "sum", jobs=1)
    fits.losses(lambdas, "deviance")
    assert fits.kkt_max <= 1e-5
    for lam in lambdas:
        eta = heldout_eta(fits, lam)[0]
        for f in range(4):
            held = folds.ids[0] == f
            part = make_problem(
                X[~held], y[~held], family=family, weights=s[~held], groups=labels, bounds=bounds
            )
            path = solve_path(part, np.array([lam]))
            expected = np.tensordot(X[held], path.coef[..., 0], 1) + path.intercept[..., 0]
            seen = eta[held]
            if family == "multinomial":  # the same probabilities
                seen, expected = (v - v.mean(axis=1, keepdims=True) for v in (seen, expected))
            assert seen == pytest.approx(expected, rel=1e-4, abs=2e-4)


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
@pytest.mark.parametrize("shape", [(90, 10), (30, 48)], ids=["tall", "wide"])
def test_lambda_0_is_the_bounded_fit_without_a_penalty(data, family, shape):
    X, y, s = data(family, *shape)
    labels = LABELS if shape[1] == 10 else np.arange(48) // 4
    low, high = -0.1 / X.std(axis=0), 0.05 / X.std(axis=0)
    settings = {"family": family, "weights": s, "bounds": (low, high)}
    grouped = solve_path(make_problem(X, y, groups=labels, **settings), np.array([1.0, 0.0]))
    plain = solve_path(make_problem(X, y, **settings), np.zeros(1))
    assert grouped.certificate.converged().all()
    assert grouped.certificate.train_deviance[1] == pytest.approx(
        plain.certificate.train_deviance[0], rel=1e-9
    )
    if shape[1] == 10:
        assert grouped.coef[:, 1] == pytest.approx(plain.coef[:, 0], rel=1e-6, abs=1e-9)


def test_duplicated_columns_and_columns_that_do_not_vary_are_no_trouble(data):
    X, y, s = data()
    both = np.column_stack([X, X[:, :3], X[:, 3] + X[:, 4], np.ones(90)])
    labels, p = np.append(LABELS, [4, 4, 4, 1, 0]), 15
    bounds = np.where(np.arange(p) % 3 == 0, 0.0, -0.3), np.where(np.arange(p) % 4 == 0, 0.05, np.inf)
    bounds[0][14] = 0.01  # a constant column stays at 0 all the same
    problem = make_problem(both, y, weights=s, groups=labels, bounds=bounds)
    path = solve_path(problem, lambda_grid(GridSpec(count=12), problem)[0])
    assert path.certificate.kkt_residual.max() <= 1e-10
    assert not path.coef[14].any()


def test_a_relaxed_fit_keeps_the_bounds_in_both_parents(data):
    X, y, s = data()
    low, high = bounds_for(X, "mixed")
    problem = make_problem(X, y, weights=s, groups=LABELS, bounds=(low, high), relax_gamma=0.0)
    path = relaxed_path(problem, lambda_max(problem) * np.array([0.5, 0.1]))
    assert path.certificate.converged().all()
    assert np.all((path.coef >= low[:, None] - 1e-12) & (path.coef <= high[:, None] + 1e-12))


@pytest.mark.parametrize("wide", [False, True])
def test_the_quadratic_is_minimised_for_unequal_weights_inside_a_group(wide):
    rng = np.random.default_rng(4)
    A = rng.normal(size=(20 if wide else 60, 30))
    groups, level = Groups.of(np.arange(30) // 5), rng.uniform(0.5, 2.0, 30)
    level[:5] = 0.0
    q, b = A.T @ rng.normal(size=len(A)), rng.uniform(0.0, 0.1, 30)
    box = Box(np.where(np.arange(30) % 2 == 0, 0.0, -0.1), np.where(np.arange(30) % 3 == 0, 0.05, np.inf))
    gram = ProductGram(A) if wide else DenseGram(A.T @ A)
    solver = GroupSet(gram, groups, level, box)
    for share in (3.0, 1.0, 0.1, 1.0):
        a = share * level
        v = solver.solve(q, a, b, tol=1e-12)
        gradient = A.T @ (A @ v) + b * v - q
        assert np.abs(subgradient_distance(gradient, v, a, box, groups)).max() <= 1e-10
        assert np.all((v >= box.lower) & (v <= box.upper))
    again = GroupSet(gram, groups, level, box)
    again.solve(q, 3.0 * level, b, tol=1e-12)
    again.begin(v, level, b)
    assert again.solve(q, level, b, tol=1e-12) == pytest.approx(v, abs=1e-9)


@pytest.mark.parametrize("seed", range(40))
def test_a_block_is_at_its_minimum_within_the_box(seed):
    rng = np.random.default_rng(seed)
    m = int(rng.integers(1, 7))
    A = rng.normal(size=(int(rng.integers(max(1, m - 1), 9)), m))
    B, c = A.T @ A, 3.0 * A.T @ rng.normal(size=len(A))
    low = np.where(rng.random(m) < 0.4, 0.0, -rng.uniform(0.05, 0.6, m))
    high = np.where(rng.random(m) < 0.4, np.inf, rng.uniform(0.0, 0.6, m))
    if seed % 4 == 0:
        low[0], high[0] = 0.1, 0.3
    groups = Groups.of(np.zeros(m, dtype=np.int64))
    for w in (0.0, 0.1, 1.0, 3.0):
        v = boxed_minimiser(B, c, w, Box(low, high))
        assert np.all((v >= low) & (v <= high))
        off = subgradient_distance(B @ v - c, v, np.full(m, w), Box(low, high), groups)
        assert np.abs(off).max() <= 1e-12 * max(1.0, np.abs(c).max())


def test_newtons_method_ends_where_it_hits_the_length_exactly(monkeypatch):
    """It went on to halve the way to a root that it stood on, some 50 times."""
    rng = np.random.default_rng(0)
    solved: list[int] = []

    class Counted(ActiveSet):
        def solve(self, *arguments, **settings):
            solved[-1] += 1
            return super().solve(*arguments, **settings)

    monkeypatch.setattr(group_block, "ActiveSet", Counted)
    for _ in range(100):
        A = rng.normal(size=(8, 4))
        c = A.T @ rng.normal(size=8)
        high, solved = rng.uniform(0.05, 0.5, 4), [*solved, 0]
        boxed_minimiser(A.T @ A, c, 0.3 * float(np.linalg.norm(c)), Box(-high, high))
    assert max(solved) <= 20
    assert np.mean(solved) > 2


def test_a_block_without_variation_rests_where_the_box_lets_it():
    box = Box(np.array([0.2, -1.0]), np.array([1.0, 1.0]))
    assert boxed_minimiser(np.zeros((2, 2)), np.zeros(2), 0.1, box) == pytest.approx([0.2, 0.0])
