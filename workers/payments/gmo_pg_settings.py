"""The settings of GMO-PG: which shop, which host, which words its contract wants."""

from __future__ import annotations

from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, ValidationInfo, field_validator

LIVE: Final = "p01.mul-pay.jp"
TEST: Final = "pt01.mul-pay.jp"
_TEST_SHOP: Final = "tshop"


class Settings(BaseModel):
    """What the shop's console at GMO shows, and where customers come back to."""

    gmo_pg_shop_id: str = Field(pattern="^[A-Za-z0-9]{1,13}$", description="set it to the ShopID of the console")
    gmo_pg_shop_pass: SecretStr = Field(description="set it to the shop's password of the console")
    gmo_pg_url: str = Field(
        default=f"https://{LIVE}",
        pattern="^https?://[^/]+$",
        validate_default=True,
        description=f"a ShopID that begins with {_TEST_SHOP} goes with https://{TEST}, any other with https://{LIVE}",
    )
    gmo_pg_timeout: Annotated[float, Field(gt=0, le=90, description="seconds for one call")] = 15.0
    gmo_pg_return_url: str = Field(
        pattern="^https?://[^?#]+$",
        description="set it to the shop's page to which 3-D Secure and PayPay send customers back",
    )
    gmo_pg_wallet_url: str | None = Field(
        default=None, pattern="^https?://[^?#]+$", description="set it to the shop's page that opens PayPay"
    )
    gmo_pg_3ds: bool = Field(default=True, description="true or false: whether cards go through 3-D Secure 2")
    gmo_pg_cancel: Literal["VOID", "CANCEL"] = Field(
        default="VOID",
        description="VOID: cancelled by VOID, RETURN and RETURNX; CANCEL: by the one word of newer contracts",
    )
    gmo_pg_hold_days: int = Field(default=60, ge=1, le=180, description="days for which a hold lasts by the contract")
    gmo_pg_store: Literal["00007", "10001", "10002", "10005", "10008"] = Field(
        default="10001",
        description="00007 Seven-Eleven, 10001 Lawson, 10002 FamilyMart, 10005 Ministop, 10008 Seicomart",
    )
    gmo_pg_contact_name: str = Field(default="", description="the shop's name on a slip")
    gmo_pg_contact_phone: str = Field(default="", pattern="^[0-9-]{0,12}$", description="its phone, digits and hyphens")
    gmo_pg_contact_hours: str = Field(
        default="09:00-18:00",
        pattern="^[0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2}$",
        description="its hours, such as 09:00-18:00",
    )

    @field_validator("gmo_pg_url")
    @classmethod
    def _of_its_shop(cls, url: str, info: ValidationInfo) -> str:
        """Test and live credentials do not mix; any other host is a fake's."""
        is_test_shop = str(info.data.get("gmo_pg_shop_id", "")).startswith(_TEST_SHOP)
        host = urlsplit(url).hostname
        if (host == LIVE and is_test_shop) or (host == TEST and not is_test_shop):
            raise ValueError("test and live do not mix")
        return url

    @property
    def is_test(self) -> bool:
        """Whether nobody is charged."""
        return urlsplit(self.gmo_pg_url).hostname != LIVE

    @property
    def contact(self) -> tuple[str, str, str] | None:
        """Name, phone and hours for slips; None while they are not set."""
        told = (self.gmo_pg_contact_name, self.gmo_pg_contact_phone, self.gmo_pg_contact_hours)
        return told if all(told) else None
