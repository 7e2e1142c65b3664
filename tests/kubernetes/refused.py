"""What Cheops itself refuses: kubectl prints it as an error of its server."""
import json

from world import expect


def _refused(world, line, scope, *says, stdin=None, reason=None):
    """kubectl fails, and prints these words behind its usual beginning."""
    done = world.kubectl(world.sites['Site1'], line, scope=scope, stdin=stdin)
    expect(done.code == 1 and done.err.lower().startswith('error'), done)
    for x in says:
        expect(x in done.err, done)
    if reason:
        expect(f'({reason})' in done.err, done)
    return done


def test_a_slip_of_the_pen_is_told(world):
    _refused(world, 'get configmaps', '{Site22}', 'Site22',
             'did you mean "Site2"', reason='BadRequest')
    _refused(world, 'create configmap no', '{Kubernets: Site2}', 'Kubernets',
             'Kubernetes')
    _refused(world, 'get configmaps', '{Site1 &', 'expected')


def test_a_site_that_is_cut_off_is_named(world):
    world.cut('Site2')
    done = _refused(world, 'get configmap purple', 'Site2', 'Site2')
    world.notes.append(f'after {done.seconds:.1f} s: {done.err.strip()}')
    # Its own users go on, and so do ours.
    world.kubectl(world.sites['Site1'], 'get configmaps').must()
    world.kubectl(world.sites['Site2'], 'get configmaps').must()
    world.heal()
    world.kubectl(world.sites['Site1'], 'get configmaps', scope='Site2').must()


def test_a_status_object_says_what_is_wrong(world):
    status, fields, text = world.session(
        world.sites['Site1'], scope='Atlantis').call('GET', '/api/v1/pods')
    answer = json.loads(text)
    expect(status == answer['code'] == 400 and answer['kind'] == 'Status'
           and answer['status'] == 'Failure'
           and 'Atlantis' in answer['message'], text)
    expect(fields['Cheops-Error'] == 'unknown-site', str(fields))


def test_sets_and_crosses_are_not_built_and_nothing_runs(world):
    """Each way to change something: a sentence, and nothing at any site."""
    one, two = world.sites['Site1'], world.sites['Site2']
    with world.namespace(one, two) as x:
        for site in (one, two):
            world.kubectl(site, f'create configmap there -n {x}').must()
        for scope in ('{Site1 % Site2}', '{set: 2@Site1}'):
            for line in (f'create configmap purple -n {x}',
                         f'create deployment web -n {x} --image nginx',
                         f'delete configmap there -n {x}',
                         f'delete configmaps --all -n {x}',
                         f'label configmap there -n {x} colour=blue',
                         f'create namespace {x}-b'):
                done = world.kubectl(one, line, scope=scope)
                expect(done.code != 0, done)
                expect('site Site1, plan: ' in done.err, done)
        done = _refused(world, f'create configmap purple -n {x}',
                        '{Site1 % Site2}', 'Site1, plan')
        world.notes.append(done.err.strip())
        for site in (one, two):
            admin = world.session(site, 'admin', direct=True)
            names = {y['metadata']['name']: y['metadata'].get('labels')
                     for y in admin.ask(
                         'GET', f'/api/v1/namespaces/{x}/configmaps')['items']}
            expect('purple' not in names and names.get('there', 0) is None,
                   f'{site.name}: {names}')
            expect(not admin.ask('GET', '/apis/apps/v1/namespaces/'
                                 f'{x}/deployments')['items'], 'a deployment')
            expect(admin.call('GET', f'/api/v1/namespaces/{x}-b')[0] == 404,
                   'a namespace was made')


def test_reads_with_several_sites_are_those_of_this_site(world):
    one, two = world.sites['Site1'], world.sites['Site2']
    with world.namespace(one, two) as x:
        world.kubectl(one, f'create configmap mine -n {x}').must()
        world.kubectl(two, f'create configmap theirs -n {x}').must()
        done = world.kubectl(one, f'get configmaps -n {x} -o name',
                             scope='Site1 & Site2').must()
        expect('configmap/mine\n' in done.out and 'theirs' not in done.out,
               done)
