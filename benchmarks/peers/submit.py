"""``python -m benchmarks.peers.submit MODULE``: for every line on standard input, enqueue the order with that id; then say so."""

from __future__ import annotations

import importlib
import sys


def main() -> int:
    """Say "ready", then enqueue each line's ids."""
    peer = importlib.import_module(sys.argv[1])
    print("ready", flush=True)
    for line in sys.stdin:
        for order_id in line.split():
            peer.submit(int(order_id))
        print("submitted", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
