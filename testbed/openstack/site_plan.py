"""Which sites there are, where each part listens, and where files lie."""
import dataclasses
import os
import pathlib

NAMES = ('Berlin', 'Paris', 'Rome', 'Oslo', 'Madrid', 'Vienna')
TEMPLATE = 'Template'  # The site that the databases of all are copied from.
FRONTS = ('cheops', 'plain', 'none')
FRONT_OFFSET = 10000

USERS = ('demo', 'admin')  # Each with a project of the same name.
PASSWORD = 'secret'
SERVICE_USERS = ('glance', 'neutron', 'nova', 'placement')


@dataclasses.dataclass(frozen=True)
class Service:
    name: str  # As glue/applications/openstack.yaml has it.
    type: str  # As the catalogue has it.
    port: int
    path: str = ''  # Of its endpoint.


KEYSTONE = Service('Keystone', 'identity', 5000, '/v3')
GLANCE = Service('Glance', 'image', 9292)
PLACEMENT = Service('Placement', 'placement', 8778)
NEUTRON = Service('Neutron', 'network', 9696)
NOVA = Service('Nova', 'compute', 8774, '/v2.1')
SERVICES = (KEYSTONE, GLANCE, PLACEMENT, NEUTRON, NOVA)


def state_folder():
    """Everything that the testbed writes lies in it."""
    cache = os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')
    return pathlib.Path(os.environ.get('CHEOPS_TESTBED')
                        or f'{cache}/cheops/openstack').resolve()


@dataclasses.dataclass(frozen=True)
class Site:
    """One site. `front` says what stands before its services: a node of
    Cheops, a relay that changes nothing, or nothing at all."""
    name: str
    number: int
    front: str = 'cheops'

    @property
    def ip(self):
        return f'127.0.1.{self.number}'

    @property
    def folder(self):
        return state_folder() / self.name

    def backend(self, service):
        """Where the service itself listens."""
        return f'{self.ip}:{service.port}'

    def front_of(self, service):
        """Where users, and the other services, ask for it."""
        offset = 0 if self.front == 'none' else FRONT_OFFSET
        return f'{self.ip}:{service.port + offset}'

    def base(self, service):
        """The path below which a service is. Rome's Keystone is where
        DevStack has it."""
        if self.name == 'Rome' and service is KEYSTONE:
            return '/identity'
        return ''

    def endpoint(self, service):
        """As the catalogue has it."""
        return (f'http://{self.front_of(service)}{self.base(service)}'
                f'{service.path}')

    @property
    def auth_url(self):
        return self.endpoint(KEYSTONE)

    @property
    def node_config(self):
        return self.folder / 'node' / 'site.yaml'

    def openrc(self, user=USERS[0]):
        suffix = '' if user == USERS[0] else f'-{user}'
        return state_folder() / f'{self.name}{suffix}.openrc'


def site(name, front='cheops'):
    return Site(name, NAMES.index(name) + 1, front)
