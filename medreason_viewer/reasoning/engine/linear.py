"""Linear layers as the decode loop calls them: several at once on one input, NF4 without needless memory.

On a CPU bitsandbytes writes a whole matrix out in float32 for every product, into memory that the system
must first hand over page by page: that takes longer than the arithmetic. Here a matrix is unpacked in parts
that stay in the processor's cache, and a model that is small when unpacked is unpacked once. The values are
the same. On a GPU, and on a CPU with bfloat16 arithmetic, bitsandbytes multiplies in 4 bit and is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import torch
import torch.nn.functional as F  # noqa: N812 (PyTorch's own name for it)
from bitsandbytes.functional import dequantize_blockwise
from torch import Tensor, nn

Check = Callable[[], None]
"""Called every now and then; may raise to stop the work."""
Products = Callable[[Tensor, Check], Sequence[Tensor]]
"""From inputs of shape (n, in) to one product of shape (n, out) for each layer."""

SMALL: Final = 2**24  # values of a model that is unpacked once: 64 MB
_PART: Final = 2**21  # values unpacked at a time: 8 MB
_FEW: Final = (
    128  # inputs, for which the matrix stands better on the left (measured: 2.5 x at 4, 1.1 x at 128)
)


@torch.no_grad()
def joined(modules: Sequence[nn.Module], *, keep: bool) -> Products:
    """Linear layers that read the same input: plain, in 4 bit, or either with peft's LoRA on top.

    Parameters
    ----------
    keep : bool
        Unpack once what is in 4 bit, and keep it.
    """
    bases: list[Any] = [getattr(module, "base_layer", module) for module in modules]
    if not all(_readable(base) for base in bases):
        return lambda inputs, check: [module(inputs) for module in modules]
    products = _together(bases) if keep else _one_by_one(bases)
    adapters = [(rank, adapter) for rank, module in enumerate(modules) if (adapter := _adapter(module))]
    return _adapted(products, adapters) if adapters else products


def packed_values(model: nn.Module) -> int:
    """How many weights of a model are in 4 bit."""
    modules: Iterator[Any] = model.modules()
    return sum(module.in_features * module.out_features for module in modules if _is_packed(module))


def _is_packed(module: Any) -> bool:
    return getattr(getattr(module, "weight", None), "quant_state", None) is not None


def _readable(base: Any) -> bool:
    """Whether the layer is better unpacked here than called, which one packed for bfloat16 is not."""
    if not _is_packed(base):
        return True
    state = base.weight.quant_state
    return bool(
        base.weight.device.type == "cpu"
        and not base.support_avx512bf16_for_cpu
        and state.nested
        and base.in_features % state.blocksize == 0
    )


def _together(bases: Sequence[Any]) -> Products:
    """One matrix of them all."""
    weight = torch.cat([_Packed(base).unpacked() if _is_packed(base) else base.weight for base in bases])
    bias = None
    if any(base.bias is not None for base in bases):
        parts = [weight.new_zeros(each.out_features) if each.bias is None else each.bias for each in bases]
        bias = torch.cat(parts)
    sizes = [base.out_features for base in bases]
    return lambda inputs, check: torch.split(_times(inputs, [weight], bias), sizes, dim=-1)


def _one_by_one(bases: Sequence[Any]) -> Products:
    products = [_Packed(base) if _is_packed(base) else _whole(base) for base in bases]
    return lambda inputs, check: [product(inputs, check) for product in products]


def _whole(layer: Any) -> Callable[[Tensor, Check], Tensor]:
    def product(inputs: Tensor, check: Check) -> Tensor:
        found: Tensor = layer(inputs) if _called_best(inputs) else _times(inputs, [layer.weight], layer.bias)
        return found

    return product


def _called_best(inputs: Tensor) -> bool:
    return inputs.device.type != "cpu" or not 1 < inputs.shape[0] <= _FEW


def _times(inputs: Tensor, parts: Iterable[Tensor], bias: Tensor | None) -> Tensor:
    """The product with a matrix that comes some rows after the other."""
    if _called_best(inputs):
        products = [F.linear(inputs, part) for part in parts]
        product = torch.cat(products, dim=-1) if len(products) > 1 else products[0]
    else:
        product = torch.cat([torch.mm(part, inputs.t()) for part in parts]).t().contiguous()
    return product if bias is None else product + bias


class _Packed:
    """A layer in NF4 on the CPU."""

    def __init__(self, base: Any) -> None:
        self._state, self._bias = base.weight.quant_state, base.bias
        self._shape = base.out_features, base.in_features
        self._packed = base.weight.data.view(torch.uint8).reshape(base.out_features, -1)
        self._rows = max(1, _PART // base.in_features)

    def __call__(self, inputs: Tensor, check: Check) -> Tensor:
        return _times(inputs, self._parts(inputs.dtype, check), self._bias)

    def unpacked(self) -> Tensor:
        """The whole matrix."""
        return torch.cat(list(self._parts(self._state.dtype, lambda: None)))

    def _parts(self, dtype: torch.dtype, check: Check) -> Iterator[Tensor]:
        """Some rows after the other, as values."""
        state, (rows, columns) = self._state, self._shape
        scales = dequantize_blockwise(state.absmax, state.state2) + state.offset
        scales = scales.view(rows, columns // state.blocksize)
        for packed, scale in zip(self._packed.split(self._rows), scales.split(self._rows), strict=True):
            check()
            yield torch.ops.bitsandbytes.dequantize_4bit.default(
                packed, scale, state.blocksize, "nf4", (packed.shape[0], columns), dtype
            )


def _adapter(module: Any) -> Callable[[Tensor], Tensor] | None:
    """What peft's LoRA adds to a layer's product; None without one."""
    if not hasattr(module, "lora_A"):
        return None
    (name,) = module.active_adapters
    down, up, scale = module.lora_A[name].weight, module.lora_B[name].weight, module.scaling[name]
    return lambda inputs: (F.linear(F.linear(inputs.to(down.dtype), down), up) * scale).to(inputs.dtype)


def _adapted(products: Products, adapters: Sequence[tuple[int, Callable[[Tensor], Tensor]]]) -> Products:
    def adapted(inputs: Tensor, check: Check) -> Sequence[Tensor]:
        found = list(products(inputs, check))
        for rank, adapter in adapters:
            found[rank] = found[rank] + adapter(inputs)
        return found

    return adapted
