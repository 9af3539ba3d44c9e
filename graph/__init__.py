"""The shop as a heterogeneous graph: stores that keep it, arrays read back from it."""
