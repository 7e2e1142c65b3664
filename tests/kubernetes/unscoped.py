"""Requests without a scope: as if there were no Cheops."""
import json
import re
import select
import urllib.request

from world import expect, remove_namespace, wait_until

# What users of a cluster do. In the order given: later ones need earlier ones.
# {ns} is a namespace of their own, {at} a folder with their files.
_COMMANDS = '''
version -o json
cluster-info
api-versions
api-resources
api-resources --namespaced=false -o name
explain pods.spec.containers.image
explain deployments --recursive
get --raw /healthz
get --raw /version
get --raw /api/v1/nothing
auth can-i create pods
auth can-i --list
auth can-i get secrets --as bo
create namespace {ns}
get namespace {ns} -o jsonpath={{.metadata.name}}
create configmap one -n {ns} --from-literal a=b
create configmap one -n {ns} --from-literal a=b
create configmap big -n {ns} --from-file {at}/big
create secret generic keys -n {ns} --from-literal password=hidden
create serviceaccount robot -n {ns}
create role reader -n {ns} --verb get --resource pods
create rolebinding reader -n {ns} --role reader --user bo
create deployment web -n {ns} --image nginx --replicas 2
create service clusterip web -n {ns} --tcp 80
create quota few -n {ns} --hard pods=10
create job once -n {ns} --image busybox -- true
create cronjob hourly -n {ns} --image busybox --schedule "0 * * * *"
create configmap dry -n {ns} --dry-run=server -o yaml
create configmap dry -n {ns} --dry-run=client -o yaml
run pod1 -n {ns} --image nginx
apply -n {ns} -f {at}/purple.yaml
apply -n {ns} -f {at}/purple.yaml
diff -n {ns} -f {at}/violet.yaml
apply -n {ns} -f {at}/violet.yaml
apply -n {ns} --server-side -f {at}/indigo.yaml
replace -n {ns} -f {at}/purple.yaml
edit configmap purple -n {ns}
patch deployment web -n {ns} -p '{{"spec": {{"replicas": 3}}}}'
patch deployment web -n {ns} --type json -p \
 '[{{"op": "replace", "path": "/spec/replicas", "value": 4}}]'
patch configmap one -n {ns} --type merge -p '{{"data": {{"c": "d"}}}}'
scale deployment web -n {ns} --replicas 5
scale deployment web -n {ns} --replicas 6 --current-replicas 2
set image deployment/web -n {ns} nginx=nginx:2
set env deployment/web -n {ns} A=1
label configmap one -n {ns} colour=blue
annotate configmap one -n {ns} note="two words"
get configmaps -n {ns} -l colour=blue
get all -n {ns}
get all -n {ns} -o wide
get configmaps -n {ns} -o yaml
get deployment web -n {ns} -o json
get secrets keys -n {ns} -o jsonpath={{.data.password}}
get events -n {ns}
get configmaps -n {ns} --chunk-size 1 -o name
describe deployment web -n {ns}
describe configmap purple -n {ns}
rollout status deployment/web -n {ns} --timeout 1s
rollout history deployment/web -n {ns}
wait deployment/web -n {ns} --for condition=Available --timeout 1s
wait configmap/one -n {ns} --for jsonpath={{.data.a}}=b --timeout 10s
expose deployment web -n {ns} --name web2 --port 80
autoscale deployment web -n {ns} --max 3
apply -f {at}/crd.yaml
wait crd/widgets.testbed.example --for condition=Established --timeout 20s
apply -n {ns} -f {at}/widget.yaml
get widgets -n {ns}
patch widget round -n {ns} --type merge -p '{{"spec": {{"size": 4}}}}'
delete widget round -n {ns}
delete crd widgets.testbed.example
create token robot -n {ns} --duration 1h
get pod nothing -n {ns}
get nothings
delete configmap nothing -n {ns}
logs pod1 -n {ns}
exec pod1 -n {ns} -- true
attach pod1 -n {ns}
port-forward pod/pod1 -n {ns} 1:2
delete pod pod1 -n {ns} --now
delete configmaps --all -n {ns}
delete namespace {ns} --wait=false
'''.replace('\\\n', '').strip().splitlines()

_PURPLE = '''apiVersion: v1
kind: ConfigMap
metadata: {name: purple}
data: {colour: %s}
'''
_CRD = '''apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.testbed.example}
spec:
  group: testbed.example
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              properties: {size: {type: integer}}
'''
_WIDGET = '''apiVersion: testbed.example/v1
kind: Widget
metadata: {name: round}
spec: {size: 3}
'''

# What differs from one run to the next with nothing in between, too.
_VOLATILE = [
    (re.compile(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'), '<uid>'),
    (re.compile(r'\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z'), '<time>'),
    (re.compile(r'\b\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}'),
     '<time>'),
    (re.compile(r'[IWEF]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ '), '<log> '),
    (re.compile(r'(resourceVersion"?: *"?)\d+'), r'\1<version>'),
    (re.compile(r'\b10\.\d+\.0\.\d+ *'), '<ip> '),
    (re.compile(r'\b\d+(m\d+)?s\b'), '<age>'),
    (re.compile(r'eyJ[\w-]+\.[\w-]+\.[\w-]+'), '<token>'),
    (re.compile(r'/tmp/(LIVE|MERGED)-\d+'), r'/tmp/\1'),
    (re.compile(r'kubectl-edit-\d+\.yaml'), 'kubectl-edit.yaml'),
    (re.compile(r'^(---|\+\+\+) (\S+).*$', re.MULTILINE), r'\1 \2'),
    (re.compile(r' +$', re.MULTILINE), ''),
    # Columns are as wide as what is in them.
    (re.compile(r'   +'), '   '),
]


def _write(folder):
    for name, text in {
            'purple.yaml': _PURPLE % 'purple',
            'violet.yaml': _PURPLE % 'violet',
            'indigo.yaml': _PURPLE.replace('purple', 'indigo') % 'indigo',
            'crd.yaml': _CRD, 'widget.yaml': _WIDGET,
            'big': 'twelve bytes' * 60_000}.items():
        (folder / name).write_text(text)


def _same(text, site, namespace):
    for x in (site.url, site.backend_url):
        text = text.replace(x, '<server>')
        text = text.replace(x.removeprefix('https://'), '<server>')
    text = text.replace(namespace, '<namespace>')
    for pattern, instead in _VOLATILE:
        text = pattern.sub(instead, text)
    return text


def _forget_widgets(world, site):
    """Of a run before; the API server takes a while to forget them."""
    admin = world.session(site, 'admin', direct=True)
    admin.call('DELETE', '/apis/apiextensions.k8s.io/v1/'
               'customresourcedefinitions/widgets.testbed.example')
    wait_until('widgets are forgotten', lambda: b'testbed.example' not in
               admin.call('GET', '/apis')[2])


def _play(world, site, namespace, direct):
    """Runs all commands; answers what each printed, and how it ended."""
    _forget_widgets(world, site)
    results = []
    with world.folder() as folder:
        _write(folder)
        for command in _COMMANDS:
            line = command.format(ns=namespace, at=folder)
            done = world.kubectl(
                site, line, '--cache-dir', folder / 'cache', user='admin',
                direct=direct, environment={
                    'KUBE_EDITOR': 'sed -i s/violet/mauve/;s/purple$/mauve/'})
            results.append((command, done.code, *(
                _same(x.replace(str(folder), '<folder>'), site, namespace)
                for x in (done.out, done.err))))
    remove_namespace(world.session(site, 'admin', direct=True), namespace)
    return results


def test_commands_without_a_scope_give_what_they_give_without_cheops(world):
    site = world.sites['Site1']
    # Names of one length, so that columns are as wide.
    name = world.unique('play')
    through = _play(world, site, f'{name}-node', False)
    plain = _play(world, site, f'{name}-bare', True)
    wrong = [(x, y) for x, y in zip(through, plain) if x != y]
    expect(not wrong, '\n'.join(
        f'kubectl {x[0]}\n--- through the node\n{x[1:]}\n--- without\n{y[1:]}'
        for x, y in wrong))
    ended_well = sum(x[1] == 0 for x in plain)
    expect(ended_well >= 60, 'too few commands worked at all: ' + '\n'.join(
        f'{x[0]}: {x[3]}' for x in plain if x[1] != 0))
    world.notes.append(f'{len(plain)} commands, {ended_well} of which do what '
                       'they are to, the same but for ids and times')


def test_a_watch_shows_what_it_shows_without_cheops(world):
    site = world.sites['Site1']
    shown = []
    for direct in (False, True):
        with world.namespace(site) as namespace, world.background(
                site, f'get configmaps -n {namespace} -w --output-watch-events '
                '--watch-only -o', 'jsonpath={.type} {.object.metadata.name} '
                '{.object.data}{"\\n"}', direct=direct) as watch:
            user = world.session(site)
            path = f'/api/v1/namespaces/{namespace}/configmaps'
            # It is open once it has seen a first change.
            seen = []

            def opened():
                user.call('POST', path, {
                    'apiVersion': 'v1', 'kind': 'ConfigMap',
                    'metadata': {'generateName': 'first-'}})
                return bool(select.select([watch.stdout], [], [], 0.5)[0])
            wait_until('the watch is open', opened)
            user.ask('POST', path, {
                'apiVersion': 'v1', 'kind': 'ConfigMap',
                'metadata': {'name': 'one'}, 'data': {'a': '1'}})
            user.ask('PATCH', f'{path}/one', {'data': {'a': '2'}},
                     {'Content-Type': 'application/merge-patch+json'})
            user.ask('DELETE', f'{path}/one')
            for line in watch.stdout:
                if 'first-' not in line:
                    seen.append(line.split())
                if line.startswith('DELETED'):
                    break
            shown.append(seen)
    expect(len(shown[0]) == 3 and shown[0] == shown[1], str(shown))


def test_kubectl_proxy_goes_through(world):
    site = world.sites['Site1']
    answers = []
    for direct in (False, True):
        with world.background(site, 'proxy --port 0', direct=direct) as proxy:
            address = re.search(r'127\.0\.0\.1:\d+', proxy.stdout.readline())[0]
            with urllib.request.urlopen(
                    f'http://{address}/api/v1/namespaces/default/configmaps',
                    timeout=30) as answer:
                answers.append(sorted(json.load(answer)))
    expect(answers[0] == answers[1] and 'items' in answers[0], str(answers))


def test_who_has_no_token_is_nobody(world):
    """A node adds no credential of its own."""
    site = world.sites['Site1']
    told = [world.session(site, None, direct=x).call(
        'GET', '/api/v1/namespaces/default/secrets') for x in (False, True)]
    expect(told[0][0] == told[1][0] == 403, str(told))
    expect(b'system:anonymous' in told[0][2], str(told))
    told = [world.session(site, 'andy', direct=x).call(
        'GET', '/api/v1/namespaces/default/secrets', None,
        {'Impersonate-User': 'admin', 'Impersonate-Group': 'system:masters'})
        for x in (False, True)]
    expect(told[0][0] == told[1][0] == 403, str(told))
    expect(b'impersonate' in told[0][2], str(told))
