"""Tables learnt from rows of the student network (Koller and Friedman 2009, figure 3.4).

Every run is seeded and on one thread, so results are reproducible. Chi-square tests reject correct
counts once in a million times.
"""

import numpy as np
from scipy import stats

from tests.house.files import ROOT
from tests.truths.gallery import source, trained, trained_text
from tests.truths.measuring import REFUSED, bound, draws, follows, rows, weights

COURSES, STUDENTS = np.array([0.6, 0.4]), np.array([0.7, 0.3])
MARKS = np.array(
    [[[0.3, 0.4, 0.3], [0.05, 0.25, 0.7]], [[0.9, 0.08, 0.02], [0.5, 0.3, 0.2]]]
)  # given intelligence and difficulty
TESTS = np.array([[0.95, 0.05], [0.2, 0.8]])
PRAISE = np.array([[0.1, 0.9], [0.4, 0.6], [0.99, 0.01]])
NAMES = ("difficulty", "intelligence", "grade", "sat", "letter")
ROWS = 5000
SETTINGS = ("train.optimizer.adam.lr=0.1", "train.schedule={cosine: {}}")


def sampled(folder):
    """Rows of the network, a column for each of its nodes, in a CSV file."""
    rng = np.random.default_rng(0)

    def one_of(table):
        return (rng.uniform(size=(ROWS, 1)) > table.cumsum(-1)[:, :-1]).sum(1)

    difficulty = one_of(np.tile(COURSES, (ROWS, 1)))
    intelligence = one_of(np.tile(STUDENTS, (ROWS, 1)))
    grade = one_of(MARKS[intelligence, difficulty])
    sat, letter = one_of(TESTS[intelligence]), one_of(PRAISE[grade])
    table = np.stack([difficulty, intelligence, grade, sat, letter], 1)
    path = folder / "students.csv"
    np.savetxt(path, table, "%d", ",", header=",".join(NAMES), comments="")


def test_the_gallery_has_these_rows(tmp_path):
    sampled(tmp_path)
    assert (tmp_path / "students.csv").read_text() == (ROOT / "specs/students.csv").read_text()


def joint(courses, students, marks, praise):
    """p(difficulty, intelligence, grade, sat, letter), with an axis for each."""
    return np.einsum("d,i,idg,is,gl->digsl", courses, students, marks, TESTS, praise)


def learnt(run):
    """The trained tables of a run, in the order of the arguments of `joint`."""
    logits = (weights(run)[f"model.{n}_logits"] for n in ("courses", "students", "marks", "praise"))
    return [np.exp(table) / np.exp(table).sum(-1, keepdims=True) for table in logits]


def counted(values, shape):
    """The counts of all combinations of values of several nodes."""
    found = np.zeros(shape)
    np.add.at(found, tuple(np.stack(values).astype(int)), 1)
    return found


def em(tables, seen):
    """One step of EM with latent intelligence; `seen` counts (difficulty, grade, sat, letter)."""
    whole = joint(*tables)
    expected = whole / whole.sum(1, keepdims=True) * seen[:, None]
    sums = "digsl->d", "digsl->i", "digsl->idg", "digsl->gl"
    found = [np.einsum(axes, expected) for axes in sums]
    return [table / table.sum(-1, keepdims=True) for table in found]


def mean_log_p(tables, seen):
    return (seen * np.log(joint(*tables).sum(1))).sum() / seen.sum()


def test_the_student_network_is_learned_with_one_node_unseen(tmp_path):
    """EM gains nothing; a likelihood-ratio test of 13 parameters accepts the tables of the book."""
    sampled(tmp_path)
    run = trained("student", tmp_path, SETTINGS, data_dir=tmp_path)
    observed = [rows(run, "train", name) for name in NAMES if name != "intelligence"]
    seen, tables = counted(observed, (2, 3, 2, 2)), learnt(run)
    start = mean_log_p(tables, seen)
    found = bound(run, 1, part="train", estimator="exact").value
    assert abs(found - start) < 1e-4, (found, start)
    fitted = tables
    for _ in range(300):
        fitted = em(fitted, seen)
    gain = mean_log_p(fitted, seen) - start
    assert 0 <= gain < 1e-4, gain
    book = mean_log_p((COURSES, STUDENTS, MARKS, PRAISE), seen)
    assert 0 < 2 * seen.sum() * (start - book) < stats.chi2.isf(REFUSED, 13), (start, book)
    drawn = draws(run, 20_000)
    assert follows(counted([drawn[name] for name in NAMES], (2, 2, 3, 2, 2)), joint(*tables))


def test_with_all_nodes_seen_the_tables_are_shares(tmp_path):
    """The maximum likelihood is the frequency of each class given the values of the parents."""
    sampled(tmp_path)
    text = source("student").text.replace("{latent: categorical", "{observed: categorical")
    text = text.replace(
        "    letter: {from", "    intelligence: {from: intelligence}\n    letter: {from"
    )
    run = trained_text(text, tmp_path, SETTINGS, data_dir=tmp_path)
    d, i, g, _, letter = (rows(run, "train", name) for name in NAMES)
    groups = ([d], (2,)), ([i], (2,)), ([i, d, g], (2, 2, 3)), ([g, letter], (3, 2))
    for table, (values, shape) in zip(learnt(run), groups, strict=True):
        counts = counted(values, shape)
        np.testing.assert_allclose(table, counts / counts.sum(-1, keepdims=True), atol=5e-3)
