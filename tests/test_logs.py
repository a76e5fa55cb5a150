"""What is logged shows no card number, whoever logs it (INT-17)."""

from __future__ import annotations

import subprocess
import sys

CARD = "4111-1111-1111-1111"

LOGS = f"""
import logging
import structlog
logging.getLogger("server").addHandler(logging.StreamHandler())
logging.getLogger("server").propagate = False
from workers.logs import configure
configure()
configure()
structlog.get_logger().warning("ours", order={{"remarks": "{CARD}", "number": "N-1"}})
logging.getLogger("dramatiq").warning("Failed to process %r", {{"remarks": "{CARD}", "number": "N-2"}})
logging.getLogger("server").warning("GET /v1/orders/salon/{CARD} N-3")
try:
    raise ValueError("{CARD}")
except ValueError:
    logging.getLogger("dramatiq").exception("N-4")
"""


def test_no_line_of_ours_or_of_a_library_shows_a_card_number() -> None:
    """In a process of its own, for logging is the whole process's: with a traceback, and set up twice."""
    done = subprocess.run([sys.executable, "-c", LOGS], capture_output=True, text=True, check=True)
    assert [f"N-{number}" in done.stderr for number in (1, 2, 3, 4)] == [True] * 4
    assert done.stderr.count("****************") == 4
    assert "1111" not in done.stderr + done.stdout
