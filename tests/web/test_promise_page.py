"""The snippet for product pages (docs/examples/promise) in a browser: it counts down, in ja and en, and asks again when it is over."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest

from pipelines.orders.promise import asked_of, promise, unloaded
from tests.rules.build import SHOPS, at

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "promise"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


def test_the_snippet_is_small() -> None:
    assert len((EXAMPLE / "dispatch-promise.js").read_bytes()) < 5 * 1024


@contextmanager
def product_page(*moments: str) -> Iterator[tuple[str, list[str]]]:
    """A storefront that shows the example; its Shukka answers as at each of ``moments``, then as at the last. The page's address,
    and the moments as they were asked."""
    left, asked = list(moments), []

    class Storefront(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            if url.path == "/v1/promise":
                now = left.pop(0) if len(left) > 1 else left[0]
                asked.append(now)
                self._answer("application/json", self._promise(dict(parse_qsl(url.query)), now))
            else:
                file = EXAMPLE / Path(url.path).name
                kind = "text/javascript" if file.suffix == ".js" else "text/html"
                self._answer(kind, file.read_bytes() if file.is_file() else b"")

        def _promise(self, question: dict[str, str], now: str) -> bytes:
            return orjson.dumps(promise(asked_of(question), SHOPS, at(now), unloaded).document)

        def _answer(self, kind: str, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *said: object) -> None:
            """Nothing is printed."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Storefront) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/index.html", asked
        server.shutdown()


def read(address: str, profile: Path, milliseconds: int) -> list[str]:
    """What the two promises of the page say after so long."""
    assert CHROMIUM is not None
    flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}", "--dump-dom"]
    run = subprocess.run(
        [CHROMIUM, *flags, f"--virtual-time-budget={milliseconds}", address],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return re.findall(r"<dispatch-promise[^>]*>([^<]*)</dispatch-promise>", run.stdout)


browser = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium, which is not on this machine")


@browser
def test_it_counts_down_in_both_languages(tmp_path: Path) -> None:
    """CUT-01: the customer reads until when, whether it leaves today, and that money has to be in."""
    with product_page("2026-11-20 13:37:00") as (address, _):
        ja, en = read(address, tmp_path, 1_500)
    assert re.fullmatch(
        r"あと1時間2[23]分以内のご注文で、本日出荷の予定です。お届けは11月21日\(土\)の予定です。", ja
    ), ja
    assert re.fullmatch(
        r"Order within 1 h 2[23] min and it leaves today, as planned\. Your payment must be in by then, too\. "
        r"Planned to arrive on Sat,? 21 Nov\.|"
        r"Order within 1 h 2[23] min and it leaves today, as planned\. Your payment must be in by then, too\. "
        r"Planned to arrive on Sat, Nov 21\.",
        en,
    ), en


@browser
def test_when_it_is_over_it_asks_again(tmp_path: Path) -> None:
    """CUT-02: the promise of Friday is not shown on Friday afternoon."""
    with product_page("2026-11-20 14:59:59", "2026-11-20 14:59:59", "2026-11-20 15:00:01") as (address, asked):
        ja, en = read(address, tmp_path, 6_000)
    assert "11月24日(火)に出荷の予定です" in ja
    assert "today" not in en
    assert asked[:3] == ["2026-11-20 14:59:59", "2026-11-20 14:59:59", "2026-11-20 15:00:01"]
