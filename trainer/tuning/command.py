"""``medreason-train sft``: arguments, and what they set going."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .recipe import Recipe


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``sft``."""
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="a data set")
    parser.add_argument("--out", type=Path, required=True, metavar="BUNDLE", help="the bundle to write")
    parser.add_argument("--start", type=Path, metavar="BUNDLE", help="go on from it (default: from scratch)")
    parser.add_argument("--go-on", type=Path, metavar="DIR", help="go on from an earlier run's --work folder")
    parser.add_argument("--work", type=Path, metavar="DIR", help="checkpoints (default: BUNDLE-work)")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    parser.add_argument(
        "--mode",
        choices=("full", "lora", "qlora"),
        default="full",
        help="all weights (default), an adapter, or an adapter on the model in 4 bit",
    )
    parser.add_argument("--rank", type=int, default=16, help="of a new adapter")
    parser.add_argument("--alpha", type=int, default=32, help="of a new adapter")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="for arithmetic")
    _add_steps(parser.add_argument_group("steps"))
    _add_examples(parser.add_argument_group("examples"))
    parser.set_defaults(run=run)


def _add_steps(group: Any) -> None:
    group.add_argument("--steps", type=int, default=0, help="of the fine-tuning")
    group.add_argument(
        "--as-long-as",
        type=Path,
        metavar="DIR",
        help="instead: as many as take as long as the training in DIR",
    )
    group.add_argument("--at-pace-of", type=Path, metavar="DIR", help="of that training, where --as-long-as")
    group.add_argument("--rate", type=float, default=6e-4, help="its learning rate")
    group.add_argument("--warm-up-steps", type=int, default=0, help="of the dense warm-up (default 0: none)")
    group.add_argument("--warm-up-rate", type=float, default=8e-4, help="its learning rate")
    group.add_argument("--batch", type=int, default=24, help="examples a step, over all processes")
    group.add_argument("--micro-batch", type=int, help="examples of one backward pass (default: all at once)")
    group.add_argument("--gradient-checkpointing", action="store_true", help="less memory, more time")
    group.add_argument("--seed", type=int, default=0)
    group.add_argument("--save-every", type=int, default=500, metavar="STEPS")
    group.add_argument("--log-every", type=int, default=25, metavar="STEPS")
    group.add_argument(
        "--nf4-from",
        type=float,
        default=0.6,
        help="part of the steps after which weights are rounded to NF4 (full only)",
    )
    group.add_argument("--dense-weight", type=float, default=0.2, help="of the warm-up's loss in fine-tuning")


def _add_examples(group: Any) -> None:
    group.add_argument("--locate-share", type=float, default=0.5, help="of the examples; the rest reason")
    group.add_argument(
        "--emphasis",
        type=_emphasis,
        action="append",
        default=[],
        metavar="FINDING=TIMES",
        help="show the slices of a finding so much more often; may be given for several",
    )
    group.add_argument("--without-zoom", action="store_true", help="no region is embedded in the image")
    group.add_argument("--judge", type=int, default=48, help="validation slices for each checkpoint")
    group.add_argument("--workers", type=int, default=1, help="processes that prepare examples")


def _emphasis(text: str) -> tuple[str, float]:
    finding, _, times = text.rpartition("=")
    if not finding:
        raise argparse.ArgumentTypeError(f"{text!r} is not FINDING=TIMES")
    return finding, float(times)


def recipe_of(args: argparse.Namespace) -> Recipe:
    """The recipe as given on the command line.

    Raises
    ------
    ValueError
        If it makes no sense.
    """
    from .adapters import Lora
    from .fit import Fit
    from .pace import steps_of
    from .recipe import Recipe
    from .sft import Sft

    if not 0 <= args.locate_share <= 1:
        raise ValueError("the share of locate turns must be between 0 and 1")
    if (args.as_long_as is None) != (args.at_pace_of is None):
        raise ValueError("--as-long-as and --at-pace-of go together")
    steps = steps_of(args.as_long_as, args.at_pace_of) if args.as_long_as else args.steps
    shared = ("batch", "micro_batch", "seed", "save_every", "log_every", "workers", "gradient_checkpointing")
    common = {name: getattr(args, name) for name in shared}
    warm_up = (
        Fit(args.warm_up_steps, learning_rate=args.warm_up_rate, **common) if args.warm_up_steps else None
    )
    sft = Sft(
        Fit(steps, learning_rate=args.rate, **common),
        mode=args.mode,
        lora=Lora(args.rank, args.alpha),
        turns={"locate": args.locate_share, "reason": 1 - args.locate_share},
        emphasis=dict(args.emphasis),
        nf4_from=args.nf4_from,
        dense_weight=args.dense_weight,
    )
    return Recipe(
        sft,
        warm_up,
        start=args.start,
        earlier=args.go_on,
        seed=args.seed,
        judge=args.judge,
        zoom=not args.without_zoom,
        device=args.device,
    )


def run(args: argparse.Namespace) -> None:
    """Train and write the bundle; raises as :func:`trainer.tuning.recipe.train`."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # spinning threads slow a shared machine
    import torch

    from .recipe import train

    torch.set_num_threads(args.threads)
    work = args.work or args.out.with_name(f"{args.out.name}-work")
    train(recipe_of(args), args.data, args.out, work, args.resume)
