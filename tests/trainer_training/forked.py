"""A process that has loaded all libraries and forks a child for each run it is told of.

Reads one run a line (JSON: the arguments of :mod:`short_runs`), answers with the child's id, then with how
it ended.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import warnings
from pathlib import Path

import torch
from short_runs import KINDS

_log = logging.getLogger(__name__)


def main() -> None:
    torch.set_num_threads(1)
    for line in sys.stdin:
        run = json.loads(line)
        child = os.fork()
        if child == 0:
            _train(run)
        _tell(child)
        _, status = os.waitpid(child, 0)
        _tell(os.waitstatus_to_exitcode(status))


def _tell(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def _train(run: dict[str, str | int]) -> None:
    """Never returns."""
    code = 1
    try:
        logging.basicConfig(filename=f"{run['told']}.log", level=logging.WARNING)
        warnings.simplefilter("ignore")
        paths = [Path(str(run[name])) for name in ("model", "data", "run", "told")]
        KINDS[str(run["kind"])](*paths, int(run["steps"]), int(run["save_every"]))
        code = 0
    except Exception:
        _log.exception("the run failed")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
