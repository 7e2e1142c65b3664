#!/usr/bin/python3
"""Real OpenStack sites on this machine, each behind a node of Cheops.

  testbed.py up [N|SITE…] [--front KIND] [--quiet]  start sites (default: 2)
  testbed.py down [SITE…]                           stop what runs
  testbed.py status                                 what runs, where, how large
  testbed.py front SITE cheops|plain                put the other in front

Sites are Berlin, Paris, Rome, Oslo, Madrid, Vienna; site number I listens at
127.0.1.I. In front of their services stands a node (KIND `cheops`), a relay
that changes nothing (`plain`), or nothing (`none`). Everything lies in
$CHEOPS_TESTBED (~/.cache/cheops/openstack). `up` starts what does not run and
leaves the rest; `down` ends only what `up` began.
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

import configuration
import databases
import nodes
import programs
import seed
import site_plan
from site_plan import FRONTS, KEYSTONE, NOVA, SERVICES, TEMPLATE, state_folder

_began = time.monotonic()


def say(text):
    print(f'{time.monotonic() - _began:6.1f} s  {text}', flush=True)


def make_programs():
    """A folder for PATH: our programs, and `openstack` with --scope."""
    folder = state_folder() / 'bin'
    folder.mkdir(exist_ok=True)
    link = folder / 'cheops'
    link.unlink(missing_ok=True)
    link.symlink_to(programs.cheops('cheops'))
    subprocess.run([link, 'shim', 'install', 'openstack', '--dir', folder],
                   check=True, capture_output=True)
    return folder


def make_site(site, peers):
    """Files of a site of which nothing runs; what it was before is gone."""
    shutil.rmtree(site.folder, ignore_errors=True)
    configuration.write_services(site)
    databases.make_site(site)
    if site.front == 'cheops':
        configuration.write_node(site, peers)
        nodes.make_identity(site, state_folder() / 'ca')
    (site.folder / 'site').write_text(f'{site.number} {site.front}\n')


def start(sites):
    """In the order that Nova needs: it gives up if Keystone does not answer
    at its front while it starts."""
    fronts = [x for x in sites if programs.front(x)]
    for x in fronts:
        programs.front(x).start()
    for x in fronts:
        programs.await_front(x)
    say('what stands in front is there')
    others = [x for x in SERVICES if x is not NOVA]
    for x in sites:
        for y in others:
            programs.service(x, y).start()
    for x in sites:
        programs.await_answers(x, [KEYSTONE], past_front=True)
        programs.service(x, NOVA).start()
    for x in sites:
        programs.await_answers(x, others, past_front=True)
    say('Keystone, Glance, Placement and Neutron answer')
    for x in sites:
        programs.await_answers(x, [NOVA], past_front=True)
        programs.await_host(x)
        seed.fill(x)
        say(f'{x.name} can boot servers')


def up(sites, front):
    if front == 'cheops':
        programs.cheops('cheopsd')  # Or it ends here, before all the work.
    nodes.install_packages('openstack')
    if not databases.have_template():
        say('making databases; this is done once')
        databases.make_template()
    known = {x.name: x for x in programs.known_sites()}
    peers = {x.name: x for x in [*known.values(), *sites]
             if x.front == 'cheops'}
    for x in sites:
        if not programs.running_at(x.folder):
            make_site(x, [y for y in peers.values() if y.name != x.name])
        elif known[x.name].front != front:
            sys.exit(f'testbed: {x.name} runs with --front '
                     f'{known[x.name].front}; testbed.py front {x.name} '
                     f'{front}, or testbed.py down')
    if front == 'cheops':
        folder = make_programs()
        for x in sites:
            for user in site_plan.USERS:
                configuration.write_openrc(x, user, folder)
    start(sites)


def say_how_to_go_on(sites):
    berlin, paris = sites[0], sites[1]
    print(f'''
{len(sites)} sites run. A user of {berlin.name} works so:

  . {berlin.openrc()}
  openstack image list
  openstack image list --scope '{{Glance: {paris.name}}}'
  openstack server create --image cirros --flavor {seed.FLAVOR} \\
    --network {seed.NETWORK} myvm --scope '{{Nova: {berlin.name}, Glance: {paris.name}}}'

{berlin.openrc('admin').name} in the same folder is the administrator's.
Logs are in {state_folder()}/SITE/log.''')


def down(names):
    known = sorted(x.parent for x in state_folder().glob('*/run'))
    for x in set(names) - {x.name for x in known}:
        sys.exit(f'testbed: there is no site {x}')
    running = [y for x in known if not names or x.name in names
               for y in programs.running_at(x)]
    programs.stop(running)
    say(f'{len(running)} processes have ended')


def change_front(name, front):
    site = next((x for x in programs.known_sites() if x.name == name), None)
    if not site or site.front == 'none':
        sys.exit(f'testbed: there is no site {name} with something in front')
    if site.front != front:
        programs.stop([programs.front(site)])
        (site.folder / 'site').write_text(f'{site.number} {front}\n')
        site = site_plan.Site(site.name, site.number, front)
    programs.front(site).start()
    programs.await_front(site)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    commands = parser.add_subparsers(dest='command', required=True)
    x = commands.add_parser('up')
    x.add_argument('sites', nargs='*', default=['2'], metavar='N|SITE')
    x.add_argument('--front', choices=FRONTS, default='cheops')
    x.add_argument('--quiet', action='store_true',
                   help='do not say how to go on')
    commands.add_parser('down').add_argument('site', nargs='*')
    commands.add_parser('status')
    x = commands.add_parser('front')
    x.add_argument('site')
    x.add_argument('kind', choices=FRONTS[:2])
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
            down(with_.site)
        elif with_.command == 'status':
            nodes.print_status(programs.known_sites())
        else:
            change_front(with_.site, with_.kind)


if __name__ == '__main__':
    main()
