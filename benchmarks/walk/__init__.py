"""``make walk``: lives of orders in which everything comes in any order, to workers that are behind; nothing may break or be silent.

Crowds of orders of the four shops live side by side in one house, the real engine on a real database. Customers, suppliers,
gateways, banks and operators say whatever they can, early, late, twice and against each other; stages and effects run or do not;
outcomes are lost; the clock jumps by minutes or months. Then the clock runs on until every timer has fired, and the verdict
(`benchmarks.walk.verdict`) is asked: every invariant of ``shukka check``, the gateways' and the bank's own books, and whether every
order is final, held, or awaits something with a date.
"""
