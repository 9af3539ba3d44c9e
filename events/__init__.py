"""Live events and changes: kept durably once acknowledged, then delivered to the store once."""
