"""Columns in blocks against the same columns spelled out in one matrix: every family and penalty."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.core.block_path import DegreesOfFreedom
from l2cli.core.block_problem import make_block_problem
from l2cli.core.design import Codes, Design
from l2cli.core.families import FAMILIES
from l2cli.core.grid import lambda_grid, lambda_max
from l2cli.core.path import solve_path
from l2cli.core.problem import make_problem
from l2cli.core.solvers import block_layout
from l2cli.core.solvers.block_newton import BlockNewton
from l2cli.core.solvers.lanczos import spectrum
from l2cli.errors import FitError
from l2cli.spec import GridSpec

LAMBDAS = np.array([30.0, 3.0, 0.3])
SIZES = (40, 11, 6)


def draw(family="gaussian", n=400, seed=0, *, missing=0.1, sizes=SIZES):
    """Return a design whose first category has rows without any level, its matrix, and a target."""
    rng = np.random.default_rng(seed)
    dense = rng.normal(2.0, 3.0, (n, 3))
    dense[rng.random(dense.shape) < missing] = np.nan
    codes = [rng.integers(0, m + (i == 0), n) for i, m in enumerate(sizes)]
    first = Codes(codes[0], sizes[0], 0)
    start = sizes[0] + 3
    blocks, columns = [first], [np.eye(sizes[0] + 1)[codes[0]][:, :-1], dense]
    for code, m in zip(codes[1:], sizes[1:], strict=True):
        blocks.append(Codes(code, m, start))
        columns.append(np.eye(m)[code])
        start += m
    design = Design(dense, np.arange(sizes[0], sizes[0] + 3), tuple(blocks))
    X = np.hstack(columns)
    eta = np.nan_to_num(X - np.nanmean(X, axis=0)) @ rng.normal(size=X.shape[1]) * 0.3
    y = {
        "gaussian": eta + rng.normal(size=n),
        "binomial": (eta + rng.logistic(size=n) > 0).astype(float),
        "multinomial": np.digitize(eta + rng.logistic(size=n), [-1.0, 1.0]).astype(float),
        "poisson": rng.poisson(np.exp(0.5 * eta)).astype(float),
        "gamma": rng.gamma(2.0, np.exp(0.5 * eta)),
        "tweedie": rng.poisson(np.exp(0.3 * eta)) * rng.gamma(2.0, 0.5, n),
    }[family]
    return design, X, y


def given_in(case, shape, family):
    n, p = shape
    rng = np.random.default_rng(7)
    factors = np.ones(p)
    factors[[2, 41]] = 2.0, 0.0
    return {
        "plain": {},
        "weights": {"weights": rng.uniform(0.3, 2.0, n)},
        "offset": {} if family == "multinomial" else {"offset": rng.normal(size=n) * 0.3},
        "no intercept": {"intercept": False},
        "raw": {"standardize": False},
        "factors": {"penalty_factor": factors},
        "lasso": {"l1_ratio": 1.0, "weights": rng.uniform(0.3, 2.0, n)},
        "net": {"l1_ratio": 0.5},
        "raw net": {"l1_ratio": 0.3, "standardize": False, "penalty_factor": factors},
    }[case]


CASES = ("plain", "weights", "offset", "no intercept", "raw", "factors", "lasso", "net", "raw net")


@pytest.mark.parametrize("direct", [True, False], ids=["direct", "iterated"])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("family", FAMILIES)
def test_blocks_agree_with_one_matrix(family, case, direct, monkeypatch):
    if not direct:
        monkeypatch.setattr(block_layout, "DIRECT_FLOPS", 0.0)
    design, X, y = draw(family)
    given = given_in(case, X.shape, family)
    expected = solve_path(make_problem(X, y, family=family, **given), LAMBDAS)
    problem = make_block_problem(design, y, family=family, **given)
    assert BlockNewton(problem).layout.direct is direct
    found = solve_path(problem, LAMBDAS)
    assert found.coef == pytest.approx(expected.coef, rel=1e-8, abs=1e-9)
    assert found.intercept == pytest.approx(expected.intercept, rel=1e-8, abs=1e-8)
    assert np.all(found.certificate.kkt_residual <= (1e-10 if family == "gaussian" else 1e-9))
    assert found.certificate.converged().all()
    assert np.all(found.certificate.duality_gap <= 1e-9)
    if given.get("l1_ratio"):  # zeros are exact zeros
        assert np.array_equal(found.u == 0.0, expected.u == 0.0)
    if found.effective_df_se is None:
        assert found.effective_df == pytest.approx(expected.effective_df, rel=1e-7)
    else:
        off = np.abs(found.effective_df - expected.effective_df)
        assert np.all(off <= 5.0 * found.effective_df_se + 0.02 * expected.effective_df)


def test_certificate_of_blocks_is_that_of_the_matrix():
    for family in FAMILIES:
        design, X, y = draw(family)
        dense, blocks = make_problem(X, y, family=family), make_block_problem(design, y, family=family)
        path = solve_path(dense, LAMBDAS)
        from l2cli.core.objective import certify, null_deviance, null_gradient

        u = path.u + np.random.default_rng(1).normal(size=path.u.shape) * 0.01  # not the optimum
        mine, theirs = (certify(p, u, path.intercept0, LAMBDAS) for p in (blocks, dense))
        for one, other in zip(mine[:4], theirs[:4], strict=True):
            assert one == pytest.approx(other, rel=1e-9)
        assert null_gradient(blocks) == pytest.approx(null_gradient(dense), rel=1e-12)
        assert null_deviance(blocks) == null_deviance(dense)


def test_products_of_blocks_are_those_of_the_matrix():
    design, X, y = draw()
    problem, dense = make_block_problem(design, y), make_problem(X, y)
    rng = np.random.default_rng(2)
    u, r = rng.normal(size=(X.shape[1], 2)), rng.normal(size=(len(y), 2))
    columns = problem.blocks
    assert columns is not None
    assert columns.times(u) == pytest.approx(dense.X @ u, abs=1e-12)
    assert columns.back(r) == pytest.approx(dense.X.T @ r, abs=1e-10)
    magnitude = columns.absolute()
    assert magnitude.times(u[:, 0]) == pytest.approx(np.abs(dense.X) @ u[:, 0], abs=1e-12)
    assert magnitude.back(r[:, 0]) == pytest.approx(np.abs(dense.X).T @ r[:, 0], abs=1e-10)
    assert problem.mean == pytest.approx(dense.mean, rel=1e-13)
    assert problem.scale == pytest.approx(dense.scale, rel=1e-12)


def test_a_level_of_no_row_and_one_of_all_rows_get_coefficient_0():
    rng = np.random.default_rng(3)
    code = rng.integers(0, 5, 80)
    design = Design(
        rng.normal(size=(80, 1)),
        np.array([6]),
        (Codes(code, 6, 0), Codes(np.zeros(80, dtype=np.int64), 1, 7)),
    )
    X = np.column_stack([np.eye(6)[code], design.dense, np.ones(80)])
    y = rng.normal(size=80) + code
    for intercept in (True, False):
        found = solve_path(make_block_problem(design, y, intercept=intercept), LAMBDAS)
        expected = solve_path(make_problem(X, y, intercept=intercept), LAMBDAS)
        assert found.coef == pytest.approx(expected.coef, abs=1e-10)
        assert not found.coef[[5, 7]].any()


def test_least_squares_with_one_category_is_unique_where_a_level_is_left_out():
    rng = np.random.default_rng(4)
    code, dense = rng.integers(0, 31, 300), rng.normal(size=(300, 2))
    design = Design(dense, np.array([30, 31]), (Codes(code, 30, 0),))
    y = rng.normal(size=300) + dense[:, 0]
    found = solve_path(make_block_problem(design, y), np.zeros(1))
    A = np.column_stack([np.eye(31)[code][:, :30], dense, np.ones(300)])
    expected = np.linalg.lstsq(A, y, rcond=None)[0]
    assert np.append(found.coef[:, 0], found.intercept) == pytest.approx(expected, abs=1e-10)
    assert found.effective_df == pytest.approx([32.0])


@pytest.mark.parametrize(
    ("sizes", "said"), [((31,), "do not tell the columns"), ((31, 20), "several categories of many levels")]
)
def test_what_the_data_do_not_settle_is_refused(sizes, said, monkeypatch):
    monkeypatch.setattr(block_layout, "DIRECT_FLOPS", 0.0)
    rng = np.random.default_rng(5)
    starts = np.cumsum([0, *sizes])
    blocks = tuple(Codes(rng.integers(0, m, 300), m, int(a)) for a, m in zip(starts, sizes, strict=False))
    design = Design(np.zeros((300, 0)), np.zeros(0, dtype=np.int64), blocks)
    problem = make_block_problem(design, rng.normal(size=300))
    with pytest.raises(FitError, match=said):
        solve_path(problem, np.zeros(1))


@pytest.mark.parametrize("direct", [True, False], ids=["direct", "iterated"])
@pytest.mark.parametrize("family", ["gaussian", "poisson"])
def test_nested_categories_whose_columns_are_tied(family, direct, monkeypatch):
    if not direct:
        monkeypatch.setattr(block_layout, "DIRECT_FLOPS", 0.0)
    rng = np.random.default_rng(8)
    user = np.minimum(rng.zipf(1.4, 1500) - 1, 149)
    city, item = (user * 7) % 23, rng.integers(0, 40, 1500)
    codes = [np.unique(c, return_inverse=True)[1] for c in (user, city, item)]
    sizes = [int(c.max()) + 1 for c in codes]
    starts = np.cumsum([0, *sizes])
    blocks = tuple(Codes(c, m, int(a)) for c, m, a in zip(codes, sizes, starts, strict=False))
    design = Design(np.zeros((1500, 0)), np.zeros(0, dtype=np.int64), blocks)
    X = np.hstack([np.eye(m)[c] for c, m in zip(codes, sizes, strict=True)])
    eta = rng.normal(size=sizes[0])[codes[0]] * 0.5 + rng.normal(size=sizes[2])[codes[2]] * 0.5
    y = eta + rng.normal(size=1500) if family == "gaussian" else 1.0 * rng.poisson(np.exp(eta))
    y = np.asarray(y, dtype=np.float64)
    for ratio, lambdas in ((0.0, [1.0, 1e-2]), (1.0, [30.0, 3.0, 0.3])):
        given = {"family": family, "l1_ratio": ratio}
        found = solve_path(make_block_problem(design, y, **given), np.array(lambdas))
        assert found.certificate.kkt_residual.max() <= 1e-9
        assert found.certificate.duality_gap.max() <= 1e-8
        if ratio == 0.0:  # with L1 tied columns share a coefficient as they like
            expected = solve_path(make_problem(X, y, **given), np.array(lambdas))
            assert found.coef == pytest.approx(expected.coef, abs=1e-7)


def test_the_largest_useful_lambda_with_l1():
    for family in FAMILIES:
        design, X, y = draw(family)
        given = given_in("raw net", X.shape, family) | {"l1_ratio": 0.7}
        problem = make_block_problem(design, y, family=family, **given)
        high = lambda_max(problem)
        assert high == pytest.approx(lambda_max(make_problem(X, y, family=family, **given)), rel=1e-9)
        path = solve_path(problem, np.array([high, 0.99 * high]))
        counts = np.count_nonzero(path.u.reshape(-1, 2), axis=0) // max(1, problem.n_classes)
        assert counts[0] == 1
        assert np.count_nonzero(path.u[..., 1]) > np.count_nonzero(path.u[..., 0])


@pytest.mark.parametrize("family", ["gaussian", "binomial", "multinomial"])
def test_the_automatic_grid_spans_the_degrees_of_freedom(family):
    design, X, y = draw(family)
    mine, automatic = lambda_grid(GridSpec(count=9), make_block_problem(design, y, family=family))
    theirs, _ = lambda_grid(GridSpec(count=9), make_problem(X, y, family=family))
    assert automatic
    assert len(mine) == 9
    # an estimate of the spectrum places it: as much lower or higher as makes no difference
    assert np.abs(np.log(mine[[0, -1]] / theirs[[0, -1]])).max() < np.log(3.0)


def test_estimated_degrees_of_freedom_are_unbiased(monkeypatch):
    monkeypatch.setattr(block_layout, "DIRECT_FLOPS", 0.0)
    for family in ("gaussian", "poisson", "multinomial"):
        design, X, y = draw(family, missing=0.0)
        factors = np.ones(X.shape[1])
        factors[41] = 0.0
        solver = BlockNewton(make_block_problem(design, y, family=family, penalty_factor=factors))
        freedom = DegreesOfFreedom(solver, 1)
        freedom.sizes = 150, 50
        df, se = freedom.at(solver.evaluate(solver.solve(3.0).theta, 3.0), 3.0)
        exact = solve_path(make_problem(X, y, family=family, penalty_factor=factors), np.array([3.0]))
        assert abs(df - exact.effective_df[0]) < 4.0 * se
        assert se < 0.015 * df


def test_lanczos_quadrature_of_a_small_matrix_is_exact():
    rng = np.random.default_rng(6)
    A = rng.normal(size=(12, 30))
    B = A @ A.T
    found = spectrum(lambda v: B @ v, 12, probes=300, steps=12)
    at = np.array([0.1, 10.0])
    df, se = found.df(at)
    e = np.linalg.eigvalsh(B)[:, None]
    exact = (e / (e + at)).sum(axis=0)
    assert np.all(np.abs(df - exact) <= 4.0 * se + 1e-9)
    assert found.weights.sum(axis=1) == pytest.approx(np.full(300, 12.0))
