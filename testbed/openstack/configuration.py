"""Configuration files of a site: what OpenStack's own services read, what its
node reads, and what a user sources. No code of OpenStack is changed; what
differs from a default says so."""
import json
import os

from site_plan import (FRONT_OFFSET, GLANCE, KEYSTONE, NEUTRON, NOVA, PASSWORD,
                       PLACEMENT, SERVICES)

# How long a service, and a node, go on with what they know of a token. Short,
# so that tests see the end of it.
TOKEN_CACHE_S = 10
# Scoped requests that a node remembers: so few that tests get there.
CORRELATIONS_MAX = 128
PEER_FRONT = 7443 + FRONT_OFFSET
LINK = 7444 + FRONT_OFFSET


def _database(site, name):
    return (f'connection = sqlite:///{site.folder}/db/{name}.sqlite?timeout=60\n'
            'sqlite_synchronous = false\n')


def _log(site, name):
    return f'log_file = {site.folder}/log/{name}.log\nuse_stderr = false\n'


def _account(site, user):
    """How a service asks Keystone for a token: as it did before there was a
    node. All else it finds in the catalogue, which names the fronts."""
    keystone = f'http://{site.backend(KEYSTONE)}{site.base(KEYSTONE)}/v3'
    return f'''auth_url = {keystone}
www_authenticate_uri = {keystone}
auth_type = password
project_domain_id = default
user_domain_id = default
project_name = service
username = {user}
password = {PASSWORD}
region_name = {site.name}
service_token_roles_required = true
token_cache_time = {TOKEN_CACHE_S}
'''


def _own_url(site, service):
    """Some deployments tell services under which URL they are known: that
    stays, though the catalogue names the front. So at Rome."""
    if site.name != 'Rome':
        return ''
    return (f'public_endpoint = http://{site.backend(service)}'
            f'{site.base(service)}/\n')


def _keystone(site):
    # One process on sqlite. Without a cache a validation takes seconds; hashes
    # of few rounds, since every command line client sends a password.
    return f'''[DEFAULT]
{_log(site, 'keystone')}{_own_url(site, KEYSTONE)}
[database]
{_database(site, 'keystone')}
[token]
provider = fernet
expiration = 86400
[fernet_tokens]
key_repository = {site.folder}/fernet
[fernet_receipts]
key_repository = {site.folder}/fernet
[credential]
key_repository = {site.folder}/credential
[identity]
password_hash_rounds = 4
[cache]
enabled = true
backend = oslo_cache.dict
expiration_time = 600
[oslo_policy]
policy_file = {site.folder}/etc/keystone-policy.yaml
'''


def _glance(site):
    return f'''[DEFAULT]
{_log(site, 'glance')}{_own_url(site, GLANCE)}bind_host = {site.ip}
bind_port = {GLANCE.port}
workers = 0
enabled_backends = file:file
[glance_store]
default_backend = file
[file]
filesystem_store_datadir = {site.folder}/images
[database]
{_database(site, 'glance')}
[keystone_authtoken]
{_account(site, 'glance')}
[paste_deploy]
flavor = keystone
config_file = /usr/share/glance-common/glance-api-paste.ini
[oslo_concurrency]
lock_path = {site.folder}/lock
'''


def _placement(site):
    return f'''[DEFAULT]
{_log(site, 'placement')}
[placement_database]
{_database(site, 'placement')}
[api]
auth_strategy = keystone
[keystone_authtoken]
{_account(site, 'placement')}'''


def _neutron(site):
    # No agent runs: databases.py writes rows that stand for live ones.
    return f'''[DEFAULT]
{_log(site, 'neutron')}host = {site.name}
core_plugin = ml2
service_plugins =
transport_url = fake://
auth_strategy = keystone
api_paste_config = /usr/share/neutron-common/api-paste.ini
state_path = {site.folder}/neutron
notify_nova_on_port_status_changes = false
notify_nova_on_port_data_changes = false
dhcp_agent_notification = false
policy_dirs = /etc/neutron/policy.d
[database]
{_database(site, 'neutron')}
[keystone_authtoken]
{_account(site, 'neutron')}
[quotas]
default_quota = -1
quota_network = -1
quota_subnet = -1
quota_port = -1
[oslo_concurrency]
lock_path = {site.folder}/lock
[oslo_messaging_notifications]
driver = noop
[ml2]
type_drivers = local,vxlan
tenant_network_types = local
mechanism_drivers = openvswitch
extension_drivers = port_security
[ml2_type_vxlan]
vni_ranges = 1:1000
'''


def _nova(site):
    # The fake driver boots nothing; all else of a server is done for real.
    return f'''[DEFAULT]
use_stderr = false
log_dir = {site.folder}/log
host = {site.name}
my_ip = {site.ip}
state_path = {site.folder}/nova
instances_path = {site.folder}/nova/instances
compute_driver = fake.FakeDriver
transport_url = fake://
enabled_apis = osapi_compute
osapi_compute_listen = {site.ip}
osapi_compute_listen_port = {NOVA.port}
osapi_compute_workers = 1
vif_plugging_is_fatal = false
vif_plugging_timeout = 0
reserved_host_memory_mb = 0
periodic_fuzzy_delay = 0
[api]
auth_strategy = keystone
[wsgi]
api_paste_config = /usr/share/nova-common/api-paste.ini
[api_database]
{_database(site, 'nova_api')}
[database]
{_database(site, 'nova_cell1')}
[quota]
instances = -1
cores = -1
ram = -1
[conductor]
workers = 1
[scheduler]
workers = 1
discover_hosts_in_cells_interval = 2
[keystone_authtoken]
{_account(site, 'nova')}
[placement]
{_account(site, 'placement')}
[glance]
region_name = {site.name}
service_type = image
[neutron]
{_account(site, 'neutron')}
[service_user]
{_account(site, 'nova')}send_service_user_token = true
[vnc]
enabled = false
[oslo_concurrency]
lock_path = {site.folder}/lock
[oslo_messaging_notifications]
driver = noop
'''


def write_services(site):
    """The configuration of the site's five services, and their folders."""
    for x in ('etc', 'db', 'log', 'run', 'images', 'lock', 'neutron',
              'nova/instances'):
        (site.folder / x).mkdir(parents=True, exist_ok=True)
    for x in ('fernet', 'credential'):
        (site.folder / x).mkdir(mode=0o700, exist_ok=True)
    for name, text in {'keystone.conf': _keystone(site),
                       'keystone-policy.yaml': '{}\n',
                       'glance.conf': _glance(site),
                       'placement.conf': _placement(site),
                       'neutron.conf': _neutron(site),
                       'nova.conf': _nova(site)}.items():
        file = site.folder / 'etc' / name
        file.touch(mode=0o600)
        file.write_text(text)


# Whose users' role `admin` counts at sites that did not give it. Rome keeps
# the default: nobody's.
_TAKES_ADMINS = ('Berlin', 'Paris')
# Whose compute hosts a site's Neutron has agents for, beside its own. There,
# Nova of the other site binds ports with a token of its own.
HOSTS_KNOWN_AT = {'Paris': ('Berlin',)}


def _peer(site, peer):
    entry = {'site': peer.name, 'link': f'{peer.ip}:{LINK}'}
    if site.name in HOSTS_KNOWN_AT.get(peer.name, ()):
        entry['knows_hosts'] = True
    if peer.name in HOSTS_KNOWN_AT.get(site.name, ()):
        entry['trust'] = {'roles': ['admin', 'service', 'member', 'reader']}
    return entry


def write_node(site, peers):
    """The configuration of the site's node; `peers` are the other sites.
    Certificates are made by `cheops ca`."""
    fronts = [{'service': x.name, 'listen': site.front_of(x),
               'backend': f'http://{site.backend(x)}'} for x in SERVICES]
    node = {
        'site': site.name,
        'application': 'openstack',
        'data': 'data',
        'fronts': fronts,
        'peer_front': {'listen': f'{site.ip}:{PEER_FRONT}'},
        'link': {'listen': f'{site.ip}:{LINK}'},
        'tls': {'certificate': 'tls/site.crt', 'key': 'tls/site.key',
                'ca': 'tls/ca.crt'},
        'peers': [_peer(site, x) for x in peers],
        'admin': {'unix': 'admin.sock'},
        # Tests cut sites off from each other.
        'experiments': True,
        'timeouts': {'answer': '5m', 'peer_answer': '5m',
                     'validation': f'{TOKEN_CACHE_S}s'},
        'limits': {'correlations': CORRELATIONS_MAX},
        'log': {'level': 'info', 'access': 'access.log'},
    }
    if site.name in _TAKES_ADMINS:
        node['default_trust'] = {'roles': ['admin', 'member', 'reader']}
    site.node_config.parent.mkdir(parents=True, exist_ok=True)
    # JSON is YAML.
    site.node_config.write_text(json.dumps(node, indent=2) + '\n')


def write_openrc(site, user, programs):
    """What a user sources: `openstack` and `cheops` then are of that site.
    `programs` is a folder that comes first on PATH."""
    site.openrc(user).write_text(f'''\
# {user} at {site.name}
unset OS_TOKEN OS_AUTH_TYPE OS_CLOUD
export OS_AUTH_URL={site.auth_url} OS_IDENTITY_API_VERSION=3
export OS_USERNAME={user} OS_PASSWORD={PASSWORD} OS_PROJECT_NAME={user}
export OS_USER_DOMAIN_ID=default OS_PROJECT_DOMAIN_ID=default
export OS_REGION_NAME={site.name}
export CHEOPS_CONFIG={site.node_config}
case :$PATH: in *:{programs}:*) ;; *) PATH={programs}:$PATH ;; esac
''')
    os.chmod(site.openrc(user), 0o600)
