"""The engine: compile a regimen once, multiply columns, place doses on the calendar."""
