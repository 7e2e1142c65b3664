"""One command up, one down: again and again, and nobody else's processes."""
import os
import subprocess

import nodes
import processes
from world import TESTBED, expect, run


def _pids(world):
    return {(x, y.name): y.pid() for x, site in world.sites.items()
            for y in nodes.running_at(site.folder)}


def test_up_again_starts_nothing_anew(world):
    before = _pids(world)
    run([TESTBED, 'up', '--quiet', *world.sites]).must()
    expect(_pids(world) == before, f'{before}, then {_pids(world)}')


def test_down_ends_what_up_began_and_nothing_else(world):
    before = _pids(world)
    with world.folder() as folder:
        site = folder / 'Oslo'
        ours = processes.Process('ours', site, ['/usr/bin/sleep', '600'])
        ours.start()
        # Its id is in a file of ours, as if it had been given out again.
        other = subprocess.Popen(['/usr/bin/sleep', '600'],
                                 start_new_session=True)
        try:
            (site / 'run' / 'other.pid').write_text(f'{other.pid} 1\n')
            run([TESTBED, 'down'], environment={
                **os.environ, 'CHEOPS_TESTBED': str(folder)}).must()
            expect(ours.pid() is None, 'what was begun goes on')
            expect(other.poll() is None, "another's process was ended")
        finally:
            other.kill()
            other.wait()
            processes.stop([ours])
    expect(_pids(world) == before, 'sites of another folder were ended')
