"""Starting other programs, and ending every one of them."""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

START_SECONDS_MAX = 300.0
STOP_SECONDS_MAX = 20.0
POLL_SECONDS = 0.05

# The comparison reads what these programs print, which some of them would translate.
UNTRANSLATED = {"LC_ALL": "C.UTF-8"}


class Failed(Exception):
    """Something that the comparison needs did not work; the text says what, for the one who reads the report."""


@dataclass(frozen=True)
class Service:
    """A program that runs until it is stopped."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    stop_signal: signal.Signals

    def require_alive(self) -> None:
        if self.process.poll() is not None:
            raise Failed(f"{self.name} ended with {self.process.returncode}:\n{tail(self.log)}")

    def require_loaded(self, library: str) -> None:
        """Where the loader cannot open a library that is to be preloaded, it says so in the log and goes on."""
        if library not in Path(f"/proc/{self.process.pid}/maps").read_text():
            raise Failed(f"{self.name} runs without {library}:\n{tail(self.log)}")

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def rss_kib(self) -> int:
        """Resident memory of the program and of what it started."""
        return sum(_rss_kib(pid) for pid in [self.process.pid, *_children(self.process.pid)])


def start(
    name: str,
    command: Sequence[str],
    log: Path,
    environment: Mapping[str, str] | None = None,
    user: str | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
) -> Service:
    """Starts it in a session of its own, so that Ctrl-C reaches only us, and such that it ends when we are killed."""
    wrapper = ["setpriv", "--pdeathsig", stop_signal.name.removeprefix("SIG")]
    if user is not None:
        wrapper += ["--reuid", user, "--regid", user, "--init-groups"]
    with log.open("ab") as out:
        process = subprocess.Popen(
            [*wrapper, *command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            cwd=log.parent,
            start_new_session=True,
        )
    return Service(name, process, log, stop_signal)


def run(command: Sequence[str], environment: Mapping[str, str] | None = None, user: str | None = None) -> str:
    """Runs it to its end and returns what it printed."""
    wrapper = [] if user is None else ["setpriv", "--reuid", user, "--regid", user, "--init-groups"]
    done = subprocess.run(
        [*wrapper, *command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**os.environ, **UNTRANSLATED, **(environment or {})},
        check=False,
    )
    if done.returncode != 0:
        raise Failed(f"{command[0]} ended with {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def await_ready(service: Service, is_ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while not is_ready():
        service.require_alive()
        if time.monotonic() > deadline:
            raise Failed(f"{service.name} is not ready after {START_SECONDS_MAX:.0f} s:\n{tail(service.log)}")
        time.sleep(POLL_SECONDS)


def answers(url: str) -> bool:
    """Whether a GET is answered with 2xx."""
    try:
        get(url)
        return True
    except OSError:
        return False


def get(url: str, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None) -> str:
    request = urllib.request.Request(url, body, dict(headers or {}), method=method)
    with urllib.request.urlopen(request, timeout=START_SECONDS_MAX) as answer:
        return str(answer.read(), "utf-8")


def tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def _children(parent: int) -> list[int]:
    path = Path(f"/proc/{parent}/task/{parent}/children")
    direct = [int(pid) for pid in path.read_text().split()] if path.exists() else []
    return direct + [pid for child in direct for pid in _children(child)]


def _rss_kib(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")), 0)
