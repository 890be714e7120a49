"""Regimens as data: schema, loader, rules, and the library of files."""
