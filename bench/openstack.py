#!/usr/bin/python3
"""What a node costs in front of OpenStack: make bench-openstack.

Three ways, in turns, over the REST API with connections kept open: `plain`,
past every node; `one node`, a site behind its node, no scope; `two nodes`, the
same with Glance of another site. Images are asked of one and the same Glance,
past its node and through it; a server is made at a site of its own with nothing
in front, since what Nova asks of the others passes nodes too. A figure is the
median of all turns, a ratio the quotient of two medians. Prints a table and
writes build/bench/openstack.json.

  TURNS, SERVERS   how often images are asked for, and servers made (300, 40)
"""
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import time

_ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(_ROOT / 'testbed' / x) for x in ('openstack', 'common')]

import programs
import rest
import site_plan

_TURNS = int(os.environ.get('TURNS', 300))
_SERVERS = int(os.environ.get('SERVERS', 40))
_OUT = _ROOT / 'build' / 'bench' / 'openstack.json'
_TESTBED = _ROOT / 'testbed' / 'openstack' / 'testbed.py'
_POLL_S = 0.005


class Way:
    """A user at a site, with a scope or without."""

    def __init__(self, name, site, scope=None, past=False):
        """`past`: Glance is asked where it listens, with a token that names
        its own site."""
        self.name = name
        session = rest.Session(rest.scoped(site.auth_url, scope), 'demo')
        self._session = session
        glance = (f'http://{site.backend(site_plan.GLANCE)}' if past
                  else session.endpoint('image'))
        self._images = f'{glance}/v2/images'
        self._servers = f'{session.endpoint("compute")}/servers'
        self._image = self._list()[0]['id']
        self._made = 0

    def _list(self):
        answer = self._session.call('GET', f'{self._images}?name=local',
                                    expect=[200])
        return answer.json['images']

    def image_list(self):
        self._list()

    def image_show(self):
        self._session.call('GET', f'{self._images}/{self._image}',
                           expect=[200])

    def server_create(self):
        """Until it is ACTIVE. What it leaves is taken away by `tidy`."""
        self._made += 1
        server = self._session.call('POST', self._servers, {'server': {
            'name': f'bench-{self._made}', 'imageRef': self._image,
            'flavorRef': '42', 'networks': 'none'}},
            expect=[202]).json['server']['id']
        self._server = f'{self._servers}/{server}'
        while True:
            status = self._session.call('GET', self._server, expect=[200]
                                        ).json['server']['status']
            if status == 'ACTIVE':
                return
            if status == 'ERROR':
                sys.exit(f'bench: {self.name}: a server is in error')
            time.sleep(_POLL_S)

    def tidy(self):
        self._session.call('DELETE', self._server, expect=[204])
        while self._session.call('GET', self._server).status != 404:
            time.sleep(_POLL_S)


def measure(ways, what, turns, tidy=False):
    """Milliseconds of each way: its median."""
    times = {x.name: [] for x in ways}
    for turn in range(-max(2, turns // 10), turns):  # Some to warm up.
        # None always comes behind the same other.
        for x in random.sample(ways, len(ways)):
            start = time.perf_counter()
            getattr(x, what)()
            took = time.perf_counter() - start
            if turn >= 0:
                times[x.name].append(took * 1000)
            if tidy:
                x.tidy()
    return {x: statistics.median(y) for x, y in times.items()}


def round_trip_ms(site, peer):
    text = subprocess.run(
        [programs.cheops('cheops'), 'get', 'links', '-o', 'json', '--config',
         site.node_config], check=True, capture_output=True).stdout
    return next(x['round_trip_us'] for x in json.loads(text)['links']
                if x['peer'] == peer.name) / 1000


def main():
    plain = site_plan.site('Vienna', 'none')
    near, far = site_plan.site('Berlin'), site_plan.site('Paris')
    started = not programs.all_running()
    subprocess.run([_TESTBED, 'up', '--quiet', near.name, far.name], check=True)
    subprocess.run([_TESTBED, 'up', plain.name, '--front', 'none'], check=True)
    try:
        ways = [Way('plain', plain), Way('one node', near),
                Way('two nodes', near, '{Nova: Berlin, Glance: Paris}')]
        images = [Way('plain', near, past=True), ways[1],
                  Way('two nodes', near, '{Glance: Paris}')]
        out = {
            'image_show': measure(images, 'image_show', _TURNS),
            'image_list': measure(images, 'image_list', _TURNS),
            'server_create': measure(ways, 'server_create', _SERVERS, True)}
        trip = round_trip_ms(near, far)
    finally:
        names = [] if started else [plain.name]
        subprocess.run([_TESTBED, 'down', *names], check=True)

    print(f'{"median, ms":16} {"plain":>8} {"one node":>9} {"/ plain":>8} '
          f'{"two nodes":>10} {"less a trip / plain":>20}')
    for name, row in out.items():
        base = row['plain']
        row['one node / plain'] = row['one node'] / base
        row['two nodes less a round trip / plain'] = (
            row['two nodes'] - trip) / base
        print(f'{name:16} {base:8.2f} {row["one node"]:9.2f} '
              f'{row["one node / plain"]:8.3f} {row["two nodes"]:10.2f} '
              f'{row["two nodes less a round trip / plain"]:20.3f}')
    print(f'round trip between the nodes: {trip:.2f} ms')
    out['round_trip_ms'] = trip
    out['turns'] = {'images': _TURNS, 'servers': _SERVERS}
    _OUT.parent.mkdir(parents=True, exist_ok=True)
    _OUT.write_text(json.dumps(out, indent=2) + '\n')
    print(_OUT.relative_to(_ROOT))


if __name__ == '__main__':
    main()
