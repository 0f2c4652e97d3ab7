"""scikit-learn's LogisticRegressionCV, L2: CSV file and solver."""

from __future__ import annotations

import inspect
import sys

import numpy as np
from frame import FOLDS, GRID, read, show
from sklearn.linear_model import LogisticRegressionCV

frame = read(sys.argv[1])
settings = {"solver": sys.argv[2], "Cs": GRID, "cv": FOLDS, "scoring": "neg_log_loss", "n_jobs": -1}
if "use_legacy_attributes" in inspect.signature(LogisticRegressionCV).parameters:
    settings |= {"use_legacy_attributes": False, "l1_ratios": (0,)}
model = LogisticRegressionCV(**settings).fit(frame.Z, frame.y)
labels = model.classes_ if len(model.classes_) > 2 else None
show(frame, "C", np.ravel(model.C_)[0], model.intercept_, model.coef_, labels)
