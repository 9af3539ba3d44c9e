"""Features of candidates: what the ranker weighs, one column each.

Prefixes: ``x_`` customer and product, ``u_`` customer, ``p_`` product, ``gN_`` customer and the
product's group N (finest category first, brand last), ``s_`` scores of sources, ``n_`` the same
over the customer's largest, ``r_`` places by them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ranking.candidates import Candidates
from ranking.habits import Found, Habits
from ranking.moment import DAYS, Moment

__all__ = ["add_places", "features_of"]

Column = npt.NDArray[Any]
GROUP_COLUMNS = (
    "lines", "visits", "decay_7", "decay_21", "decay_60", "decay_180", "recent_0", "value",
    "age_last", "gap", "gap_mid",
)  # fmt: skip


def add_places(found: Candidates) -> Candidates:
    """With the customer's normalised scores and places; among all candidates, so do this first."""
    if not len(found):
        return found
    first = np.flatnonzero(np.diff(found.users, prepend=-1))
    sizes = np.diff(np.append(first, len(found)))
    scores = {f"s_{name}": values for name, values in found.scores.items()}
    for name, values in found.scores.items():
        top = np.maximum.reduceat(values, first)
        scores[f"n_{name}"] = values / np.repeat(np.where(top > 0, top, 1), sizes)
        scores[f"r_{name}"] = _places(found, values)
    return Candidates(found.users, found.products, found.held, scores)


def _places(found: Candidates, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Place of each pair by a score among the customer's held, or never held, candidates."""
    side = found.users * 2 + found.held
    order = np.lexsort((-values, side))
    first = np.flatnonzero(np.diff(side[order], prepend=-1))
    sizes = np.diff(np.append(first, len(order)))
    place = np.empty(len(order), np.float32)
    place[order] = np.arange(len(order)) - np.repeat(first, sizes)
    return place


def features_of(moment: Moment, found: Candidates) -> tuple[list[str], npt.NDArray[np.float32]]:
    """Names and values of all features.

    Args:
        moment: what is known.
        found: candidates of that moment, after ``add_places``.

    Returns:
        Names, and float32 [len(found), n_features].
    """
    columns = _pair(moment, found)
    columns |= {name: v[found.users] for name, v in moment.user_table.items()}
    columns |= {name: v[found.products] for name, v in moment.product_table.items()}
    columns |= _rates(columns)
    for i in range(len(moment.groups)):
        columns |= _group(moment, found, i, columns)
    columns |= found.scores
    # Column by column in memory: written so, and read so by the trees.
    values = np.empty((len(found), len(columns)), np.float32, order="F")
    for i, column in enumerate(columns.values()):
        values[:, i] = column
    return list(columns), values


def _pair(moment: Moment, found: Candidates) -> dict[str, Column]:
    """The customer's habit with the product, and trips made without it since."""
    place = moment.products.find(found.users, found.products)
    columns: dict[str, Column] = {
        f"x_{name}": moment.products.at(name, place) for name in moment.products.columns
    }
    columns |= {f"x_{k}": v for k, v in _due(moment.products, place).items()}
    next_user = np.searchsorted(moment.trips, (found.users + 1) * DAYS)
    for name, side in (("last", "right"), ("first", "left")):
        age = np.nan_to_num(columns[f"x_age_{name}"])
        day = found.users * DAYS + np.floor(moment.now - age.astype(np.float64)).astype(np.int64)
        passed = next_user - np.searchsorted(moment.trips, day, side=side)  # type: ignore[call-overload]
        columns[f"x_trips_{name}"] = np.where(place[1], passed, np.nan)
    return columns


def _due(of: Habits, place: Found) -> dict[str, Column]:
    """Time since the last visit over the usual time between visits."""
    last, first = of.at("age_last", place), of.at("age_first", place)
    found: dict[str, Column] = {}
    for gap in ("gap", "gap_mid"):
        usual = of.at(gap, place)
        found[f"due_{gap}"] = last / np.maximum(np.where(np.isnan(usual), first, usual), 1)
    return found


def _rates(of: dict[str, Column]) -> dict[str, Column]:
    """Shares and ratios that trees would have to guess from the parts."""
    spent = np.maximum(of["u_price"] * of["u_lines"], 0.01)
    rate = of["x_visits"] / np.maximum(of["x_trips_first"], 1)
    return {
        "x_rate": of["x_visits"] / np.maximum(of["u_trips"], 1),
        "x_rate_since": rate,
        "x_expected": of["u_trips_1"] * rate,
        "x_share": of["x_value"] / spent,
        "x_due_product": of["x_age_last"] / np.maximum(of["p_gap"], 1),
        "x_dear": np.log((of["p_price"] + 0.01) / (of["u_price"] + 0.01)),
    }


def _group(moment: Moment, found: Candidates, i: int, pair: dict[str, Column]) -> dict[str, Column]:
    """The customer's habit with the product's group, and the product's part in it."""
    group, of = moment.groups[i], moment.group_habits[i]
    place = of.find(found.users, group[found.products])
    columns: dict[str, Column] = {f"g{i}_{k}": of.at(k, place) for k in GROUP_COLUMNS}
    columns[f"g{i}_due"] = _due(of, place)["due_gap"]
    columns |= {f"g{i}_{k}": v[found.products] for k, v in moment.group_tables[i].items()}
    tried, new = moment.variety[i]
    columns[f"g{i}_tried"] = np.where(place[1], tried[place[0]], 0) if len(tried) else place[1]
    columns[f"g{i}_new"] = np.where(place[1], new[place[0]], 0) if len(new) else place[1]
    lines = np.maximum(columns[f"g{i}_lines"], 1)
    columns[f"g{i}_variety"] = columns[f"g{i}_tried"] / lines
    columns[f"g{i}_part"] = pair["x_visits"] / np.maximum(columns[f"g{i}_visits"], 1)
    columns[f"g{i}_need"] = columns[f"g{i}_decay_60"] / np.maximum(pair["u_trips_2"], 1)
    return columns
