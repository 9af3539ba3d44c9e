"""Between scipy and torch: sparse tensors, their product with a gradient, and the device.

torch's CSR product with ``reduce="sum"`` is native on every CPU and twice as fast as the one
through MKL, but has no gradient in the dense factor unless the sparse one asks for one too: so the
gradient is written out here, with the transpose at hand instead of made on each step.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor

from graph.interactions import FloatMatrix
from loaders.errors import ConfigError

__all__ = ["choose_device", "csr_tensor", "product", "tolerated"]


@contextmanager
def tolerated(message: str) -> Iterator[None]:
    """Let one known warning of a library pass in silence: the one that starts with ``message``."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=message)
        yield


def choose_device(wanted: Literal["auto", "cpu", "cuda"]) -> torch.device:
    """The device to train on.

    Raises:
        ConfigError: a GPU is asked for and there is none.
    """
    found = torch.cuda.is_available()
    if wanted == "cuda" and not found:
        raise ConfigError("device is 'cuda' but torch finds no GPU; set it to 'auto' or 'cpu'")
    return torch.device("cuda" if found and wanted != "cpu" else "cpu")


def csr_tensor(matrix: FloatMatrix, device: torch.device) -> Tensor:
    """``matrix`` as a torch CSR tensor on ``device``."""
    with tolerated("Sparse CSR tensor support is in beta state"):
        tensor = torch.sparse_csr_tensor(
            torch.from_numpy(matrix.indptr).long(),
            torch.from_numpy(matrix.indices).long(),
            torch.from_numpy(matrix.data),
            size=matrix.shape,
            check_invariants=False,
        )
        return tensor.to(device)


def product(matrix: Tensor, transposed: Tensor, dense: Tensor) -> Tensor:
    """``matrix @ dense`` with a gradient in ``dense``.

    Args:
        matrix: CSR [n, m].
        transposed: its transpose, CSR [m, n]; a symmetric matrix is its own.
        dense: [m, dim].

    Returns:
        Tensor [n, dim].
    """
    result: Tensor = _Product.apply(matrix, transposed, dense)
    return result


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, matrix: Tensor, transposed: Tensor, dense: Tensor) -> Tensor:
        ctx.transposed = transposed
        return _multiply(matrix, dense)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[None, None, Tensor]:
        return None, None, _multiply(ctx.transposed, grads[0].contiguous())


def _multiply(matrix: Tensor, dense: Tensor) -> Tensor:
    """Sparse times dense; only the CPU knows the reducing form."""
    reduce = () if dense.is_cuda else ("sum",)
    result: Tensor = torch.sparse.mm(matrix, dense, *reduce)
    return result
