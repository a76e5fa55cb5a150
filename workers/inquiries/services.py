"""Which inquiry services an installation has: those that a setting names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from pipelines.inquiries.inquiry import Inquiry
from workers.inquiries import INQUIRIES
from workers.settings import read


def services(environment: Mapping[str, str]) -> list[tuple[Inquiry[Any], BaseModel]]:
    """The services that are named in ``environment``, each with its settings. Raises Misconfigured for a wrong one."""
    given = [(one, read(one.settings, environment)) for one in INQUIRIES.values()]
    return [(one, settings) for one, settings in given if settings != one.settings()]
