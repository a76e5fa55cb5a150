"""Carriers' inquiry services, one file each, found by name: how a parcel fares, asked where nobody tells.

A file declares ``INQUIRY = Inquiry(...)`` (``pipelines.inquiries.inquiry``): here, in the folder of plug-ins, or in another distribution
that names it under the entry points ``shukka.inquiries``.
"""

from __future__ import annotations

from typing import Any, Final

from pipelines.inquiries.inquiry import Inquiry
from pipelines.plugins import Registry

INQUIRIES: Final[Registry[Inquiry[Any]]] = Registry("inquiries", Inquiry, __name__, "inquiry service")
"""Every inquiry service by name."""
