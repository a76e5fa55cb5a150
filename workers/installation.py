"""What this installation has: the gateways, supplier channels and file formats that come with Shukka or are plugged in."""

from __future__ import annotations

from typing import Final

from pipelines.files import FORMATS
from pipelines.shops.installation import Installation
from workers.channels import CHANNELS
from workers.payments import GATEWAYS

INSTALLATION: Final = Installation(GATEWAYS, CHANNELS, FORMATS)
