"""The performance targets and their results."""

from collections.abc import Callable
from dataclasses import dataclass

from . import field
from .runs import Runs, Spread
from .workloads import (
    ALL_OF_MANY,
    AT_MAX,
    AT_MAX_OF_PERIOD,
    CONNECTIONS,
    FAR_FROM_MAX,
    FOUR_SHARDS,
    HALF_AT_MAX,
    IN_PERIODS,
    MINIMAL,
    ONE_SHARD,
    OPEN_LOOP,
    PIPELINED,
    TEN_THOUSAND_OF_FEW,
    TEN_THOUSAND_OF_MANY,
    UNKEYED,
    WITHOUT_BOUNDS,
    keyed,
)

RSS_MIB_MAX = 300.0
# By the percentage of replays.
KEYED_MIN = {0: 0.75, 10: 0.7, 50: 0.7}
SPREAD_LINES_PER_SECOND_MIN = 150_000.0
AUDIT_PERCENT_MAX = 1.0
KIB_PER_MIB = 1024


@dataclass(frozen=True)
class Measured:
    """The measurements behind the targets."""

    runs: Runs
    audit_share: float | None  # of the time, with ten million counters


@dataclass(frozen=True)
class Target:
    what: str
    unit: str  # "×", or what stands behind the figure
    limit: float
    is_least: bool  # whether more is better
    measured: Callable[[Measured], float | None]

    def required(self) -> str:
        return f"{'≥' if self.is_least else '≤'} {self._figure(self.limit)}"

    def found(self, measured: Measured) -> str:
        value = self.measured(measured)
        return "–" if value is None else self._figure(value)

    def verdict(self, measured: Measured) -> str:
        value = self.measured(measured)
        if value is None:
            return "not measured in this mode"
        is_reached = value >= self.limit if self.is_least else value <= self.limit
        return "reached" if is_reached else "**missed**"

    def _figure(self, value: float) -> str:
        if self.unit == "×":
            return f"{value:.2f} ×"
        return f"{value:,.2f} {self.unit}" if value < 10 else f"{value:,.0f} {self.unit}"


def ratio(runs: Runs, workload: str, above: str, below: str) -> float | None:
    upper, lower = runs.per_second(workload, above), runs.per_second(workload, below)
    return None if upper is None or lower is None else upper.median / lower.median


def _faster(workload: str, rival: str, limit: float, what: str, label: str = field.TALLY) -> Target:
    return Target(what, "×", limit, True, lambda measured: ratio(measured.runs, workload, label, rival))


def _latency(measured: Measured) -> float | None:
    found = [p99(measured.runs, name) for name in (field.TALLY, field.WEBDIS_ALWAYS)]
    return found[0] / found[1] if found[0] is not None and found[1] is not None else None


def p99(runs: Runs, contestant: str) -> float | None:
    counted = runs.counted(OPEN_LOOP, contestant)
    spread = Spread.of(run.latencies.p99 for run in counted if run.latencies is not None)
    return None if spread is None else spread.median


def _rss(measured: Measured) -> float | None:
    every = [run for run in measured.runs.all if is_hot(run.workload) and run.contestant == field.TALLY and run.rss_kib]
    return max((run.rss_kib / KIB_PER_MIB for run in every), default=None)


def is_hot(workload: str) -> bool:
    """Whether it has single increments on a hot counter, which come before the first upload."""
    return workload.startswith("hot-")


def _lines(measured: Measured) -> float | None:
    spread = measured.runs.per_second("ndjson-spread", MINIMAL)
    return None if spread is None else spread.median


def _audit(measured: Measured) -> float | None:
    return None if measured.audit_share is None else 100 * measured.audit_share


HOT, SLOW_HOT = f"hot-{CONNECTIONS}", f"slow-hot-{CONNECTIONS}"

TARGETS = [
    _faster("hot-1", field.WEBDIS_ALWAYS, 0.7, "hot counter, one connection, of Webdis always"),
    _faster(HOT, field.WEBDIS_ALWAYS, 0.8, "hot counter, 64 connections, of Webdis always"),
    _faster("hot-256", field.WEBDIS_ALWAYS, 1.0, "hot counter, 256 connections, of Webdis always"),
    _faster("spread", field.WEBDIS_ALWAYS, 0.6, "10,000 counters, 64 connections, of Webdis always"),
    _faster(SLOW_HOT, field.WEBDIS_ALWAYS, 1.1, "slow disk, hot counter, 64 connections, of Webdis always"),
    _faster("slow-hot-256", field.WEBDIS_ALWAYS, 1.0, "slow disk, hot counter, 256 connections, of Webdis always"),
    _faster(SLOW_HOT, field.PGBENCH, 25, "slow disk, hot counter, 64 connections, of pgbench"),
    _faster(HOT, field.PGBENCH, 15, "hot counter, 64 connections, of pgbench"),
    *(
        _faster("keyed", UNKEYED, limit, f"keyed with {percent} % replays, of un-keyed", keyed(percent))
        for percent, limit in KEYED_MIN.items()
    ),
    _faster("bounds", WITHOUT_BOUNDS, 0.85, "far from its max, of a counter without bounds", FAR_FROM_MAX),
    _faster("bounds", WITHOUT_BOUNDS, 0.8, "at its max, of a counter without bounds", AT_MAX),
    _faster("bounds", WITHOUT_BOUNDS, 0.6, "one of two at its max, of a counter without bounds", HALF_AT_MAX),
    _faster("bounds", WITHOUT_BOUNDS, 0.8, "in periods of 5 s, of a counter without bounds", IN_PERIODS),
    _faster("bounds", WITHOUT_BOUNDS, 0.75, "at the max of a day, of a counter without bounds", AT_MAX_OF_PERIOD),
    _faster("ndjson-hot", PIPELINED, 1.0, f"NDJSON, hot counter, summary, of {PIPELINED}", MINIMAL),
    Target("NDJSON, 10,000 counters, summary", "lines/s", SPREAD_LINES_PER_SECOND_MIN, True, _lines),
    Target("p99 at half load, of Webdis always", "×", 1.2, False, _latency),
    Target("resident memory of Tally after single increments on a hot counter", "MiB", RSS_MIB_MAX, False, _rss),
    _faster("large", TEN_THOUSAND_OF_FEW, 0.9, "10,000 of ten million counters, of as many of 10,000", TEN_THOUSAND_OF_MANY),
    _faster("large", TEN_THOUSAND_OF_FEW, 0.9, "all of ten million counters, of 10,000", ALL_OF_MANY),
    _faster("shards-spread", ONE_SHARD, 0.9, "four shards on one server, 256 connections, of one shard", FOUR_SHARDS),
    Target("audits' share of the time, ten million counters", "%", AUDIT_PERCENT_MAX, False, _audit),
]
