"""What every test relies on: Powertools configured as on Lambda (it reads its settings when it is imported)."""

import os

os.environ["POWERTOOLS_SERVICE_NAME"] = "tests"
os.environ["POWERTOOLS_METRICS_NAMESPACE"] = "BlueFaas"
os.environ["POWERTOOLS_TRACE_DISABLED"] = "true"
