"""A small client of the Kubernetes API: one user at one URL."""
import base64
import http.client
import json
import ssl
import urllib.parse

from site_plan import USERS, authority


class Failure(Exception):
    """An answer that was not expected."""

    def __init__(self, method, path, status, text):
        super().__init__(f'{method} {path}: {status} {text[:500]}')
        self.status = status


def prefix(scope):
    """The path prefix that carries a scope; empty without one."""
    if not scope:
        return ''
    code = base64.urlsafe_b64encode(scope.encode()).decode().rstrip('=')
    return f'/scope/{code}'


class Session:
    """Keeps one connection open. Not for use by two threads."""

    def __init__(self, url, user='admin', scope=None, timeout=120):
        parts = urllib.parse.urlsplit(url)
        trust = ssl.create_default_context(cafile=str(authority()))
        self._to = http.client.HTTPSConnection(parts.netloc, timeout=timeout,
                                               context=trust)
        self._prefix = prefix(scope)
        self._token = USERS[user][0] if user else None

    def fields(self, more=None):
        out = {'Accept': 'application/json', **(more or {})}
        if self._token:
            out['Authorization'] = f'Bearer {self._token}'
        return out

    def open(self, method, path, body=None, fields=None):
        """The answer, its body still to be read."""
        more = dict(fields or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            more.setdefault('Content-Type', 'application/json')
        self._to.request(method, self._prefix + path, body, self.fields(more))
        return self._to.getresponse()

    def call(self, method, path, body=None, fields=None):
        """Status, fields, bytes."""
        answer = self.open(method, path, body, fields)
        return answer.status, answer.headers, answer.read()

    def ask(self, method, path, body=None, fields=None):
        """The JSON of an answer; anything but 2xx raises Failure."""
        status, _, text = self.call(method, path, body, fields)
        if not 200 <= status < 300:
            raise Failure(method, path, status, text.decode(errors='replace'))
        return json.loads(text)

    def close(self):
        self._to.close()


def let_administer(admin, user):
    """Everything, at the whole site. It is no error if it was so."""
    group = 'rbac.authorization.k8s.io'
    status, _, text = admin.call(
        'POST', f'/apis/{group}/v1/clusterrolebindings', {
            'apiVersion': f'{group}/v1', 'kind': 'ClusterRoleBinding',
            'metadata': {'name': f'{user}-administers'},
            'roleRef': {'apiGroup': group, 'kind': 'ClusterRole',
                        'name': 'cluster-admin'},
            'subjects': [{'apiGroup': group, 'kind': 'User', 'name': user}]})
    if status not in (201, 409):
        raise Failure('POST', 'clusterrolebindings', status, text.decode())


def let_edit(admin, namespace, user):
    """What the role `edit` gives: a controller would fill that one with these
    two, and none runs here. It is no error if they were there."""
    group = 'rbac.authorization.k8s.io'
    for role in ('system:aggregate-to-edit', 'system:aggregate-to-view'):
        status, _, text = admin.call(
            'POST', f'/apis/{group}/v1/namespaces/{namespace}/rolebindings', {
                'apiVersion': f'{group}/v1', 'kind': 'RoleBinding',
                'metadata': {'name': f'{user}-{role}'},
                'roleRef': {'apiGroup': group, 'kind': 'ClusterRole',
                            'name': role},
                'subjects': [{'apiGroup': group, 'kind': 'User',
                              'name': user}]})
        if status not in (201, 409):
            raise Failure('POST', 'rolebindings', status, text.decode())
