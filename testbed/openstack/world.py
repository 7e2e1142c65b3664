"""Sites that run, users at them, logs, and cuts: for the demo and the tests."""
import pathlib
import shlex

import mesh
import rest
import site_plan
from mesh import Unexpected, expect, run, wait_until  # noqa: F401

_TESTBED = pathlib.Path(__file__).resolve().parent / 'testbed.py'
SITES = ('Berlin', 'Paris', 'Rome')


class Logs:
    """What the services of all sites have written since this was made."""

    def __init__(self, world):
        self._sites = world.sites
        self._sizes = {x: x.stat().st_size for site in world.sites.values()
                       for x in (site.folder / 'log').iterdir()}

    def of(self, site, service):
        """The lines of one service, of its own log and of its output."""
        out = []
        for end in ('log', 'out'):
            file = self._sites[site].folder / 'log' / f'{service}.{end}'
            if file.exists():
                with file.open('rb') as x:
                    x.seek(self._sizes.get(file, 0))
                    out += x.read().decode(errors='replace').splitlines()
        return out

    def has(self, site, service, *parts):
        return any(all(x in line for x in parts)
                   for line in self.of(site, service))


class World(mesh.Mesh):
    """Three sites, each behind a node."""

    def __init__(self):
        super().__init__(_TESTBED, {x: site_plan.site(x) for x in SITES})

    def front(self, site, kind):
        """Puts a node (`cheops`) or a relay (`plain`) in front of a site."""
        run([_TESTBED, 'front', site.name, kind]).must()

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
