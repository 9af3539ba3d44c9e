from __future__ import annotations

import numpy as np
import torch
from scipy import sparse

from gnn.adjacency import bipartite, normalised
from gnn.lightgcn import LightGCN, Propagation
from gnn.tensors import csr_tensor

CPU = torch.device("cpu")
PAIRS = sparse.csr_array(np.array([[1, 1, 0], [0, 1, 0], [0, 1, 2]], np.float32))
START = torch.tensor([[1.0, 0], [0, 1], [1, 1], [2, 0], [0, 2], [1, -1]])


def model(layers: int, *, cosine: bool = False, connected: list[bool] | None = None) -> LightGCN:
    mask = torch.tensor(connected or [True] * 6)
    adjacency = csr_tensor(bipartite(normalised(PAIRS)), CPU)
    return LightGCN(START.clone(), adjacency, mask, layers=layers, cosine=cosine)


def test_propagation_equals_the_hand_worked_one() -> None:
    # Sums of users: 2, 1, 3; of products: 1, 3, 2.
    root2, root3, root6 = np.sqrt([2, 3, 6])
    expected = [
        [2 / root2, 2 / root6],
        [0, 2 / root3],
        [2 / root6, 2 / 3 - 2 / root6],
        [1 / root2, 0],
        [1 / root6 + 1 / 3, 1 / root3 + 1 / 3],
        [2 / root6, 2 / root6],
    ]
    once = Propagation()(START, csr_tensor(bipartite(normalised(PAIRS)), CPU))
    np.testing.assert_allclose(once.numpy(), expected, rtol=1e-5)


def test_vectors_are_the_mean_of_the_layers_and_so_are_gradients() -> None:
    dense = torch.from_numpy(bipartite(normalised(PAIRS)).toarray())
    start = START.clone().requires_grad_()
    expected = (start + dense @ start + dense @ dense @ start) / 3
    expected.square().sum().backward()
    encoder = model(2)
    result = encoder()
    result.square().sum().backward()
    torch.testing.assert_close(result, expected)
    torch.testing.assert_close(encoder.vectors.grad, start.grad)


def test_csr_and_edge_list_propagate_alike() -> None:
    whole = bipartite(normalised(PAIRS)).tocoo()
    edges = torch.from_numpy(np.stack([whole.col, whole.row]).astype(np.int64))
    by_edges = Propagation()(START, edges, torch.from_numpy(whole.data))
    by_csr = Propagation()(START, csr_tensor(bipartite(normalised(PAIRS)), CPU))
    torch.testing.assert_close(by_csr, by_edges)


def test_cosine_gives_length_one_and_unconnected_nodes_are_zero() -> None:
    connected = [True, False, True, True, True, True]
    vectors = model(1, cosine=True, connected=connected).encode()
    lengths = np.linalg.norm(vectors.numpy(), axis=1)
    np.testing.assert_allclose(lengths, [1, 0, 1, 1, 1, 1], rtol=1e-6)


def test_no_layer_is_plain_factorisation() -> None:
    torch.testing.assert_close(model(0).encode(), START)
