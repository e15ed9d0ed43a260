"""`python -m demask.engine MODEL`: transformers loads a checkpoint, and the program `demask` runs its strategies on it.

demask starts the engine (`demask --backend torch --model MODEL`, or `demask --engine "python -m demask.engine MODEL"`) and
talks to it over its pipes. With --listen, or in a terminal, the engine waits at a socket instead.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from typing import List, Optional

from . import __version__, parallel
from .answers import Engine, as_error
from .connection import Gone, is_child, pipes
from .conversation import Inbox, converse, greet
from .families import GRIDS
from .loading import Checkpoint, Work, load
from .protocol import EngineError

# The exit code after an error, the same as that of demask.
FAILED = 1


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="python -m demask.engine",
        description="Serves a model under PyTorch to demask.",
        epilog="docs/engine.md of demask has more: over ssh, under Slurm, on several GPUs.",
    )
    made.add_argument("model", help="a folder, or a name on the Hugging Face Hub")
    made.add_argument("--device", default="auto", help="auto (CUDA where there is one), cpu, cuda:N, mps [auto]")
    made.add_argument("--device-map", metavar="MAP", help="auto: transformers spreads the layers over the devices")
    made.add_argument("--dtype", default="auto", help="auto (as saved), float32, bfloat16, float16 [auto]")
    made.add_argument("--revision", help="the branch, tag or commit of a model on the Hub")
    made.add_argument(
        "--trust-remote-code",
        action="store_true",
        help="runs the Python code that comes with the checkpoint; read that code first",
    )
    made.add_argument(
        "--listen", metavar="ADDRESS", help="listens at unix:PATH or tcp:127.0.0.1:PORT; PORT 0 takes any free one"
    )
    made.add_argument("--mask-token", metavar="TOKEN", help="the mask token, by id or text")
    made.add_argument("--eos-token", metavar="TOKEN", help="the end-of-sequence token, by id or text")
    made.add_argument(
        "--attention", metavar="KIND", help="full, causal, or the number of positions in a block [as the model's family]"
    )
    made.add_argument(
        "--grid",
        choices=GRIDS,
        help="where such blocks are counted from: the start of the sequence or the end of the prompt [as the model's family]",
    )
    made.add_argument(
        "--shift",
        choices=("yes", "no"),
        help="whether position i is predicted by the logits of position i - 1 [as the model's family]",
    )
    made.add_argument("--name", help="the model's name, as demask shows it")
    made.add_argument("--no-probe", action="store_true", help="leaves out the passes that find out what the model does")
    made.add_argument("--version", action="version", version="demask.engine " + __version__)
    return made


def load_engine(args: argparse.Namespace, work: Work) -> Engine:
    """Loads the model that the command line names and tries it out. Raises `EngineError`, and what `work` raises."""
    model, tokenizer = load(_checkpoint(args), work)
    work("the first pass" if args.no_probe else "trying out the model")
    from .assembly import engine_of

    try:
        return engine_of(
            model,
            tokenizer,
            mask=_token(args.mask_token),
            eos=_token(args.eos_token),
            name=args.name,
            attention=args.attention,
            grid=args.grid,
            shift=None if args.shift is None else args.shift == "yes",
            probe=not args.no_probe,
            leads=parallel.leads() if parallel.processes() > 1 else None,
        )
    except ValueError as error:
        raise EngineError("load", str(error)) from None
    except Gone:
        raise
    except Exception as error:  # A model may raise anything.
        found = as_error(error)
        raise EngineError("load", found.message, found.trace) from error


def _checkpoint(args: argparse.Namespace) -> Checkpoint:
    return Checkpoint(
        args.model,
        args.device,
        args.device_map,
        args.dtype,
        args.trust_remote_code,
        args.revision,
        parallel=parallel.processes() > 1,
    )


def _token(text: Optional[str]) -> "int | str | None":
    return int(text) if text is not None and text.isdecimal() else text


def main(arguments: Optional[List[str]] = None) -> int:
    """Runs the command; its exit code."""
    args = parser().parse_args(arguments)

    def ended(*_: object) -> None:
        raise KeyboardInterrupt

    # SIGTERM ends the program as Ctrl-C does, so that the file of its socket is removed.
    signal.signal(signal.SIGTERM, ended)
    try:
        if parallel.rank() > 0:
            # Only the first process may write to standard output, which carries the protocol.
            os.dup2(2, 1)
            parallel.follow(load(_checkpoint(args), lambda what: None)[0])
            return 0
        try:
            return _over_pipes(args) if args.listen is None and is_child() else _at_socket(args)
        finally:
            if parallel.processes() > 1:
                parallel.dismiss()
    except KeyboardInterrupt:
        return 0
    except EngineError as error:
        print("error: %s" % error.message, file=sys.stderr)
        if error.trace:
            print(error.trace, file=sys.stderr)
        return FAILED


def _over_pipes(args: argparse.Namespace) -> int:
    connection = pipes()
    inbox = Inbox(connection)
    try:
        if not greet(connection, inbox):
            return FAILED
        try:
            engine = load_engine(
                args, lambda what: connection.send({"type": "loading", "work": what, "done": 0, "of": 0})
            )
        except EngineError as error:
            connection.send(error.answer(None))
            raise
        converse(connection, inbox, engine)
    except Gone:
        pass
    return 0


def _at_socket(args: argparse.Namespace) -> int:
    from .serving import at_socket

    engine = load_engine(args, lambda what: print("%s…" % what, file=sys.stderr, flush=True))
    for finding in engine.facts.findings:
        print("warning: %s: %s" % (engine.facts.name, finding), file=sys.stderr)
    with at_socket(engine, args.listen) as handle:
        handle.run()
    return 0


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    # The process ends at once: libraries take a second or more to shut down, and nothing is left to save.
    os._exit(code)
