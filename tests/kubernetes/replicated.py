"""One object at several sites: `Site1 & Site2`, with kubectl as typed."""
import json

import rest
from world import expect, wait_until

# What only one site can mean, or what a node writes.
_OWN_METADATA = ('uid', 'resourceVersion', 'creationTimestamp', 'generation',
                 'managedFields', 'selfLink')
_OWN_ANNOTATIONS = ('cheops/operation',)
_BOTH, _ALL = '{Site1 & Site2}', 'Site1 & Site2 & Site3'

_POD = '''apiVersion: v1
kind: Pod
metadata: {name: %s, labels: {colour: %s}}
spec: {containers: [{name: main, image: nginx}]}
'''


def shared_part(x):
    """What is to be the same at all sites: all but what is local by nature."""
    metadata = {k: v for k, v in x['metadata'].items()
                if k not in _OWN_METADATA}
    notes = {k: v for k, v in metadata.pop('annotations', {}).items()
             if k not in _OWN_ANNOTATIONS}
    spec = dict(x.get('spec') or {})
    for own in ('clusterIP', 'clusterIPs', 'nodeName'):
        if spec.get(own) not in (None, 'None', ['None']):
            spec.pop(own)
    if x['kind'] == 'Job':  # By its uid, which each API server gives.
        spec.pop('selector', None)
        for y in (metadata, spec['template']['metadata']):
            y['labels'] = {k: v for k, v in y.get('labels', {}).items()
                           if k not in ('controller-uid', 'job-name')}
    rest = {k: v for k, v in x.items() if k not in ('metadata', 'spec',
                                                    'status')}
    return {**rest, 'metadata': metadata, 'notes': notes, 'spec': spec}


def at(world, site, path):
    """An object as the API server of the site has it, asked past the node;
    None: it is not there."""
    status, _, text = world.session(world.sites[site], 'admin',
                                    direct=True).call('GET', path)
    expect(status in (200, 404), f'{site}: {path}: {status} {text[:300]}')
    return json.loads(text) if status == 200 else None


def wait_equal(world, path, sites, holds=lambda x: True):
    """Until the object is the same at these sites, and as it should be."""
    def equal():
        found = [at(world, x, path) for x in sites]
        return all(found) and all(holds(x) for x in found) and all(
            shared_part(x) == shared_part(found[0]) for x in found)
    wait_until(f'{path} is as it should be at {", ".join(sites)}', equal)


def wait_gone(world, path, sites):
    wait_until(f'{path} is gone from {", ".join(sites)}',
               lambda: not any(at(world, x, path) for x in sites))


def _sites(world, *names):
    return [world.sites[x] for x in names]


def test_the_table_of_the_thesis(world):
    """Line by line: purple made at Site1 for both, violet at Site2 for both,
    and each is read at each. There are no kubelets: pods stay Pending."""
    one, two, three = _sites(world, 'Site1', 'Site2', 'Site3')
    with world.namespace(one, two, three) as x:
        def typed(site, line, **more):
            return world.kubectl(site, f'{line} -n {x}', **more).must()
        typed(one, 'create -f -', stdin=_POD % ('purple', 'purple'),
              scope=_BOTH)
        typed(two, 'create -f -', stdin=_POD % ('violet', 'violet'),
              scope=_BOTH)
        for name in ('purple', 'violet'):
            wait_equal(world, f'/api/v1/namespaces/{x}/pods/{name}',
                       ('Site1', 'Site2'))
        for site in (one, two):
            for name in ('purple', 'violet'):
                got = typed(site, f'get pod {name} -o '
                            'jsonpath={.metadata.labels.colour}')
                expect(got.out == name, got)
                got = typed(site, f'get pod {name}', scope=_BOTH)
                expect(name in got.out and 'Pending' in got.out, got)
            got = typed(site, 'get pods -o name')
            expect(got.out == 'pod/purple\npod/violet\n', got)
        got = typed(three, 'get pods -o name')
        expect(got.out == '', got)
        # Either site changes either, with no scope: the object has it.
        typed(two, 'label pod purple shade=dark')
        typed(one, 'annotate pod violet shade=light')
        wait_equal(world, f'/api/v1/namespaces/{x}/pods/purple',
                   ('Site1', 'Site2'),
                   lambda y: y['metadata']['labels'].get('shade') == 'dark')
        wait_equal(world, f'/api/v1/namespaces/{x}/pods/violet',
                   ('Site1', 'Site2'),
                   lambda y: 'shade' in y['metadata'].get('annotations', {}))
        typed(two, 'delete pod purple --now')
        typed(one, 'delete pod violet --now')
        for name in ('purple', 'violet'):
            wait_gone(world, f'/api/v1/namespaces/{x}/pods/{name}',
                      ('Site1', 'Site2'))


def test_a_scope_in_an_annotation_stays_on_the_object(world):
    one, two, three = _sites(world, 'Site1', 'Site2', 'Site3')
    text = '''apiVersion: v1
kind: ConfigMap
metadata: {name: purple, annotations: {cheops/scope: "Site1 & Site2"}}
data: {colour: %s}
'''
    with world.namespace(one, two, three) as x:
        path = f'/api/v1/namespaces/{x}/configmaps/purple'
        world.kubectl(one, f'apply -n {x} -f -', stdin=text % 'purple').must()
        wait_equal(world, path, ('Site1', 'Site2'))
        got = world.kubectl(two, f'get configmap purple -n {x} -o yaml').must()
        expect('cheops/scope: Site1 & Site2' in got.out, got)
        world.kubectl(two, f'apply -n {x} -f -', stdin=text % 'mauve').must()
        wait_equal(world, path, ('Site1', 'Site2'),
                   lambda y: y['data']['colour'] == 'mauve')
        expect(at(world, 'Site3', path) is None, 'it is at Site3')


def test_a_context_of_a_kubeconfig_has_a_scope(world):
    """The scope is a part of the server's URL: nothing but the context is
    chosen then."""
    one, two = _sites(world, 'Site1', 'Site2')
    with world.namespace(one, two) as x, world.folder() as folder:
        config = json.loads(one.kubeconfig().read_text())
        cluster = config['clusters'][0]['cluster']
        config['clusters'].append({'name': 'both', 'cluster': {
            **cluster, 'server': cluster['server'] + rest.prefix(_BOTH)}})
        config['contexts'].append({'name': 'both', 'context': {
            'cluster': 'both', 'user': 'andy', 'namespace': x}})
        file = folder / 'config'
        file.write_text(json.dumps(config))
        world.kubectl(one, 'create configmap purple --context both',
                      environment={'KUBECONFIG': str(file)}).must()
        wait_equal(world, f'/api/v1/namespaces/{x}/configmaps/purple',
                   ('Site1', 'Site2'))


def test_the_plugin_makes_and_tells(world):
    one, two = _sites(world, 'Site1', 'Site2')
    with world.namespace(one, two) as x:
        world.kubectl(one, f"cheops --scope '{_BOTH}' create -n {x} configmap "
                      'purple').must()
        wait_equal(world, f'/api/v1/namespaces/{x}/configmaps/purple',
                   ('Site1', 'Site2'))
        for site in (one, two):
            got = world.kubectl(site,
                                f'cheops status cm/purple -n {x}').must()
            for word in ('State:      ok', 'Site1', 'Site2',
                         f'/{x}/configmaps/purple'):
                expect(word in got.out, got)
        got = world.kubectl(one, f'cheops status configmap/none -n {x}')
        expect(got.code == 1 and 'nothing called' in got.err, got)


def test_a_generated_name_is_one_name(world):
    one, two = _sites(world, 'Site1', 'Site2')
    with world.namespace(one, two) as x:
        got = world.kubectl(one, f'create -n {x} -o name -f -', scope=_BOTH,
                            stdin=json.dumps({
                                'apiVersion': 'v1', 'kind': 'ConfigMap',
                                'metadata': {'generateName': 'many-'}})).must()
        name = got.out.strip().removeprefix('configmap/')
        expect(name.startswith('many-') and name != 'many-', got)
        wait_equal(world, f'/api/v1/namespaces/{x}/configmaps/{name}',
                   ('Site1', 'Site2'))


def test_a_name_that_is_taken_is_one_refusal(world):
    """At the asking site, by its own API server, and nothing is made."""
    one, two = _sites(world, 'Site1', 'Site2')
    with world.namespace(one, two) as x:
        world.kubectl(one, f'create configmap purple -n {x}').must()
        got = world.kubectl(one, f'create configmap purple -n {x}',
                            scope=_BOTH)
        expect(got.code == 1 and 'already exists' in got.err, got)
        expect(at(world, 'Site2', f'/api/v1/namespaces/{x}/configmaps/purple')
               is None, 'it was made at Site2')


def test_what_the_api_server_refuses_never_enters_the_log(world):
    one, two = _sites(world, 'Site1', 'Site2')
    with world.namespace(one, two) as x:
        got = world.kubectl(one, f'create -n {x} -f - --validate=false',
                            scope=_BOTH, stdin=json.dumps({
                                'apiVersion': 'v1', 'kind': 'Pod',
                                'metadata': {'name': 'purple'},
                                'spec': {'containers': []}}))
        expect(got.code == 1 and 'spec.containers' in got.err, got)
        got = world.cheops(one, 'describe', 'replicant', f'/{x}/pods/purple')
        expect(got.code == 1, got)


def test_a_watch_sees_changes_of_another_site_in_order(world):
    one, two = _sites(world, 'Site1', 'Site2')
    with world.namespace(one, two) as x:
        path = f'/api/v1/namespaces/{x}/configmaps'
        world.kubectl(one, f'create configmap purple -n {x}',
                      scope=_BOTH).must()
        wait_equal(world, f'{path}/purple', ('Site1', 'Site2'))
        begins = at(world, 'Site2', f'{path}/purple')['metadata'][
            'resourceVersion']
        watch = world.session(two).open(
            'GET', f'{path}?watch=1&resourceVersion={begins}')
        user = world.session(one)
        for n in range(10):
            user.ask('PATCH', f'{path}/purple', {'data': {'n': str(n)}},
                     {'Content-Type': 'application/merge-patch+json'})
        # Nobody needs a change of what is deleted: the last is waited for.
        wait_equal(world, f'{path}/purple', ('Site1', 'Site2'),
                   lambda y: y['data']['n'] == '9')
        user.ask('DELETE', f'{path}/purple')
        for n in range(10):
            got = json.loads(watch.readline())
            expect(got['type'] == 'MODIFIED'
                   and got['object']['data']['n'] == str(n),
                   f'{n} was to come, not {got}')
        got = json.loads(watch.readline())
        expect(got['type'] == 'DELETED', str(got))


def test_what_an_object_needs_is_missed_before_it_is_made(world):
    """A ConfigMap that is at Site1 alone, and a Pod of both sites."""
    one, two = _sites(world, 'Site1', 'Site2')
    with world.namespace(one, two) as x:
        world.kubectl(one, f'create configmap settings -n {x}').must()
        pod = json.dumps({
            'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': 'purple'},
            'spec': {'containers': [{
                'name': 'main', 'image': 'nginx', 'envFrom': [
                    {'configMapRef': {'name': 'settings'}}]}]}})
        got = world.kubectl(one, f'create -n {x} -f -', scope=_BOTH, stdin=pod)
        expect(got.code == 1 and 'settings' in got.err and 'Site2' in got.err,
               got)
        for site in ('Site1', 'Site2'):
            expect(at(world, site, f'/api/v1/namespaces/{x}/pods/purple')
                   is None, f'it was made at {site}')
        world.kubectl(two, f'create configmap settings -n {x}').must()
        world.kubectl(one, f'create -n {x} -f -', scope=_BOTH,
                      stdin=pod).must()
        wait_equal(world, f'/api/v1/namespaces/{x}/pods/purple',
                   ('Site1', 'Site2'))
