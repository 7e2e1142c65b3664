"""The programs of a site: its services, and what stands in front of them."""
import pathlib
import sqlite3
import time
import urllib.error
import urllib.request

from nodes import (await_node, await_that, cheops,  # noqa: F401
                   node, running_at)
from processes import Process, stop  # noqa: F401 (stop is for our callers)
from site_plan import (GLANCE, KEYSTONE, NEUTRON, NOVA, PLACEMENT, SERVICES,
                       Site, state_folder)

PYTHON = '/usr/bin/python3'  # The one that Debian's packages are for.
_HERE = pathlib.Path(__file__).parent


def _uwsgi(site, service, script):
    program = ['--wsgi-file', script]
    if base := site.base(service):
        # What is mounted is known by how its name ends.
        named = site.folder / 'etc' / f'{service.name}.wsgi'
        named.unlink(missing_ok=True)
        named.symlink_to(script)
        program = ['--mount', f'{base}={named}', '--manage-script-name']
    return ['/usr/bin/uwsgi', '--plugin', 'python3', '--need-app',
            '--http-socket', site.backend(service), *program,
            '--processes', '1', '--buffer-size', '65535', '--die-on-term',
            '--add-header', 'Connection: close']


def _command(site, service):
    """How a service is started, and its environment."""
    etc = site.folder / 'etc'
    if service is KEYSTONE:
        return (_uwsgi(site, service, '/usr/bin/keystone-wsgi-public'),
                {'OS_KEYSTONE_CONFIG_FILES': f'{etc}/keystone.conf'})
    if service is PLACEMENT:
        return (_uwsgi(site, service, '/usr/bin/placement-api'),
                {'OS_PLACEMENT_CONFIG_DIR': str(etc)})
    if service is NEUTRON:
        return (_uwsgi(site, service, '/usr/bin/neutron-api'),
                {'OS_NEUTRON_CONFIG_FILES': f'{etc}/neutron.conf'})
    if service is GLANCE:
        run = ('import sys; sys.argv[0] = "glance-api"; '
               'from glance.cmd.api import main; sys.exit(main())')
        return ([PYTHON, '-c', run, f'--config-file={etc}/glance.conf'], {})
    if service is NOVA:
        return ([PYTHON, _HERE / 'nova_all.py',
                 f'--config-file={etc}/nova.conf'], {})
    raise ValueError(service.name)


def service(site, which):
    command, environment = _command(site, which)
    # Byte code is kept: it is half of the time to start.
    common = {'MALLOC_ARENA_MAX': '2', 'PYTHONDONTWRITEBYTECODE': '',
              'PATH': '/usr/sbin:/usr/bin:/sbin:/bin'}
    return Process(which.name.lower(), site.folder, command,
                   {**common, **environment})


def relay(site):
    return Process('relay', site.folder,
                   [PYTHON, _HERE / 'relay.py', site.ip]
                   + [f'{site.front_of(x).partition(":")[2]}:{x.port}'
                      for x in SERVICES])


def front(site):
    """What stands in front of the site's services; None if nothing does."""
    return {'cheops': node, 'plain': relay, 'none': lambda _: None}[
        site.front](site)


def all_running():
    return [y for x in sorted(state_folder().glob('*/run'))
            for y in running_at(x.parent)]


def _answers(address):
    try:
        urllib.request.urlopen(f'http://{address}/', timeout=5).close()
    except urllib.error.HTTPError:
        return True  # Whatever it says, it speaks.
    except OSError:
        return False
    return True


def await_answers(site, services, past_front=False):
    for x in services:
        address = site.backend(x) if past_front else site.front_of(x)
        await_that(f'{x.name} of {site.name} answers at {address}',
                   lambda at=address: _answers(at), [service(site, x)])


def await_front(site):
    if site.front == 'cheops':
        await_node(site)
    elif site.front == 'plain':
        # It takes connections whether or not somebody is behind it.
        time.sleep(0.5)


def await_host(site):
    """Nova knows its compute host only some time after both have started."""
    def mapped():
        file = site.folder / 'db' / 'nova_api.sqlite'
        base = sqlite3.connect(file, timeout=30)
        try:
            return base.execute(
                'SELECT count(*) FROM host_mappings').fetchone()[0] > 0
        finally:
            base.close()
    await_that(f'Nova of {site.name} has found its compute host', mapped,
               [service(site, NOVA)])


def known_sites():
    """The sites that were made, by their folders, in their order."""
    out = []
    for file in state_folder().glob('*/site'):
        number, front_kind = file.read_text().split()
        out.append(Site(file.parent.name, int(number), front_kind))
    return sorted(out, key=lambda x: x.number)
