"""Nodes of a testbed: programs of Cheops, certificates, and who runs.

A site here is what a testbed makes of it: with a `name`, a `folder` of its own
and `node_config`, the file that its node reads.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import time

from processes import Process, stop  # noqa: F401 (stop is for our callers)

_TREE = pathlib.Path(__file__).resolve().parent.parent.parent
_START_SECONDS_MAX = 300


def cheops(name):
    """A program of Cheops: of $CHEOPS_BIN, the source tree, or PATH."""
    for folder in filter(None, (os.environ.get('CHEOPS_BIN'),
                                _TREE / 'build' / 'bin')):
        file = pathlib.Path(folder) / name
        if file.exists():
            return file.resolve()
    found = shutil.which(name)
    if not found:
        sys.exit(f'testbed: no {name} here; build it (make build), or set '
                 'CHEOPS_BIN to the folder that has it')
    return pathlib.Path(found)


def chosen(words, names):
    """The sites of a command line: the first N of `names`, or those named."""
    if len(words) == 1 and words[0].isdecimal():
        count = int(words[0])
        if not 1 <= count <= len(names):
            sys.exit(f'testbed: 1 to {len(names)} sites')
        return names[:count]
    for x in words:
        if x not in names:
            sys.exit(f'testbed: no site {x}; {", ".join(names)}')
    return words


def install_packages(what):
    setup = _TREE / 'packaging' / 'setup.sh'
    if setup.exists():
        subprocess.run([setup, what], check=True)


def _ca(folder, *words):
    done = subprocess.run([cheops('cheops'), 'ca', '--ca-dir', folder, *words],
                          text=True, capture_output=True)
    if done.returncode != 0:
        sys.exit(f'testbed: cheops ca failed: {done.stderr}')


def make_identity(site, authority):
    """The site's certificate in the mesh, of a private authority."""
    if not authority.exists():
        _ca(authority, 'init')
    tls = site.node_config.parent / 'tls'
    if not tls.exists():
        _ca(authority, 'issue', site.name, '--into', tls)


def node(site):
    return Process('cheopsd', site.folder,
                   [cheops('cheopsd'), '--config', site.node_config])


def await_node(site):
    await_that(f'the node of {site.name} answers', lambda: 0 == subprocess.run(
        [cheops('cheops'), 'get', 'sites', '--config', site.node_config],
        capture_output=True).returncode, [node(site)], 30)


def running_at(folder):
    """All that runs of a site, whatever it is, by its pid files."""
    found = [Process(x.stem, folder, []) for x in
             sorted((folder / 'run').glob('*.pid'))]
    return [x for x in found if x.pid()]


def await_that(what, holds, processes, seconds=_START_SECONDS_MAX):
    """Waits until `holds()`; ends the program if a process ends first."""
    until = time.monotonic() + seconds
    while not holds():
        ended = [x for x in processes if not x.pid()]
        if ended:
            sys.exit(f'testbed: {ended[0].name} ended while starting:\n'
                     f'{ended[0].tail()}\n(see {ended[0].log.parent})')
        if time.monotonic() > until:
            sys.exit(f'testbed: after {seconds} s still not so: {what}\n'
                     + '\n'.join(f'{x.name}: {x.tail(5)}' for x in processes))
        time.sleep(0.2)


def print_status(sites):
    print(f'{"SITE":8} {"PROGRAM":14} {"PID":>7} {"MIB":>5}')
    for x in sites:
        running = running_at(x.folder)
        whole = 0
        for y in running:
            kib = y.resident_kib()
            whole += kib
            print(f'{x.name:8} {y.name:14} {y.pid():7} {kib / 1024:5.0f}')
        if running:
            print(f'{x.name:8} {"together":14} {"":7} {whole / 1024:5.0f}')
