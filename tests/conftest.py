"""What every test relies on: Powertools configured as on Lambda, AWS models read once, no deadlines, little to collect.

Powertools reads its settings when it is imported, so they are set here, before anything else.
"""

import functools
import gc
import os

import botocore.loaders
import hypothesis

from local.cloud.collector import spare_what_stays

gc.disable()  # until all modules are loaded

os.environ["POWERTOOLS_SERVICE_NAME"] = "tests"
os.environ["POWERTOOLS_METRICS_NAMESPACE"] = "BlueFaas"
os.environ["POWERTOOLS_TRACE_DISABLED"] = "true"

# Each botocore session reads the services' models anew, and moto wants a new session for each of its accounts.
_read_once = functools.cache(botocore.loaders.JSONFileLoader().load_file)
botocore.loaders.JSONFileLoader.load_file = staticmethod(_read_once)  # type: ignore[method-assign]


# How long something takes depends on what else runs on the machine.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")


def pytest_collection_finish() -> None:
    """Spare the garbage collector what is there to stay: it would look at all the modules again and again."""
    gc.collect()
    spare_what_stays()
    gc.enable()
