"""The databases of the contestants."""

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from .processes import POLL_SECONDS, START_SECONDS_MAX, Failed, await_ready, free_port, run, start

# As root, PostgreSQL runs as the user of the Debian package.
POSTGRES_USER = "postgres" if os.geteuid() == 0 else None

# psql and pgbench, used for servers of every release.
CLIENT_BIN = Path("/usr/lib/postgresql/15/bin")

POSTGRES_SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    # Twice the most connections of a load generator, and the pools of all contestants.
    "max_connections": "700",
}

REDIS_SETTINGS = {
    "appendonly": "yes",
    "save": "",
    # Prevents a rewrite of the log during a run.
    "auto-aof-rewrite-percentage": "0",
    # While a script fills it with counters, other commands wait. By default they fail after five seconds.
    "lua-time-limit": "0",
}


@dataclass(frozen=True)
class Database:
    """One database of the cluster."""

    port: int
    name: str

    @property
    def address(self) -> str:
        return f"//127.0.0.1:{self.port}/{self.name}"

    def sql(self, text: str) -> str:
        """Runs SQL and returns what it selects, unaligned."""
        return run(self.client("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", text)).strip()

    @contextmanager
    def activity(self) -> "Iterator[Activity]":
        """Observes the other clients of this database."""
        with closing(psycopg2.connect(host="127.0.0.1", port=self.port, user="postgres", dbname=self.name)) as session:
            session.autocommit = True
            yield Activity(session)

    def client(self, program: str, *arguments: str) -> list[str]:
        server = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres"]
        name = ["-d", self.name] if program == "psql" else [self.name]
        return [str(CLIENT_BIN / program), *server, *arguments, *name]


class Activity:
    """The other clients of one database, seen over one connection: cheap, and possible while connections are scarce."""

    def __init__(self, session: "psycopg2.extensions.connection") -> None:
        self._session = session

    def await_none(self) -> None:
        """Waits until the connections of an earlier client are closed."""
        deadline = time.monotonic() + START_SECONDS_MAX
        while self._count("true") > 0:
            if time.monotonic() > deadline:
                raise Failed(f"an earlier client still has connections after {START_SECONDS_MAX:.0f} s")
            time.sleep(POLL_SECONDS)

    def has_updates(self) -> bool:
        """Whether a client has begun an update."""
        return self._count("query like 'update %'") > 0

    def _count(self, condition: str) -> int:
        with self._session.cursor() as cursor:
            cursor.execute(
                "select count(*) from pg_stat_activity where datname = current_database() "
                f"and backend_type = 'client backend' and pid <> pg_backend_pid() and {condition}"
            )
            return int(cursor.fetchone()[0])


class Postgres:
    """A cluster of its own, durable."""

    def __init__(self, binaries: Path, directory: Path, preload: Mapping[str, str]) -> None:
        self._port = free_port()
        data = directory / "data"
        self._preload = preload
        directory.mkdir()
        if POSTGRES_USER is not None:
            run(["chown", POSTGRES_USER, str(directory)])
        run(
            [str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "--locale=C.UTF-8", "-E", "UTF8"],
            user=POSTGRES_USER,
        )
        settings = {**POSTGRES_SETTINGS, "port": str(self._port), "listen_addresses": "127.0.0.1"}
        settings["unix_socket_directories"] = str(directory)
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self._service = start(
            "PostgreSQL",
            [str(binaries / "postgres"), "-D", str(data), *options],
            directory.parent / f"{directory.name}.log",
            environment=preload,
            user=POSTGRES_USER,
            stop_signal=signal.SIGINT,
        )

    def await_ready(self) -> None:
        await_ready(self._service, self._answers)
        if "LD_PRELOAD" in self._preload:
            self._service.require_loaded(self._preload["LD_PRELOAD"])
        for name, wanted in POSTGRES_SETTINGS.items():
            found = self._main.sql(f"show {name}")
            if found != wanted:
                raise Failed(f"PostgreSQL has {name} = {found}, but must have {wanted}")

    def create(self, name: str) -> Database:
        self._main.sql(f"create database {name}")
        return Database(self._port, name)

    def checkpoint(self) -> None:
        self._main.sql("checkpoint")

    def version(self) -> str:
        return self._main.sql("show server_version")

    def stop(self) -> None:
        self._service.stop()

    @property
    def _main(self) -> Database:
        return Database(self._port, "postgres")

    def _answers(self) -> bool:
        try:
            return self._main.sql("select 1") == "1"
        except Failed:
            return False


class Redis:
    """A server that appends each change to a file."""

    def __init__(self, appendfsync: str, directory: Path, preload: Mapping[str, str]) -> None:
        self.port = free_port()
        self._preload = preload
        directory.mkdir()
        settings = {**REDIS_SETTINGS, "appendfsync": appendfsync, "port": str(self.port), "bind": "127.0.0.1"}
        settings["dir"] = str(directory)
        options = [word for name, value in settings.items() for word in (f"--{name}", value)]
        self._service = start(
            f"redis-server ({appendfsync})",
            ["redis-server", *options],
            directory.parent / f"{directory.name}.log",
            environment=preload,
        )

    def await_ready(self) -> None:
        await_ready(self._service, self._answers)
        if "LD_PRELOAD" in self._preload:
            self._service.require_loaded(self._preload["LD_PRELOAD"])

    def command(self, *words: str) -> str:
        return run(["redis-cli", "-p", str(self.port), *words]).strip()

    def sum(self, name: str, size: int) -> int:
        """The sum of the values at keys made from {@code name}, a format of Lua's, and the numbers from 0 to {@code size}."""
        script = (
            "local sum = 0 "
            "for number = 0, tonumber(ARGV[2]) do "
            "sum = sum + tonumber(redis.call('get', string.format(ARGV[1], number)) or 0) end "
            "return sum"
        )
        return int(self.command("eval", script, "0", name, str(size)))

    def fill(self, name: str, size: int) -> None:
        """Sets the same keys to 0."""
        script = (
            "for number = 0, tonumber(ARGV[2]) do redis.call('set', string.format(ARGV[1], number), 0) end return 'OK'"
        )
        answer = self.command("eval", script, "0", name, str(size))
        if answer != "OK":
            raise Failed(f"filling Redis failed: {answer}")

    def rss_kib(self) -> int:
        return self._service.rss_kib()

    def stop(self) -> None:
        self._service.stop()

    def _answers(self) -> bool:
        try:
            return self.command("ping") == "PONG"
        except Failed:
            return False
