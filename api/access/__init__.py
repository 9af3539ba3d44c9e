"""Who may ask what: keys with scopes, rate limits, origins, and the log of what left the house."""
