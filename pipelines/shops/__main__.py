"""Print the reference of all profile parameters as Markdown: ``python -m pipelines.shops > docs/shops.md``."""

from __future__ import annotations

import sys

from pipelines.shops.reference import markdown

if __name__ == "__main__":
    sys.stdout.write(markdown())
