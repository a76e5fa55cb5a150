"""Mail addresses as customers really have them: INT-01, INT-02, B.7.1, B.7.2."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.values.mail_address import addr_spec, check, nonconforming, same_mailbox

SENDABLE = [
    # raw, what RCPT TO and the To header carry, non-conforming?
    ("takahashi@example.jp", "takahashi@example.jp", False),
    (" takahashi@example.jp\u3000", "takahashi@example.jp", False),
    ("Taro.Yamada@Example.JP", "Taro.Yamada@Example.JP", False),
    # odd, yet conforming: never quoted
    ("a_b__c@ezweb.ne.jp", "a_b__c@ezweb.ne.jp", False),
    ("__@docomo.ne.jp", "__@docomo.ne.jp", False),
    ("--x@docomo.ne.jp", "--x@docomo.ne.jp", False),
    ("a/b?c@docomo.ne.jp", "a/b?c@docomo.ne.jp", False),
    ("a+b@docomo.ne.jp", "a+b@docomo.ne.jp", False),
    # non-conforming: quoted
    ("user..name@docomo.ne.jp", '"user..name"@docomo.ne.jp', True),
    ("ab..cde@docomo.ne.jp", '"ab..cde"@docomo.ne.jp', True),
    ("user.@docomo.ne.jp", '"user."@docomo.ne.jp', True),
    (".user@ezweb.ne.jp", '".user"@ezweb.ne.jp', True),
    ("a@b@docomo.ne.jp", '"a@b"@docomo.ne.jp', True),
    ('a"b\\c@example.jp', r'"a\"b\\c"@example.jp', True),
    ("a b@example.jp", '"a b"@example.jp', True),
    # quoted already: stays
    ('"user..name"@docomo.ne.jp', '"user..name"@docomo.ne.jp', True),
    (r'"a\"b"@example.jp', r'"a\"b"@example.jp', True),
    ('"taro"@example.jp', '"taro"@example.jp', False),
]


@pytest.mark.parametrize(("raw", "sendable", "odd"), SENDABLE)
def test_the_sendable_form_quotes_only_what_needs_it(raw: str, sendable: str, odd: bool) -> None:
    assert addr_spec(raw) == sendable
    assert nonconforming(raw) is odd


NO_ADDRESS = [
    ("", "no '@'"),
    ("takahashi", "no '@'"),
    ("takahashi＠example.jp", "no '@'"),
    ("@example.jp", "nothing before"),
    ('""@example.jp', "nothing before"),
    ("takahashi@", "nothing after"),
    ("a@b.jp\r\nBcc: c@d.jp", "line break"),
    ("a\x00@b.jp", "control character"),
    ("a@b.jp\n", "line break"),
    ("髙橋@example.jp", "non-ASCII"),
    ("a@日本語.jp", "non-ASCII"),
    ("a@docomo", "no domain name"),
    ("a@.jp", "no domain name"),
    ("a@example..jp", "no domain name"),
    ("a@-example.jp", "no domain name"),
    ("a@example.jp.", "no domain name"),
    ("a@exam_ple.jp", "no domain name"),
    ("a@[192.0.2.1]", "no domain name"),
    ("a@192.0.2.1", "no domain name"),
    ("髙橋 <a@example.jp>", "non-ASCII"),
    ("Taro <a@example.jp>", "no domain name"),
    ("a" * 65 + "@example.jp", "64 characters"),
    ("a@" + "b" * 64 + ".jp", "no domain name"),
    ("a@" + "b.c." * 63 + "jp", "254"),
]


@pytest.mark.parametrize(("raw", "part_of_the_sentence"), NO_ADDRESS)
def test_what_is_no_address_is_refused_in_one_sentence(raw: str, part_of_the_sentence: str) -> None:
    with pytest.raises(ValueError, match=part_of_the_sentence):
        addr_spec(raw)
    refusal = check(raw, "carrier_legacy")
    assert refusal is not None
    assert part_of_the_sentence in refusal
    assert refusal.endswith(".")


def test_the_longest_address_has_254_characters_as_it_is_sent() -> None:
    domain = ".".join(["b" * 60] * 4)  # 243 characters
    assert addr_spec("a" * 10 + "@" + domain) == "a" * 10 + "@" + domain
    with pytest.raises(ValueError, match="256 characters"):
        addr_spec("a" * 8 + "..@" + domain)  # 254 as typed, 256 with the quotes it needs


POLICIES = [
    # raw, refused by strict, refused by carrier_legacy (INT-02)
    ("takahashi@gmail.com", False, False),
    ("a_b__c@ezweb.ne.jp", False, False),
    ("a__b@example.jp", False, False),
    ("user..name@docomo.ne.jp", True, False),
    (".user@ezweb.ne.jp", True, False),
    ("user.@au.com", True, False),
    ("user..name@t.docomo.ne.jp", True, False),
    ("user..name@DOCOMO.ne.jp", True, False),
    ('"user..name"@docomo.ne.jp', True, False),
    ("user..name@notdocomo.ne.jp", True, True),
    ("user..name@gmail.com", True, True),
    ("user name@docomo.ne.jp", True, True),
    ("a@b@docomo.ne.jp", True, True),
]


@pytest.mark.parametrize(("raw", "strict", "carrier_legacy"), POLICIES)
def test_the_shop_s_policy_decides_about_misplaced_dots(raw: str, strict: bool, carrier_legacy: bool) -> None:
    assert (check(raw, "strict") is not None) is strict
    assert (check(raw, "carrier_legacy") is not None) is carrier_legacy


MAILBOXES = [
    # INT-01: trimmed, domain in lower case, local part in any case, quotes are no difference
    ('"a..b"@docomo.ne.jp', "a..b@docomo.ne.jp", True),
    ("Taro@Example.jp ", "taro@example.JP", True),
    (r'"t\a\ro"@example.jp', "taro@example.jp", True),
    ("taro@example.jp", "jiro@example.jp", False),
    ("taro@example.jp", "taro@example.com", False),
    ("a.b@docomo.ne.jp", "a..b@docomo.ne.jp", False),
]


@pytest.mark.parametrize(("a", "b", "same"), MAILBOXES)
def test_one_account_a_mailbox(a: str, b: str, same: bool) -> None:
    assert same_mailbox(a, b) is same
    assert same_mailbox(b, a) is same


local_parts = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=30).filter(
    lambda text: text.strip() and text != '""'
)


@given(local_parts)
def test_any_printable_local_part_becomes_an_address_that_stays_as_it_is(local: str) -> None:
    sendable = addr_spec(f"{local}@docomo.ne.jp")
    assert addr_spec(sendable) == sendable
    assert same_mailbox(sendable, f"{local}@docomo.ne.jp")


@given(st.text())
def test_nothing_but_a_value_error_escapes(raw: str) -> None:
    try:
        sendable = addr_spec(raw)
    except ValueError:
        assert check(raw, "carrier_legacy") is not None
    else:
        assert sendable.isascii()
        assert sendable.isprintable()
