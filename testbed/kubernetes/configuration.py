"""Files of a site: what its API server and its node read, and its users."""
import json
import os

from site_plan import (API_PORT, ETCD_PEER_PORT, ETCD_PORT, FRONT_PORT,
                       LINK_PORT, NODE_USER, PEER_FRONT_PORT, USERS, assets,
                       authority, state_folder)

# The API server gives up a request after 60 s; ours lies above it, so that
# what the client is told is the API server's own.
ANSWER_S = 75


def _private(file, text):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(text)


def write_tokens(site):
    _private(site.folder / 'etc' / 'tokens.csv', ''.join(
        f'{token},{name},{name}-uid,"{group}"\n'
        for name, (token, group) in USERS.items())
        + f'{site.node_token},{NODE_USER},{NODE_USER}-uid,"nodes"\n')


def etcd_command(site, options):
    client = f'http://{site.ip}:{ETCD_PORT}'
    peer = f'http://{site.ip}:{ETCD_PEER_PORT}'
    # Nothing of a testbed is worth a sync.
    fast = ['--unsafe-no-fsync'] if '--unsafe-no-fsync' in options else []
    return [assets() / 'etcd', '--name', site.name,
            '--data-dir', site.folder / 'etcd',
            '--listen-client-urls', client, '--advertise-client-urls', client,
            '--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer,
            '--initial-cluster', f'{site.name}={peer}', *fast]


def apiserver_command(site, version):
    """No controllers and no kubelets run, so nothing gives pods an account's
    token: that admission is off."""
    tls = site.folder / 'tls'
    old = ['--insecure-port=0'] if ' v1.20.' in version else []
    return [assets() / 'kube-apiserver',
            f'--etcd-servers=http://{site.ip}:{ETCD_PORT}',
            f'--bind-address={site.ip}', f'--advertise-address={site.ip}',
            f'--secure-port={API_PORT}', *old,
            f'--tls-cert-file={tls}/apiserver.crt',
            f'--tls-private-key-file={tls}/apiserver.key',
            f'--client-ca-file={authority()}',
            f'--token-auth-file={site.folder}/etc/tokens.csv',
            '--authorization-mode=RBAC',
            f'--service-cluster-ip-range=10.{100 + site.number}.0.0/24',
            f'--service-account-issuer=https://{site.name.lower()}.testbed',
            f'--service-account-key-file={tls}/accounts.pub',
            f'--service-account-signing-key-file={tls}/accounts.key',
            '--disable-admission-plugins=ServiceAccount',
            '--endpoint-reconciler-type=none']


def write_node(site, peers):
    """The configuration of the site's node; `peers` are the other sites.
    Certificates between nodes are made by `cheops ca`."""
    tls = site.folder / 'tls'
    node = {
        'site': site.name,
        'application': 'kubernetes',
        'data': 'data',
        'fronts': [{
            'service': 'Kubernetes',
            'listen': f'{site.ip}:{FRONT_PORT}',
            # kubectl sends no token over plain HTTP.
            'tls': {'certificate': f'{tls}/front.crt',
                    'key': f'{tls}/front.key'},
            # What passes for users has their own credential or none; the
            # identity is for what the node does on their behalf.
            'backend': {'url': site.backend_url, 'ca': str(authority()),
                        'identity': {'token_file': 'node.token'}}}],
        'peer_front': {'listen': f'{site.ip}:{PEER_FRONT_PORT}'},
        'link': {'listen': f'{site.ip}:{LINK_PORT}'},
        'tls': {'certificate': 'tls/site.crt', 'key': 'tls/site.key',
                'ca': 'tls/ca.crt'},
        'peers': [{'site': x.name, 'link': f'{x.ip}:{LINK_PORT}'}
                  for x in peers],
        'admin': {'unix': 'admin.sock'},
        # Tests cut sites off from each other.
        'experiments': True,
        'timeouts': {'answer': f'{ANSWER_S}s', 'peer_answer': f'{ANSWER_S}s'},
        'log': {'level': 'info', 'access': 'access.log'},
    }
    site.node_config.parent.mkdir(parents=True, exist_ok=True)
    _private(site.node_config.parent / 'node.token', site.node_token + '\n')
    # JSON is YAML.
    site.node_config.write_text(json.dumps(node, indent=2) + '\n')


def write_kubeconfig(site, user, direct=False):
    """Points at the node; `direct`: at the API server itself."""
    token = USERS[user][0]
    _private(site.kubeconfig(user, direct), json.dumps({
        'apiVersion': 'v1', 'kind': 'Config', 'current-context': site.name,
        'clusters': [{'name': site.name, 'cluster': {
            'server': site.backend_url if direct else site.url,
            'certificate-authority': str(authority())}}],
        'users': [{'name': user, 'user': {'token': token}}],
        'contexts': [{'name': site.name, 'context': {
            'cluster': site.name, 'user': user}}]}, indent=2) + '\n')


def write_rc(site, programs):
    """What a user sources: `kubectl` and `cheops` then are of that site.
    `programs` is a folder that comes first on PATH."""
    file = state_folder() / f'{site.name}.rc'
    file.write_text(f'''\
# Andy at {site.name}
export KUBECONFIG={site.kubeconfig()}
export CHEOPS_CONFIG={site.node_config}
case :$PATH: in *:{programs}:*) ;; *) PATH={programs}:$PATH ;; esac
''')
    os.chmod(file, 0o600)
    return file
