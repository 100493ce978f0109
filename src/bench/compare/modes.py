"""How long and how often."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as member

from . import field


@dataclass(frozen=True)
class Mode:
    """Warm-up is that of Tally; the others get the part of it that they need."""

    name: str
    repetitions: int
    seconds: float
    warm_up_seconds: float
    later_warm_up_seconds: float  # for the slow disk, ten million counters and shards
    has_long_rows: bool  # small loads, shards, ten million counters, one connection on the slow disk
    means_nothing: bool = False
    # Which contestants are left out of which workloads, by how those names begin.
    left_out: Mapping[str, tuple[str, ...]] = member(default_factory=dict)

    def leaves_out(self, workload: str, label: str) -> bool:
        return workload.startswith(self.left_out.get(label, ()))


FULL = Mode(
    "full",
    repetitions=5,
    seconds=2,
    warm_up_seconds=60,
    later_warm_up_seconds=40,
    has_long_rows=True,
    # What no target is about, and what changes little: a slow disk does not delay everysec, and Django is as slow with
    # other numbers of counters.
    left_out={
        field.WEBDIS_EVERYSEC: ("slow", "small-loads"),
        field.NO_DATABASE: ("open-loop",),
        field.DJANGO: ("zipf", "million", "open-loop", "slow-hot-16", "slow-hot-256", "slow-spread"),
    },
)
SHORT = Mode(
    "short",
    repetitions=2,
    seconds=1.5,
    warm_up_seconds=30,
    later_warm_up_seconds=12,
    has_long_rows=False,
    # What no target is about, where the other rows say as much.
    left_out={
        field.WEBDIS_EVERYSEC: ("hot-1", "spread", "zipf", "million", "reads", "open-loop", "small-loads", "slow"),
        field.NO_DATABASE: ("hot-1", "reads", "open-loop"),
        field.DJANGO: ("zipf", "million", "slow-hot-16", "slow-hot-256", "slow-spread"),
    },
)
SMOKE = Mode(
    "smoke",
    repetitions=1,
    seconds=0.3,
    warm_up_seconds=1,
    later_warm_up_seconds=1,
    has_long_rows=False,
    means_nothing=True,
)
