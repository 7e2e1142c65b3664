"""Requests without a scope: as if there were no Cheops."""
import hashlib
import re

from world import expect

# What users of a site do. In the order given: later ones need earlier ones.
# {file} is a file of theirs, {out} one that is written, {key} a public key.
_COMMANDS = '''
versions show
catalog list
endpoint list
service list
region list
domain list
project list
user list
role list
role assignment list --names
token issue -c project_id -c user_id
extension list --network
flavor list
flavor show m1.nano
flavor create --id 77 --ram 32 --disk 1 small
flavor delete small
keypair create --public-key {key} key1
keypair list
keypair delete key1
image list
image show local
image create --file {file} --disk-format raw new-image
image set --property colour=blue new-image
image save --file {out} new-image
network list
network show net1
network create net2
subnet create --network net2 --subnet-range 10.9.0.0/24 subnet2
port create --network net2 --fixed-ip ip-address=10.9.0.7 \
 --mac-address fa:16:3e:00:00:07 port2
security group create group2
security group rule create --protocol tcp --dst-port 22 group2
server create --image new-image --flavor m1.nano --port port2 --wait server1
server list
server show server1
server set --property colour=blue server1
server stop server1
server delete --wait server1
security group delete group2
port delete port2
subnet delete subnet2
network delete net2
image delete new-image
hypervisor list
compute service list -c Binary -c Host -c Status -c State
aggregate create shelf
aggregate delete shelf
availability zone list
quota show
limits show --absolute
image show nothing
server show nothing
server create --image nothing --flavor m1.nano --network net1 none
server create --image 00000000-0000-4000-8000-000000000000 \
 --flavor m1.nano --network net1 none
router list
'''.replace('\\\n', '').strip().splitlines()

# What differs from one run to the next with nothing in between, too.
_VOLATILE = [
    (re.compile(r'\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?'), '<time>'),
    (re.compile(r'\binstance-[0-9a-f]{8}\b'), '<instance>'),
    (re.compile(r'\br-[0-9a-z]{8}\b'), '<reservation>'),
    (re.compile(r'\breq-[0-9a-f-]{36}\b'), '<request>'),
    (re.compile(r'(adminPass +\| )\S+'), r'\1<password>'),
]
_ID = re.compile(r'\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-'
                 r'[0-9a-f]{12}\b')


class _Names:
    """Gives each id a number as it comes: two runs that do the same then
    read the same, and no id may stand for another."""

    def __init__(self):
        self._known = {}

    def __call__(self, text):
        for pattern, instead in _VOLATILE:
            text = pattern.sub(instead, text)
        return _ID.sub(lambda x: self._known.setdefault(
            x[0], f'<id {len(self._known) + 1}>'), text)


def _play(world, site, folder):
    """Runs all commands; answers what each printed, and how it ended."""
    file, out, key = (folder / x for x in ('file', 'out', 'key.pub'))
    file.write_bytes(bytes(range(256)) * 40960)  # 10 MiB
    out.unlink(missing_ok=True)
    key.write_text('ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG5vdGhpbmcgc2VjcmV0'
                   'IGhlcmUsIGEga2V5IGZvciB0ZXN0 tester\n')
    results = []
    for command in _COMMANDS:
        done = world.openstack(
            site, command.format(file=file, out=out, key=key), user='admin')
        results.append((command, done.code, done.out, done.err))
    expect(hashlib.sha256(out.read_bytes()).digest()
           == hashlib.sha256(file.read_bytes()).digest(),
           'what was saved is not what was uploaded')
    return results


def test_commands_without_a_scope_give_what_they_give_without_cheops(world):
    site = world.sites['Berlin']
    with world.folder() as folder:
        through = _play(world, site, folder)
        world.front(site, 'plain')
        try:
            plain = _play(world, site, folder)
        finally:
            world.front(site, 'cheops')
            world.wait_for_links()
    same = 0
    names = _Names(), _Names()
    for mine, theirs in zip(through, plain):
        same += mine == theirs
        command, *got = mine
        _, *want = theirs
        got = [got[0], *map(names[0], got[1:])]
        want = [want[0], *map(names[1], want[1:])]
        expect(got == want, f'openstack {command}\n--- through Cheops\n{got}'
                            f'\n--- without\n{want}')
    ended_well = sum(x[1] == 0 for x in plain)
    expect(ended_well >= 45, f'only {ended_well} commands worked at all')
    expect(same >= 30, f'only {same} gave the same byte for byte')
    world.notes.append(f'{len(plain)} commands, {same} of them byte for byte, '
                       'the others but for ids and times')
