"""scikit-learn's LassoCV, or ElasticNetCV: CSV file and l1 ratio."""

from __future__ import annotations

import sys

from frame import FOLDS, read, show
from sklearn.linear_model import ElasticNetCV, LassoCV

frame = read(sys.argv[1])
ratio = float(sys.argv[2])
settings = {"eps": frame.shortest, "cv": FOLDS, "n_jobs": -1}  # 100 lambdas are the default
model = LassoCV(**settings) if ratio == 1 else ElasticNetCV(l1_ratio=ratio, **settings)
model.fit(frame.Z, frame.y)
show(frame, "mean_alpha", model.alpha_, model.intercept_, model.coef_)
