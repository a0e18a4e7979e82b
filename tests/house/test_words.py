"""Names and words that the package does not use."""

import ast
import re
import subprocess

import pytest

from tests.house.files import IDS, ROOT, TEXTS, TREES, below

# Names of files that do not describe their content.
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "base", "tools", "stuff"}

CORE = ("language", "graph", "objective", "codegen", "diff", "engine", "compiler.py")
FAMILIES = re.compile(
    r"\b(vaes?|gans?|wgan|rbms?|dbn|dbm|sbn|hmm|pixelcnn|maf|realnvp|glow|autoencoders?"
    r"|normalizing flows?|diffusion|vimco|iwae|rws|dreg|contrastive divergence)\b",
    re.IGNORECASE,
)

# Files that name a family or an estimator, each with its reason.
NAMED = {
    "specc/language/schema/train.py": "the estimators of `evaluate:` are words of the language",
    "specc/language/schema/read_document.py": "names the section of a misplaced key",
    "specc/engine/samplers/sgnht.py": "the diffusion of a thermostat (Ding et al. 2014)",
}

PROMISES = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def words_of(tree, code):
    """All names in the code and all strings of one word; all strings, if `code`."""
    described = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        for field in ("id", "attr", "name", "arg"):
            word = getattr(node, field, None)
            if isinstance(word, str):
                yield re.sub(r"_|(?<=[a-z])(?=[A-Z])", " ", word)
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and id(node) not in described and (code or " " not in text):
            yield text.replace("_", " ")


def families(tree, code=False):
    return [word for word in words_of(tree, code) if FAMILIES.search(word)]


@pytest.mark.parametrize("at", below(*CORE))
def test_the_core_names_no_family(at):
    if at not in NAMED:
        assert families(TREES[at], code="/lower/" in at) == []


def test_every_exception_is_needed():
    assert all(families(TREES[at], code=True) for at in NAMED)


@pytest.mark.parametrize(
    "text, found",
    [
        ("if kind == 'vae': pass", 1),
        ("class VaeLoss: pass", 1),
        ("def rbm_energy(): pass", 1),
        ("loss = self.gan_loss", 1),
        ("f(iwae=True)", 1),
        ("def f():\n    '''As in a VAE (Kingma and Welling 2014).'''", 0),
        ("hint = 'write such as `name: vae`'", 0),
        ("organ, vanilla = 1, 2", 0),
    ],
)
def test_a_family_is_detected(text, found):
    assert len(families(ast.parse(text))) == found


@pytest.mark.parametrize("at", IDS)
def test_file_names_describe_their_content(at):
    parts = at.removesuffix(".py").split("/")
    assert not VAGUE & set(parts)


@pytest.mark.parametrize("at", IDS)
def test_there_are_no_todos_and_no_broad_except_clauses(at):
    assert not PROMISES.search(TEXTS[at])
    assert unfinished(TREES[at]) == []


def unfinished(tree):
    """The lines that catch any exception, or that are not implemented."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            kinds = ast.walk(node.type) if node.type else []
            caught = {n.id for n in kinds if isinstance(n, ast.Name)} or {""}
            reraised = any(isinstance(n, ast.Raise) and n.exc is None for n in ast.walk(node))
            if caught & {"", "Exception"} or ("BaseException" in caught and not reraised):
                found.append(f"line {node.lineno} catches everything")
        if isinstance(node, ast.Name) and node.id == "NotImplementedError":
            found.append(f"line {node.lineno} is not implemented")
    return found


@pytest.mark.parametrize(
    "text",
    [
        "try: pass\nexcept: pass",
        "try: pass\nexcept Exception: pass",
        "try: pass\nexcept (ValueError, Exception): pass",
        "try: pass\nexcept BaseException: pass",
        "def f(): raise NotImplementedError",
        "def f(): raise NotImplementedError('later')",
    ],
)
def test_unfinished_code_is_detected(text):
    assert len(unfinished(ast.parse(text))) == 1


def tracked():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git repository")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name]


def test_no_file_contains_a_path_of_a_machine():
    folders = r"(?<![\w.~/])/(?:root|home|work|opt|mnt)/\w"
    machine = re.compile(rf"{folders}|\b[\w.-]*(?:pypi|pythonhosted)\.org\b")
    found = []
    for path in tracked():
        if path.is_file() and path.suffix in {".py", ".md", ".toml", ".txt", ".yaml", ".json", ""}:
            text = path.read_text(encoding="utf-8", errors="replace")
            found += [f"{path.name}: {match[0]}" for match in machine.finditer(text)]
    assert found == []
