"""Many users at once, each with a scope of their own."""
import dataclasses
import random
import threading

import sharing
from configuration import CORRELATIONS_MAX
from world import expect

_CLIENTS = 8


@dataclasses.dataclass(frozen=True)
class _Kind:
    """A way to make a server. All are asked of Berlin."""
    nova: str
    glance: str
    image: str  # By name; its id is known at `glance` alone.
    scope: str
    by_header: bool  # Else the token has it.


# Images of one name at two sites have two ids: whoever is sent to the wrong
# Glance finds nothing.
_KINDS = [
    _Kind('Berlin', 'Berlin', 'local', '', False),
    _Kind('Berlin', 'Paris', 'paris-only', '{Nova: Berlin, Glance: Paris}',
          False),
    _Kind('Berlin', 'Paris', 'cirros', '{Nova: Berlin, Glance: Paris}', True),
    _Kind('Berlin', 'Rome', 'cirros', '{Nova: Berlin, Glance: Rome}', True),
    _Kind('Paris', 'Rome', 'cirros', '{Nova: Paris, Glance: Rome}', False),
    _Kind('Paris', 'Paris', 'local', '{Nova: Paris}', True),
    _Kind('Rome', 'Paris', 'paris-only', '{Nova: Rome, Glance: Paris}', True),
]


class _Client(threading.Thread):
    """Makes servers one after the other; remembers what it wanted of each."""

    def __init__(self, world, images, number, names):
        super().__init__()
        self._images = images
        self._names = names
        self._random = random.Random(number)
        berlin = world.sites['Berlin']
        self._sessions = {
            x: world.session(berlin, scope=x) for x in
            {'', *(y.scope for y in _KINDS if not y.by_header)}}
        self.made = []  # (name, kind)
        self.wrong = []

    def run(self):
        for name in self._names:
            kind = self._random.choice(_KINDS)
            session = self._sessions['' if kind.by_header else kind.scope]
            headers = {'Scope': kind.scope} if kind.by_header else {}
            try:
                answer = session.call(
                    'POST', f'{session.endpoint("compute")}/servers',
                    {'server': {'name': name, 'flavorRef': '42',
                                'imageRef': self._images[kind.glance,
                                                         kind.image],
                                'networks': 'none'}},
                    headers)
            except OSError as x:
                self.wrong.append(f'{name} {kind}: {x}')
                continue
            if answer.status == 202:
                self.made.append((name, kind))
            else:
                self.wrong.append(f'{name} {kind}: {answer.status} '
                                  f'{answer.text}')


def test_servers_of_many_clients_end_where_their_scopes_say(world):
    count = 200 if world.long else 60
    images = {(site, name): sharing.image_id(
        world.session(world.sites[site]), name)
        for site, name in {(x.glance, x.image) for x in _KINDS}}
    logs = world.logs()
    start = world.unique('many')
    names = [f'{start}-{i}' for i in range(count)]
    clients = [_Client(world, images, i, names[i::_CLIENTS])
               for i in range(_CLIENTS)]
    for x in clients:
        x.start()
    for x in clients:
        x.join()
    wrong = [y for x in clients for y in x.wrong]
    expect(not wrong, '\n'.join(wrong))

    made = dict(y for x in clients for y in x.made)
    expect(len(made) == count, f'{len(made)} of {count} servers were made')
    for name, site in world.sites.items():
        session = world.session(site)
        servers = session.ask('compute', 'GET',
                              f'/servers/detail?name={start}-')['servers']
        want = {x for x, kind in made.items() if kind.nova == name}
        got = {x['name'] for x in servers}
        expect(got == want, f'at {name}: missing {want - got}, '
                            f'too many {got - want}')
        ids = [x['id'] for x in servers]
        sharing.active(session, *ids)
        for x in ids:
            session.ask('compute', 'DELETE', f'/servers/{x}')
    # No Glance was asked for an image of another site.
    for name in world.sites:
        for (site, image), id_ in images.items():
            if site != name:
                expect(not logs.has(name, 'glance', f'/v2/images/{id_}'),
                       f'Glance of {name} was asked for {image} of {site}')
    _tables_are_bounded(world)
    world.notes.append(f'{count} servers, {len(_KINDS)} kinds of requests')


def _tables_are_bounded(world):
    kept = {x: world.metric(y, 'cheops_correlations')
            for x, y in world.sites.items()}
    for name, number in kept.items():
        expect(0 < number <= CORRELATIONS_MAX,
               f'{name} remembers {number} requests')
    if world.long:  # So many that there was no room for all.
        expect(world.metric(world.sites['Berlin'],
                            'cheops_correlations_evicted_total') > 0,
               f'the bound was never reached: {kept}')
