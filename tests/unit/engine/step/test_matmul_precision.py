"""Products in bfloat16: of tensors that stay float32, and of nothing else."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from specc.engine.step import matmul_precision as module
from specc.engine.step.matmul_precision import Bfloat16Matmul, matmul_precision


def drawn(*shape, seed=0, dtype=torch.float32):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def rounded(value):
    return value.to(torch.bfloat16).to(torch.float64)


def test_a_product_is_that_of_rounded_factors():
    x, w, b = drawn(6, 50), drawn(7, 50, seed=1), drawn(7, seed=2)
    with Bfloat16Matmul():
        found = functional.linear(x, w, b)
    exact = rounded(x) @ rounded(w).mT
    assert found.dtype == torch.float32
    # One more rounding, of the result, to 8 bits of mantissa; the bias is added in float32.
    assert ((found - b).double() - exact).abs().max() <= 2**-8 * exact.abs().max()
    assert (found - functional.linear(x, w, b)).abs().max() > 1e-5


def test_a_bias_is_not_rounded():
    bias = torch.tensor([1.0 + 2**-20])
    with Bfloat16Matmul():
        found = functional.linear(torch.zeros(1, 3), torch.zeros(1, 3), bias)
        beside = functional.conv2d(torch.zeros(1, 1, 3, 3), torch.zeros(1, 1, 3, 3), bias)
    assert found.item() == bias.item() == beside.item()


@pytest.mark.parametrize(
    "multiply", [torch.matmul, torch.mm, lambda a, b: a @ b, torch.Tensor.matmul]
)
def test_every_way_to_write_a_product(multiply):
    a, b = drawn(4, 5), drawn(5, 3, seed=1)
    with Bfloat16Matmul():
        found = multiply(a, b)
    torch.testing.assert_close(found, (a.bfloat16() @ b.bfloat16()).float(), rtol=0, atol=0)


def test_what_is_no_product_of_float32_stays_as_it_is():
    x, w = drawn(6, 5, dtype=torch.float64), drawn(7, 5, dtype=torch.float64)
    single = drawn(6, 5)
    with Bfloat16Matmul():
        assert torch.equal(functional.linear(x, w), x @ w.mT)
        assert torch.equal(single * single, single.square())
        assert torch.equal(single.logsumexp(-1), torch.logsumexp(single, -1))


@pytest.mark.parametrize(
    "layer, shape",
    [
        (nn.Linear(6, 4), (5, 6)),
        (nn.Conv1d(2, 3, 3, padding=1), (5, 2, 8)),
        (nn.Conv2d(2, 3, 3, stride=2), (5, 2, 8, 8)),
        (nn.ConvTranspose2d(2, 3, 4, stride=2), (5, 2, 4, 4)),
    ],
)
def test_gradients_of_layers_are_near(layer, shape):
    x = drawn(*shape)

    def gradients(within):
        with within:
            loss = layer(x).square().sum()
        return torch.autograd.grad(loss, list(layer.parameters()))

    exact = gradients(matmul_precision("float32", torch.device("cpu")))
    for one, other in zip(exact, gradients(Bfloat16Matmul()), strict=True):
        assert other.dtype == torch.float32
        assert 0 < (one - other).norm() < 0.03 * one.norm()


def test_they_are_used_where_the_processor_has_units_for_them(monkeypatch):
    cpu = torch.device("cpu")
    monkeypatch.setattr(module, "has_bfloat16", lambda: True)
    assert isinstance(matmul_precision("fast", cpu), Bfloat16Matmul)
    assert not isinstance(matmul_precision("float32", cpu), Bfloat16Matmul)
    assert not isinstance(matmul_precision("fast", torch.device("cuda")), Bfloat16Matmul)
    monkeypatch.setattr(module, "has_bfloat16", lambda: False)
    assert not isinstance(matmul_precision("fast", cpu), Bfloat16Matmul)
