"""Twelve kinds on three sites, changed from one after the other."""
import contextlib
import itertools
import json

from replicated import at, shared_part, wait_equal, wait_gone
from world import expect, remove_namespace, wait_until

_ALL = 'Site1 & Site2 & Site3'
_SITES = ('Site1', 'Site2', 'Site3')
_META = {'labels': {'app': 'web'}}
_PODS = {'metadata': _META, 'spec': {
    'containers': [{'name': 'main', 'image': 'nginx'}]}}

# Kind, apiVersion, plural, and what its body has beside the name. The first
# path of each patch is changed by a merge patch, so it is a member that may be.
_KINDS = (
    ('ConfigMap', 'v1', 'configmaps', {'data': {'a': '1'}}),
    ('Secret', 'v1', 'secrets', {'stringData': {'a': '1'}}),
    ('Pod', 'v1', 'pods', {'spec': _PODS['spec']}),
    ('Service', 'v1', 'services', {'spec': {
        'selector': {'app': 'web'}, 'ports': [{'port': 80}]}}),
    ('ServiceAccount', 'v1', 'serviceaccounts', {}),
    ('PersistentVolumeClaim', 'v1', 'persistentvolumeclaims', {'spec': {
        'accessModes': ['ReadWriteOnce'],
        'resources': {'requests': {'storage': '1Gi'}}}}),
    ('ResourceQuota', 'v1', 'resourcequotas', {'spec': {'hard': {
        'pods': '50'}}}),
    ('Deployment', 'apps/v1', 'deployments', {'spec': {
        'replicas': 1, 'selector': {'matchLabels': {'app': 'web'}},
        'template': _PODS}}),
    ('StatefulSet', 'apps/v1', 'statefulsets', {'spec': {
        'replicas': 1, 'serviceName': 'web',
        'selector': {'matchLabels': {'app': 'web'}}, 'template': _PODS}}),
    ('Job', 'batch/v1', 'jobs', {'spec': {'template': {'spec': {
        **_PODS['spec'], 'restartPolicy': 'Never'}}}}),
    ('NetworkPolicy', 'networking.k8s.io/v1', 'networkpolicies', {'spec': {
        'podSelector': {}}}),
    ('Gadget', 'kinds.example/v1', 'gadgets', {'spec': {'size': 3}}),
)
_CRD = {
    'apiVersion': 'apiextensions.k8s.io/v1',
    'kind': 'CustomResourceDefinition',
    'metadata': {'name': 'gadgets.kinds.example'},
    'spec': {
        'group': 'kinds.example', 'scope': 'Namespaced',
        'names': {'plural': 'gadgets', 'singular': 'gadget', 'kind': 'Gadget'},
        'versions': [{
            'name': 'v1', 'served': True, 'storage': True,
            'subresources': {'scale': {
                'specReplicasPath': '.spec.size',
                'statusReplicasPath': '.status.size'}},
            'schema': {'openAPIV3Schema': {'type': 'object', 'properties': {
                'spec': {'type': 'object', 'properties': {
                    'size': {'type': 'integer'}}}}}}}]}}
_CRD_PATH = ('/apis/apiextensions.k8s.io/v1/customresourcedefinitions/'
             'gadgets.kinds.example')


def _path(kind, namespace, name):
    _, version, plural, _ = kind
    root = 'api' if version == 'v1' else 'apis'
    return f'/{root}/{version}/namespaces/{namespace}/{plural}/{name}'


def _object(kind, namespace, name):
    return {'apiVersion': kind[1], 'kind': kind[0],
            'metadata': {'name': name, 'namespace': namespace}, **kind[3]}


class _Turns:
    """Ann types each line at the next site."""

    def __init__(self, world):
        self._world = world
        self._sites = itertools.cycle(world.sites[x] for x in _SITES)
        self._site = None

    def type(self, line, *more, again=False, **rest):
        """`again`: at the site of the line before."""
        if not again:
            self._site = next(self._sites)
        done = self._world.kubectl(self._site, line, *more, user='ann', **rest)
        return done.must()


def _has(*way):
    """Whether the last of these is what is found behind the others."""
    def holds(x):
        for key in way[:-1]:
            x = x.get(key) if isinstance(x, dict) else None
        return x == way[-1]
    return holds


def _live(world, turns, kind, namespace):
    """One object from its making to its end."""
    name = f'one-{kind[2]}'
    path = _path(kind, namespace, name)
    target = f'{kind[2]}/{name} -n {namespace}'

    def all_have(*way):
        wait_equal(world, path, _SITES, _has(*way))
    turns.type('create -f -', scope=_ALL,
               stdin=json.dumps(_object(kind, namespace, name)))
    wait_equal(world, path, _SITES)
    turns.type(f'patch {target} --type merge -p',
               '{"metadata": {"labels": {"merged": "yes"}}}')
    all_have('metadata', 'labels', 'merged', 'yes')
    turns.type(f'patch {target} --type json -p', json.dumps([
        {'op': 'add', 'path': '/metadata/labels/json', 'value': 'yes'}]))
    all_have('metadata', 'labels', 'json', 'yes')
    if kind[0] != 'Gadget':  # The server has no strategy for its own kinds.
        turns.type(f'patch {target} -p',
                   '{"metadata": {"labels": {"strategic": "yes"}}}')
        all_have('metadata', 'labels', 'strategic', 'yes')
    turns.type(f'label {target} labelled=yes')
    all_have('metadata', 'labels', 'labelled', 'yes')
    if kind[0] in ('Deployment', 'StatefulSet', 'Gadget'):
        turns.type(f'scale {target} --replicas 4')
        all_have('spec', 'size' if kind[0] == 'Gadget' else 'replicas', 4)
    _replace(world, turns, kind, path, target)
    _delete(world, turns, kind, namespace, name)


def _delete(world, turns, kind, namespace, name):
    target = f'{kind[2]}/{name} -n {namespace}'
    if kind[0] == 'PersistentVolumeClaim':  # A controller would do that.
        turns.type(f'patch {target} --type merge -p',
                   '{"metadata": {"finalizers": null}}')
    turns.type(f'delete {target} --wait=false --now')
    wait_gone(world, _path(kind, namespace, name), _SITES)


def _replace(world, turns, kind, path, target):
    """As `kubectl get -o json | … | kubectl replace -f -` at one site: all that
    only that site can mean is in the body."""
    got = json.loads(turns.type(f'get {target} -o json').out)
    got['metadata']['labels']['replaced'] = 'yes'
    if kind[0] == 'ConfigMap':
        got['data'] = {'b': '2'}
    turns.type('replace -f -', again=True, stdin=json.dumps(got))
    wait_equal(world, path, _SITES, _has('metadata', 'labels', 'replaced',
                                         'yes'))


def _apply(world, turns, kind, namespace):
    """Applied twice, at two sites."""
    name = f'two-{kind[2]}'
    whole = _object(kind, namespace, name)
    turns.type('apply -f -', scope=_ALL, stdin=json.dumps(whole))
    wait_equal(world, _path(kind, namespace, name), _SITES)
    whole['metadata']['labels'] = {'applied': 'again'}
    turns.type('apply -f -', scope=_ALL, stdin=json.dumps(whole))
    wait_equal(world, _path(kind, namespace, name), _SITES,
               _has('metadata', 'labels', 'applied', 'again'))


@contextlib.contextmanager
def _forgotten_definition(world):
    """Whatever happens, it is gone afterwards: of the whole site, it would
    be in other tests' way."""
    try:
        yield
    finally:
        for x in world.sites.values():
            world.session(x, 'admin', direct=True).call('DELETE', _CRD_PATH)


def test_twelve_kinds_from_alternating_sites(world):
    turns = _Turns(world)
    with world.namespace(*world.sites.values()) as namespace, \
            _forgotten_definition(world):
        turns.type('apply -f -', scope=_ALL, stdin=json.dumps(_CRD))
        wait_until('the new kind is served', lambda: all(
            world.session(x, 'admin', direct=True).call(
                'GET', '/apis/kinds.example/v1/gadgets')[0] == 200
            for x in world.sites.values()))
        for kind in _KINDS:
            _live(world, turns, kind, namespace)
            _apply(world, turns, kind, namespace)
        # What is left is the same everywhere, and nothing differs from it.
        for kind in _KINDS:
            path = _path(kind, namespace, f'two-{kind[2]}')
            parts = [shared_part(at(world, x, path)) for x in _SITES]
            expect(parts[0] == parts[1] == parts[2], f'{path}: {parts}')
            _delete(world, turns, kind, namespace, f'two-{kind[2]}')
        turns.type('delete crd gadgets.kinds.example --wait=false')
        wait_gone(world, _CRD_PATH, _SITES)
    world.notes.append(f'{len(_KINDS)} kinds, and the definition of one')


def test_server_side_apply(world):
    turns = _Turns(world)
    with world.namespace(*world.sites.values()) as namespace:
        kind = _KINDS[0]
        whole = _object(kind, namespace, 'indigo')
        path = _path(kind, namespace, 'indigo')
        for value in ('1', '2'):
            whole['data'] = {'a': value}
            turns.type('apply --server-side -f -', scope=_ALL,
                       stdin=json.dumps(whole))
            wait_equal(world, path, _SITES, _has('data', 'a', value))


def test_a_namespace_and_what_is_in_it(world):
    """Made by name, everywhere, before what is in it."""
    turns = _Turns(world)
    name = world.unique('whole')
    turns.type(f'create namespace {name}', scope=_ALL)
    wait_equal(world, f'/api/v1/namespaces/{name}', _SITES)
    turns.type(f'create configmap inside -n {name}', scope=_ALL)
    wait_equal(world, f'/api/v1/namespaces/{name}/configmaps/inside', _SITES)
    turns.type(f'delete configmap inside -n {name}')
    wait_gone(world, f'/api/v1/namespaces/{name}/configmaps/inside', _SITES)
    turns.type(f'delete namespace {name} --wait=false')
    # Without controllers a namespace does not end; its end has begun.
    wait_until('it goes at every site', lambda: all(
        (at(world, x, f'/api/v1/namespaces/{name}') or {'status': {
            'phase': 'Terminating'}})['status']['phase'] == 'Terminating'
        for x in _SITES))
    for x in world.sites.values():
        remove_namespace(world.session(x, 'admin', direct=True), name)
