"""Every row of the table of conventions, by the optimality conditions of J at the other tool's own solution.

The formulas under test only supply lambda. What is checked is that the gradient of J is zero where the other
tool says the minimum is, and that it is not for half and for twice that lambda.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from l2cli.core.conventions import CONVENTIONS, equivalents, from_convention
from l2cli.core.path import solve_path
from l2cli.core.problem import make_problem
from l2cli.errors import UsageError

# R stackloss (Brownlee 1965): air flow, water temperature, acid concentration, loss
STACK = """
80 27 89 42  80 27 88 37  75 25 90 37  62 24 87 28  62 22 87 18  62 23 87 18  62 24 93 19
62 24 93 20  58 23 87 15  58 18 80 14  58 18 89 14  58 17 88 13  58 18 82 11  58 19 93 12
50 18 89 8  50 18 86 7  50 19 72 8  50 19 79 8  50 20 80 9  56 20 82 15  70 20 91 15
"""
# R mtcars (Motor Trend 1974): weight, horsepower / 100, quarter mile, manual gearbox
CARS = """
2.62 1.1 16.46 1  2.875 1.1 17.02 1  2.32 .93 18.61 1  3.215 1.1 19.44 0  3.44 1.75 17.02 0
3.46 1.05 20.22 0  3.57 2.45 15.84 0  3.19 .62 20 0  3.15 .95 22.9 0  3.44 1.23 18.3 0
3.44 1.23 18.9 0  4.07 1.8 17.4 0  3.73 1.8 17.6 0  3.78 1.8 18 0  5.25 2.05 17.98 0
5.424 2.15 17.82 0  5.345 2.3 17.42 0  2.2 .66 19.47 1  1.615 .52 18.52 1  1.835 .65 19.9 1
2.465 .97 20.01 0  3.52 1.5 16.87 0  3.435 1.5 17.3 0  3.84 2.45 15.41 0  3.845 1.75 17.05 0
1.935 .66 18.9 1  2.14 .91 16.7 1  1.513 1.13 16.9 1  3.17 2.64 14.5 1  2.77 1.75 15.5 1
3.57 3.35 14.6 1  2.78 1.09 18.6 1
"""


def numbers(text):
    """The columns of one of the tables above."""
    return np.array(text.split(), dtype=float).reshape(-1, 4)


X_LOSS, LOSS = numbers(STACK)[:, :3], numbers(STACK)[:, 3]
X_CARS, MANUAL = numbers(CARS)[:, :3], numbers(CARS)[:, 3]
S_LOSS, S_CARS = np.tile([1.0, 2.0, 3.0], 7), np.tile([1.0, 2.0], 16)
O_LOSS = np.linspace(-2, 2, 21)


def spread(X, s):
    """Weighted mean and population standard deviation of columns."""
    mean = s @ X / s.sum()
    return mean, np.sqrt(s @ (X - mean) ** 2 / s.sum())


def standardized(X):
    """Columns with mean 0 and population standard deviation 1."""
    mean, sd = spread(X, np.ones(len(X)))
    return (X - mean) / sd


POWER_OF = {"poisson": 1.0, "gamma": 2.0, "tweedie": 1.5}
"""Variance powers of the families with a log link."""


def residuals(family, y, eta):
    """Minus half the derivative of the deviance in eta."""
    if family in POWER_OF:
        return (y - np.exp(eta)) * np.exp((1 - POWER_OF[family]) * eta)
    return y - (eta if family == "gaussian" else 1 / (1 + np.exp(-eta)))


def null_intercept(family, y, s, o):
    """Intercept without features, by bisection."""
    low, high = -50.0, 50.0
    for _ in range(200):
        b = 0.5 * (low + high)
        low, high = (b, high) if s @ residuals(family, y, o + b) > 0 else (low, b)
    return low


def violation(
    family, X, y, solution, lam, r=0.0, *, s=None, o=None, f=None, intercept=True, standardize=True
):
    """Largest violation of the optimality conditions of J at (intercept, coefficients).

    In units of the largest gradient at the null model, like the KKT residual of SPEC section 4.
    """
    b0, b = solution[0], np.asarray(solution[1:])
    s = np.ones(len(y)) if s is None else s
    o = np.zeros(len(y)) if o is None else o
    f = np.ones(len(b)) if f is None else f
    sd = spread(X, s)[1]
    scale = sd if standardize else np.ones(len(b))
    w = b * scale

    def gradient(eta):
        e = s * residuals(family, y, eta)
        return (X / scale).T @ e, float(e.sum())

    g, g0 = gradient(o + b0 + X @ b)
    kink = lam * f * r
    away = np.abs(g - lam * f * (1 - r) * w - kink * np.sign(w))
    at_zero = np.maximum(np.abs(g) - kink, 0.0)
    worst = np.where((w == 0) & (r > 0), at_zero, away) * scale / sd
    null = gradient(o + (null_intercept(family, y, s, o) if intercept else 0.0))[0] * scale / sd
    return max(worst.max(), abs(g0) if intercept else 0.0) / np.abs(null).max()


def check(family, X, y, solution, lam, r=0.0, tol=1e-9, **more):
    """J is least at the solution for this lambda, and for neither half nor twice of it."""
    assert violation(family, X, y, solution, lam, r, **more) < tol
    for wrong in (lam / 2, 2 * lam):
        assert violation(family, X, y, solution, wrong, r, **more) > max(1e-4, 50 * tol)


def back(key, lam, **known):
    """The value that ``equivalents`` gives back for a lambda, under the same key."""
    known.setdefault("weight_sum", None)
    known.setdefault("n_rows", None)
    return equivalents(lam, **known)[key]


# ---------------------------------------------------------------- scikit-learn


@pytest.mark.parametrize("weights", [None, S_LOSS])
def test_ridge(weights):
    from sklearn.linear_model import Ridge

    Z = standardized(X_LOSS)
    tool = Ridge(alpha=7.0, solver="cholesky").fit(Z, LOSS, sample_weight=weights)
    lam, r = from_convention("sklearn_ridge_alpha", 7.0, family="gaussian")
    check("gaussian", Z, LOSS, [tool.intercept_, *tool.coef_], lam, r, s=weights, standardize=False)
    assert back("sklearn_ridge_alpha", lam, family="gaussian") == 7.0


@pytest.mark.parametrize("weights", [None, S_LOSS])
@pytest.mark.parametrize("mix", [0.0, 0.3, 1.0])
def test_elastic_net(mix, weights):
    from sklearn.linear_model import ElasticNet

    Z = standardized(X_LOSS)
    W = 21.0 if weights is None else float(weights.sum())
    tool = ElasticNet(alpha=0.8, l1_ratio=mix, tol=1e-14, max_iter=10_000).fit(Z, LOSS, sample_weight=weights)
    lam, r = from_convention("sklearn_elasticnet_alpha", 0.8, mix=mix, family="gaussian", weight_sum=W)
    check("gaussian", Z, LOSS, [tool.intercept_, *tool.coef_], lam, r, s=weights, standardize=False, tol=1e-8)
    known: dict[str, Any] = {"family": "gaussian", "weight_sum": W, "l1_ratio": r}
    assert back("sklearn_elasticnet_alpha", lam, **known) == pytest.approx(0.8)


@pytest.mark.parametrize("weights", [None, S_CARS])
def test_logistic_regression(weights):
    from sklearn.linear_model import LogisticRegression

    Z = standardized(X_CARS)
    tool = LogisticRegression(C=0.4, solver="newton-cholesky", tol=1e-12).fit(
        Z, MANUAL, sample_weight=weights
    )
    lam, r = from_convention("sklearn_C", 0.4, family="binomial")
    check("binomial", Z, MANUAL, [*tool.intercept_, *tool.coef_[0]], lam, r, s=weights, standardize=False)
    assert back("sklearn_C", lam, family="binomial") == pytest.approx(0.4)


@pytest.mark.parametrize("weights", [None, S_LOSS])
@pytest.mark.parametrize("family", ["poisson", "gamma", "tweedie"])
def test_regressors_with_a_log_link(family, weights):
    from sklearn import linear_model as sk

    power = {"poisson": 1, "gamma": 2, "tweedie": 1.5}[
        family
    ]  # PoissonRegressor and GammaRegressor are these
    tool = sk.TweedieRegressor(power=power, alpha=0.3, solver="newton-cholesky", tol=1e-12)
    Z, W = standardized(X_LOSS), 21.0 if weights is None else float(weights.sum())
    tool.fit(Z, LOSS, sample_weight=weights)
    lam, r = from_convention("sklearn_glm_alpha", 0.3, family=family, weight_sum=W)
    check(family, Z, LOSS, [tool.intercept_, *tool.coef_], lam, r, s=weights, standardize=False)
    assert back("sklearn_glm_alpha", lam, family=family, weight_sum=W) == pytest.approx(0.3)


PATIENT = {
    "eta0": 0.01,
    "learning_rate": "adaptive",
    "max_iter": 50_000,
    "tol": 1e-9,
    "n_iter_no_change": 100,
}


def test_sgd_regressor():
    from sklearn.linear_model import SGDRegressor

    Z = standardized(X_LOSS)
    tool = SGDRegressor(alpha=0.5, random_state=0, **PATIENT).fit(Z, LOSS)
    lam, r = from_convention("sklearn_sgd_alpha", 0.5, family="gaussian", n_rows=21, weight_sum=42.0)
    check("gaussian", Z, LOSS, [*tool.intercept_, *tool.coef_], lam, r, standardize=False, tol=1e-3)


def test_sgd_classifier():
    from sklearn.linear_model import SGDClassifier

    Z = standardized(X_CARS)
    tool = SGDClassifier("log_loss", alpha=0.1, random_state=0, **PATIENT).fit(Z, MANUAL)
    lam, r = from_convention("sklearn_sgd_alpha", 0.1, family="binomial", n_rows=32)
    check("binomial", Z, MANUAL, [*tool.intercept_, *tool.coef_[0]], lam, r, standardize=False, tol=1e-3)


def test_mlp_full_batch():
    """A net with one linear hidden unit: half of J, with the squares of both layers, is least there."""
    from sklearn.neural_network import MLPRegressor

    Z, t = standardized(X_LOSS), (LOSS - LOSS.mean()) / LOSS.std()
    tool = MLPRegressor(
        hidden_layer_sizes=(1,), activation="identity", solver="lbfgs", alpha=3.0, tol=1e-14, max_iter=5000,
        random_state=1,
    )  # fmt: skip
    tool.fit(Z, t)
    lam, r = from_convention("sklearn_mlp_alpha", 3.0, family="gaussian")
    assert r == 0.0
    (u, v), (c0, c1) = tool.coefs_, tool.intercepts_
    hidden = Z @ u + c0
    rest = (t[:, None] - hidden @ v - c1)[:, 0]
    layer_1 = Z.T @ rest * v[0, 0] - lam * u[:, 0]
    layer_2 = hidden[:, 0] @ rest - lam * v[0, 0]
    null = np.abs(Z.T @ t).max()
    assert np.abs(u).max() > 0.1
    assert max(np.abs(layer_1).max(), abs(layer_2)) / null < 2e-4
    assert np.abs(Z.T @ rest * v[0, 0] - 2 * lam * u[:, 0]).max() / null > 2e-2


# ---------------------------------------------------------------- statsmodels


@pytest.mark.parametrize("weights", [None, S_LOSS])
def test_statsmodels_least_squares(weights):
    import statsmodels.api as sm

    Z = np.column_stack([np.ones(21), standardized(X_LOSS)])
    model = sm.OLS(LOSS, Z) if weights is None else sm.WLS(LOSS, Z, weights=weights)
    tool = model.fit_regularized(
        alpha=np.array([0, 0.4, 0.4, 0.4]), L1_wt=0
    )  # the intercept is penalized unless told
    W = 21.0 if weights is None else float(weights.sum())
    lam, r = from_convention("statsmodels_alpha", 0.4, family="gaussian", weight_sum=W)
    check("gaussian", Z[:, 1:], LOSS, tool.params, lam, r, s=weights, standardize=False)


def test_statsmodels_glm_elastic_net():
    import statsmodels.api as sm

    Z = np.column_stack([np.ones(21), standardized(X_LOSS)])
    tool = sm.GLM(LOSS, Z, family=sm.families.Poisson(), freq_weights=S_LOSS).fit_regularized(
        alpha=np.array([0, 0.4, 0.4, 0.4]), L1_wt=0.5, cnvrg_tol=1e-14, maxiter=5000, zero_tol=0
    )
    lam, r = from_convention("statsmodels_glm_alpha", 0.4, mix=0.5, family="poisson", n_rows=21)
    check("poisson", Z[:, 1:], LOSS, tool.params, lam, r, s=S_LOSS, standardize=False, tol=1e-6)


@pytest.mark.parametrize("family", ["binomial", "poisson"])
def test_statsmodels_l1(family):
    import statsmodels.api as sm

    X, y = (X_CARS, MANUAL) if family == "binomial" else (X_LOSS, LOSS)
    Z = np.column_stack([np.ones(len(y)), standardized(X)])
    model = (sm.Logit if family == "binomial" else sm.Poisson)(y, Z)
    tool = model.fit_regularized(
        alpha=np.array([0.0, 2.0, 2.0, 2.0]),
        acc=1e-14,
        maxiter=5000,
        disp=0,
        trim_mode="off",
        qc_verbose=False,
    )
    lam, r = from_convention("statsmodels_alpha", 2.0, mix=1.0, family=family)
    solution = np.where(np.abs(tool.params) < 1e-7, 0.0, tool.params)
    check(family, Z[:, 1:], y, solution, lam, r, standardize=False, tol=1e-6)


# ---------------------------------------------------------------- glmnet 4.1-6, thresh 1e-22, solutions

GLMNET_GAUSSIAN: dict[str, tuple[list[float], dict[str, Any]]] = {
    "plain": ([-42.2518180095762, 0.564129193931819, 1.28989195790163, -0.017667718680353], {}),
    "weights": ([-42.5170869159231, 0.536597650091765, 1.25820789537177, 0.00892898786907429], {"s": S_LOSS}),
    "weights and offset": (
        [-50.5792962537315, 0.564982433191752, 1.47317097542408, 0.0292944693767016],
        {"s": S_LOSS, "o": O_LOSS},
    ),
    "no intercept": ([0, 0.674824603167857, 1.17224575010536, -0.554190777190899], {"intercept": False}),
    "penalty factors": (
        [-44.9758634804841, 0.522785186794487, 1.66405808028861, -0.0486197563575563],
        {"f": np.array([1.0, 0.0, 4.0])},
    ),
}


def target_scale(y, s, intercept):
    """What glmnet divides a gaussian target by."""
    center = np.average(y, weights=s) if intercept else 0.0
    return float(np.sqrt(np.average((y - center) ** 2, weights=s)))


@pytest.mark.parametrize("case", GLMNET_GAUSSIAN)
def test_glmnet_gaussian(case):
    solution, more = GLMNET_GAUSSIAN[case]
    s, o, f = more.get("s", np.ones(21)), more.get("o", np.zeros(21)), more.get("f", np.ones(3))
    known: dict[str, Any] = {
        "family": "gaussian",
        "weight_sum": float(s.sum()),
        "n_rows": 21,
        "target_sd": target_scale(LOSS - o, s, more.get("intercept", True)),
        "factor_mean": float(f.mean()),
    }
    lam, r = from_convention("glmnet_lambda", 2.0, **known)
    check("gaussian", X_LOSS, LOSS, solution, lam, r, tol=1e-7, **more)
    assert back("glmnet_lambda", lam, **known) == pytest.approx(2.0)
    assert back("glmnet_alpha", lam, **known) == 0.0


@pytest.mark.parametrize(
    ("mix", "solution"),
    [
        (0.0, [-1.803450420648369, 0.028258572245727757, 0.10483215862026078, 0.007069945381376849]),
        (0.4, [-1.532953350281111, 0.028449105697555151, 0.10328143101850763, 0.004239392144632976]),
    ],
)
def test_glmnet_poisson_with_weights_and_offset(mix, solution):
    o = np.linspace(-0.2, 0.2, 21)
    known: dict[str, Any] = {"family": "poisson", "weight_sum": float(S_LOSS.sum()), "n_rows": 21}
    lam, r = from_convention("glmnet_lambda", 0.5, mix=mix, **known)
    check("poisson", X_LOSS, LOSS, solution, lam, r, s=S_LOSS, o=o, tol=1e-7)
    same = equivalents(lam, l1_ratio=r, **known)
    assert (same["glmnet_lambda"], same["glmnet_alpha"]) == pytest.approx((0.5, mix))


def test_glmnet_gaussian_elastic_net():
    solution = [-42.7375152802055, 0.575314240089246, 1.2086095941559, 0]
    known: dict[str, Any] = {
        "family": "gaussian",
        "weight_sum": 21.0,
        "n_rows": 21,
        "target_sd": float(LOSS.std()),
    }
    lam, r = from_convention("glmnet_lambda", 1.5, mix=0.4, **known)
    check("gaussian", X_LOSS, LOSS, solution, lam, r, tol=1e-7)
    same = equivalents(lam, l1_ratio=r, **known)
    assert same["glmnet_lambda"] == pytest.approx(1.5)
    assert same["glmnet_alpha"] == pytest.approx(0.4)
    assert "sklearn_ridge_alpha" not in same


def test_glmnet_gaussian_raw_columns():
    solution = [-39.2322172590177, 0.788704799075671, 0.913477231658135, -0.117914040404089]
    known: dict[str, Any] = {"family": "gaussian", "weight_sum": 21.0, "target_sd": float(LOSS.std())}
    lam, r = from_convention("glmnet_lambda", 20.0, **known)
    check("gaussian", X_LOSS, LOSS, solution, lam, r, tol=1e-7, standardize=False)


@pytest.mark.parametrize(
    ("solution", "mix", "more"),
    [
        ([14.4628888408873, -1.84185161969457, -0.289703200418827, -0.491835627819722], 0.0, {}),
        ([14.6438861499684, -1.88315149701984, -0.452431484687939, -0.479346172047066], 0.0, {"s": S_CARS}),
        ([14.1022817323194, -2.16868567863729, 0, -0.439230037781192], 0.5, {}),
        (
            [16.8424703858553, -1.35204718351036, -0.830368771824374, -0.666261408339316],
            0.0,
            {"f": np.array([2.0, 1.0, 0.5])},
        ),
    ],
    ids=["plain", "weights", "elastic net", "penalty factors"],
)
def test_glmnet_binomial(solution, mix, more):
    W = float(more.get("s", np.ones(32)).sum())
    known: dict[str, Any] = {
        "family": "binomial",
        "weight_sum": W,
        "factor_mean": float(more.get("f", np.ones(3)).mean()),
    }
    lam, r = from_convention("glmnet_lambda", 0.05, mix=mix, **known)
    assert r == mix
    check("binomial", X_CARS, MANUAL, solution, lam, r, tol=1e-7, **more)
    assert back("glmnet_lambda", lam, l1_ratio=r, **known) == pytest.approx(0.05)


# ---------------------------------------------------------------- PyTorch: coupled decay, as in its SGD


def descend(gradient, p, decay, rate, steps=20_000):
    """Full-batch gradient descent with weight decay on the weights and none on the bias (its own group)."""
    w, b = np.zeros(p), 0.0
    for _ in range(steps):
        g, g0 = gradient(w, b)
        w, b = w - rate * (g + decay * w), b - rate * g0
    return [b, *w]


@pytest.mark.parametrize("outputs", [1, 3])
def test_torch_mean_squared_error(outputs):
    """MSELoss means over rows and outputs; the outputs of a linear layer part, so one is looked at."""
    Z, n = standardized(X_LOSS), 21

    def gradient(w, b):
        u = LOSS - Z @ w - b
        return -2 / (n * outputs) * (Z.T @ u), -2 / (n * outputs) * u.sum()

    solution = descend(gradient, 3, decay=0.3, rate=0.1)
    lam, r = from_convention("torch_weight_decay", 0.3, family="gaussian", n_rows=n, outputs=outputs)
    check("gaussian", Z, LOSS, solution, lam, r, standardize=False)
    if outputs == 1:
        assert back("torch_weight_decay", lam, family="gaussian", n_rows=n) == pytest.approx(0.3)


def test_torch_binary_cross_entropy():
    Z, n = standardized(X_CARS), 32

    def gradient(w, b):
        u = MANUAL - 1 / (1 + np.exp(-(Z @ w + b)))
        return -(Z.T @ u) / n, -u.sum() / n

    solution = descend(gradient, 3, decay=0.05, rate=1.0)
    lam, r = from_convention("torch_weight_decay", 0.05, family="binomial", n_rows=n)
    check("binomial", Z, MANUAL, solution, lam, r, standardize=False)
    assert back("torch_weight_decay", lam, family="binomial", n_rows=n) == pytest.approx(0.05)


# ---------------------------------------------------------------- formulas on paper


@pytest.mark.parametrize("mix", [0.0, 0.4])
def test_textbook_penalty(mix):
    """Deviance + t [q |w| + (1 - q) w^2] in one column: the least point in closed form, by the sign of w."""
    x, y = standardized(X_LOSS)[:, :1], LOSS - LOSS.mean()
    t = 20.0
    w = (2 * float(x[:, 0] @ y) - t * mix) / (2 * (float(x[:, 0] @ x[:, 0]) + t * (1 - mix)))
    lam, r = from_convention("textbook", t, mix=mix, family="gaussian")
    check("gaussian", x, y, [0.0, w], lam, r, standardize=False)


def test_mean_scale_is_lambda_over_w():
    assert from_convention("lambda_mean", 0.5, family="binomial", weight_sum=40.0) == (20.0, 0.0)
    assert back("lambda_mean", 20.0, family="binomial", weight_sum=40.0) == 0.5
    assert from_convention("lambda", 3.0, family="gaussian") == (3.0, 0.0)


def test_results_hold_what_applies_and_is_known():
    keys = set(equivalents(2.0, family="gaussian", weight_sum=10, n_rows=10, target_sd=3.0))
    assert keys == {
        "sklearn_ridge_alpha", "sklearn_elasticnet_alpha", "glmnet_lambda", "glmnet_alpha", "lambda_mean",
        "torch_weight_decay",
    }  # fmt: skip
    keys = set(equivalents(2.0, family="binomial", weight_sum=10, n_rows=10))
    assert keys == {"sklearn_C", "glmnet_lambda", "glmnet_alpha", "lambda_mean", "torch_weight_decay"}
    assert set(equivalents(2.0, family="gaussian", weight_sum=None, n_rows=None)) == {"sklearn_ridge_alpha"}
    assert "glmnet_lambda" not in equivalents(2.0, family="gaussian", weight_sum=10, n_rows=10)
    at_zero = equivalents(0.0, family="binomial", weight_sum=10, n_rows=10)
    assert "sklearn_C" not in at_zero
    assert at_zero["glmnet_lambda"] == 0.0


def test_two_classes_of_a_multinomial_are_a_binomial_at_half_the_lambda():
    rng = np.random.default_rng(8)
    X = rng.standard_normal((60, 3))
    y = (X[:, 0] + rng.logistic(size=60) > 0).astype(float)
    both = solve_path(make_problem(X.copy(), y, family="multinomial"), np.array([3.0]))
    one = solve_path(make_problem(X.copy(), y, family="binomial"), np.array([1.5]))
    assert both.coef[:, 1, 0] - both.coef[:, 0, 0] == pytest.approx(one.coef[:, 0], rel=1e-9)
    assert both.intercept[1, 0] - both.intercept[0, 0] == pytest.approx(one.intercept[0], rel=1e-9)
    same = equivalents(3.0, family="multinomial", weight_sum=60.0, n_rows=60)
    assert same == pytest.approx(
        {
            "sklearn_C": 1 / 3,
            "glmnet_lambda": 0.05,
            "glmnet_alpha": 0.0,
            "lambda_mean": 0.05,
            "torch_weight_decay": 0.05,
        }
    )


@pytest.mark.parametrize("name", CONVENTIONS)
@pytest.mark.parametrize("family", ["gaussian", "binomial", "gamma"])
def test_there_and_back(name, family):
    if family not in CONVENTIONS[name].families:
        return
    known: dict[str, Any] = {"family": family, "weight_sum": 40.0, "n_rows": 30, "target_sd": 2.5}
    pure = name == "statsmodels_alpha" and family == "binomial"
    lam, r = from_convention(name, 0.7, mix=1.0 if pure else 0.0, **known)
    assert r == float(pure)
    if pure:
        assert lam == 0.7
        return
    same = equivalents(lam, **known) | {"lambda": lam}
    if name in same:
        assert same[name] == pytest.approx(0.7)
    else:
        by_rows, by_weight = (
            {"sklearn_sgd_alpha", "statsmodels_glm_alpha"},
            {"statsmodels_alpha", "glum_alpha"},
        )
        assert name in {"sklearn_mlp_alpha", "textbook"} | by_rows | by_weight
        assert lam == pytest.approx(21.0 if name in by_rows else 28.0 if name in by_weight else 0.7)


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (
            ("ridge_alpha", 1.0, {}),
            "no convention 'ridge_alpha'; did you mean 'sklearn_ridge_alpha'? choose one of lambda",
        ),
        (("sklearn_C", 1.0, {}), "sklearn_C is for binomial and multinomial models, not gaussian"),
        (("sklearn_C", 0.0, {"family": "binomial"}), "sklearn_C must be larger than 0"),
        (("lambda", -1.0, {}), "lambda must be 0 or larger, not -1"),
        (("lambda", float("nan"), {}), "lambda must be 0 or larger, not nan"),
        (("lambda_mean", 1.0, {}), "needs the number of rows (or the sum of their weights)"),
        (("glmnet_lambda", 1.0, {"weight_sum": 9.0}), "needs the standard deviation of the target"),
        (("glmnet_lambda", 1.0, {"weight_sum": 9.0}), "give --target-sd, or DATA to take it from"),
        (("sklearn_c", 1.0, {}), "no convention 'sklearn_c'; did you mean 'sklearn_C'? choose one of"),
        (("statsmodels_alpha", 1.0, {"family": "poisson"}), "statsmodels_alpha of poisson models is pure L1"),
        (("sklearn_sgd_alpha", 1.0, {"weight_sum": 9.0}), "needs the number of rows"),
        (("sklearn_ridge_alpha", 1.0, {"mix": 0.5}), "sklearn_ridge_alpha has no l1_ratio"),
        (("lambda", 1.0, {"mix": 1.5}), "l1_ratio must be between 0 and 1, not 1.5"),
    ],
)
def test_what_cannot_be_converted(arguments, found):
    name, value, more = arguments
    with pytest.raises(UsageError) as caught:
        from_convention(name, value, **({"family": "gaussian"} | more))
    assert found in str(caught.value)


def test_a_gaussian_lasso_of_glmnet_needs_no_spread():
    known: dict[str, Any] = {"family": "gaussian", "weight_sum": 506.0}
    assert list(from_convention("glmnet_lambda", 0.1, mix=1.0, **known)) == pytest.approx([50.6, 1.0])
    assert back("glmnet_lambda", 50.6, l1_ratio=1.0, **known) == pytest.approx(0.1)
