"""Vectors of titles: TF-IDF of words and of letters in a row, brought down by a truncated SVD.

Words say what a product is; three or four letters in a row still do where words are misspelt,
joined or shortened. What was fitted describes any later title too. Deerwester et al., "Indexing
by Latent Semantic Analysis" (JASIS 1990).
"""

from __future__ import annotations

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

__all__ = ["Titles", "fit_titles"]

LETTERS: Final = 0.5
"""Weight of letters in a row beside words."""
MOST_TERMS: Final = 20_000


@dataclass(frozen=True)
class Titles:
    """What was learned of a shop's titles; ``svd`` is ``None`` where there was too little."""

    by_word: Any
    by_letters: Any
    svd: Any

    def vectors(self, titles: pl.Series) -> npt.NDArray[np.float32]:
        """Vectors of titles, float32 [len(titles), dim]; 0 where there is none."""
        named = titles.fill_null("")
        once = named.unique(maintain_order=True)
        place = pl.DataFrame({"title": once, "place": np.arange(len(once))})
        places = pl.DataFrame({"title": named}).join(
            place, on="title", how="left", maintain_order="left"
        )
        made = np.asarray(_reduced(self, once.to_list()), np.float32)
        return np.asarray(made[places["place"].to_numpy()], np.float32)


def fit_titles(titles: pl.Series, dim: int, seed: int = 0) -> Titles | None:
    """Learn words, letters and the strongest directions; ``None`` where there are no titles.

    Args:
        titles: of products; empty ones are left out.
        dim: most dimensions.
        seed: of the randomised SVD.
    """
    once = titles.drop_nulls().unique(maintain_order=True)
    told = [title for title in once if words(title)]
    if not told:
        return None
    by_word = _tfidf(words, told)
    by_letters = _tfidf(_letters, told)
    terms = _terms(by_word, by_letters, told)
    svd = None
    if min(terms.shape) > dim:
        svd = TruncatedSVD(dim, random_state=seed).fit(terms)
    return Titles(by_word, by_letters, svd)


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


def _terms(by_word: Any, by_letters: Any, titles: list[str]) -> FloatMatrix:
    blocks = [by_word.transform(titles), by_letters.transform(titles) * LETTERS]
    return sparse.csr_array(sparse.hstack(blocks, format="csr"))


def _reduced(learned: Titles, titles: list[str]) -> npt.NDArray[Any]:
    terms = _terms(learned.by_word, learned.by_letters, titles)
    return np.asarray(terms.toarray() if learned.svd is None else learned.svd.transform(terms))
