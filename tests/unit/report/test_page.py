"""The page of a run: whole in itself, harmless whatever the spec says, and drawn by a browser."""

import math
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

import specc
from specc.evaluate.calibration import Bin
from specc.report import svg
from specc.report.axis_range import axis_range
from specc.report.page import _headline, page
from specc.report.reliability import SIDE, reliability
from specc.report.training import parts_of, training

ROOT = Path(__file__).parents[3]
SHORT = {"train.epochs": 3, "train.threads": 1, "evaluate.test.particles": 30}
BROWSER = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)


class Reader(HTMLParser):
    """Takes note of tags with their attributes, and that each is closed."""

    VOID = frozenset({"meta", "img", "br", "rect", "line", "circle", "polyline"})

    def __init__(self):
        super().__init__()
        self.tags, self.open = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag


def read(text):
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    return reader.tags


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    return specc.load(ROOT / "specs/vae.yaml", SHORT).train(folder / "run")


@pytest.fixture(scope="module")
def text(run):
    return page(run._opened)


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """The page of a run with labels."""
    model = specc.load(ROOT / "specs/naive_bayes.yaml", {"train.epochs": 3, "train.threads": 1})
    return page(model.train(tmp_path_factory.mktemp("labels") / "run")._opened)


def test_the_page_has_every_section(text):
    tags = read(text)
    anchors = [a["id"] for tag, a in tags if tag == "section"]
    assert anchors == [
        "metrics",
        "curves",
        "bound",
        "snapshots",
        "samples",
        "pairs",
        "latent",
        "graph",
        "mathematics",
        "spec",
        "provenance",
    ]
    links = [a["href"] for tag, a in tags if tag == "a"]
    assert links == [f"#{anchor}" for anchor in anchors]


def test_labels_have_a_section_and_a_diagram(labelled):
    tags = read(labelled)
    anchors = [a["id"] for tag, a in tags if tag == "section"]
    assert anchors[:4] == ["metrics", "curves", "bound", "labels"]
    (body,) = re.findall(r'<section id="labels">.*?</section>', labelled)
    assert "Of 359 test rows, given their other fields." in body
    kinds = [a["class"] for tag, a in read(body) if tag in ("rect", "line")]
    marks = kinds.count("mark")
    assert 3 < marks <= 15 and kinds.count("bar") == 2 * marks
    assert kinds.count("ideal") == 1


def test_a_diagram_is_as_high_as_its_numbers():
    bins = [Bin(0, math.nan, math.nan), Bin(3, 0.75, 1.0), Bin(1, 0.9, 0.5)]
    rects = [a for tag, a in read(reliability(bins, "t")) if tag == "rect"]
    assert [float(a["height"]) / SIDE for a in rects] == [1.0, 0.75, 0.5, 0.25]
    broken = [Bin(2, math.nan, 0.0), Bin(0, math.nan, math.nan)]
    assert "nan" not in reliability(broken, "t")


def test_it_needs_nothing_else(text):
    tags = read(text)
    assert not [tag for tag, _ in tags if tag in ("script", "link", "iframe", "object")]
    assert all(a["src"].startswith("data:image/") and a["alt"] for t, a in tags if t == "img")
    assert "http:" not in re.sub(r'"data:[^"]*"', "", text).replace("http://www.w3.org", "")
    assert len(text) < 2_000_000


def test_it_shows_the_figure_and_the_spec(run, text):
    value = run.result["evaluate"]["test"]["value"]
    assert f"{value:.2f} &plusmn;" in text
    assert "latent: normal" in text
    assert run._opened.manifest.digests["math"] in text


def test_hostile_words_stay_words(tmp_path):
    evil = "<script>alert(1)</script><img src=x onerror=y>&amp;"
    source = (ROOT / "specs/vae.yaml").read_text(encoding="utf-8")
    lines = [f'doc: "{evil}"' if line.startswith("doc:") else line for line in source.split("\n")]
    spec = tmp_path / "vae.yaml"
    spec.write_text("\n".join([*lines, f"# {evil}"]), encoding="utf-8")
    shown = page(specc.load(spec, SHORT).train(tmp_path / "run")._opened)
    tags = read(shown)
    assert not [tag for tag, a in tags if tag == "script" or "onerror" in a]
    assert "&lt;script&gt;alert(1)" in shown


def test_a_run_without_a_guide_or_pictures(tmp_path):
    model = specc.load(ROOT / "specs/gaussian_mixture.yaml", {"train.epochs": 3})
    shown = page(model.train(tmp_path / "run")._opened)
    assert "Latent space" not in shown
    read(shown)


def test_points_are_coloured_by_the_label_of_the_data(text):
    """The spec reads no label; the data has one."""
    tags = read(text)
    dots = [a["class"] for tag, a in tags if tag == "circle" and a["class"].startswith("dot")]
    legend = 10
    counts = [dots.count(f"dot c{number}") - 1 for number in range(10)]
    assert sum(counts) == len(dots) - legend == 359 and min(counts) > 20
    assert "coloured by label" in text


def test_the_class_of_a_field_is_taken_before_the_label_of_the_data(tmp_path):
    model = specc.load(ROOT / "specs/conditional_vae.yaml", {**SHORT, "train.epochs": 1})
    assert "coloured by y" in page(model.train(tmp_path / "run")._opened)


def test_a_curve_is_drawn_once(text):
    """The bound is minus the loss: its curve would be the mirror image."""
    drawn = re.findall(r"<title>([^<]*) over the epochs</title>", text)
    assert drawn == ["The loss", "log p(x | z)", "KL(q(z | x) || p(z))"]


def test_a_part_that_differs_from_the_loss_in_one_epoch_has_its_curve():
    lines = [
        {"epoch": n, "loss": 2.0 + n, "parts": {"loss": 2.0 + n, "elbo": -2.0 - n, "kl": 1.0}}
        for n in range(4)
    ]
    assert parts_of(lines) == ["kl"]
    lines[1]["parts"]["elbo"] = -2.5
    assert parts_of(lines) == ["elbo", "kl"]


def test_the_headline_of_a_run_without_figures(run, tmp_path):
    lines = run.metrics
    assert "loss" in _headline(tmp_path, lines) and "is not complete" in _headline(tmp_path, lines)
    (tmp_path / "result.json").write_text('{"name": "vae", "evaluate": {}}')
    ended = _headline(tmp_path, lines)
    assert "after 3 epochs" in ended and "is not complete" not in ended
    assert "first epoch" in _headline(tmp_path, [])


def test_an_axis_leaves_out_what_towers_and_says_so():
    settled = [(n, 11.0 - n / 40) for n in range(1, 41)]
    assert axis_range([settled]).words() == ""
    towering = [(0, 500.0), *settled]
    axis = axis_range([towering])
    assert axis.high < 12 and (axis.beyond, axis.farthest) == (2, 500.0)
    assert axis.words() == "the axis leaves out 2 of 41 epochs, up to 500"
    assert "leaves out 2 of 41" in training(
        [{"epoch": n, "loss": y, "parts": {"loss": y}} for n, y in towering]
    )


def test_an_axis_of_odd_values():
    assert axis_range([[(1, float("nan"))], []]) is None
    same = axis_range([[(1, 2.0), (2, 2.0)]])
    assert same.low < 2.0 < same.high and same.beyond == 0


def test_curves_leave_out_what_is_not_finite():
    drawn = svg.curves({"a": [(1, 2.0), (2, float("nan")), (3, 1.0)]}, "t")
    (places,) = re.findall(r'points="([^"]*)"', drawn)
    assert len(places.split()) == 2
    assert svg.curves({"a": [(1, float("inf"))]}, "t") == ""


def test_the_axis_has_round_values():
    assert svg._round_values(-0.3, 1.1) == [0.0, 0.5, 1.0]
    assert svg._round_values(93, 187) == [100, 120, 140, 160, 180]


@pytest.mark.skipif(BROWSER is None, reason="no Chromium to draw the page with")
@pytest.mark.parametrize("width", [1280, 500])
@pytest.mark.parametrize("which", ["text", "labelled"])
def test_a_browser_draws_it(which, request, tmp_path, width):
    """Not blank, and nothing sticks out sideways: a script added here asks the browser."""
    asked = (
        "<script>document.title = [document.documentElement.scrollWidth,"
        "innerWidth].join(' ')</script>"
    )
    path, text = tmp_path / "page.html", request.getfixturevalue(which)
    path.write_text(text.replace("</body>", f"{asked}</body>"), encoding="utf-8")
    shot = tmp_path / "page.png"
    command = [
        BROWSER,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path}/u",
    ]
    size = f"--window-size={width},2400"
    found = subprocess.run(
        [*command, size, "--dump-dom", path.as_uri()],
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    across, inner = map(int, re.search(r"<title>(\d+) (\d+)</title>", found.stdout).groups())
    assert across <= inner
    subprocess.run(
        [*command, size, f"--screenshot={shot}", path.as_uri()],
        capture_output=True,
        timeout=600,
        check=True,
    )
    from matplotlib.image import imread

    pixels = imread(shot)
    assert pixels.shape[1] == width
    assert pixels[..., :3].std() > 0.05
