"""Logger, tracer and metrics, one of each for a function's whole process (Powertools reads POWERTOOLS_* variables)."""

import warnings

from aws_lambda_powertools import Logger, Metrics, Tracer

# Most requests count nothing; Powertools warns about each of them, and Lambda logs the warning.
warnings.filterwarnings("ignore", message="No application metrics to publish")

logger = Logger()
# Calls of AWS are traced. By default X-Ray's SDK looks for a dozen more libraries, and loads SQLite to do so.
tracer = Tracer(patch_modules=("botocore",))
metrics = Metrics()
