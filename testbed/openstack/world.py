"""Sites that run, users at them, logs, and cuts: for the demo and the tests."""
import pathlib
import shlex

import mesh
import rest
import site_plan
from mesh import (Unexpected, expect, run, wait_until,  # noqa: F401
                  wait_while_it_goes_on)

TESTBED = pathlib.Path(__file__).resolve().parent / 'testbed.py'
SITES = ('Berlin', 'Paris', 'Rome')


class Logs:
    """What the services of all sites, and the nodes, have written since this
    was made."""

    def __init__(self, world):
        self._sites = world.sites
        self._sizes = {x: x.stat().st_size for site in world.sites.values()
                       for x in [self._access(site),
                                 *(site.folder / 'log').iterdir()]}

    @staticmethod
    def _access(site):
        return site.node_config.parent / 'access.log'

    def _since(self, file):
        with file.open('rb') as x:
            x.seek(self._sizes.get(file, 0))
            return x.read().decode(errors='replace').splitlines()

    def of(self, site, service):
        """The lines of one service, of its own log and of its output."""
        files = [self._sites[site].folder / 'log' / f'{service}.{end}'
                 for end in ('log', 'out')]
        return [x for file in files if file.exists()
                for x in self._since(file)]

    def has(self, site, service, *parts):
        return any(all(x in line for x in parts)
                   for line in self.of(site, service))

    def has_soon(self, site, service, *parts):
        """The same, of what was asked for and is logged once it is answered."""
        try:
            wait_until(parts, lambda: self.has(site, service, *parts), 10)
        except Unexpected:
            return False
        return True

    def from_peers(self, site):
        """The requests that other sites brought to a site's node."""
        return [x for x in self._since(self._access(self._sites[site]))
                if '"peer":' in x]


class World(mesh.Mesh):
    """Three sites, each behind a node."""

    def __init__(self):
        super().__init__(TESTBED, {x: site_plan.site(x) for x in SITES})

    def front(self, site, kind):
        """Puts a node (`cheops`) or a relay (`plain`) in front of a site."""
        run([TESTBED, 'front', site.name, kind]).must()

    def openstack(self, site, line, *more, user='demo', timeout=180):
        """The real command line client: `line` as a user types it, and more
        words as they are."""
        typed = [*shlex.split(line), *map(str, more)]
        script = f'. {shlex.quote(str(site.openrc(user)))} && ' \
                 f'exec {shlex.join(["openstack", *typed])}'
        done = run(['bash', '-c', script], timeout=timeout)
        done.words = ['openstack', *typed]
        return done

    def session(self, site, user='demo', scope=None, **more):
        return rest.Session(rest.scoped(site.auth_url, scope), user, **more)

    def logs(self):
        return Logs(self)
