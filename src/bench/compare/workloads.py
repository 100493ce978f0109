"""The workloads and their contestants."""

from dataclasses import dataclass
from pathlib import Path

from . import field
from .contestants import Counters, Java
from .load import (
    ZIPF,
    HalfOfMaximum,
    Load,
    OpenLoop,
    PgBenchLoad,
    RedisBenchmarkLoad,
    SmallLoad,
    Upload,
    Wrk,
    WrkWithRefusals,
)
from .modes import Mode
from .runs import Runs

HOT = Counters("hot", 1)
TEN_THOUSAND = Counters("spread", 10_000)
MILLION = Counters("million", 1_000_000)
TEN_MILLION = Counters("ten-million", 10_000_000)
KEYED = Counters("keyed", 1)
UNBOUNDED = Counters("unbounded", 1)
BOUNDED = Counters("bounded", 1, maximum=str(1 << 60))
EXHAUSTED = Counters("exhausted", 1, maximum="0")
HALF_EXHAUSTED = Counters("half-exhausted", 2, maximum=f"case number when 1 then {1 << 60} else 0 end")

PERIODIC = Counters("periodic", 1, maximum=str(1 << 60), every="PT5S")
EXHAUSTED_PERIOD = Counters("exhausted-period", 1, maximum="1", every="P1D")

EIGHT = Counters("eight", 8)

HOT_CONNECTIONS = (1, 16, 64, 256)
CONNECTIONS = 64
SHARDS_CONNECTIONS = 256
OPEN_LOOP = "open-loop"
SMALL_RATES = (100, 1_000, 5_000)
REPLAYED_PERCENTS = (0, 10, 50)
PIPELINE = 16
# The load generator needs its own JIT warm-up, too.
OPEN_LOOP_WARM_UP_SECONDS = 3

UNKEYED = "un-keyed"
WITHOUT_BOUNDS = "no bounds"
FAR_FROM_MAX = "far from its max"
AT_MAX = "at its max"
HALF_AT_MAX = "two in turn, one at its max"
IN_PERIODS = "periods of 5 s"
AT_MAX_OF_PERIOD = "at the max of a day"
MINIMAL = "tally, summary"
PIPELINED = f"redis-benchmark -P {PIPELINE}"
TEN_THOUSAND_OF_FEW = "10,000 of 10,000"
TEN_THOUSAND_OF_MANY = "10,000 of ten million"
ALL_OF_MANY = "all of ten million"
ONE_SHARD, FOUR_SHARDS = "shards: 1", "shards: 4"

# The sets of servers that run at the same time.
USUAL = "usual"
SLOW = "slow disk"
LARGE = "large"
SHARDS = "shards"
SERVERS = (USUAL, SLOW, LARGE, SHARDS)


def keyed(percent: int) -> str:
    return f"keyed, {percent} % replays"


@dataclass(frozen=True)
class Entrant:
    """A column of the report: a contestant under some load."""

    label: str
    contestant: str
    load: Load
    counters: Counters | None = None  # None: those of the workload
    connections: int | None = None


@dataclass(frozen=True)
class Workload:
    """A row of the report. The others are compared with the reference."""

    name: str
    title: str
    counters: Counters
    connections: int
    entrants: tuple[Entrant, ...]
    servers: str = USUAL
    reference: str = field.TALLY
    is_long: bool = False  # not in the short mode, unless it is asked for

    @property
    def has_constant_rate(self) -> bool:
        """Whether the latencies are the result, and not the throughput."""
        return all(isinstance(entrant.load, OpenLoop) for entrant in self.entrants)


def _over_http(*contestants: str, load: Load) -> tuple[Entrant, ...]:
    return tuple(Entrant(name, name, load) for name in contestants)


def _hot(connections: int, on: str) -> Workload:
    contestants = [field.TALLY, field.LANES_OFF, field.WEBDIS_ALWAYS, field.WEBDIS_EVERYSEC, field.DJANGO]
    if on == USUAL:
        contestants.append(field.NO_DATABASE)
    slow = on == SLOW
    return Workload(
        f"{'slow-' if slow else ''}hot-{connections}",
        f"{'Slow disk: one' if slow else 'One'} hot counter, {connections} connection{'s' if connections > 1 else ''}",
        HOT,
        connections,
        (
            *_over_http(*contestants, load=Wrk()),
            Entrant(field.PGBENCH, field.PGBENCH, PgBenchLoad()),
            Entrant(field.REDIS_BENCHMARK, field.REDIS_BENCHMARK, RedisBenchmarkLoad()),
        ),
        on,
    )


def _spread(name: str, title: str, counters: Counters, skew: str, on: str = USUAL) -> Workload:
    contestants = (field.TALLY, field.LANES_OFF, field.WEBDIS_ALWAYS, field.WEBDIS_EVERYSEC, field.DJANGO)
    entrants = [
        *_over_http(*contestants, load=Wrk(skew)),
        Entrant(field.PGBENCH, field.PGBENCH, PgBenchLoad(skew)),
    ]
    if skew != ZIPF:
        # redis-benchmark knows no other distribution.
        entrants.append(Entrant(field.REDIS_BENCHMARK, field.REDIS_BENCHMARK, RedisBenchmarkLoad()))
    return Workload(name, title, counters, CONNECTIONS, tuple(entrants), on)


def _reads() -> Workload:
    contestants = (
        field.TALLY,
        field.LANES_OFF,
        field.WEBDIS_ALWAYS,
        field.WEBDIS_EVERYSEC,
        field.DJANGO,
        field.NO_DATABASE,
    )
    entrants = _over_http(*contestants, load=Wrk(reads=True))
    return Workload("reads", f"Reads of one counter, {CONNECTIONS} connections", HOT, CONNECTIONS, entrants)


def _keyed() -> Workload:
    entrants = [Entrant(UNKEYED, field.TALLY, Wrk(scripted=True))]
    entrants += [Entrant(keyed(percent), field.TALLY, Wrk(replayed_percent=percent)) for percent in REPLAYED_PERCENTS]
    return Workload(
        "keyed",
        f"One hot counter with idempotency keys, {CONNECTIONS} connections",
        KEYED,
        CONNECTIONS,
        tuple(entrants),
        reference=UNKEYED,
    )


def _bounds() -> Workload:
    columns = {
        WITHOUT_BOUNDS: UNBOUNDED,
        FAR_FROM_MAX: BOUNDED,
        AT_MAX: EXHAUSTED,
        HALF_AT_MAX: HALF_EXHAUSTED,
        IN_PERIODS: PERIODIC,
        AT_MAX_OF_PERIOD: EXHAUSTED_PERIOD,
    }
    return Workload(
        "bounds",
        f"One hot counter with bounds and periods, {CONNECTIONS} connections",
        UNBOUNDED,
        CONNECTIONS,
        tuple(Entrant(label, field.TALLY, WrkWithRefusals(), counters) for label, counters in columns.items()),
        reference=WITHOUT_BOUNDS,
    )


def _upload(name: str, title: str, counters: Counters) -> Workload:
    return Workload(
        name,
        title,
        counters,
        1,
        (
            Entrant(field.TALLY, field.TALLY, Upload(minimal=False)),
            Entrant(MINIMAL, field.TALLY, Upload(minimal=True)),
            Entrant(PIPELINED, field.REDIS_BENCHMARK, RedisBenchmarkLoad(PIPELINE), connections=CONNECTIONS),
        ),
        reference=MINIMAL,
    )


def _open_loop(java: Java, runs: Runs, out: Path) -> Workload:
    load = HalfOfMaximum(java, OPEN_LOOP_WARM_UP_SECONDS, out, runs, f"hot-{CONNECTIONS}", {})
    contestants = (
        field.TALLY,
        field.LANES_OFF,
        field.WEBDIS_ALWAYS,
        field.WEBDIS_EVERYSEC,
        field.DJANGO,
        field.NO_DATABASE,
    )
    return Workload(
        OPEN_LOOP,
        f"Constant rate, half of each one's maximum, {CONNECTIONS} connections",
        HOT,
        CONNECTIONS,
        _over_http(*contestants, load=load),
    )


def _small_loads(rate: int, java: Java, out: Path) -> Workload:
    load = SmallLoad(java, OPEN_LOOP_WARM_UP_SECONDS, out, rate)
    return Workload(
        f"small-loads-{rate}",
        f"One hot counter, {rate:,} requests a second",
        HOT,
        CONNECTIONS,
        _over_http(field.TALLY, field.WEBDIS_ALWAYS, field.WEBDIS_EVERYSEC, load=load),
        is_long=True,
    )


def _large() -> Workload:
    return Workload(
        "large",
        f"Ten million counters, {CONNECTIONS} connections",
        TEN_MILLION,
        CONNECTIONS,
        (
            Entrant(TEN_THOUSAND_OF_FEW, field.TALLY, Wrk(), TEN_THOUSAND),
            # Each thousandth, so that no two lie in one page.
            Entrant(TEN_THOUSAND_OF_MANY, field.TALLY_LARGE, Wrk(), Counters(TEN_MILLION.group, 10_000, "000")),
            Entrant(ALL_OF_MANY, field.TALLY_LARGE, Wrk(), TEN_MILLION),
        ),
        LARGE,
        reference=TEN_THOUSAND_OF_FEW,
    )


def _shards(name: str, title: str, counters: Counters) -> Workload:
    entrants = [Entrant(f"shards: {count}", contestant, Wrk()) for count, contestant in field.SHARDED.items()]
    return Workload(
        f"shards-{name}",
        f"{title}, {SHARDS_CONNECTIONS} connections",
        counters,
        SHARDS_CONNECTIONS,
        tuple(entrants),
        SHARDS,
        reference=ONE_SHARD,
        is_long=True,
    )


def workloads(mode: Mode, java: Java, runs: Runs, latencies: Path) -> list[Workload]:
    at_64 = f"{CONNECTIONS} connections"
    usual = [
        *(_hot(connections, USUAL) for connections in HOT_CONNECTIONS),
        _spread("spread", f"10,000 counters, {at_64}", TEN_THOUSAND, "uniform"),
        _spread("zipf", f"10,000 counters, Zipf, {at_64}", TEN_THOUSAND, ZIPF),
        _spread("million", f"1 million counters, {at_64}", MILLION, "uniform"),
        _reads(),
        _keyed(),
        _bounds(),
        _upload("ndjson-hot", "NDJSON, one hot counter", HOT),
        _upload("ndjson-spread", "NDJSON, 10,000 counters", TEN_THOUSAND),
        _open_loop(java, runs, latencies),
        *(_small_loads(rate, java, latencies) for rate in SMALL_RATES),
    ]
    slow = [
        *(_hot(connections, SLOW) for connections in HOT_CONNECTIONS if connections > 1 or mode.has_long_rows),
        _spread("slow-spread", f"Slow disk: 10,000 counters, {at_64}", TEN_THOUSAND, "uniform", SLOW),
    ]
    shards = [
        _shards("spread", "One server, 10,000 namespaces", TEN_THOUSAND),
        _shards("hot", "One server, eight hot counters, of eight shards one each", EIGHT),
    ]
    return usual + slow + ([_large()] if mode.has_long_rows else []) + shards
