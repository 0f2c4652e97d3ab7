"""Unpenalized fits against values that statsmodels 0.15.0 gave (stored: the tests need no statsmodels)."""

from __future__ import annotations

import numpy as np
import pytest

from l2cli.core.covariance import quantile, standard_errors
from l2cli.core.path import solve_path
from l2cli.core.problem import make_problem

I = np.arange(1, 25)  # noqa: E741 (the index of the rows)
X = np.column_stack([(I * 7) % 11 - 5.0, np.round(10 * np.sin(I), 1), ((I * I) % 5) * 0.5])
Y = np.round(2 + 0.8 * X[:, 0] - 0.3 * X[:, 1] + X[:, 2] + ((I * 37) % 23 - 11) / 4, 2)
B = (0.3 * X[:, 0] + 0.05 * X[:, 1] + ((I * 29) % 19 - 9) / 6 > 0).astype(float)
S, O = (1 + I % 4).astype(np.float64), (I % 3 - 1) / 2  # noqa: E741

STORED = {  # intercept first, where there is one
    "OLS": (
        [1.6200225484126989, 0.7203806197106428, -0.2670761665753282, 1.3939881815216304],
        [0.5623591448736899, 0.11439720062824522, 0.048756365266164316, 0.4225930752847115],
    ),
    "OLS without intercept": (
        [0.720188283415365, -0.2664056363716084, 2.346940255187194],
        [0.13279740317478872, 0.056597941036456635, 0.30527608467840095],
    ),
    "WLS": (
        [1.597084653117616, 0.775644361735901, -0.28566841905599605, 1.296125825227079],
        [0.610091146762305, 0.11713610782607381, 0.05379567300585879, 0.4438442197813241],
    ),
    "Logit": (
        [-3.0783628830832086, 1.561237318409104, 0.43293878042765865, 1.0784757445985607],
        [2.871320045681972, 0.8312456454522966, 0.2665450228164365, 1.4276467464109206],
    ),
    "Logit with offset": (
        [-2.4832664740532335, 1.5757634764181359, 0.42974399364581894, 0.6896011481257244],
        [2.7436543116498107, 0.8144505846281337, 0.25440122623615835, 1.3767393472223297],
    ),
    "Logit with weights": (
        [-3.1206305098533833, 1.8172883645582207, 0.48810518466790137, 1.014147414705298],
        # statsmodels' errors (freq_weights or var_weights: the same) count the weights, 60, and not 24 rows
        np.sqrt(60 / 24)
        * np.array([1.9603628847965233, 0.6383959946849396, 0.18272258821309725, 0.9349807787396535]),
    ),
}
CASES = {
    "OLS": (Y, "gaussian", {}),
    "OLS without intercept": (Y, "gaussian", {"intercept": False}),
    "WLS": (Y, "gaussian", {"weights": S}),
    "Logit": (B, "binomial", {}),
    "Logit with offset": (B, "binomial", {"offset": O}),
    "Logit with weights": (B, "binomial", {"weights": S}),
}


def fitted(y, family, settings):
    problem = make_problem(X, y, family=family, **settings)
    path = solve_path(problem, np.zeros(1))
    return path, standard_errors(problem, path.u[:, 0], path.intercept0[0])


@pytest.mark.parametrize("case", CASES)
def test_coefficients_and_standard_errors(case):
    path, errors = fitted(*CASES[case])
    coef, se = (np.array(v) for v in STORED[case])
    rows = slice(0, 3) if len(coef) == 3 else slice(1, 4)
    assert path.coef[:, 0] == pytest.approx(coef[rows], rel=1e-9)
    assert errors.coef == pytest.approx(se[rows], rel=1e-6)
    if len(coef) == 4:
        assert path.intercept[0] == pytest.approx(coef[0], rel=1e-9)
        assert errors.intercept == pytest.approx(se[0], rel=1e-6)


def test_confidence_intervals_use_t_and_the_normal():
    """OLS.conf_int and GLM.conf_int of the second column."""
    for case, expected in (
        ("OLS", (-0.36878016234208993, -0.16537217080856642)),
        ("Logit", (-0.0894798645509638, 0.9553574254062811)),
    ):
        path, errors = fitted(*CASES[case])
        width = quantile(0.95, errors.df) * errors.coef[1]
        assert (path.coef[1, 0] - width, path.coef[1, 0] + width) == pytest.approx(expected, rel=1e-6)


def test_the_deviance_is_that_of_the_glm():
    path, _ = fitted(B, "binomial", {})
    assert path.certificate.train_deviance[0] == pytest.approx(10.283832773719736, rel=1e-10)


def test_the_l2_penalty_of_wls_fit_regularized_counts_w_times():
    """It minimises RSS / (2 W) + alpha/2 |b|^2, the intercept a column like any: lambda = W alpha."""
    stored = [1.2161999971553492, 0.7531852271062949, -0.28140040472546035, 1.311138808445614]
    almost_ones = 1.0 + 1e-9 * (I - 12.5)  # a column of ones is constant to l2cli
    problem = make_problem(
        np.column_stack([almost_ones, X]), Y, weights=S, intercept=False, standardize=False
    )
    path = solve_path(problem, np.array([S.sum() * 0.3]))
    assert path.coef[:, 0] == pytest.approx(stored, rel=1e-6)
