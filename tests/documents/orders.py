"""Orders from which tests write documents, and how they are read back."""

from __future__ import annotations

import io
import re
from datetime import datetime
from typing import Any

from pypdf import PdfReader

from pipelines.documents.facts import SaleFacts
from pipelines.documents.paper import Document, issued
from pipelines.documents.sample import as_if_sent
from pipelines.orders.document import parse_preview
from pipelines.orders.plan import as_told, plan
from tests.world import SHOPS, document
from workers.documents.typesetter import typesetter

#: When the goods of a sample leave.
SENT = datetime.fromisoformat("2026-11-01T16:00:00+09:00")


def facts_of(shop: str = "salon", *lines: dict[str, Any], returned: bool = False, **changes: Any) -> SaleFacts:
    """The facts of an order that was paid and left on 2026-11-01 at 16:00."""
    order, told = parse_preview(document("S-1", *lines, shop=shop, **changes))
    return as_if_sent(plan(order, SHOPS[shop], as_told(order, told)), SHOPS[shop], SENT, returned=returned)


def printed(made: Document | dict[str, Any], number: str = "TEST-1") -> str:
    """The text of a document's PDF without its spaces: headings are spaced apart."""
    content = issued(made.to_json(), number, SENT.date()) if isinstance(made, Document) else made
    return text_of(typesetter().pdf(content))


def text_of(pdf: bytes) -> str:
    """The text of all pages, without spaces."""
    return re.sub(r"[\s\u200b]+", "", "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages))
