"""What goes on for long, both ways: watches, logs, exec, tunnels."""
import contextlib
import http.client
import json
import socket
import ssl
import time
import urllib.parse

import kubelet
import rest
import site_plan
from world import expect, wait_until

_WATCHES = 40


@contextlib.contextmanager
def _pod(world, site, namespace):
    """A pod on a node whose kubelet is ours; answers the kubelet."""
    admin = world.session(site, 'admin', direct=True)
    node = world.unique('node')
    with kubelet.Kubelet(site) as mine:
        admin.ask('POST', '/api/v1/nodes', {
            'kind': 'Node', 'apiVersion': 'v1', 'metadata': {'name': node}})
        admin.ask('PATCH', f'/api/v1/nodes/{node}/status', {'status': {
            'addresses': [{'type': 'InternalIP', 'address': mine.ip}],
            'daemonEndpoints': {'kubeletEndpoint': {'Port': mine.port}}}},
            {'Content-Type': 'application/merge-patch+json'})
        path = f'/api/v1/namespaces/{namespace}/pods'
        admin.ask('POST', path, {
            'kind': 'Pod', 'apiVersion': 'v1', 'metadata': {'name': 'pod1'},
            'spec': {'nodeName': node, 'containers': [
                {'name': 'c', 'image': 'x', 'stdin': True}]}})
        admin.ask('PATCH', f'{path}/pod1/status',
                  {'status': {'phase': 'Running'}},
                  {'Content-Type': 'application/merge-patch+json'})
        try:
            yield mine
        finally:
            admin.call('DELETE', f'{path}/pod1?gracePeriodSeconds=0')
            admin.call('DELETE', f'/api/v1/nodes/{node}')


def _streams(world, at, scope, runs_at):
    """exec, attach and logs of a pod: typed at one site, and of another."""
    with world.namespace(runs_at) as x, _pod(world, runs_at, x) as mine:
        typed = f'exec pod1 -n {x}'
        if scope:
            typed += f' --scope {scope}'
        done = world.kubectl(at, f'{typed} -- echo it works').must()
        expect(done.out == 'echo it works\n', done)
        done = world.kubectl(at, f'{typed} -i -- cat', stdin='in and out\n'
                             ).must()
        expect(done.out == 'cat\nin and out\n', done)
        large = 'some of a large text\n' * 50_000
        done = world.kubectl(at, f'{typed} -i -- cat', stdin=large).must()
        expect(done.out == f'cat\n{large}', 'a large text came back otherwise')
        done = world.kubectl(at, f'logs pod1 -n {x}', scope=scope).must()
        expect(done.out == 'line 0\nline 1\nline 2\n', done)
        with world.background(at, f'logs -f pod1 -n {x}', scope=scope) as log:
            for i in range(3):
                expect(log.stdout.readline() == f'line {i}\n', f'line {i}')
                mine.let_next_line_go()


def test_exec_and_logs_of_a_pod_stream_through_a_node(world):
    _streams(world, world.sites['Site1'], None, world.sites['Site1'])


def test_exec_and_logs_of_a_pod_of_another_site(world):
    _streams(world, world.sites['Site1'], 'Site2', world.sites['Site2'])


def _websocket(site, path, user='andy'):
    """An upgraded connection to a front, as a file."""
    at = urllib.parse.urlsplit(site.url)
    trust = ssl.create_default_context(cafile=str(site_plan.authority()))
    plain = socket.create_connection((at.hostname, at.port), timeout=60)
    to = trust.wrap_socket(plain, server_hostname=at.hostname)
    key = 'dGhlIHNhbXBsZSBub25jZQ=='  # RFC 6455, 1.3.
    token = site_plan.USERS[user][0]
    to.sendall(f'GET {path} HTTP/1.1\r\nHost: {at.netloc}\r\n'
               f'Authorization: Bearer {token}\r\nOrigin: {site.url}\r\n'
               'Connection: Upgrade\r\nUpgrade: websocket\r\n'
               f'Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n'
               '\r\n'.encode())
    file = to.makefile('rb')
    status = file.readline()
    expect(b' 101 ' in status, status)
    accepted = b''
    while (line := file.readline()) not in (b'\r\n', b''):
        if line.lower().startswith(b'sec-websocket-accept:'):
            accepted = line.partition(b':')[2].strip()
    expect(accepted == kubelet.accept_key(key), accepted)
    return to, file


def test_a_watch_over_a_websocket_is_a_tunnel(world):
    one = world.sites['Site1']
    for scope, name in ((None, 'Site1'), ('Site2', 'Site2')):
        runs_at = world.sites[name]
        with world.namespace(runs_at) as x:
            path = f'/api/v1/namespaces/{x}/configmaps'
            to, file = _websocket(
                one, f'{rest.prefix(scope)}{path}?watch=1&fieldSelector='
                'metadata.name%3Dpurple')
            with contextlib.closing(to):
                world.session(runs_at, direct=True).ask('POST', path, {
                    'kind': 'ConfigMap', 'apiVersion': 'v1',
                    'metadata': {'name': 'purple'}})
                _, text = kubelet.read_frame(file)
                event = json.loads(text)
                expect(event['type'] == 'ADDED' and
                       event['object']['metadata']['name'] == 'purple', text)


def _open_watch(world, site, scope, namespace):
    path = f'/api/v1/namespaces/{namespace}/configmaps'
    session = world.session(site, scope=scope)
    version = session.ask('GET', f'{path}?limit=1')['metadata'][
        'resourceVersion']
    return session.open('GET', f'{path}?watch=1&resourceVersion={version}')


def test_many_watches_see_all_changes_in_order(world):
    """Of a site, at its own front and at that of another."""
    one, two = world.sites['Site1'], world.sites['Site2']
    with world.namespace(two) as x:
        path = f'/api/v1/namespaces/{x}/configmaps'
        watches = [_open_watch(world, two, None, x) for _ in range(_WATCHES)]
        watches += [_open_watch(world, one, 'Site2', x)
                    for _ in range(_WATCHES)]
        user = world.session(two, direct=True)
        user.ask('POST', path, {'kind': 'ConfigMap', 'apiVersion': 'v1',
                                'metadata': {'name': 'a'}, 'data': {'n': '0'}})
        for n in range(1, 20):
            user.ask('PATCH', f'{path}/a', {'data': {'n': str(n)}},
                     {'Content-Type': 'application/merge-patch+json'})
        for watch in watches:
            for n in range(20):
                got = json.loads(watch.readline())
                expect(got['object']['data']['n'] == str(n),
                       f'{n} was to come, not {got}')


def test_a_silent_watch_outlives_every_timeout_of_a_node(world):
    """A minute is the longest of those that could end one."""
    one, two = world.sites['Site1'], world.sites['Site2']
    with world.namespace(one, two) as x:
        watches = [_open_watch(world, one, None, x),
                   _open_watch(world, one, 'Site2', x)]
        silent_s = 600 if world.long else 80
        time.sleep(silent_s)
        for site, watch in zip((one, two), watches):
            world.session(site, direct=True).ask(
                'POST', f'/api/v1/namespaces/{x}/configmaps', {
                    'kind': 'ConfigMap', 'apiVersion': 'v1',
                    'metadata': {'name': 'late'}})
            got = json.loads(watch.readline())
            expect(got['object']['metadata']['name'] == 'late', str(got))
        world.notes.append(f'{silent_s} s of silence')


def test_a_watch_of_a_site_that_is_cut_off_ends(world):
    """Else its client would wait for ever for news that cannot come."""
    one, two = world.sites['Site1'], world.sites['Site2']
    with world.namespace(two) as x:
        watch = _open_watch(world, one, 'Site2', x)
        world.cut('Site2')

        def ended():
            try:
                return watch.read(1) == b''
            except (OSError, http.client.IncompleteRead):
                return True
        wait_until('the watch has ended', ended)
        world.heal()
