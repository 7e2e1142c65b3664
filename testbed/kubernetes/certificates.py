"""Certificates of the testbed, by openssl: of API servers, fronts and users.

Nodes have others between them (`cheops ca`).
"""
import subprocess
import sys
import tempfile

from site_plan import authority

_DAYS = '3650'


def _openssl(*words):
    done = subprocess.run(['openssl', *map(str, words)], text=True,
                          capture_output=True)
    if done.returncode != 0:
        sys.exit(f'testbed: openssl {words[0]} failed: {done.stderr}')


def make_authority():
    certificate = authority()
    if certificate.exists():
        return
    certificate.parent.mkdir(parents=True, mode=0o700)
    _openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', _DAYS,
             '-subj', '/CN=testbed', '-keyout',
             certificate.with_suffix('.key'), '-out', certificate)


def sign(folder, name, subject, extensions):
    """NAME.crt and NAME.key, signed by the authority."""
    folder.mkdir(parents=True, exist_ok=True)
    key, request, certificate = (folder / f'{name}.{x}'
                                 for x in ('key', 'csr', 'crt'))
    _openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', subject,
             '-keyout', key, '-out', request)
    with tempfile.NamedTemporaryFile('w') as file:
        file.write('\n'.join(extensions) + '\n')
        file.flush()
        _openssl('x509', '-req', '-in', request, '-CA', authority(), '-CAkey',
                 authority().with_suffix('.key'), '-CAcreateserial', '-days',
                 _DAYS, '-extfile', file.name, '-out', certificate)
    key.chmod(0o600)


def make_site(site):
    """Of the API server and of the node's front, and what its API server
    signs service accounts' tokens with."""
    folder = site.folder / 'tls'
    server = [f'subjectAltName=IP:{site.ip},DNS:localhost',
              'extendedKeyUsage=serverAuth']
    for name in ('apiserver', 'front'):
        sign(folder, name, f'/CN={name}', server)
    _openssl('genrsa', '-out', folder / 'accounts.key', '2048')
    _openssl('rsa', '-in', folder / 'accounts.key', '-pubout', '-out',
             folder / 'accounts.pub')
