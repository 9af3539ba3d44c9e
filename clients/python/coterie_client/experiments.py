"""What a client asks of experiments and campaigns, and the event that a list of one was shown."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, TypeVar

from coterie_client import calls
from coterie_client.calls import Call

__all__ = ["ExperimentMethods", "clicked", "shown"]

T = TypeVar("T")


def shown(
    answer: Mapping[str, Any], *, user_id: str | None = None, session_id: str | None = None
) -> list[dict[str, Any]]:
    """The event that a list was shown, to be sent with others; none where it is no experiment's.

    Args:
        answer: of ``recommend`` or ``session``.
        user_id: the customer that the list was asked for, or
        session_id: the session it was asked for.
    """
    of = answer.get("experiment")
    who = {"user_id": user_id} if user_id else {"session_id": session_id}
    return [{"event": "view_item_list", "experiment": of, **who}] if of else []


def clicked(
    answer: Mapping[str, Any],
    product_id: str,
    *,
    user_id: str | None = None,
    session_id: str | None = None,
) -> dict[str, Any]:
    """The event that a product of a list was clicked; arguments as for ``shown``."""
    who = {"user_id": user_id} if user_id else {"session_id": session_id}
    view = {"event": "view_item", "product_id": product_id, **who}
    of = answer.get("experiment")
    return {**view, "experiment": of} if of else view


class ExperimentMethods(ABC):
    """The part of a client that is about experiments."""

    @abstractmethod
    def send(self, call: Call[T]) -> T:
        """The answer to a call."""

    def experiments(self) -> list[dict[str, Any]]:
        """All experiments and where they stand."""
        found: list[dict[str, Any]] = self.send(calls.experiments())["experiments"]
        return found

    def experiment(self, experiment_id: str) -> dict[str, Any]:
        """An experiment with its definition, versions and results."""
        return self.send(calls.experiment(experiment_id))

    def experiment_options(self) -> dict[str, Any]:
        """What a definition may name."""
        return self.send(calls.experiment_options())

    def plan_experiment(self, baseline: float, effect: float, **more: Any) -> dict[str, Any]:
        """How many visitors it takes to find a relative ``effect`` on a ``baseline``."""
        return self.send(calls.plan_experiment(baseline, effect, **more))

    def create_experiment(self, definition: Mapping[str, Any]) -> dict[str, Any]:
        """Save a definition as a draft."""
        return self.send(calls.create_experiment(definition))

    def change_experiment(self, definition: Mapping[str, Any]) -> dict[str, Any]:
        """Save a definition as the next version of the experiment of its id."""
        return self.send(calls.change_experiment(definition))

    def start_experiment(self, experiment_id: str) -> dict[str, Any]:
        """Let visitors in."""
        return self.send(calls.start_experiment(experiment_id))

    def stop_experiment(self, experiment_id: str) -> dict[str, Any]:
        """Let nobody in any more, for good."""
        return self.send(calls.stop_experiment(experiment_id))

    def delete_experiment(self, experiment_id: str) -> None:
        """Forget an experiment that does not run."""
        self.send(calls.delete_experiment(experiment_id))

    def campaigns(self) -> list[dict[str, Any]]:
        """Campaigns that audiences were exported for."""
        found: list[dict[str, Any]] = self.send(calls.campaigns())["campaigns"]
        return found

    def campaign(self, name: str, *, days: float | None = None) -> dict[str, Any]:
        """What a campaign changed, by those who were held out."""
        return self.send(calls.campaign(name, days=days))
