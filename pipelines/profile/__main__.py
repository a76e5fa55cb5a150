"""Print the reference of all profile parameters as Markdown: ``python -m pipelines.profile > docs/shops.md``."""

from __future__ import annotations

import sys

from pipelines.profile.reference import markdown

if __name__ == "__main__":
    sys.stdout.write(markdown())
