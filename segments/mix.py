"""What each customer buys, as a mix over categories: counts to tell segments by, and vectors.

A customer's mix is the share of their lines in each category. Vectors are the square roots of the
shares less those of the whole shop (the Hellinger distance, under which a few rare categories don't
lead), on their strongest directions: what a customer buys otherwise than others do. Exact and
without drawing at random; memory is users x ``dim`` and items squared.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from graph.interactions import InteractionGraph
from graph.shop import Shop
from segments.neighbours import Vectors, unit

__all__ = ["Counts", "described", "folded", "mix_counts", "mix_items", "mix_vectors"]

Counts = sparse.csr_array[np.float64, tuple[int, int]]
"""Lines of each user in each item, float64 CSR [n_users, n_items]."""

MOST_ITEMS: Final = 500
"""A level of more categories is too fine: most of a customer's would have a line or none."""

MOST_PRODUCTS: Final = 2_000
"""Without categories so many of the products bought most stand in for them."""


def mix_items(shop: Shop) -> npt.NDArray[np.int64]:
    """Item of each product, int64 [n_products], -1 for none; numbered from 0 without gaps.

    Items are categories of the finest level of at most ``MOST_ITEMS``; without any, the products
    bought most.
    """
    for level in reversed(range(shop.levels)):
        rows = shop.category_rows(level).astype(np.int64)
        kinds = np.unique(rows[rows >= 0])
        if 1 < len(kinds) <= MOST_ITEMS:
            return np.where(rows >= 0, np.searchsorted(kinds, rows), -1)
    lines = np.bincount(shop.graph.purchases().product_rows, minlength=shop.graph.shape[1])
    often = np.argsort(-lines, kind="stable")[:MOST_PRODUCTS]
    items = np.full(len(lines), -1, np.int64)
    items[often[lines[often] > 0]] = np.arange(int((lines[often] > 0).sum()))
    return items


def mix_counts(
    bought: InteractionGraph, items: npt.NDArray[np.int64], weights: Vectors | None = None
) -> Counts:
    """Lines of each user in each item.

    Args:
        bought: purchases.
        items: of each product, or -1.
        weights: of each line, float32 [len(bought)]; 1 by default.
    """
    column = items[bought.product_rows]
    kept = column >= 0 if weights is None else (column >= 0) & (weights > 0)
    weight = np.ones(len(bought)) if weights is None else weights.astype(np.float64)
    entries = (weight[kept], (bought.user_rows[kept], column[kept]))
    shape = (len(bought.users), int(items.max(initial=-1)) + 1)
    return sparse.csr_array(sparse.coo_array(entries, shape=shape))


def mix_vectors(counts: Counts, dim: int) -> Vectors:
    """Vectors of mixes, float32 [n_users, min(dim, n_items)]; 0 for users without a line."""
    from scipy import linalg  # takes a server 7 MB and is of builds alone

    total = np.asarray(counts.sum(axis=1), np.float64)
    buyer = total > 0
    if not buyer.any():
        return np.zeros((len(total), 1), np.float32)
    root = sparse.csr_array(sparse.diags_array(1 / np.where(buyer, total, 1)) @ counts).sqrt()
    shop = np.sqrt(counts.sum(axis=0) / total.sum())
    sums = np.asarray(root.sum(axis=0), np.float64)
    # The Gram matrix of the roots less the shop's, without making a dense row a customer.
    gram = (root.T @ root).toarray() - np.outer(shop, sums) - np.outer(sums, shop)
    gram += buyer.sum() * np.outer(shop, shop)
    size = len(gram)
    first = max(size - dim, 0)
    _, directions = linalg.eigh(gram, subset_by_index=(first, size - 1))
    found = root @ directions - shop @ directions
    return np.where(buyer[:, None], found, 0).astype(np.float32)


def folded(bought: InteractionGraph, products: Vectors, weights: Vectors | None = None) -> Vectors:
    """Mean of the vectors of what each user bought, float32 [n_users, dim]; lines count by log.

    Args:
        bought: purchases.
        products: float32 [n_products, dim].
        weights: of each line, float32 [len(bought)]; 1 by default.
    """
    matrix = bought.matrix(weights)
    matrix.data = np.log1p(matrix.data)
    return np.asarray(matrix @ np.nan_to_num(unit(products)), np.float32)


def described(embedded: Vectors, mix: Vectors) -> Vectors:
    """Both kinds of vectors side by side, each of length 1, so that they count alike."""
    return np.hstack([unit(embedded), unit(mix)])
