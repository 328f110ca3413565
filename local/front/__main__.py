"""``python -m local.front --port 8000 --config front.json``: the front as a process of its own."""

import argparse
from pathlib import Path

import uvicorn

from local.cloud.collector import spare_what_stays
from local.front.app import create_app
from local.front.config import FrontConfig


def main() -> None:
    """Serve until SIGTERM."""
    spare_what_stays()
    parser = argparse.ArgumentParser(prog="python -m local.front", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--config", type=Path, required=True, help="JSON of local.front.config.FrontConfig")
    given = parser.parse_args()
    config = FrontConfig.model_validate_json(given.config.read_text())
    uvicorn.run(
        create_app(config),
        host="127.0.0.1",
        port=given.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=5,
        server_header=False,
    )


if __name__ == "__main__":
    main()
