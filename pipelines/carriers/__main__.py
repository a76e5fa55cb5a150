"""Print the table of all carriers as Markdown: ``python -m pipelines.carriers > docs/carriers.md``."""

from __future__ import annotations

import sys

from pipelines.carriers.reference import markdown

if __name__ == "__main__":
    sys.stdout.write(markdown())
