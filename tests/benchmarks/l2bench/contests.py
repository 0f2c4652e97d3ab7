"""What is raced against what, on which data, and the ratios that were promised."""

from __future__ import annotations

from dataclasses import dataclass

from l2bench.contenders import Contender, L2cli, PythonCode, PythonScript, RScript


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

    ``pairs`` : how many times each runs unless the caller says otherwise.
    """

    name: str
    family: str
    rows: int
    columns: int
    contenders: tuple[Contender, ...]
    targets: tuple[Target, ...]
    pairs: int = 5


CONTESTS = (
    Contest(
        "help",
        "gaussian",
        10,
        2,
        (
            L2cli("l2cli --help", "--help"),
            PythonCode("import sklearn.linear_model", "import sklearn.linear_model", "sklearn"),
        ),
        (Target("l2cli --help", "import sklearn.linear_model", 0.10),),
        pairs=11,
    ),
    Contest(
        "fit",
        "gaussian",
        442,
        10,
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
    Contest(
        "read",
        "gaussian",
        200_000,
        100,
        (
            PythonScript("l2cli reader", "read_l2cli.py", "l2cli", answers=False),
            PythonScript("pyarrow.csv", "read_pyarrow.py", "pyarrow", answers=False),
        ),
        (Target("l2cli reader", "pyarrow.csv", 1.2),),
    ),
    Contest(
        "cv-gaussian",
        "gaussian",
        200_000,
        100,
        (
            L2cli("l2cli cv, CSV", "cv", "{csv}", "--seed", "{seed}", as_json=True),
            L2cli("l2cli cv, Parquet", "cv", "{parquet}", "--seed", "{seed}", as_json=True),
            RScript("R fread + cv.glmnet", "cv_glmnet.R", "glmnet", "data.table"),
        ),
        (
            Target("l2cli cv, CSV", "R fread + cv.glmnet", 0.12, memory=0.5),
            Target("l2cli cv, Parquet", "R fread + cv.glmnet", 0.07, memory=0.5),
        ),
    ),
    Contest(
        "cv-binomial",
        "binomial",
        50_000,
        50,
        (
            L2cli("l2cli cv, CSV", "cv", "{csv}", "--seed", "{seed}", as_json=True),
            RScript("R fread + cv.glmnet", "cv_glmnet.R", "glmnet", "data.table"),
        ),
        (Target("l2cli cv, CSV", "R fread + cv.glmnet", 0.3),),
    ),
)
