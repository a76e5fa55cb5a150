"""A program of the service's kind: ``python -m tests.process.forked FOLDER [refuse|crash]``. It notes what it sees of itself."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path

IMPORTED_BY = os.getpid()


def main() -> int:
    """Note what is seen, tell that it is ready, and end when told to; or fail as asked."""
    _, folder, *wishes = sys.argv
    if "refuse" in wishes:
        print("shukka web: a setting is missing")
        return 2
    with os.scandir("/proc/self/fd") as found:
        descriptors = sorted(int(one.name) for one in found)
    seen = {
        "parent": os.getppid(),
        "session": os.getsid(0),
        "imported_by": IMPORTED_BY,
        "open": descriptors,
        "environment": dict(os.environ),
        "threads": threading.active_count(),
    }
    Path(folder, f"{os.getpid()}.json").write_text(json.dumps(seen))
    print("said", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if "crash" in wishes:
        raise ZeroDivisionError
    Path(os.environ["SHUKKA_READY_FILE"]).write_text(".")
    while True:
        signal.pause()


if __name__ == "__main__":
    sys.exit(main())
