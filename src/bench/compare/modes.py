"""How long and how often."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mode:
    """Warm-up is that of Tally; the others get the part of it that they need."""

    name: str
    repetitions: int
    seconds: float
    warm_up_seconds: float
    slow_warm_up_seconds: float
    has_long_rows: bool  # ten million counters, one connection on the slow disk
    means_nothing: bool = False


FULL = Mode("full", repetitions=5, seconds=8, warm_up_seconds=60, slow_warm_up_seconds=40, has_long_rows=True)
SHORT = Mode("short", repetitions=2, seconds=1.5, warm_up_seconds=30, slow_warm_up_seconds=12, has_long_rows=False)
SMOKE = Mode(
    "smoke",
    repetitions=1,
    seconds=0.3,
    warm_up_seconds=1,
    slow_warm_up_seconds=1,
    has_long_rows=False,
    means_nothing=True,
)
