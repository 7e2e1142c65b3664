"""Which sites there are, where each part listens, and where files lie."""
import dataclasses
import os
import pathlib

NAMES = ('Site1', 'Site2', 'Site3', 'Site4', 'Site5', 'Site6')
FRONTS = ('cheops', 'none')

API_PORT = 6443
FRONT_PORT = 16443
PEER_FRONT_PORT = 17443
LINK_PORT = 17444
ETCD_PORT = 2379
ETCD_PEER_PORT = 2380

# All sites know the tokens of all users, as they do where one issuer (OIDC)
# serves them; what a user may do is each site's own affair.
USERS = {
    'admin': ('testbed-admin', 'system:masters'),
    'andy': ('testbed-andy', 'users'),
    'bo': ('testbed-bo', 'users'),
    # Administers every site, by a binding and not by her group's name: what
    # `system:masters` is at one site, it is not at another.
    'ann': ('testbed-ann', 'operators'),
}
# Who a node is to the API server of its site.
NODE_USER = 'cheops-node'
# Where Andy may edit in the namespace `default`; Bo may nowhere.
ANDYS_SITES = ('Site1', 'Site2')


def state_folder():
    """Everything that the testbed writes lies in it."""
    cache = os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')
    return pathlib.Path(os.environ.get('CHEOPS_TESTBED_KUBERNETES')
                        or f'{cache}/cheops/kubernetes/sites').resolve()


def assets():
    """Where kube-apiserver and etcd are; build.sh lays them there."""
    cache = os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')
    return pathlib.Path(os.environ.get('KUBEBUILDER_ASSETS')
                        or f'{cache}/cheops/kubernetes/bin')


@dataclasses.dataclass(frozen=True)
class Site:
    """One site: an API server with an etcd, and what stands in front."""
    name: str
    number: int
    front: str = 'cheops'

    @property
    def ip(self):
        return f'127.0.2.{self.number}'

    @property
    def folder(self):
        return state_folder() / self.name

    @property
    def backend_url(self):
        """Of the API server itself."""
        return f'https://{self.ip}:{API_PORT}'

    @property
    def url(self):
        """Where users ask."""
        return (f'https://{self.ip}:{FRONT_PORT}' if self.front == 'cheops'
                else self.backend_url)

    @property
    def node_config(self):
        return self.folder / 'node' / 'site.yaml'

    @property
    def node_token(self):
        """Of its node, at its own API server and nowhere else."""
        return f'testbed-node-{self.name.lower()}'

    def kubeconfig(self, user='andy', direct=False):
        suffix = '' if user == 'andy' else f'-{user}'
        end = '.direct.kubeconfig' if direct else '.kubeconfig'
        return state_folder() / f'{self.name}{suffix}{end}'


def site(name, front='cheops'):
    return Site(name, NAMES.index(name) + 1, front)


def authority():
    """The certificate that users of all sites trust."""
    return state_folder() / 'users-ca' / 'ca.crt'
