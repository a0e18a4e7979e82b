"""Matrix products in bfloat16, of tensors that stay float32: `precision: fast` on a CPU.

Both factors of a product are rounded to 8 bits of mantissa, the processor sums products in float32,
and the result is rounded once more. Everything else (densities, sums, the update of the weights) is
float32 (mixed precision, Kalamkar et al. 2019). The gradient of a product consists of products and
is computed in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

WITHOUT_BIAS = (torch.matmul, Tensor.matmul, Tensor.__matmul__, torch.mm, torch.bmm)
WITH_BIAS = (
    functional.linear,
    functional.conv1d,
    functional.conv2d,
    functional.conv3d,
    functional.conv_transpose1d,
    functional.conv_transpose2d,
    functional.conv_transpose3d,
)
"""Functions whose first three arguments are an input, a weight and a bias."""


class Bfloat16Matmul(TorchFunctionMode):
    """A context in which float32 tensors are rounded to bfloat16 before matrix products."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: tuple[type, ...],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - any function of torch
        """Calls the function, with its factors rounded if it is a matrix product."""
        del types
        options = dict(kwargs or {})
        if func in WITHOUT_BIAS and all(_is_single(a) for a in args[:2]):
            return func(_short(args[0]), _short(args[1])).to(torch.float32)
        if func in WITH_BIAS and all(_is_single(a) for a in args[:2]):
            return _beside_bias(func, args, options)
        return func(*args, **options)


def _beside_bias(
    func: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]
) -> Tensor:
    """The product in bfloat16, plus the bias in float32."""
    bias = options.pop("bias", None) if len(args) < 3 else args[2]
    product: Tensor = func(_short(args[0]), _short(args[1]), None, *args[3:], **options)
    result = product.to(torch.float32)
    if bias is None:
        return result
    spatial = 0 if func is functional.linear else args[1].dim() - 2
    beside: Tensor = bias.reshape(-1, *(1,) * spatial)
    return result + beside


def _is_single(value: object) -> bool:
    return isinstance(value, Tensor) and value.dtype == torch.float32


def _short(value: Tensor) -> Tensor:
    return value.to(torch.bfloat16)


def has_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 numbers faster than float32 ones."""
    found = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return any(found.get(unit, False) for unit in ("avx512_bf16", "amx_bf16"))


def matmul_precision(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """The context in which a step computes its loss: bfloat16 products under `fast` on a CPU."""
    if precision == "fast" and device.type == "cpu" and has_bfloat16():
        return Bfloat16Matmul()
    return nullcontext()
