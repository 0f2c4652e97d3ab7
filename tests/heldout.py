"""What every row is predicted by the fits that did not see it, gathered for comparison with fits by hand."""

from __future__ import annotations

import numpy as np

from l2cli.select.learner import FloatArray, FoldFits


def heldout_eta(fits: FoldFits, lam: float) -> FloatArray:
    """Return (repeats, n), of classes (repeats, n, C): each row's eta by the fit that did not see it.

    NaN for rows that no fold holds out.
    """
    result = np.full((fits.folds.repeats, *fits.problem.y.shape), np.nan)
    for i, eta in enumerate(fits.heldout_etas(np.array([lam]))):
        result[i // fits.folds.k, fits.rows[i]] = eta[..., 0]
    return result
