"""One measured run, and whether it is valid."""

import resource
import time
from dataclasses import dataclass

from .contestants import Contestant, Counters
from .load import Target
from .machine import busy_seconds
from .processes import Failed
from .runs import Outcome, Run
from .workloads import Entrant, Workload

SETTLE_SECONDS = 0.1
SETTLE_READINGS_MAX = 50
MICROS = 1e6


@dataclass(frozen=True)
class _Cost:
    """CPU time of a run."""

    generator_seconds: float
    other_seconds: float


class _Meter:
    """The load generator is the only child that ends during the run. Excludes the CPU time of this harness."""

    def __init__(self) -> None:
        self._generator = _seconds(resource.RUSAGE_CHILDREN)
        self._own = _seconds(resource.RUSAGE_SELF)
        self._busy = busy_seconds()

    def read(self) -> _Cost:
        generator = _seconds(resource.RUSAGE_CHILDREN) - self._generator
        own = _seconds(resource.RUSAGE_SELF) - self._own
        return _Cost(generator, max(0.0, busy_seconds() - self._busy - generator - own))


def _seconds(whose: int) -> float:
    used = resource.getrusage(whose)
    return used.ru_utime + used.ru_stime


def measure(workload: Workload, entrant: Entrant, target: Target, repetition: int, seconds: float) -> Run:
    contestant = target.contestant
    try:
        before = contestant.stored(target.counters)
        meter = _Meter()
        outcome = entrant.load.run(target, seconds)
        cost = meter.read()
        rss_kib = contestant.rss_kib()
        stored = _settled(contestant, target.counters) - before
    except (Failed, OSError, ValueError) as failure:
        return _failed(workload, entrant, target, repetition, " ".join(str(failure).split()))
    why_not = _why_not(outcome, stored)
    per_operation = MICROS / max(1, outcome.operations)
    return Run(
        workload=workload.name,
        contestant=entrant.label,
        connections=target.connections,
        repetition=repetition,
        operations=outcome.operations,
        seconds=outcome.seconds,
        per_second=outcome.operations / outcome.seconds,
        errors=outcome.errors,
        acknowledged=outcome.least,
        stored=stored,
        counted=not why_not,
        why_not=why_not,
        generator_cpu_micros=cost.generator_seconds * per_operation,
        other_cpu_micros=cost.other_seconds * per_operation,
        rss_kib=rss_kib,
        latencies=outcome.latencies,
    )


def _settled(contestant: Contestant, counters: Counters) -> int:
    """The stored sum once it is stable, since requests in flight at the end of the load may still be applied."""
    last = contestant.stored(counters)
    for _ in range(SETTLE_READINGS_MAX):
        time.sleep(SETTLE_SECONDS)
        now = contestant.stored(counters)
        if now == last:
            return now
        last = now
    raise Failed("the counters still change after the end of the load")


def _why_not(outcome: Outcome, stored: int) -> str:
    if outcome.errors:
        return f"{outcome.errors} errors"
    if stored < outcome.least:
        return f"LOST: {outcome.least} acknowledged, {stored} stored"
    if stored > outcome.most:
        return f"counted twice: at most {outcome.most} sent, {stored} stored"
    return ""


def _failed(workload: Workload, entrant: Entrant, target: Target, repetition: int, why: str) -> Run:
    return Run(
        workload=workload.name,
        contestant=entrant.label,
        connections=target.connections,
        repetition=repetition,
        operations=0,
        seconds=0.0,
        per_second=0.0,
        errors=0,
        acknowledged=0,
        stored=0,
        counted=False,
        why_not=why,
        generator_cpu_micros=0.0,
        other_cpu_micros=0.0,
        rss_kib=0,
    )
