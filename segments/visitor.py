"""``SegmentVote``: the segment of a visitor of whom only attributes are known, at request time.

Naive Bayes over the attributes of members, with one vote added to each value (Manning, Raghavan
and Schütze, "Introduction to Information Retrieval", 2008, section 13.2). Numbers of many values
count by quartile range, as in profiles. A few dictionary look-ups a request.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

from segments.attributes import attribute_columns, attribute_edges

__all__ = ["SegmentVote"]

Votes = npt.NDArray[np.float64]


class SegmentVote:
    """Counts of attribute values in segments.

    Args:
        users: row i describes user row i.
        member: segment of each user, int [n_users]; -1 does not vote.
        segments: how many there are.
    """

    def __init__(self, users: pl.DataFrame, member: npt.NDArray[np.integer], segments: int) -> None:
        voters = users.filter(pl.Series(member >= 0))
        self._member = member[member >= 0]
        self._prior = np.bincount(self._member, minlength=segments) + 1.0
        self._columns = {name: voters[name] for name in attribute_columns(voters)}
        self._edges = {name: attribute_edges(values) for name, values in self._columns.items()}
        self._votes = {name: self._count(name) for name in self._columns}

    def _count(self, name: str) -> dict[str, Votes]:
        """Members by value and segment."""
        texts = self._texts(name, self._columns[name])
        counts: dict[str, Votes] = {}
        for text, segment in zip(texts, self._member, strict=True):
            if text is not None:
                counts.setdefault(text, np.zeros(len(self._prior)))[segment] += 1
        return counts

    def _texts(self, name: str, values: pl.Series) -> list[str | None]:
        """Values as they are counted: numbers of many values by range."""
        edges = self._edges[name]
        if edges is None:
            return values.cast(pl.String).to_list()
        numbers = values.cast(pl.Float64).to_numpy()
        place = np.clip(np.searchsorted(edges, numbers, "right") - 1, 0, len(edges) - 2)
        return [None if np.isnan(x) else str(p) for x, p in zip(numbers, place, strict=True)]

    def place(self, attributes: Mapping[str, str | int | float | bool]) -> int | None:
        """The segment most likely for these attributes; ``None`` where none of them is known.

        Args:
            attributes: values by name; names and values that no member has say nothing.
        """
        votes, known = np.log(self._prior), False
        for name, value in attributes.items():
            counts = self._votes.get(name)
            text = self._text(name, value) if counts else None
            if counts and text in counts:
                total = np.sum(list(counts.values()), axis=0)
                votes += np.log((counts[text] + 1) / (total + len(counts)))
                known = True
        return int(np.argmax(votes)) if known and len(votes) else None

    def _text(self, name: str, value: str | int | float | bool) -> str | None:
        kind = self._columns[name].dtype
        return self._texts(name, pl.Series(name, [value]).cast(kind, strict=False))[0]
