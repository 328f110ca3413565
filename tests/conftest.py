"""What every test relies on: Powertools configured as on Lambda, AWS models read once.

Powertools reads its settings when it is imported, so they are set here, before anything else.
"""

import functools
import os

import botocore.loaders

os.environ["POWERTOOLS_SERVICE_NAME"] = "tests"
os.environ["POWERTOOLS_METRICS_NAMESPACE"] = "BlueFaas"
os.environ["POWERTOOLS_TRACE_DISABLED"] = "true"

# Each botocore session reads the services' models anew, and moto wants a new session for each of its accounts.
_read_once = functools.cache(botocore.loaders.JSONFileLoader().load_file)
botocore.loaders.JSONFileLoader.load_file = staticmethod(_read_once)  # type: ignore[method-assign]
