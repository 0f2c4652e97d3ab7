"""glum's GeneralizedLinearRegressorCV: CSV file, family and l1 ratio."""

from __future__ import annotations

import sys

from frame import FOLDS, GRID, read, show
from glum import GeneralizedLinearRegressorCV

frame = read(sys.argv[1])
ratio = float(sys.argv[3])
model = GeneralizedLinearRegressorCV(
    family=sys.argv[2],
    l1_ratio=ratio,
    n_alphas=GRID,
    min_alpha_ratio=frame.shortest if ratio else None,
    cv=FOLDS,
    n_jobs=-1,
)
model.fit(frame.Z, frame.y.astype(float))
show(frame, "mean_alpha", model.alpha_, model.intercept_, model.coef_)
