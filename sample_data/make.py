"""Remake the sample data from the packages it was taken from.

Run ``python sample_data/make.py [FOLDER]`` (default: this folder) where scikit-learn, statsmodels,
palmerpenguins and chemotools are installed; README.md in this folder names the versions. Every value is the
package's own: the script renames columns, puts the target last and writes whole numbers without a point.
"""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


def cell(value: Any) -> str:
    """Return a value as the shortest text that reads back as the same number; a missing one is NA."""
    if isinstance(value, str):
        return value
    number = float(value)
    if math.isnan(number):
        return "NA"
    return str(int(number)) if number.is_integer() else repr(number)


def write(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write one CSV file: commas, one header line, a line feed at the end of each line."""
    with path.open("w", encoding="utf-8", newline="") as handle:
        out = csv.writer(handle, lineterminator="\n")
        out.writerow(header)
        out.writerows([cell(value) for value in row] for row in rows)


def diabetes(folder: Path) -> None:
    """Progression of diabetes in 442 patients (regression)."""
    from sklearn.datasets import load_diabetes

    data: Any = load_diabetes(scaled=False)
    rows = [(*x, y) for x, y in zip(data.data, data.target, strict=True)]
    write(folder / "diabetes.csv", [*data.feature_names, "progression"], rows)


def breast_cancer(folder: Path) -> None:
    """Shape of cell nuclei in 569 tumours (two classes: M malignant, B benign)."""
    from sklearn.datasets import load_breast_cancer

    data: Any = load_breast_cancer()
    labels = [str(data.target_names[code])[0].upper() for code in data.target]
    header = [str(name).replace(" ", "_") for name in data.feature_names]
    rows = [(*x, label) for x, label in zip(data.data, labels, strict=True)]
    write(folder / "breast_cancer.csv", [*header, "diagnosis"], rows)


def penguins(folder: Path) -> None:
    """Three species of penguins, with missing cells and text columns (several classes)."""
    from palmerpenguins import load_penguins

    frame: Any = load_penguins()
    header = [name for name in frame.columns if name != "species"] + ["species"]
    write(folder / "penguins.csv", header, frame[header].itertuples(index=False))


def doctor_visits(folder: Path) -> None:
    """Visits to a doctor in a year, every tenth row of the RAND Health Insurance Experiment (counts)."""
    from statsmodels.datasets import randhie

    frame: Any = randhie.load_pandas().data.iloc[::10]
    names = {
        "lncoins": "log_coinsurance",
        "idp": "deductible_plan",
        "lpi": "log_incentive",
        "fmde": "log_max_expense",
        "physlm": "limitation",
        "disea": "diseases",
    }
    rated = zip(frame.hlthg, frame.hlthf, frame.hlthp, strict=True)
    health = ["good" if g else "fair" if f else "poor" if p else "excellent" for g, f, p in rated]
    rows = zip(*(frame[name] for name in names), health, frame.mdvis, strict=True)
    write(folder / "doctor_visits.csv", [*names.values(), "health", "visits"], rows)


def glucose(folder: Path) -> None:
    """Mid-infrared spectra of 21 samples, 446 wavenumbers from 950 to 1550 per cm, and their glucose."""
    from chemotools.datasets import load_fermentation_train

    spectra, reference = load_fermentation_train()
    used: Any = spectra.loc[:, [950 <= float(name) <= 1550 for name in spectra.columns]]
    header = [f"ir_{float(name):g}" for name in used.columns]
    rows = [(*x, y) for x, y in zip(used.to_numpy(), reference.to_numpy().ravel(), strict=True)]
    write(folder / "glucose.csv", [*header, "glucose"], rows)


def main() -> None:
    """Write every file into the folder given, or into this one."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    for make in (diabetes, breast_cancer, penguins, doctor_visits, glucose):
        make(folder)


if __name__ == "__main__":
    main()
