"""A site is cut off: `||` goes on, all else says so at once."""
import sharing
from world import expect

_LINE = ('server create --image cirros --flavor m1.nano --network net1 -f '
         'value -c id {name}')


def test_otherwise_is_served_by_the_next_site(world):
    berlin = world.sites['Berlin']
    world.cut('Paris')
    logs = world.logs()
    done = world.openstack(
        berlin, _LINE.format(name=world.unique('vm')), '--scope',
        '{Nova: Berlin, Glance: Paris || Rome}').must()
    session = world.session(berlin)
    sharing.active(session, done.out.strip())
    image = sharing.image_id(world.session(world.sites['Rome']), 'cirros')
    expect(logs.has_soon('Rome', 'glance', f'GET /v2/images/{image}'),
           "Rome's Glance was not asked")
    expect(not logs.has('Paris', 'glance', 'GET /v2/images'),
           'Paris was reached')
    session.ask('compute', 'DELETE', f'/servers/{done.out.strip()}')


def test_an_error_of_the_client_names_the_site_that_is_cut_off(world):
    berlin = world.sites['Berlin']
    image = sharing.image_id(world.session(world.sites['Paris']), 'cirros')
    scoped = world.session(berlin, scope=sharing.HERE_AND_PARIS)
    world.cut('Paris')
    done = world.openstack(berlin, _LINE.format(name='no'), '--scope',
                           sharing.HERE_AND_PARIS, timeout=60)
    expect(done.code != 0 and 'Paris' in done.err, done)
    expect('Unexpected API Error' not in done.err, done)
    # On a machine that is busy the client itself takes its time.
    local = world.openstack(berlin, 'image show local').must().seconds
    expect(done.seconds < max(5, 2.5 * local), done)
    # The same where it is Nova that cannot reach Glance: not Nova's 500.
    answer = scoped.call('POST', f'{scoped.endpoint("compute")}/servers', {
        'server': {'name': 'no', 'imageRef': image, 'flavorRef': '42',
                   'networks': 'none'}})
    expect(answer.status >= 500 and 'Paris' in answer.text, answer.text)
    expect(answer.headers['Cheops-Site'] == 'Paris', str(answer.headers))
    expect('Unexpected API Error' not in answer.text, answer.text)
    world.notes.append(f'the client took {done.seconds:.1f} s to say so; '
                       f'for a local command, {local:.1f} s')


def test_what_needs_only_its_own_site_goes_on(world):
    world.cut('Paris')
    for name in ('Berlin', 'Paris'):
        site = world.sites[name]
        world.openstack(site, 'image list').must()
        session = world.session(site)
        image = sharing.image_id(session, 'local')
        made = session.ask('compute', 'POST', '/servers', {'server': {
            'name': world.unique('vm'), 'imageRef': image, 'flavorRef': '42',
            'networks': 'none'}})['server']['id']
        sharing.active(session, made)
        session.ask('compute', 'DELETE', f'/servers/{made}')


def test_a_healed_site_serves_again(world):
    world.cut('Paris')
    world.heal()
    sharing.test_typed_at_berlin_it_boots_there_from_an_image_of_paris(world)
