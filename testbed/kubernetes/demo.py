#!/usr/bin/python3
"""kubectl at Site1, an API server at Site2: a story on three real ones.

  demo.py [--keep]     --keep leaves the sites running

Starts the sites (testbed.py), plays the story with kubectl, and shows for each
step what it printed and at which site the object is, asked past the nodes.
Fails if a step does not hold.
"""
import json
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


    def _read(self, site, name, namespace=None):
        return self._world.session(self._world.sites[site], 'admin',
                                   direct=True).call(
            'GET', f'/api/v1/namespaces/{namespace or self.namespace}/'
            f'configmaps/{name}')

    def prove_alike(self, name, n, *sites):
        """The ConfigMap comes to be there with that value, and nowhere
        else."""
        def alike():
            got = [self._read(x, name) for x in sites]
            return all(y[0] == 200 and json.loads(y[2])['data']['n'] == n
                       for y in got)
        worlds.wait_until(f'{name} is {n} at {", ".join(sites)}', alike)
        self.prove(f'{name} is the same at {", ".join(sites)}')

    def prove_gone(self, name):
        worlds.wait_until(f'{name} is gone', lambda: all(
            self._read(x, name)[0] == 404 for x in self._world.sites))
        self.prove(f'{name} is gone everywhere')

    def refused_at_site_3(self):
        """Made in `default`, where Andy may edit at two sites of three."""
        name = self._world.unique('mixed')
        own, self.namespace = self.namespace, 'default'
        try:
            self.type('Site1', f'create configmap {name}',
                      'Site1 & Site2 & Site3')
            status = f'cheops status configmap/{name}'
            worlds.wait_until('Site3 is diverged', lambda: 'diverged (403)' in
                              self._world.kubectl(self._world.sites['Site1'],
                                                  status, '-n', 'default').out)
            self.type('Site1', status)
            self.prove('Site3 is diverged (403); the others have it')
            self.type('Site1', f'delete configmap {name}')
        finally:
            self.namespace = own


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

    play_together(world, story)

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


def play_together(world, story):
    story.tell('One object at two sites', 'Andy, at Site1', '''
        The thesis' own line. Each site's node makes it there in Andy's name:
        the API servers know nothing of each other.''')
    story.type('Site1', 'create configmap indigo --from-literal n=1',
               '{Site1 & Site2}')
    story.prove_alike('indigo', '1', 'Site1', 'Site2')

    story.tell('Changed from the other side', 'Andy, at Site2', '''
        No scope: the object has it.''')
    story.type('Site2', 'patch configmap indigo --type merge -p '
               '\'{"data": {"n": "2"}}\'')
    story.prove_alike('indigo', '2', 'Site1', 'Site2')
    story.type('Site1', 'cheops status configmap/indigo')

    story.tell('Three sites, one of which says no', 'Andy, at Site1', '''
        At Site3 he may edit nothing outside of his namespace; here he may. A
        second one, in `default`, is refused there: it is told, not hidden.''')
    story.type('Site1', 'create configmap mauve --from-literal n=1',
               'Site1 & Site2 & Site3')
    story.prove_alike('mauve', '1', 'Site1', 'Site2', 'Site3')
    story.refused_at_site_3()

    story.tell('Site3 is cut off', 'Andy', '''
        Two of three go on. Alone, Site3 reads what it has, and refuses to
        change what it could not agree on.''')
    world.cut('Site3')
    story.type('Site1', 'patch configmap mauve --type merge -p '
               '\'{"data": {"n": "2"}}\'')
    story.type('Site3', 'get configmap mauve')
    done = story.type('Site3', 'label configmap mauve shade=dark', code=1)
    expect('ServiceUnavailable' in done.err, 'another error')

    story.tell('Site3 is joined again', '', '''
        What it missed it does by itself.''')
    world.heal()
    story.prove_alike('mauve', '2', 'Site1', 'Site2', 'Site3')
    story.type('Site3', 'delete configmap mauve')
    story.prove_gone('mauve')


def in_a_namespace(world, story):
    with world.namespace(*world.sites.values()) as x:
        story.namespace = x
        play(world, story)


if __name__ == '__main__':
    stories.main(__doc__, worlds.World(), in_a_namespace, Story)
