"""An image of a gigabyte passes through two nodes."""
import hashlib

import programs
from world import expect

_BYTES = 1 << 30
_GROWTH_MIB_MAX = 64
_SCOPE = '{Glance: Paris}'


def _write(file):
    """A file in which no two pieces are alike; answers its digest."""
    whole = hashlib.sha256()
    with file.open('wb') as out:
        for i in range(_BYTES >> 20):
            piece = hashlib.shake_128(i.to_bytes(4, 'big')).digest(1 << 20)
            whole.update(piece)
            out.write(piece)
    return whole.digest()


def _digest(file):
    whole = hashlib.sha256()
    with file.open('rb') as x:
        while piece := x.read(1 << 20):
            whole.update(piece)
    return whole.digest()


def _forget_peak(site):
    with open(f'/proc/{programs.node(site).pid()}/clear_refs', 'w') as x:
        x.write('5')


def _memory_mib(site, field):
    with open(f'/proc/{programs.node(site).pid()}/status') as x:
        return next(int(line.split()[1]) for line in x
                    if line.startswith(field)) / 1024


def test_an_image_of_a_gigabyte_streams_through(world):
    berlin, paris = world.sites['Berlin'], world.sites['Paris']
    before = [_memory_mib(x, 'VmRSS') for x in (berlin, paris)]
    for x in (berlin, paris):
        _forget_peak(x)
    name = world.unique('large')
    with world.folder() as folder:
        file = folder / 'up'
        digest = _write(file)
        up = world.openstack(
            berlin, f'image create --disk-format raw {name} -f value -c id',
            '--file', file, '--scope', _SCOPE, timeout=900).must()
        image = up.out.strip()
        expect((paris.folder / 'images' / image).stat().st_size == _BYTES,
               "it is not in Paris's store")
        expect(not (berlin.folder / 'images' / image).exists(),
               "it is in Berlin's store")
        file.unlink()
        down = world.openstack(
            berlin, f'image save {name}', '--file', folder / 'down', '--scope',
            _SCOPE, timeout=900).must()
        expect(_digest(folder / 'down') == digest, 'other bytes came back')
    world.openstack(berlin, f'image delete {name}', '--scope', _SCOPE).must()
    peaks = [_memory_mib(x, 'VmHWM') for x in (berlin, paris)]
    growth = [x - y for x, y in zip(peaks, before)]
    expect(max(growth) < _GROWTH_MIB_MAX, f'nodes grew by {growth} MiB')
    world.notes.append(
        f'up {_BYTES / up.seconds / 1e6:.0f} MB/s, down '
        f'{_BYTES / down.seconds / 1e6:.0f} MB/s, nodes at most '
        f'{max(growth):.0f} MiB larger')
