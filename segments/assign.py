"""Places for customers the user graph cannot place: by vector, else by their attributes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from loaders.impute import Method
from segments.attributes import attribute_columns, attribute_vectors
from segments.neighbours import nearest, unit

__all__ = ["by_attributes", "by_vectors"]

Members = npt.NDArray[np.int32]
Strength = npt.NDArray[np.float32]
Vectors = npt.NDArray[np.float32]

VOTERS = 25
"""Members most alike whose segments are counted."""


def by_vectors(vectors: Vectors, member: Members, wanted: npt.NDArray[np.bool_]) -> Strength:
    """Put ``wanted`` users into the segment with the nearest centre, in place.

    Args:
        vectors: float32 [n, dim].
        member: segment of each user or -1, int32 [n]; written to.
        wanted: bool [n]; who is to be placed.

    Returns:
        Cosine to the centre, at least 0, float32 [n]; 0 for everyone else.
    """
    strength = np.zeros(len(member), np.float32)
    if not wanted.any() or member.max(initial=-1) < 0:
        return strength
    scaled = unit(vectors)
    centres = np.vstack([scaled[member == s].mean(axis=0) for s in range(member.max() + 1)])
    similarity = scaled[wanted] @ unit(centres).T
    member[wanted] = similarity.argmax(axis=1)
    strength[wanted] = np.clip(similarity.max(axis=1), 0, 1)
    return strength


def by_attributes(
    users: pl.DataFrame, member: Members, wanted: npt.NDArray[np.bool_], method: Method
) -> Strength:
    """Put ``wanted`` users with a known attribute into the segment of those most like them.

    The members most alike vote. Someone of whom nothing is known stays unplaced: imputation
    fills gaps, it does not make up a person.

    Args:
        users: row i describes user row i.
        member: segment of each user or -1, int32 [n]; written to.
        wanted: bool [n]; who is to be placed.
        method: how missing attributes are filled.

    Returns:
        Share of the vote, float32 [n]; 0 for everyone else.
    """
    strength = np.zeros(len(member), np.float32)
    columns = attribute_columns(users)
    if not columns or not wanted.any():
        return strength
    known = users.select(pl.any_horizontal(pl.col(columns).is_not_null())).to_series().to_numpy()
    voters, placed = np.flatnonzero(known & (member >= 0)), np.flatnonzero(known & wanted)
    if not len(voters) or not len(placed):
        return strength
    vectors = attribute_vectors(users, columns, method)
    alike = nearest(vectors[placed], VOTERS, among=vectors[voters])
    ballots = member[voters][alike]
    votes = np.stack([(ballots == s).sum(axis=1) for s in range(member.max() + 1)], axis=1)
    member[placed] = votes.argmax(axis=1)
    strength[placed] = votes.max(axis=1) / alike.shape[1]
    return strength
