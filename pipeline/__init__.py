"""The offline flow: configuration, build, evaluation and published snapshots."""
