"""The contestants: how to start each, its requests, and its sums."""

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from .processes import Failed, Service, answers, await_ready, free_port, get, start
from .servers import Database, Redis

BENCH = Path(__file__).resolve().parent.parent
SOURCES = BENCH.parent
BUILD = SOURCES.parent / "target" / "bench" / "build"

# The memory limit of the container, which the JVM options of the image assume.
JVM_MEMORY = "512m"

WEBDIS_THREADS = 2
# Connections of each thread to Redis. Of 1, 2, 4, 8, 20 (what it takes by itself) and 64 the fastest on two cores at 16, 64 and
# 256 connections, a fifth above 20: the fewer they are, the more commands go out in one write.
WEBDIS_POOL = 2

# Of 1 to 4 workers with 1 to 8 threads the fastest on two cores. More threads only share a worker's one interpreter.
GUNICORN_WORKERS = 3
GUNICORN_THREADS = 1
GUNICORN_KEEP_ALIVE_SECONDS = 75

# How each table is kept: as Tally keeps its own, room for updates within the page and a keen autovacuum.
STORAGE = (
    "with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, "
    "autovacuum_vacuum_cost_delay = 0)"
)

POSTGRES_DURABILITY = "crash of the service, of PostgreSQL and of the machine: answered after an fsync"
REDIS_ALWAYS_DURABILITY = "crash of Webdis, of Redis and of the machine: answered after an fsync"
REDIS_EVERYSEC_DURABILITY = "WEAKER: a crash of the machine takes what was acknowledged in the last second"


@dataclass(frozen=True)
class Counters:
    """A named group of counters, numbered from 1."""

    group: str
    size: int
    zeros: str = ""  # The suffix of the number in a name: "00" selects each hundredth counter of a larger group.
    maximum: str = "null::bigint"  # SQL with the number of the counter. Only Tally has maxima.
    every: str | None = None  # The length of the periods. Only Tally has periods.


@dataclass(frozen=True)
class Requests:
    """The request path of one of several counters: a head, its number, and a tail."""

    method: str
    head: str
    tail: str

    def to(self, number: int) -> str:
        return f"{self.head}{number}{self.tail}"


class Contestant(ABC):
    """A service that stores counters and can return their sum."""

    name: str
    what: str
    durability: str

    @abstractmethod
    def await_ready(self) -> None:
        """Waits until it answers; fails if it ended."""

    @abstractmethod
    def prepare(self, counters: Counters) -> None:
        """Creates the counters with the value 0."""

    @abstractmethod
    def stored(self, counters: Counters) -> int:
        """The sum of their values."""

    @abstractmethod
    def rss_kib(self) -> int:
        """Resident memory of its own processes; PostgreSQL's is not counted."""

    @abstractmethod
    def stop(self) -> None:
        """Ends its processes."""

    def audit(self) -> None:
        """Fails if its own checks report a problem."""


class HttpContestant(Contestant):
    """A contestant with an HTTP API."""

    url: str

    @abstractmethod
    def increments(self, counters: Counters) -> Requests:
        """The request that adds one."""

    @abstractmethod
    def reads(self, counters: Counters) -> Requests:
        """The request that reads the value."""


class Java:
    """Starts Java programs as the image does."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._java = Path((BUILD / "java-home").read_text().strip()) / "bin" / "java"
        self._options = directory / "jvm.options"
        lines = (SOURCES / "main" / "docker" / "jvm.options").read_text().splitlines()
        # Outside the image, Netty loads its native library from the jar.
        self._options.write_text("\n".join(line for line in lines if not line.startswith("-Djava.library.path")))

    def start(self, name: str, *arguments: str, environment: dict[str, str] | None = None) -> Service:
        command = [str(self._java), f"@{self._options}", f"-XX:MaxRAM={JVM_MEMORY}", *arguments]
        return start(name, command, self._directory / f"{name}.log", environment)

    def bench(self, main: str) -> list[str]:
        """The command of a program of the measurements, with the default settings of the JVM."""
        return [str(self._java), f"@{BUILD / 'classpath'}", main]


class Tally(HttpContestant):
    what = "Tally"
    durability = POSTGRES_DURABILITY

    def __init__(self, java: Java, database: Database, name: str = "tally", *settings: str) -> None:
        self.name = name
        self._database = database
        port, management = free_port(), free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._management = f"http://127.0.0.1:{management}"
        self._service = java.start(
            name,
            "-jar",
            str(BUILD / "tally.jar"),
            "--server.address=127.0.0.1",
            f"--server.port={port}",
            "--management.server.address=127.0.0.1",
            f"--management.server.port={management}",
            *settings,
            environment={
                "TALLY_DATABASE_URL": f"postgresql:{database.address}",
                "TALLY_DATABASE_USERNAME": "postgres",
                "TALLY_DATABASE_PASSWORD": "unused",
            },
        )

    def await_ready(self) -> None:
        await_ready(self._service, lambda: answers(f"{self.url}/readyz"))

    def increments(self, counters: Counters) -> Requests:
        return Requests("POST", f"/v1/counters/{counters.group}/", f"{counters.zeros}/increments")

    def reads(self, counters: Counters) -> Requests:
        return Requests("GET", f"/v1/counters/{counters.group}/", counters.zeros)

    def prepare(self, counters: Counters) -> None:
        # Like PUT: the value 0 does not change the books. The first increment begins a period.
        rule = "null" if counters.every is None else f"'{counters.every} 1970-01-01T00:00Z'"
        time = "null::timestamptz" if counters.every is None else "now()"
        self._database.sql(
            "insert into counter (namespace, name, max, initial, period, period_start, period_end, period_version) "
            f"select '{counters.group}', number::text, {counters.maximum}, 0, {rule}, {time}, {time}, "
            f"case when {rule} is not null then 1 end "
            f"from generate_series(1, {counters.size}) number on conflict do nothing"
        )
        self._database.sql("vacuum (analyze) counter")

    def stored(self, counters: Counters) -> int:
        return int(
            self._database.sql(
                "select coalesce(sum(value), 0) from ("
                f"select value from counter where namespace = '{counters.group}' union all "
                f"select value from ended_period where namespace = '{counters.group}') every"
            )
        )

    def audit(self) -> None:
        report = json.loads(get(f"{self.url}/v1/audits", "POST"))
        if report["drift"] != 0 or report["lostOperations"] != 0:
            raise Failed(f"the books do not balance: {report}")

    def audit_seconds(self) -> float:
        """The total duration of all audits since the start."""
        metrics = get(f"{self._management}/actuator/prometheus").splitlines()
        sums = [line.split()[-1] for line in metrics if line.startswith("tally_audit_seconds_sum")]
        return sum(float(value) for value in sums)

    def rss_kib(self) -> int:
        return self._service.rss_kib()

    def stop(self) -> None:
        self._service.stop()


class ShardedTally(Tally):
    """Tally with several shards on one server. Each counter has a namespace of its own."""

    def __init__(self, java: Java, database: Database, name: str, shards: int) -> None:
        super().__init__(java, database, name, f"--tally.shards.count={shards}")
        self.what = f"Tally, shards: {shards}"
        self._schemas = ["public"] if shards == 1 else [f"tally_{number}" for number in range(1, shards + 1)]

    # With a dash behind the number, the namespaces 1 to 8 of each group are in eight different shards of eight.

    def increments(self, counters: Counters) -> Requests:
        return Requests("POST", f"/v1/counters/{counters.group}-", f"{counters.zeros}-/hits/increments")

    def reads(self, counters: Counters) -> Requests:
        return Requests("GET", f"/v1/counters/{counters.group}-", f"{counters.zeros}-/hits")

    def prepare(self, counters: Counters) -> None:
        # Tally itself knows the shard of each namespace.
        lines = [
            f'{{"namespace":"{counters.group}-{number}-","name":"hits","delta":0}}\n'
            for number in range(1, counters.size + 1)
        ]
        headers = {"Content-Type": "application/x-ndjson", "Prefer": "return=minimal"}
        summary = json.loads(get(f"{self.url}/v1/increments", "POST", "".join(lines).encode(), headers))
        if summary["applied"] != counters.size:
            raise Failed(f"the counters could not be created: {summary}")
        for schema in self._schemas:
            self._database.sql(f"vacuum (analyze) {schema}.counter")

    def stored(self, counters: Counters) -> int:
        every = " union all ".join(
            f"select value from {schema}.counter where namespace like '{counters.group}-%-'" for schema in self._schemas
        )
        return int(self._database.sql(f"select coalesce(sum(value), 0) from ({every}) every"))


class Baseline:
    """The process behind the two contestants below."""

    def __init__(self, java: Java, database: Database) -> None:
        self.database = database
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.service = java.start(
            "baseline",
            f"@{BUILD / 'classpath'}",
            "io.tally.bench.Baseline",
            "--server.address=127.0.0.1",
            f"--server.port={port}",
            f"--spring.r2dbc.url=r2dbc:postgresql:{database.address}",
            "--spring.r2dbc.username=postgres",
            "--spring.r2dbc.password=",
        )

    def await_ready(self) -> None:
        await_ready(self.service, lambda: answers(f"{self.url}/ready"))


class LanesOff(HttpContestant):
    name = "lanes off"
    what = "the same framework and driver, each request one upsert over a pool of 16 connections"
    durability = POSTGRES_DURABILITY

    def __init__(self, baseline: Baseline) -> None:
        self._baseline = baseline
        self.url = baseline.url

    def await_ready(self) -> None:
        self._baseline.await_ready()

    def increments(self, counters: Counters) -> Requests:
        return Requests("POST", f"/upsert/{counters.group}-", "")

    def reads(self, counters: Counters) -> Requests:
        return Requests("GET", f"/upsert/{counters.group}-", "")

    def prepare(self, counters: Counters) -> None:
        self._baseline.database.sql(
            "insert into baseline (namespace, name, value, version, updated_at) "
            f"select 'bench', '{counters.group}-' || number, 0, 1, now() "
            f"from generate_series(1, {counters.size}) number on conflict do nothing"
        )
        self._baseline.database.sql("vacuum (analyze) baseline")

    def stored(self, counters: Counters) -> int:
        # The character after '-' is '.'.
        return int(
            self._baseline.database.sql(
                "select coalesce(sum(value), 0) from baseline where namespace = 'bench' "
                f"and name > '{counters.group}-' and name < '{counters.group}.'"
            )
        )

    def rss_kib(self) -> int:
        return self._baseline.service.rss_kib()

    def stop(self) -> None:
        self._baseline.service.stop()


class NoDatabase(HttpContestant):
    name = "no database"
    what = "ceiling: the same framework, counting in memory"
    durability = "nothing"

    def __init__(self, baseline: Baseline) -> None:
        self._baseline = baseline
        self.url = baseline.url

    def await_ready(self) -> None:
        self._baseline.await_ready()

    def increments(self, counters: Counters) -> Requests:
        # The server ignores the query.
        return Requests("POST", "/none?", "")

    def reads(self, counters: Counters) -> Requests:
        return Requests("GET", "/none?", "")

    def prepare(self, counters: Counters) -> None:
        pass

    def stored(self, counters: Counters) -> int:
        return int(json.loads(get(f"{self.url}/none"))["value"])

    def rss_kib(self) -> int:
        return self._baseline.service.rss_kib()

    def stop(self) -> None:
        self._baseline.service.stop()


class Webdis(HttpContestant):
    def __init__(self, name: str, durability: str, redis: Redis, directory: Path) -> None:
        self.name = name
        self.what = f"Webdis (C) over Redis, {WEBDIS_THREADS} threads with {WEBDIS_POOL} connections each to Redis"
        self.durability = durability
        self._redis = redis
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        settings = directory / f"{name.replace(' ', '-')}.json"
        settings.write_text(
            json.dumps(
                {
                    "redis_host": "127.0.0.1",
                    "redis_port": redis.port,
                    "http_host": "127.0.0.1",
                    "http_port": port,
                    "threads": WEBDIS_THREADS,
                    "pool_size": WEBDIS_POOL,
                    "daemonize": False,
                    "verbosity": 0,
                    "logfile": str(settings.with_suffix(".webdis")),
                }
            )
        )
        self._service = start(name, ["webdis", str(settings)], settings.with_suffix(".log"))

    def await_ready(self) -> None:
        await_ready(self._service, lambda: answers(f"{self.url}/PING"))

    def increments(self, counters: Counters) -> Requests:
        return Requests("GET", f"/INCR/{counters.group}-", "")

    def reads(self, counters: Counters) -> Requests:
        return Requests("GET", f"/GET/{counters.group}-", "")

    def prepare(self, counters: Counters) -> None:
        self._redis.fill(f"{counters.group}-%d", counters.size)

    def stored(self, counters: Counters) -> int:
        return self._redis.sum(f"{counters.group}-%d", counters.size)

    def rss_kib(self) -> int:
        return self._service.rss_kib() + self._redis.rss_kib()

    def stop(self) -> None:
        self._service.stop()


class Django(HttpContestant):
    name = "Django F()"
    what = f"Django, gunicorn with {GUNICORN_WORKERS} workers, connections kept"
    durability = POSTGRES_DURABILITY

    def __init__(self, database: Database, directory: Path) -> None:
        self._database = database
        database.sql(f"create table counter (name text primary key, value bigint not null) {STORAGE}")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._service = start(
            "django",
            [
                "/usr/bin/python3",
                "-B",
                "-m",
                "gunicorn.app.wsgiapp",
                "--chdir",
                str(BENCH / "django"),
                "--bind",
                f"127.0.0.1:{port}",
                "--worker-class",
                "gthread",
                "--workers",
                str(GUNICORN_WORKERS),
                "--threads",
                str(GUNICORN_THREADS),
                "--keep-alive",
                str(GUNICORN_KEEP_ALIVE_SECONDS),
                "counting:application",
            ],
            directory / "django.log",
            environment={"COUNTING_PORT": str(database.port), "COUNTING_DATABASE": database.name},
        )

    def await_ready(self) -> None:
        await_ready(self._service, lambda: answers(f"{self.url}/ready"))

    def increments(self, counters: Counters) -> Requests:
        return Requests("POST", f"/counters/{counters.group}-", "/increments")

    def reads(self, counters: Counters) -> Requests:
        return Requests("GET", f"/counters/{counters.group}-", "")

    def prepare(self, counters: Counters) -> None:
        self._database.sql(
            f"insert into counter select '{counters.group}-' || number, 0 "
            f"from generate_series(1, {counters.size}) number on conflict do nothing"
        )
        self._database.sql("vacuum (analyze) counter")

    def stored(self, counters: Counters) -> int:
        return int(
            self._database.sql(
                "select coalesce(sum(value), 0) from counter "
                f"where name > '{counters.group}-' and name < '{counters.group}.'"
            )
        )

    def rss_kib(self) -> int:
        return self._service.rss_kib()

    def stop(self) -> None:
        self._service.stop()


class PgBench(Contestant):
    """No server of its own: a load generator inside the database's protocol. A table for each group of counters."""

    name = "pgbench"
    what = "ceiling: one prepared update … returning by primary key, without a service"
    durability = POSTGRES_DURABILITY

    def __init__(self, database: Database) -> None:
        self.database = database

    def await_ready(self) -> None:
        pass

    def table(self, counters: Counters) -> str:
        return counters.group.replace("-", "_")

    def prepare(self, counters: Counters) -> None:
        table = self.table(counters)
        self.database.sql(f"create table {table} (id bigint primary key, value bigint not null) {STORAGE}")
        self.database.sql(f"insert into {table} select number, 0 from generate_series(1, {counters.size}) number")
        self.database.sql(f"vacuum (analyze) {table}")

    def stored(self, counters: Counters) -> int:
        return int(self.database.sql(f"select sum(value) from {self.table(counters)}"))

    def rss_kib(self) -> int:
        return 0

    def stop(self) -> None:
        pass


class RedisBenchmark(Contestant):
    """No server of its own: a load generator inside the protocol of Redis."""

    name = "redis-benchmark"
    what = "ceiling: INCR, appendfsync always, without a service"
    durability = REDIS_ALWAYS_DURABILITY

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    @property
    def port(self) -> int:
        return self._redis.port

    def await_ready(self) -> None:
        pass

    def key(self, counters: Counters, number: str) -> str:
        return f"benchmark:{counters.group}:{number}"

    def prepare(self, counters: Counters) -> None:
        self._redis.fill(self.key(counters, "%012d"), counters.size)

    def stored(self, counters: Counters) -> int:
        return self._redis.sum(self.key(counters, "%012d"), counters.size)

    def rss_kib(self) -> int:
        return 0

    def stop(self) -> None:
        pass
