"""Erlang A and Erlang C, exactly: what theory says of callers who wait in one line for the first free seat. Pure.

Erlang A (M/M/n+M) is Palm's model of a call centre whose callers give up: C. Palm, "Research on telephone traffic
carried by full availability groups", Tele 1 (1957); its use and the example that tests here are from O. Garnett,
A. Mandelbaum, M. Reiman, "Designing a Call Center with Impatient Customers", MSOM 4(3), 2002. Erlang C (M/M/n) is its
limit for callers who never do: A. K. Erlang, 1917.
"""

import math
from dataclasses import dataclass

NEGLIGIBLE = 1e-15


@dataclass(frozen=True, slots=True)
class Theory:
    """What is to be expected. Shares are of all callers; times in the unit of the model's.

    ``service_level``: served within the limit. ``wait``: mean time in the queue, of whoever gives up, too.
    ``occupancy``: of the seats.
    """

    service_level: float
    wait: float
    abandoned: float
    occupancy: float
    delayed: float
    """Callers who do not find a free seat at once."""


def erlang_a(rate: float, handling: float, patience: float, seats: int, within: float) -> Theory:
    """Poisson arrivals at ``rate``; exponential ``handling`` and ``patience`` (means); first come, first served."""
    service, leaving = 1 / handling, 1 / patience
    everybody = _states(rate, service, leaving, seats)
    queues = everybody[seats:]
    waiting = sum(ahead * share for ahead, share in enumerate(queues))
    abandoned = leaving * waiting / rate
    served = sum(everybody[:seats])
    delayed = math.fsum(queues)
    # Who finds q others waiting is served after the sum V of exponentials of rates nμ, nμ+θ, …, nμ+qθ, if her own
    # patience lasts. e^(-θV) is Beta(nμ/θ, q+1), so P(V ≤ t, patience > V) = c/(c+q+1) · (1 − I_x(c+1, q+1)).
    c, x = seats * service / leaving, math.exp(-leaving * within)
    too_late = x ** (c + 1)
    for ahead, share in enumerate(queues):
        served += share * c / (c + ahead + 1) * max(0.0, 1 - too_late)
        # I_x(a, b+1) = I_x(a, b) + Γ(a+b) / (Γ(a) Γ(b+1)) · x^a (1−x)^b
        a, b = c + 1, ahead + 1
        too_late += (
            math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b + 1) + a * math.log(x) + b * math.log1p(-x))
            if 0 < x < 1
            else 0.0
        )
    return Theory(
        service_level=served,
        wait=waiting / rate,
        abandoned=abandoned,
        occupancy=rate * (1 - abandoned) / (seats * service),
        delayed=delayed,
    )


def _states(rate: float, service: float, leaving: float, seats: int) -> list[float]:
    """How probable each number of callers is, from 0 to where more are next to impossible."""
    weights, most = [1.0], 1.0
    while True:
        number = len(weights)
        weight = weights[-1] * rate / (min(number, seats) * service + max(0, number - seats) * leaving)
        weights.append(weight)
        most = max(most, weight)
        if number > seats and weight < NEGLIGIBLE * most:
            break
        if weight > 1e200:
            weights, most = [each / weight for each in weights], 1.0
    total = math.fsum(weights)
    return [weight / total for weight in weights]


def erlang_c(rate: float, handling: float, seats: int, within: float) -> Theory:
    """The same for callers who never give up; there must be more seats than work (``rate`` × ``handling``)."""
    load = rate * handling
    if load >= seats:
        raise ValueError("with no more seats than work the queue grows for ever")
    blocked = 1.0
    for number in range(1, seats + 1):  # Erlang B, by its recursion
        blocked = load * blocked / (number + load * blocked)
    delayed = blocked / (1 - load / seats * (1 - blocked))
    freed = seats / handling - rate
    return Theory(
        service_level=1 - delayed * math.exp(-freed * within),
        wait=delayed / freed,
        abandoned=0.0,
        occupancy=load / seats,
        delayed=delayed,
    )
