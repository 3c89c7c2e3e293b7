"""The entry point: which verbs there are, and how each of them ends."""

import io
import json
import os
import re
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr
from typing import Annotated, Any, NoReturn, cast

import tyro
from tyro.conf import subcommand

import contextalk
from contextalk.cli.bench import Bench
from contextalk.cli.console import Bars, Verb, json_value
from contextalk.cli.demo import Demo
from contextalk.cli.doctor import Doctor
from contextalk.cli.evaluate import Evaluate
from contextalk.cli.generate import Generate
from contextalk.cli.people import People
from contextalk.cli.prepare import Prepare
from contextalk.cli.reproduce import Reproduce
from contextalk.cli.study import Study
from contextalk.cli.synth import Synth
from contextalk.cli.train import BundleRun, Train
from contextalk.cli.weights import Weights
from contextalk.core.errors import ContextalkError

BAD_INPUT, INTERRUPTED = 2, 130

VERBS = (
    Annotated[Demo, subcommand("demo")]
    | Annotated[People, subcommand("people")]
    | Annotated[Synth, subcommand("synth")]
    | Annotated[Prepare, subcommand("prepare")]
    | Annotated[Train, subcommand("train")]
    | Annotated[BundleRun, subcommand("bundle")]
    | Annotated[Generate, subcommand("generate")]
    | Annotated[Evaluate, subcommand("evaluate")]
    | Annotated[Reproduce, subcommand("reproduce")]
    | Annotated[Weights, subcommand("weights")]
    | Annotated[Study, subcommand("study")]
    | Annotated[Bench, subcommand("bench")]
    | Annotated[Doctor, subcommand("doctor")]
)
"""Heavy rooms are imported by a verb's `run`, so that `--help` is instant."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a verb and exit: 0 when done, 2 for bad input (one line says which), 130 when interrupted."""
    # Threads that spin while they wait for one another stop each other on a busy machine (docs/log.md); torch reads
    # this when it is imported, which is later.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    arguments = sys.argv[1:] if arguments is None else arguments
    if list(arguments) == ["--version"]:
        print(contextalk.__version__)
        return
    verb = parse(arguments)
    try:
        with Bars() as bars:
            answer = verb.run(bars)
    except ContextalkError as error:
        fail(f"contextalk: {error}", BAD_INPUT)
    except KeyboardInterrupt:
        fail("contextalk: interrupted; the same command goes on from here", INTERRUPTED)
    else:
        print(json.dumps(json_value(answer.data), indent=2, allow_nan=False) if verb.json else answer.text)


def parse(arguments: Sequence[str]) -> Verb:
    """Read a command line; exits with status 2 where it is wrong."""
    said = io.StringIO()
    try:
        with redirect_stderr(said):
            verb = tyro.cli(
                cast(Any, VERBS),
                prog="contextalk",
                description="Make a person in a video say something else, in the scene they are in.",
                args=arguments,
                config=(tyro.conf.FlagCreatePairsOff,),
            )
    except SystemExit as ending:
        if ending.code == BAD_INPUT:
            fail(f"contextalk: {unboxed(said.getvalue())}", BAD_INPUT)
        raise
    return cast(Verb, verb)


def unboxed(complaint: str) -> str:
    """Take tyro's complaint out of its box of several lines: a bad option is one line like any bad input."""
    titled = re.sub(r"╭─ (.*?) ─*╮", r"\1:", complaint)
    return re.sub(r"[╭╮╰╯─│]", " ", titled)


def fail(message: str, status: int) -> NoReturn:
    """Say one line on standard error and exit."""
    print(" ".join(message.split()), file=sys.stderr)
    sys.exit(status)
