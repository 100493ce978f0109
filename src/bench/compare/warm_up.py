"""The warm-up of a contestant: only the kinds of load that its chosen workloads have."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from .contestants import Counters
from .field import LANES_OFF, NO_DATABASE, SHARDED, TALLY, TALLY_LARGE
from .load import Load, Target, Upload, Wrk
from .processes import Failed

# The share of Tally's warm-up time for each contestant: JIT-compiled programs need the most.
SHARES = {
    **dict.fromkeys((TALLY, TALLY_LARGE, *SHARDED.values()), 1.0),
    **dict.fromkeys((LANES_OFF, NO_DATABASE), 0.4),
}
SHARE = 0.02
# The first responses of a cold JVM take this long.
SECONDS_MIN = 0.5
FAILURES_MAX = 20

# Each kind of load, in order, and its share of the time of a contestant that has all of them.
KINDS: dict[str, tuple[Load, float]] = {
    "keyed": (Wrk(replayed_percent=10), 0.2),
    "many counters": (Wrk(), 0.2),
    "reads": (Wrk(reads=True), 0.15),
    "one counter": (Wrk(), 0.4),
    "uploads": (Upload(minimal=True), 0.05),
}


@dataclass(frozen=True)
class Part:
    """One kind of load, on the counters of the first workload that has it."""

    contestant: str
    kind: str
    load: Load
    counters: Counters
    seconds: float

    @property
    def is_upload(self) -> bool:
        """Whether the heap grows, so that this part comes right before the first upload."""
        return isinstance(self.load, Upload)

    def run(self, target: Target) -> None:
        """Puts the load on the target for the time; a run of an upload may end earlier, and another one follows."""
        end = time.monotonic() + self.seconds
        self.load.prepare(target, SECONDS_MIN)
        failures = 0
        while (left := end - time.monotonic()) > 0 or failures:
            try:
                self.load.run(target, max(SECONDS_MIN, left))
                failures = 0
            except Failed:
                # A cold JVM on a busy machine may give no response within this time.
                failures += 1
                if failures == FAILURES_MAX:
                    raise


def _kind(load: Load, counters: Counters) -> str:
    if isinstance(load, Upload):
        return "uploads"
    if isinstance(load, Wrk) and load.reads:
        return "reads"
    if isinstance(load, Wrk) and load.replayed_percent is not None:
        return "keyed"
    return "many counters" if counters.size > 1 else "one counter"


def parts(contestant: str, loads: Iterable[tuple[Load, Counters]], seconds: float) -> list[Part]:
    """The warm-up of a contestant with these loads; the time is that of Tally."""
    found: dict[str, Counters] = {}
    for load, counters in loads:
        found.setdefault(_kind(load, counters), counters)
    wanted = [(kind, load, share) for kind, (load, share) in KINDS.items() if kind in found]
    unit = seconds * SHARES.get(contestant, SHARE) / sum(share for _, _, share in wanted)
    return [
        Part(contestant, kind, load, found[kind], max(SECONDS_MIN, unit * share)) for kind, load, share in wanted
    ]
