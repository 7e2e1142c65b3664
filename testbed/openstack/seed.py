"""What a site has from the start, made over its API as an operator would:
a network, a flavor, and images."""
import rest

FLAVOR = 'm1.nano'
NETWORK = 'net1'
# Which site has which image: `cirros` is not at Berlin, on purpose.
IMAGES = {'local': None, 'cirros': ('Paris', 'Rome'), 'paris-only': ('Paris',)}
IMAGE_BYTES = 1 << 20


def _has(admin, type_, path, kind, name):
    return any(x['name'] == name for x in admin.ask(type_, 'GET', path)[kind])


def make_image(session, name, content, **fields):
    """An image whose bits are `content`; answers its id."""
    made = session.ask('image', 'POST', '/v2/images', {
        'name': name, 'disk_format': 'raw', 'container_format': 'bare',
        **fields})
    session.call('PUT', f'{session.endpoint("image")}{made["file"]}', content,
                 {'Content-Type': 'application/octet-stream'}, [204])
    return made['id']


def make_network(admin):
    """A network for everybody."""
    made = admin.ask('network', 'POST', '/v2.0/networks', {'network': {
        'name': NETWORK, 'shared': True}})
    admin.ask('network', 'POST', '/v2.0/subnets', {'subnet': {
        'name': NETWORK, 'network_id': made['network']['id'],
        'ip_version': 4, 'cidr': '10.1.0.0/16', 'enable_dhcp': False}})


def fill(site):
    """Flavor and images, where they are missing."""
    admin = rest.Session(site.auth_url)
    if not _has(admin, 'compute', '/flavors', 'flavors', FLAVOR):
        admin.ask('compute', 'POST', '/flavors', {'flavor': {
            'name': FLAVOR, 'id': '42', 'ram': 64, 'vcpus': 1, 'disk': 1}})
    for name, places in IMAGES.items():
        if places and site.name not in places:
            continue
        if not _has(admin, 'image', '/v2/images', 'images', name):
            make_image(admin, name, bytes(IMAGE_BYTES), visibility='public')
