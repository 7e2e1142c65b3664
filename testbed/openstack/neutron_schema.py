#!/usr/bin/python3
"""Makes Neutron's tables from its models: neutron_schema.py --config-file=F.

Neutron's migrations are written for servers of databases; on sqlite some fail.
"""
import sys

import sqlalchemy
from neutron.common import config
from neutron.db.migration.models import head  # noqa: F401 (fills metadata)
from neutron_lib.db import model_base
from oslo_config import cfg
from oslo_db import options

config.register_common_config_options()
config.init(sys.argv[1:])
options.set_defaults(cfg.CONF)
engine = sqlalchemy.create_engine(cfg.CONF.database.connection)
model_base.BASEV2.metadata.create_all(engine)
