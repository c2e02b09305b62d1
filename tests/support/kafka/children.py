"""Processes that end when this one does, however it ends."""

import atexit
import concurrent.futures
import subprocess

# The kernel sends the signal when the *thread* that started a process is gone, so one that stays starts them all.
_starter = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="starts children")


def start(command, **popen):
    """Starts `command` and gives back its Popen, whose pid is the command's own.

    If it is running still when this process ends, it is killed, also where that is killed itself.
    """
    # setpriv sets the signal and then becomes the command: no Python runs between fork and exec.
    child = _starter.submit(subprocess.Popen, ["setpriv", "--pdeathsig", "KILL", *command], **popen).result()
    atexit.register(end, child)
    return child


def end(child):
    """Kills `child`, paused or not, and waits until it is gone. Nothing if it is gone already."""
    child.kill()
    child.wait()
