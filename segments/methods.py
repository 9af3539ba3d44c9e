"""Every way of grouping customers that is compared, by name.

To add one: write its file with a function ``fit(customers, k, seed)``, and its line here.
"""

from __future__ import annotations

from typing import Final

from segments.by_autoencoder import fit_autoencoder
from segments.by_centres import fit_kmeans, fit_kmeans_all, fit_mixture
from segments.by_graph import fit_communities, fit_leiden
from segments.by_rules import fit_people, fit_rfm
from segments.by_tree import fit_ward
from segments.grouping import Fit

__all__ = ["DEFAULT", "METHODS"]

DEFAULT: Final = "communities"

METHODS: Final[dict[str, Fit]] = {
    DEFAULT: fit_communities,
    "Leiden by links alone": fit_leiden,
    "k-means": fit_kmeans,
    "k-means with mixes": fit_kmeans_all,
    "Gaussian mixture": fit_mixture,
    "Ward": fit_ward,
    "autoencoder + k-means": fit_autoencoder,
    "RFM cells": fit_rfm,
    "demographics": fit_people,
}
"""What is published stands first."""
