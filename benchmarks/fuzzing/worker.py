"""The process that runs cases with limits of time and memory."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import resource
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.fuzzing import judge
from benchmarks.fuzzing.cases import Case
from benchmarks.fuzzing.judge import ROOTS, Fault
from benchmarks.fuzzing.seeds import CANARY
from specc.cli.main import main
from specc.compiler import Checked, Compiled, front, generate
from specc.diagnostics.report import severity
from specc.diagnostics.source import Source
from specc.language.decode import read_bytes

SECONDS = 2.0
MEMORY = 1 << 30
OURS = ("__init__", "train", "model", "guide", "objective")
FORMS = ("text", "text", "text", "json", "github", "sarif")


@dataclass(slots=True)
class Verdict:
    """The result of a case; `fault` is empty if all requirements are satisfied."""

    number: int
    kind: str
    accepted: bool = False
    stepped: bool = False
    repeated: bool = False
    refusal: str = ""
    fault: str = ""
    trace: str = ""
    seconds: float = 0.0
    memory: int = 0
    notes: dict[str, int] = field(default_factory=dict)


class Late(BaseException):
    """Raised if a case takes more than its time limit."""


class Outside(BaseException):
    """Raised for a write outside the folder, a process, or a use of the network."""


class Guard:
    """An audit hook; while `inside` is set, writes are allowed only below this folder."""

    def __init__(self) -> None:
        self.inside: str | None = None
        self.more = (os.environ.get("MPLCONFIGDIR", "/dev/null") + "/",)
        self.seen: list[str] = []
        sys.addaudithook(self._audit)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.inside is None:
            return
        if event in _DEEDS or event.startswith(("subprocess.", "socket.", "os.exec", "os.spawn")):
            self.seen.append(f"{event} {arguments!r}"[:300])
        elif event == "open":
            path, _, flags = arguments
            writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if writes and not self._below(path):
                self.seen.append(f"{event} {path!r}"[:300])
        elif event in _PATHS and not all(map(self._below, arguments[: _PATHS[event]])):
            self.seen.append(f"{event} {arguments!r}"[:300])

    def _below(self, path: object) -> bool:
        if isinstance(path, int):
            return True
        assert self.inside is not None
        found = os.path.realpath(os.fsdecode(path))  # type: ignore[arg-type]
        return found == "/dev/null" or f"{found}/".startswith((f"{self.inside}/", *self.more))


_DEEDS = ("os.system", "os.fork", "os.kill", "shutil.rmtree", "ctypes.dlopen", "os.posix_spawn")
_PATHS = {
    "os.mkdir": 1,
    "os.rename": 2,
    "os.remove": 1,
    "os.rmdir": 1,
    "os.link": 2,
    "os.symlink": 2,
}


class Worker:
    """The shared state of cases: a folder, the guard, and the fractions of the slower checks."""

    def __init__(self, folder: Path, *, steps: float, cli: float, named: float = 1.0) -> None:
        self.folder, self.steps = folder.resolve(), steps
        self.cli, self.named = cli, named
        self.guard = Guard()
        self.home = self.folder / "home"
        self.out = self.folder / "out"
        self.made = self.folder / "made"
        self.stepped: set[bytes] = set()
        self.home.mkdir(parents=True, exist_ok=True)
        self.out.mkdir(exist_ok=True)
        os.chdir(self.home)

    def judge(self, case: Case) -> Verdict:
        """The verdict of a case, after all checks."""
        verdict = Verdict(case.number, case.kind)
        chance = random.Random(f"judge {case.seed}:{case.number}")
        try:
            self._judge(case, verdict, chance)
        except Fault as fault:
            verdict.fault = str(fault)
            verdict.trace = verdict.trace or traceback.format_exc()
        except Late:
            verdict.fault = f"more than {SECONDS:g} s"
            verdict.trace = traceback.format_exc()
        except Exception as error:  # noqa: BLE001 - any exception is a fault
            verdict.fault = f"{type(error).__name__}: {error}"[:300]
            verdict.trace = traceback.format_exc()
        return verdict

    def _judge(self, case: Case, verdict: Verdict, chance: random.Random) -> None:
        _forget_peak()
        before = _resident()
        with limited(SECONDS) as clock, self.guarded():
            checked, compiled = _compile(case, chance.choice(FORMS))
        verdict.seconds = clock[0]
        verdict.memory = _peak() - before
        judge.demand(verdict.memory <= MEMORY, f"{verdict.memory >> 20} MiB of memory")
        if compiled is None:
            stop = next((d for d in checked.diagnostics if severity(d) == "error"), None)
            verdict.refusal = stop.code if stop is not None else "E0001"
        else:
            verdict.accepted = True
            judge.generated(compiled.files)
        share = self.named if case.kind == "path" else self.cli
        if chance.random() < share:
            self._verbs(case, verdict, chance)
        if compiled is not None and chance.random() < self.steps:
            self._step(case, verdict, checked, compiled)

    @contextlib.contextmanager
    def guarded(self) -> Iterator[None]:
        """A context in which only files in the output folder may be written."""
        self.guard.inside, self.guard.seen = str(self.out), []
        try:
            yield
        finally:
            self.guard.inside = None
        judge.demand(not self.guard.seen, f"outside: {self.guard.seen[:3]}")

    # the command line

    def _verbs(self, case: Case, verdict: Verdict, chance: random.Random) -> None:
        path = self.home / case.path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(case.text)
        except (OSError, ValueError):
            return  # the system cannot create a file with this name
        settings = [word for text in case.settings for word in ("--set", text)]
        try:
            if self._check(case, verdict, settings, chance) and verdict.accepted:
                self._writes(case, settings)
                self._prints(case, settings, chance)
        finally:
            for left in self.out.iterdir():
                shutil.rmtree(left)
            top = self.home / Path(case.path).parts[0]
            shutil.rmtree(top) if top.is_dir() else top.unlink()

    def _check(
        self, case: Case, verdict: Verdict, settings: list[str], chance: random.Random
    ) -> bool:
        """Whether `specc check` accepts the name of the file."""
        form = chance.choice(FORMS)
        code, out, err = self._run("check", f"--format={form}", *settings, "--", case.path)
        if code == 2 and "has a control character" in err:
            return False
        judge.report(form if out.strip() else "json", out.strip() or "[]")
        wanted = (0,) if verdict.accepted else (1, 2)
        judge.demand(code in wanted, f"`check` ends with {code}: {err[-300:]}")
        return True

    def _writes(self, case: Case, settings: list[str]) -> None:
        has_sampler = False
        for way in ("--out", "--standalone"):
            code, _, err = self._run("compile", way, str(self.out), *settings, "--", case.path)
            if has_sampler:  # standalone code trains by gradients
                judge.demand(code == 2, f"`compile {way}` ends with {code}: {err[-300:]}")
                return
            judge.demand(code == 0, f"`compile {way}` ends with {code}: {err[-300:]}")
            manifests = (path.read_bytes() for path in self.out.rglob("manifest.json"))
            has_sampler = any("sampler" in json.loads(text) for text in manifests)
            for path in sorted(self.out.rglob("*.py")):
                text = path.read_bytes().decode("utf-8")
                if way == "--out" or CANARY in text or path.stem in OURS:
                    roots = ROOTS if way == "--out" else sys.stdlib_module_names | {"torch"}
                    judge.code(path.name, text, {*roots, *(p.stem for p in path.parent.glob("*"))})
            for path in self.out.iterdir():
                shutil.rmtree(path)

    def _prints(self, case: Case, settings: list[str], chance: random.Random) -> None:
        form = chance.choice(["text", "mermaid", "dot", "text", "mermaid", "dot", "svg"])
        if form == "svg":
            import_module("matplotlib.font_manager")  # it runs other programs
        stage = chance.choice(["located", "spec", "graph", "typed", "objective", "plan", "files"])
        for words in (
            ["graph", f"--format={form}"],
            ["explain"],
            ["explain", "--json"],
            ["compile", f"--emit={stage}"],
            ["compile", "--check"],
            ["fmt", "--check"],
        ):
            given = [] if words[0] == "fmt" else settings
            code, out, err = self._run(*words, *given, "--", case.path)
            judge.demand(code in (0, 1), f"`{' '.join(words)}` ends with {code}: {err[-300:]}")
            if words[0] == "graph":
                judge.drawing(form, out)

    def _run(self, *words: str) -> tuple[int, str, str]:
        """The exit code and the output of a command on both streams."""
        out, err = io.StringIO(), io.StringIO()
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            limited(5 * SECONDS),
            self.guarded(),
        ):
            code = main(["--debug", *words])
        printed, said = _shown(out), _shown(err)
        judge.demand(code != 70, f"`{words[0]}` ends with 70: {said[-1500:]}")
        judge.printable(printed, f"what `{' '.join(words[:2])}` prints")
        judge.printable(said, f"what `{' '.join(words[:2])}` says")
        for line in (printed + said).splitlines():
            allowed = words[1].endswith("github") if len(words) > 1 else False
            judge.demand(allowed or not line.startswith("::"), f"`{words[0]}` prints a command")
        return code, printed, said

    # one step

    def _step(self, case: Case, verdict: Verdict, checked: Checked, compiled: Compiled) -> None:
        step = import_module("benchmarks.fuzzing.step")
        body = step.body(compiled)
        if body in self.stepped:
            verdict.repeated = True
            return
        if step.too_large(compiled):
            verdict.notes["too large for a step"] = 1
            return
        # The folder can be shared, because `load` removes modules that it imported from it.
        shutil.rmtree(self.made, ignore_errors=True)
        self.made.mkdir()
        with limited(60.0):
            for file, content in compiled.files.items():
                (self.made / file).write_text(content, encoding="utf-8")
            failed = step.step(self.made, checked)
        verdict.stepped = True
        self.stepped.add(body)
        if failed:
            verdict.notes[failed] = 1


def _shown(stream: io.StringIO) -> str:
    """The output with escapes for surrogates, as a terminal shows it."""
    return stream.getvalue().encode("utf-8", "backslashreplace").decode("utf-8")


def _compile(case: Case, form: str) -> tuple[Checked, Compiled | None]:
    """Compile a case through the Python interface, and check the formatted diagnostics."""
    source, findings = read_bytes(case.path, case.text)
    renderer = import_module(f"specc.diagnostics.render_{form}")
    if source is None:
        judge.demand(findings, "nothing is said of a text that cannot be read")
        judge.report(form, renderer.render(findings))
        checked = Checked(Source(case.path, ""))
        checked.diagnostics = findings
        return checked, None
    checked = front(source, case.settings)
    judge.report(form, renderer.render(checked.diagnostics))
    if checked.plan is None:
        return checked, None
    return checked, generate(checked)


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[list[float]]:
    """A context that raises Late after `seconds` of CPU time; the list gets the time taken."""
    taken = [0.0]

    def late(number: int, frame: object) -> None:
        del number, frame
        raise Late

    before = signal.signal(signal.SIGPROF, late)
    start = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield taken
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, before)
        taken[0] = time.process_time() - start


def bounded(extra: int = 3 << 30) -> None:
    """Limit the further address space of this process to a number of bytes."""
    size = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    total = size * resource.getpagesize() + extra
    resource.setrlimit(resource.RLIMIT_AS, (total, total))


def _status(key: str) -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(key):
            return int(line.split()[1]) * 1024
    return 0


def _resident() -> int:
    return _status("VmRSS:")


def _peak() -> int:
    return _status("VmHWM:")


def _forget_peak() -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
