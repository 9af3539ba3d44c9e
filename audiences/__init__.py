"""Audiences: definitions of who is wanted, evaluated over tables, kept with versions, exported."""
