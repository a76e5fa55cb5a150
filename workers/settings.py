"""Settings from the environment; secrets come from nowhere else."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from pipelines.errors import Misconfigured
from workers import addresses
from workers.allowance import Allowance
from workers.clock import AnyClock, from_settings
from workers.process.embedded import default_data_dir, running_engines
from workers.process.told import CLOCK, beneath, told
from workers.web.links import Links, read_links

Model = TypeVar("Model", bound=BaseModel)


class Settings(BaseSettings):
    """One process's settings; every field is the environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(env_file=None, extra="ignore", env_ignore_empty=True)

    # Not shown where settings are printed: these hold passwords.
    database_url: str | None = Field(default=None, repr=False)
    redis_url: str | None = Field(default=None, repr=False)
    broker_url: str | None = Field(
        default=None, repr=False, description="amqp:// for RabbitMQ; else REDIS_URL is the broker"
    )
    smtp_url: str | None = Field(default=None, repr=False)
    mail_from: str = "orders@shukka.example"
    shops_dir: Path | None = None
    shukka_data: Path | None = None
    shukka_clock: str | None = None
    shukka_clock_rate: float = Field(default=1.0, gt=0)
    shukka_clock_anchor: float | None = Field(default=None, description="Real time (epoch) at which SHUKKA_CLOCK holds")
    shukka_allow_private_targets: bool = Field(default=False, description="Let webhooks go to private addresses")
    shukka_requests_per_minute: int = Field(default=60_000, ge=0, description="Of a client, 0 without a limit")
    shukka_orders_per_minute: int = Field(default=30_000, ge=0, description="Of a client, 0 without a limit")
    shukka_public_per_minute: int = Field(
        default=6_000, ge=0, description="Promises for an address that shows no key, 0 without a limit"
    )
    shukka_burst_seconds: int = Field(default=20, ge=1, description="So many seconds' worth may come at once")
    shukka_link_secret: str | None = Field(
        default=None, repr=False, description="Signs links in mails; several by commas"
    )
    shukka_public_url: str | None = Field(
        default=None, description="Where customers reach the web process: https://..."
    )
    shukka_bounces_url: str | None = Field(
        default=None, repr=False, description="The mailbox of reports: imaps://user:password@host/INBOX"
    )
    shukka_smtp_connections: int = Field(default=32, ge=1, le=64)
    shukka_worker_metrics_port: int = Field(
        default=0, ge=0, le=65_000, description="The first port of the workers' metrics, 0 for none"
    )
    shukka_worker_metrics_host: str = "127.0.0.1"

    @field_validator("database_url")
    @classmethod
    def _database(cls, url: str | None) -> str | None:
        return url and addresses.database(url)

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, url: str | None) -> str | None:
        return url and addresses.redis(url)

    @field_validator("broker_url")
    @classmethod
    def _broker(cls, url: str | None) -> str | None:
        return url and addresses.broker(url)

    @field_validator("shukka_public_url")
    @classmethod
    def _public(cls, url: str | None) -> str | None:
        return url and addresses.public(url)

    @property
    def data(self) -> Path:
        """Where embedded engines keep their data."""
        return self.shukka_data or default_data_dir()

    @property
    def mail_domain(self) -> str:
        """The domain of Message-IDs."""
        return self.mail_from.rsplit("@", 1)[-1]

    @property
    def allowance(self) -> Allowance:
        """How much a client may ask that has no limits of its own."""
        return Allowance(self.shukka_requests_per_minute, self.shukka_orders_per_minute, self.shukka_burst_seconds)

    @cached_property
    def clock(self) -> AnyClock:
        """The one Clock of this process: its own settings', else that of the service whose database it finds."""
        left = self._told if not {name.lower() for name in CLOCK} & self.model_fields_set else {}
        rate, anchor = left.get("SHUKKA_CLOCK_RATE"), left.get("SHUKKA_CLOCK_ANCHOR")
        return from_settings(
            left.get("SHUKKA_CLOCK", self.shukka_clock),
            float(rate) if rate else self.shukka_clock_rate,
            float(anchor) if anchor else self.shukka_clock_anchor,
        )

    @property
    def environment(self) -> Mapping[str, str]:
        """Where adapters find their own settings."""
        return beneath(os.environ, self._told)

    @cached_property
    def _told(self) -> Mapping[str, str]:
        return {} if self.database_url else told(self.data)

    @property
    def links(self) -> Links | None:
        """What signs the links in mails; None where no secret or no public address is set. Raises Misconfigured for a secret
        that is none."""
        return read_links(self.shukka_link_secret, self.shukka_public_url, self.data)

    def need_database(self) -> str:
        """DATABASE_URL, or the embedded engine that runs in the data directory; raises Misconfigured for neither."""
        if self.database_url:
            return self.database_url
        running = running_engines(self.data)
        if running.database_url:
            return running.database_url
        raise Misconfigured(
            "DATABASE_URL", f"it is not set and no embedded engine runs in {self.data}; start `shukka up` or set it"
        )

    def need_broker(self) -> str:
        """BROKER_URL or REDIS_URL, or the embedded engine's; raises Misconfigured for none."""
        url = self.broker_url or self.redis_url or running_engines(self.data).redis_url
        if url:
            return url
        raise Misconfigured("REDIS_URL", "it is not set and no embedded engine runs; start `shukka up` or set it")

    def need_smtp(self) -> str:
        """SMTP_URL; raises Misconfigured if mails could go nowhere."""
        if self.smtp_url:
            return self.smtp_url
        raise Misconfigured("SMTP_URL", "it is not set, so no mail could leave; name a server, as smtp://host:25")


def read(model: type[Model], environment: Mapping[str, str]) -> Model:
    """An adapter's own settings: every field of ``model`` is the variable of the same name in capitals.

    An empty variable is none. Raises Misconfigured naming the variable, never its value, with the field's description as the
    way out; so for an address (``..._url``) that no request can be sent to.
    """
    given = {name: environment.get(name.upper(), "").strip() for name in model.model_fields}
    try:
        settings = model.model_validate({name: value for name, value in given.items() if value})
    except ValidationError as error:
        name = str(error.errors(include_url=False, include_input=False, include_context=False)[0]["loc"][0])
        raise _refused(model, name, "is wrong" if given.get(name) else "is missing") from None
    for name, value in given.items():
        if value and name.endswith("_url") and not addresses.is_reachable(value):
            raise _refused(model, name, "is wrong")
    return settings


def _refused(model: type[BaseModel], name: str, wrong: str) -> Misconfigured:
    """What is said of the variable of the field ``name``, with its description as the way out."""
    way_out = model.model_fields[name].description
    return Misconfigured(name.upper(), f"{wrong}; {way_out}" if way_out else wrong)


def load() -> Settings:
    """Settings of this process; raises Misconfigured naming the variable and what is wrong with it."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        reason = "write 1 or 0" if first["type"] == "bool_parsing" else str(first["msg"]).removeprefix("Value error, ")
        raise Misconfigured(str(first["loc"][0]).upper(), reason) from None
