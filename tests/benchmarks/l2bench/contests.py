"""What is raced against what, on which data, and the ratios that were promised."""

from __future__ import annotations

from dataclasses import dataclass

from l2bench.contenders import Contender, L2cli, PythonCode, PythonScript, RScript
from l2bench.problems import Recipe


@dataclass(frozen=True)
class Target:
    """Contender ``ours`` must take at most ``time`` of ``rival``'s wall time (and ``memory`` of its peak)."""

    ours: str
    rival: str
    time: float
    memory: float | None = None


@dataclass(frozen=True)
class Contest:
    """Contenders that run in turn on the same freshly drawn data.

    ``once`` : slower rivals, which run in the first round alone. ``pairs`` : how many rounds there are unless
    the caller says otherwise.
    """

    name: str
    recipe: Recipe
    contenders: tuple[Contender, ...]
    targets: tuple[Target, ...]
    once: tuple[Contender, ...] = ()
    pairs: int = 5


GLMNET = "R fread + cv.glmnet"
CSV = "l2cli cv, CSV"


def reading(name: str, recipe: Recipe, limit: float, *rivals: str) -> Contest:
    """Return a contest of l2cli's reader, which must take at most ``limit`` of every rival's time."""
    others = [PythonScript(rival, f"read_{rival}.py", rival, answers=False) for rival in rivals]
    ours = PythonScript("l2cli reader", "read_l2cli.py", "l2cli", answers=False)
    return Contest(
        name, recipe, (ours, *others), tuple(Target(ours.name, rival.name, limit) for rival in others)
    )


def cross_validation(
    name: str,
    recipe: Recipe,
    limit: float | None,
    *once: Contender,
    options: tuple[str, ...] = (),
    against_once: float = 1.0,
) -> Contest:
    """Return a contest of ``l2cli cv`` against cv.glmnet in every round and slower rivals in the first.

    ``limit`` : promised share of glmnet's time; None where glmnet has no such model. ``against_once`` : that
    of the slower rivals' times.
    """
    ours = L2cli(CSV, "cv", "{csv}", "--seed", "{seed}", *options, as_json=True)
    glmnet = RScript(GLMNET, "cv_glmnet.R", "glmnet", "data.table")
    targets = [Target(CSV, rival.name, against_once) for rival in once]
    if limit is None:
        return Contest(name, recipe, (ours,), tuple(targets), once)
    return Contest(name, recipe, (ours, glmnet), (Target(CSV, GLMNET, limit), *targets), once)


def penalized(ratio: float) -> tuple[Contender, ...]:
    """Return the rivals of the lasso and the elastic net."""
    kind = "LassoCV" if ratio == 1 else "ElasticNetCV"
    terms = ("{l1_ratio}",)
    return (
        PythonScript(
            "adelie cv_grpnet",
            "gaussian_adelie.py",
            "adelie",
            "pandas",
            "pyarrow",
            arguments=(*terms, "{group_size}", "{seed}"),
            where="adelie",
        ),
        PythonScript(
            f"celer {kind}", "lasso_celer.py", "celer", "pandas", "pyarrow", arguments=terms, where="rival"
        ),
        PythonScript(f"scikit-learn {kind}", "lasso_sklearn.py", "sklearn", "pandas", arguments=terms),
    )


def logistic(*solvers: str) -> tuple[Contender, ...]:
    """Return scikit-learn's LogisticRegressionCV by these solvers."""
    name, script = "scikit-learn LogisticRegressionCV", "logistic_sklearn.py"
    return tuple(
        PythonScript(f"{name} {solver}", script, "sklearn", "pandas", arguments=(solver,))
        for solver in solvers
    )


GLUM = PythonScript(
    "glum",
    "glm_glum.py",
    "glum",
    "pandas",
    "pyarrow",
    arguments=("{family}", "{l1_ratio}"),
    where="rival",
)
SKGLM = PythonScript(
    "skglm", "logistic_skglm.py", "skglm", "pandas", "pyarrow", arguments=("{seed}",), where="rival"
)

SMALL = (
    Contest(
        "help",
        Recipe("gaussian", 10, 2),
        (
            L2cli("l2cli --help", "--help"),
            PythonCode("import sklearn.linear_model", "import sklearn.linear_model", "sklearn"),
        ),
        (Target("l2cli --help", "import sklearn.linear_model", 0.10),),
        pairs=11,
    ),
    Contest(
        "fit",
        Recipe("gaussian", 442, 10),
        (
            L2cli("l2cli fit, piped", "fit", "{csv}"),
            L2cli("l2cli fit, terminal", "fit", "{csv}", columns=100),
            PythonScript("pandas + RidgeCV", "ridge_pandas.py", "pandas", "sklearn"),
            RScript("R glmnet", "fit_glmnet.R", "glmnet"),
        ),
        (
            Target("l2cli fit, piped", "pandas + RidgeCV", 0.12),
            Target("l2cli fit, terminal", "pandas + RidgeCV", 0.16),
            Target("l2cli fit, piped", "R glmnet", 0.25),
        ),
        pairs=11,
    ),
    reading("read", Recipe("gaussian", 200_000, 100), 1.2, "pyarrow"),
    reading("read-long", Recipe("gaussian", 2_000_000, 50), 1.2, "pyarrow"),
    reading("read-wide", Recipe("gaussian", 200, 10_000, effects=20), 1.5, "pandas", "pyarrow", "polars"),
)

GAUSSIAN_L2 = Contest(
    "gaussian",
    Recipe("gaussian", 200_000, 100),
    (
        L2cli(CSV, "cv", "{csv}", "--seed", "{seed}", as_json=True),
        L2cli("l2cli cv, Parquet", "cv", "{parquet}", "--seed", "{seed}", as_json=True),
        RScript(GLMNET, "cv_glmnet.R", "glmnet", "data.table"),
    ),
    (
        Target(CSV, GLMNET, 0.10, memory=0.5),
        Target("l2cli cv, Parquet", GLMNET, 0.07, memory=0.5),
        Target(CSV, "scikit-learn RidgeCV, leave-one-out", 1.0),
        Target(CSV, "scikit-learn RidgeCV, 10 folds", 1.0),
    ),
    (
        PythonScript(
            "scikit-learn RidgeCV, leave-one-out", "ridge_sklearn.py", "sklearn", "pandas", arguments=("0",)
        ),
        PythonScript(
            "scikit-learn RidgeCV, 10 folds", "ridge_sklearn.py", "sklearn", "pandas", arguments=("10",)
        ),
    ),
)

NESTED = Contest(
    "nested",
    Recipe("gaussian", 100_000, 100),
    (
        L2cli(CSV, "cv", "{csv}", "--seed", "{seed}", as_json=True),
        L2cli("l2cli cv --nested, CSV", "cv", "{csv}", "--nested", "--seed", "{seed}", as_json=True),
    ),
    (Target("l2cli cv --nested, CSV", CSV, 3.0),),
)

LASSO, NET = ("--l1-ratio", "1"), ("--l1-ratio", "0.5")
CLASSES, COUNTS = ("--family", "multinomial"), ("--family", "poisson")
BOTH = ("lbfgs", "newton-cholesky")

CONTESTS = (
    *SMALL,
    GAUSSIAN_L2,
    NESTED,
    cross_validation(
        "lasso",
        Recipe("gaussian", 100_000, 200, effects=50, l1_ratio=1),
        0.12,
        *penalized(1),
        options=LASSO,
    ),
    cross_validation(
        "elastic-net",
        Recipe("gaussian", 100_000, 200, effects=50, l1_ratio=0.5),
        0.12,
        *penalized(0.5),
        options=NET,
    ),
    cross_validation(
        "lasso-wide",
        Recipe("gaussian", 200, 10_000, effects=20, l1_ratio=1),
        0.7,
        *penalized(1),
        options=LASSO,
    ),
    cross_validation("binomial", Recipe("binomial", 50_000, 50), 0.08, GLUM, *logistic(*BOTH)),
    cross_validation("binomial-500", Recipe("binomial", 5_000, 500), 0.15, GLUM, *logistic(*BOTH)),
    cross_validation(
        "binomial-lasso",
        Recipe("binomial", 20_000, 100, effects=25, l1_ratio=1),
        0.3,
        SKGLM,
        options=LASSO,
    ),
    cross_validation("binomial-wide", Recipe("binomial", 500, 1000), 1.0),
    cross_validation(
        "binomial-lasso-wide", Recipe("binomial", 300, 5_000, effects=20, l1_ratio=1), 1.0, options=LASSO
    ),
    cross_validation(
        "multinomial",
        Recipe("multinomial", 1797, 64, digits=True),
        0.15,
        *logistic(*BOTH),
        options=CLASSES,
    ),
    cross_validation("poisson", Recipe("poisson", 100_000, 50), 0.15, GLUM, options=COUNTS),
    cross_validation(
        "poisson-net",
        Recipe("poisson", 100_000, 50, l1_ratio=0.5),
        0.15,
        GLUM,
        options=(*COUNTS, *NET),
    ),
    cross_validation(
        "group-lasso",
        Recipe("gaussian", 20_000, 200, effects=50, l1_ratio=1, group_size=5),
        None,
        penalized(1)[0],
        options=("--groups", "{groups}"),
        against_once=0.5,
    ),
)
