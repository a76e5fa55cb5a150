"""The protocol of GMO-PG as its section writes it: words, codes, vectors, notices, to the byte (gateways.md 2)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest

from models.states import PaymentState
from pipelines.errors import Misconfigured
from pipelines.gateway import STANDS, CodeClass, Payer
from workers.clock import TOKYO
from workers.http.signing import SignatureRefused
from workers.payments.gmo_pg import GATEWAY
from workers.payments.gmo_pg_codes import class_of, worst
from workers.payments.gmo_pg_notices import acknowledge, read_notices
from workers.payments.gmo_pg_settings import Settings
from workers.payments.gmo_pg_slips import kana, slip_of
from workers.payments.gmo_pg_states import Kind, Trade, hold_ends, kind_of, order_id, order_of, stands
from workers.payments.gmo_pg_wire import Api, check_string, decoded, encoded, written
from workers.sandbox.gateways.gmo_pg import GmoPg as FakeGmoPg
from workers.settings import read

P, C = PaymentState, CodeClass
AT = datetime(2026, 11, 25, 10, 2, 3, tzinfo=TOKYO)
CARD = Trade("Cabcdef-salon-S-1", Kind.CARD, "AUTH", 5_500, 5_500, 0, AT, {"AccessID": "a", "AccessPass": "b"})


@pytest.mark.parametrize(
    ("words", "state"),
    [
        ("UNPROCESSED AUTHENTICATED AUTHPROCESS REGISTER", P.PENDING),
        ("REQSUCCESS TRADING REQSALES REQPROCESS", P.PENDING),
        ("CHECK", P.PENDING),  # of validity only, never money
        ("AUTH SAUTH", P.AUTHORIZED),
        ("CAPTURE SALES PAYSUCCESS", P.CAPTURED),
        ("RETURN RETURNX CANCEL", P.REFUNDED),
        ("PAYFAIL", P.FAILED),
        ("EXPIRED STOP INVALID", P.EXPIRED),
        ("FORCECANCEL SHIPPED INVOICE", P.NEEDS_REVIEW),
        ("auth SOMETHING_NEW", P.NEEDS_REVIEW),
    ],
)
def test_every_word_of_a_trade(words: str, state: PaymentState) -> None:  # 2.4
    for word in words.split():
        trade = replace(CARD, status=word)
        assert stands(trade, hold_days=60, taken=None, released=False).state is state, word


@pytest.mark.parametrize(
    ("kind", "status", "amount", "back", "taken", "released", "stood"),
    [
        (Kind.CARD, "AUTH", 5_500, 0, None, False, (P.AUTHORIZED, 5_500, 0, 0)),
        (
            Kind.CARD,
            "AUTH",
            5_000,
            0,
            None,
            False,
            (P.AUTHORIZED, 5_500, 0, 0),
        ),  # made less for a capture that is to come
        (Kind.CARD, "SALES", 5_000, 0, 5_000, False, (P.CAPTURED, 5_500, 5_000, 0)),
        (Kind.CARD, "SALES", 4_000, 0, 5_000, False, (P.PARTLY_REFUNDED, 5_500, 5_000, 1_000)),
        (Kind.CARD, "SALES", 4_000, 0, None, False, (P.PARTLY_REFUNDED, 5_500, 5_500, 1_500)),
        (Kind.CARD, "SALES", 6_000, 0, None, False, (P.NEEDS_REVIEW, 5_500, 6_000, 0)),  # raised in the console
        (Kind.CARD, "VOID", 5_500, 0, None, True, (P.VOIDED, 5_500, 0, 0)),
        (Kind.CARD, "VOID", 5_500, 0, None, False, (P.REFUNDED, 5_500, 5_500, 5_500)),
        (Kind.CARD, "RETURNX", 4_000, 0, 5_000, False, (P.REFUNDED, 5_500, 5_000, 5_000)),
        (Kind.CARD, "RETURN", 5_500, 0, None, True, (P.VOIDED, 5_500, 0, 0)),
        (Kind.CARD, "CANCEL", 5_500, 0, None, True, (P.VOIDED, 5_500, 0, 0)),
        (Kind.KONBINI, "CANCEL", 5_500, 0, None, True, (P.VOIDED, 5_500, 0, 0)),
        (Kind.KONBINI, "PAYSUCCESS", 5_500, 0, None, False, (P.CAPTURED, 5_500, 5_500, 0)),
        (Kind.PAYPAY, "SALES", 5_500, 500, None, False, (P.PARTLY_REFUNDED, 5_500, 5_500, 500)),
        (Kind.PAYPAY, "CANCEL", 5_500, 5_500, None, True, (P.VOIDED, 5_500, 0, 0)),
        (Kind.PAYPAY, "RETURN", 5_500, 5_500, None, False, (P.REFUNDED, 5_500, 5_500, 5_500)),
    ],
)
def test_sums_are_all_there_ever_was_though_a_trade_tells_only_what_is_left(
    kind: Kind, status: str, amount: int, back: int, taken: int | None, released: bool, stood: tuple[object, ...]
) -> None:
    trade = replace(CARD, kind=kind, status=status, amount=amount, back=back)
    told = stands(trade, hold_days=60, taken=taken, released=released)
    assert (told.state, told.authorized, told.captured, told.refunded) == stood


def test_a_hold_ends_sixty_days_after_its_day_at_the_last_second() -> None:  # 2.4: 2026-11-25 -> 2027-01-24
    assert hold_ends(AT, 60) == datetime(2027, 1, 24, 23, 59, 59, tzinfo=TOKYO)
    before_midnight_in_japan = datetime(2026, 11, 25, 14, 59, tzinfo=UTC)
    assert hold_ends(before_midnight_in_japan, 60) == hold_ends(AT, 60)
    assert stands(CARD, hold_days=60, taken=None, released=False).expires_at == hold_ends(AT, 60)


@pytest.mark.parametrize(
    ("codes", "code_class"),
    [
        ("42G020000 42G040000 42G030000 42G050000 42G060000 42G550000", C.ISSUER_DECLINE),
        ("42G120000 42G220000 42G300000 42G540000 42G560000 42G600000 42G610000 42G910000", C.ISSUER_DECLINE),
        ("42G920000 42G950000 42G960000 42G970000 42G980000 42G990000", C.ISSUER_DECLINE),
        ("42G420000 42G440000 42G450000 42G650000 42G830000", C.BUYER_INPUT),
        ("42G670000 42G680000 42G740000 42G810000", C.OUR_BUG),
        ("42C010000 42C030000 42C120000 42C150000 42C500000 42C600000 42C780000", C.UNKNOWN),
        ("E01020008 E01060005 E01060010 M01005006 M01007005", C.OUR_BUG),
        ("E01030002 M01002002", C.CONFIGURATION),  # the shop's pass: no order must fail by it
        ("E01040010 M01004010 E01110002 M01004002 E01110010", C.STATE),
        ("M01054004 M01057010 M01060010 M01052011 M01058011", C.STATE),
        ("E11010001 E11010002 E11010003 E11010010 E11010014", C.STATE),
        ("E11010999", C.UNKNOWN),
        ("E21010001 E21010007 E21010999 E21020001 E21020002 E21020999 E21010201 E21010202", C.BUYER_INPUT),
        ("E41170002 E41170099 EX1000301 EX1000302 EX1000303", C.BUYER_INPUT),
        ("E61010001 E61020001 E61546010", C.CONFIGURATION),
        ("E82010001", C.STATE),
        ("E90010001 E91099997 E91020001 E91099999", C.UNKNOWN),
        ("E92000001 E92000002", C.TRANSIENT),
        ("M01058004 M01055001 M01231005", C.UNKNOWN),  # rows of the list that say nothing of the trade
        ("N0K110001 WM1000002 ABC", C.UNKNOWN),
    ],
)
def test_the_class_of_every_code(codes: str, code_class: CodeClass) -> None:  # 2.7, B.6.3
    assert {code: class_of(code) for code in codes.split()} == dict.fromkeys(codes.split(), code_class)


@pytest.mark.parametrize(
    ("infos", "found"),
    [
        ("E01010001|E01060001", ("E01060001", C.OUR_BUG)),
        ("42G120000|42C500000", ("42C500000", C.UNKNOWN)),
        ("E92000001|42G440000|42G020000", ("42G020000", C.ISSUER_DECLINE)),
        ("E61020001|E11010001", ("E61020001", C.CONFIGURATION)),
        ("42G120000", ("42G120000", C.ISSUER_DECLINE)),
    ],
)
def test_of_several_codes_the_worst_counts(infos: str, found: tuple[str, CodeClass]) -> None:
    assert worst(infos.split("|")) == found


def test_an_order_id_is_made_of_order_and_key_within_gmos_letters() -> (
    None
):  # 2.1: at most 27 of [A-Za-z0-9-], once for ever
    shown = order_id(Kind.CARD, "salon/S-1001", "salon/S-1001:authorize")
    assert (order_of(shown), kind_of(shown)) == (("salon", "S-1001"), Kind.CARD)
    assert order_id(Kind.CARD, "salon/S-1001", "salon/S-1001:authorize:2") != shown
    for order in ("apparel/2026-11-25-0000000001", "my-shop/1", "salon/注文1", "salon/a_b", "salon/a/b"):
        hidden = order_id(Kind.KONBINI, order, f"{order}:register")
        assert (len(hidden), hidden.isascii(), hidden.isalnum()) == (27, True, True), order
        assert (order_of(hidden), kind_of(hidden)) == (None, Kind.KONBINI)
    assert [kind_of(other) for other in ("SO-1001-1", "", "Cabcdef-salon-" + "1" * 14, "auth_of/another?")] == [
        None
    ] * 4


EXECUTED = {
    "OrderID": "SO-1001-1",
    "Forward": "2a99662",
    "Method": "1",
    "PayTimes": "",
    "Approve": "0000123",
    "TranID": "2611251002031111111111111111",
    "TranDate": "20261125100203",
    "CheckString": "6986c7f986721582521010a818a9ed64",
}


def test_the_check_string_to_the_letter() -> None:  # 2.2, vector of section 11
    assert check_string(EXECUTED, "abcdefgh12") == EXECUTED["CheckString"]
    api = Api(httpx.AsyncClient(), "tshop00000001", "abcdefgh12")
    assert api.proves(EXECUTED)
    assert not api.proves({**EXECUTED, "Approve": "0000124"})
    assert not api.proves({**EXECUTED, "CheckString": "〓"})


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (
            b"ACS=2&RedirectUrl=https://pt01.mul-pay.jp/payment/Tds2BrwStart.idPass?AccessID=0f0e&t=0a1b",
            {"ACS": "2", "RedirectUrl": "https://pt01.mul-pay.jp/payment/Tds2BrwStart.idPass?AccessID=0f0e&t=0a1b"},
        ),
        (
            b"StartURL=https://pt01.mul-pay.jp/p?m=1&t=2&Token=a+b%2Bc&StartLimitDate=20261125101500\r\n",
            {"StartURL": "https://pt01.mul-pay.jp/p?m=1&t=2", "Token": "a+b+c", "StartLimitDate": "20261125101500"},
        ),
        ("CustomerName=表示ソ&Status=AUTH".encode("cp932"), {"CustomerName": "表示ソ", "Status": "AUTH"}),
        (b"ErrCode=E01|E01&ErrInfo=E01010001|E01020001", {"ErrCode": "E01|E01", "ErrInfo": "E01010001|E01020001"}),
        (b'{"id": "pay_', {}),
        (b"<html><body>502</body></html>", {}),
        (b"", {}),
    ],
)
def test_an_answer_keeps_its_urls_and_pluses_and_its_japanese(body: bytes, fields: dict[str, str]) -> None:  # 2.9
    assert decoded(body) == fields


def test_a_request_travels_in_windows_31j() -> None:
    assert encoded({"Token": "a+b c", "CustomerName": "山田", "Amount": 5_500}) == (
        b"Token=a%2Bb%20c&CustomerName=%8ER%93c&Amount=5500"
    )
    assert written("𠮷野😀") == "〓野〓".encode("cp932")
    assert written("山田太郎", most=5) == "山田".encode("cp932"), "no half of a letter"


NOTICE = (
    b"ShopID=tshop00000001&ShopPass=**********&AccessID=0f0e&AccessPass=********************************"
    b"&OrderID=Cabcdef-salon-S-1&Status=AUTH&JobCd=AUTH&Amount=5500&Tax=0&Currency=JPN&Forward=2a99662&Method=1&PayTimes="
    b"&TranID=2611251002031111111111111111&Approve=0000123&TranDate=20261125100203&ErrCode=&ErrInfo=&PayType=0"
)
SHOP = ["tshop00000001"]


def test_a_notice_is_only_a_reason_to_look() -> None:  # 2.5: unsigned
    (told,) = read_notices({}, NOTICE, SHOP, AT)
    assert (told.type, told.order, told.reference, told.at) == (STANDS, ("salon", "S-1"), "Cabcdef-salon-S-1", AT)
    assert (told.snapshot, told.amount, told.fault) == (None, None, None)
    forged = NOTICE.replace(b"Status=AUTH", b"Status=PAYSUCCESS")
    (lie,) = read_notices({}, forged, SHOP, AT)
    assert (lie.snapshot, lie.amount) == (None, None)
    assert lie.id != told.id
    assert read_notices({}, NOTICE, SHOP, AT)[0].id == told.id, "sent again it is the same"


@pytest.mark.parametrize(
    ("was", "is_", "fault"),
    [
        (b"&OrderID=Cabcdef-salon-S-1", b"", "OrderID: is missing"),
        (b"Currency=JPN", b"Currency=USD", "Currency: is not yen"),
    ],
)
def test_what_cannot_be_read_is_kept_without_its_secrets(was: bytes, is_: bytes, fault: str) -> None:
    (told,) = read_notices({}, NOTICE.replace(was, is_), SHOP, AT)
    assert told.fault == fault
    assert isinstance(told.raw, dict)
    assert not {"AccessID", "AccessPass", "ShopPass"} & told.raw.keys()


def test_another_shops_notice_is_refused_and_the_consoles_test_is_nothing() -> None:
    for wrong in (NOTICE.replace(b"tshop00000001", b"tshop00000002"), b"", b"{}", b"<html></html>"):
        with pytest.raises(SignatureRefused):
            read_notices({}, wrong, SHOP, AT)
    assert read_notices({}, b"ShopID=tshop00000001&ErrCode=E00&ErrInfo=E00000000", SHOP, AT) == []


def test_it_is_acknowledged_by_exactly_one_character() -> None:  # 2.5
    said = acknowledge(read_notices({}, NOTICE, SHOP, AT), True)
    assert (said.status, said.body) == (200, b"0")
    assert acknowledge([], False) == said
    fake = FakeGmoPg()
    wrongs = [(200, b"0\n"), (200, b'"0"'), (200, b"1"), (200, b"<html>0</html>"), (200, b""), (202, b"0"), (500, b"0")]
    assert fake.acknowledged(said.status, said.body)
    assert not any(fake.acknowledged(status, body) for status, body in wrongs)


GIVEN = {
    "GMO_PG_SHOP_ID": "tshop00000001",
    "GMO_PG_SHOP_PASS": "abcdefgh12",
    "GMO_PG_URL": "https://pt01.mul-pay.jp",
    "GMO_PG_RETURN_URL": "https://shop.example/back",
}


def test_test_and_live_do_not_mix() -> None:  # 9, 12
    live = {**GIVEN, "GMO_PG_SHOP_ID": "9101234567890"}
    assert GATEWAY.test_mode(read(Settings, GIVEN))
    assert not GATEWAY.test_mode(read(Settings, {**live, "GMO_PG_URL": ""}))
    for mixed in (live, {**GIVEN, "GMO_PG_URL": ""}, {**GIVEN, "GMO_PG_URL": "https://p01.mul-pay.jp"}):
        with pytest.raises(Misconfigured, match=r"GMO_PG_URL: is .*tshop goes with https://pt01.mul-pay.jp"):
            read(Settings, mixed)
    assert "abcdefgh12" not in repr(read(Settings, GIVEN))


@pytest.mark.parametrize(
    ("until", "days"),
    [
        (datetime(2026, 11, 28, 23, 59, 59, tzinfo=TOKYO), "3"),
        (datetime(2026, 11, 29, 5, 59, 59, tzinfo=TOKYO), "3"),  # with a grace after its last day
        (datetime(2026, 11, 28, 12, 0, tzinfo=TOKYO), "2"),
        (datetime(2026, 11, 25, 15, 0, tzinfo=UTC), "0"),  # midnight in Japan: today is the last day
        (datetime(2026, 11, 25, 12, 0, tzinfo=TOKYO), None),
        (datetime(2027, 3, 1, 0, 0, tzinfo=TOKYO), None),
    ],
)
def test_a_slips_term_is_the_last_whole_day_before_its_end(until: datetime, days: str | None) -> None:  # B.6.5
    payer, contact = (
        Payer("山田 花子", "hanako@example.jp", "０５２-000-0000"),
        ("見本店", "03-0000-0000", "10:00-18:00"),
    )
    if days is None:
        with pytest.raises(ValueError, match="days are left"):
            slip_of(payer, "10001", contact, until, AT)
    else:
        slip = slip_of(payer, "10001", contact, until, AT)
        assert (slip["PaymentTermDay"], slip["CustomerName"], slip["TelNo"]) == (days, "山田 花子", "052-000-0000")


def test_a_slip_needs_a_name_in_katakana() -> None:
    names = ["山田 花子", "やまだ はなこ", "ﾔﾏﾀﾞ ﾊﾅｺ", "ヤマダ　ハナコ", "Yamada"]
    assert [kana(name) for name in names] == [
        "オキャクサマ",
        "ヤマダハナコ",
        "ヤマダハナコ",
        "ヤマダハナコ",
        "オキャクサマ",
    ]
