"""A scope with one site: kubectl as typed, at another site's API server."""
import json

import rest
from world import expect, run

_PURPLE = '''apiVersion: v1
kind: ConfigMap
metadata: {name: purple}
data: {colour: purple}
'''


def _names(world, site, namespace, resource='configmaps'):
    """What is really there: asked past the nodes."""
    answer = world.session(world.sites[site], 'admin', direct=True).ask(
        'GET', f'/api/v1/namespaces/{namespace}/{resource}')
    return {x['metadata']['name'] for x in answer['items']}


def test_typed_with_a_scope_it_runs_at_that_site(world):
    one, two = world.sites['Site1'], world.sites['Site2']
    with world.namespace(one, two) as x:
        def typed(line, **more):
            return world.kubectl(one, f'{line} -n {x}', scope='{Site2}',
                                 **more).must()
        typed('create configmap violet --from-literal colour=violet')
        typed('apply -f -', stdin=_PURPLE)
        typed('apply -f -', stdin=_PURPLE.replace('colour: p', 'colour: P'))
        expect(_names(world, 'Site2', x) >= {'violet', 'purple'},
               'they are not at Site2')
        expect(not _names(world, 'Site1', x) & {'violet', 'purple'},
               'they are at Site1 too')
        got = typed('get configmap purple -o jsonpath={.data.colour}')
        expect(got.out == 'Purple', got)
        typed('label configmap purple shade=dark')
        typed('patch configmap purple --type merge -p \'{"data": {"a": "b"}}\'')
        got = typed('get configmaps -l shade=dark -o json')
        expect(json.loads(got.out)['items'][0]['data']['a'] == 'b', got)
        typed('create deployment web --image nginx')
        typed('scale deployment web --replicas 3')
        got = typed('get deployment web -o jsonpath={.spec.replicas}')
        expect(got.out == '3', got)
        typed('delete configmap purple')
        expect('purple' not in _names(world, 'Site2', x), 'it is still there')
        # Without a scope, nothing of it is to be seen.
        done = world.kubectl(one, f'get configmap violet -n {x}')
        expect(done.code == 1 and 'NotFound' in done.err, done)
        typed('explain pods.spec')
        typed('api-resources')
        typed('auth can-i create configmaps')


def test_a_scope_can_be_in_the_kubeconfig(world):
    """No shim, no plugin: the prefix is a part of the server's URL."""
    one, two = world.sites['Site1'], world.sites['Site2']
    with world.folder() as folder, world.namespace(two) as x:
        config = json.loads(one.kubeconfig().read_text())
        config['clusters'][0]['cluster']['server'] += rest.prefix('Site2')
        file = folder / 'kubeconfig'
        file.write_text(json.dumps(config))
        for line in (f'create configmap purple -n {x}',
                     f'get configmap purple -n {x}'):
            run(['kubectl', *line.split()],
                {'PATH': '/usr/bin:/bin', 'HOME': str(folder),
                 'KUBECONFIG': str(file)}).must()
        expect('purple' in _names(world, 'Site2', x), 'it is not at Site2')


def test_the_plugin_takes_a_scope(world):
    one, two = world.sites['Site1'], world.sites['Site2']
    with world.namespace(two) as x:
        world.kubectl(one, 'cheops --scope Site2 create configmap purple',
                      '-n', x).must()
        expect('purple' in _names(world, 'Site2', x), 'it is not at Site2')
    done = world.kubectl(one, 'cheops explain {Site2} /api/v1/pods').must()
    expect('Site2' in done.out, done)


def test_a_scope_can_be_a_field(world):
    one, two = world.sites['Site1'], world.sites['Site2']
    with world.namespace(two) as x:
        status, fields, _ = world.session(one).call(
            'POST', f'/api/v1/namespaces/{x}/configmaps',
            {'kind': 'ConfigMap', 'apiVersion': 'v1',
             'metadata': {'name': 'purple'}}, {'Scope': '{k8s: Site2}'})
        expect(status == 201 and fields['Cheops-Sites'] == 'Site2=201',
               f'{status} {fields}')
        expect('purple' in _names(world, 'Site2', x), 'it is not at Site2')


def test_each_site_decides_what_a_user_may(world):
    """Andy may edit at Site1 and Site2; at Site3 he is nobody special."""
    one = world.sites['Site1']
    there = world.kubectl(world.sites['Site3'], 'get secrets', direct=True)
    scoped = world.kubectl(one, 'get secrets', scope='Site3')
    expect(there.code == scoped.code == 1 and 'Forbidden' in there.err, there)
    expect(scoped.err == there.err, scoped)
    world.kubectl(one, 'get secrets').must()
    world.kubectl(one, 'get secrets', scope='Site2').must()
    status, fields, text = world.session(one, None, 'Site2').call(
        'GET', '/api/v1/namespaces/default/secrets')
    expect(status == 403 and b'system:anonymous' in text, f'{status} {text}')
    expect('Cheops-Error' not in fields, str(fields))


def test_the_peer_front_takes_nobodys_word_for_who_he_is(world):
    """A client's own Impersonate-* is judged by the API server that it
    reaches, there as here."""
    one = world.sites['Site1']
    status, _, text = world.session(one, 'andy', 'Site2').call(
        'GET', '/api/v1/namespaces/default/secrets', None,
        {'Impersonate-User': 'admin', 'Impersonate-Group': 'system:masters'})
    expect(status == 403 and b'impersonate' in text, f'{status} {text}')
    status, _, text = world.session(one, None, 'Site2').call(
        'GET', '/api/v1/namespaces/default/secrets', None,
        {'X-Remote-User': 'admin', 'X-Remote-Group': 'system:masters'})
    expect(status == 403 and b'system:anonymous' in text, f'{status} {text}')


def test_otherwise_is_served_by_the_next_site(world):
    one = world.sites['Site1']
    world.cut('Site2')
    done = world.kubectl(one, 'get namespace default -o name',
                         scope='Site2 || Site1').must()
    expect(done.out == 'namespace/default\n', done)
    with world.namespace(one) as x:
        world.kubectl(one, f'create configmap purple -n {x}',
                      scope='Site2 || Site1').must()
        expect('purple' in _names(world, 'Site1', x), 'it is not at Site1')
