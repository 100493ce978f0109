"""Servers and contestants, which all run at once until the end."""

from collections.abc import Callable, Mapping, Set
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from .contestants import (
    REDIS_ALWAYS_DURABILITY,
    REDIS_EVERYSEC_DURABILITY,
    Baseline,
    Contestant,
    Django,
    Java,
    LanesOff,
    NoDatabase,
    PgBench,
    RedisBenchmark,
    ShardedTally,
    Tally,
    Webdis,
)
from .servers import Postgres, Redis

TALLY = "tally"
TALLY_LARGE = "tally, large"
SHARDED = {count: f"tally, shards: {count}" for count in (1, 2, 4, 8)}
LANES_OFF = LanesOff.name
NO_DATABASE = NoDatabase.name
WEBDIS_ALWAYS = "webdis always"
WEBDIS_EVERYSEC = "webdis everysec"
DJANGO = Django.name
PGBENCH = PgBench.name
REDIS_BENCHMARK = RedisBenchmark.name


class Field:
    """A context manager that stops everything it started, even after a failure."""

    def __init__(
        self, names: Set[str], java: Java, postgres_bin: Path, directory: Path, preload: Mapping[str, str]
    ) -> None:
        self._java = java
        self._directory = directory
        self._preload = preload
        self.contestants: dict[str, Contestant] = {}
        with ExitStack() as stack:
            self.postgres = Postgres(postgres_bin, directory / "postgresql", preload)
            stack.callback(self.postgres.stop)
            self.postgres.await_ready()
            self._start(names, stack)
            for contestant in self.contestants.values():
                contestant.await_ready()
            self._stack = stack.pop_all()

    def __enter__(self) -> "Field":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _start(self, names: Set[str], stack: ExitStack) -> None:
        def add(name: str, make: Callable[[], Contestant]) -> None:
            if name in names:
                self.contestants[name] = make()
                stack.callback(self.contestants[name].stop)

        add(TALLY, lambda: Tally(self._java, self.postgres.create("tally")))
        add(TALLY_LARGE, lambda: Tally(self._java, self.postgres.create("tally_large"), TALLY_LARGE))
        for count, name in SHARDED.items():
            add(name, partial(self._sharded, name, count))
        if names & {LANES_OFF, NO_DATABASE}:
            baseline = Baseline(self._java, self.postgres.create("baseline"))
            stack.callback(baseline.service.stop)
            add(LANES_OFF, lambda: LanesOff(baseline))
            add(NO_DATABASE, lambda: NoDatabase(baseline))
        if names & {WEBDIS_ALWAYS, REDIS_BENCHMARK}:
            always = self._redis("always", stack)
            add(WEBDIS_ALWAYS, lambda: Webdis(WEBDIS_ALWAYS, REDIS_ALWAYS_DURABILITY, always, self._directory))
            add(REDIS_BENCHMARK, lambda: RedisBenchmark(always))
        if WEBDIS_EVERYSEC in names:
            everysec = self._redis("everysec", stack)
            add(WEBDIS_EVERYSEC, lambda: Webdis(WEBDIS_EVERYSEC, REDIS_EVERYSEC_DURABILITY, everysec, self._directory))
        add(DJANGO, lambda: Django(self.postgres.create("django"), self._directory))
        add(PGBENCH, lambda: PgBench(self.postgres.create("pgbench")))

    def _sharded(self, name: str, count: int) -> Contestant:
        tally = ShardedTally(self._java, self.postgres.create(f"tally_of_{count}"), name, count)
        # Before the next one: many JVMs that start at once on few cores take longer than the time-out.
        tally.await_ready()
        return tally

    def _redis(self, appendfsync: str, stack: ExitStack) -> Redis:
        redis = Redis(appendfsync, self._directory / f"redis-{appendfsync}", self._preload)
        stack.callback(redis.stop)
        redis.await_ready()
        return redis
