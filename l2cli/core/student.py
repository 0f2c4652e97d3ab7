"""Student's t in plain Python: tail probabilities and quantiles, since importing SciPy costs half a second.

With x = df / (df + t^2) the two tails hold P(|T| > |t|) = I_x(df/2, 1/2), the regularized incomplete beta
function, by the continued fraction of DLMF 8.17.22 (evaluated as by Lentz; Thompson and Barnett 1986).
"""

from __future__ import annotations

import math

MAX_TERMS = 10_000


def two_sided_tail(t: float, df: float) -> float:
    """Return P(|T| > |t|) for ``df`` > 0 degrees of freedom, to about 12 digits.

    >>> round(two_sided_tail(2.0, 1), 12)
    0.295167235301
    """
    if t == 0.0 or math.isinf(t):
        return float(t == 0.0)
    a, x, y = 0.5 * df, df / (df + t * t), t * t / (df + t * t)
    log_x = math.log(x) if x < 0.5 else math.log1p(-y)
    front = math.exp(_log_gamma_half_step(a) + a * log_x + 0.5 * math.log(y / math.pi))
    if x <= (a + 1.0) / (a + 2.5):  # on this side the fraction converges fast
        return front * _fraction(a, 0.5, x) / a
    return 1.0 - front * _fraction(0.5, a, y) / 0.5


def two_sided_quantile(level: float, df: float) -> float:
    """Return the t with P(|T| <= t) = ``level``, 0 < level < 1, by bisection.

    >>> round(two_sided_quantile(0.95, 10), 9)
    2.228138852
    """
    low, high = 0.0, 1.0
    while two_sided_tail(high, df) > 1.0 - level:
        low, high = high, 2.0 * high
    for _ in range(60):
        middle = 0.5 * (low + high)
        if two_sided_tail(middle, df) > 1.0 - level:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def _log_gamma_half_step(a: float) -> float:
    """Return log Gamma(a + 1/2) - log Gamma(a), by its series where the difference would cancel."""
    if a < 100.0:
        return math.lgamma(a + 0.5) - math.lgamma(a)
    return 0.5 * math.log(a) - 1.0 / (8.0 * a) + 1.0 / (192.0 * a**3) - 1.0 / (640.0 * a**5)


def _fraction(a: float, b: float, x: float) -> float:
    """Return a B(a, b) I_x(a, b) / (x^a (1 - x)^b), a continued fraction 1 / (1 + d1 / (1 + d2 / ...))."""
    c, d = 1.0, 1.0 / (1.0 - (a + b) * x / (a + 1.0))
    value = d
    for m in range(1, MAX_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d, c = 1.0 / (1.0 + term * d), 1.0 + term / c
            value *= c * d
        if abs(c * d - 1.0) < 1e-16:
            break
    return value
