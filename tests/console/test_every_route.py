"""Every route of the console, as the application has it, so that a new page is tried by itself: nobody, lesser roles, other shops, forms
of other sites, and texts that were stored to do harm."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import pytest

from models.database import connect
from pipelines.documents.issue import issue
from pipelines.documents.keep import Request
from pipelines.documents.kinds import Kind
from pipelines.documents.writing import Wish
from tests.conftest import Running, fresh_database
from tests.console.browser import Browser, Console, text_of
from tests.returns.counter import Counter, pieces
from tests.world import World, a_line, document
from workers.documents.typesetter import typesetter
from workers.enrolment import create_client
from workers.mail.rendering import Renderer
from workers.web.console.routes import ROUTERS

HARM: Final = "<img src=x onerror=alert(1)>\u202e{{7*7}}"
FORMULA: Final = '=HYPERLINK("http://x.example","x")'
#: Of an account itself or of nothing that is stored: open to whoever is signed in.
OWN: Final = frozenset(
    {
        *(f"/console/account/{one}" for one in ("language", "password", "code", "code/end")),
        "/console/sign-out",
        "/console/orders/kept",
        "/console/shops/{shop}/try/preview",
    }
)
#: Open to nobody in particular.
OUTSIDE: Final = frozenset({"/console/sign-in", "/console/enter/{token}", "/console/assets/{name}"})
#: Of no shop: for accounts of every shop alone.
EVERYWHERE: Final = ("/console/partners", "/console/jobs", "/console/now", "/console/payments/transfers")


#: What actions of an order need to be looked at.
_ENOUGH: Final = {"address:change": {"ship_to__line1": "栄9-9-9"}}


class Route(NamedTuple):
    """One method of one path, as it is declared."""

    method: str
    path: str

    @property
    def is_about(self) -> bool:
        """Whether it names a thing of a shop."""
        return "{" in self.path and not self.path.startswith(("/console/today", "/console/print", *EVERYWHERE))


ROUTES: Final = sorted(
    Route(method, one.path) for router in ROUTERS for one in router.routes for method in one.methods - {"HEAD"}
)
PAGES: Final = [one for one in ROUTES if one.method == "GET" and one.path not in OUTSIDE]
FORMS: Final = [one for one in ROUTES if one.method == "POST" and one.path not in OUTSIDE]


@dataclass(frozen=True)
class Full:
    """A console with one thing of each kind, and who stands before it."""

    console: Console
    names: dict[str, str]
    operator: Browser
    viewer: Browser
    stranger: Browser

    def at(self, route: Route, **other: str) -> str:
        """Where the route's thing is; a path with a part that nobody has told of here fails."""
        names = {**self.names, **other}
        if (
            "/orders/" in route.path
            or "/shops/" in route.path
            or "/samples/" in route.path
            or "/customers/" in route.path
        ):
            names.setdefault("shop", "salon")
        if route.path.startswith("/console/today"):
            return "/console/today/due?shop=salon"
        if route.path.startswith("/console/print"):
            return "/console/print/picks?shop=salon&supplier=warehouse"
        if route.path == "/console/review/one":
            return f"{route.path}?kind=hold&key={self.names['hold']}"
        if route.path.startswith("/console/partners/"):
            names["name"] = "maker-a"
        return re.sub(r"{(\w+)(?::\w+)?}", lambda one: names[one[1]], route.path)

    @property
    def hold(self) -> dict[str, str]:
        """Fields that name something of salon that waits."""
        return {"kind": "hold", "key": self.names["hold"], "says": "x", "operator": "x"}

    def csrf(self, browser: Browser) -> str:
        return browser.form(browser.get("/console"), "/sign-out").fields["csrf"]

    def standing(self) -> dict[str, int]:
        """What would be more, or other, if something had been done."""
        tables = ("inbox_event", "order_note", "review_note", "review_assignment", "point_transfer", "erasure")
        counted = {one: f"(SELECT count(*) FROM {one})" for one in tables}
        counted["acts"] = "(SELECT count(*) FROM operator_act WHERE act NOT IN ('orders.csv', 'payments.closing'))"
        counted["released"] = "(SELECT count(*) FROM mail_suppression WHERE released_at IS NOT NULL)"
        counted["revoked"] = "(SELECT count(*) FROM client WHERE revoked_at IS NOT NULL OR old_until IS NOT NULL)"
        (row,) = self.console.world.rows(f"SELECT {', '.join(counted.values())}")
        return dict(zip(counted, row, strict=True))


@pytest.fixture(scope="module")
def full(running: Running, template: str, renderer: Renderer) -> Iterator[Full]:
    """One world for all: what customers, makers and banks may write is harmful wherever it is kept."""
    with fresh_database(running, template) as url:
        engine = connect(url, application="shukka-test")
        with World(engine, url, renderer) as world:
            _fill(world)
            console = Console(world)
            yield Full(
                console,
                _names(world),
                console.signed_in("operator", {"*": "operator"}),
                console.signed_in("viewer", {"salon": "viewer", "apparel": "viewer"}),
                console.signed_in("stranger", {"clinic": "admin"}),
            )
            console.close()
        engine.dispose()


def _fill(world: World) -> None:
    harmed = document("S-1", a_line(name=HARM), customer="M-1", remarks=f"{HARM}\n{FORMULA}")
    harmed["customer"]["name"] = harmed["ship_to"]["name"] = FORMULA + HARM
    harmed["ship_to"]["line1"] = HARM
    world.take(harmed, document("S-2", customer="M-2", remarks="鳩時計を添えてください"))
    world.settle()
    counter = Counter(world, "apparel", "A-1").sell(customer="M-9").arrive()
    counter.open(pieces())
    with world.engine.begin() as connection:
        asking, wish = Request("note", "operator"), Wish(Kind.DELIVERY_NOTE)
        issue(connection, world.shops["apparel"], "A-1", wish, asking, world.clock.now(), typesetter())
    create_client(world.engine, "supplier", "maker-a", known_shops=world.shops, url="https://maker.example/in")
    for statement in (
        "INSERT INTO return_photo SELECT id, 1, order_id, '\\xffd8ff'::bytea, now() FROM return_request",
        """INSERT INTO inbox_event (source, event_id, type, body, at, state, reason) VALUES
           ('gateway:bank', 'statement:1', 'deposit.received', json_build_object('amount', 330, 'text', CAST(:harm AS text)), now(),
            'quarantined', :harm)""",
        """WITH m AS (SELECT id, order_id FROM mail WHERE order_id IS NOT NULL ORDER BY id LIMIT 1),
           box AS (SELECT sha256('x') AS box),
           b AS (INSERT INTO mail_bounce (mail_id, kind, reason, status, diagnostic, action, needs_human, at, order_id, shop, mailbox)
                 SELECT m.id, 'bounce', 'no_such_user', '5.1.1', :harm, 'suppress', true, now(), m.order_id, 'salon', box FROM m, box)
           INSERT INTO mail_suppression (shop, mailbox, scope, reason, since) SELECT 'salon', box, 'all', 'no_such_user', now() FROM box""",
    ):
        world.execute(statement, **({"harm": HARM} if ":harm" in statement else {}))


def _names(world: World) -> dict[str, str]:
    """What each part of a path stands for."""
    ids = {
        "mail": "SELECT min(m.id) FROM mail m JOIN shop_order o ON o.id = m.order_id WHERE o.number = 'S-1'",
        "return_id": "SELECT id FROM return_request",
        "transfer": "SELECT id FROM inbox_event WHERE event_id = 'statement:1'",
        "suppression": "SELECT id FROM mail_suppression",
        "bounce": "SELECT id FROM mail_bounce",
        "hold": "SELECT min(id) FROM order_hold",
        "document": "SELECT public_id FROM document",
    }
    fixed = {
        "number": "S-1",
        "customer": "M-1",
        "name": "cancel",
        "place": "1",
        "template": "order_accepted",
        "locale": "ja",
    }
    more = {"month": "2026-11", "supplier": "warehouse", "year": "2026", "kind": "supplier"}
    return {**fixed, **more, **{name: str(world.value(query)) for name, query in ids.items()}}


def test_each_page_is_there_for_an_operator(full: Full) -> None:
    """200, or nothing new (204): no page falls over what is stored, and none is forgotten here."""
    answers = {one.path: full.operator.get(full.at(one)).status_code for one in PAGES}
    assert {path: status for path, status in answers.items() if status not in (200, 204)} == {}


def test_nobody_sees_and_does_anything(full: Full) -> None:
    nobody = full.console.browser()
    seen = {one.path: nobody.get(full.at(one)) for one in PAGES}
    done = {one.path: nobody.post(full.at(one), {}) for one in FORMS}
    for answer in (*seen.values(), *done.values()):
        assert answer.status_code == 303, answer.url
        assert answer.headers["location"].startswith("/console/sign-in"), answer.url


def test_a_form_that_is_not_of_the_session_does_nothing(full: Full) -> None:
    """Without the session's token, and from another site with it (CSRF)."""
    before, csrf = full.standing(), full.csrf(full.operator)
    for one in FORMS:
        path = full.at(one)
        assert full.operator.post(path, {"csrf": "x"}).status_code in (403, 404), path
        foreign = full.operator.post(path, {"csrf": csrf}, origin="https://evil.example", sec_fetch_site="cross-site")
        assert foreign.status_code == 403, path
    assert full.standing() == before


def test_a_viewer_does_nothing(full: Full) -> None:
    """Refused (403), or of no shop and so not there (404): whatever changes something that is not the viewer's own."""
    before, told = full.standing(), {"csrf": full.csrf(full.viewer), **full.hold}
    answers = {one.path: full.viewer.post(full.at(one), told).status_code for one in FORMS if one.path not in OWN}
    for path, status in answers.items():
        assert status == (404 if path.startswith(EVERYWHERE) else 403), (path, status)
    assert full.standing() == before


def test_another_shops_things_are_like_none(full: Full) -> None:
    """404, and the same page as for what is not there at all; nothing of a list is theirs."""
    csrf, before = full.csrf(full.stranger), full.standing()
    absent = full.stranger.get("/console/orders/nowhere/none").text
    for one in PAGES:
        answer = full.stranger.get(full.at(one))
        if one.is_about or one.path.startswith(
            ("/console/today/", "/console/print", "/console/review/one", *EVERYWHERE)
        ):
            assert (answer.status_code, answer.text == absent) == (404, True), one.path
        else:
            assert answer.status_code == 200, one.path
            assert not re.search(r"S-1\b|M-1\b|salon", answer.text), one.path
    for one in FORMS:
        if one.path not in OWN:
            status = full.stranger.post(full.at(one), {"csrf": csrf, **full.hold}).status_code
            # Many things at once answer each for itself; of none there is nothing to answer.
            assert status == (422 if one.path == "/console/review/act" else 404), one.path
    assert full.standing() == before


def test_an_order_of_another_shop_is_not_reached_through_ones_own(full: Full) -> None:
    """The shop in a path is not believed: what hangs on an order is looked for below it."""
    for one in PAGES:
        if "{shop}" in one.path and "{number}" in one.path:
            assert full.stranger.get(full.at(one, shop="clinic")).status_code in (404, 403), one.path


def test_stored_texts_do_no_harm(full: Full) -> None:
    """No page holds markup that somebody stored, none runs what they wrote, and every one forbids scripts of others."""
    for one in PAGES:
        answer = full.operator.get(full.at(one))
        assert "\u202e49" not in answer.text, one.path
        if answer.headers.get("content-type", "").startswith("text/html"):
            assert "<img src=x" not in answer.text, one.path
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy, one.path
            assert "unsafe-eval" not in policy, one.path
        assert answer.status_code == 204 or answer.headers["x-content-type-options"] == "nosniff", one.path


def test_no_cell_of_a_file_is_a_formula(full: Full) -> None:
    """Of every CSV that there is."""
    files = [one for one in PAGES if one.path.endswith(".csv")]
    assert files
    for one in files:
        rows = list(csv.reader(io.StringIO(full.operator.get(full.at(one)).text.lstrip("\ufeff"))))
        assert len(rows) > 1, one.path
        assert [cell for row in rows for cell in row if cell[:1] in tuple("=+-@\t\r＝＋－＠")] == [], one.path


def test_a_line_end_in_a_question_begins_no_header(full: Full) -> None:
    for one in PAGES:
        path = full.at(one)
        answer = full.operator.get(
            f"{path}{'&' if '?' in path else '?'}q=%0d%0aSet-Cookie:%20a=b&done=%0d%0ax&shop=salon"
        )
        assert "a=b" not in str(answer.headers), one.path
        assert answer.status_code < 500, one.path


def test_of_two_operators_one_wins_whatever_they_do(full: Full) -> None:
    """Every action that is possible now: looked at before a colleague's note of hand, it is refused with who was faster, and shown anew."""
    acting = full.console.signed_in("colleague", {"*": "operator"})
    page = full.operator.get("/console/orders/salon/S-1").text
    names = sorted(set(re.findall(r"/console/orders/salon/S-1/act/([a-z_:]+)", page)))
    looked = {}
    for name in names:
        form = full.operator.get(f"/console/orders/salon/S-1/act/{name}")
        typed = _ENOUGH.get(name, {})
        shown = full.operator.send(form, "/act/", **typed)
        if shown.status_code == 200:
            looked[name] = shown
    assert {"cancel", "address:change"} <= set(looked)
    won = acting.send(acting.act("address:change", **_ENOUGH["address:change"]), "/act/")
    assert won.status_code == 303
    full.console.world.settle()
    for name, shown in looked.items():
        late = full.operator.send(shown, "/act/")
        assert late.status_code in (409, 422), name
        if "colleague" in late.text:
            assert "届け先を変更する" in text_of(late), name
