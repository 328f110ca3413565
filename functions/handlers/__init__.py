"""Entry points of the Lambda functions: each parses its event, calls the code behind it, and answers."""

import gc
from typing import Final

_OBJECTS: Final = 150_000
"""A handler's imports make 110,000 objects that the collector of cycles looks at, and none of them is garbage."""

# Python's own threshold, 700, lets the collector run a hundred times meanwhile: a sixth of the time that imports take.
gc.set_threshold(_OBJECTS, 10, 10)
