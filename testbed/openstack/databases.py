"""Databases. Making one anew takes OpenStack's migrations minutes, so they run
once, for a site `Template`; each real site gets copies with its own names."""
import base64
import hashlib
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor

import configuration
import programs
import rest
import seed
import site_plan
from site_plan import (KEYSTONE, NEUTRON, PASSWORD, SERVICE_USERS, SERVICES,
                       TEMPLATE)

_HERE = pathlib.Path(__file__).parent
_SITE = site_plan.Site(TEMPLATE, 250, front='none')


def _golden():
    return site_plan.state_folder() / 'template'


def _stamp():
    """What the template was made from: packages, and these files."""
    versions = subprocess.run(
        ['dpkg-query', '-W', 'python3-keystone', 'python3-glance',
         'python3-nova', 'python3-neutron', 'python3-placement'],
        check=True, capture_output=True).stdout
    digest = hashlib.sha256(versions)
    for name in ('databases.py', 'configuration.py', 'neutron_schema.py',
                 'seed.py'):
        digest.update((_HERE / name).read_bytes())
    digest.update(str(_SITE.folder).encode())
    return digest.hexdigest()


def have_template():
    try:
        return (_golden() / 'stamp').read_text() == _stamp()
    except OSError:
        return False


def _write_keys(site):
    for folder in ('fernet', 'credential'):
        for name in '01':
            key = base64.urlsafe_b64encode(os.urandom(32))
            file = site.folder / folder / name
            file.touch(mode=0o600)
            file.write_bytes(key)


def _manage(*command):
    """Runs a program of OpenStack's; its output is shown if it fails."""
    done = subprocess.run([str(x) for x in command], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        sys.exit(f'testbed: {" ".join(map(str, command))} failed:\n'
                 + '\n'.join(done.stdout.splitlines()[-20:]))


def _make_keystone(site):
    keystone = ('keystone-manage', '--config-file',
                site.folder / 'etc' / 'keystone.conf')
    _manage(*keystone, 'db_sync')
    url = site.auth_url + '/'
    _manage(*keystone, 'bootstrap',
            '--bootstrap-password', PASSWORD,
            '--bootstrap-region-id', site.name,
            '--bootstrap-public-url', url, '--bootstrap-internal-url', url,
            '--bootstrap-admin-url', url)


def _fill_keystone(site):
    """Services, endpoints, and who may use them."""
    admin = rest.Session(site.auth_url)

    def make(kind, **fields):
        body = admin.keystone('POST', f'/{kind}s', {kind: fields})
        return body[kind]['id']

    def grant(project, user, role):
        admin.keystone('PUT', f'/projects/{project}/users/{user}/roles/{role}')

    roles = {x['name']: x['id']
             for x in admin.keystone('GET', '/roles')['roles']}
    roles['service'] = make('role', name='service')
    service = make('project', name='service', domain_id='default')
    for name in SERVICE_USERS:
        user = make('user', name=name, domain_id='default', password=PASSWORD)
        for role in ('admin', 'service'):
            grant(service, user, roles[role])
    demo = make('project', name='demo', domain_id='default')
    user = make('user', name='demo', domain_id='default', password=PASSWORD)
    grant(demo, user, roles['member'])
    for x in SERVICES:
        if x is KEYSTONE:
            continue  # The bootstrap made it.
        entry = make('service', type=x.type, name=x.name.lower())
        for interface in ('public', 'internal', 'admin'):
            make('endpoint', service_id=entry, interface=interface,
                 url=site.endpoint(x), region_id=site.name)


def _make_nova(site):
    nova = ('nova-manage', f'--config-file={site.folder}/etc/nova.conf')
    cell0 = f'sqlite:///{site.folder}/db/nova_cell0.sqlite?timeout=60'
    _manage(*nova, 'api_db', 'sync')
    _manage(*nova, 'cell_v2', 'map_cell0', '--database_connection', cell0)
    _manage(*nova, 'db', 'sync')
    _manage(*nova, 'cell_v2', 'create_cell', '--name', 'cell1')


def _make_others(site):
    etc = site.folder / 'etc'
    _manage('glance-manage', f'--config-file={etc}/glance.conf', 'db_sync')
    _manage('placement-manage', f'--config-file={etc}/placement.conf',
            'db', 'sync')
    _manage(programs.PYTHON, _HERE / 'neutron_schema.py',
            f'--config-file={etc}/neutron.conf')


def _fill(site):
    """What is known at every site under one id."""
    running = [programs.service(site, x) for x in (KEYSTONE, NEUTRON)]
    try:
        for x in (KEYSTONE, NEUTRON):
            programs.service(site, x).start()
        programs.await_answers(site, [KEYSTONE])
        _fill_keystone(site)
        programs.await_answers(site, [NEUTRON])
        seed.make_network(rest.Session(site.auth_url))
    finally:
        programs.stop(running)


def make_template():
    shutil.rmtree(_SITE.folder, ignore_errors=True)
    shutil.rmtree(_golden(), ignore_errors=True)
    configuration.write_services(_SITE)
    _write_keys(_SITE)
    with ThreadPoolExecutor() as pool:
        for x in [pool.submit(make, _SITE)
                  for make in (_make_nova, _make_keystone, _make_others)]:
            x.result()
    _fill(_SITE)
    _golden().mkdir()
    for file in (_SITE.folder / 'db').glob('*.sqlite'):
        copy = sqlite3.connect(_golden() / file.name)
        with sqlite3.connect(file) as source:
            source.backup(copy)
        copy.execute('PRAGMA journal_mode=WAL')
        copy.close()
    (_golden() / 'stamp').write_text(_stamp())
    shutil.rmtree(_SITE.folder)


def _change(site, name, *statements):
    with sqlite3.connect(site.folder / 'db' / f'{name}.sqlite') as x:
        for statement, *values in statements:
            x.execute(statement, *values)


def _agent(host, ip):
    """A row that stands for a live L2 agent: ML2 then binds ports of `host`,
    though no agent runs."""
    settings = {'bridge_mappings': {}, 'tunnel_types': ['vxlan'],
                'tunneling_ip': ip, 'datapath_type': 'system',
                'integration_bridge': 'br-int'}
    began, alive = '2026-01-01 00:00:00', '2099-01-01 00:00:00'
    return ('INSERT INTO agents(id, agent_type, binary, topic, host,'
            ' admin_state_up, created_at, started_at, heartbeat_timestamp,'
            ' configurations, load) VALUES(?,?,?,?,?,1,?,?,?,?,0)',
            (str(uuid.uuid4()), 'Open vSwitch agent',
             'neutron-openvswitch-agent', 'N/A', host, began, began, alive,
             json.dumps(settings)))


def make_site(site):
    """Databases and keys of one site, as if it had been installed alone. Its
    users, projects and network have the template's ids, the same at all
    sites: so a line that names them can be typed at any."""
    for file in _golden().glob('*.sqlite'):
        shutil.copy(file, site.folder / 'db')
    _write_keys(site)
    _change(site, 'keystone',
            ('UPDATE region SET id=?', (site.name,)),
            ('UPDATE endpoint SET region_id=?', (site.name,)),
            *[('UPDATE endpoint SET url=replace(url, ?, ?)',
               (_SITE.front_of(x), site.front_of(x))) for x in SERVICES])
    _change(site, 'nova_api',
            ('UPDATE cell_mappings SET database_connection='
             'replace(database_connection, ?, ?)',
             (str(_SITE.folder), str(site.folder))))
    if site.name == 'Rome':  # Without a version: clients look for one.
        keystone = f'http://{site.front_of(KEYSTONE)}'
        _change(site, 'keystone',
                ('UPDATE endpoint SET url=? WHERE url LIKE ?',
                 (keystone + site.base(KEYSTONE), f'{keystone}/%')))
    hosts = [site.name, *configuration.HOSTS_KNOWN_AT.get(site.name, ())]
    _change(site, 'neutron',
            *[_agent(x, site_plan.site(x).ip) for x in hosts])
