#!/usr/bin/python3
"""nova-api, -scheduler, -conductor and -compute in one process, which speak
over messages in memory: nova_all.py --config-file=F. Saves a message broker
and half the memory; the services' code is Nova's own."""
import nova.cmd  # noqa: F401 (patches; must come first)

import importlib
import sys

import nova.conf
from nova import config, objects, service
from nova.compute import rpcapi as compute_rpc
from nova.conductor import rpcapi as conductor_rpc
from nova.scheduler import rpcapi as scheduler_rpc
from oslo_log import log
from oslo_service import service as launching

CONF = nova.conf.CONF
config.parse_args(sys.argv)
CONF.set_override('log_file', 'nova.log')
log.setup(CONF, 'nova')
objects.register_all()
# How often their periodic tasks run is read as they are imported.
for name in ('conductor', 'scheduler', 'compute'):
    importlib.import_module(f'nova.{name}.manager')

launcher = launching.ServiceLauncher(CONF, restart_method='mutate')
for binary, topic in (('nova-conductor', conductor_rpc.RPC_TOPIC),
                      ('nova-scheduler', scheduler_rpc.RPC_TOPIC),
                      ('nova-compute', compute_rpc.RPC_TOPIC)):
    launcher.launch_service(service.Service.create(binary=binary, topic=topic))
launcher.launch_service(service.WSGIService('osapi_compute'))
launcher.wait()
