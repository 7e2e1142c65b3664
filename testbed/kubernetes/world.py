"""Sites that run, and users at them with kubectl: for tests and benchmarks."""
import contextlib
import os
import pathlib
import shlex
import subprocess
import tempfile
import threading

import mesh
import rest
import site_plan
from mesh import Unexpected, expect, run, wait_until  # noqa: F401

_TESTBED = pathlib.Path(__file__).resolve().parent / 'testbed.py'
SITES = ('Site1', 'Site2', 'Site3')


class World(mesh.Mesh):
    """Three sites, each behind a node."""

    def __init__(self):
        super().__init__(_TESTBED, {x: site_plan.site(x) for x in SITES})
        self._home = tempfile.TemporaryDirectory(prefix='cheops-home-')

    def _environment(self, site, user, direct, more):
        # kubectl keeps what it knows of servers; not in the user's own home.
        programs = site_plan.state_folder() / 'bin'
        return {**os.environ, 'HOME': self._home.name,
                'PATH': f'{programs}:{os.environ["PATH"]}',
                'KUBECONFIG': str(site.kubeconfig(user, direct)),
                'CHEOPS_CONFIG': str(site.node_config), **(more or {})}

    def kubectl(self, site, line, *more, user='andy', scope=None, direct=False,
                environment=None, stdin=None, timeout=60):
        """kubectl itself: `line` as a user types it, and more words as they
        are. `direct`: past the node."""
        words = ['kubectl', *shlex.split(line), *map(str, more)]
        if scope:
            words += ['--scope', scope]
        return run(words, self._environment(site, user, direct, environment),
                   timeout, stdin)

    @contextlib.contextmanager
    def background(self, site, line, *more, user='andy', scope=None,
                   direct=False, seconds=60):
        """kubectl that goes on; what it prints can be read. It is ended
        after so many seconds, so that a reader sees an end."""
        words = ['kubectl', *shlex.split(line), *map(str, more)]
        if scope:
            words += ['--scope', scope]
        process = subprocess.Popen(
            words, env=self._environment(site, user, direct, None), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        limit = threading.Timer(seconds, process.kill)
        limit.start()
        try:
            yield process
        finally:
            limit.cancel()
            process.kill()
            process.communicate()

    def session(self, site, user='andy', scope=None, direct=False):
        return rest.Session(site.backend_url if direct else site.url, user,
                            scope)

    @contextlib.contextmanager
    def namespace(self, *sites):
        """A namespace of that name at each of these sites, in which Andy may
        edit; its objects go with it."""
        name = self.unique('test')
        admins = [self.session(x, 'admin', direct=True) for x in sites]
        for x in admins:
            make_namespace(x, name)
        try:
            yield name
        finally:
            for x in admins:
                remove_namespace(x, name)


def make_namespace(admin, name, user='andy'):
    admin.ask('POST', '/api/v1/namespaces',
              {'kind': 'Namespace', 'apiVersion': 'v1',
               'metadata': {'name': name}})
    rest.let_edit(admin, name, user)


def remove_namespace(admin, name):
    """What a controller would do: without one, a namespace stays."""
    for x in ('configmaps', 'pods', 'secrets'):
        admin.call('DELETE', f'/api/v1/namespaces/{name}/{x}?'
                   'gracePeriodSeconds=0')
    admin.call('DELETE', f'/api/v1/namespaces/{name}')
    status, _, text = admin.call('GET', f'/api/v1/namespaces/{name}')
    if status == 200:
        admin.call('PUT', f'/api/v1/namespaces/{name}/finalize',
                   text.replace(b'"finalizers":["kubernetes"]',
                                b'"finalizers":[]'),
                   {'Content-Type': 'application/json'})
