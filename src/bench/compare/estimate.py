"""An estimate of the duration of a comparison, from a machine with two cores. The build comes in addition."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .modes import Mode
from .warm_up import Part
from .workloads import SERVERS, SHARDS, Entrant, Workload

# The start of the servers and of all contestants, and their end.
START_SECONDS = 20.0
# The sharded ones start one after the other.
START_SHARDS_SECONDS = 60.0
# A checkpoint, the two sums, and the start and the end of the load generator.
RUN_SECONDS = 0.5
# The creation of one counter, and its part of the sums of one run.
COUNTER_SECONDS = 12e-6
SUM_SECONDS = 1e-6

SHOWN = 6


@dataclass(frozen=True)
class Estimate:
    """Seconds by part."""

    parts: dict[str, float]

    def __str__(self) -> str:
        longest = sorted(self.parts.items(), key=lambda entry: -entry[1])
        shown = ", ".join(f"{part} {seconds / 60:.1f}" for part, seconds in longest[:SHOWN])
        rest = sum(seconds for _, seconds in longest[SHOWN:])
        others = f", others {rest / 60:.1f}" if rest else ""
        return f"about {sum(self.parts.values()) / 60:.0f} min: {shown}{others}"


def estimate(
    mode: Mode,
    workloads: list[Workload],
    entrants: Callable[[Workload], list[Entrant]],
    warm_up: Callable[[list[Workload]], Iterable[Part]],
) -> Estimate:
    parts: dict[str, float] = {}

    def add(part: str, seconds: float) -> None:
        parts[part] = parts.get(part, 0.0) + seconds

    for servers in SERVERS:
        chosen = [workload for workload in workloads if workload.servers == servers]
        if not chosen:
            continue
        add("starts", START_SHARDS_SECONDS if servers == SHARDS else START_SECONDS)
        add("warm-up", sum(part.seconds for part in warm_up(chosen)))
        largest: dict[tuple[str, str], int] = {}
        for workload in chosen:
            name = re.sub(r"-\d+$", "", workload.name)
            for entrant in entrants(workload):
                counters = entrant.counters or workload.counters
                overhead = RUN_SECONDS + counters.size * SUM_SECONDS
                add(name, mode.repetitions * (entrant.load.run_seconds(mode.seconds) + overhead))
                key = (entrant.contestant, counters.group)
                largest[key] = max(counters.size, largest.get(key, 0))
        add("counters", sum(largest.values()) * COUNTER_SECONDS)
    return Estimate(parts)
