#!/usr/bin/python3
"""What a node costs in front of a Kubernetes API server: make bench-kubernetes.

Three ways, in turns, each over one connection that is kept open: `direct`, the
API server of Site1 itself; `one node`, the same through its node, no scope;
`two nodes`, Site2's through the nodes of both. A figure is the median of all
turns, a ratio the quotient of two medians.

Then one object at three sites: `three creates` one after the other, past the
nodes; `replicated`, one create with `Site1 & Site2 & Site3` until the user has
their answer; `at all sites`, the same until each site has it (`Cheops-Wait:
all`); `slowest`, of the three creates. Prints tables and writes
build/bench/kubernetes.json.

  TURNS, LISTS, REPLICATED   how often an object is read and made, 1,000 are
                             listed, and one is made at three sites (500, 40,
                             100)
"""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

_ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(_ROOT / 'testbed' / x) for x in ('kubernetes', 'common')]

import nodes
import rest
import site_plan
from world import make_namespace, remove_namespace

_TURNS = int(os.environ.get('TURNS', 500))
_LISTS = int(os.environ.get('LISTS', 40))
_REPLICATED = int(os.environ.get('REPLICATED', 100))
_LISTED = 1000
_OUT = _ROOT / 'build' / 'bench' / 'kubernetes.json'
_TESTBED = _ROOT / 'testbed' / 'kubernetes' / 'testbed.py'
_NAMESPACE = f'bench-{os.getpid()}'
_OBJECTS = f'/api/v1/namespaces/{_NAMESPACE}/configmaps'


def _object(name):
    return {'kind': 'ConfigMap', 'apiVersion': 'v1', 'metadata': {'name': name},
            'data': {'text': 'x' * 1000}}


class Way:
    """A user at a site, through its node or past it."""

    def __init__(self, name, site, scope=None, direct=False):
        self.name = name
        self._session = rest.Session(
            site.backend_url if direct else site.url, 'andy', scope)
        self._made = 0

    def get(self):
        self._session.ask('GET', f'{_OBJECTS}/listed-0')

    def list_1000(self):
        answer = self._session.open('GET', _OBJECTS)
        size = len(answer.read())
        if answer.status != 200 or size < 1000 * _LISTED:
            sys.exit(f'bench: {self.name}: {answer.status}, {size} bytes')

    def create(self):
        self._made += 1
        name = self.name.replace(' ', '-')
        self._session.ask('POST', _OBJECTS, _object(f'{name}-{self._made}'))


def measure(ways, what, turns):
    """Milliseconds of each way: its median. Each turn begins with another."""
    times = {x.name: [] for x in ways}
    for turn in range(-max(2, turns // 10), turns):  # Some to warm up.
        first = turn % len(ways)
        for x in ways[first:] + ways[:first]:
            start = time.perf_counter()
            getattr(x, what)()
            took = time.perf_counter() - start
            if turn >= 0:
                times[x.name].append(took * 1000)
    return {x: statistics.median(y) for x, y in times.items()}


def timed(what):
    start = time.perf_counter()
    what()
    return (time.perf_counter() - start) * 1000


def measure_replicated(sites):
    """Milliseconds: medians of each way to make one object at all sites."""
    past = [rest.Session(x.backend_url, 'andy') for x in sites]
    user = rest.Session(sites[0].url, 'andy', ' & '.join(
        x.name for x in sites))
    times = {x: [] for x in ('three creates', 'slowest', 'replicated',
                             'at all sites')}
    for turn in range(-_REPLICATED // 10, _REPLICATED):
        plain = [timed(lambda s=x: s.ask(
            'POST', _OBJECTS, _object(f'plain-{turn}'))) for x in past]
        row = {'three creates': sum(plain), 'slowest': max(plain)}
        for name, fields in (('replicated', None),
                             ('at all sites', {'Cheops-Wait': 'all'})):
            object_ = _object(f'{name.replace(" ", "-")}-{turn}')
            row[name] = timed(lambda o=object_, f=fields: user.ask(
                'POST', _OBJECTS, o, f))
        if turn >= 0:
            for name, took in row.items():
                times[name].append(took)
    return {x: statistics.median(y) for x, y in times.items()}


def print_replicated(row):
    print(f'\n{"one object at three sites, median":36} {"ms":>8} '
          f'{"/ three creates":>16}')
    for name in ('three creates', 'slowest', 'replicated', 'at all sites'):
        row[f'{name} / three creates'] = row[name] / row['three creates']
        print(f'{name:36} {row[name]:8.2f} '
              f'{row[f"{name} / three creates"]:16.3f}')


def main():
    sites = [site_plan.site(f'Site{x}') for x in (1, 2, 3)]
    one, two = sites[:2]
    names = [x.name for x in sites]
    started = not any(nodes.running_at(x.folder) for x in sites)
    subprocess.run([_TESTBED, 'up', '--quiet', *names], check=True)
    admins = [rest.Session(x.backend_url) for x in sites]
    try:
        for x in admins:
            make_namespace(x, _NAMESPACE)
            for i in range(_LISTED):
                x.ask('POST', _OBJECTS, _object(f'listed-{i}'))
        ways = [Way('direct', one, direct=True), Way('one node', one),
                Way('two nodes', one, 'Site2')]
        # Lists first: what is created would lengthen them.
        out = {'list_1000': measure(ways, 'list_1000', _LISTS),
               'get': measure(ways, 'get', _TURNS),
               'create': measure(ways, 'create', _TURNS)}
        replicated = measure_replicated(sites)
    finally:
        for x in admins:
            remove_namespace(x, _NAMESPACE)
        if started:
            subprocess.run([_TESTBED, 'down', *names], check=True)

    print(f'{"median, ms":12} {"direct":>8} {"one node":>9} {"/ direct":>9} '
          f'{"two nodes":>10} {"/ direct":>9}')
    for name, row in out.items():
        for x in ('one node', 'two nodes'):
            row[f'{x} / direct'] = row[x] / row['direct']
        print(f'{name:12} {row["direct"]:8.2f} {row["one node"]:9.2f} '
              f'{row["one node / direct"]:9.3f} {row["two nodes"]:10.2f} '
              f'{row["two nodes / direct"]:9.3f}')
    print_replicated(replicated)
    out['replicated'] = replicated
    out['turns'] = {'get, create': _TURNS, 'list_1000': _LISTS,
                    'replicated': _REPLICATED}
    _OUT.parent.mkdir(parents=True, exist_ok=True)
    _OUT.write_text(json.dumps(out, indent=2) + '\n')
    print(_OUT.relative_to(_ROOT))


if __name__ == '__main__':
    main()
