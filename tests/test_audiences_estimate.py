"""What is told of an audience, and what is held back because it would tell of too few."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from audience_shop import DID, Did, defined, tables_of

from audiences.config import AudiencesConfig
from audiences.estimate import Estimate, Overlap, _hidden, apart, enough, estimate
from audiences.explain import explain
from audiences.export import columns_of, member_frame, written
from audiences.plan import Evaluator, Plan
from audiences.tables import Mask
from loaders.errors import AudienceTooSmall, OptionError, UnknownUser

COFFEE = {"kind": "bought", "category": "coffee"}


def told(where: dict[str, Any], others: dict[str, Mask] | None = None, **config: Any) -> Estimate:
    tables = tables_of()
    plan = Plan.of(defined(where), tables, {})
    return estimate(Evaluator(tables), plan, AudiencesConfig(**config), others or {})


def test_an_estimate_worked_out_by_hand() -> None:
    # ann spent 25, bob 15, cat 8 (her mug has no price); expected: 40 and 12, cat's is unknown.
    tea = np.array([False, True, False, True, False, False])
    assert told(COFFEE, {"tea": tea}, minimum=1) == Estimate(
        size=3,
        minimum=1,
        coarse=False,
        share=0.6,
        spend=48.0,
        expected_value=52.0,
        segments=(Overlap("s-1", "Espresso", 2, 0.6667), Overlap("s-2", "Tea", 1, 0.3333)),
        audiences=(Overlap("tea", "tea", 1, 0.3333),),
    )


def test_nothing_is_told_of_too_few() -> None:
    nothing = Estimate(None, 4, False, None, None, None)
    assert told(COFFEE, minimum=4) == nothing
    assert told({**COFFEE, "times": 9}, minimum=4) == nothing  # nobody is too few as well
    with pytest.raises(AudienceTooSmall, match="fewer than 4 customers are in it; widen it"):
        enough(3, AudiencesConfig(minimum=4))


def test_a_difference_that_would_tell_of_few_makes_the_size_coarse() -> None:
    # Four of five bought anything: the fifth could be told from the whole shop and this.
    found = told({"kind": "bought"}, minimum=3)
    assert (found.size, found.coarse, found.spend, found.segments) == (3, True, None, ())
    assert told({"kind": "bought"}, minimum=3, differences=False).size == 4
    # Coffee without bob is ann and cat, one apart from one of its own conditions.
    bob = {"kind": "attribute", "name": "city", "any_of": "Köln"}
    without = {"kind": "all", "of": [COFFEE, {"kind": "not", "of": bob}]}
    assert told(without, minimum=2).coarse
    assert not told(COFFEE, minimum=2).coarse
    # And one apart from another audience that was saved.
    two = np.array([True, True, False, False, False, False])
    assert told(COFFEE, {"two": two}, minimum=2).coarse


def test_one_small_part_of_a_whole_is_not_hidden_alone() -> None:
    assert _hidden(np.array([50, 30, 3]), 5) == [50, None, None]
    assert _hidden(np.array([50, 4, 3]), 5) == [50, None, None]
    assert _hidden(np.array([50, 30, 0]), 5) == [50, 30, 0]
    assert _hidden(np.array([3, 0]), 5) == [None, 0]


def test_sets_are_apart_by_some_but_few() -> None:
    base = np.array([True, True, True, False])
    assert not apart(base, [base], 2)
    assert apart(base, [~base, np.array([True, True, False, False])], 2)
    assert not apart(base, [np.array([False, False, True, False])], 2)


def test_why_someone_is_in_or_not() -> None:
    tables = tables_of(closed=["ann"])
    rhythm = {"kind": "rhythm", "max": 40}
    where = {"kind": "all", "of": [{**COFFEE, "times": 2}, {"kind": "not", "of": rhythm}]}
    evaluator = Evaluator(tables)
    plan = Plan.of(defined(where), tables, {})
    bob = explain(evaluator, plan, "bob")
    first, second = bob.tree.inner
    assert (bob.member, bob.barred, bob.tree.met) == (False, "", False)
    assert (first.path, first.met) == ("where.of.0", False)
    assert first.text == "bought category coffee at least 2 times"
    assert first.wanted == {"category": ["coffee"], "times": 2}
    assert first.found == {"times": 1, "last": "2024-03-11T00:00:00+00:00"}
    assert (second.text, second.met, second.wanted) == ("this does not hold", False, {})
    (inner,) = second.inner
    assert (inner.met, inner.wanted, inner.found) == (
        True,
        {"max": 40.0},
        {"days_since_last": 10.0},
    )
    assert inner.text == "days since the last purchase at most 40"
    ann = explain(evaluator, plan, "ann")
    assert (ann.member, ann.barred) == (False, "suppressed")
    assert explain(evaluator, plan, "fay").barred == "anonymous"
    with pytest.raises(UnknownUser):
        explain(evaluator, plan, "nobody")


@pytest.mark.parametrize(
    ("where", "user", "found"),
    [
        ({"kind": "segment", "any_of": "s-1"}, "bob", {"segments": ["s-2"], "strength": [0.4]}),
        ({"kind": "stage", "any_of": "new"}, "cat", {"stage": "lost"}),
        ({"kind": "share", "brand": "Leaf", "min": 0.5}, "bob", {"share": 0.4, "spend": 15.0}),
        ({"kind": "share", "brand": "Leaf", "min": 0.5}, "eve", {"share": None, "spend": 0.0}),
        ({"kind": "likes", "product": "mug", "top": 3}, "cat", {"liked": ["mug"], "best_rank": 2}),
        ({"kind": "attribute", "name": "age", "min": 3}, "dan", {"age": 62}),
        (
            {"kind": "similar", "users": ["ann"], "top": 1},
            "bob",
            {"similarity": 0.6, "rank": 3, "an_example": False},
        ),
        (
            {"kind": "sequence", "first": {}, "then": {"product": "mug"}, "within_days": 1},
            "ann",
            {"times": 1, "first_times": 4, "last_first": "2024-04-05T12:00:00+00:00"},
        ),
    ],
)
def test_true_values_stand_beside_thresholds(
    where: dict[str, Any], user: str, found: dict[str, Any]
) -> None:
    tables = tables_of()
    plan = Plan.of(defined(where), tables, {})
    assert explain(Evaluator(tables), plan, user).tree.found == found


ALL = np.array([True, True, True, True, True, False])


def file(form: Any, *columns: str) -> str:
    return b"".join(written(member_frame(tables_of(), ALL, columns), form)).decode()


def test_members_as_csv_and_ndjson() -> None:
    assert file("csv", "user_id", "segment", "spend", "stage", "city") == (
        "user_id,segment,spend,stage,city\n"
        "ann,s-1,25.0,mature,Bonn\n"
        "bob,s-2,15.0,at risk,Köln\n"
        "cat,s-1,8.0,lost,Bonn\n"
        "dan,s-2,5.0,new,\n"
        "eve,,,,O'Hara\n"
    )
    assert file("ndjson", "user_id", "age").splitlines()[2:4] == [
        '{"user_id":"cat","age":null}',
        '{"user_id":"dan","age":62}',
    ]


def test_a_spreadsheet_runs_no_cell_of_a_csv() -> None:
    import polars as pl

    cells = ["=1+1", "+1", "-1", "@a", "\ta", "a=1", None]
    text = b"".join(written(pl.DataFrame({"x": cells}), "csv")).decode()
    assert text == "x\n'=1+1\n'+1\n'-1\n'@a\n'\ta\na=1\n\n"


def test_columns_are_chosen_and_unknown_ones_refused() -> None:
    tables = tables_of()
    assert columns_of(tables)[:5] == ["user_id", "segment", "orders", "spend", "days_since_last"]
    assert {"stage", "churn_risk", "age", "city"} < set(columns_of(tables))
    with pytest.raises(OptionError, match="there is no phone; there are user_id, segment"):
        member_frame(tables, ALL, ["user_id", "phone"])
    assert member_frame(tables, ALL, ["age", "age"]).columns == ["age"]


def test_changing_one_condition_computes_that_one(monkeypatch: pytest.MonkeyPatch) -> None:
    evaluator = Evaluator(tables_of([*DID, Did("eve", "mug", 1)]))
    looked: list[list[str]] = []
    real = Evaluator._scanned

    def spy(self: Evaluator, nodes: Any) -> Any:
        looked.append([node.key for node in nodes])
        return real(self, nodes)

    monkeypatch.setattr(Evaluator, "_scanned", spy)
    for times in (1, 2):
        where = {"kind": "any", "of": [{"kind": "not_bought"}, {**COFFEE, "times": times}]}
        evaluator.members(Plan.of(defined(where), evaluator.tables, {}))
    assert [len(keys) for keys in looked] == [2, 1]
