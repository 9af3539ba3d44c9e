from __future__ import annotations

import numpy as np
import pytest
import torch

from gnn.contrast import info_nce, perturbed


def test_noise_has_its_length_and_keeps_the_signs() -> None:
    layer = torch.tensor([[1.0, -2, 3], [-1, 0.5, -0.1]])
    noise = perturbed(layer, 0.1, np.random.default_rng(0)) - layer
    np.testing.assert_allclose(noise.norm(dim=1), [0.1, 0.1], rtol=1e-5)
    assert torch.equal(noise.sign(), layer.sign())


def test_info_nce_worked_out_by_hand() -> None:
    first, second = torch.tensor([[2.0, 0], [0, 1]]), torch.tensor([[1.0, 0], [3, 0]])
    # Cosines 1 and 1, then 0 and 0: neither row can tell the two apart.
    assert float(info_nce(first, second, 0.5)) == pytest.approx(np.log(2))
    # Cosines 1 and 0 over the temperature .5, twice.
    expected = np.log(1 + np.exp(-2))
    assert float(info_nce(first, first, 0.5)) == pytest.approx(expected, rel=1e-5)
