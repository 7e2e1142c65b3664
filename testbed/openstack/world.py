"""Sites that run, users at them, logs, and cuts: for the demo and the tests."""
import contextlib
import itertools
import os
import pathlib
import shlex
import socket
import subprocess
import tempfile
import time

import processes
import programs
import rest
import site_plan

_TESTBED = pathlib.Path(__file__).resolve().parent / 'testbed.py'
SITES = ('Berlin', 'Paris', 'Rome')


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


def run(words, environment=None, timeout=180):
    words = [str(x) for x in words]
    start = time.monotonic()
    done = subprocess.run(words, env=environment, text=True, timeout=timeout,
                          capture_output=True)
    return Done(words, done, time.monotonic() - start)


def wait_until(what, holds, seconds=60):
    until = time.monotonic() + seconds
    while not holds():
        expect(time.monotonic() < until, f'after {seconds} s still not: {what}')
        time.sleep(0.2)


class Logs:
    """What the services of all sites have written since this was made."""

    def __init__(self, world):
        self._sites = world.sites
        self._sizes = {x: x.stat().st_size for site in world.sites.values()
                       for x in (site.folder / 'log').iterdir()}

    def of(self, site, service):
        """The lines of one service, of its own log and of its output."""
        out = []
        for end in ('log', 'out'):
            file = self._sites[site].folder / 'log' / f'{service}.{end}'
            if file.exists():
                with file.open('rb') as x:
                    x.seek(self._sizes.get(file, 0))
                    out += x.read().decode(errors='replace').splitlines()
        return out

    def has(self, site, service, *parts):
        return any(all(x in line for x in parts)
                   for line in self.of(site, service))


class World:
    """Three sites, each behind a node."""

    def __init__(self):
        self.sites = {x: site_plan.site(x) for x in SITES}
        self._started = False
        self._numbers = itertools.count(1)
        self._cut = False

    # -- sites ---------------------------------------------------------------

    def start(self):
        self._started = not any(programs.running_at(x.folder)
                                for x in self.sites.values())
        if not self._started:
            # What was built since is to be tested.
            processes.stop([programs.node(x) for x in self.sites.values()])
        subprocess.run([_TESTBED, 'up', '--quiet', *SITES], check=True)
        self.wait_for_links()

    def stop(self):
        if self._started:
            subprocess.run([_TESTBED, 'down', *SITES], check=True)

    def front(self, site, kind):
        """Puts a node (`cheops`) or a relay (`plain`) in front of a site."""
        run([_TESTBED, 'front', site.name, kind]).must()

    def cheops(self, site, *words):
        return run([programs.cheops('cheops'), *words, '--config',
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
                       .out.count('"up"') == len(SITES) - 1
                       for x in self.sites.values())
        wait_until('every link is up', all_up)

    # -- cuts ----------------------------------------------------------------

    def cut(self, name):
        """Takes a site off: no packet passes between it and the others."""
        self._cut = True
        for x in self.sites.values():
            for y in SITES if x.name == name else [name]:
                if y != x.name:
                    self.cheops(x, 'faults', 'set', y, '--cut').must()

    def heal(self):
        if self._cut:
            for x in self.sites.values():
                self.cheops(x, 'faults', 'clear').must()
            self.wait_for_links()
            self._cut = False

    # -- users ---------------------------------------------------------------

    @contextlib.contextmanager
    def folder(self):
        with tempfile.TemporaryDirectory(prefix='cheops-') as x:
            yield pathlib.Path(x)

    def unique(self, what):
        return f'{what}-{os.getpid()}-{next(self._numbers)}'

    def openstack(self, site, line, *more, user='demo', timeout=180):
        """The real command line client: `line` as a user types it, and more
        words as they are."""
        typed = [*shlex.split(line), *map(str, more)]
        script = f'. {shlex.quote(str(site.openrc(user)))} && ' \
                 f'exec {shlex.join(["openstack", *typed])}'
        done = run(['bash', '-c', script], timeout=timeout)
        done.words = ['openstack', *typed]
        return done

    def session(self, site, user='demo', scope=None, **more):
        return rest.Session(rest.scoped(site.auth_url, scope), user, **more)

    def logs(self):
        return Logs(self)
