"""scikit-learn's RidgeCV: CSV file, and the number of folds, or 0 for its own leave-one-out."""

from __future__ import annotations

import sys

import numpy as np
from frame import GRID, read, show
from sklearn.linear_model import RidgeCV

frame = read(sys.argv[1])
model = RidgeCV(alphas=np.logspace(-3, 7, GRID), cv=int(sys.argv[2]) or None).fit(frame.Z, frame.y)
show(frame, "lambda", model.alpha_, model.intercept_, model.coef_)
