"""Where customers of a snapshot stand: rows of its table, put into words."""

from __future__ import annotations

from typing import Any

from api.customers import Customers
from api.models.customers import Churn, ChurnDriver, CustomerStanding, Rfm, Stage, Value
from lifecycle.drivers import explain_driver
from lifecycle.stages import explain_stage
from pipeline.snapshot import Snapshot

__all__ = ["standing_of"]

_PLAIN = (
    "user_id",
    "orders",
    "spend",
    "first_at",
    "last_at",
    "days_since_last",
    "usual_interval_days",
)


def standing_of(snapshot: Snapshot, customers: Customers, user_id: str) -> CustomerStanding:
    """Stage, value and churn of one customer.

    Raises:
        UnknownUser: no customer has this id.
    """
    place = customers.row(user_id)
    row = snapshot.customers.row(place, named=True)
    facts = snapshot.manifest.lifecycle
    return CustomerStanding(
        **{name: row[name] for name in _PLAIN},
        segment=customers.segment(place),
        stage=_stage(row),
        rfm=Rfm(scores=row["rfm"], cell=row["rfm_cell"]) if row["rfm"] else None,
        value=_value(row, facts),
        churn=_churn(row, facts),
    )


def _stage(row: dict[str, Any]) -> Stage | None:
    why = explain_stage(row)
    if why.stage is None:
        return None
    return Stage.model_validate(
        {"name": why.stage, "why": why.sentence, "figures": dict(why.figures)}
    )


def _value(row: dict[str, Any], facts: dict[str, Any]) -> Value | None:
    if row["expected_orders"] is None:
        return None
    return Value(
        horizon_days=facts["horizon_days"],
        expected_orders=row["expected_orders"],
        expected_value=row["expected_value"],
        probability_alive=row["probability_alive"],
    )


def _churn(row: dict[str, Any], facts: dict[str, Any]) -> Churn | None:
    if row["churn_risk"] is None:
        return None
    drivers = [ChurnDriver(**entry, text=explain_driver(entry)) for entry in row["churn_drivers"]]
    return Churn(days=facts["churn_days"], risk=row["churn_risk"], drivers=drivers)
