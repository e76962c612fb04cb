"""``medreason-train grpo`` and ``medreason-train bench``: arguments, and what they set going."""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from medreason_viewer.reasoning.bundles.manifest import Manifest

    from .plan import Grpo

_LOSSES: Final = ("grpo", "dr_grpo", "dapo", "bnpo", "gspo")
_log = logging.getLogger(__name__)


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``grpo``."""
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="a data set")
    parser.add_argument(
        "--bundle", type=Path, required=True, metavar="BUNDLE", help="the model to go on from"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="BUNDLE", help="the bundle to write")
    parser.add_argument(
        "--work", type=Path, metavar="DIR", help="checkpoints and replies (default: OUT-work)"
    )
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    parser.add_argument(
        "--mode",
        choices=("full", "lora", "qlora"),
        default="qlora",
        help="all weights, an adapter, or an adapter on the model in 4 bit (default)",
    )
    parser.add_argument("--rank", type=int, default=16, help="of a new adapter")
    parser.add_argument("--alpha", type=int, default=32, help="of a new adapter")
    parser.add_argument(
        "--exact", action="store_true", help="do not round weights to 4 bit in every pass (full only)"
    )
    parser.add_argument("--train-vision", action="store_true", help="the vision tower too (full only)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="for arithmetic")
    _add_rounds(parser.add_argument_group("rounds of rollouts"))
    _add_objective(parser.add_argument_group("objective"))
    parser.set_defaults(run=run)


def _add_rounds(group: Any) -> None:
    group.add_argument("--steps", type=int, required=True, help="of the optimizer")
    group.add_argument("--prompts", type=int, default=4, help="of a round")
    group.add_argument("--group", type=int, default=8, help="completions of each prompt")
    group.add_argument("--micro-batch", type=int, default=8, help="completions in one backward pass")
    group.add_argument("--updates", type=int, default=1, help="optimizer steps into which a round is divided")
    group.add_argument("--iterations", type=int, default=1, help="how often a round is gone through")
    group.add_argument("--max-new-tokens", type=int, help="of a completion (default: as the bundle allows)")
    group.add_argument("--temperature", type=float, default=1.0)
    group.add_argument("--stock-rollouts", action="store_true", help="read each prompt once per completion")
    group.add_argument(
        "--rollouts",
        choices=("local", "vllm"),
        default="local",
        help="who writes completions: the model in training, or vLLM (mode lora only)",
    )
    group.add_argument("--locate", type=float, default=0.5, metavar="SHARE", help="of locate turns, 0 to 1")
    group.add_argument(
        "--curriculum", type=float, default=0.0, metavar="0..1", help="how far easy prompts come first"
    )
    group.add_argument("--no-think", action="store_true", help="train to answer without reasoning")
    group.add_argument("--seed", type=int, default=0)
    group.add_argument(
        "--save-every", type=int, default=50, metavar="STEPS", help="rounded up to whole rounds"
    )
    group.add_argument("--log-every", type=int, default=5, metavar="STEPS")
    group.add_argument("--gradient-checkpointing", action="store_true", help="less memory, more time")


def _add_objective(group: Any) -> None:
    group.add_argument("--rate", type=float, default=1e-6, help="learning rate")
    group.add_argument("--beta", type=float, default=0.02, help="of the KL divergence from the start")
    group.add_argument("--clip", type=float, default=0.2, help="of the probability ratio")
    group.add_argument("--clip-high", type=float, help="its upper bound, where it differs")
    group.add_argument("--loss", choices=_LOSSES, default="dapo")
    group.add_argument(
        "--scale",
        choices=("group", "batch", "none"),
        default="group",
        help="by whose spread of rewards an advantage is divided",
    )
    group.add_argument("--keep-truncated", action="store_true", help="learn from replies that were cut off")
    weights = "weight of the {} reward".format
    group.add_argument("--correctness", type=float, default=1.0, help=weights("correctness"))
    group.add_argument("--format", type=float, default=0.5, help=weights("format"))
    group.add_argument("--validation", type=float, default=1.0, help=weights("validation"))


def plan_of(args: argparse.Namespace) -> Grpo:
    """The settings as given on the command line.

    Raises
    ------
    ValueError
        If they make no sense.
    """
    from .plan import Grpo
    from .rewards import Weights

    if not 0 <= args.locate <= 1:
        raise ValueError("the share of locate turns must be between 0 and 1")
    if args.rollouts == "vllm" and args.mode != "lora":
        raise ValueError("rollouts by vLLM need mode lora: packed 4-bit weights cannot be sent to it")
    taken = {field.name for field in dataclasses.fields(Grpo)}
    given = {name: value for name, value in vars(args).items() if name in taken}
    return Grpo(
        **given,
        learning_rate=args.rate,
        mask_truncated=not args.keep_truncated,
        shared=not args.stock_rollouts and args.rollouts == "local",
        rounded=not args.exact,
        weights=Weights(args.correctness, args.format, args.validation),
        turns={"locate": args.locate, "reason": 1 - args.locate},
    )


def run(args: argparse.Namespace) -> None:
    """Train and write the bundle; raises as :func:`trainer.grpo.train.reinforce`."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # spinning threads slow a shared machine
    import torch

    from medreason_viewer.reasoning.bundles import bundle

    from ..data import dataset
    from ..data.vocabulary import fitted
    from ..tuning import adapters, processes, recipe
    from . import train as grpo
    from .plan import without_thinking

    plan = plan_of(args)
    plan.batches(processes.count())
    torch.set_num_threads(args.threads)
    work = args.work or args.out.with_name(f"{args.out.name}-work")
    recipe.refuse_used(args.out, work, resume=args.resume)
    processes.all_here()
    manifest = fitted(bundle.verify(args.bundle), dataset.read(args.data))
    if args.no_think:
        manifest = without_thinking(manifest)
    lora = adapters.Lora(args.rank, args.alpha)
    model = adapters.to_train(args.bundle, manifest, args.mode, lora, args.device, args.seed)
    grpo.reinforce(model, args.bundle, args.data, manifest, plan, work, args.resume)
    if processes.is_main():
        _write(args, model, manifest)


def _write(args: argparse.Namespace, model: Any, manifest: Manifest) -> None:
    from ..tuning import adapters, recipe

    if args.mode == "full":
        recipe.write_bundle(model, args.bundle, manifest, args.out)
    else:
        adapters.write_adapter_bundle(model, args.bundle, manifest, args.out)
    _log.info("wrote %s", args.out)


def add_bench(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``bench``."""
    parser.add_argument(
        "--bundle", type=Path, help="a model folder (default: the demo's shape, random weights)"
    )
    parser.add_argument("--mode", choices=("lora", "qlora"), default="lora", help="plain weights, or 4 bit")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--groups", type=int, nargs="+", default=[4, 8, 16], metavar="N")
    parser.add_argument("--tokens", type=int, default=40, help="of every completion")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="for arithmetic")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.set_defaults(run=run_bench)


def run_bench(args: argparse.Namespace) -> None:
    """Measure and print."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import torch

    from .rollout_bench import Bench

    torch.set_num_threads(args.threads)
    found = _measured(args, Bench(tuple(args.groups), args.tokens, args.repeats))
    if args.json:
        text = json.dumps(found, indent=2, allow_nan=False)
    else:
        text = "\n".join(
            f"group {group:>3}: {found['ours_s'][group]:.3f} s, stock {found['stock_s'][group]:.3f} s, "
            f"ratio {ratio:.2f}; in training {found['reading_ratio'][group]:.2f}"
            for group, ratio in found["rollout_ratio"].items()
        )
    sys.stdout.write(text + "\n")


def _measured(args: argparse.Namespace, bench: Any) -> dict[str, Any]:
    from medreason_viewer.reasoning.bundles import bundle

    from ..tuning import adapters
    from . import rollout_bench

    if args.bundle is not None:
        manifest = bundle.verify(args.bundle)
        model = adapters.load_base(args.bundle, manifest, args.mode, args.device)
        return rollout_bench.measure(model, args.bundle, manifest, bench)
    manifest = bundle.template("demo")
    with tempfile.TemporaryDirectory() as folder:
        model = rollout_bench.random_demo(Path(folder), manifest)
        return rollout_bench.measure(model, Path(folder), manifest, bench)
