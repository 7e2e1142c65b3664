#!/usr/bin/python3
"""Nova at Berlin, Glance at Paris: a story on three real OpenStack sites.

  demo.py [--keep]     --keep leaves the sites running

Starts the sites (testbed.py), plays the story with the real command line
client, and shows for each step what it printed and which service was asked, by
the service's own log. Fails if a step does not hold.
"""
import pathlib
import re
import sys

_HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(_HERE), str(_HERE.parent / 'common')]

import story as stories
import world as worlds
from world import expect, wait_until

_SCOPE = '{Nova: Berlin, Glance: Paris}'
_OTHERWISE = '{Nova: Berlin, Glance: Paris || Rome}'
_CREATE = 'server create --image cirros --flavor m1.nano --network net1 {name}'
_SHOWN = ('| id ', '| name ', '| status ', '| image ')  # Of a long table.


class Story(stories.Story):
    def type(self, at, line, scope=None, code=0):
        """A user types a line at a site; it must end with that code."""
        more = ['--scope', scope] if scope else []
        done = self._world.openstack(self._world.sites[at], line, *more)
        shown = f'openstack {line}' + (f" --scope '{scope}'" if scope else '')
        return self.show(at, shown, done, code, _SHOWN)

    def boots(self, at, scope, name):
        """The line of the thesis; answers what the logs say since."""
        logs = self._world.logs()
        done = self.type(at, _CREATE.format(name=name), scope)
        server = re.search(r'^\| id +\| (\S+)', done.out, re.MULTILINE)[1]
        berlin = self._world.session(self._world.sites['Berlin'])

        def active():
            shown = berlin.ask('compute', 'GET', f'/servers/{server}')
            return shown['server']['status'] == 'ACTIVE'
        wait_until(f'{name} is ACTIVE', active)
        self.prove(f'{name} is ACTIVE at Berlin')
        return logs

    def prove_asked(self, logs, site, service, *parts):
        expect(logs.has_soon(site, service, *parts),
               f'the log of {service} of {site} has no such line')
        lines = [x for x in logs.of(site, service)
                 if all(y in x for y in parts)]
        self.prove(f"{site}'s {service.capitalize()} logged: "
                   f'…{lines[-1][lines[-1].index(parts[0]) - 1:][:60]}')

    def prove_not_asked(self, logs, site, service, *parts):
        expect(not logs.has(site, service, *parts),
               f'{service} of {site} was asked')
        self.prove(f"{site}'s {service.capitalize()} was not asked")


def play(world, story):
    story.tell('Andy looks at his images', 'Andy, at Berlin', '''
        He gives no scope: nothing leaves his site, which has one image.''')
    logs = world.logs()
    done = story.type('Berlin', 'image list -f value -c Name')
    expect('cirros' not in done.out.split(), 'cirros is at Berlin')
    story.prove_not_asked(logs, 'Paris', 'glance', 'GET /v2/images')

    story.tell('The image that he wants is elsewhere', 'Andy', '''
        The answer is OpenStack's own.''')
    done = story.type('Berlin', _CREATE.format(name='myvm'), code=1)
    expect('No Image found' in done.err, 'another error')

    story.tell('Nova at Berlin, Glance at Paris', 'Andy', '''
        The same line with a scope. Nova of Berlin boots the server, and asks
        Glance of Paris for the image. Neither knows of Cheops.''')
    logs = story.boots('Berlin', _SCOPE, 'myvm')
    story.prove_asked(logs, 'Paris', 'glance', 'GET /v2/images/')
    story.prove_not_asked(logs, 'Berlin', 'glance', 'GET /v2/images/')

    story.tell('The same, typed at Rome', 'Carol, at Rome', '''
        All sites are equal: the scope says where, not who was asked.''')
    logs = story.boots('Rome', _SCOPE, 'carols')
    story.prove_asked(logs, 'Berlin', 'nova', 'POST /v2.1/servers')
    story.prove_asked(logs, 'Paris', 'glance', 'GET /v2/images/')
    story.prove_not_asked(logs, 'Rome', 'nova', 'POST /v2.1/servers')

    story.tell('A slip of the pen', 'Andy', '''
        What cannot be is refused before anything runs.''')
    done = story.type('Berlin', 'image list', '{Glance: Pari}', code=1)
    expect('Paris' in done.err, 'it does not say what would be right')

    story.tell('Paris is cut off', '', '''
        Its cable is out. Nobody is told; packets are lost silently.''')
    world.cut('Paris')
    done = story.type('Berlin', _CREATE.format(name='late'), _SCOPE, code=1)
    expect('Paris' in done.err, 'the error does not name Paris')
    story.prove(f'an error that names Paris, after {done.seconds:.1f} s')

    story.tell('What needs only Berlin goes on', 'Andy', '''
        A site that is alone serves its users.''')
    story.type('Berlin', 'image show local -f value -c status')

    story.tell('Otherwise: Paris, or else Rome', 'Andy', '''
        Rome has a cirros too.''')
    logs = story.boots('Berlin', _OTHERWISE, 'myvm2')
    story.prove_asked(logs, 'Rome', 'glance', 'GET /v2/images/')

    story.tell('Paris is joined again', 'Andy', '''
        The links come back by themselves.''')
    world.heal()
    logs = story.boots('Berlin', _OTHERWISE, 'myvm3')
    story.prove_asked(logs, 'Paris', 'glance', 'GET /v2/images/')
    story.prove_not_asked(logs, 'Rome', 'glance', 'GET /v2/images/')


if __name__ == '__main__':
    stories.main(__doc__, worlds.World(), play, Story)
