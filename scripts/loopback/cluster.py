#!/usr/bin/python3
"""What scripts/cluster does: brings a cluster up, shows it, ends it.

usage: cluster.py check|down|status DIRECTORY
       cluster.py up DIRECTORY PROGRAM
"""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import ask
from state import State, try_lock

DOWN_DEADLINE = 120  # Seconds; then the supervisor is killed, and all end with it.
LOGS = ("logs", "supervisor.log")
GONE_DEADLINE = 10  # Seconds that the kernel has to clear away what was ended.
LOOK = 0.1  # Seconds.


def check(directory):
    """Refuses where a cluster is up, and in a directory that isn't a cluster's."""
    if directory.exists() and any(directory.iterdir()) and not (directory / "lock").exists():
        sys.exit(f"{directory} has files and isn't a cluster's: name another with KEYLEDGER_CLUSTER")
    if is_up(directory):
        sys.exit(f"a cluster is up already in {directory}: see scripts/cluster status, or end it with down")


def is_up(directory):
    if not (directory / "lock").exists():
        return False
    lock = try_lock(directory)
    if lock is not None:
        os.close(lock)
    return lock is None


def up(directory, program):
    check(directory)
    directory.mkdir(parents=True, exist_ok=True)
    lock = try_lock(directory)
    if lock is None:
        check(directory)
    clear(directory)
    log = directory / "supervisor.log"
    with open(log, "wb") as output:
        supervisor = subprocess.Popen(
            [sys.executable, "-B", pathlib.Path(__file__).with_name("supervisor.py"), directory, program],
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            pass_fds=[lock])
    os.close(lock)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        wait_until_ready(directory, supervisor, log)
    except BaseException:
        supervisor.terminate()
        supervisor.wait()
        raise
    print_what_to_try(directory, program)


def wait_until_ready(directory, supervisor, log):
    said = None
    while True:
        over = supervisor.poll() is not None  # Before the state is read, which is then the last.
        state = State.load(directory)
        phase = state.phase if state else "starting"
        if phase == "ready" and not over:
            return
        if over:
            sys.exit(f"{phase if phase.startswith('failed') else 'the supervisor ended'}; logs: {log}, "
                     f"{directory / 'logs'}")
        if phase != said:
            print(f"waiting until {phase}" if state else phase, file=sys.stderr)
            said = phase
        time.sleep(LOOK)


def print_what_to_try(directory, program):
    state = State.load(directory)
    print(f"""\
A cluster is up in {directory}. Make a token, a key on one node, and sign in with it through nginx:

TOKEN=$({program} token --key-ring {directory / 'keyring.json'} --account acme --username ada@example.com)
KEY=$(curl -sS --fail-with-body http://{state.named('command-1').address}/v1/accounts/acme/keys \\
  -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{{"name": "a key"}}' | jq -r .value)
curl -sS -i -u "ada@example.com:$KEY" http://{state.named('nginx').address}/

The other command node is http://{state.named('command-2').address}, the brokers are
{state.bootstrap}.
scripts/cluster status shows every process, scripts/cluster down ends them.""")


def down(directory):
    if not is_up(directory):
        if (directory / "lock").exists():
            clear(directory, but=LOGS)  # One that was killed, or didn't come up, left its data.
        print(f"no cluster is up in {directory}")
        return
    state = wait_for(lambda: State.load(directory), 10) or sys.exit(f"{directory} has no state yet: try again")
    os.kill(state.supervisor, signal.SIGTERM)
    os.kill(state.supervisor, signal.SIGCONT)
    if not wait_for(lambda: not is_up(directory), DOWN_DEADLINE):
        os.kill(state.supervisor, signal.SIGKILL)
    pids = [state.supervisor, *(process.pid for process in State.load(directory).processes if process.ended is None)]
    if not wait_for(lambda: all(map(ask.has_ended, pids)), GONE_DEADLINE):
        sys.exit(f"still there: {' '.join(str(pid) for pid in pids if not ask.has_ended(pid))}")
    clear(directory, but=LOGS)
    print(f"the cluster in {directory} has ended; its logs are in {directory / 'logs'}")


def wait_for(condition, seconds):
    deadline = time.monotonic() + seconds
    while not (result := condition()) and time.monotonic() < deadline:
        time.sleep(LOOK)
    return result


def clear(directory, but=()):
    """Removes what a cluster left in its directory."""
    for entry in directory.iterdir():
        if entry.name in ("lock", *but):
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def status(directory):
    """Exits with 1 unless everything runs and is ready."""
    state = State.load(directory)
    if not is_up(directory):
        last = state.phase if state and state.phase.startswith("failed") else "the last one was killed"
        sys.exit(f"no cluster is up in {directory}" + (f"; {last}" if state else ""))
    if state is None:
        sys.exit(f"a cluster begins to come up in {directory}")
    rows = [look_at(process) for process in state.processes]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))] if rows else []
    over = state.phase.startswith(("ready", "failed"))
    print(f"{directory}: {'' if over else 'waiting until '}{state.phase}")
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    sys.exit(0 if state.phase == "ready" and all("runs" in row for row in rows) else 1)


def look_at(process):
    """Its row: name, pid, how it is, address, role, and of a node whether it leads or isn't ready, and its position."""
    def row(how, *more):
        return (process.name, f"pid {process.pid}", how, process.address, process.role, " ".join(more))

    if process.ended is not None:
        ended = signal.Signals(-process.ended).name if process.ended < 0 else str(process.ended)
        return row(f"ended ({ended})", f"see {process.log}")
    if ask.state_of(process.pid) == "T":
        return row("paused")
    if not process.name.startswith(("command", "verify")):
        return row("runs" if ask.listens(process.address) else "is silent")
    said = ask.readiness(process.address)
    if said is None:
        return row("is silent", f"see {process.log}")
    leads = "leads, " if ask.leads(process.address) else ""
    ready = "runs" if said["ready"] else "isn't ready"
    return row(ready, f"{leads}position {said['position']} of {said['log_end']}", *said["reasons"])


if __name__ == "__main__":
    commands = {"check": check, "up": up, "down": down, "status": status}
    commands[sys.argv[1]](*map(pathlib.Path, sys.argv[2:]))
