"""A thousand objects of 100 KB: they stream, and a node stays as it was."""
import base64
import concurrent.futures
import hashlib
import threading

import nodes
from world import expect

_COUNT = 1000
_BYTES = 100_000
_GROWTH_MIB_MAX = 48


def _forget_peak(site):
    with open(f'/proc/{nodes.node(site).pid()}/clear_refs', 'w') as x:
        x.write('5')


def _memory_mib(site, field):
    with open(f'/proc/{nodes.node(site).pid()}/status') as x:
        return next(int(line.split()[1]) for line in x
                    if line.startswith(field)) / 1024


def _text(i):
    """100 KB in which no two pieces are alike."""
    whole = hashlib.shake_128(i.to_bytes(4, 'big')).digest(_BYTES * 3 // 4)
    return base64.b64encode(whole).decode()


def _create_all(world, at, scope, namespace):
    mine = threading.local()

    def create(i):
        if not hasattr(mine, 'session'):
            mine.session = world.session(at, scope=scope)
        mine.session.ask(
            'POST', f'/api/v1/namespaces/{namespace}/configmaps', {
                'kind': 'ConfigMap', 'apiVersion': 'v1',
                'metadata': {'name': f'large-{i}'}, 'data': {'x': _text(i)}})
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(create, range(_COUNT)))


def _check_all(items):
    found = {x['metadata']['name']: x['data']['x'] for x in items
             if x['metadata']['name'].startswith('large-')}
    expect(len(found) == _COUNT, f'{len(found)} of them are listed')
    for i in range(_COUNT):
        expect(found[f'large-{i}'] == _text(i), f'large-{i} came otherwise')


def _pages(session, path):
    """The list in pages of 100, each compressed."""
    more = ''
    while True:
        answer = session.ask('GET', f'{path}?limit=100{more}')
        yield from answer['items']
        more = answer['metadata'].get('continue')
        if not more:
            return
        more = f'&continue={more}'


def _pass_through(world, at, runs_at, scope):
    through = [at] if at is runs_at else [at, runs_at]
    with world.namespace(runs_at) as x:
        before = [_memory_mib(y, 'VmRSS') for y in through]
        for y in through:
            _forget_peak(y)
        _create_all(world, at, scope, x)
        path = f'/api/v1/namespaces/{x}/configmaps'
        session = world.session(at, scope=scope)
        _check_all(session.ask('GET', path)['items'])
        _check_all(_pages(session, path))
        done = world.kubectl(at, f'get configmaps -n {x} -o name', scope=scope,
                             timeout=180).must()
        expect(done.out.count('configmap/large-') == _COUNT, 'kubectl lists '
               f'{done.out.count("configmap/large-")} of them')
        peaks = [_memory_mib(y, 'VmHWM') for y in through]
    growth = [p - b for p, b in zip(peaks, before)]
    expect(max(growth) < _GROWTH_MIB_MAX, f'nodes grew by {growth} MiB')
    world.notes.append(
        f'{_COUNT} objects of {_BYTES // 1000} KB made and listed three ways: '
        + ', '.join(f'the node of {y.name} at most {p:.0f} MiB, {g:+.0f}'
                    for y, p, g in zip(through, peaks, growth)))


def test_large_objects_pass_a_node(world):
    one = world.sites['Site1']
    _pass_through(world, one, one, None)


def test_large_objects_pass_two_nodes(world):
    _pass_through(world, world.sites['Site1'], world.sites['Site2'], 'Site2')
