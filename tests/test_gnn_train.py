from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gnn.config import LightGCNConfig
from gnn.embeddings import Embeddings
from gnn.train import Fit, fit
from graph.ids import IdMap
from graph.interactions import InteractionGraph, to_day
from loaders.errors import ConfigError, DataError
from loaders.synthetic import GROUPS, Planted

CONFIG = LightGCNConfig(dim=16, epochs=6, batch_size=2_000, negatives=128, device="cpu")


def graph_of(planted: Planted) -> InteractionGraph:
    events = planted.dataset.events
    users, products = (
        IdMap(planted.dataset.table(f"{n}s")[f"{n}_id"]) for n in ("user", "product")
    )
    blank = np.zeros(events.height, np.float32)
    return InteractionGraph(
        users,
        products,
        np.ones(len(users), bool),
        users.to_rows(events["user_id"], missing="error").astype(np.int32),
        products.to_rows(events["product_id"], missing="error").astype(np.int32),
        blank.astype(np.int8),
        np.array([to_day(at) for at in events["at"]]),
        blank + 1,
        blank,
        blank.astype(np.int32),
    )


@pytest.fixture(scope="module")
def shop(planted: Planted) -> InteractionGraph:
    return graph_of(planted)


@pytest.fixture(scope="module")
def trained(shop: InteractionGraph) -> Fit:
    return fit(shop, CONFIG)


def same(one: Embeddings, other: Embeddings) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("user_vectors", "product_vectors", "product_bias")
    )


@pytest.mark.parametrize("loss", ["softmax", "bpr"])
@pytest.mark.parametrize("cosine", [True, False])
def test_loss_decreases(shop: InteractionGraph, loss: str, cosine: bool) -> None:
    settings = {"loss": loss, "cosine": cosine, "temperature": 0.2 if cosine else 1.0}
    history = fit(shop, CONFIG.model_copy(update=settings)).history
    assert [e.epoch for e in history] == [1, 2, 3, 4, 5, 6]
    assert history[-1].loss < history[0].loss - 0.05
    assert all(e.metric is None and e.seconds > 0 for e in history)


def test_planted_taste_is_recovered(planted: Planted, trained: Fit) -> None:
    vectors = trained.embeddings
    n_products = len(vectors.product_vectors)
    aisle = np.arange(n_products) // (n_products // GROUPS)
    affinity = vectors.user_vectors @ vectors.product_vectors.T
    by_aisle = np.stack([affinity[:, aisle == g].mean(1) for g in range(GROUPS)], axis=1)
    assert (by_aisle.argmax(1) == planted.group).mean() >= 0.97
    top = np.argsort(-affinity, axis=1)[:, : n_products // GROUPS // 2]
    assert (aisle[top] == planted.group[:, None]).mean() >= 0.9


def test_contrast_spreads_vectors_out_and_keeps_taste(
    planted: Planted, shop: InteractionGraph, trained: Fit
) -> None:
    config = CONFIG.model_copy(update={"contrast": 0.2})
    vectors = fit(shop, config).embeddings
    assert same(fit(shop, config).embeddings, vectors)
    n_products = len(vectors.product_vectors)
    aisle = np.arange(n_products) // (n_products // GROUPS)
    top = np.argsort(-vectors.user_vectors @ vectors.product_vectors.T, axis=1)[:, :10]
    assert (aisle[top] == planted.group[:, None]).mean() >= 0.9

    def spread(of: Embeddings) -> float:
        return float(np.exp(of.product_vectors @ of.product_vectors.T).mean())

    assert spread(vectors) < spread(trained.embeddings)


def test_users_of_a_group_are_near_each_other(planted: Planted, trained: Fit) -> None:
    nearness = trained.embeddings.user_vectors @ trained.embeddings.user_vectors.T
    np.fill_diagonal(nearness, -np.inf)
    nearest = np.argsort(-nearness, axis=1)[:, :10]
    assert (planted.group[nearest] == planted.group[:, None]).mean() >= 0.95


def test_the_same_seed_gives_the_same_vectors(shop: InteractionGraph, trained: Fit) -> None:
    assert same(fit(shop, CONFIG).embeddings, trained.embeddings)
    other = fit(shop, CONFIG.model_copy(update={"seed": 1})).embeddings
    assert not same(other, trained.embeddings)


class Stop:
    """A validation that improves with each call and is interrupted at one of them."""

    def __init__(self, at: int = 0) -> None:
        self.calls, self.at = 0, at

    def __call__(self, embeddings: Embeddings) -> float:
        self.calls += 1
        if self.calls == self.at:
            raise KeyboardInterrupt
        return float(embeddings.product_vectors[0] @ embeddings.user_vectors[0])


def test_a_resumed_run_equals_an_uninterrupted_one(shop: InteractionGraph, tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"validate_every": 1, "patience": 9})
    whole = fit(shop, config, validate=Stop())
    path = tmp_path / "deep" / "checkpoint.pt"
    with pytest.raises(KeyboardInterrupt):
        fit(shop, config, validate=Stop(at=4), checkpoint=path)
    said: list[tuple[str, int, int]] = []
    resumed = fit(
        shop,
        config,
        validate=Stop(),
        checkpoint=path,
        progress=lambda stage, done, total: said.append((stage, done, total)),
    )
    assert said[0] == ("train encoder: resuming after epoch 3 from checkpoint.pt", 3, 6)
    assert [done for _, done, _ in said] == [3, 4, 5, 6]
    assert same(resumed.embeddings, whole.embeddings)
    assert [e[:3] for e in resumed.history] == [e[:3] for e in whole.history]
    again = fit(shop, config, checkpoint=path)
    assert same(again.embeddings, whole.embeddings) and again.history == resumed.history


@pytest.mark.parametrize("change", ["data", "settings", "damaged"])
def test_a_checkpoint_of_something_else_is_not_used(
    shop: InteractionGraph, tmp_path: Path, change: str
) -> None:
    path, short = tmp_path / "checkpoint.pt", CONFIG.model_copy(update={"epochs": 1})
    fit(shop.before(shop.last_day) if change == "data" else shop, short, checkpoint=path)
    config = short.model_copy(update={"seed": 1}) if change == "settings" else short
    if change == "damaged":
        path.write_bytes(path.read_bytes()[:1000])
    said: list[str] = []
    result = fit(shop, config, checkpoint=path, progress=lambda stage, *_: said.append(stage))
    assert "starting afresh" in said[0]
    assert same(result.embeddings, fit(shop, config).embeddings)


def test_training_stops_when_validation_does_not_improve(shop: InteractionGraph) -> None:
    seen: list[Embeddings] = []

    def validate(embeddings: Embeddings) -> float:
        seen.append(embeddings)
        return [0.1, 0.3, 0.2, 0.3, 0.9][len(seen) - 1]

    config = CONFIG.model_copy(update={"epochs": 20, "validate_every": 2, "patience": 2})
    result = fit(shop, config, validate=validate)
    assert result.stopped == "patience"
    assert [e.metric for e in result.history] == [None, 0.1, None, 0.3, None, 0.2, None, 0.3]
    assert same(result.embeddings, seen[1])


def test_a_warm_start_begins_near_where_the_last_run_ended(
    shop: InteractionGraph, trained: Fit
) -> None:
    warm = fit(shop, CONFIG.model_copy(update={"epochs": 1}), start=trained.embeddings)
    first, last = trained.history[0].loss, trained.history[-1].loss
    assert warm.history[0].loss < (first + last) / 2


def test_a_warm_start_after_ids_changed_places(shop: InteractionGraph, trained: Fit) -> None:
    users, products = len(shop.users), len(shop.products)
    turned = replace(
        shop,
        users=IdMap(shop.users.ids.reverse()),
        products=IdMap(shop.products.ids.reverse()),
        user_rows=users - 1 - shop.user_rows,
        product_rows=products - 1 - shop.product_rows,
    )
    maps = (shop.users, turned.users), (shop.products, turned.products)
    start = trained.embeddings.moved(*maps)
    result = fit(turned, CONFIG.model_copy(update={"epochs": 1}), start=start).embeddings
    near = (result.user_vectors[::-1] * trained.embeddings.user_vectors).sum(1)
    assert np.median(near) > 0.8


def test_a_warm_start_over_a_grown_shop(shop: InteractionGraph, trained: Fit) -> None:
    grown = replace(
        shop,
        users=IdMap.of([*shop.users.ids, "new"]),
        products=IdMap.of([*shop.products.ids, "fresh", "fresher"]),
        registered=np.append(shop.registered, True),
    )
    result = fit(grown, CONFIG.model_copy(update={"epochs": 1}), start=trained.embeddings)
    near = (result.embeddings.user_vectors[:-1] * trained.embeddings.user_vectors).sum(1)
    assert np.median(near) > 0.8
    with pytest.raises(DataError, match="move them to the new id maps"):
        fit(shop, CONFIG, start=result.embeddings)
    with pytest.raises(DataError, match="of dim 8"):
        fit(grown, CONFIG.model_copy(update={"dim": 8}), start=trained.embeddings)


@pytest.mark.parametrize("loss", ["softmax", "bpr"])
def test_users_and_products_without_events_get_zero_vectors(
    shop: InteractionGraph, loss: str
) -> None:
    kept = shop.where((shop.user_rows != 3) & (shop.product_rows != 5))
    settings = {"epochs": 2, "loss": loss}
    vectors = fit(kept, CONFIG.model_copy(update=settings)).embeddings
    assert not vectors.user_vectors[3].any() and not vectors.product_vectors[5].any()
    assert vectors.product_bias[5] == 0
    assert np.isfinite(vectors.scores(np.arange(len(kept.users)))).all()
    assert vectors.user_vectors[4].any()


def test_no_events_are_an_error(shop: InteractionGraph) -> None:
    with pytest.raises(DataError, match="found none with a weight among 0"):
        fit(shop.before(0.0), CONFIG)


def test_a_gpu_that_is_not_there_is_an_error(
    shop: InteractionGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(ConfigError, match="torch finds no GPU"):
        fit(shop, CONFIG.model_copy(update={"device": "cuda"}))
