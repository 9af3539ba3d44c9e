from __future__ import annotations

import numpy as np
import pytest
import torch

from gnn.config import LightGCNConfig
from gnn.losses import Batch, Catalogue, bpr, sampled_softmax

USERS = torch.tensor([[1.0, 0], [0, 1], [1, 1]])
PRODUCTS = torch.tensor([[1.0, 0], [0, 2], [1, -1]])
BATCH = Batch(np.array([0, 2, 2]), np.array([0, 0, 1]), np.array([1, 2, 3], np.float32))


def catalogue(weights: list[float], **settings: object) -> Catalogue:
    config = LightGCNConfig.model_validate({"cosine": False, "temperature": 0.5, **settings})
    return Catalogue(np.array(weights, np.float32), config, torch.device("cpu"))


def test_batch_matrix_names_its_users_once() -> None:
    named, matrix = BATCH.matrix(3)
    np.testing.assert_array_equal(named, [0, 2])
    np.testing.assert_array_equal(matrix.toarray(), [[1, 0, 0], [2, 3, 0]])


def test_bias_is_log_popularity_and_zero_where_nothing_is_known() -> None:
    bias = catalogue([2, 0, 6], popularity=0.5).bias
    np.testing.assert_allclose(bias, [0.5 * np.log(2), 0, 0.5 * np.log(4)], rtol=1e-6)


@pytest.mark.parametrize(("power", "expected"), [(1.0, [0.2, 0, 0.8]), (0.0, [0.5, 0, 0.5])])
def test_negatives_follow_popularity_to_their_power(power: float, expected: list[float]) -> None:
    rows, log_chances = catalogue([1, 0, 4], negative_power=power).draw(
        np.random.default_rng(0), 20_000
    )
    shares = np.bincount(rows.numpy(), minlength=3) / 20_000
    np.testing.assert_allclose(shares, expected, atol=0.02)
    np.testing.assert_allclose(np.exp(log_chances.numpy()), np.array(expected)[rows], rtol=1e-5)


def test_softmax_with_many_samples_is_the_whole_softmax() -> None:
    known = catalogue([1, 2, 3], negatives=200_000)
    scores = USERS @ PRODUCTS.T / 0.5 + known.bias_tensor
    log_shares = torch.log_softmax(scores, 1)
    expected = -(log_shares[0, 0] + 2 * log_shares[2, 0] + 3 * log_shares[2, 1]) / 6
    loss = sampled_softmax(USERS, PRODUCTS, BATCH, known, np.random.default_rng(0))
    assert float(loss) == pytest.approx(float(expected), abs=0.01)


def test_softmax_gradient_equals_that_of_autograd() -> None:
    known = catalogue([1, 2, 3], negatives=50)
    users, products = USERS.clone().requires_grad_(), PRODUCTS.clone().requires_grad_()
    sampled_softmax(users, products, BATCH, known, np.random.default_rng(3)).backward()
    rows, log_chances = known.draw(np.random.default_rng(3), 50)
    plain_users = USERS.clone().requires_grad_()
    plain_products = PRODUCTS.clone().requires_grad_()
    scores = plain_users @ plain_products.T / 0.5 + known.bias_tensor
    normaliser = (scores[:, rows] - log_chances - np.log(50)).logsumexp(1)
    pairs = torch.tensor([[1.0, 0, 0], [0, 0, 0], [2, 3, 0]])
    ((pairs.sum(1) * normaliser).sum() - (pairs * scores).sum()).div(6).backward()
    torch.testing.assert_close(users.grad, plain_users.grad)
    torch.testing.assert_close(products.grad, plain_products.grad)


def test_bpr_is_the_weighted_mean_of_log_sigmoids() -> None:
    known = catalogue([0, 0, 1], popularity=0)  # only the third product can be drawn
    margins = np.array([1 - 1, 1 - 0, 2 - 0]) / 0.5
    expected = np.average(np.log1p(np.exp(-margins)), weights=[1, 2, 3])
    loss = bpr(USERS, PRODUCTS, BATCH, known, np.random.default_rng(0))
    assert float(loss) == pytest.approx(expected, rel=1e-5)
