#!/usr/bin/python3
"""kubectl at Site1, an API server at Site2: a story on three real ones.

  demo.py [--keep]     --keep leaves the sites running

Starts the sites (testbed.py), plays the story with kubectl, and shows for each
step what it printed and at which site the object is, asked past the nodes.
Fails if a step does not hold.
"""
import pathlib
import sys

_HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(_HERE), str(_HERE.parent / 'common')]

import story as stories
import world as worlds
from world import expect


class Story(stories.Story):
    def __init__(self, world, colour):
        super().__init__(world, colour)
        self.namespace = 'default'

    def type(self, at, line, scope=None, code=0):
        """Andy types a line at a site; it must end with that code."""
        done = self._world.kubectl(self._world.sites[at], line, '-n',
                                   self.namespace, scope=scope)
        shown = f'kubectl {line}' + (f" --scope '{scope}'" if scope else '')
        return self.show(at, shown, done, code)

    def prove_at(self, name, *sites):
        """The ConfigMap is at these sites, and at no other."""
        for x in self._world.sites.values():
            status = self._world.session(x, 'admin', direct=True).call(
                'GET', f'/api/v1/namespaces/{self.namespace}/configmaps/{name}'
            )[0]
            expect((status == 200) == (x.name in sites),
                   f'the API server of {x.name} says {status} to {name}')
        self.prove(f'{name} is at {", ".join(sites)}, and nowhere else')


def play(world, story):
    story.tell('Andy makes an object', 'Andy, at Site1', '''
        He gives no scope: nothing leaves his site.''')
    story.type('Site1', 'create configmap purple --from-literal colour=purple')
    story.prove_at('purple', 'Site1')

    story.tell('The same line, with a scope', 'Andy', '''
        It is made by the API server of Site2. Neither that one nor kubectl
        knows of Cheops: --scope is taken out of its words, and goes into the
        server's URL.''')
    story.type('Site1', 'create configmap violet --from-literal colour=violet',
               'Site2')
    story.prove_at('violet', 'Site2')
    done = story.type('Site1', 'get configmaps -o name', 'Site2')
    expect('configmap/violet' in done.out, 'violet is not listed')

    story.tell('Typed at Site3, it does the same', 'Andy, at Site3', '''
        All sites are equal: the scope says where, not who was asked.''')
    story.type('Site3', 'label configmap violet shade=dark', 'Site2')

    story.tell('Each site decides what a user may', 'Andy', '''
        Site3 lets him edit in this namespace too; secrets of all namespaces
        are for its administrators. The answer is its own.''')
    done = story.type('Site1', 'get secrets -A', 'Site3', code=1)
    expect('Forbidden' in done.err, 'another error')

    story.tell('A slip of the pen', 'Andy', '''
        What cannot be is refused before anything runs, and kubectl prints it
        as it prints any error of its server.''')
    done = story.type('Site1', 'get configmaps', '{Site22}', code=1)
    expect('Site2' in done.err, 'it does not say what would be right')

    story.tell('Two sites at once are not built yet', 'Andy', '''
        That is said, and nothing runs.''')
    done = story.type('Site1', 'create configmap indigo', '{Site1 & Site2}',
                      code=1)
    story.prove_at('violet', 'Site2')

    story.tell('Site2 is cut off', '', '''
        Its cable is out. Nobody is told; packets are lost silently.''')
    world.cut('Site2')
    done = story.type('Site1', 'get configmap violet', 'Site2', code=1)
    expect('Site2' in done.err, 'the error does not name Site2')
    story.prove(f'an error that names Site2, after {done.seconds:.1f} s')

    story.tell('What needs only Site1 goes on', 'Andy', '''
        A site that is alone serves its users.''')
    story.type('Site1', 'get configmap purple')
    story.type('Site1', 'get configmap purple', 'Site2 || Site1')

    story.tell('Site2 is joined again', 'Andy', '''
        The links come back by themselves.''')
    world.heal()
    story.type('Site1', 'get configmap violet', 'Site2')


def in_a_namespace(world, story):
    with world.namespace(*world.sites.values()) as x:
        story.namespace = x
        play(world, story)


if __name__ == '__main__':
    stories.main(__doc__, worlds.World(), in_a_namespace, Story)
