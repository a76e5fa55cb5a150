"""The worker's master: dramatiq's own, with our logs. ``python -m workers.process.master workers.main --processes 2``."""

from __future__ import annotations

import sys

from dramatiq.cli import main

from workers.logs import configure

if __name__ == "__main__":
    configure()
    sys.exit(main())  # type: ignore[no-untyped-call]
