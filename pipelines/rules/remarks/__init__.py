"""Order remarks (備考) are read by recognisers or by a person, never ignored (INT-16).

A recogniser is one file (``desired_date.py``) that says what it understands; ``reading.py`` decides what holds; a profile
names the recognisers that its shop needs.
"""

from pipelines.rules.remarks.claim import DeliveryWindow, Instruction
from pipelines.rules.remarks.reading import RECOGNISERS, Reading, read

__all__ = ["RECOGNISERS", "DeliveryWindow", "Instruction", "Reading", "read"]
