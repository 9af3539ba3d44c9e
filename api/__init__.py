"""The HTTP service and its page. Loads snapshots; never a training library."""
