"""What the codes of GMO-PG's protocol type mean: who acts, and whether money may have moved (gateways.md 2.7, B.6.3).

Generated from the column "state" of GMO's own list of error codes as its SDK has it (gmopg/sdk-nodejs, v1.72) and
tricot-inc/errors-gmopg. A code that is in neither is an unknown outcome.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pipelines.gateway import CodeClass

TAKEN: Final = frozenset({"E01040010", "M01004010"})
"""The OrderID is there already: it is used once for ever."""
NO_TRADE: Final = frozenset({"E01110002", "M01004002"})
"""There is no trade of that OrderID, or of those ids."""
BEING_EXECUTED: Final = "E82010001"
"""Another call executes the same trade at this moment: what it comes to is seen by looking."""
CONNECTION_TEST: Final = "E00000000"
"""The console's test of a notice's URL."""

_WORST_FIRST: Final = (
    CodeClass.UNKNOWN,
    CodeClass.OUR_BUG,
    CodeClass.CONFIGURATION,
    CodeClass.STATE,
    CodeClass.ISSUER_DECLINE,
    CodeClass.BUYER_INPUT,
    CodeClass.TRANSIENT,
)

#: M01 rows of the list that say nothing of the trade's state.
_SILENT: Final = """
    055001 058004 161008 162005 163005 163008 164005 165005 166005 167005 168005 169005 169008 170005 170006
    171005 171008 172008 173008 174005 174006 175008 176005 177005 178005 179005 180005 181005 182005 182008
    183005 183008 184005 185005 185006 186005 186006 187008 188008 189005 190005 190006 191005 191006 192005
    192006 193005 193006 194005 194008 195005 195008 196005 197005 197006 198005 199001 199005 199006 199011
    200001 200005 200006 205005 206005 207005 208005 208006 209005 210005 211005 212005 213005 228005 229005
    229008 230005 230008 231005
"""

_NAMED: Final = {
    **dict.fromkeys([*TAKEN, *NO_TRADE, "E01110010", BEING_EXECUTED], CodeClass.STATE),
    **dict.fromkeys(
        ["M01054004", "M01057010", "M01060010", "M01052011", "M01058011", "E11010001", "E11010002", "E11010003"],
        CodeClass.STATE,
    ),
    "E11010999": CodeClass.UNKNOWN,  # "may be complete"
    "E11010099": CodeClass.ISSUER_DECLINE,  # "this card cannot be used"
    # The shop's id and pass, whoever changed them: no order must fail by it.
    **dict.fromkeys(["E01010001", "E01020001", "E01030002"], CodeClass.CONFIGURATION),
    **dict.fromkeys(["M01002001", "M01002002", "M01003001"], CodeClass.CONFIGURATION),
    "E61010002": CodeClass.BUYER_INPUT,  # among the merchant's settings, but says: card not taken, or its number wrong
    **dict.fromkeys(["E41170002", "E41170099", "E01250010"], CodeClass.BUYER_INPUT),
    **dict.fromkeys([f"42G{n}0000" for n in ("42", "44", "45", "65", "83")], CodeClass.BUYER_INPUT),
    **dict.fromkeys([f"42G{n}0000" for n in range(67, 82)], CodeClass.OUR_BUG),
}
_BY_PREFIX: Final = {
    "42C": CodeClass.UNKNOWN,
    "42G": CodeClass.ISSUER_DECLINE,
    "E90": CodeClass.UNKNOWN,
    "E91": CodeClass.UNKNOWN,
    "E92": CodeClass.TRANSIENT,
    "E82": CodeClass.STATE,
    "E61": CodeClass.CONFIGURATION,
    "E21": CodeClass.BUYER_INPUT,
    "EX1": CodeClass.BUYER_INPUT,
    "E11": CodeClass.STATE,
    "E01": CodeClass.OUR_BUG,
    "E31": CodeClass.OUR_BUG,
    "M01": CodeClass.OUR_BUG,
}


def class_of(code: str) -> CodeClass:
    """Who acts on one ErrInfo."""
    if code in _NAMED:
        return _NAMED[code]
    if code.startswith("M01") and code[3:] in _SILENT.split():
        return CodeClass.UNKNOWN
    return _BY_PREFIX.get(code[:3], CodeClass.UNKNOWN)


def worst(codes: Iterable[str]) -> tuple[str, CodeClass]:
    """Of the codes of one answer that whose class weighs most, and the class; the first of several alike."""
    return min(((code, class_of(code)) for code in codes), key=lambda one: _WORST_FIRST.index(one[1]))
