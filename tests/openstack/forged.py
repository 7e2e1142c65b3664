"""What is forged, stale or not allowed is refused, and nothing crosses over."""
import base64
import time
import uuid

import rest
import sharing
from world import expect, wait_until


def _images(session, headers=None, token=None):
    fields = {**(headers or {}), **({'X-Auth-Token': token} if token else {})}
    return session.call('GET', f'{session.endpoint("image")}/v2/images',
                        headers=fields)


def _refused(answer, what, *says):
    expect(400 <= answer.status < 500, f'{what}: {answer.status} {answer.text}')
    for x in says:
        expect(x in answer.text, f'{what}: {answer.text}')


def _forged(session):
    """Tokens with a mark that no node made: of any site, any age."""
    soon = int(time.time()) + 3600
    for site in ('Paris', 'Rome', 'Berlin', 'Atlantis'):
        name = base64.urlsafe_b64encode(site.encode()).decode().rstrip('=')
        for digest in ('', 'A' * 22, 'A' * 43, '0' * 64):
            for expiry in (f'{soon:x}', f'{2 ** 63:x}', '0'):
                yield f'{session.token}!o.{name}.{expiry}.{digest}'


def test_a_mark_that_a_client_wrote_is_refused(world):
    berlin = world.sites['Berlin']
    session = world.session(berlin)
    logs = world.logs()
    urls = [f'{session.endpoint("image")}/v2/images',
            f'{session.endpoint("compute")}/servers',
            f'{session.endpoint("network")}/v2.0/networks',
            f'{session.endpoint("placement")}/traits',
            f'{berlin.auth_url}/auth/projects']
    for token in _forged(session):
        for url in urls:
            for scope in ({}, {'Scope': '{Glance: Paris, Nova: Paris}'}):
                _refused(session.call('GET', url, headers={
                    **scope, 'X-Auth-Token': token}), f'{url} {token}')
        # Nor may it be asked about at Keystone.
        _refused(session.call('GET', f'{berlin.auth_url}/auth/tokens',
                              headers={'X-Subject-Token': token}), token)
    lines = [('glance', 'GET /v2/images '), ('nova', 'GET /v2.1/servers '),
             ('neutron', 'GET /v2.0/networks '), ('placement', 'GET /traits '),
             ('keystone', 'GET /v3/auth/projects ')]
    # A good token is seen in each log, once it is written; no other is.
    for url, (service, line) in zip(urls, lines):
        session.call('GET', url)
        expect(logs.has_soon('Berlin', service, line), f'no {line}')
        found = [x for site in world.sites for x in logs.of(site, service)
                 if line in x]
        expect(len(found) == 1, f'{service} was asked: {found}')
    for site in world.sites:
        expect(not logs.from_peers(site), f'it went to {site}')


def test_a_foreign_administrator_is_refused_where_no_policy_allows_it(world):
    berlin, rome = world.sites['Berlin'], world.sites['Rome']
    logs = world.logs()
    answer = _images(world.session(berlin, 'admin'), {'Scope': '{Glance: Rome}'})
    _refused(answer, 'an administrator of Berlin at Rome', 'admin', 'Rome')
    expect(not logs.has('Rome', 'glance', 'GET /v2/images', ' 200 '),
           "Rome's Glance served it")
    # Its own may, and so may an ordinary user of Berlin.
    expect(_images(world.session(rome, 'admin')).status == 200, 'own admin')
    ordinary = _images(world.session(berlin), {'Scope': '{Glance: Rome}'})
    expect(ordinary.status == 200, ordinary.text)


def test_a_token_of_a_disabled_user_is_refused_elsewhere_too(world):
    berlin = world.sites['Berlin']
    admin = world.session(berlin, 'admin')
    demo = next(x['id'] for x in admin.keystone('GET', '/projects')['projects']
                if x['name'] == 'demo')
    member = next(x['id'] for x in admin.keystone('GET', '/roles')['roles']
                  if x['name'] == 'member')
    name = world.unique('leaver')
    user = admin.keystone('POST', '/users', {'user': {
        'name': name, 'domain_id': 'default', 'password': 'secret'}})
    user = user['user']['id']
    admin.keystone('PUT', f'/projects/{demo}/users/{user}/roles/{member}')
    session = rest.Session(rest.scoped(berlin.auth_url, '{Glance: Paris}'),
                           name, 'demo')
    unseen = rest.Session(rest.scoped(berlin.auth_url, '{Glance: Paris}'),
                          name, 'demo')
    answer = _images(session)
    expect(answer.status == 200, answer.text)
    admin.keystone('PATCH', f'/users/{user}', {'user': {'enabled': False}})
    # One that nobody has asked about yet, at once.
    expect(_images(unseen).status == 401, 'a token that was not seen before')
    # One that is known, when what is known of it is too old.
    start = time.monotonic()
    wait_until('the token is refused', lambda: _images(session).status == 401)
    world.notes.append('a known token was refused after '
                       f'{time.monotonic() - start:.0f} s')
    admin.keystone('DELETE', f'/users/{user}')


def test_a_request_id_of_another_user_leads_nowhere(world):
    berlin = world.sites['Berlin']
    mine, other = world.session(berlin), world.session(berlin, 'admin')
    paris = world.session(world.sites['Paris'])
    image = sharing.image_id(paris, 'paris-only')
    id_ = {'X-Openstack-Request-Id': f'req-{uuid.uuid4()}'}
    answer = mine.call('POST', f'{mine.endpoint("compute")}/servers', {
        'server': {'name': world.unique('vm'), 'imageRef': image,
                   'flavorRef': '42', 'networks': 'none'}},
        {**id_, 'Scope': sharing.HERE_AND_PARIS})
    expect(answer.status == 202, answer.text)
    server = answer.json['server']['id']
    sharing.active(mine, server)

    logs = world.logs()
    url = f'{other.endpoint("image")}/v2/images/{image}'
    answer = other.call('GET', url, headers=id_)
    _refused(answer, "another user's request with that id")
    expect(not logs.has('Paris', 'glance', image),
           "another's request went where the first one's scope says")
    # Without the id, or with one of its own, it is served as ever: here.
    for headers in ({}, {'X-Openstack-Request-Id': f'req-{uuid.uuid4()}'}):
        answer = other.call('GET', url, headers=headers)
        expect(answer.status == 404 and 'Cheops-Error' not in answer.headers,
               answer.text)
    expect(not logs.from_peers('Paris'), 'it went to Paris')
    mine.ask('compute', 'DELETE', f'/servers/{server}')


def test_a_live_request_id_does_not_change_its_scope(world):
    berlin = world.sites['Berlin']
    mine = world.session(berlin)
    rome = sharing.image_id(world.session(world.sites['Rome']), 'cirros')
    paris = sharing.image_id(world.session(world.sites['Paris']), 'cirros')
    id_ = {'X-Openstack-Request-Id': f'req-{uuid.uuid4()}'}
    logs = world.logs()
    servers = []
    for site, image in (('Paris', paris), ('Rome', rome), ('Paris', paris)):
        answer = mine.call('POST', f'{mine.endpoint("compute")}/servers', {
            'server': {'name': world.unique('vm'), 'imageRef': image,
                       'flavorRef': '42', 'networks': 'none'}},
            {**id_, 'Scope': f'{{Nova: Berlin, Glance: {site}}}'})
        if site == 'Paris':
            expect(answer.status == 202, answer.text)
            servers.append(answer.json['server']['id'])
        else:
            _refused(answer, 'the id with another scope', id_[
                'X-Openstack-Request-Id'])
            expect('Cheops-Error' in answer.headers, str(answer.headers))
    for x in servers:
        sharing.active(mine, x)
        mine.ask('compute', 'DELETE', f'/servers/{x}')
    for image in (paris, rome):
        expect(not logs.has('Rome', 'glance', image), 'Rome was asked')
    expect(not logs.has('Paris', 'glance', rome), 'Paris was asked for Rome')


def test_what_only_nodes_may_say_is_not_believed_of_users(world):
    mine = world.session(world.sites['Berlin'])
    logs = world.logs()
    answer = _images(mine, {
        'Cheops-From': 'Paris', 'Cheops-Service': 'Glance',
        'Cheops-Scope': '{Glance: Paris}', 'Cheops-Token-Issuer': 'Paris'})
    expect(answer.status == 200, answer.text)
    expect(logs.has_soon('Berlin', 'glance', 'GET /v2/images'), 'it was not local')
    for site in world.sites:
        expect(not logs.from_peers(site), f'it was believed at {site}')
    expect(not logs.has('Paris', 'glance', 'GET /v2/images'), 'it was believed')
