"""One Newton step without each row of a multinomial model with pure L2.

With A_i = a_i (x) I, W_i = s_i (diag(mu) - mu mu') and r_i the row's curvature and residual in its C linear
predictors, and J_i = A_i'(H + lambda D)^-1 A_i,

    eta_i without row i = eta_i - (I - J_i W_i)^-1 J_i r_i = eta_i - (J_i + J_i S_i J_i) r_i

(Rad and Maleki 2020, JRSS B 82, for one linear predictor; S_i as in :mod:`l2cli.select.refits`). The leverage
h is the largest eigenvalue of J_i W_i. A number common to all classes is in neither r_i nor W_i: it does not
matter how H settles it.

Notes
-----
The J_i take n (m C)^2 flops, their blocks (k, l) and (l, k) being transposes; their (n, C, C) go by blocks
of rows. The inverse takes 2 (m C)^3.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from l2cli.core.problem import row_blocks
from l2cli.core.solvers.newton import NewtonSolver
from l2cli.core.threads import row_threads
from l2cli.select.refits import downdate, root_curvature

FloatArray = npt.NDArray[np.float64]


def class_steps(
    solver: NewtonSolver, theta: FloatArray, lam: float
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return predictors after the step (n, C), how far it moves them apart, leverages (n,) and the inverse.

    How far is the range of the C moves: that of the log odds of two classes.
    """
    problem, rows, c = solver.problem, solver.rows, solver.classes
    eta = rows.predictor(theta)
    mu = problem.likelihood.mean(eta)
    r = problem.weights[:, None] * problem.likelihood.residual(problem.y, mu)
    inverse = solver.inverse(mu, lam)
    m = len(inverse) // c
    blocks = inverse.reshape(m, c, m, c)
    right = [np.ascontiguousarray(blocks[:, k, :, k:]).reshape(m, -1) for k in range(c)]

    def steps(part: slice) -> tuple[FloatArray, FloatArray]:
        A = np.column_stack([rows.X[part], np.ones(part.stop - part.start)])
        J = np.empty((len(A), c, c))
        for k in range(c):
            J[:, k, k:] = np.einsum("ijl,ij->il", (A @ right[k]).reshape(len(A), m, c - k), A)
            J[:, k:, k] = J[:, k, k:]
        h, S = downdate(J, root_curvature(problem, mu[part], part))
        plain = (J @ r[part, :, None])[:, :, 0]
        return -(plain + np.einsum("ikl,ilq,iq->ik", J, S, plain, optimize=True)), h

    with row_threads(problem.n_rows * len(inverse)) as run:
        found = list(run(steps, row_blocks(problem.n_rows, m * c)))
    step, h = (np.concatenate(values) for values in zip(*found, strict=True))
    return eta + step, np.ptp(step, axis=1), h, inverse
