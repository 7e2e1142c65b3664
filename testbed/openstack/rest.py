"""A small client of OpenStack's REST API: one user at one site."""
import base64
import http.client
import json
import urllib.parse

from site_plan import PASSWORD


class Failure(Exception):
    """An answer that was not expected."""

    def __init__(self, method, url, answer):
        super().__init__(f'{method} {url}: {answer.status} {answer.text[:500]}')
        self.answer = answer


class Answer:
    def __init__(self, response, body):
        self.status = response.status
        self.headers = response.headers
        self.bytes = body

    @property
    def text(self):
        return self.bytes.decode(errors='replace')

    @property
    def json(self):
        return json.loads(self.bytes)


def scoped(auth_url, scope):
    """An auth URL whose tokens carry a scope."""
    if not scope:
        return auth_url
    prefix = base64.urlsafe_b64encode(scope.encode()).decode().rstrip('=')
    parts = urllib.parse.urlsplit(auth_url)
    return parts._replace(path=f'/scope/{prefix}{parts.path}').geturl()


class Session:
    """Asks for a token once; a connection to each service is kept open. Not
    for use by two threads."""

    def __init__(self, auth_url, user='admin', project=None, password=PASSWORD,
                 timeout=300):
        self.auth_url = auth_url
        self._timeout = timeout
        self._connections = {}
        self.token = None
        answer = self.call('POST', f'{auth_url}/auth/tokens', {'auth': {
            'identity': {'methods': ['password'], 'password': {'user': {
                'name': user, 'domain': {'id': 'default'},
                'password': password}}},
            'scope': {'project': {'name': project or user,
                                  'domain': {'id': 'default'}}}}},
            expect=[201])
        self.token = answer.headers['X-Subject-Token']
        self.about = answer.json['token']

    def endpoint(self, type_):
        """The public URL of a service in the catalogue of the token."""
        for x in self.about['catalog']:
            if x['type'] == type_:
                return next(e['url'] for e in x['endpoints']
                            if e['interface'] == 'public').rstrip('/')
        raise KeyError(f'no {type_} in the catalogue')

    def call(self, method, url, body=None, headers=None, expect=None):
        """One exchange. A `body` that is no bytes is sent as JSON. `expect` is
        a list of statuses; others raise Failure."""
        parts = urllib.parse.urlsplit(url)
        target = parts.path + (f'?{parts.query}' if parts.query else '')
        fields = {'Accept': 'application/json',
                  'X-OpenStack-Nova-API-Version': '2.93', **(headers or {})}
        if self.token:
            fields.setdefault('X-Auth-Token', self.token)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            fields.setdefault('Content-Type', 'application/json')
        for last in (False, True):
            to = self._connections.get(parts.netloc)
            fresh = to is None
            if fresh:
                to = http.client.HTTPConnection(parts.netloc,
                                                timeout=self._timeout)
                self._connections[parts.netloc] = to
            try:
                to.request(method, target, body, fields)
                response = to.getresponse()
                answer = Answer(response, response.read())
                break
            except (http.client.RemoteDisconnected, ConnectionError):
                # A connection at rest may be closed as we write.
                to.close()
                del self._connections[parts.netloc]
                if fresh or last:
                    raise
        if expect and answer.status not in expect:
            raise Failure(method, url, answer)
        return answer

    def _json(self, base, method, path, body):
        answer = self.call(method, base + path, body, expect=range(200, 300))
        return answer.json if answer.bytes else None

    def keystone(self, method, path, body=None):
        return self._json(self.auth_url, method, path, body)

    def ask(self, type_, method, path, body=None):
        """The JSON of an answer of a service; anything but 2xx raises."""
        return self._json(self.endpoint(type_), method, path, body)
