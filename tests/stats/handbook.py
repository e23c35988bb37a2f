"""Student's t, digamma and trigamma by the formulas of the handbooks: slow, and nobody's library.

Abramowitz and Stegun, Handbook of Mathematical Functions (1964).
"""

from __future__ import annotations

import math


def t_tail(t: float, df: int) -> float:
    """Upper tail of Student's t for t ≥ 0 (26.7.3 and 26.7.4): to 1e-14, as it subtracts from 1."""
    angle = math.atan(t / math.sqrt(df))
    odd = df % 2
    term = math.cos(angle) if odd else 1.0
    terms = []
    for k in range(1 + odd, df, 2):
        terms.append(term)
        term *= k / (k + 1) * math.cos(angle) ** 2
    inside = math.sin(angle) * math.fsum(terms)
    if odd:
        inside = 2 / math.pi * (angle + inside)
    return (1 - inside) / 2


def t_quantile(probability: float, df: int) -> float:
    """By halving an interval until it is no shorter than two neighbouring numbers."""
    low, high = 0.0, 1.0
    while t_tail(high, df) > 1 - probability:
        low, high = high, 2 * high
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if t_tail(middle, df) > 1 - probability else (low, middle)
    return (low + high) / 2


def digamma_of_half(n: int) -> float:
    """ψ(n/2) by the recurrence of 6.3.5 from ψ(1/2) and ψ(1) (6.3.2 and 6.3.3)."""
    start = -0.5772156649015329 - (2 * math.log(2) if n % 2 else 0)
    return math.fsum([start, *(2 / k for k in range(2 - n % 2, n, 2))])


def trigamma_of_half(n: int) -> float:
    """Its derivative by the recurrence of 6.4.6 from those at 1/2 and 1 (6.4.2 and 6.4.4)."""
    start = math.pi**2 / (2 if n % 2 else 6)
    return math.fsum([start, *(-4 / k**2 for k in range(2 - n % 2, n, 2))])
