"""The protocol and other systems: a trial record comes in as a draft regimen, a regimen goes out as FHIR, USDM or an event table."""
