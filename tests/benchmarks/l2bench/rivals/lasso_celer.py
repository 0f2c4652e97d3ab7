"""celer's LassoCV, or ElasticNetCV: CSV file and l1 ratio."""

from __future__ import annotations

import sys

from celer import ElasticNetCV, LassoCV
from frame import FOLDS, GRID, read, show

frame = read(sys.argv[1])
ratio = float(sys.argv[2])
settings = {"eps": frame.shortest, "n_alphas": GRID, "cv": FOLDS, "n_jobs": -1}
model = LassoCV(**settings) if ratio == 1 else ElasticNetCV(l1_ratio=ratio, **settings)
model.fit(frame.Z, frame.y)
show(frame, "mean_alpha", model.alpha_, model.intercept_, model.coef_)
