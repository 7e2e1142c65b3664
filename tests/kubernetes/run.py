#!/usr/bin/python3
"""Cheops in front of real Kubernetes API servers: run.py [--long] [NAME…]

Three sites (Site1, Site2, Site3) are started, unless they run, and used by all
tests; those that were started here are stopped in the end. NAME is a part of a
test's name. Prints a line for each test, and closes as ctest does; the exit
code is 0 if all passed.
"""
import pathlib
import sys

_HERE = pathlib.Path(__file__).resolve().parent
_TESTBED = _HERE.parent.parent / 'testbed'
sys.path[:0] = [str(_HERE), str(_TESTBED / 'kubernetes'),
                str(_TESTBED / 'common')]

import apart
import kinds
import many
import refused
import replicated
import rights
import sharing
import streams
import suite
import unscoped
from world import World

if __name__ == '__main__':
    suite.main(__doc__, (unscoped, sharing, refused, replicated, kinds, apart,
                         rights, streams, many), World())
