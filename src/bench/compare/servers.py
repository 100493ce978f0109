"""The databases of the contestants."""

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .processes import Failed, await_ready, free_port, run, start

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
    "max_connections": "400",
}

REDIS_SETTINGS = {
    "appendonly": "yes",
    "save": "",
    # Prevents a rewrite of the log during a run.
    "auto-aof-rewrite-percentage": "0",
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

    def client(self, program: str, *arguments: str) -> list[str]:
        server = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres"]
        name = ["-d", self.name] if program == "psql" else [self.name]
        return [str(CLIENT_BIN / program), *server, *arguments, *name]


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
