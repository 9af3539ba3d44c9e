from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
import torch
from scipy import sparse

from gnn.adjacency import pair_weights
from gnn.config import GnnConfig, HeteroConfig
from gnn.embeddings import Embeddings
from gnn.hetero import Hetero, shop_data
from gnn.inductive import HeteroEncoder, HeteroFit, fit_hetero
from gnn.nodes import NodeFeatures
from gnn.relations import Relation, belonging, event_relations
from graph.ids import IdMap
from graph.interactions import InteractionGraph
from graph.shop import Shop
from loaders.errors import DataError
from loaders.schema import EVENT_NAMES
from loaders.synthetic import GROUPS, Planted
from pipeline.config import Config
from pipeline.methods import RECENT, Task, fit_methods
from pipeline.nodes import fit_describer
from tests.graphs import graph_of, graph_of_shop

CPU = torch.device("cpu")
CONFIG = GnnConfig(
    encoder="hetero", dim=16, epochs=8, batch_size=2_000, negatives=128, device="cpu", seed=3
)
ROOT_HALF = np.sqrt(0.5)


def shop_of(planted: Planted) -> Shop:
    data = planted.dataset
    return Shop(graph_of_shop(planted), data.users, data.products, data.table("categories"))


@pytest.fixture(scope="module")
def shop(planted: Planted) -> Shop:
    return shop_of(planted)


@pytest.fixture(scope="module")
def features(shop: Shop) -> NodeFeatures:
    return fit_describer(shop, shop.graph, HeteroConfig(title_dim=8)).describe(shop, shop.graph)


@pytest.fixture(scope="module")
def trained(shop: Shop, features: NodeFeatures) -> HeteroFit:
    return fit_hetero(shop.graph, features, CONFIG)


def same(one: Embeddings, other: Embeddings) -> bool:
    names = ("user_vectors", "product_vectors", "product_bias")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def aisles(n_products: int) -> npt.NDArray[np.int64]:
    return np.arange(n_products) // (n_products // GROUPS)


def test_planted_taste_is_recovered(planted: Planted, trained: HeteroFit) -> None:
    vectors = trained.embeddings
    affinity = vectors.user_vectors @ vectors.product_vectors.T
    top = np.argsort(-affinity, axis=1)[:, :10]
    found = aisles(len(vectors.product_vectors))[top]
    assert (found == planted.group[:, None]).mean() >= 0.9
    assert trained.history[-1].loss < trained.history[0].loss - 0.05


def test_the_same_seed_gives_the_same_vectors(
    shop: Shop, features: NodeFeatures, trained: HeteroFit
) -> None:
    assert same(fit_hetero(shop.graph, features, CONFIG).embeddings, trained.embeddings)
    other = CONFIG.model_copy(update={"seed": 4, "epochs": 1})
    assert not same(fit_hetero(shop.graph, features, other).embeddings, trained.embeddings)


def test_what_was_trained_encodes_the_same_shop_alike_also_from_a_file(
    shop: Shop, features: NodeFeatures, trained: HeteroFit, tmp_path: Path
) -> None:
    trained.encoder.save(tmp_path / "deep" / "encoder.pt")
    loaded = HeteroEncoder.load(tmp_path / "deep" / "encoder.pt")
    assert loaded.config == CONFIG
    for encoder in (trained.encoder, loaded):
        assert same(encoder.encode(shop.graph, features), trained.embeddings)


@pytest.mark.parametrize("content", [None, b"no encoder"])
def test_a_missing_or_damaged_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "encoder.pt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"encoder\.pt.*train again"):
        HeteroEncoder.load(path)


def test_a_product_never_bought_lies_with_its_aisle(planted: Planted, shop: Shop) -> None:
    """One product in five is never seen in training; only its features tell where it belongs."""
    n_products = shop.graph.shape[1]
    unseen = np.arange(n_products) % 5 == 4
    known = shop.graph.of_products(~unseen)
    describer = fit_describer(shop, known, HeteroConfig(title_dim=8))
    encoder = fit_hetero(known, describer.describe(shop, known), CONFIG).encoder
    events = shop.graph.where(~unseen[shop.graph.product_rows])
    vectors = encoder.encode(events, describer.describe(shop, events))
    affinity = vectors.user_vectors @ vectors.product_vectors[unseen].T
    liking = np.stack([affinity[planted.group == g].mean(axis=0) for g in range(GROUPS)])
    assert (liking.argmax(axis=0) == aisles(n_products)[unseen]).mean() >= 0.9
    assert not vectors.product_bias[unseen].any()


def test_a_customer_with_three_clicks_is_led_to_their_aisle(
    planted: Planted, shop: Shop, trained: HeteroFit
) -> None:
    """Four new customers, one a group, each with three purchases of it and no attributes."""
    size = shop.graph.shape[1] // GROUPS
    bought = np.concatenate([g * size + np.array([0, 1, 2]) for g in range(GROUPS)])
    new = len(shop.graph.users) + np.arange(GROUPS).repeat(3)
    users = [*shop.graph.users.ids, *(f"new-{g}" for g in range(GROUPS))]
    later = _with_events(shop.graph, users, new, bought)
    table = pl.concat([shop.users, pl.DataFrame({"user_id": users[-GROUPS:]})], how="diagonal")
    grown = replace(shop, graph=later, users=table)
    describer = fit_describer(shop, shop.graph, HeteroConfig(title_dim=8))
    vectors = trained.encoder.encode(later, describer.describe(grown, later))
    affinity = vectors.user_vectors[-GROUPS:] @ vectors.product_vectors.T
    top = np.argsort(-affinity, axis=1)[:, :8]
    assert (aisles(shop.graph.shape[1])[top] == np.arange(GROUPS)[:, None]).mean() >= 0.8


def _with_events(
    graph: InteractionGraph,
    users: list[str],
    user_rows: npt.NDArray[np.int64],
    product_rows: npt.NDArray[np.int64],
) -> InteractionGraph:
    n = len(user_rows)
    added = {
        "user_rows": user_rows.astype(np.int32),
        "product_rows": product_rows.astype(np.int32),
        "kinds": np.zeros(n, np.int8),
        "days": np.full(n, graph.last_day),
        "quantities": np.ones(n, np.float32),
        "values": np.ones(n, np.float32),
        "orders": np.full(n, -1, np.int32),
    }
    joined = {k: np.concatenate([getattr(graph, k), v]) for k, v in added.items()}
    return replace(graph, users=IdMap.of(users), registered=np.ones(len(users), np.bool_), **joined)


def test_a_resumed_run_equals_an_uninterrupted_one(
    shop: Shop, features: NodeFeatures, tmp_path: Path
) -> None:
    config = CONFIG.model_copy(update={"epochs": 4, "validate_every": 1, "patience": 9})
    whole = fit_hetero(shop.graph, features, config, validate=_rising())
    path = tmp_path / "checkpoint.pt"
    with pytest.raises(KeyboardInterrupt):
        fit_hetero(shop.graph, features, config, validate=_rising(3), checkpoint=path)
    said: list[tuple[str, int, int]] = []
    resumed = fit_hetero(
        shop.graph,
        features,
        config,
        validate=_rising(done=2),
        checkpoint=path,
        progress=lambda *told: said.append(told),
    )
    assert said[0] == ("train encoder: resuming after epoch 2 from checkpoint.pt", 2, 4)
    assert said[-1][0].endswith(" s an epoch") and [done for _, done, _ in said] == [2, 3, 4]
    assert same(resumed.embeddings, whole.embeddings)
    other = fit_hetero(
        shop.graph,
        replace(features, products=features.products * 2),
        config.model_copy(update={"epochs": 1}),
        checkpoint=path,
        progress=lambda *told: said.append(told),
    )
    assert "of other data or settings" in said[3][0] and len(other.history) == 1


def _rising(interrupted: int = 0, done: int = 0) -> Callable[[Embeddings], float]:
    """A validation that is better each time, and interrupted at one."""
    calls = iter(range(done + 1, 99))

    def validate(_: Embeddings) -> float:
        call = next(calls)
        if call == interrupted:
            raise KeyboardInterrupt
        return float(call)

    return validate


def test_the_best_validation_is_kept_and_training_stops(shop: Shop, features: NodeFeatures) -> None:
    seen: list[Embeddings] = []

    def validate(embeddings: Embeddings) -> float:
        seen.append(embeddings)
        return [0.1, 0.3, 0.2, 0.3][len(seen) - 1]

    config = CONFIG.model_copy(update={"epochs": 9, "validate_every": 1, "patience": 2})
    done = fit_hetero(shop.graph, features, config, validate=validate)
    assert done.stopped == "patience" and len(done.history) == 4
    assert same(done.embeddings, seen[1])
    assert same(done.encoder.encode(shop.graph, features), seen[1])


def test_nothing_known_means_a_zero_vector_and_no_nan(shop: Shop) -> None:
    graph = shop.graph.where((shop.graph.user_rows != 3) & (shop.graph.product_rows != 5))
    config = CONFIG.model_copy(update={"epochs": 1})
    vectors = fit_hetero(graph, None, config).embeddings
    assert not vectors.user_vectors[3].any() and not vectors.product_vectors[5].any()
    assert vectors.user_vectors[4].any()
    assert np.isfinite(vectors.scores(np.arange(len(graph.users)))).all()


def test_features_of_another_shop_are_refused(
    shop: Shop, features: NodeFeatures, trained: HeteroFit
) -> None:
    short = replace(features, users=features.users[1:])
    with pytest.raises(DataError, match="expected features of 200 users and 100 products"):
        fit_hetero(shop.graph, short, CONFIG)
    wide = replace(features, products=np.hstack([features.products] * 2))
    with pytest.raises(DataError, match=r"maps\.product differ"):
        trained.encoder.encode(shop.graph, wide)
    with pytest.raises(DataError, match="a parent for each category"):
        replace(features, parent=features.parent[1:])


def small() -> InteractionGraph:
    """Two users, two products: a buys p and q, b buys q and views p."""
    graph = graph_of([(0, 0, 1, 0), (0, 1, 1, 0), (1, 1, 1, 1), (1, 0, 1, -1)], 2, 2)
    kinds = np.array([0, 0, 0, EVENT_NAMES.index("view_item")], np.int8)
    return replace(graph, kinds=kinds)


PLAIN = CONFIG.model_copy(update={"half_life": None, "damping": "none"})


def test_each_kind_of_event_is_an_edge_type_of_its_own() -> None:
    pairs = pair_weights(small(), PLAIN)
    bought, viewed = event_relations(small(), pairs, PLAIN, CPU)
    assert bought.ends == ("user", "purchase", "product") and bought.pairs.tolist() == [0, 1, 3]
    assert viewed.ends == ("user", "view_item", "product") and viewed.pairs.tolist() == [2]
    messages = bought.messages()
    to_users, to_products = messages[bought.reverse][0], messages[bought.ends][0]
    # Sums of a and b are 2 and 1, of p and q 1 and 2.
    expected = np.array([[ROOT_HALF, 0.5], [0, ROOT_HALF]])
    np.testing.assert_allclose(to_users.to_dense(), expected, rtol=1e-6)
    np.testing.assert_allclose(to_products.to_dense(), expected.T, rtol=1e-6)


def test_hidden_pairs_carry_nothing_and_the_rest_is_scaled_anew() -> None:
    pairs = pair_weights(small(), PLAIN)
    bought, viewed = event_relations(small(), pairs, PLAIN, CPU)
    hidden = torch.tensor([False, True, True, False, False])
    to_users, transposed = bought.messages(hidden)[bought.reverse]
    np.testing.assert_allclose(to_users.to_dense(), [[1, 0], [0, 1]])
    np.testing.assert_allclose(transposed.to_dense(), [[1, 0], [0, 1]])
    assert not viewed.messages(hidden)[viewed.reverse][0].to_dense().any()


def test_belongings_take_the_mean_over_neighbours() -> None:
    none = np.empty((0, 0), np.float32)
    features = NodeFeatures(
        none,
        np.zeros((3, 0), np.float32),
        IdMap.of(["food", "milk"]),
        IdMap.of(["farm"]),
        np.array([1, 1, -1]),
        np.array([-1, -1, -1]),
        np.array([-1, 0]),
    )
    within, below = belonging(features, CPU)
    assert within.ends == ("product", "in_category", "category")
    assert below.ends == ("category", "child_of", "category")
    messages = within.messages()
    np.testing.assert_array_equal(messages[within.ends][0].to_dense(), [[0, 0, 0], [0.5, 0.5, 0]])
    np.testing.assert_array_equal(messages[within.reverse][0].to_dense(), [[0, 1], [0, 1], [0, 0]])


def test_gradients_of_messages_are_those_of_the_dense_product() -> None:
    matrix = sparse.csr_array(np.array([[1, 2, 0], [0, 3, 4]], np.float32))
    relation = Relation.of(("user", "purchase", "product"), matrix, CPU, mean=False)
    graph, features = small(), NodeFeatures.unknown(small())
    pairs = pair_weights(graph, PLAIN)
    config = PLAIN.model_copy(update={"cosine": False, "layers": 1, "dim": 2})
    start = torch.tensor([[1.0, 0], [0, 1], [1, 1], [2, -1]])
    model = Hetero(shop_data(graph, features, pairs, config, CPU), start, config, pairs.nnz)
    assert {r.ends[1] for r in model.relations} == {"purchase", "view_item"}
    dense = torch.zeros(4, 4)
    for kept in model.relations:
        dense[:2, 2:] += kept.messages()[kept.reverse][0].to_dense()
    dense[2:, :2] = dense[:2, 2:].T.clone()
    own = start.clone().requires_grad_()
    ((own + dense @ own) / 2).square().sum().backward()
    result = model()
    torch.testing.assert_close(result, (start + dense @ start) / 2)
    result.square().sum().backward()
    torch.testing.assert_close(model.own.grad, own.grad)
    assert relation.messages()[relation.ends][0].shape == (3, 2)


def test_the_setting_selects_it_and_a_product_never_bought_has_a_vector(shop: Shop) -> None:
    bought = shop.graph.where(shop.graph.product_rows != 5)
    task = Task(bought, Config(gnn=CONFIG.model_copy(update={"epochs": 1})), shop=shop)
    fitted = fit_methods(task, needed=[RECENT])
    assert set(fitted.scorers) == {RECENT, "hetero"} and fitted.encoder.name == "hetero"
    assert fitted.embeddings.product_vectors[5].any()
