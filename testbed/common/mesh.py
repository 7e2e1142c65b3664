"""Sites that run, and what is done to them: commands, metrics, cuts."""
import contextlib
import itertools
import os
import pathlib
import shlex
import socket
import subprocess
import tempfile
import time

import nodes


class Unexpected(Exception):
    """Something that should hold does not."""


def expect(holds, what):
    if not holds:
        raise Unexpected(what)


class Done:
    """A command that has ended."""

    def __init__(self, words, process, seconds):
        self.words = words
        self.code = process.returncode
        self.out = process.stdout
        self.err = process.stderr
        self.seconds = seconds

    def __str__(self):
        return (f'`{shlex.join(self.words)}` ended with {self.code} after '
                f'{self.seconds:.1f} s\n--- out\n{self.out}--- err\n{self.err}')

    def must(self, code=0):
        expect(self.code == code, self)
        return self


def run(words, environment=None, timeout=180, stdin=None):
    words = [str(x) for x in words]
    start = time.monotonic()
    done = subprocess.run(words, env=environment, text=True, timeout=timeout,
                          capture_output=True, input=stdin)
    return Done(words, done, time.monotonic() - start)


def wait_until(what, holds, seconds=60):
    until = time.monotonic() + seconds
    while not holds():
        expect(time.monotonic() < until, f'after {seconds} s still not: {what}')
        time.sleep(0.2)


def wait_while_it_goes_on(what, look, seconds=60, pause=0.2):
    """Waits until `look()` answers None; it may take as long as it likes, if
    only what `look` answers changes: it must not stay for `seconds`."""
    seen = None
    while (now := look()) is not None:
        if now != seen:
            seen, until = now, time.monotonic() + seconds
        expect(time.monotonic() < until,
               f'{what}: nothing has changed for {seconds} s: {seen}')
        time.sleep(pause)


class Mesh:
    """Sites of one testbed, by their names, each behind a node."""

    def __init__(self, testbed, sites):
        self.sites = sites
        self.long = False  # More of what is done many times.
        self.notes = []    # Of the test that runs, for people.
        self._testbed = testbed
        self._started = False
        self._numbers = itertools.count(1)
        self._cut = False

    # -- sites ---------------------------------------------------------------

    def start(self):
        self._started = not any(nodes.running_at(x.folder)
                                for x in self.sites.values())
        if not self._started:
            # What was built since is to be tested.
            nodes.stop([nodes.node(x) for x in self.sites.values()])
        subprocess.run([self._testbed, 'up', '--quiet', *self.sites],
                       check=True)
        self.wait_for_links()

    def stop(self):
        if self._started:
            subprocess.run([self._testbed, 'down', *self.sites], check=True)

    def cheops(self, site, *words):
        return run([nodes.cheops('cheops'), *words, '--config',
                    site.node_config], timeout=60)

    def metric(self, site, name):
        """The sum of a metric of a node, over its labels."""
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as to:
            to.connect(str(site.node_config.parent / 'admin.sock'))
            to.sendall(b'GET /metrics HTTP/1.1\r\nHost: node\r\n'
                       b'Connection: close\r\n\r\n')
            with to.makefile('rb') as answer:
                lines = answer.read().decode().splitlines()
        return sum(float(x.rpartition(' ')[2]) for x in lines
                   if x.startswith((f'{name} ', f'{name}{{')))

    def wait_for_links(self):
        def all_up():
            return all(self.cheops(x, 'get', 'links', '-o', 'json')
                       .out.count('"up"') == len(self.sites) - 1
                       for x in self.sites.values())
        wait_until('every link is up', all_up)

    # -- cuts ----------------------------------------------------------------

    def cut(self, name):
        """Takes a site off: no packet passes between it and the others."""
        self._cut = True
        for x in self.sites.values():
            for y in self.sites if x.name == name else [name]:
                if y != x.name:
                    self.cheops(x, 'faults', 'set', y, '--cut').must()

    def heal(self):
        if self._cut:
            for x in self.sites.values():
                self.cheops(x, 'faults', 'clear').must()
            self.wait_for_links()
            self._cut = False

    # -- help for tests ------------------------------------------------------

    @contextlib.contextmanager
    def folder(self):
        with tempfile.TemporaryDirectory(prefix='cheops-') as x:
            yield pathlib.Path(x)

    def unique(self, what):
        return f'{what}-{os.getpid()}-{next(self._numbers)}'
