"""Mail addresses as customers really have them: INT-01, INT-02, B.7.1, B.7.2."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.values.mail_address import addr_spec, check, mailbox_key, nonconforming
from tests.values.growth import growth

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
    # quoted already: stays, whatever is in the quotes
    ('"a b, c@d;"@example.jp', '"a b, c@d;"@example.jp', True),
    ('"user..name"@docomo.ne.jp', '"user..name"@docomo.ne.jp', True),
    (r'"a\"b"@example.jp', r'"a\"b"@example.jp', True),
    ('"taro"@example.jp', '"taro"@example.jp', False),
    # what a keyboard, a form or a copied text adds
    ("taro@example.jp\u200b", "taro@example.jp", False),
    ("\ufeff taro@\u2060example.jp\u00a0", "taro@example.jp", False),
    ("ｔａｒｏ@example.jp", "taro@example.jp", False),
    ("ｔａｒｏ．ｙａｍａｄａ＠ｅｘａｍｐｌｅ．ｊｐ\u3000", "taro.yamada@example.jp", False),
    ("taro＠example。jp", "taro@example.jp", False),
    ("ａｂ．．ｃｄｅ@docomo.ne.jp", '"ab..cde"@docomo.ne.jp', True),
    ("taro@example.jp.", "taro@example.jp", False),
    # a domain in Japanese
    ("taro@日本語.jp", "taro@xn--wgv71a119e.jp", False),
    ("taro@日本語。ｊｐ.", "taro@xn--wgv71a119e.jp", False),
    ("taro@xn--wgv71a119e.jp", "taro@xn--wgv71a119e.jp", False),
]


@pytest.mark.parametrize(("raw", "sendable", "odd"), SENDABLE)
def test_the_sendable_form_quotes_only_what_needs_it(raw: str, sendable: str, odd: bool) -> None:
    assert addr_spec(raw) == sendable
    assert nonconforming(raw) is odd


NO_ADDRESS = [
    ("", "no '@'"),
    ("takahashi", "no '@'"),
    ("@example.jp", "nothing before"),
    ('""@example.jp', "nothing before"),
    ("takahashi@", "nothing after"),
    ("a@b.jp\r\nBcc: c@d.jp", "line break"),
    ("a\x00@b.jp", "control character"),
    ("a@b.jp\n", "line break"),
    ("髙橋@example.jp", "non-ASCII"),
    ("a@日本語", "no domain name"),
    ("a@" + "日" * 64 + ".jp", "no domain name"),
    ("a" * 600 + "@example.jp", "far too long"),
    ("a@docomo", "no domain name"),
    ("a@.jp", "no domain name"),
    ("a@example..jp", "no domain name"),
    ("a@-example.jp", "no domain name"),
    ("a@example.jp..", "no domain name"),
    ("a@exam_ple.jp", "no domain name"),
    ("a@[192.0.2.1]", "no domain name"),
    ("a@192.0.2.1", "no domain name"),
    # more than one address, or something around it
    ("a@x.jp,b@x.jp", "not a list"),
    ("a@x.jp, b@x.jp", "not a list"),
    ("a@x.jp;b@x.jp", "not a list"),
    ("a@x.jp b@x.jp", "not a list"),
    ("a@x.jp、b@x.jp", "not a list"),
    ("a@x.jp，b@x.jp", "not a list"),
    ("a@x.jp\u3000b@x.jp", "not a list"),
    ('"a..b"@x.jp,b@x.jp', "not a list"),
    ("a,b@example.jp", "not a list"),
    ("a b@example.jp", "not a list"),
    ("a@@b", "more than one '@'"),
    ("a@@example.jp", "more than one '@'"),
    ("a@b@docomo.ne.jp", "more than one '@'"),
    ("mailto:a@example.jp", "mailto:"),
    ("MAILTO:a@example.jp?subject=x", "mailto:"),
    ("髙橋 <a@example.jp>", "without a name"),
    ("Taro <a@example.jp>", "without a name"),
    ("<a@example.jp>", "without a name"),
    ('a"b@example.jp', "not allowed there"),
    ('"a"b@example.jp', "not allowed there"),
    ("a:b@example.jp", "not allowed there"),
    ("a\\b@example.jp", "not allowed there"),
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
    ('"a b"@docomo.ne.jp', True, True),
]


@pytest.mark.parametrize(("raw", "strict", "carrier_legacy"), POLICIES)
def test_the_shop_s_policy_decides_about_misplaced_dots(raw: str, strict: bool, carrier_legacy: bool) -> None:
    assert (check(raw, "strict") is not None) is strict
    assert (check(raw, "carrier_legacy") is not None) is carrier_legacy


MAILBOXES = [
    # INT-01: trimmed, domain in lower case, local part in any case, quotes are no difference
    ('"a..b"@docomo.ne.jp', "a..b@docomo.ne.jp", True),
    ("Taro@Example.jp ", "taro@example.JP", True),
    ("ｔａｒｏ@example.jp", "TARO@example.jp.", True),
    ("taro@日本語.jp", "taro@XN--WGV71A119E.jp", True),
    (r'"t\a\ro"@example.jp', "taro@example.jp", True),
    ("taro@example.jp", "jiro@example.jp", False),
    ("taro@example.jp", "taro@example.com", False),
    ("a.b@docomo.ne.jp", "a..b@docomo.ne.jp", False),
]


@pytest.mark.parametrize(("a", "b", "same"), MAILBOXES)
def test_one_account_a_mailbox(a: str, b: str, same: bool) -> None:
    assert (mailbox_key(a) == mailbox_key(b)) is same


unquoted = st.text("abcXYZ019!#$%&'*+/=?^_`{|}~.-", min_size=1, max_size=60)
printable = st.characters(min_codepoint=0x20, max_codepoint=0x7E)
quoted = st.text(printable, min_size=1, max_size=30).map(lambda text: f'"{text.translate(ESCAPED)}"')
ESCAPED = str.maketrans({'"': r"\"", "\\": r"\\"})


@given(unquoted | quoted)
def test_whatever_stands_before_the_at_becomes_an_address_that_stays_as_it_is(local: str) -> None:
    address = f"{local}@docomo.ne.jp"
    sendable = addr_spec(address)
    assert addr_spec(sendable) == sendable
    assert mailbox_key(sendable) == mailbox_key(address)
    assert nonconforming(sendable) is nonconforming(address)
    assert sendable.startswith('"') is (nonconforming(address) or local.startswith('"'))


#: Nearly addresses, some of which are.
nearly = st.builds(
    "{}@{}".format,
    st.text('ab.@"\\,日 ', max_size=8),
    st.sampled_from(["docomo.ne.jp", "EXAMPLE.jp", "例え.jp", "a..jp", "localhost", "[192.0.2.1]"])
    | st.text("a.-日", max_size=8),
)


@given(st.text() | st.text('a.@"\\,日 ') | nearly)
@example("a..b.@docomo.ne.jp")
def test_nothing_but_a_value_error_escapes(raw: str) -> None:
    try:
        sendable = addr_spec(raw)
    except ValueError:
        assert check(raw, "carrier_legacy") is not None
    else:
        assert sendable.isascii()
        assert sendable.isprintable()
        assert addr_spec(sendable) == sendable


HOSTILE: list[Callable[[int], str]] = [
    lambda n: "a" * n + '"@x',
    lambda n: "a" * n + " @docomo.ne.jp",
    lambda n: "a." * n + '"@docomo.ne.jp',
    lambda n: "." * n + '"@docomo.ne.jp',
    lambda n: '"' + "\\" * n + "@docomo.ne.jp",
    lambda n: '"' * n + "@docomo.ne.jp",
    lambda n: "a@" + "b" * n,
    lambda n: "a@" + "b." * n,
    lambda n: "a@" + "b-" * n,
    lambda n: "a@" + "日" * n,
    lambda n: "@" * n,
]


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize(("small", "large"), [(10, 20), (30, 240)])
def test_no_address_takes_more_than_its_length(hostile: Callable[[int], str], small: int, large: int) -> None:
    """From 10 to 20 characters, work that doubles with each of them would grow a thousand times."""

    def judge(raw: str) -> None:
        check(raw, "strict")
        with suppress(ValueError):
            addr_spec(raw)

    assert growth(judge, hostile(small), hostile(large), repeat=20) < 5 * large / small


def test_a_text_of_any_length_is_judged_by_its_length_alone() -> None:
    for hostile in HOSTILE:
        assert check(hostile(100_000), "strict") is not None
