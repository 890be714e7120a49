"""The protocol and other systems: a trial record comes in as a draft regimen, a regimen goes out as FHIR, USDM or an event table."""

from __future__ import annotations

from dosing.exchange.record import Draft, read_record

__all__ = ["Draft", "read_record"]
