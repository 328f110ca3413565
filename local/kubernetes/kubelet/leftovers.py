"""Function processes that outlived a kubelet (it was killed): found by their records, stopped at the next start.

A record names a process by pid and start time, so that a stranger who got the same pid later is left alone.
"""

import json
import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path


def start_time(pid: int) -> str | None:
    """When a process started, in whatever unit the system tells; None when there is no such process."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            # Field 22 of proc(5). The command name before it may contain spaces and parentheses.
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] == "Z" else fields[19]
    answer = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return answer.stdout.strip() or None


def record_process(record: Path, pid: int) -> None:
    """Note a process that was started just now."""
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps({"pid": pid, "started": start_time(pid)}))


def forget_process(record: Path) -> None:
    """Drop the note of a process that has ended."""
    record.unlink(missing_ok=True)


def stop_leftovers(folder: Path) -> int:
    """Kill the process groups whose records are in ``folder``; returns how many there were."""
    stopped = 0
    for record in folder.glob("*.json"):
        with suppress(OSError, ValueError, KeyError, TypeError):
            noted = json.loads(record.read_text())
            if noted["started"] is not None and start_time(noted["pid"]) == noted["started"]:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(noted["pid"], signal.SIGKILL)
                    stopped += 1
        record.unlink(missing_ok=True)
    return stopped
