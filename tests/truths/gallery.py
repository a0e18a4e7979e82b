"""Train a spec of the gallery as a user would, and hand back the open run."""

from pathlib import Path

from specc.compiler import compile
from specc.diagnostics.source import Source
from specc.engine.train import Options, Trained, train

SPECS = Path(__file__).parents[2] / "specs"


def compiled(name: str, folder: Path, settings: tuple[str, ...] = ()) -> Path:
    """The folder with the generated package of a gallery spec."""
    text = (SPECS / f"{name}.yaml").read_text(encoding="utf-8")
    result, checked = compile(Source(f"specs/{name}.yaml", text), settings)
    assert result is not None, checked.diagnostics
    code = folder / "generated" / name
    code.mkdir(parents=True)
    for file, content in result.files.items():
        (code / file).write_text(content, encoding="utf-8")
    return code


def trained(
    name: str, folder: Path, settings: tuple[str, ...] = (), data_dir: Path | None = None
) -> Trained:
    """A finished run of a gallery spec, on one thread so that runs beside it do not wait."""
    options = Options(data_dir=data_dir, quiet=True, threads=1)
    return train(compiled(name, folder, settings), folder / "run", options)
