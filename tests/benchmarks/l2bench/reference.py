"""The best known minimum of J: Newton's method run until rounding stops it.

Without an L1 part this is Newton's method with the full Hessian. With one it works on the columns that can be
nonzero: Newton steps whose quadratic is minimised by accelerated proximal gradient, to find the groups that
are not zero, and by an exact solve on these, to be exact; columns that violate their condition join until
none does. It is slow, simple and its own certificate: `Accuracy.reference_kkt`.
"""

from __future__ import annotations

import numpy as np

from l2bench import losses
from l2bench.losses import FloatArray
from l2bench.task import Task


def best_known(task: Task) -> tuple[FloatArray, FloatArray]:
    """Minimise J; return b : (K,) and u : (p, K).

    Raises ValueError for several classes with an L1 part: no contest has them, and `grow` is for one column.
    """
    b = losses.null_intercepts(task.family, task.Y)
    u = np.zeros((task.Z.shape[1], len(b)))
    if task.l1 == 0:
        return newton(task, b, u)
    if len(b) > 1:
        raise ValueError(f"{len(b)} classes with an L1 part: the reference is for one column of coefficients")
    return grow(task, b, u)


def hessian(task: Task, mu: FloatArray) -> FloatArray:
    """Return half the second derivative in all (b_k, u_k), class by class : (K (p + 1), K (p + 1))."""
    p, K = task.Z.shape[1], mu.shape[1]
    H = np.zeros((K, p + 1, K, p + 1))
    for k in range(K):
        for m in range(k + 1):
            w = losses.curvature(task.family, mu, k, m)
            block = np.empty((p + 1, p + 1))
            block[0, 0] = w.sum()
            block[0, 1:] = block[1:, 0] = w @ task.Z
            block[1:, 1:] = (task.Z * w[:, None]).T @ task.Z
            H[k, :, m] = H[m, :, k] = block
    for k in range(K):
        np.einsum("ii->i", H[k, 1:, k, 1:])[:] += task.l2
    if K > 1:  # equal intercepts added to every class change nothing: hold their sum
        H[:, 0, :, 0] += len(mu) / K**2
    return H.reshape(K * (p + 1), -1)


def newton(task: Task, b: FloatArray, u: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Minimise a J without L1 part, from (b, u), until the gradient stops falling."""
    best, smallest, null = (b, u), np.inf, task.null_gradient()
    for _ in range(100):
        gb, g, mu = task.gradient(b, u)
        gradient = np.vstack([gb, g])
        size = float(np.abs(gradient).max()) / null
        if size >= smallest and smallest < 1e-6:
            break
        if size < smallest:
            best, smallest = (b, u), size
        step = solve(hessian(task, mu), -gradient.T.ravel()).reshape(gradient.T.shape).T
        b, u = descend(task, b, u, step[0], step[1:])
    return best


def solve(H: FloatArray, g: FloatArray) -> FloatArray:
    """Return the shortest solution of H x = g; columns may be constant or tied."""
    return np.asarray(np.linalg.lstsq(H, g)[0], dtype=np.float64)


def descend(
    task: Task, b: FloatArray, u: FloatArray, step_b: FloatArray, step_u: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Go the step, or the first half, quarter ... of it that does not raise J beyond rounding."""
    here = task.objective(b, u)
    share = 1.0
    while share > 1e-9 and not task.objective(b + share * step_b, u + share * step_u) <= here * (1 + 1e-12):
        share /= 2
    return b + share * step_b, u + share * step_u


# ---------------------------------------------------------------------------------------------- with L1


def grow(task: Task, b: FloatArray, u: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Minimise J with an L1 part: solve on some groups, add those that violate their condition, repeat."""
    groups = np.arange(len(u)).reshape(-1, task.size)
    null = task.null_gradient()
    working = np.zeros(len(groups), dtype=bool)
    for _ in range(200):
        violation = task.violation(u, task.gradient(b, u)[1])[:, 0]
        violation[working] = 0
        worst = np.argsort(violation)[::-1][:100]
        worst = worst[violation[worst] > 1e-13 * null]
        if not len(worst):
            break
        working[worst] = True
        columns = groups[working].ravel()
        part = Task(task.family, task.Z[:, columns], task.Y, task.l1, task.l2, task.size)
        b, inner = proximal_newton(part, b, u[columns], null)
        u = np.zeros_like(u)
        u[columns] = inner
    return b, u


def proximal_newton(task: Task, b: FloatArray, u: FloatArray, null: float) -> tuple[FloatArray, FloatArray]:
    """Minimise J over all columns of ``task``, from (b, u), until the violation stops falling."""
    best, smallest = (b, u), np.inf
    for _ in range(60):
        gb, g, mu = task.gradient(b, u)
        size = max(float(np.abs(gb).max()), float(task.violation(u, g).max())) / null
        if size >= smallest and smallest < 1e-9:
            break
        if size < smallest:
            best, smallest = (b, u), size
        H = hessian(task, mu)
        # the intercept goes first: what is left is a quadratic in u alone
        centre = H[0, 1:] / H[0, 0]
        Q = H[1:, 1:] - np.outer(H[0, 1:], centre)
        q = g[:, 0] - centre * gb[0] - Q @ u[:, 0]
        v = quadratic(task, Q, q, u[:, 0])
        step = v - u[:, 0]
        step_b = -(gb + H[0, 1:] @ step) / H[0, 0]
        b, u = descend(task, b, u, step_b, step[:, None])
    return best


def quadratic(task: Task, Q: FloatArray, q: FloatArray, start: FloatArray) -> FloatArray:
    """Minimise v'Qv/2 + q'v + lambda r sum_g sqrt(p_g) |v_g| : (p,)."""
    weight = task.l1 * float(np.sqrt(task.size))
    length = 1 / float(np.linalg.norm(Q, 2))
    v = start
    for rounds in range(60):
        v = accelerate(v, Q, q, weight, length, task.size, 100 * (1 + rounds))
        polished = polish(v, Q, q, weight, task.size)
        if polished is not None:
            return polished
    return v


def accelerate(
    v: FloatArray, Q: FloatArray, q: FloatArray, weight: float, length: float, size: int, steps: int
) -> FloatArray:
    """Take accelerated proximal gradient steps, begun anew whenever the direction turns back.

    References: Beck & Teboulle (2009), FISTA; O'Donoghue & Candes (2015), the restart.
    """
    z, momentum = v, 1.0
    for _ in range(steps):
        moved = (z - length * (Q @ z + q)).reshape(-1, size)
        norm = np.linalg.norm(moved, axis=1, keepdims=True)
        shrunk = np.maximum(0, 1 - length * weight / np.where(norm > 0, norm, 1))
        new = (shrunk * moved).ravel()
        if float((z - new) @ (new - v)) > 0:
            momentum = 1.0
        following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        z = new + (momentum - 1) / following * (new - v)
        v, momentum = new, following
    return v


def polish(v: FloatArray, Q: FloatArray, q: FloatArray, weight: float, size: int) -> FloatArray | None:
    """Solve exactly with the groups of ``v`` that are not zero; None where that is not the minimum.

    There |v_g| is smooth, with second derivative (I - v_g v_g' / |v_g|^2) / |v_g|: none for a group of one.
    """
    blocks = v.reshape(-1, size)
    active = np.repeat(np.linalg.norm(blocks, axis=1) > 0, size)
    x = v[active]
    QA, qA = Q[np.ix_(active, active)], q[active]
    for _ in range(1 if size == 1 else 30):
        X = x.reshape(-1, size)
        norm = np.linalg.norm(X, axis=1, keepdims=True)
        D = (X / norm).ravel()
        H = QA.copy()
        if size > 1:
            for k in range(len(X)):
                part = slice(k * size, (k + 1) * size)
                H[part, part] += weight / norm[k] * (np.eye(size) - np.outer(D[part], D[part]))
        step = solve(H, -(QA @ x + qA + weight * D))
        x = x + step
        if np.any(np.sum(x.reshape(-1, size) * X, axis=1) <= 0):
            return None  # a group turned round: it belongs at zero or elsewhere
        if np.linalg.norm(step) <= 1e-15 * np.linalg.norm(x):
            break
    out = np.zeros_like(v)
    out[active] = x
    left = np.linalg.norm((Q @ out + q).reshape(-1, size), axis=1)
    idle = ~active.reshape(-1, size)[:, 0]
    return None if np.any(left[idle] > weight * (1 + 1e-12)) else out
