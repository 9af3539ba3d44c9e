"""Groups around centres: k-means and a Gaussian mixture (scikit-learn), on vectors of length 1."""

from __future__ import annotations

import numpy as np
from sklearn.cluster import KMeans
from sklearn.mixture import GaussianMixture

from segments.grouping import Customers, Grouping, closeness
from segments.neighbours import Vectors, unit

__all__ = ["fit_kmeans", "fit_kmeans_all", "fit_mixture", "kmeans"]


def kmeans(vectors: Vectors, k: int, seed: int) -> Grouping:
    """The best of five starts of k-means on ``vectors`` float32 [n, dim]; strength is a cosine."""
    scaled = unit(vectors)
    labels = KMeans(k, n_init=5, random_state=seed).fit_predict(scaled).astype(np.int64)
    return Grouping(labels, closeness(scaled, labels))


def fit_kmeans(customers: Customers, k: int, seed: int) -> Grouping:
    """Plain k-means: on the encoder's vectors."""
    return kmeans(customers.learned, k, seed)


def fit_kmeans_all(customers: Customers, k: int, seed: int) -> Grouping:
    """k-means on all that the user graph is made of, the mix of categories included."""
    return kmeans(customers.vectors, k, seed)


def fit_mixture(customers: Customers, k: int, seed: int) -> Grouping:
    """Gaussians of diagonal covariance on the graph's vectors; strength is the posterior."""
    model = GaussianMixture(
        k, covariance_type="diag", reg_covar=1e-4, n_init=2, random_state=seed, max_iter=200
    )
    posterior = model.fit(customers.vectors).predict_proba(customers.vectors)
    labels = np.unique(posterior.argmax(axis=1), return_inverse=True)[1].astype(np.int64)
    return Grouping(labels, posterior.max(axis=1).astype(np.float32))
