"""A table of designs x settings x families: every answer is optimal by a gradient written here from SPEC.

Nothing of l2cli takes part in the check: the gradient of J (section 1) is formed on the original columns in
long double, with the mean imputation, standard deviations and penalty that the contract prescribes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from l2cli.core.path import solve_path
from l2cli.core.problem import make_problem

EPS = np.finfo(np.float64).eps
LAMBDAS = np.array([1e5, 10.0, 0.1, 1e-6])


def plain(rng):
    return rng.normal(size=(60, 4))


def wide(rng):
    return rng.normal(size=(14, 40))


def square(rng):
    return rng.normal(size=(12, 12))


def collinear(rng):
    X = rng.normal(size=(40, 5))
    return np.column_stack([X, X[:, 0], X[:, 1] - 2.0 * X[:, 2] + 3.0, X[:, 3] + 1e-7 * rng.normal(size=40)])


def collinear_to_6_digits(rng):
    X = collinear(rng)
    return np.column_stack([X[:, :-1], X[:, 3] + 1e-6 * rng.normal(size=40)])


def constant(rng):
    X = rng.normal(size=(30, 4))
    X[:, 1], X[:, 3] = 7.25, 0.0
    return X


def missing(rng):
    X = rng.normal(size=(50, 4)) + 3.0
    X[rng.random(size=X.shape) < 0.2] = np.nan
    return X


def scales(rng):
    return rng.normal(size=(40, 5)) * [1e-8, 1e-4, 1.0, 1e4, 1e8]


def means(rng):
    return rng.normal(size=(40, 3)) + np.array([1e6, -1e8, 3.0])


def dummies(rng):
    return (rng.random(size=(60, 5)) < [0.5, 0.3, 0.1, 0.5, 0.05]).astype(np.float64)


def one_column(rng):
    return rng.normal(size=(25, 1))


def two_rows(rng):
    return rng.normal(size=(2, 3))


DESIGNS = [plain, wide, square, collinear, constant, missing, scales, means, dummies, one_column, two_rows]


def settings(rng, n, p):
    """Return the settings of make_problem that are tried on a design of n rows and p columns."""
    weights, offset = 10.0 ** rng.uniform(-3.0, 3.0, size=n), rng.normal(size=n)
    factors = rng.choice([0.5, 1.0, 3.0], size=p)
    factors[0] = 0.0 if n > 5 else 0.5
    everything = {"weights": rng.uniform(0.5, 2.0, size=n), "offset": 2.0 * offset, "penalty_factor": factors}
    return {
        "default": {},
        "weights": {"weights": weights},
        "offset": {"offset": 3.0 * offset},
        "factors": {"penalty_factor": factors},
        "no intercept": {"intercept": False},
        "raw": {"standardize": False},
        "everything": everything,
        "everything raw": {**everything, "standardize": False, "intercept": False},
    }


SETTINGS = list(settings(np.random.default_rng(0), 3, 2))


def response(rng, X, family):
    """Return a target that the columns explain in part; 0/1 values overlap."""
    signal = np.nan_to_num(
        (X - np.nanmean(X, axis=0)) / np.where(np.nanstd(X, axis=0) > 0, np.nanstd(X, axis=0), 1.0)
    )
    eta = signal[:, 0] + 0.5 * signal[:, -1]
    if family == "gaussian":
        return 100.0 + 5.0 * eta + rng.normal(size=len(X))
    y = (0.3 * eta + rng.logistic(size=len(X)) > 0).astype(np.float64)
    y[:2] = [0.0, 1.0]
    return y


@dataclass
class Check:
    """The optimality conditions of SPEC section 1 at one answer, on the original columns."""

    violation: float
    unit: float
    floor: float
    objective: float

    @property
    def met(self) -> bool:
        return self.violation <= max(1e-8 * self.unit, 10.0 * self.floor)


def impute(X, weights):
    """Return X with missing cells at the weighted mean of the present ones."""
    X = X.copy()
    for j in range(X.shape[1]):
        gone = np.isnan(X[:, j])
        if gone.any():
            X[gone, j] = np.average(X[~gone, j], weights=weights[~gone])
    return X


def check(
    X, y, coef, intercept, lam, family, *, weights=None, offset=None, penalty_factor=None,
    intercept_fitted=True, standardize=True,
) -> Check:  # fmt: skip
    """Return the conditions at (coef, intercept): half the gradient of J, each column's over its sd."""
    s = np.ones(len(y)) if weights is None else weights
    o = np.zeros(len(y)) if offset is None else offset
    f = np.ones(X.shape[1]) if penalty_factor is None else penalty_factor
    X = impute(X, s).astype(np.longdouble)
    mean = s @ X / s.sum()
    sd = np.sqrt(s @ (X - mean) ** 2 / s.sum())
    live = np.ptp(X, axis=0) > 0
    assert np.all(coef[~live] == 0.0)
    X, sd, w, f = X[:, live], sd[live], coef[live].astype(np.longdouble), f[live]
    size = f * sd**2 if standardize else f

    def gradient(w, b0):
        eta = o + b0 + X @ w
        mu = eta if family == "gaussian" else 1.0 / (1.0 + np.exp(-eta))
        r = s * (y - mu)
        curvature = np.ones_like(mu) if family == "gaussian" else mu * (1.0 - mu)
        terms = s * (np.abs(y) + np.abs(mu) + curvature * (np.abs(o) + np.abs(b0) + np.abs(X) @ np.abs(w)))
        loss = (y - eta) ** 2 if family == "gaussian" else 2.0 * (np.logaddexp(0.0, eta) - y * eta)
        return -(X.T @ r) + lam * size * w, -r.sum(), terms, float(s @ loss + lam * size @ w**2)

    g, g0, terms, objective = gradient(w, np.longdouble(intercept))
    _, b_null = solve_null(y, s, o, family) if intercept_fitted else (None, 0.0)
    g_null = gradient(np.zeros_like(w), np.longdouble(b_null))[0]
    violation = float(np.max(np.abs(g) / sd, initial=0.0))
    floor = EPS * float(np.max((np.abs(X).T @ terms + lam * size * np.abs(w)) / sd, initial=0.0))
    if intercept_fitted:
        violation, floor = max(violation, abs(float(g0))), max(floor, EPS * float(terms.sum()))
    return Check(violation, float(np.max(np.abs(g_null) / sd, initial=0.0)), floor, objective)


def solve_null(y, s, o, family):
    """Return the intercept of the model without columns, by bisection for 0/1 targets."""
    if family == "gaussian":
        return None, float(s @ (y - o) / s.sum())
    low, high = -60.0 - np.max(o), 60.0 - np.min(o)
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if s @ (y - 1.0 / (1.0 + np.exp(-(o + middle)))) > 0 else (low, middle)
    return None, low


def options(chosen):
    """Return the arguments of the check for those of make_problem."""
    return {("intercept_fitted" if k == "intercept" else k): v for k, v in chosen.items()}


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("design", DESIGNS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_every_answer_is_optimal(family, design, setting):
    rng = np.random.default_rng(list(f"{design.__name__} {family}".encode()))
    X = design(rng)
    y = response(rng, X, family)
    chosen = settings(rng, *X.shape)[setting]
    problem = make_problem(X, y, family=family, **chosen)
    path = solve_path(problem, LAMBDAS)
    assert path.certificate.converged().all(), path.certificate.kkt_residual
    for i, lam in enumerate(LAMBDAS):
        found = check(X, y, path.coef[:, i], path.intercept[i], lam, family, **options(chosen))
        assert found.met, (lam, found)
        if found.unit > 1e3 * found.floor:  # else the null model is optimal but for rounding
            kkt = path.certificate.kkt_residual[i]
            assert kkt <= max(1e-8, 10 * path.certificate.rounding_floor[i])
        assert found.objective == pytest.approx(
            path.certificate.train_deviance[i] + lam * problem.penalty @ path.u[:, i] ** 2, rel=1e-7
        )


@pytest.mark.parametrize(
    "setting", ["default", "weights", "offset", "factors", "no intercept", "raw", "everything raw"]
)
@pytest.mark.parametrize(
    "design", [plain, square, collinear, constant, missing, means, wide], ids=lambda f: f.__name__
)
def test_gaussian_answers_without_a_penalty_are_optimal(design, setting):
    rng = np.random.default_rng(list(design.__name__.encode()))
    X = design(rng)
    y = response(rng, X, "gaussian")
    chosen = settings(rng, *X.shape)[setting]
    path = solve_path(make_problem(X, y, **chosen), np.zeros(1))
    assert path.certificate.converged().all()
    assert check(X, y, path.coef[:, 0], path.intercept[0], 0.0, "gaussian", **options(chosen)).met
    s = np.sqrt(chosen.get("weights", np.ones(len(y))))
    columns = impute(X, s**2)
    if chosen.get("intercept", True):
        columns = columns - np.average(columns, axis=0, weights=s**2)
    columns = columns / np.where(np.ptp(columns, axis=0) > 0, np.linalg.norm(columns, axis=0), np.inf)
    assert path.rank == np.linalg.matrix_rank(columns * s[:, None])
    assert path.effective_df[0] == path.rank


@pytest.mark.parametrize(
    "setting", ["default", "weights", "offset", "factors", "no intercept", "raw", "everything raw"]
)
@pytest.mark.parametrize(
    "design", [plain, collinear_to_6_digits, constant, missing, means, dummies], ids=lambda f: f.__name__
)
def test_binomial_answers_without_a_penalty_are_optimal(design, setting):
    rng = np.random.default_rng([*design.__name__.encode(), 3])
    X = np.vstack([design(rng) for _ in range(4)])
    y = response(rng, X, "binomial")
    chosen = settings(rng, *X.shape)[setting]
    if setting == "weights":
        chosen["weights"] = chosen["weights"] ** (1 / 3)
    path = solve_path(make_problem(X, y, family="binomial", **chosen), np.zeros(1))
    assert path.certificate.converged().all()
    assert path.last_move[0] < 1e-3
    assert check(X, y, path.coef[:, 0], path.intercept[0], 0.0, "binomial", **options(chosen)).met


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
@pytest.mark.parametrize("shape", [(50, 4), (12, 30)], ids=["long", "wide"])
@pytest.mark.parametrize("standardize", [True, False])
def test_effective_df_is_the_trace_of_the_hat_matrix(family, shape, standardize):
    rng = np.random.default_rng(5)
    X = rng.normal(size=shape) * rng.uniform(0.5, 2.0, size=shape[1])
    y, s = response(rng, X, family), rng.uniform(0.5, 2.0, size=shape[0])
    f = rng.choice([0.5, 1.0, 2.0], size=shape[1])
    f[0] = 0.0
    problem = make_problem(X, y, family=family, weights=s, penalty_factor=f, standardize=standardize)
    path = solve_path(problem, np.array([30.0, 1.0]))
    for i, lam in enumerate((30.0, 1.0)):
        eta = path.intercept[i] + X @ path.coef[:, i]
        mu = 1.0 / (1.0 + np.exp(-eta))
        W = s if family == "gaussian" else s * mu * (1.0 - mu)
        Xc = X - np.average(X, axis=0, weights=W)
        D = f * (
            np.average((X - np.average(X, axis=0, weights=s)) ** 2, axis=0, weights=s) if standardize else 1.0
        )
        G = (Xc.T * W) @ Xc
        assert path.effective_df[i] == pytest.approx(
            np.trace(np.linalg.solve(G + lam * np.diag(D), G)), rel=1e-9
        )


def test_a_constructed_gaussian_problem_has_the_answer_it_was_built_for():
    """Orthogonal centred columns of length sqrt(n): ridge is n / (n + lambda) times least squares."""
    n = 8
    H = np.array([[1.0]])
    for _ in range(3):
        H = np.block([[H, H], [H, -H]])
    X, w = H[:, 1:5], np.array([3.0, -2.0, 0.5, 0.0])
    y = 10.0 + X @ w + 7.0 * H[:, 6]
    lambdas = np.array([0.0, 1.0, 8.0, 1e9])
    path = solve_path(make_problem(X, y), lambdas)
    assert path.coef == pytest.approx(np.outer(w, n / (n + lambdas)), abs=1e-14)
    assert path.intercept == pytest.approx(np.full(4, 10.0), abs=1e-13)
    assert path.effective_df == pytest.approx(4 * n / (n + lambdas))


@pytest.mark.parametrize(
    ("shape", "standardize"),
    [((40, 3), True), ((40, 3), False), ((10, 25), False)],
    ids=["long", "long raw", "wide raw"],
)
def test_constructed_binomial_problems_have_the_answers_they_were_built_for(shape, standardize):
    """Every row x stands there with y = 1 and weight s1 and with y = 0 and weight s0, so it pulls with
    r = s1 (1 - mu) - s0 mu; weights are chosen so that X'r = lambda D w and 1'r = 0 at a given w."""
    rng = np.random.default_rng(11)
    n, p = shape
    lam, b0, X, D = 2.0, -0.4, rng.normal(size=shape), np.ones(p)
    w = 0.3 * rng.normal(size=p)
    if p > n:  # the answer lies in the span of the centred rows
        w = (X - X.mean(axis=0)).T @ rng.normal(size=n) * 0.05
    mu = 1.0 / (1.0 + np.exp(-(b0 + X @ w)))
    for _ in range(300 if standardize else 1):  # the standard deviations in D depend on the weights
        r = np.linalg.lstsq(np.vstack([X.T, np.ones(n)]), np.append(lam * D * w, 0.0), rcond=None)[0]
        s1, s0 = mu + np.maximum(r, 0.0) / (1.0 - mu), 1.0 - mu + np.maximum(-r, 0.0) / mu
        if standardize:
            s = s1 + s0
            D = np.average((X - np.average(X, axis=0, weights=s)) ** 2, axis=0, weights=s)
    problem = make_problem(
        np.vstack([X, X]), np.repeat([1.0, 0.0], n), family="binomial", weights=np.concatenate([s1, s0]),
        standardize=standardize,
    )  # fmt: skip
    path = solve_path(problem, np.array([lam]))
    assert path.coef[:, 0] == pytest.approx(w, abs=1e-10)
    assert path.intercept[0] == pytest.approx(b0, abs=1e-10)
