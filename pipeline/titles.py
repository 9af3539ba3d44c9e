"""Vectors of titles: TF-IDF of words and of letters in a row, brought down by a truncated SVD.

Words say what a product is; three or four letters in a row still do where words are misspelt,
joined or shortened. What was fitted describes any later title too. Deerwester et al., "Indexing
by Latent Semantic Analysis" (JASIS 1990).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from graph.interactions import FloatMatrix
from pipeline.features import words

__all__ = ["Terms", "Titles", "fit_titles"]

LETTERS: Final = 0.5
"""Weight of letters in a row beside words."""
MOST_TERMS: Final = 20_000
PLAIN: Final = "none"


Terms = Callable[[list[str]], Any]
"""What stands for some titles before it is brought down: a matrix, sparse or not."""


@dataclass(frozen=True)
class Titles:
    """What was learned of a shop's titles; ``svd`` is ``None`` where there was too little."""

    terms: Terms
    svd: Any

    def vectors(self, titles: pl.Series) -> npt.NDArray[np.float32]:
        """Vectors of titles, float32 [len(titles), dim]; 0 where there is none."""
        once = titles.drop_nulls().unique(maintain_order=True)
        once = once.filter(pl.Series([bool(words(title)) for title in once], dtype=pl.Boolean))
        terms = self.terms([*once, PLAIN])
        made = _dense(terms if self.svd is None else self.svd.transform(terms))
        made[-1] = 0  # stands for every title that says nothing
        table = pl.DataFrame({"title": once, "place": np.arange(len(once), dtype=np.int64)})
        asked = pl.DataFrame({"title": titles.cast(pl.String)})
        places = asked.join(table, on="title", how="left", maintain_order="left")["place"]
        return np.asarray(made[places.fill_null(-1).to_numpy()], np.float32)


def fit_titles(
    titles: pl.Series, dim: int, seed: int = 0, sentences: Terms | None = None
) -> Titles | None:
    """Learn words, letters and the strongest directions; ``None`` where there are no titles.

    Args:
        titles: of products; empty ones are left out.
        dim: most dimensions.
        seed: of the randomised SVD.
        sentences: vectors of whole titles, in place of those of words and letters.
    """
    once = titles.drop_nulls().unique(maintain_order=True)
    told = [title for title in once if words(title)]
    if not told:
        return None
    terms = sentences or _fit_terms(told)
    fitted = terms(told)
    svd = None
    if min(fitted.shape) > dim:
        svd = TruncatedSVD(dim, random_state=seed).fit(fitted)
    return Titles(terms, svd)


def _fit_terms(titles: list[str]) -> Terms:
    by_word, by_letters = _tfidf(words, titles), _tfidf(_letters, titles)

    def terms(titles: list[str]) -> FloatMatrix:
        blocks = [by_word.transform(titles), by_letters.transform(titles) * LETTERS]
        return sparse.csr_array(sparse.hstack(blocks, format="csr"))

    return terms


def _dense(matrix: Any) -> npt.NDArray[np.float32]:
    return np.array(matrix.toarray() if hasattr(matrix, "toarray") else matrix, np.float32)


def _letters(title: str) -> list[str]:
    """Three and four letters in a row within words that are padded with a space on both sides.

    ``"Milk"`` gives " mi", "mil", "ilk", "lk " and " mil", "milk", "ilk ".
    """
    padded = [f" {word} " for word in words(title)]
    return [w[i : i + n] for n in (3, 4) for w in padded for i in range(len(w) - n + 1)]


def _tfidf(analyzer: Any, titles: list[str]) -> Any:
    made = TfidfVectorizer(
        analyzer=analyzer, sublinear_tf=True, dtype=np.float32, max_features=MOST_TERMS
    )
    return made.fit(titles)
