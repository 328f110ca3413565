"""`local.aws` with functions whose workers write down where their time goes (`bench.service.timed_worker`)."""

import os
from pathlib import Path
from typing import Final

from local.aws import worker_server
from local.aws.__main__ import main

VARIABLE: Final = "BENCH_HANDLER_TIMES"
"""Names the file."""

if __name__ == "__main__":
    worker_server.program = (str(Path(__file__).with_name("timed_worker.py")), os.environ[VARIABLE])
    main()
