"""Processes of our own, known by a file each: started once, stopped once.

A file NAME.pid holds the process id and the time at which that process began,
as the kernel has it: an id that was given to somebody else since is not ours.
"""
import os
import pathlib
import signal
import subprocess
import time


def _began(pid):
    """When a process began, in ticks since boot; None if it is gone."""
    try:
        stat = pathlib.Path(f'/proc/{pid}/stat').read_text()
    except OSError:
        return None
    # The name in parentheses may hold anything.
    fields = stat.rpartition(')')[2].split()
    return None if fields[0] == 'Z' else fields[19]


class Process:
    """One program that goes on in the background."""

    def __init__(self, name, folder, command, environment=None):
        self.name = name
        self.command = [str(x) for x in command]
        self.environment = environment or {}
        self.log = folder / 'log' / f'{name}.out'
        self._file = folder / 'run' / f'{name}.pid'

    def pid(self):
        """Of the process that runs; None if there is none."""
        try:
            pid, began = self._file.read_text().split()
        except (OSError, ValueError):
            return None
        return int(pid) if _began(int(pid)) == began else None

    def start(self):
        if self.pid():
            return
        for x in (self.log, self._file):
            x.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open('ab') as log:
            child = subprocess.Popen(
                self.command, env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        self._file.write_text(f'{child.pid} {_began(child.pid)}\n')

    def tail(self, lines=15):
        """The end of what it said."""
        try:
            return '\n'.join(self.log.read_text().splitlines()[-lines:])
        except OSError:
            return '(it said nothing)'

    def resident_kib(self):
        """Its memory, shared pages by their share; 0 if it does not run."""
        try:
            text = pathlib.Path(f'/proc/{self.pid()}/smaps_rollup').read_text()
        except OSError:
            return 0
        return int(text.partition('\nPss:')[2].split()[0])

    def _signal(self, which):
        pid = self.pid()
        if pid:
            try:
                os.killpg(pid, which)  # It leads a session of its own.
            except ProcessLookupError:
                pass


def stop(processes, patience_s=15):
    """Ends them side by side; what does not listen is killed."""
    running = [x for x in processes if x.pid()]
    for which in (signal.SIGTERM, signal.SIGKILL):
        for x in running:
            x._signal(which)
        until = time.monotonic() + patience_s
        while any(x.pid() for x in running) and time.monotonic() < until:
            time.sleep(0.05)
        running = [x for x in running if x.pid()]
    for x in processes:
        x._file.unlink(missing_ok=True)
