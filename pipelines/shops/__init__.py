"""Shop profiles: one ``<shop>.toml`` each, every parameter with a default and a meaning.

``python -m pipelines.shops`` prints the reference of all parameters (docs/shops.md).
"""

from pipelines.shops.load import PACKAGED, ProfileErrors, load_shops, parse_shop
from pipelines.shops.shop import Shop

__all__ = ["PACKAGED", "ProfileErrors", "Shop", "load_shops", "parse_shop"]
