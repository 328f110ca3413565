"""``python -m local.kubernetes``: run the cluster until SIGTERM or SIGINT."""

import json
import logging
import signal
import sys
import threading
from pathlib import Path

from local.cloud.collector import spare_what_stays
from local.kubernetes.config import parse_arguments


def main(arguments: list[str] | None = None) -> int:
    """Entry point. Status 0 after a signal, 1 when the cluster cannot start, 2 for a wrong command line."""
    spare_what_stays()
    command = parse_arguments(arguments)
    logging.basicConfig(
        level=logging.DEBUG if command.verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    for noisy in ("urllib3", "httpcore", "httpx", "asyncio", "kubernetes"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # Its one error here is that a client kept an idle connection open to the end.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())

    from local.kubernetes.cluster import Cluster

    try:
        with Cluster(command.config) as cluster:
            if command.ready_file is not None:
                _write_ready_file(command.ready_file, cluster.ready_info())
            print(f"listening {cluster.endpoint}", flush=True)
            stop.wait()
    except (OSError, ValueError) as error:
        print(f"the Kubernetes cluster cannot start: {error}", file=sys.stderr)
        return 1
    finally:
        if command.ready_file is not None:
            command.ready_file.unlink(missing_ok=True)
    return 0


def _write_ready_file(path: Path, info: dict[str, str]) -> None:
    """Write the file so that it appears whole: who sees it can read it."""
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(json.dumps(info, indent=1), "utf-8")
    draft.replace(path)


if __name__ == "__main__":
    sys.exit(main())
