"""`specc compile`: specs become PyTorch code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import typer

from specc.cli import exits, options
from specc.cli.failure import Failure
from specc.cli.terminal import echo_untrusted
from specc.cli.writing import remove, write_folder
from specc.counted import counted

if TYPE_CHECKING:
    from specc.compiler import Compiled


HELP = "Write the PyTorch code of each SPEC to generated/NAME/."

Stage = Literal["located", "spec", "graph", "typed", "objective", "plan", "files"]
STAGES: tuple[str, ...] = get_args(Stage)


def command(
    specs: options.Specs,
    *,
    settings: options.Settings,
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="DIR", help="The folder to write to, as DIR/NAME/."),
    ] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Write nothing; exit with 1 if the existing code differs."),
    ] = False,
    standalone: Annotated[
        str | None,
        typer.Option(
            "--standalone",
            metavar="DIR",
            help="Write code that needs torch alone, without specc, to DIR/NAME/.",
        ),
    ] = None,
    emit: Annotated[
        Stage | None,
        typer.Option(
            "--emit",
            metavar="STAGE",
            help=f"Print a stage of the compiler instead: {', '.join(STAGES)}.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace files that were edited by hand.")
    ] = False,
) -> int:
    """Compile specs, or compare the existing code with them."""
    from specc.cli.generated_folder import folder_for

    if emit is not None:
        return _emit(emit, specs, settings)
    results = [compiled(spec, settings) for spec in specs]
    if standalone is not None:
        return _standalone(Path(standalone), results)
    folders = [
        folder_for(spec, result.name, out) for spec, result in zip(specs, results, strict=True)
    ]
    if check:
        return _check(list(zip(folders, results, strict=True)))
    for folder, result in zip(folders, results, strict=True):
        _write(folder, result, force)
    return exits.DONE


def _emit(stage: str, specs: Sequence[str], settings: Sequence[str]) -> int:
    """Print one stage, even of a spec that fails later; its findings go to stderr."""
    from specc.cli.findings import examine, has_errors, rendered
    from specc.stages import STAGES as PRINTERS

    sound = True
    for spec in specs:
        checked, findings = examine(spec, settings)
        text = None if checked is None else PRINTERS[stage](checked)
        typer.echo(text or "", nl=False)
        if findings:
            typer.echo(rendered(findings), err=True)
        sound &= not has_errors(findings)
    return exits.DONE if sound else exits.WRONG


def _standalone(out: Path, results: list[Compiled]) -> int:
    from specc.codegen.standalone import standalone
    from specc.diagnostics.printable import named

    for result in results:
        if result.plan.objective.is_sampled:
            message = f"{result.plan.source} has a sampler, and standalone code trains by gradients"
            hint = "compile it without --standalone; the density is a function in objective.py"
            raise Failure(message, hint, exits.WRONG)
        files = standalone(result.plan)
        write_folder(out / result.name, files)
        typer.echo(
            f"{named(out / result.name)}: {counted(len(files), 'file')}; start with train.py"
        )
    return exits.DONE


def compiled(spec: str, settings: Sequence[str]) -> Compiled:
    """The files of a spec; raises `WrongSpec` with its findings if it has errors."""
    from specc.cli.findings import sound
    from specc.compiler import generate

    return generate(sound(spec, settings))


def _write(folder: Path, result: Compiled, force: bool) -> None:
    from specc.cli.generated_folder import edited

    touched = [name for name in result.files if edited(folder / name)]
    if touched and not force:
        hint = "move the change into the spec or another file, or discard it with --force"
        raise Failure(f"{folder / touched[0]} was edited by hand", hint)
    from specc.diagnostics.printable import named
    from specc.stale_code import stale_code

    changed = write_folder(folder, result.files)
    stale = stale_code(folder, result.files)
    for path in stale:
        remove(path)
    done = [f"{len(changed)} of {counted(len(result.files), 'file')} written"] if changed else []
    if stale:
        done.append(f"{', '.join(path.name for path in stale)} removed")
    typer.echo(f"{named(folder)}: {', '.join(done) or 'up to date'}")


def _check(pairs: list[tuple[Path, Compiled]]) -> int:
    from specc.cli.generated_folder import drifts
    from specc.diagnostics.printable import named

    found = [drift for folder, result in pairs for drift in drifts(folder, result.files)]
    for drift in found:
        typer.echo(f"{named(drift.path)} {drift.kind}")
        if drift.difference:
            echo_untrusted(drift.difference)
    if not found:
        typer.echo(f"{counted(len(pairs), 'spec')}: no drift")
    return exits.FINDINGS if found else exits.DONE
