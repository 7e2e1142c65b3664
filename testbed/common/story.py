"""A story that is told on real sites, and checks itself."""
import argparse
import sys
import textwrap

from mesh import Unexpected, expect


class Story:
    """What is told, typed and proved, on the terminal."""

    def __init__(self, world, colour):
        self._world = world
        self._colour = colour
        self._step = 0

    def _paint(self, code, text):
        return f'\033[{code}m{text}\033[0m' if self._colour else text

    def tell(self, title, who, text):
        self._step += 1
        print(f'\n{self._paint("1", f"{self._step}. {title}")}'
              f'{f"   ({who})" if who else ""}')
        print(textwrap.fill(' '.join(text.split()), 76, initial_indent='   ',
                            subsequent_indent='   '), flush=True)

    def prove(self, text):
        print(f'   {self._paint("32", "✓")} {text}', flush=True)

    def show(self, at, line, done, code=0, only=None):
        """What a user typed at a site and saw: of a long table, the lines
        that begin with one of `only`. It must have ended with that code."""
        print(f'   {at}$ {self._paint("36", line)}', flush=True)
        lines = (done.out + done.err).splitlines()
        chosen = [x for x in lines if only and x.startswith(only)]
        for x in chosen or lines:
            print(f'     {x.rstrip()}', flush=True)
        expect(done.code == code, f'it ended with {done.code}, not {code}')
        return done


def main(about, world, play, make=Story):
    """Starts the sites, plays, and stops them; ends the program with 1 if a
    step does not hold."""
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--keep', action='store_true')
    with_ = parser.parse_args()
    try:
        world.start()
        play(world, make(world, sys.stdout.isatty()))
        print('\nEvery step held.')
    except Unexpected as x:
        print(f'\nThis step does not hold: {x}', file=sys.stderr)
        sys.exit(1)
    finally:
        world.heal()
        if not with_.keep:
            world.stop()
