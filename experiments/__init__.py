"""Experiments on lists and hold-outs of campaigns: who gets what, and what came of it."""
