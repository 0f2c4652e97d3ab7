"""One Newton step without each row of a multinomial model with pure L2.

With A_i = a_i (x) I, W_i = s_i (diag(mu) - mu mu') and r_i the row's curvature and residual in its C linear
predictors, and J_i = A_i'(H + lambda D)^-1 A_i,

    eta_i without row i = eta_i - (I - J_i W_i)^-1 J_i r_i = eta_i - (J_i + J_i S_i J_i) r_i

(Rad and Maleki 2020, JRSS B 82, for one linear predictor; S_i as in :mod:`l2cli.select.refits`). The
leverage h is the largest eigenvalue of J_i W_i. A number common to all classes is in neither r_i nor W_i: the
inverse is that of C - 1 contrasts.

Notes
-----
Beside the n (m C)^2 flops of H, the J_i take n (m (C - 1))^2, their blocks (k, l) and (l, k) being
transposes, and the inverse 2 (m (C - 1))^3. The J_i (n, C, C) go by blocks of rows.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from l2cli.core.problem import row_blocks
from l2cli.core.solvers.glm_rows import class_contrasts, contrasts
from l2cli.core.solvers.newton import NewtonSolver
from l2cli.core.threads import row_threads
from l2cli.select.refits import downdate, root_curvature

FloatArray = npt.NDArray[np.float64]


def class_steps(
    solver: NewtonSolver, theta: FloatArray, lam: float
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return predictors after the step (n, C), its range, effect and leverages (n,), and the inverse.

    The range of the C moves e is how far the step moves the log odds of two classes at most. To first order
    it changes the log of the probabilities by e - mu'e: its effect is the larger of the change of the row's
    own class and of the root mean square over mu.
    """
    problem, rows, c = solver.problem, solver.rows, solver.classes
    eta = rows.predictor(theta)
    mu = problem.likelihood.mean(eta)
    r = problem.weights[:, None] * problem.likelihood.residual(problem.y, mu)
    inverse = solver.inverse(mu, lam)
    m, Q = len(inverse) // c, class_contrasts(c)
    blocks = contrasts(inverse, c).reshape(m, c - 1, m, c - 1)
    right = [np.ascontiguousarray(blocks[:, k, :, k:]).reshape(m, -1) for k in range(c - 1)]

    def steps(part: slice) -> tuple[FloatArray, FloatArray]:
        A = np.column_stack([rows.X[part], np.ones(part.stop - part.start)])
        inner = np.empty((len(A), c - 1, c - 1))
        for k in range(c - 1):
            inner[:, k, k:] = np.einsum("ijl,ij->il", (A @ right[k]).reshape(len(A), m, -1), A)
            inner[:, k:, k] = inner[:, k, k:]
        J = Q @ inner @ Q.T
        h, S = downdate(J, root_curvature(problem, mu[part], part))
        plain = (J @ r[part, :, None])[:, :, 0]
        return -(plain + np.einsum("ikl,ilq,iq->ik", J, S, plain, optimize=True)), h

    with row_threads(problem.n_rows * len(inverse)) as run:
        found = list(run(steps, row_blocks(problem.n_rows, c * max(m, c))))
    step, h = (np.concatenate(values) for values in zip(*found, strict=True))
    change = step - (mu * step).sum(axis=1, keepdims=True)
    size = np.sqrt((mu * np.square(change)).sum(axis=1))
    effect = np.maximum(np.abs((problem.y * change).sum(axis=1)), size)
    return eta + step, np.ptp(step, axis=1), effect, h, inverse
