"""Trains a spec as a user would, and returns the loaded run."""

from pathlib import Path

from specc.compiler import compile
from specc.diagnostics.source import Source
from specc.engine.train import Options, Trained, train

SPECS = Path(__file__).parents[2] / "specs"


def source(name: str) -> Source:
    """The text of a gallery spec."""
    return Source(f"specs/{name}.yaml", (SPECS / f"{name}.yaml").read_text(encoding="utf-8"))


def compiled(spec: str | Source, folder: Path, settings: tuple[str, ...] = ()) -> Path:
    """The folder with the generated package of a gallery spec, or of the given source."""
    spec = source(spec) if isinstance(spec, str) else spec
    result, checked = compile(spec, settings)
    assert result is not None, checked.diagnostics
    code = folder / "generated" / Path(spec.path).stem
    code.mkdir(parents=True)
    for file, content in result.files.items():
        (code / file).write_text(content, encoding="utf-8")
    return code


def trained(
    spec: str | Source, folder: Path, settings: tuple[str, ...] = (), data_dir: Path | None = None
) -> Trained:
    """A finished run, on one thread, so that parallel runs do not wait for each other."""
    options = Options(data_dir=data_dir, quiet=True, threads=1)
    return train(compiled(spec, folder, settings), folder / "run", options)


def trained_text(
    text: str, folder: Path, settings: tuple[str, ...] = (), data_dir: Path | None = None
) -> Trained:
    """A finished run of the text of a spec."""
    return trained(Source("given.yaml", text), folder, settings, data_dir)
