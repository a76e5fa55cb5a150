"""The maker's page (contract ``/s/{token}``): no account, a signed link, the same one way in as webhooks."""

from __future__ import annotations

import re
import tomllib
from datetime import timedelta
from email import message_from_bytes, policy
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from models.mail_packing import unpack
from models.store import links as link_store
from models.store.links import LinkHolder
from pipelines.suppliers.links import LASTS, PURPOSE, Pass
from tests.documents.orders import text_of
from tests.web.site import Site
from tests.world import World, a_line, document, tracking_number
from workers.web import pages
from workers.web.pages.html import LANGUAGES

NUMBER = tracking_number(44_441_375_870)
WRONG = f"{NUMBER[:-1]}{(int(NUMBER[-1]) + 1) % 7}"


class Page(HTMLParser):
    """What a reader, and one who hears the page, finds on it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.labels: set[str] = set()
        self.fields: list[dict[str, str]] = []
        self.language = ""
        self.source = html
        self.feed(html)
        self.text = re.sub(r"\s+", " ", re.sub(r"<(style|script)>.*?</\1>|<[^>]+>", " ", html, flags=re.DOTALL))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "html":
            self.language = told["lang"]
        if "id" in told:
            assert told["id"] not in self.ids, "an id is one element's"
            self.ids.add(told["id"])
        if tag == "label":
            self.labels.add(told["for"])
        if tag in ("input", "select", "textarea") and told.get("type") != "hidden":
            self.fields.append(told)

    def hidden(self, html: str, name: str) -> str:
        found = re.search(rf'name="{name}" value="([^"]*)"', html)
        assert found is not None
        return found[1]


def page(answer: httpx.Response, status: int = 200) -> Page:
    """A page that may be shown: to nobody else, kept nowhere, with nothing of anybody else's in it, and each field with a name."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    shown = Page(answer.text)
    for field in shown.fields:
        assert field.get("aria-label") or field["id"] in shown.labels, field
        assert shown.ids.issuperset(field.get("aria-describedby", "").split())
    return shown


def token(world: World, shipment: str, shop: str = "salon", supplier: str = "warehouse", generation: int = 0) -> str:
    links = world.house.links
    assert links is not None
    return links.token(PURPOSE, Pass(generation, shop, shipment, supplier).subject, world.clock.now() + LASTS)


@pytest.fixture
def shipment(site: Site) -> str:
    site.world.take(document("S-1", a_line("1", 3)))
    site.world.settle()
    return site.world.shipments()[0]


def look(site: Site, path: str, status: int = 200) -> Page:
    return page(site.get(path, key=None), status)


def press(site: Site, path: str, act: str, **fields: str) -> httpx.Response:
    """Press a button of the form, as a browser without scripts does."""
    html = site.get(path, key=None).text
    once = Page(html).hidden(html, "once")
    return post(site, path, once=once, act=act, **fields)


def post(site: Site, path: str, **fields: str) -> httpx.Response:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = site.run(lambda: site.request("POST", path, key=None, content=urlencode(fields), headers=headers))
    site.world.settle()
    return answer


def test_the_mail_s_link_opens_the_page(site: Site, shipment: str) -> None:
    (row,) = site.world.rows("SELECT packed FROM mail WHERE template = 'supplier_instruction'")
    body = message_from_bytes(unpack(row.packed), policy=policy.default).get_body(("plain",))
    assert body is not None
    assert site.world.house.links is not None
    found = re.search(rf"{re.escape(site.world.house.links.base)}(/s/\S+)", body.get_content())
    assert found is not None
    shown = look(site, found[1])
    for told in ("S-1", shipment, "商品 1", "サロン髙橋 御中", "〒460-0008", "052-000-0000", "ご回答待ち"):
        assert told in shown.text
    for private in ("takahashi@example.jp", "M-1", "10,000", "10000"):
        assert private not in shown.text, "of people only what shipping needs, and no prices"
    assert shown.language == "ja"
    assert "Please ship" in look(site, f"/s/{token(site.world, shipment)}?lang=en").text


@pytest.mark.parametrize(
    "wrong",
    ["forged", "ended", "another_purpose", "another_supplier", "another_shop", "another_generation", "no_token"],
)
def test_no_other_link_opens_anything(site: Site, shipment: str, wrong: str) -> None:
    """Signed, expiring, revocable, of its own supplier alone; and all that is wrong looks the same."""
    world, good = site.world, token(site.world, shipment)
    links = world.house.links
    assert links is not None
    subject = Pass(0, "salon", shipment, "warehouse").subject
    tokens = {
        "forged": good[:-1] + ("A" if good[-1] != "A" else "B"),
        "ended": links.token(PURPOSE, subject, world.clock.now()),
        "another_purpose": links.token("receipt", subject, world.clock.now() + LASTS),
        "another_supplier": token(world, shipment, supplier="maker-a"),
        "another_shop": token(world, shipment, shop="clinic"),
        "another_generation": token(world, shipment, generation=1),
        "no_token": "%00",
    }
    answers = [site.get(f"/s/{tokens[wrong]}", key=None), post(site, f"/s/{tokens[wrong]}", act="acknowledge")]
    if wrong != "no_token":
        assert {page(answer, 404).text for answer in answers} == {look(site, "/s/nothing", 404).text}
    assert {answer.status_code for answer in answers} == {404}
    assert world.value("SELECT count(*) FROM inbox_event WHERE source LIKE 'supplier:%'") == 0


def test_links_that_were_taken_back_open_nothing(site: Site, shipment: str) -> None:
    path = f"/s/{token(site.world, shipment)}"
    with site.world.engine.begin() as connection:
        link_store.revoke(connection, LinkHolder(PURPOSE, "salon/warehouse"))
    look(site, path, 404)
    look(site, f"/s/{token(site.world, shipment, generation=1)}")


def test_a_link_ends_by_itself(site: Site, shipment: str) -> None:
    path = f"/s/{token(site.world, shipment)}"
    site.world.clock.advance(seconds=(LASTS - timedelta(seconds=1)).total_seconds())
    look(site, path)
    site.world.clock.advance(seconds=1)
    look(site, path, 404)


@pytest.mark.parametrize(
    ("act", "fields", "state", "holds"),
    [
        ("acknowledge", {}, "acknowledged", []),
        ("refuse", {"reason": "廃番"}, "refused", ["supplier_refused"]),
        ("delay", {"expected_on": "2026-12-01", "reason": "入荷待ち"}, "instructed", []),
        ("delay", {}, "instructed", []),
        ("short", {"pieces:1": "1"}, "instructed", ["supplier_short"]),
        ("ship", {"carrier": "yamato", "tracking_number": NUMBER, "pieces:1": "3"}, "shipped", []),
        ("ship", {"carrier": "yamato", "tracking_number": NUMBER, "pieces:1": "1"}, "acknowledged", []),
    ],
)
def test_every_act_is_the_webhook_s_event_and_a_double_click_does_it_once(
    site: Site, shipment: str, act: str, fields: dict[str, str], state: str, holds: list[str]
) -> None:
    path, world = f"/s/{token(site.world, shipment)}", site.world
    html = site.get(path, key=None).text
    once = Page(html).hidden(html, "once")
    answers = [post(site, path, once=once, act=act, **fields) for _ in range(2)]
    assert answers[0].status_code == 303, answers[0].text
    assert answers[0].headers["location"] == f"{path}?lang=ja&done=1"
    (told,) = world.rows("SELECT source, state FROM inbox_event WHERE source LIKE 'supplier:%'")
    assert tuple(told) == ("supplier:warehouse", "applied")
    (shown,) = world.show()["shipments"]
    assert (shown["state"], [hold["reason"] for hold in world.show()["hold"]]) == (state, holds)
    assert "承りました" in look(site, answers[0].headers["location"]).text
    assert world.broken() == {}


@pytest.mark.parametrize(
    ("act", "fields", "says"),
    [
        ("refuse", {"reason": " "}, "入力してください"),
        ("delay", {"expected_on": "2026-11-19"}, "1年以内"),
        ("delay", {"expected_on": "tomorrow"}, "日付を正しく"),
        ("short", {"pieces:1": "4"}, "未出荷の数量まで"),
        ("short", {}, "入力してください"),
        ("ship", {"carrier": "yamato", "tracking_number": WRONG, "pieces:1": "3"}, "送り状番号が正しくありません"),
        ("ship", {"carrier": "yamato", "tracking_number": "", "pieces:1": "3"}, "送り状番号が正しくありません"),
        ("ship", {"carrier": "yamato", "tracking_number": NUMBER, "pieces:1": "x"}, "未出荷の数量まで"),
    ],
)
def test_what_cannot_be_right_is_said_beside_its_field_and_tells_nobody(
    site: Site, shipment: str, act: str, fields: dict[str, str], says: str
) -> None:
    answer = press(site, f"/s/{token(site.world, shipment)}", act, **fields)
    assert says in page(answer, 422).text
    assert site.world.value("SELECT count(*) FROM inbox_event WHERE source LIKE 'supplier:%'") == 0


def test_what_is_not_open_takes_no_word(site: Site, shipment: str) -> None:
    path = f"/s/{token(site.world, shipment)}"
    press(site, path, "ship", carrier="yamato", tracking_number=NUMBER, **{"pieces:1": "3"})
    shown = look(site, path)
    assert "出荷済み" in shown.text
    assert "サロン髙橋" not in shown.text, "nobody needs the address any more"
    page(post(site, path, once="x", act="refuse", reason="late"), 409)
    page(post(site, path, once="x", act="nothing"), 409)
    look(site, f"{path}/note", 404)


def test_a_cancel_is_asked_and_answered_on_the_page(site: Site, shipment: str) -> None:
    path, world = f"/s/{token(site.world, shipment)}", site.world
    world.tell(world.ask("order.cancel", "S-1", operator=True, reason="x"))
    world.settle()
    assert "中止をお願い" in look(site, path).text
    assert press(site, path, "cancel_accepted").status_code == 303
    assert world.value("SELECT call_off FROM shipment") == "accepted"
    shown = look(site, path)
    assert "発送しないでください" in shown.text
    assert shown.fields == []


def twenty(site: Site) -> tuple[str, list[str], list[str]]:
    """Twenty orders at the warehouse: the page's path, their shipments as it lists them, and their numbers of orders."""
    site.world.take(*(document(f"S-{n}", customer=f"M-{n}") for n in range(1, 21)))
    site.world.settle()
    path = f"/s/{token(site.world, site.world.shipments('S-1')[0])}/today"
    html = site.get(path, key=None).text
    ids = Page(html).hidden(html, "listed").split(",")
    orders = {row.id: row.number for row in site.world.rows(
        "SELECT s.id, o.number FROM shipment s JOIN shop_order o ON o.id = s.order_id")}  # fmt: skip
    return path, ids, [orders[one] for one in ids]


@pytest.mark.parametrize("pasted", ["a column", "orders beside it", "fields"])
def test_twenty_numbers_with_one_wrong_are_nineteen_and_one_explained(site: Site, pasted: str) -> None:
    path, ids, orders = twenty(site)
    numbers = [tracking_number(44_441_376_000 + n) for n in range(20)]
    numbers[6] = f"{numbers[6][:-1]}{(int(numbers[6][-1]) + 1) % 7}"
    sent: dict[str, dict[str, str]] = {
        "a column": {"pasted": "\r\n".join(numbers)},
        "orders beside it": {
            "pasted": "\n".join(f"{o}\t{n}" for o, n in reversed([*zip(orders, numbers, strict=True)]))
        },
        "fields": {f"number:{one}": number for one, number in zip(ids, numbers, strict=True)},
    }
    answer = post(site, path, listed=",".join(ids), carrier="yamato", **sent[pasted])
    shown = page(answer)
    assert "19件を登録しました。1件は登録できませんでした。" in shown.text
    (wrong,) = [field for field in shown.fields if field.get("aria-invalid")]
    assert (wrong["name"], wrong["value"]) == (f"number:{ids[6]}", numbers[6])
    explained = re.search(rf'id="{wrong["aria-describedby"]}" class="fault">([^<]+)<', answer.text)
    assert explained is not None
    assert explained[1] == "送り状番号が正しくありません。番号をご確認ください。"
    states = [state for state, _ in site.world.states().values()]
    assert (states.count("shipped"), site.world.states()[orders[6]][0]) == (19, "released")
    again = post(site, path, listed=",".join(ids), carrier="yamato", **sent[pasted])
    assert "0件を登録しました" in page(again).text
    assert again.text.count(">登録済みです<") == 19
    assert site.world.value("SELECT count(*) FROM inbox_event WHERE type = 'shipment.shipped'") == 19
    right = tracking_number(44_441_376_900)
    good = post(site, path, listed=",".join(ids), carrier="yamato", **{wrong["name"]: right})
    assert "未出荷のご依頼はありません" in page(good).text
    assert site.world.broken() == {}


def send_file(site: Site, path: str, data: bytes, name: str = "番号.csv") -> httpx.Response:
    """Choose a file and send it, as a browser without scripts does."""
    answer = site.run(lambda: site.request("POST", path, key=None, files={"file": (name, data)}))
    site.world.settle()
    return answer


def filled_in(listed: bytes, numbers: dict[str, str]) -> bytes:
    """The list that was downloaded with the maker's numbers by order, saved by a spreadsheet without its quotes."""
    head, *rows = [line[1:-1].split('","') for line in listed.decode("cp932").splitlines()]
    for row in rows:
        row[head.index("送り状番号")] = numbers.get(row[head.index("注文番号")], "")
    return "\r\n".join(",".join(row) for row in [head, *rows]).encode("cp932")


def test_a_file_is_judged_row_by_row_and_the_same_file_again_is_nothing(site: Site) -> None:
    """The list is saved, filled in by its maker and sent back: 18 go through, one is wrong, one has no number yet."""
    path, _, orders = twenty(site)
    page_of = path.removesuffix("/today")
    numbers = {order: tracking_number(44_441_377_000 + n) for n, order in enumerate(orders)}
    numbers[orders[6]] = "4.44E+11"
    del numbers[orders[7]]
    listed = site.get(f"{page_of}/list.csv", key=None)
    assert listed.headers["content-disposition"].startswith("attachment")
    assert listed.headers["cache-control"] == "no-store"
    answer = send_file(site, f"{page_of}/file", data := filled_in(listed.content, numbers))
    shown = page(answer)
    assert "18件を登録しました。登録済み0件、登録できなかった行は1件です。" in shown.text
    assert f"{orders[6]} 4.44E+11 送り状番号が表計算ソフトで壊れています" in shown.text
    assert "番号がまだありません" in shown.text
    states = site.world.states()
    assert {order for order, (state, _) in states.items() if state == "released"} == {orders[6], orders[7]}
    again = page(send_file(site, f"{page_of}/file", data))
    assert "0件を登録しました。登録済み18件、登録できなかった行は1件です。" in again.text
    assert site.world.value("SELECT count(*) FROM inbox_event WHERE type = 'shipment.shipped'") == 18
    mended = send_file(site, f"{page_of}/file", filled_in(listed.content, {orders[6]: tracking_number(44_441_377_900)}))
    assert "1件を登録しました" in page(mended).text
    assert site.world.value("SELECT count(*) FROM inbox_event WHERE state = 'quarantined'") == 0


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "ファイルを選んでください。"),
        (b"PK\x03\x04 a workbook", "このファイルは読み取れません。"),
        ("出荷番号,送り状番号\n".encode("utf-16"), "このファイルは読み取れません。"),
    ],
)
def test_a_file_of_which_nothing_can_be_read_says_so(site: Site, shipment: str, data: bytes, says: str) -> None:
    path = f"/s/{token(site.world, shipment)}"
    assert says in page(send_file(site, f"{path}/file", data), 422).text
    assert site.world.value("SELECT count(*) FROM inbox_event") == 0


def test_a_file_speaks_of_one_shop_and_one_supplier(site: Site, shipment: str) -> None:
    site.world.take(document("X-1", shop="clinic"))
    site.world.settle()
    rows = f"出荷番号,送り状番号\n{site.world.shipments('X-1', 'clinic')[0]},{NUMBER}\n"
    shown = page(send_file(site, f"/s/{token(site.world, shipment)}/file", rows.encode()))
    assert "この出荷番号のご依頼はありません。" in shown.text
    assert site.world.states()["X-1"][0] == "released"


def test_rows_that_name_nothing_of_the_list_are_explained(site: Site, shipment: str) -> None:
    path = f"/s/{token(site.world, shipment)}/today"
    site.world.take(document("X-1", shop="clinic"))
    site.world.settle()
    elsewhere = site.world.shipments("X-1", "clinic")[0]
    listed = f"{shipment},{elsewhere}"
    rows = f"{elsewhere}\t{NUMBER}\nX-1\t{NUMBER}\n\n{tracking_number(44_441_376_001)}"
    shown = page(post(site, path, listed=listed, carrier="yamato", pasted=rows))
    assert shown.text.count("この番号のご依頼が一覧にありません") == 2, "another shop's is no one's"
    assert "一覧より行数が多く" in shown.text
    assert site.world.states()["X-1"][0] == "released"


def test_one_number_is_not_two_customers_(site: Site) -> None:
    """TRK-05: the later row is explained, the earlier goes through."""
    path, ids, _ = twenty(site)
    shown = page(post(site, path, listed=",".join(ids), carrier="yamato", pasted=f"{NUMBER}\n{NUMBER}"))
    assert "1件を登録しました。1件は" in shown.text


def test_the_list_is_of_one_shop_and_one_supplier(site: Site, shipment: str) -> None:
    site.world.take(document("X-1", shop="clinic"), document("S-2", a_line("1", supplier="maker-a"), customer="M-2"))
    site.world.settle()
    shown = look(site, f"/s/{token(site.world, shipment)}/today")
    assert "S-1" in shown.text
    assert "X-1" not in shown.text


def test_pick_list_and_delivery_note_are_printed(site: Site, shipment: str) -> None:
    path = f"/s/{token(site.world, shipment)}"
    note, picks = look(site, f"{path}/note"), look(site, f"{path}/picks?lang=en")
    assert "納品書" in note.text
    assert "SKU-1" in note.text
    assert "10,000" not in note.text
    assert "Pick list" in picks.text
    assert "SKU-1 商品 1 3" in picks.text
    first, again = (site.post(f"{path}/pick-list", key=None) for _ in range(2))
    assert (first.status_code, first.headers["content-type"]) == (200, "application/pdf")
    assert first.content == again.content, "it is kept"
    assert "商品13" in text_of(first.content)
    assert "10,000" not in text_of(first.content)
    site.world.ship_all("S-1")
    assert site.post(f"{path}/pick-list", key=None).status_code == 404


@pytest.mark.parametrize(
    ("number", "valid"), [(NUMBER, True), (WRONG, False), (f"{NUMBER[:4]}-{NUMBER[4:8]}-{NUMBER[8:]}", True)]
)
def test_a_number_is_looked_at_beside_its_field(site: Site, shipment: str, number: str, valid: bool) -> None:
    query = {"number": number, "carrier": "yamato"}
    answer = site.get(f"/s/{token(site.world, shipment)}/number", key=None, params=query)
    told: dict[str, Any] = answer.json()
    assert told["valid"] is valid
    assert answer.headers["cache-control"] == "no-store"


def test_a_link_that_is_pressed_too_often_waits(site: Site, shipment: str) -> None:
    site.app.state.shukka.clients.may = site.app.state.shukka.clients.may._replace(
        requests_per_minute=6, burst_seconds=60
    )
    path = f"/s/{token(site.world, shipment)}"
    answers = [site.get(path, key=None).status_code for _ in range(8)]
    assert answers[:6] == [200] * 6
    assert set(answers[6:]) == {429}


@pytest.mark.parametrize("raw", [b"\xff", b"a=%00", b"&".join(b"a=1" for _ in range(2_001))])
def test_a_form_that_is_none_is_refused(site: Site, shipment: str, raw: bytes) -> None:
    path = f"/s/{token(site.world, shipment)}"
    assert site.run(lambda: site.request("POST", path, key=None, content=raw)).status_code == 400


def test_both_languages_say_the_same_things() -> None:
    folder = Path(pages.__file__).parent
    said = [set(tomllib.loads((folder / f"words.{one}.toml").read_text("utf-8"))) for one in LANGUAGES]
    assert said[0] == said[1]
