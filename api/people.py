"""Claims and suggested actions of a snapshot as the API shows them."""

from __future__ import annotations

from typing import Any

from api.catalogue import Catalogue
from api.models.profiles import (
    Action,
    ActionDiscount,
    ActionGroup,
    ActionOffer,
    Actions,
    Claim,
    OfferRule,
    SegmentClaims,
)
from api.people_words import WORDS
from lifecycle.stages import STAGES
from loaders.errors import UnknownSegment
from pipeline.snapshot import Snapshot
from ranking.wording import Language
from segments.actions import Action as Found
from segments.actions import Offer
from segments.claims import Claim as FoundClaim
from segments.model import Segment

__all__ = ["Told"]

GROUPS = ("basics", "behaviour", "preference", "risk")


class Told:
    """Tells of segments and what to do, from what the build saved."""

    def __init__(self, snapshot: Snapshot, catalogue: Catalogue) -> None:
        self._snapshot, self._catalogue = snapshot, catalogue
        self._currency = snapshot.manifest.currency

    def claims(self, segment: Segment, language: Language) -> SegmentClaims:
        """What sets a segment apart."""
        people = self._snapshot.people
        found, words = people.claims, people.words.get(segment.id)
        of = found.of.get(segment.id, ())
        return SegmentClaims(
            segment_id=segment.id,
            name=segment.name,
            size=segment.size,
            description=words.description if words else None,
            tested=found.tested,
            false_discovery=found.false_discovery,
            **{g: [self._claim(c, language) for c in of if c.group == g] for g in GROUPS},
        )

    def _claim(self, claim: FoundClaim, language: Language) -> Claim:
        fields = {name: getattr(claim, name) for name in Claim.model_fields if hasattr(claim, name)}
        direction = "more" if claim.lift >= 1 else "less"
        text = WORDS[language].claim(claim, self._currency)
        return Claim(**fields, direction=direction, text=text)

    def segment_actions(self, segment: Segment, language: Language) -> Actions:
        """What to do for a segment."""
        return self._actions("segment", segment.id, segment.name, language)

    def stage_actions(self, stage: str, language: Language) -> Actions:
        """What to do for a stage.

        Raises:
            UnknownSegment: there is no such stage.
        """
        name = stage.replace("-", " ").replace("_", " ").lower()
        if name not in STAGES:
            known = ", ".join(STAGES)
            raise UnknownSegment(f"no stage is called {stage!r}; there are: {known}")
        return self._actions("stage", name, name, language)

    def _actions(self, kind: Any, id_: str, name: str, language: Language) -> Actions:
        days = float(self._snapshot.manifest.lifecycle["horizon_days"])
        found = self._snapshot.people.actions.get(f"{kind}:{id_}", ())
        return Actions(
            group=ActionGroup(kind=kind, id=id_, name=name),
            horizon_days=days,
            estimate=WORDS[language].estimate,
            actions=[self._action(action, days, language) for action in found],
        )

    def _action(self, action: Found, days: float, language: Language) -> Action:
        words, discount = WORDS[language], action.discount
        return Action(
            goal=action.goal,
            customers=action.customers,
            probability=action.probability,
            order_value=action.order_value,
            expected_value=action.expected_value,
            products=[self._offer(offer) for offer in action.products],
            discount=ActionDiscount(
                known=discount.basis is not None,
                basis=discount.basis,
                rate=discount.rate,
                shop_rate=discount.shop_rate,
                customers=discount.customers,
                text=words.discount(discount),
            ),
            text=words.action(action, days, self._currency),
        )

    def _offer(self, offer: Offer) -> ActionOffer:
        rule = None
        if offer.bought_with is not None:
            held = self._catalogue.product(self._catalogue.row(offer.bought_with))
            rule = OfferRule(
                product=held, lift=offer.rule_lift or 0.0, confidence=offer.confidence or 0.0
            )
        return ActionOffer(
            product=self._catalogue.product(offer.product),
            liking=offer.liking,
            lift=offer.lift,
            bought_with=rule,
        )
