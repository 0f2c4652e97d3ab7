"""adelie's cv_grpnet: CSV file, l1 ratio, columns per group (1: none), seed."""

from __future__ import annotations

import os
import sys

import adelie
import numpy as np
from frame import FOLDS, GRID, read, show

frame = read(sys.argv[1])
ratio, size = float(sys.argv[2]), int(sys.argv[3])
X = np.asfortranarray(frame.Z)
glm = adelie.glm.gaussian(frame.y.astype(np.float64))
settings = {
    "groups": np.arange(0, X.shape[1], size),
    "alpha": ratio,
    "n_threads": os.cpu_count(),
    "progress_bar": False,
}
cv = adelie.cv_grpnet(
    X, glm, n_folds=FOLDS, lmda_path_size=GRID, min_ratio=frame.shortest, seed=int(sys.argv[4]), **settings
)
state = cv.fit(X, glm, **settings)
show(frame, "mean_alpha", state.lmdas[-1], state.intercepts[-1], state.betas[-1].toarray())
