"""A trial record in: its text becomes a draft regimen."""
