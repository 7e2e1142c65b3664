#!/usr/bin/python3
"""Cheops in front of real OpenStack services: run.py [--long] [NAME…]

Three sites (Berlin, Paris, Rome) are started, unless they run, and used by all
tests; those that were started here are stopped in the end. NAME is a part of a
test's name. Prints a line for each test, and closes as ctest does; the exit
code is 0 if all passed.
"""
import argparse
import inspect
import pathlib
import sys
import time
import traceback

_HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(_HERE), str(_HERE.parent.parent / 'testbed' / 'openstack')]

import concurrency
import cuts
import forged
import large
import sharing
import unscoped
from world import Unexpected, World

_MODULES = (unscoped, sharing, cuts, concurrency, forged, large)


def tests(parts):
    """The functions called test_…, in the order of their files and lines."""
    for module in _MODULES:
        found = inspect.getmembers(module, inspect.isfunction)
        for name, function in sorted(
                found, key=lambda x: x[1].__code__.co_firstlineno):
            if name.startswith('test_') and function.__module__ == \
                    module.__name__ and (not parts or any(
                        x in name for x in parts)):
                yield name.removeprefix('test_'), function


def run_one(function, world):
    """What went wrong, as text; None if nothing did."""
    try:
        function(world)
    except Unexpected as x:
        where = traceback.extract_tb(x.__traceback__)[1]
        return f'{pathlib.Path(where.filename).name}:{where.lineno}: {x}'
    except Exception:
        return traceback.format_exc()
    finally:
        world.heal()
    return None


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('names', nargs='*', metavar='NAME')
    parser.add_argument('--long', action='store_true',
                        help='more of what is done many times')
    with_ = parser.parse_args()
    chosen = list(tests(with_.names))
    if not chosen:
        sys.exit('run.py: no such test')

    began = time.monotonic()
    failed = []
    world = World()
    world.long = with_.long
    world.notes = []  # Of the test that runs, for people.
    try:
        world.start()
        for i, (name, function) in enumerate(chosen, 1):
            start = time.monotonic()
            wrong = run_one(function, world)
            head = f'{i:2}/{len(chosen)} Test: {name} '
            print(f'{head:.<76} {"***Failed" if wrong else "   Passed"} '
                  f'{time.monotonic() - start:7.2f} sec', flush=True)
            for line in world.notes:
                print(f'         {line}', flush=True)
            world.notes.clear()
            if wrong:
                failed.append(name)
                print(wrong, flush=True)
    finally:
        world.stop()

    passed = len(chosen) - len(failed)
    print(f'\n{100 * passed // len(chosen)}% tests passed, {len(failed)} tests '
          f'failed out of {len(chosen)}\n\nTotal Test time (real) = '
          f'{time.monotonic() - began:.2f} sec')
    if failed:
        print('\nThe following tests FAILED:')
        for name in failed:
            print(f'\t{name}')
    sys.exit(1 if failed else 0)


if __name__ == '__main__':
    main()
