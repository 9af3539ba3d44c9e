"""Raw files, public data sets and synthetic shops in; a validated ``Dataset`` out."""
