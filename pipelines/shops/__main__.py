"""Print a page about profiles as Markdown: ``python -m pipelines.shops > docs/shops.md``, the reference of all parameters, and
``python -m pipelines.shops returns > docs/returns.md``, how returns are judged and by which terms."""

from __future__ import annotations

import sys

from pipelines.shops import load_shops, returns_page
from pipelines.shops.reference import markdown

if __name__ == "__main__":
    sys.stdout.write(returns_page.markdown(load_shops()) if sys.argv[1:] == ["returns"] else markdown())
