"""Whose rights count for a change at several sites, and each way past them."""
import json

from replicated import at, wait_equal
from world import expect, wait_until

_BOTH = 'Site1 & Site2'


def _map(name):
    return {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': name}}


def _is_nowhere(world, path, why):
    for x in world.sites:
        expect(at(world, x, path) is None, f'{why}: it was made at {x}')


def test_a_change_is_made_as_the_user_everywhere(world):
    """Not as the node, which may do nothing in its own name."""
    one, two = world.sites['Site1'], world.sites['Site2']
    path = '/api/v1/namespaces/default/secrets'
    for site in (one, two):
        token = {'Authorization': f'Bearer {site.node_token}'}
        session = world.session(site, None, direct=True)
        for method, target, body in (
                ('GET', path, None), ('POST', path, {
                    'apiVersion': 'v1', 'kind': 'Secret',
                    'metadata': {'name': 'x'}}),
                ('GET', '/api/v1/nodes', None),
                ('GET', '/apis/rbac.authorization.k8s.io/v1/clusterroles',
                 None)):
            status = session.call(method, target, body, token)[0]
            expect(status == 403, f'the node may {method} {target}: {status}')


def test_bo_who_may_nothing_makes_nothing(world):
    one = world.sites['Site1']
    path = '/api/v1/namespaces/default/configmaps'
    status, _, text = world.session(one, 'bo', scope=_BOTH).call(
        'POST', path, _map('bos'))
    answer = json.loads(text)
    expect(status == 403 and answer['kind'] == 'Status' and 'bo' in
           answer['message'], f'{status} {text[:300]}')
    _is_nowhere(world, f'{path}/bos', 'Bo may nothing')


def test_who_is_nobody_makes_nothing(world):
    one = world.sites['Site1']
    path = '/api/v1/namespaces/default/configmaps'
    for fields in (None, {'Authorization': 'Bearer nonsense'}):
        status, _, text = world.session(one, None, scope=_BOTH).call(
            'POST', path, _map('nobodys'), fields)
        expect(status in (401, 403), f'{status} {text[:300]}')
    _is_nowhere(world, f'{path}/nobodys', 'nobody has asked')


def test_a_user_may_not_impersonate_through_a_node(world):
    """`Impersonate-*` of a client counts where the API server here says so."""
    one = world.sites['Site1']
    path = '/api/v1/namespaces/default/configmaps'
    for fields in ({'Impersonate-User': 'ann'},
                   {'Impersonate-User': 'admin',
                    'Impersonate-Group': 'system:masters'},
                   {'Impersonate-User': 'andy',
                    'Impersonate-Group': 'operators'},
                   {'Impersonate-User': 'andy',
                    'Impersonate-Extra-Scopes': 'all'},
                   {'Impersonate-Group': 'system:masters'},
                   {'Impersonate-User': 'cheops-node'}):
        status, _, text = world.session(one, scope=_BOTH).call(
            'POST', path, _map('stolen'), fields)
        expect(400 <= status < 500 or status == 500,
               f'{fields}: {status} {text[:300]}')
        _is_nowhere(world, f'{path}/stolen', str(fields))


def test_who_may_impersonate_does_it_at_every_site(world):
    """Ann may: she is Andy then, at Site2 as at Site1, and no more than he."""
    one, two = world.sites['Site1'], world.sites['Site2']
    with world.namespace(one, two) as x:
        path = f'/api/v1/namespaces/{x}/configmaps'
        as_andy = {'Impersonate-User': 'andy', 'Impersonate-Group': 'users'}
        world.session(one, 'ann', scope=_BOTH).ask('POST', path, _map('his'),
                                                   as_andy)
        wait_equal(world, f'{path}/his', ('Site1', 'Site2'))
        status, _, text = world.session(one, 'ann', scope=_BOTH).call(
            'POST', '/api/v1/namespaces', {
                'apiVersion': 'v1', 'kind': 'Namespace',
                'metadata': {'name': f'{x}-more'}}, as_andy)
        expect(status == 403, f'{status} {text[:300]}')


def test_masters_of_one_site_are_none_at_another(world):
    """The group `system:masters` is above every rule of the API server that
    it reaches. Another site's node cannot bring it."""
    one, two = world.sites['Site1'], world.sites['Site2']
    with world.namespace(one, two) as x:
        path = f'/api/v1/namespaces/{x}/configmaps'
        status, _, text = world.session(one, 'admin', scope=_BOTH).call(
            'POST', path, _map('masters'))
        expect(status == 403 and b'system:masters' in text,
               f'{status} {text[:300]}')
        _is_nowhere(world, f'{path}/masters', 'it is of system:masters')


def test_a_site_that_refuses_the_user_is_diverged_and_says_so(world):
    """Andy may edit at Site1 and Site2, and not at Site3."""
    one, two = world.sites['Site1'], world.sites['Site2']
    path = '/api/v1/namespaces/default/configmaps'
    name = world.unique('mixed')
    try:
        world.session(one, scope='Site1 & Site2 & Site3').ask(
            'POST', path, _map(name))
        wait_equal(world, f'{path}/{name}', ('Site1', 'Site2'))

        def told(site):
            return world.cheops(site, 'describe', 'replicant',
                                f'/default/configmaps/{name}').out
        wait_until('Site3 is diverged, as Site1 tells', lambda: any(
            'Site3' in y and 'diverged (403)' in y
            for y in told(one).splitlines()))
        expect('diverged' in told(world.sites['Site3']),
               told(world.sites['Site3']))
        got = world.kubectl(world.sites['Site3'],
                            f'cheops status configmap/{name}').must()
        expect('diverged (403)' in got.out, got)
        expect(at(world, 'Site3', f'{path}/{name}') is None, 'it was made')
        # The others go on.
        world.session(two).ask(
            'PATCH', f'{path}/{name}', {'data': {'a': 'b'}},
            {'Content-Type': 'application/merge-patch+json'})
        wait_equal(world, f'{path}/{name}', ('Site1', 'Site2'),
                   lambda y: y.get('data') == {'a': 'b'})
    finally:
        world.session(one).call('DELETE', f'{path}/{name}')


def test_what_a_site_lets_a_user_do_may_change(world):
    """Once Site3 lets Andy, the same is done there: cheops retry."""
    one, three = world.sites['Site1'], world.sites['Site3']
    with world.namespace(*world.sites.values()) as x:
        admin = world.session(three, 'admin', direct=True)
        roles = ('/apis/rbac.authorization.k8s.io/v1/namespaces/'
                 f'{x}/rolebindings')
        held = [json.loads(admin.call('GET', f'{roles}/{y}')[2]) for y in
                ('andy-system:aggregate-to-edit',
                 'andy-system:aggregate-to-view')]
        for y in held:
            admin.ask('DELETE', f'{roles}/{y["metadata"]["name"]}')
        path = f'/api/v1/namespaces/{x}/configmaps/late'
        world.session(one, scope='Site1 & Site2 & Site3').ask(
            'POST', path.removesuffix('/late'), _map('late'))
        local = f'/{x}/configmaps/late'
        wait_until('Site3 is diverged', lambda: 'diverged (403)' in
                   world.cheops(three, 'describe', 'replicant', local).out)
        for y in held:
            admin.ask('POST', roles, {
                **y, 'metadata': {'name': y['metadata']['name']}})
        described = json.loads(world.cheops(
            three, 'describe', 'replicant', local, '-o', 'json').must().out)
        world.cheops(three, 'retry', 'replicant',
                     described['replicant']).must()
        wait_equal(world, path, ('Site1', 'Site2', 'Site3'))


def test_check_asks_for_each_right_of_the_node(world):
    """A doctor for operators: it knows what is missing and the way out."""
    one = world.sites['Site1']
    done = world.cheops(one, 'check')
    expect('identity at Kubernetes: it may act for users' in done.out, done)
    admin = world.session(one, 'admin', direct=True)
    path = ('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/'
            'cheops-node')
    held = admin.ask('GET', path)
    admin.ask('DELETE', path)
    try:
        wait_until('check says what is missing', lambda: 'rbac.yaml' in
                   world.cheops(one, 'check').out)
        done = world.cheops(one, 'check')
        expect(done.code == 1 and 'may not create tokenreviews' in done.out,
               done)
    finally:
        admin.ask('POST', path.removesuffix('/cheops-node'), {
            **held, 'metadata': {
                'name': 'cheops-node',
                'annotations': held['metadata']['annotations']}})
