"""Broken specs, as people break them: the code, the place, and the words that matter."""

from __future__ import annotations

import pytest

from .reading import HEAD, MODEL, read_text, words


def node(text: str) -> str:
    return f"{HEAD}model:\n  z: {text}\n"


NODES = [
    ("normal", "E0104", "normal", "write `z: {latent: normal"),
    ("[a]", "E0104", "[a]", "a mapping of keys"),
    ("", "E0116", "", "has no value"),
    ("{}", "E0106", "z", "has no role"),
    ("{loc: 0}", "E0106", "z", "latent, observed, given"),
    ("{latnt: normal}", "E0106", "latnt", "did you mean `latent`?"),
    ("{latent: normal, observed: normal}", "E0107", "observed", "`latent` and `observed`"),
    ("{latent: 3}", "E0104", "3", "the name of a distribution"),
    ("{latent: }", "E0116", "", "the name of a distribution"),
    ("{latent: {normal: {loc: 0}}}", "E0104", "{normal: {loc: 0}}", "beside it, not under it"),
    ("{given: [x]}", "E0104", "[x]", "the name of a data field"),
    ("{let: }", "E0116", "", "decoder(z)"),
    ("{let: 'a ^ b'}", "E0121", "^", "`**`"),
    ("{latent: normal, shpae: [3]}", "E0102", "shpae", "did you mean `shape`?"),
    ("{parameter: real, shap: [3]}", "E0102", "shap", "did you mean `shape`?"),
    ("{latent: normal, shape: 3}", "E0104", "3", "write `[3]`"),
    ("{latent: normal, shape: }", "E0116", "", "write `[10]`"),
    ("{latent: normal, shape: {a: 1}}", "E0104", "{a: 1}", "a list of sizes"),
    ("{latent: normal, shape: [true]}", "E0104", "true", "`shape[0]` of the node `z`"),
    ("{latent: normal, global: yes}", "E0114", "yes", "write `true`"),
    ("{latent: normal, global: 'off'}", "E0114", "'off'", "write `false`"),
    ("{latent: normal, global: 1}", "E0104", "1", "true or false"),
    ("{latent: normal, plate: 3}", "E0104", "3", "the name of a plate"),
    ("{latent: normal, loc: true}", "E0104", "true", "write 1 or 0"),
    ("{latent: normal, loc: {a: 1}}", "E0104", "{a: 1}", "an expression"),
    ("{latent: normal, loc: .inf}", "E0110", ".inf", "finite"),
    ("{latent: normal, loc: [1, .nan]}", "E0110", ".nan", "`loc[1]` of the node `z`"),
    ("{latent: normal, loc: []}", "E0116", "[]", "`[0, 1]`"),
    ("{latent: normal, loc: [1, a +]}", "E0122", "+", "nothing follows"),
    ("{latent: normal, params: a b}", "E0122", "b", "without an operator"),
    ("{latent: normal, loc: '0.5'}", "W0131", "'0.5'", "delete the quotes"),
    ("{latent: normal, loc: '-1e-3'}", "W0131", "'-1e-3'", "delete the quotes"),
    ("{parameter: real, init: zeroes}", "E0113", "zeroes", "did you mean `zeros`?"),
    ("{parameter: real, init: random}", "E0113", "random", "`zeros` or `normal`"),
    ("{parameter: real, init: [1, a]}", "E0104", "a", "`init[1]` of the node `z`"),
    ("{parameter: real, init: '3'}", "E0115", "'3'", "delete the quotes"),
    ("{parameter: real, init: []}", "E0104", "[]", "an empty list"),
    ("{parameter: real, draw: score}", "E0411", "draw", "`z` is a parameter"),
    ("{observed: normal, draw: score}", "E0411", "draw", "`z` is observed"),
    ("{let: 1, from: x}", "E0117", "from", "only observed nodes"),
    ("{given: x, init: 3}", "E0117", "init", "the given node `z` cannot have"),
    ("{latent: normal, plate_index: t}", "E0117", "plate_index", "only given nodes"),
    ("{latent: normal, draw: scor}", "E0407", "scor", "did you mean `score`?"),
    ("{latent: normal, draw: magic}", "E0407", "magic", "`pathwise`"),
    ("{latent: normal, draw: 3}", "E0104", "3", "the name of a draw"),
    ("{latent: normal, draw: {}}", "E0116", "{}", "the name of a draw"),
    ("{latent: normal, draw: {score: 3}}", "E0104", "3", "`none`"),
    ("{latent: normal, draw: {score: {basline: mean}}}", "E0418", "basline", "`baseline`"),
    ("{latent: normal, draw: {delta: {a: mean}}}", "E0418", "a", "it has none"),
    ("{latent: normal, draw: {score: meen}}", "E0113", "meen", "did you mean `mean`?"),
    ("{latent: normal, draw: {score: xxxx}}", "E0113", "xxxx", "`leave_one_out`"),
    ("{latent: normal, draw: {delta: 3}}", "E0104", "3", "it has no options"),
    ("{latent: normal, draw: {score: [mean]}}", "E0104", "[mean]", "`none`"),
    ("{latent: normal, draw: {score: , delta: }}", "E0112", "delta", "delete one"),
    ("{joint: {x: observed}}", "E0103", "", "`distribution: normal`"),
    ("{joint: {}, distribution: normal}", "E0116", "{}", "`{x: observed, u: latent}`"),
    ("{joint: [x, u], distribution: normal}", "E0104", "[x, u]", "`{x: observed, u: latent}`"),
    ("{joint: {x: obsrved}, distribution: normal}", "E0129", "obsrved", "mean `observed`?"),
    ("{joint: {x: given}, distribution: normal}", "E0129", "given", "`observed` or `latent`"),
    ("{joint: {x: {given: a}}, distribution: normal}", "E0104", "{given: a}", "that of the draw"),
    ("{joint: {x-1: latent}, distribution: normal}", "E0108", "x-1", "`x_1`"),
    ("{joint: {x: latent}, distribution: {normal: 1}}", "E0104", "{normal: 1}", "a distribution"),
    ("{joint: {x: latent}, distribution: normal, shapes: 3}", "E0104", "3", "`{u: [8]}`"),
    ("{joint: {x: latent}, distribution: normal, shapes: {x: 3}}", "E0104", "3", "write `[3]`"),
    ("{joint: {x: latent}, distribution: normal, shape: [3]}", "E0117", "shape", "only latent"),
    ("{joint: {x: latent}, distribution: normal, global: true}", "E0117", "global", "only"),
    ("{joint: {x: latent}, distribution: normal, draw: score}", "E0411", "draw", "delete"),
    ("{joint: {x: latent}, latent: normal}", "E0107", "latent", "delete one"),
    ("{latent: normal, distribution: normal}", "E0117", "distribution", "only joint"),
    ("{latent: normal, shapes: {x: [3]}}", "E0117", "shapes", "only joint"),
]

LATER = [
    ("{observed: normal, dequantize: uniform}", "dequantize"),
    ("{latent: normal, draw: {chain: {steps: 1}}}", "chain"),
]

TOP = [
    ("modl: 3", "E0102", "modl", "did you mean `model`?"),
    ("epochs: 3", "E0102", "epochs", "under `train:`"),
    ("fields: {}", "E0102", "fields", "under `data:`"),
    ("zzz: 3", "E0102", "zzz", "its keys are `constants`"),
    ("doc: 3", "E0104", "3", "a text"),
    ("guide: 3", "E0104", "3", "write its nodes"),
    ("guide: {}", "E0116", "{}", "write its nodes"),
    ("programs: {model: {x: {let: 1}}}", "E0109", "model", "`model_program`"),
    ("programs: {data: {x: {let: 1}}}", "E0109", "data", "the data"),
    ("programs: {c: 3}", "E0104", "3", "the program `c`"),
    ("programs: {c: {y: {latent: 3}}}", "E0104", "3", "of the node `y`"),
    ("plates: [3]", "E0104", "[3]", "a mapping"),
    ("plates: {t: {steps: 3}}", "E0102", "steps", "the plate `t`"),
    ("plates: {t: a +}", "E0122", "+", "nothing follows"),
    ("constants: {a: true}", "E0104", "true", "a word or a list of numbers"),
    ("constants: {a: [1, x]}", "E0104", "x", "`[1]` of the constant `a`"),
    ("constants: {a: []}", "E0104", "[]", "an empty list"),
    ("constants: {a: [[1], [x]]}", "E0104", "x", "`[1][0]` of the constant `a`"),
    ("constants: {a: [[1], [1, 2]]}", "E0319", "[[1], [1, 2]]", "different shapes"),
    ("constants: {a: [1, [2]]}", "E0319", "[1, [2]]", "different shapes"),
    ("constants: {a: }", "E0116", "", "the constant `a`"),
    ("constants: {a: .nan}", "E0110", ".nan", "the constant `a`"),
    ("constants: {lambda: 1}", "E0109", "lambda", "something in Python"),
    ("moved: {a: 3}", "E0104", "3", "a name"),
    ("moved: 3", "E0104", "3", "model.decoder"),
    # links
    ("links: [a]", "E0104", "[a]", "decoder: {mlp"),
    ("links: {d: 3}", "E0104", "3", "write `d: {mlp"),
    ("links: {a-b: linear}", "E0108", "a-b", "did you mean `a_b`?"),
    ("links: {d: lnear}", "E0601", "lnear", "did you mean `linear`?"),
    ("links: {d: attention}", "E0601", "attention", "a causal link `transformer`"),
    ("links: {d: foobar}", "E0601", "foobar", "the kinds are `actnorm`"),
    ("links: {d: mlp}", "E0603", "mlp", "write such as `{mlp:"),
    ("links: {d: {mlp: }}", "E0603", "", "must be given a value"),
    ("links: {d: {}}", "E0613", "d", "`resnet`"),
    ("links: {d: {activation: tanh}}", "E0613", "d", "no kind of network"),
    ("links: {d: {mpl: [3]}}", "E0601", "mpl", "did you mean `mlp`?"),
    ("links: {d: {hidden: [3], mpl: [3]}}", "E0601", "mpl", "did you mean `mlp`?"),
    ("links: {d: {mlp: [3], conv: [3]}}", "E0614", "conv", "`mlp` and `conv`"),
    ("links: {d: {mlp: [3], activation: tahn}}", "E0609", "tahn", "did you mean `tanh`?"),
    ("links: {d: {mlp: [3], activation: zzzz}}", "E0609", "zzzz", "there are `celu`"),
    ("links: {d: {mlp: [3], activaton: tanh}}", "E0602", "activaton", "`activation`?"),
    ("links: {d: {mlp: [3], zzz: tanh}}", "E0602", "zzz", "it has `activation`"),
    ("links: {d: {mlp: 3}}", "E0603", "3", "write `[3]`"),
    ("links: {d: {mlp: [3, a]}}", "E0603", "a", "`mlp[1]` of the link `d`"),
    ("links: {d: {mlp: [0]}}", "E0603", "0", "at least 1"),
    ("links: {d: {mlp: ['3']}}", "E0115", "'3'", "delete the quotes"),
    ("links: {d: {mlp: [1.5]}}", "E0603", "1.5", "an integer"),
    ("links: {d: {mlp: [3], dropout: 1.5}}", "E0603", "1.5", "less than 1"),
    ("links: {d: {mlp: [3], dropout: .inf}}", "E0110", ".inf", "finite"),
    ("links: {d: {mlp: [3], bias: no}}", "E0114", "no", "write `false`"),
    ("links: {d: {mlp: [3], normalization: bach}}", "E0603", "bach", "did you mean `batch`?"),
    ("links: {d: {mlp: [3], init: xavier_norml}}", "E0603", "xavier_norml", "`xavier_normal`?"),
    (
        "links: {d: {mlp: [3], init: {xavier_norml: {gain: 1}}}}",
        "E0603",
        "xavier_norml",
        "did you mean `xavier_normal`?",
    ),
    ("links: {d: {mlp: [3], init: {orthogonal: {gain: 0}}}}", "E0603", "0", "more than 0"),
    ("links: {d: {layers: [{linear: 3}, tanhh]}}", "E0608", "tanhh", "did you mean `tanh`?"),
    ("links: {d: {layers: [{lstm: 3}]}}", "E0608", "lstm", "there are `linear`"),
    ("links: {d: {layers: []}}", "E0603", "[]", "at least one entry"),
    (
        "links: {d: {layers: [{conv2d: {chanels: 3}}]}}",
        "E0102",
        "chanels",
        "`layers[0].conv2d` of the link `d`",
    ),
    ("links: {d: {layers: [{dropout: 2}]}}", "E0603", "2", "less than 1"),
    # objective
    ("objective: 3", "E0104", "3", "the name of an objective"),
    ("objective:", "E0116", "", "`elbo`"),
    ("objective: {}", "E0116", "{}", "`elbo`"),
    ("objective: {elbo: 3}", "E0104", "3", "`objective.elbo`"),
    ("objective: {elbo: {particles: [1]}}", "E0104", "[1]", "a number"),
    ("objective: {elbo: {particles: }}", "E0116", "", "delete the key"),
    ("objective: {elbo: {particles: .inf}}", "E0110", ".inf", "finite"),
    ("objective: {elbo: {}, iwae: {}}", "E0112", "iwae", "it has 2 keys"),
    ("objective: {minimize: }", "E0116", "minimize", "-elbo(model, guide)"),
    ("objective: {minimize: a b}", "E0122", "b", "without an operator"),
    # data
    ("data: digits", "E0104", "digits", "{source: digits}"),
    ("data: {fields: {}}", "E0103", "", "the sources are"),
    ("data: {source: 3}", "E0104", "3", "`digits`"),
    ("data: {source: digit}", "E0501", "digit", "did you mean `digits`?"),
    ("data: {source: wikipedia}", "E0501", "wikipedia", "the sources are"),
    ("data: {source: digits, path: x}", "E0102", "path", "its keys are"),
    ("data: {source: digits, fieldz: {}}", "E0102", "fieldz", "did you mean `fields`?"),
    ("data: {source: npz}", "E0103", "", "`data` lacks the required key `path`"),
    ("data: {source: npz, path: 3}", "E0104", "3", "a text"),
    ("data: {source: npz, path: ../x}", "E0506", "../x", "outside the data folder"),
    ("data: {source: /etc/x.npz}", "E0506", "/etc/x.npz", "outside the data folder"),
    ("data: {source: npz, path: 'C:\\x'}", "E0506", "'C:\\x'", "outside the data folder"),
    ("data: {source: npz, path: 'a\\..\\..\\x'}", "E0506", "'a\\..\\..\\x'", "outside the data"),
    ("data: {source: csv, path: a.csv, columns: 3}", "E0104", "3", "features"),
    ("data: {source: csv, path: a.csv, fields: {x: {from: []}}}", "E0104", "[]", "at least one"),
    ("data: {source: csv, path: a.csv, classes: 3}", "E0104", "3", "species"),
    ("data: {source: csv, path: a.csv, classes: {s: 3}}", "E0104", "3", "texts"),
    (
        "data: {source: csv, path: a.csv, classes: {s: [a]}}",
        "E0104",
        "[a]",
        "this is a list of one",
    ),
    ("data: {source: csv, path: a.csv, classes: {s: [a, 1]}}", "E0104", "1", 'write `"1"`'),
    (
        "data: {source: csv, path: a.csv, classes: {s: [a, a]}}",
        "E0104",
        "[a, a]",
        "with a text twice",
    ),
    ("data: {source: csv, path: a.csv, columns: {h: 3}}", "E0104", "3", "a column"),
    ("data: {source: digits, fields: 3}", "E0104", "3", "from: image"),
    ("data: {source: digits, fields: {x: image}}", "E0104", "image", "`x: {from: image}`"),
    ("data: {source: digits, fields: {x-y: {}}}", "E0108", "x-y", "`x_y`"),
    ("data: {source: digits, fields: {x: {binarise: a}}}", "E0102", "binarise", "`binarize`?"),
    ("data: {source: digits, fields: {x: {binarize: smple}}}", "E0113", "smple", "`sample`?"),
    ("data: {source: digits, fields: {x: {binarize: 3}}}", "E0104", "3", "`threshold`"),
    ("data: {source: digits, fields: {x: {shape: 3}}}", "E0104", "3", "write `[3]`"),
    ("data: {source: digits, fields: {x: {scale: -1}}}", "E0111", "-1", "more than 0"),
    ("data: {source: digits, fields: {x: {one_hot: 1}}}", "E0111", "1", "at least 2"),
    ("data: {source: digits, split: 0.2}", "E0104", "0.2", "`{test: 0.2}`"),
    ("data: {source: digits, split: {test: 1.5}}", "E0111", "1.5", "between 0 and 1"),
    ("data: {source: digits, split: {test: 0}}", "E0111", "0", "a number of rows"),
    ("data: {source: digits, split: {test: true}}", "E0104", "true", "a number"),
    ("data: {source: digits, split: {test: a b}}", "E0509", "a b", "is_test[0]"),
    ("data: {source: digits, split: {train: 0.8}}", "E0509", "train", "no other part"),
    ("data: {source: digits, split: {a: 0.5, b: 0.5}}", "E0509", "{a: 0.5, b: 0.5}", "come to 1"),
    # training
    ("train: 3", "E0104", "3", "`train: {epochs: 100}`"),
    ("train: {epoch: 3}", "E0102", "epoch", "did you mean `epochs`?"),
    ("train: {epochs: 3, steps: 4}", "E0118", "steps", "given twice"),
    ("train: {epochs: 0}", "E0111", "0", "at least 1"),
    ("train: {epochs: 1.5}", "E0104", "1.5", "an integer"),
    ("train: {epochs: '3'}", "E0115", "'3'", "delete the quotes"),
    (f"train: {{epochs: '{10**400}'}}", "E0115", f"'{10**400}'", "delete the quotes"),
    ("train: {epochs: }", "E0116", "", "delete the key"),
    ("train: {batch_size: 4294967296}", "E0111", "4294967296", "at most 2.15e+09"),
    ("train: {clip: .nan}", "E0110", ".nan", "finite"),
    ("train: {precision: float16}", "E0113", "float16", "`float32`"),
    ("train: {optimizer: adma}", "E0113", "adma", "did you mean `adam`?"),
    ("train: {optimizer: lbfgs}", "E0113", "lbfgs", "there are `adadelta`"),
    ("train: {optimizer: 3}", "E0104", "3", "the name of an optimizer"),
    ("train: {optimizer: {adam: 3}}", "E0104", "3", "a mapping"),
    ("train: {optimizer: {adam: {lr: fast}}}", "E0104", "fast", "train.optimizer.adam.lr"),
    ("train: {lr: 0.1}", "E0102", "lr", "such as `optimizer: {adam: {lr: ...}}`"),
    (
        "train: {learning_rate: 1}",
        "E0102",
        "learning_rate",
        "such as `optimizer: {adam: {lr: ...}}`",
    ),
    ("train: {nesterov: true}", "E0102", "nesterov", "such as `optimizer: {sgd: {nesterov: ...}}`"),
    ("train: {num_epochs: 3}", "E0102", "num_epochs", "did you mean `epochs`?"),
    ("loss: elbo", "E0102", "loss", "did you mean `objective`?"),
    ("train: {optimizer: {adam: {lr: 0}}}", "E0111", "0", "more than 0"),
    ("train: {optimizer: {adam: {learning_rate: 1}}}", "E0102", "learning_rate", "`lr`"),
    ("train: {optimizer: {adam: {betas: [0.9]}}}", "E0104", "[0.9]", "at least 2 entries"),
    ("train: {optimizer: {adam: {betas: [0.9, 0.9, 0.9]}}}", "E0104", "[0.9, 0.9, 0.9]", "most"),
    ("train: {optimizer: {adam: {}, sgd: {}}}", "E0112", "sgd", "delete one"),
    ("train: {schedule: {at: 0.5, lr: 1}}", "E0104", "{at: 0.5, lr: 1}", "a list"),
    ("train: {schedule: [{at: 0.5}]}", "E0103", "", "lacks the required key `lr`"),
    ("train: {schedule: [{at: 0.5, lr: 1}, {at: 0.5, lr: 1}]}", "E0111", "0.5", "more than 0.5"),
    ("evaluate: {test: iwae}", "E0104", "iwae", "`test: {estimator: iwae"),
    ("evaluate: {estimator: iwae}", "E0104", "iwae", "every metric has a name"),
    ("evaluate: {test: {estimator: iwea}}", "E0113", "iwea", "did you mean `iwae`?"),
    ("evaluate: {test: {particles: many}}", "E0104", "many", "of the evaluation `test`"),
    ("evaluate: {te st: {}}", "E0108", "te st", "`te_st`"),
]

HEADS = [
    ("3", "E0101", "3", "the number `3`"),
    ("[a]", "E0101", "[a]", "a list"),
    ("specc: 2\nname: m\nmodel: {z: {let: 1}}", "E0105", "2", "write `specc: 1`"),
    ("specc: '1'\nname: m\nmodel: {z: {let: 1}}", "E0105", "'1'", "write `specc: 1`"),
    ("specc:\nname: m\nmodel: {z: {let: 1}}", "E0116", "", "the version"),
    ("specc: [1]\nname: m\nmodel: {z: {let: 1}}", "E0104", "[1]", "the version"),
    ("name: m\nmodel: {z: {let: 1}}", "E0103", "", "start the file with `specc: 1`"),
    ("specc: 1\nmodel: {z: {let: 1}}", "E0103", "", "the spec lacks the required key `name`"),
    ("specc: 1\nname: m", "E0103", "", "the spec lacks the required key `model`"),
    ("specc: 1\nname: 3\nmodel: {z: {let: 1}}", "E0104", "3", "a word"),
    ("specc: 1\nname: My-Model\nmodel: {z: {let: 1}}", "E0108", "My-Model", "`my_model`"),
    ("specc: 1\nname: VAE\nmodel: {z: {let: 1}}", "E0108", "VAE", "in lower case"),
    ("specc: 1\nname: class\nmodel: {z: {let: 1}}", "E0109", "class", "something in Python"),
    ("specc: 1\nname: if-\nmodel: {z: {let: 1}}", "E0108", "if-", "in lower case"),
    ("specc: 1\nname: print\nmodel: {z: {let: 1}}", "E0109", "print", "a function of Python"),
    ("specc: 1\nname: torch\nmodel: {z: {let: 1}}", "E0109", "torch", "`torch_model`"),
    ("specc: 1\nname: json\nmodel: {z: {let: 1}}", "E0109", "json", "a package"),
    ("specc: 1\nname: é\nmodel: {z: {let: 1}}", "E0108", "é", "letters, digits and _"),
    (f"specc: 1\nname: {'a' * 65}\nmodel: {{z: {{let: 1}}}}", "E0108", "a" * 65, "at most 64"),
    (HEAD + "model: {1a: {let: 3}}", "E0108", "1a", "did you mean `a`?"),
    (HEAD + "model: {__init__: {let: 3}}", "E0108", "__init__", "did you mean `init`?"),
    (HEAD + "model: {class: {let: 3}}", "E0109", "class", "`class_node`"),
    (HEAD + "model: {é: {let: 3}}", "E0108", "é", "cannot be a name"),
    (HEAD + "model: {}", "E0116", "{}", "write its nodes"),
    (HEAD + "model:", "E0116", "", "write its nodes"),
    (HEAD + "model: [z]", "E0104", "[z]", "a mapping"),
]

CASES = [
    *((node(text), *rest) for text, *rest in NODES),
    *((MODEL + text, *rest) for text, *rest in TOP),
    *HEADS,
]


@pytest.mark.parametrize(("text", "code", "marked", "said"), CASES)
def test_one_mistake_gives_one_finding(text: str, code: str, marked: str, said: str):
    _, findings = read_text(text)
    assert [(f.code, f.span.text) for f in findings] == [(code, marked)]
    assert said in words(findings[0])


@pytest.mark.parametrize(("text", "feature"), [(node(t), f) for t, f in LATER])
def test_what_comes_later_is_refused_plainly(text: str, feature: str):
    _, findings = read_text(text)
    assert [f.code for f in findings] == ["E0901"]
    assert f"this version does not have `{feature}` yet" in words(findings[0])


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_text():
    text = (
        "specc: 1\nname: m\n"
        "model:\n  z: {latent: normal, loc: a ^ b, shape: 3}\n  x: {observd: normal}\n"
        "links: {d: {mlp: [a, 0]}}\n"
        "objective: {elbo: 3}\n"
        "train: {epochs: 0, seed: -1, optimizer: adma}\n"
    )
    codes = [(f.code, f.span.line) for f in read_text(text)[1]]
    assert codes == [
        ("E0121", 4),
        ("E0104", 4),
        ("E0106", 5),
        ("E0603", 6),
        ("E0603", 6),
        ("E0104", 7),
        ("E0111", 8),
        ("E0111", 8),
        ("E0113", 8),
    ]


def test_a_missing_and_a_misspelt_key_are_one_mistake():
    _, findings = read_text(MODEL + "train: {schedule: [{att: 0.5, lr: 1}]}")
    assert [(f.code, f.span.text) for f in findings] == [("E0102", "att")]
    _, findings = read_text(MODEL + "train: {schedule: [{when: 0.5, lr: 1}]}")
    assert [f.code for f in findings] == ["E0103", "E0102"]


@pytest.mark.parametrize(
    "text", ["zzz: 3", "train: {epoch: 3}", "evaluate: {a: 3}", "doc: 3", "moved: 3"]
)
def test_a_mistake_beside_the_mathematics_leaves_a_spec_to_look_at(text: str):
    spec, findings = read_text(MODEL + text)
    assert len(findings) == 1
    assert spec is not None
    assert "z" in spec.document.model


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("guide: {z: 3}", ("guide", "z")),
        ("guide: 3", ("guide", "z")),
        ("links: {d: 3}", ("links", "d")),
        ("links: 3", ("links", "d")),
        ("plates: {p: true}", ("plates", "p")),
        ("constants: {c: }", ("constants", "c")),
        ("objective: 3", ("objective",)),
        ("sampler: {nots: {}}", ("sampler",)),
        ("guides: {z: {let: 1}}", ("guide",)),
        ("data: 3", ("data", "fields", "x")),
        ("data: {source: digits, fields: {x: 3}}", ("data", "fields", "x")),
        ("programs: {q: {y: 3}}", ("programs", "q", "y")),
        ("links: {d-1: {mlp: [3]}}", ("links", "d")),
    ],
)
def test_what_cannot_be_read_is_noted_and_the_rest_is_there(text: str, path: tuple[str, ...]):
    spec, findings = read_text(MODEL + text)
    assert len(findings) == 1
    assert spec is not None
    assert "z" in spec.document.model
    assert spec.unread
    assert spec.unread.holds(*path)
    assert not spec.unread.holds("model", "z")


def test_there_is_no_spec_without_a_model():
    assert read_text(HEAD + "model: 3")[0] is None
    assert read_text(HEAD + "model: {v: {observed: bernoulli}, energy: -v}")[0] is not None
    assert read_text(MODEL + "energy: z")[0] is None


@pytest.mark.parametrize(
    ("name", "code"), [("lambda", "E0109"), ("β", "E0108"), ("z-1", "E0108"), ("z'", "E0108")]
)
def test_a_word_that_cannot_be_a_name_is_reported_once(name: str, code: str):
    text = f'{HEAD}model:\n  {name}: {{let: 1}}\n  y: {{let: "2 * {name}"}}\n'
    assert [f.code for f in read_text(text)[1]] == [code]


def test_labels_name_the_other_place():
    _, (found,) = read_text(node("{latent: normal, let: 1}"))
    assert [label.span.text for label in found.labels] == ["latent"]
    _, (found,) = read_text(MODEL + "train: {epochs: 3, steps: 4}")
    assert [label.span.text for label in found.labels] == ["epochs"]
    _, (found,) = read_text(MODEL + "links: {d: {mlp: [3], conv: [3]}}")
    assert [label.span.text for label in found.labels] == ["mlp"]
