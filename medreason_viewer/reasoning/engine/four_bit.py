"""NF4 with double quantisation, as bitsandbytes computes and transformers stores it, in little memory."""

from __future__ import annotations

from typing import Any, Final

import torch
from bitsandbytes.functional import QuantState, get_4bit_type, quantize_4bit, quantize_blockwise
from bitsandbytes.nn.modules import Params4bit
from torch import Tensor

# A list that matches nothing is silent, and any list drops the automatic skip of lm_head: hence the check
# of what is quantised after every load.
UNQUANTISED: Final = ("lm_head", "model.visual")
BLOCK: Final = 64  # values that share a scale
_SCALES_BLOCK: Final = 256  # scales that share a scale of their own
_CHUNK: Final = 1 << 20  # values at a time; a multiple of any block
STATE: Final = "weight.quant_state.bitsandbytes__nf4"


@torch.no_grad()
def quantise_nf4(weight: Tensor, device: str) -> dict[str, Tensor]:
    """A linear layer's weight as the tensors that a model folder holds of it.

    Bit for bit what ``bitsandbytes.functional.quantize_4bit`` gives, but piece by piece: on a CPU that takes
    a dozen bytes a value for intermediate results.

    Parameters
    ----------
    weight : Tensor
        Shape (out, in), a float dtype.
    device : str
        Where to compute; the results are on the CPU.

    Returns
    -------
    dict
        ``weight`` (packed, uint8, shape (values / 2, 1)), its scales and tables, and :data:`STATE`.
    """
    flat = weight.reshape(-1)
    pieces = [_piece(part.to(device)) for part in torch.split(flat, _CHUNK)]
    packed, scales = (torch.cat(parts) for parts in zip(*pieces, strict=True))
    offset = scales.mean()
    small_scales, of_scales = quantize_blockwise(scales - offset, blocksize=_SCALES_BLOCK)
    state = QuantState(  # type: ignore[no-untyped-call]
        absmax=small_scales,
        shape=weight.shape,
        dtype=weight.dtype,
        blocksize=BLOCK,
        code=get_4bit_type("nf4", device=device),  # type: ignore[no-untyped-call]
        quant_type="nf4",
        offset=offset,
        state2=of_scales,
    )
    stored = {f"weight.{name}": value for name, value in state.as_dict(packed=True).items()}
    return {name: value.cpu() for name, value in ({"weight": packed} | stored).items()}


def _piece(values: Tensor) -> tuple[Tensor, Tensor]:
    packed, state = quantize_4bit(values, blocksize=BLOCK, quant_type="nf4")
    return packed, state.absmax


def on_the_fly(weight: Tensor, device: str) -> dict[str, Tensor]:
    """The same tensors by the way that loading takes, for comparison."""
    placed: Any = Params4bit(weight, requires_grad=False, compress_statistics=True, quant_type="nf4")
    placed = placed.to(device)
    stored = placed.quant_state.as_dict(packed=True)
    return {"weight": placed.data.cpu()} | {f"weight.{name}": value.cpu() for name, value in stored.items()}
