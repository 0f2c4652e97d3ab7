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
COUNTS = np.maximum((I * 5) % 7 + (X[:, 0] > 0) * 2.0 - 1.0, 0.0)
SIZES = 0.5 + ((I * 13) % 17) / 4 + np.exp(0.1 * X[:, 0])

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
    "Poisson": (
        [1.1273436992903498, 0.012228025330494382, -0.01503239253216642, -0.03338961544318908],
        [0.18769978492636363, 0.038773578127392065, 0.01651161167405122, 0.1430832044478762],
    ),
    "Poisson with exposure": (
        [0.29419952780230385, 0.014596013865145259, -0.01819884388933776, -0.11218406004130257],
        [0.1870643332841399, 0.03773116683532483, 0.017222016041764834, 0.14299435071128702],
    ),
    "Gamma, log link": (
        [1.2940087406257272, 0.016833968577278535, 0.0029820678872619676, -0.02295589866298063],
        [0.11877870184982864, 0.024162407795341016, 0.010298076995852579, 0.08925800771732653],
    ),
    "Gamma with offset": (
        [1.363494053765844, 0.05745606730256547, -0.003991495713414776, -0.016223297998390056],
        [0.1788549499680544, 0.03638334288925958, 0.01550666926962245, 0.13440319060494663],
    ),
    "Tweedie 1.5": (
        [1.1342871486112802, 0.011093064093956398, -0.015220543433016763, -0.040212155135935346],
        [0.2376966055390455, 0.048796501800128726, 0.020775520832969276, 0.18018735340030673],
    ),
    "Tweedie 1.2": (
        [1.1299970707103542, 0.01182985114134548, -0.015098304474824626, -0.03600395477634502],
        [0.2369388795050145, 0.048837535915798154, 0.020792759698366324, 0.18027605522005927],
    ),
}
CASES = {
    "OLS": (Y, "gaussian", {}),
    "OLS without intercept": (Y, "gaussian", {"intercept": False}),
    "WLS": (Y, "gaussian", {"weights": S}),
    "Logit": (B, "binomial", {}),
    "Logit with offset": (B, "binomial", {"offset": O}),
    "Logit with weights": (B, "binomial", {"weights": S}),
    "Poisson": (COUNTS, "poisson", {}),
    "Poisson with exposure": (COUNTS, "poisson", {"offset": np.log(S)}),
    "Gamma, log link": (SIZES, "gamma", {}),
    "Gamma with offset": (SIZES, "gamma", {"offset": O}),
    "Tweedie 1.5": (COUNTS, "tweedie", {}),
    "Tweedie 1.2": (COUNTS, "tweedie", {"power": 1.2}),
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


@pytest.mark.parametrize(
    ("case", "deviance"),
    [
        ("Logit", 10.283832773719736),
        ("Poisson", 41.23170778978893),
        ("Gamma with offset", 6.623950672342426),
        ("Tweedie 1.2", 37.678176089249014),
    ],
)
def test_the_deviance_is_that_of_the_glm(case, deviance):
    path, _ = fitted(*CASES[case])
    assert path.certificate.train_deviance[0] == pytest.approx(deviance, rel=1e-10)


def test_the_l2_penalty_of_wls_fit_regularized_counts_w_times():
    """It minimises RSS / (2 W) + alpha/2 |b|^2, the intercept a column like any: lambda = W alpha."""
    stored = [1.2161999971553492, 0.7531852271062949, -0.28140040472546035, 1.311138808445614]
    almost_ones = 1.0 + 1e-9 * (I - 12.5)  # a column of ones is constant to l2cli
    problem = make_problem(
        np.column_stack([almost_ones, X]), Y, weights=S, intercept=False, standardize=False
    )
    path = solve_path(problem, np.array([S.sum() * 0.3]))
    assert path.coef[:, 0] == pytest.approx(stored, rel=1e-6)
