"""Where coefficients become 0, where L1 ends, and where bounds hold, for every family.

The gradient of half of J is written here from SPEC section 1, on the original columns: nothing of the solvers
or of the certificate takes part.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l2cli.core.grid import lambda_max
from l2cli.core.path import solve_path
from l2cli.core.problem import make_problem

repeatable = settings(max_examples=5, deadline=None, derandomize=True, database=None)
FAMILIES = ("gaussian", "binomial", "poisson", "gamma", "tweedie")
every_family = pytest.mark.parametrize("family", FAMILIES)
every_mix = pytest.mark.parametrize("mix", [0.0, 0.5, 1.0])
cases = st.tuples(
    st.integers(20, 45), st.integers(2, 9), st.integers(0, 2**32 - 1), st.booleans(), st.booleans()
)
POWER = {"poisson": 1.0, "tweedie": 1.5, "gamma": 2.0}


class Case:
    """Random complete data with weights, an offset and penalty factors."""

    def __init__(self, family, drawn, *, free=False):
        n, p, seed, self.intercept, self.standardize = drawn
        self.family, self.rng = family, np.random.default_rng(seed)
        rng = self.rng
        self.X = rng.normal(size=(n, p)) * 10.0 ** rng.uniform(-0.5, 0.5, size=p) + 0.3 * rng.normal(size=p)
        signal = 0.5 * (self.X[:, 0] - self.X[:, 1]) / self.X[:, :2].std()
        log_mean = np.exp(0.7 * np.clip(signal, -3.0, 3.0))
        self.y = {
            "gaussian": signal + rng.normal(size=n),
            "binomial": (rng.random(n) < 1.0 / (1.0 + np.exp(-signal))) * 1.0,
            "gamma": log_mean * rng.gamma(2.0, 0.5, size=n) + 1e-3,
        }.get(family, rng.poisson(log_mean) * 1.0)
        self.y[:2] = [0.0, 1.0] if family != "gamma" else [0.5, 1.0]
        self.s, self.o = rng.uniform(0.5, 2.0, size=n), 0.3 * rng.normal(size=n)
        self.f = rng.choice([0.5, 1.0, 2.0], size=p)
        if free:
            self.f[1] = 0.0

    def problem(self, mix, **changes):
        given = {"weights": self.s, "offset": self.o, "penalty_factor": self.f}
        return make_problem(
            self.X, self.y, family=self.family, l1_ratio=mix, intercept=self.intercept,
            standardize=self.standardize, **{**given, **changes},
        )  # fmt: skip

    @property
    def unit(self):
        """What a penalized weight is multiplied with: the standard deviation, or 1."""
        mean = np.average(self.X, axis=0, weights=self.s)
        sd = np.sqrt(np.average((self.X - mean) ** 2, axis=0, weights=self.s))
        return sd if self.standardize else np.ones_like(sd)

    def gradient(self, coef, intercept, lam, mix):
        """Return the gradient of half of J without the L1 part, and the weights of |w|: per original w_j."""
        eta = self.o + intercept + self.X @ coef
        if self.family in POWER:
            mu = np.exp(eta)
            rest = (self.y - mu) * mu ** (1.0 - POWER[self.family])
        else:
            rest = self.y - (eta if self.family == "gaussian" else 1.0 / (1.0 + np.exp(-eta)))
        smooth = -self.X.T @ (self.s * rest) + lam * (1.0 - mix) * self.f * self.unit**2 * coef
        return smooth, lam * mix * self.f * self.unit, float(self.s @ rest)


@pytest.mark.parametrize("mix", [0.5, 1.0])
@pytest.mark.parametrize("free", [False, True], ids=["all penalized", "one free"])
@every_family
@repeatable
@given(drawn=cases)
def test_lambda_max_leaves_nothing_and_just_below_it_something(family, mix, free, drawn):
    case = Case(family, drawn, free=free)
    problem = case.problem(mix)
    high = lambda_max(problem)
    path = solve_path(problem, high * np.array([3.0, 1.0, 1.0 - 1e-6]))
    bound = case.f > 0
    assert not path.coef[bound][:, :2].any()
    assert np.count_nonzero(path.coef[bound][:, 2]) == 1
    # and lambda_max is the formula of the contract at the fit of what is not penalized
    smooth, _, _ = case.gradient(path.coef[:, 1], path.intercept[1], 0.0, mix)
    assert high == pytest.approx(np.max(np.abs(smooth / (mix * case.unit))[bound] / case.f[bound]), rel=1e-7)
    if free:
        assert abs(smooth[1]) <= 1e-9 * np.abs(smooth).max()


@every_family
@repeatable
@given(drawn=cases)
def test_a_little_l1_moves_the_ridge_by_as_little(family, drawn):
    """The minimiser of an elastic net is Lipschitz in r: a thousandth of r, a thousandth of the move."""
    case, lam = Case(family, drawn), np.array([20.0, 1.0])
    ridge = solve_path(case.problem(0.0), lam)
    moves = []
    for r in (1e-4, 1e-7):
        mixed = solve_path(case.problem(r), lam)
        moves.append(np.abs(mixed.u - ridge.u).max(axis=0))
        assert mixed.certificate.converged().all()
    size = np.abs(ridge.u).max(axis=0)
    assert np.all(moves[0] <= 0.2 * size)
    assert np.all(moves[0] > 1e-7 * size)
    assert moves[1] == pytest.approx(1e-3 * moves[0], rel=0.05, abs=1e-9 * size.max())


@every_mix
@every_family
@repeatable
@given(drawn=cases)
def test_active_bounds_hold_and_the_rest_is_optimal(family, mix, drawn):
    """At a lower bound J must not fall upwards, at an upper one not downwards; else the kink decides."""
    case, lam = Case(family, drawn), 1.0
    free = solve_path(case.problem(mix), np.array([lam])).coef[:, 0]
    width = 0.5 * np.abs(free) + 0.02 / case.unit
    middle = free + case.rng.choice([-1.0, 0.0, 1.0], size=len(free)) * width * 1.5
    low, high = middle - width, middle + width
    low[case.rng.random(len(low)) < 0.2], high[case.rng.random(len(high)) < 0.2] = -np.inf, np.inf
    path = solve_path(case.problem(mix, bounds=(low, high)), np.array([lam]))
    w = path.coef[:, 0]
    touching = np.isclose(w, low, rtol=1e-12, atol=0.0), np.isclose(w, high, rtol=1e-12, atol=0.0)
    assert np.all((w >= low) & (w <= high) | touching[0] | touching[1])
    assert np.all((free >= low) & (free <= high)) or any(t.any() for t in touching)
    smooth, kink, total = case.gradient(w, path.intercept[0], lam, mix)
    up, down = smooth + np.where(w >= 0.0, kink, -kink), -smooth + np.where(w <= 0.0, kink, -kink)
    null, _, _ = case.gradient(np.zeros_like(w), 0.0, 0.0, mix)
    tol = 1e-8 * np.abs(null / case.unit).max()
    assert np.all((up / case.unit >= -tol) | touching[1])
    assert np.all((down / case.unit >= -tol) | touching[0])
    assert abs(total) <= tol or not case.intercept


@every_mix
@every_family
@repeatable
@given(drawn=cases)
def test_bounds_beyond_the_answer_change_nothing(family, mix, drawn):
    case, lambdas = Case(family, drawn), np.array([10.0, 1.0])
    free = solve_path(case.problem(mix), lambdas)
    low, high = free.coef.min(axis=1), free.coef.max(axis=1)
    room = 0.1 * (np.abs(low) + np.abs(high)) + 1e-3 / case.unit
    held = solve_path(case.problem(mix, bounds=(low - room, high + room)), lambdas)
    assert held.coef == pytest.approx(free.coef, rel=1e-8, abs=1e-10)
    assert held.intercept == pytest.approx(free.intercept, rel=1e-8, abs=1e-10)
    assert held.certificate.train_deviance == pytest.approx(free.certificate.train_deviance, rel=1e-10)
