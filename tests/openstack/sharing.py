"""Nova at Berlin, Glance at Paris: typed as it stands."""
import json
import os
import re

import programs
import rest
from site_plan import NEUTRON
from world import Unexpected, expect, run, wait_until, wait_while_it_goes_on

HERE_AND_PARIS = '{Nova: Berlin, Glance: Paris}'
_LINE = ('server create --image {image} --flavor m1.nano --network net1 '
         '-f json {name}')


def active(session, *servers):
    """Waits until servers of that Nova have booted. It boots a few at a time,
    the others wait: as long as it goes on with any, none is late."""
    def waiting():
        of = {x['id']: (x['status'], x['OS-EXT-STS:task_state'])
              for x in session.ask('compute', 'GET', '/servers/detail')
              ['servers'] if x['id'] in servers}
        expect(len(of) == len(servers), f'of {servers} there are {of}')
        wrong = [x for x, (status, _) in of.items() if status == 'ERROR']
        expect(not wrong, f'in error: {wrong}')
        return {x: y for x, y in of.items() if y[0] != 'ACTIVE'} or None
    # To list many is work, and Nova does it where it boots.
    wait_while_it_goes_on('booting', waiting, pause=min(2, 0.2 * len(servers)))


def image_id(session, name):
    found = session.ask('image', 'GET', f'/v2/images?name={name}')['images']
    expect(len(found) == 1, f'{len(found)} images are called {name}')
    return found[0]['id']


def _create(world, at, user, scope, image='paris-only'):
    """The line as a user types it at a site; answers the server's id."""
    done = world.openstack(
        world.sites[at], _LINE.format(image=image, name=world.unique('vm')),
        '--scope', scope, user=user).must()
    return json.loads(done.out)['id']


def _nova_asked(logs, session, server, action, image):
    """Whether Paris's Glance was asked for an image by Berlin's Nova as it did
    that to a server: the client asks for it too, but under other ids."""
    own = [x['request_id'] for x in session.ask(
        'compute', 'GET', f'/servers/{server}/os-instance-actions')
        ['instanceActions'] if x['action'] == action]
    expect(len(own) == 1, f'server {server}: {action} by {own}')
    # Nova logs the id that its calls have, and then its own.
    both = re.search(rf'\[(req-\S+) {own[0]} ',
                     '\n'.join(logs.of('Berlin', 'nova')))
    expect(both, f'the log of Nova has no {own[0]} that was given an id')
    return logs.has_soon('Paris', 'glance', f'GET /v2/images/{image}', ' 200 ',
                    both[1])


def _boots_from_paris(world, at, user):
    berlin = world.session(world.sites['Berlin'], user)
    paris = world.session(world.sites['Paris'], user)
    image = image_id(paris, 'paris-only')
    logs = world.logs()
    server = _create(world, at, user, HERE_AND_PARIS)
    active(berlin, server)
    expect(_nova_asked(logs, berlin, server, 'create', image),
           "Paris's Glance was not asked for the image by Nova")
    expect(not logs.has('Berlin', 'glance', image),
           "Berlin's Glance was asked for the image")
    expect(not logs.has('Rome', 'glance', image),
           "Rome's Glance was asked for the image")
    elsewhere = paris.call(
        'GET', f'{paris.endpoint("compute")}/servers/{server}')
    expect(elsewhere.status == 404, f'the server is at Paris: {elsewhere.text}')
    berlin.ask('compute', 'DELETE', f'/servers/{server}')


def test_typed_at_berlin_it_boots_there_from_an_image_of_paris(world):
    _boots_from_paris(world, 'Berlin', 'demo')


def test_typed_at_rome_it_does_the_same(world):
    _boots_from_paris(world, 'Rome', 'demo')


def test_it_does_the_same_for_an_administrator(world):
    _boots_from_paris(world, 'Berlin', 'admin')


def test_later_calls_about_a_server_go_where_it_was_made_for(world):
    """Each is a request of its own, without a scope."""
    berlin = world.session(world.sites['Berlin'])
    paris = world.session(world.sites['Paris'])
    image = image_id(paris, 'paris-only')
    server = _create(world, 'Berlin', 'demo', HERE_AND_PARIS)
    active(berlin, server)
    logs = world.logs()
    berlin.ask('compute', 'POST', f'/servers/{server}/action',
               {'rebuild': {'imageRef': image}})
    active(berlin, server)
    expect(_nova_asked(logs, berlin, server, 'rebuild', image),
           "Paris's Glance was not asked for the image")
    expect(not logs.has('Berlin', 'glance', image),
           "Berlin's Glance was asked for the image")
    berlin.ask('compute', 'DELETE', f'/servers/{server}')


def test_nova_has_ports_of_another_site_with_a_token_of_its_own(world):
    """Paris's Neutron has agents for Berlin's hosts. Nova makes the port as the
    user, and binds it as itself: by its request id alone the node knows what
    that call is for. Later ones are known by the server."""
    scope = '{Nova: Berlin, Neutron: Paris}'
    berlin = world.session(world.sites['Berlin'])
    paris = world.session(world.sites['Paris'], 'admin')
    network = paris.ask('network', 'GET',
                        '/v2.0/networks?name=net1')['networks'][0]['id']

    def ports(session, base):
        return session.call('GET', f'{base}/v2.0/ports?device_id={server}',
                            expect=[200]).json['ports']
    answer = berlin.call('POST', f'{berlin.endpoint("compute")}/servers', {
        'server': {'name': world.unique('vm'), 'flavorRef': '42',
                   'imageRef': image_id(berlin, 'local'),
                   'networks': [{'uuid': network}]}},
        {'Scope': scope}, [202])
    server = answer.json['server']['id']
    active(berlin, server)
    there = ports(paris, paris.endpoint('network'))
    expect(len(there) == 1 and there[0]['binding:host_id'] == 'Berlin'
           and there[0]['binding:vif_type'] == 'ovs', f'at Paris: {there}')
    here = ports(berlin, f'http://{world.sites["Berlin"].backend(NEUTRON)}')
    expect(not here, f'at Berlin: {here}')
    berlin.ask('compute', 'DELETE', f'/servers/{server}')
    wait_until('its port is gone, too', lambda: not ports(
        paris, paris.endpoint('network')))


def test_without_a_scope_it_fails_as_plain_openstack_does(world):
    berlin = world.sites['Berlin']
    done = world.openstack(berlin, _LINE.format(image='paris-only', name='no'))
    expect(done.code == 1 and 'No Image found for paris-only' in done.err, done)
    image = image_id(world.session(world.sites['Paris']), 'paris-only')
    session = world.session(berlin)
    answer = session.call('POST', f'{session.endpoint("compute")}/servers', {
        'server': {'name': 'no', 'imageRef': image, 'flavorRef': '42',
                   'networks': 'none'}})
    expect(answer.status == 400 and 'Can not find requested image'
           in answer.text, answer.text)
    expect('Cheops-Error' not in answer.headers, str(answer.headers))


def test_a_whole_service_can_be_that_of_another_site(world):
    done = world.openstack(world.sites['Berlin'], 'image list -f value -c Name',
                           '--scope', '{Glance: Paris}').must()
    names = set(done.out.split())
    expect({'local', 'cirros', 'paris-only'} <= names, done)
    # What the client is given leads to the fronts of the site that it asked.
    session = world.session(world.sites['Berlin'], scope='{Nova: Paris}')
    for kind in ('compute', 'image', 'network', 'placement', 'identity'):
        expect(session.endpoint(kind).startswith('http://127.0.1.1:1'),
               f'{kind}: {session.endpoint(kind)}')
    servers = session.ask('compute', 'GET', '/servers/detail')
    expect('servers' in servers, str(servers))


def test_one_name_alone_is_the_site_of_all_services(world):
    done = world.openstack(world.sites['Berlin'], 'image list -f value -c Name',
                           '--scope', 'Paris').must()
    expect('paris-only' in done.out.split(), done)
    server = _create(world, 'Berlin', 'demo', 'Paris')
    paris = world.session(world.sites['Paris'])
    active(paris, server)
    paris.ask('compute', 'DELETE', f'/servers/{server}')


def test_links_of_services_that_name_themselves_lead_to_the_fronts(world):
    """Rome's were told their own URLs, and clients go where links lead."""
    rome = world.sites['Rome']
    session = world.session(rome)
    for url in (rome.auth_url.removesuffix('/v3'), rome.auth_url,
                session.endpoint('image')):
        answer = session.call('GET', url, expect=[200, 300])
        expect(f'http://{rome.ip}:1' in answer.text
               and not re.search(rf'http://{rome.ip}[:/](?!1)', answer.text),
               f'{url}: {answer.text}')


def test_other_clients_need_no_change_either(world):
    """At Rome, too, whose Keystone is below a path."""
    sdk = '''
import openstack, sys
cloud = openstack.connect(
    auth_url=sys.argv[1], username="demo", password="secret",
    project_name="demo", user_domain_id="default",
    project_domain_id="default", region_name=sys.argv[3],
    auth_type=sys.argv[2])
print(*[x.name for x in cloud.image.images()])
'''
    for name in ('Berlin', 'Rome'):
        site = world.sites[name]
        done = run([programs.cheops('cheops'), 'run', '--scope',
                    '{Glance: Paris}', '--config', site.node_config, '--',
                    'env', '-u', 'OS_CLOUD', 'OS_USERNAME=demo',
                    'OS_PASSWORD=secret', 'OS_PROJECT_NAME=demo',
                    'OS_USER_DOMAIN_ID=default',
                    'OS_PROJECT_DOMAIN_ID=default', '/usr/bin/openstack',
                    'image', 'list', '-f', 'value', '-c', 'Name'],
                   {**os.environ, 'OS_AUTH_URL': site.auth_url}).must()
        expect('paris-only' in done.out.split(), done)
        url = rest.scoped(site.auth_url, '{Glance: Paris}')
        for kind in ('v3password', 'password'):
            done = run([programs.PYTHON, '-c', sdk, url, kind, name]).must()
            expect('paris-only' in done.out.split(), done)


def _refused(world, scope, *says, method='POST', path='/servers'):
    """A request with that scope gets 4xx, and a message with these words."""
    session = world.session(world.sites['Berlin'])
    answer = session.call(
        method, session.endpoint('compute') + path,
        {'server': {'name': 'no', 'imageRef': 'x', 'flavorRef': '42',
                    'networks': 'none'}} if method == 'POST' else None,
        {'Scope': scope})
    expect(400 <= answer.status < 500 and 'Cheops-Error' in answer.headers,
           f'{scope}: {answer.status} {answer.text}')
    message = answer.json['error']['message']
    for x in says:
        expect(x in message, f'{scope}: {message}')


def test_what_cannot_be_is_refused_before_it_runs(world):
    logs = world.logs()
    _refused(world, '{Nova: Berlni}', 'Berlni', 'did you mean "Berlin"')
    _refused(world, '{Nvoa: Berlin}', 'Nvoa', 'Nova')
    _refused(world, '{Nova: Berlin, Placement: Paris}', 'Placement', 'hosts')
    _refused(world, '{Nova: Berlin, Neutron: Rome}', 'Neutron', 'Rome',
             'compute hosts')
    session = world.session(world.sites['Berlin'])
    answer = session.call('GET', session.endpoint('image') + '/v2/images',
                          headers={'Scope': '{Glance: Berlin, Nova: Paris}'})
    expect(answer.status == 400 and 'Nova' in answer.json['error']['message'],
           answer.text)
    for site in world.sites:
        expect(not logs.has(site, 'nova', 'POST /v2.1/servers'),
               f'something ran at {site}')


def test_the_client_itself_prints_why_a_scope_is_refused(world):
    done = world.openstack(world.sites['Berlin'], 'image list', '--scope',
                           '{Glance: Pars}')
    expect(done.code != 0 and 'Pars' in done.err and 'Paris' in done.err, done)
    try:
        world.session(world.sites['Berlin'], scope='{Glance: Atlantis}')
    except rest.Failure as x:
        expect(x.answer.status == 400 and 'Atlantis' in str(x), str(x))
    else:
        raise Unexpected('a token for a scope with an unknown site was given')
