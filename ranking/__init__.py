"""Scores of products for users, and the lists made of them. Needs numpy and scipy only."""
