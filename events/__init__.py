"""Live events: kept durably the moment they are acknowledged, then delivered to the store once."""
