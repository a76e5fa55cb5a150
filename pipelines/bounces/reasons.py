"""Why a mail did not arrive, read out of what servers say: status codes (RFC 3463) and the sentences that stand beside them.

Sentences come first: a carrier's "5.0.0" says nothing, and "5.1.1" stands before what is no unknown user. Where one code means two
things at a Japanese carrier, the milder is believed (domain/mail-bounces.md, 3).
"""

from __future__ import annotations

import re
from typing import Final

from pipelines.bounces.report import Action, Finding, Kind, Reason

_LONGEST: Final = 4_000
"""Characters of a sentence that are looked at."""

#: The first that is found counts. Texts are in small letters, white space is one space.
_SENTENCES: Final = tuple(
    (re.compile(pattern), reason)
    for pattern, reason in (
        (
            r"relay(?:ing)? (?:access )?denied|relaying (?:is )?(?:not allowed|prohibited)|unable to relay|not permitted to relay"
            r"|authentication (?:is )?required|must authenticate",
            Reason.SENDER_PROBLEM,
        ),
        (
            r"\b5\.7\.2\d\b|\b5\.1\.[78]\b|\bdmarc\b|\bspf\b|\bdkim\b|unauthenticated (?:e-?mail|mail|sender)"
            r"|sender address rejected|sender (?:verify|domain) fail|invalid sender|sender.{0,60}does not (?:exist|resolve)"
            r"|\b553 \S+ does not exist|送信元(?:ドメイン|アドレス).{0,20}(?:存在し|認証)",
            Reason.SENDER_PROBLEM,
        ),
        (
            r"too much mail data|(?:mailbox|inbox|maildrop|mail box).{0,50}\b(?:full|exceeded|exceeds|out of storage)|mailbox_?full"
            r"|full mailbox|over ?-?quota|out of storage|quota.{0,30}(?:exceed|full|violation)|exceed\w*.{0,30}\bquota"
            r"|insufficient (?:system |disk )?(?:storage|space)|\b[45]\.2\.2\b"
            r"|(?:容量|メールボックス|受信箱).{0,30}(?:超え|超過|一杯|いっぱい|満杯|不足|オーバー)",
            Reason.MAILBOX_FULL,
        ),
        (
            r"too many (?:recipients|connections|messages|concurrent)|rate ?-?limit|throttl|try again later|\b421\b"
            r"|temporarily deferred|gr[ae]y ?-?list|unusual rate|receiving mail (?:at a rate|too quickly)",
            Reason.THROTTLED,
        ),
        (
            r"line too long|message (?:is )?too (?:large|big|long)|message (?:file )?size|size limit|larger than"
            r"|\b5\.3\.4\b|\b5\.2\.3\b|サイズ.{0,20}(?:超え|超過|大き)",
            Reason.TOO_LARGE,
        ),
        (
            r"unknown (?:user|recipient|address|local.?part)|user (?:is )?(?:unknown|not found|does not exist|doesn't exist)"
            r"|no such (?:user|mailbox|recipient|address|person)|invalid (?:recipient|mailbox|user)|no mailbox here"
            r"|recipient (?:address )?(?:is )?(?:unknown|not found|does not exist)|recipientnotfound|recipnotfound|resolver\.adr"
            r"|recipient address rejected: (?:access denied|user|undeliverable)|not (?:listed|a known user)|unrouteable address"
            r"|mailbox (?:is )?(?:unavailable|not found|unknown|disabled|inactive|does not exist)|account.{0,60}(?:does not exist|disabled|inactive)"
            r"|(?:address|mailbox|user).{0,40}(?:couldn't be found|could not be found|wasn't found|was not found)"
            r"|doesn't have an? .{0,30}account|mailbox [^ ]+ does not exist|no longer (?:valid|available|in use)"
            r"|(?:ユーザー?|アドレス|宛先|宛て先|メールボックス).{0,40}(?:存在し(?:ない|ません)|見つかり(?:ません)?|不明|ありません|ございません)",
            Reason.NO_SUCH_USER,
        ),
        (
            r"host(?: or domain)? ?name (?:lookup )?(?:unknown|not found|fail)|host (?:unknown|not found)|unknown (?:mail )?(?:host|domain)"
            r"|domain (?:name )?(?:\S+ )?(?:not found|couldn't be found|could not be found|does not exist)|name or service not known"
            r"|name service error|nxdomain|couldn't find any host|no mx|bad destination|\b[45]\.1\.2\b|\b4\.4\.3\b|\b5\.4\.4\b"
            r"|(?:ドメイン|ホスト).{0,40}(?:存在し|見つかり|不明)",
            Reason.NO_SUCH_HOST,
        ),
        (
            r"\bspam|\bblocked|black ?list|block ?list|deny ?list|reputation|\bpolicy\b|\brbl\b|spamhaus|\b5\.7\.\d+\b"
            r"|access denied|\bbanned\b|content rejected|administratively|迷惑メール|受信(?:を)?拒否",
            Reason.BLOCKED,
        ),
        (
            r"recipient address rejected|address rejected|does not exist|\b[45]\.1\.(?:0|1|3|6|10)\b|\b5\.2\.1\b|rejected recipient",
            Reason.NO_SUCH_USER,
        ),
        (
            r"connection (?:timed out|refused|reset|dropped|closed|failed)|connect to .{0,200}(?:timed out|refused)|operation timed out"
            r"|\b[45]\.4\.[0-9]\b|time ?out|delivery time expired|message expired|queue too long|too old"
            r"|(?:been|stayed) in the queue|unreachable|no route|lost connection|could not be delivered for|retry time",
            Reason.UNREACHABLE,
        ),
    )
)

_ACTIONS: Final = {
    Reason.NO_SUCH_USER: Action.SUPPRESS,
    Reason.NO_SUCH_HOST: Action.SUPPRESS,
    Reason.MAILBOX_FULL: Action.RETRY_LATER,
    Reason.THROTTLED: Action.RETRY_LATER,
    Reason.UNREACHABLE: Action.RETRY_LATER,
    Reason.SENDER_PROBLEM: Action.FIX_SENDER,
    Reason.BLOCKED: Action.FIX_SENDER,
}
_HARD: Final = frozenset({Reason.NO_SUCH_USER, Reason.NO_SUCH_HOST})
_CARRIERS: Final = (
    "docomo.ne.jp",
    "ezweb.ne.jp",
    "au.com",
    "softbank.ne.jp",
    "i.softbank.jp",
    "vodafone.ne.jp",
    "ymobile.ne.jp",
    "ymail.ne.jp",
    "disney.ne.jp",
    "uqmobile.jp",
    "rakumail.jp",
)
_ADDRESS: Final = re.compile(r"<?(?:\"[^\"\s]{1,64}\"|[^\s<>\"'(),:;\[\]]{1,128})@[A-Za-z0-9.-]{1,253}>?")


def reason_of(text: str) -> Reason:
    """What a server's sentence, with the status code in it, says."""
    plain = " ".join(text[:_LONGEST].lower().split())
    return next((reason for pattern, reason in _SENTENCES if pattern.search(plain)), Reason.UNDEFINED)


def without_addresses(text: str) -> str:
    """A server's sentence on one line, no longer than 300 characters, of which no address can be read."""
    return _ADDRESS.sub("<...>", " ".join(text[:_LONGEST].split())).strip()[:300]


def bounced(
    address: str, kind: Kind, status: str, said: str, around: str = "", otherwise: Reason = Reason.UNDEFINED
) -> Finding:
    """A mail to ``address`` that failed (BOUNCE) or waits (DELAY), by what its server ``said``; ``around`` is the text of the report,
    which is asked where the sentence says nothing and for the step at which the mail was refused; where nothing says it, the reason
    is ``otherwise``."""
    reason = reason_of(f"{said} {status}")
    if reason is Reason.UNDEFINED:
        reason = reason_of(around)
    if reason is Reason.UNDEFINED:
        reason = otherwise
    if kind is Kind.BOUNCE and reason is Reason.NO_SUCH_USER and _is_filter(address, status, f"{said} {around}"):
        reason = Reason.FILTERED
    failed = kind is Kind.BOUNCE
    action = _ACTIONS.get(reason, Action.HOLD_AND_ASK) if failed else Action.NONE
    return Finding(address, kind, reason, status, failed and reason in _HARD, action, without_addresses(said or around))


def complained(address: str, feedback: str) -> Finding:
    """A complaint of ``address`` ("" where it was taken out), by its Feedback-Type; what speaks of authentication is our own fault."""
    word = re.sub(r"[^a-z-]", "", feedback.lower())[:32] or "abuse"
    action = {"not-spam": Action.NONE, "auth-failure": Action.FIX_SENDER}.get(word, Action.SUPPRESS)
    return Finding(address, Kind.COMPLAINT, word, action=action)


def plain(address: str, kind: Kind, status: str = "") -> Finding:
    """What needs no reason: a delivery, a relay, an automatic answer."""
    return Finding(address, kind, kind.value, status)


def _is_filter(address: str, status: str, text: str) -> bool:
    """Whether a carrier's "unknown" is rather its user's own filter: said only after the whole mail, or without the address."""
    domain = address.rpartition("@")[2].lower()
    if not any(domain == one or domain.endswith(f".{one}") for one in _CARRIERS):
        return False
    said = " ".join(text.lower().split())
    after_data = status in {"5.2.0", "5.0.0"} and "end of data" in said
    return after_data or re.search(r"\b550 ?: user unknown", said) is not None
