#!/usr/bin/python3
"""Real Kubernetes API servers on this machine, each behind a node of Cheops.

  testbed.py up [N|SITE…] [--front KIND] [--quiet]  start sites (default: 2)
  testbed.py down [SITE…] [--wipe]                  stop what runs
  testbed.py status                                 what runs, where, how large

Sites are Site1 to Site6; site number I listens at 127.0.2.I: its API server at
6443, its node at 16443. In front of it stands a node (KIND `cheops`) or nothing
(`none`). kube-apiserver and etcd come from $KUBEBUILDER_ASSETS, where build.sh
lays them. Everything else lies in $CHEOPS_TESTBED_KUBERNETES
(~/.cache/cheops/kubernetes/sites). `up` starts what does not run and leaves the
rest, objects included; `down` ends only what `up` began, `--wipe` forgets the
objects too.

There are no kubelets and no controllers: the API is real, the nodes are not.
"""
import argparse
import fcntl
import pathlib
import shutil
import subprocess
import sys
import time

_HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(_HERE), str(_HERE.parent / 'common')]

import certificates
import configuration
import nodes
import rest
import site_plan
from processes import Process, stop
from site_plan import FRONTS, USERS, assets, state_folder

# As an operator applies it.
_RBAC = _HERE.parent.parent / 'packaging' / 'kubernetes' / 'rbac.yaml'
_began = time.monotonic()


def say(text):
    print(f'{time.monotonic() - _began:6.1f} s  {text}', flush=True)


def _output(*words):
    done = subprocess.run([str(x) for x in words], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout


def etcd(site):
    return Process('etcd', site.folder, configuration.etcd_command(
        site, _output(assets() / 'etcd', '--help')))


def apiserver(site):
    return Process('kube-apiserver', site.folder,
                   configuration.apiserver_command(
                       site, _output(assets() / 'kube-apiserver', '--version')))


def known_sites():
    """The sites that were made, by their folders, in their order."""
    out = []
    for file in state_folder().glob('*/site'):
        number, front = file.read_text().split()
        out.append(site_plan.Site(file.parent.name, int(number), front))
    return sorted(out, key=lambda x: x.number)


def make_programs():
    """A folder for PATH: our programs, and `kubectl` with --scope."""
    folder = state_folder() / 'bin'
    folder.mkdir(exist_ok=True)
    link = folder / 'cheops'
    link.unlink(missing_ok=True)
    link.symlink_to(nodes.cheops('cheops'))
    for x in ('kubectl', 'kubectl-cheops'):
        subprocess.run([link, 'shim', 'install', x, '--dir', folder],
                       check=True, capture_output=True)
    return folder


def make_site(site, peers):
    """Files of a site of which nothing runs. Its objects stay."""
    if not (site.folder / 'tls').exists():
        certificates.make_site(site)
    configuration.write_tokens(site)
    if site.front == 'cheops':
        configuration.write_node(site, peers)
        nodes.make_identity(site, state_folder() / 'ca')
    for user in USERS:
        configuration.write_kubeconfig(site, user)
        configuration.write_kubeconfig(site, user, direct=True)
    (site.folder / 'site').write_text(f'{site.number} {site.front}\n')


def _ready(site):
    session = rest.Session(site.backend_url, timeout=5)
    try:
        return session.call('GET', '/readyz')[0] == 200
    except OSError:
        return False
    finally:
        session.close()


def seed(site):
    """Ann may everything, the node act for users, and Andy edit in `default`,
    where the site lets him."""
    admin = rest.Session(site.backend_url)
    rest.let_administer(admin, 'ann')
    if site.front == 'cheops':
        subprocess.run(
            ['kubectl', '--kubeconfig', site.kubeconfig('admin', direct=True),
             '--cache-dir', state_folder() / 'cache', 'apply', '-f', _RBAC],
            check=True, stdout=subprocess.DEVNULL)
    if site.name in site_plan.ANDYS_SITES:
        rest.let_edit(admin, 'default', 'andy')


def start(sites):
    for x in sites:
        etcd(x).start()
        apiserver(x).start()
        if x.front == 'cheops':
            nodes.node(x).start()
    for x in sites:
        nodes.await_that(f'the API server of {x.name} is ready',
                         lambda site=x: _ready(site), [etcd(x), apiserver(x)])
        seed(x)
        if x.front == 'cheops':
            nodes.await_node(x)
        say(f'{x.name} is ready')


def up(sites, front):
    if front == 'cheops':
        nodes.cheops('cheopsd')  # Or it ends here, before all the work.
    nodes.install_packages('kubernetes')
    subprocess.run([_HERE / 'build.sh'], check=True)
    certificates.make_authority()
    known = {x.name: x for x in known_sites()}
    peers = [x for x in {**known, **{y.name: y for y in sites}}.values()
             if x.front == 'cheops']
    for x in sites:
        if not nodes.running_at(x.folder):
            make_site(x, [y for y in peers if y.name != x.name])
        elif known[x.name].front != front:
            sys.exit(f'testbed: {x.name} runs with --front '
                     f'{known[x.name].front}; testbed.py down {x.name} first')
    if front == 'cheops':
        folder = make_programs()
        for x in sites:
            configuration.write_rc(x, folder)
    start(sites)


def say_how_to_go_on(sites):
    one, two = sites[0], sites[1]
    print(f'''
{len(sites)} sites run. Andy, a user of {one.name}, works so:

  . {state_folder() / one.name}.rc
  kubectl create configmap purple --from-literal colour=purple
  kubectl get configmaps
  kubectl get configmaps --scope {two.name}

{one.kubeconfig('admin').name} in the same folder is the administrator's.
Logs are in {state_folder()}/SITE/log.''')


def down(names, wipe):
    known = known_sites()
    for x in set(names) - {x.name for x in known}:
        sys.exit(f'testbed: there is no site {x}')
    mine = [x for x in known if not names or x.name in names]
    running = {x.name: {y.name: y for y in nodes.running_at(x.folder)}
               for x in mine}
    ended = 0
    # An API server without its etcd takes long to end.
    for what in ('cheopsd', 'kube-apiserver', 'etcd'):
        some = [y[what] for y in running.values() if what in y]
        stop(some)
        ended += len(some)
    if wipe:
        for x in mine:
            shutil.rmtree(x.folder)
    say(f'{ended} processes have ended')


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    commands = parser.add_subparsers(dest='command', required=True)
    x = commands.add_parser('up')
    x.add_argument('sites', nargs='*', default=['2'], metavar='N|SITE')
    x.add_argument('--front', choices=FRONTS, default='cheops')
    x.add_argument('--quiet', action='store_true',
                   help='do not say how to go on')
    x = commands.add_parser('down')
    x.add_argument('site', nargs='*')
    x.add_argument('--wipe', action='store_true')
    commands.add_parser('status')
    with_ = parser.parse_args()

    state_folder().mkdir(parents=True, exist_ok=True)
    with (state_folder() / 'lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # One at a time.
        if with_.command == 'up':
            sites = [site_plan.site(x, with_.front) for x in
                     nodes.chosen(with_.sites, site_plan.NAMES)]
            up(sites, with_.front)
            if len(sites) > 1 and with_.front == 'cheops' and not with_.quiet:
                say_how_to_go_on(sites)
        elif with_.command == 'down':
            down(with_.site, with_.wipe)
        else:
            nodes.print_status(known_sites())


if __name__ == '__main__':
    main()
