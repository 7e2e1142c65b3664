"""Runs tests on a testbed and tells of them as ctest does."""
import argparse
import inspect
import pathlib
import sys
import time
import traceback

from mesh import Unexpected


def _tests(modules, parts):
    """The functions called test_…, in the order of their files and lines."""
    for module in modules:
        found = inspect.getmembers(module, inspect.isfunction)
        for name, function in sorted(
                found, key=lambda x: x[1].__code__.co_firstlineno):
            if name.startswith('test_') and function.__module__ == \
                    module.__name__ and (not parts or any(
                        x in name for x in parts)):
                yield name.removeprefix('test_'), function


def _run_one(function, world):
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


def _run_all(chosen, world):
    """The names of those that failed."""
    failed = []
    for i, (name, function) in enumerate(chosen, 1):
        start = time.monotonic()
        wrong = _run_one(function, world)
        head = f'{i:2}/{len(chosen)} Test: {name} '
        print(f'{head:.<76} {"***Failed" if wrong else "   Passed"} '
              f'{time.monotonic() - start:7.2f} sec', flush=True)
        for line in world.notes:
            print(f'         {line}', flush=True)
        world.notes.clear()
        if wrong:
            failed.append(name)
            print(wrong, flush=True)
    return failed


def main(about, modules, world):
    """`about` is the help text, `world` a Mesh. Ends the program: with 0 if
    all tests passed."""
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('names', nargs='*', metavar='NAME')
    parser.add_argument('--long', action='store_true',
                        help='more of what is done many times')
    with_ = parser.parse_args()
    chosen = list(_tests(modules, with_.names))
    if not chosen:
        sys.exit('run.py: no such test')

    began = time.monotonic()
    world.long = with_.long
    try:
        world.start()
        failed = _run_all(chosen, world)
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
