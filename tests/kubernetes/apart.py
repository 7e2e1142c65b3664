"""Objects of several sites while sites are cut off, and when users race."""
import concurrent.futures
import json

from replicated import at, wait_equal, wait_gone
from world import expect, wait_until

_ALL = 'Site1 & Site2 & Site3'
_SITES = ('Site1', 'Site2', 'Site3')
_MERGE = {'Content-Type': 'application/merge-patch+json'}


def _deployment(name, colour):
    return {'apiVersion': 'apps/v1', 'kind': 'Deployment',
            'metadata': {'name': name, 'labels': {'colour': colour}},
            'spec': {'replicas': 1,
                     'selector': {'matchLabels': {'app': name}},
                     'template': {
                         'metadata': {'labels': {'app': name}},
                         'spec': {'containers': [
                             {'name': 'main', 'image': 'nginx'}]}}}}


def test_deployments_while_sites_are_cut_off(world):
    """Each site in turn is cut off; the others go on, and it has all that
    they did once it is back. Nothing that was accepted is lost."""
    with world.namespace(*world.sites.values()) as x:
        path = f'/apis/apps/v1/namespaces/{x}/deployments'
        for name in ('one', 'two'):
            world.session(world.sites['Site1'], scope=_ALL).ask(
                'POST', path, _deployment(name, 'none'))
            wait_equal(world, f'{path}/{name}', _SITES)
        accepted = []
        for round_, lone in enumerate(_SITES):
            near = [s for s in _SITES if s != lone]
            world.cut(lone)
            for n, site in enumerate(near * 3):
                name = ('one', 'two')[n % 2]
                key = f'at-{round_}-{n}'
                world.session(world.sites[site]).ask(
                    'PATCH', f'{path}/{name}',
                    {'metadata': {'annotations': {key: site}},
                     'spec': {'replicas': round_ * 10 + n}}, _MERGE)
                accepted.append((name, key, site))
            # One that is made meanwhile, too.
            world.session(world.sites[near[0]], scope=_ALL).ask(
                'POST', path, _deployment(f'made-{round_}', lone.lower()))
            _refused_alone(world, lone, f'{path}/one')
            world.heal()
            for name in ('one', 'two', f'made-{round_}'):
                wait_equal(world, f'{path}/{name}', _SITES)
        for name, key, site in accepted:
            for where in _SITES:
                notes = at(world, where, f'{path}/{name}')['metadata'][
                    'annotations']
                expect(notes.get(key) == site,
                       f'{where} has lost {key} of {name}: {notes}')
        world.notes.append(f'{len(accepted)} changes while one site of three '
                           'was cut off, all at all sites afterwards')


def _refused_alone(world, lone, path):
    """Reads go on where a site is alone; once it knows that it is, a change is
    refused, and has not been made. (Before, its fate may be open: a 504.)"""
    wait_until(f'{lone} knows that it is alone', lambda: '"up"' not in
               world.cheops(world.sites[lone], 'get', 'links', '-o',
                            'json').must().out)
    user = world.session(world.sites[lone])
    before = user.ask('GET', path)
    status, fields, text = user.call(
        'PATCH', path, {'metadata': {'annotations': {'alone': 'x'}}}, _MERGE)
    answer = json.loads(text)
    expect(status == 503 and answer['kind'] == 'Status'
           and fields['Retry-After'], f'{status} {text[:300]}')
    after = user.ask('GET', path)
    expect(after['metadata'].get('annotations')
           == before['metadata'].get('annotations'), 'it was made')


def test_of_two_who_saw_the_same_one_wins(world):
    """Each has read the object at a site of their own, and writes it back
    with the version that they saw: the other gets the 409 of one cluster."""
    one, two = world.sites['Site1'], world.sites['Site2']
    won = {one.name: 0, two.name: 0}
    with world.namespace(*world.sites.values()) as x, \
            concurrent.futures.ThreadPoolExecutor(2) as pool:
        path = f'/api/v1/namespaces/{x}/configmaps'
        world.session(one, scope=_ALL).ask('POST', path, {
            'apiVersion': 'v1', 'kind': 'ConfigMap',
            'metadata': {'name': 'purple'}, 'data': {'last': 'nobody'}})
        for turn in range(12 if world.long else 5):
            wait_equal(world, f'{path}/purple', _SITES)
            users = [world.session(s) for s in (one, two)]
            seen = [u.ask('GET', f'{path}/purple') for u in users]
            for s, y in zip((one, two), seen):
                y['data'] = {'last': f'{s.name}-{turn}'}
            answers = list(pool.map(
                lambda u, y: u.call('PUT', f'{path}/purple', y), users, seen))
            codes = [y[0] for y in answers]
            expect(sorted(codes) == [200, 409], f'{codes} {answers}')
            reason = json.loads(answers[codes.index(409)][2])
            expect(reason['kind'] == 'Status'
                   and reason['reason'] == 'Conflict', str(reason))
            winner = (one, two)[codes.index(200)].name
            won[winner] += 1
            wait_equal(world, f'{path}/purple', _SITES,
                       lambda y: y['data']['last'] == f'{winner}-{turn}')
    world.notes.append(f'won: {won}')


def test_a_version_that_is_old_is_refused_everywhere(world):
    """As in one cluster: what was changed since it was read is not
    overwritten."""
    one, two = world.sites['Site1'], world.sites['Site2']
    with world.namespace(*world.sites.values()) as x:
        path = f'/api/v1/namespaces/{x}/configmaps'
        world.session(one, scope=_ALL).ask('POST', path, {
            'apiVersion': 'v1', 'kind': 'ConfigMap',
            'metadata': {'name': 'purple'}})
        wait_equal(world, f'{path}/purple', _SITES)
        old = world.session(two).ask('GET', f'{path}/purple')
        world.session(one).ask('PATCH', f'{path}/purple',
                               {'data': {'by': 'one'}}, _MERGE)
        wait_equal(world, f'{path}/purple', _SITES,
                   lambda y: y.get('data') == {'by': 'one'})
        old['data'] = {'by': 'two'}
        status, _, text = world.session(two).call('PUT', f'{path}/purple', old)
        expect(status == 409, f'{status} {text[:300]}')
        status, _, text = world.session(two).call(
            'DELETE', f'{path}/purple', {
                'kind': 'DeleteOptions', 'apiVersion': 'v1', 'preconditions': {
                    'resourceVersion': old['metadata']['resourceVersion']}})
        expect(status == 409, f'{status} {text[:300]}')
        wait_equal(world, f'{path}/purple', _SITES,
                   lambda y: y['data'] == {'by': 'one'})


def test_a_create_of_one_name_at_two_sites_has_one_winner(world):
    one, two = world.sites['Site1'], world.sites['Site2']
    with world.namespace(*world.sites.values()) as x, \
            concurrent.futures.ThreadPoolExecutor(2) as pool:
        path = f'/api/v1/namespaces/{x}/configmaps'
        for turn in range(5):
            users = [world.session(s, scope=_ALL) for s in (one, two)]
            answers = list(pool.map(lambda u, s: u.call('POST', path, {
                'apiVersion': 'v1', 'kind': 'ConfigMap',
                'metadata': {'name': f'same-{turn}'},
                'data': {'by': s.name}}), users, (one, two)))
            codes = sorted(y[0] for y in answers)
            expect(codes == [201, 409], str(answers))
            wait_equal(world, f'{path}/same-{turn}', _SITES)


def test_a_site_that_was_away_for_a_delete_and_a_create(world):
    with world.namespace(*world.sites.values()) as x:
        path = f'/api/v1/namespaces/{x}/configmaps'
        one = world.sites['Site1']

        def make(colour):
            world.session(one, scope=_ALL).ask('POST', path, {
                'apiVersion': 'v1', 'kind': 'ConfigMap',
                'metadata': {'name': 'purple'}, 'data': {'is': colour}})
        make('old')
        wait_equal(world, f'{path}/purple', _SITES)
        world.cut('Site3')
        world.session(one).ask('DELETE', f'{path}/purple')
        wait_gone(world, f'{path}/purple', ('Site1', 'Site2'))
        world.heal()
        wait_gone(world, f'{path}/purple', _SITES)
        wait_until('the name is free', lambda: world.cheops(
            one, 'describe', 'replicant', f'/{x}/configmaps/purple').code == 1)
        make('new')
        wait_equal(world, f'{path}/purple', _SITES,
                   lambda y: y['data'] == {'is': 'new'})
