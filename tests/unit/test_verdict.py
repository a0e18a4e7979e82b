"""What of a run fits where: by layer, by place, by argument."""

import pytest

from specc.verdict import Module, Side, compare_weights, permutation, slots


def chain(*numbers, leaf=(3, 3)):
    return {f"model.f.{n}.weight": leaf for n in numbers}


def side(shapes, math="a", modules=None, fixed=None):
    return Side({"math": math, "training": "t"}, shapes, modules or {}, fixed or {})


def test_layers_without_tensors_move_none():
    found = compare_weights(side(chain(0, 2, 4)), side(chain(0, 3, 6), math="b"), {})
    assert found.outcome == "all"
    assert found.names["model.f.6.weight"] == "model.f.4.weight"


def test_a_chain_of_one_layer_is_that_layer():
    one, more = {"model.f.weight": (3, 3)}, chain(0)
    assert compare_weights(side(one), side(more, math="b"), {}).names == {
        "model.f.0.weight": "model.f.weight"
    }
    assert slots(one).keys() == slots(more).keys()


def test_a_bias_of_one_kind_of_layer_is_none_of_another():
    linear = {"model.f.0.weight": (3, 3), "model.f.0.bias": (3,)}
    norm = {"model.f.0.weight": (3,), "model.f.0.bias": (3,)}
    assert compare_weights(side(linear), side(norm, math="b"), {}).outcome == "none"


@pytest.mark.parametrize(
    "old, new, order",
    [
        ("z2 y1", "z2 y1", None),
        ("z2 y1", "y1 z2", (2, 0, 1)),
        ("z2 y1", "w2 y1", None),
        ("z2 y1", "y1 w2", (2, 0, 1)),
        ("a1 b1 c1", "c1 a1 b1", (2, 0, 1)),
        ("a1 a1", "a1 a1", None),
        ("z2 y1", "v1 w2", ()),
        ("z2 y1", "z1 y2", ()),
        ("z2 y1", "z1 y1 x1", ()),
        ("z3", "z2 y1", None),
    ],
)
def test_arguments_in_another_order(old, new, order):
    read = [[(each[0], int(each[1:])) for each in text.split()] for text in (old, new)]
    assert permutation(*read) == order


def test_what_is_not_known_to_follow_its_arguments_does_not_fit():
    swapped = [Module("1", (("a", 1), ("b", 2)), {}), Module("1", (("b", 2), ("a", 1)), {})]
    old, new = (
        side(chain(0), math=m, modules={"model.f": own})
        for m, own in zip("ab", swapped, strict=True)
    )
    assert compare_weights(old, new, {}).outcome == "none"


def test_the_same_mathematics_is_mapped_by_place_though_names_are_exchanged():
    shapes = {"model.f.weight": (2,), "model.g.weight": (2,)}
    one = {"model.f": Module("link 0"), "model.g": Module("link 1")}
    other = {"model.f": Module("link 1"), "model.g": Module("link 0")}
    found = compare_weights(side(shapes, modules=one), side(shapes, modules=other), {})
    assert found.outcome == "resumes"
    assert found.names == {"model.f.weight": "model.g.weight", "model.g.weight": "model.f.weight"}


def test_what_a_run_holds_on_to_is_named():
    found = compare_weights(
        side(chain(0), fixed={"train.seed": 0, "train.optimizer": "sgd"}),
        side(chain(0), fixed={"train.seed": 1, "train.optimizer": "adam", "train.optimizer.a": 1}),
        {},
    )
    assert (found.outcome, found.differs) == ("all", ("train.seed", "train.optimizer"))
    assert found.reason() == "train.seed, train.optimizer differ"
