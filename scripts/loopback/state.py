"""What the processes of a cluster are, in a file that anybody may read while they run."""

import dataclasses
import fcntl
import json
import os


@dataclasses.dataclass
class Process:
    name: str
    role: str
    address: str  # host:port
    log: str
    pid: int
    ended: int | None = None  # Its exit code; minus a signal's number where one ended it.


@dataclasses.dataclass
class State:
    supervisor: int
    phase: str = "starting"  # What is waited for, "ready", or what failed.
    bootstrap: str = ""
    processes: list[Process] = dataclasses.field(default_factory=list)

    def save(self, directory):
        """Whoever reads meanwhile finds the state before, or this one."""
        new = directory / "state.json.new"
        new.write_text(json.dumps(dataclasses.asdict(self), indent=2), encoding="utf-8")
        new.replace(directory / "state.json")

    @staticmethod
    def load(directory):
        """None where none was saved."""
        try:
            found = json.loads((directory / "state.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        found["processes"] = [Process(**process) for process in found["processes"]]
        return State(**found)

    def named(self, name):
        return next(process for process in self.processes if process.name == name)


def try_lock(directory):
    """The lock that says that a cluster is up: a file descriptor, or None where another process has it.

    The system takes it back when whoever has it ends, however that ends.
    """
    lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock
