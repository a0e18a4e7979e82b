"""The layers that links list, read as the generated code will print them."""

from __future__ import annotations

import pytest

from specc.catalog.entry import Layer
from specc.catalog.link import LinkShapeError
from specc.catalog.registry import LINKS


def printed(layer: Layer) -> str:
    inside = [printed(child) for child in layer.children]
    inside += [repr(argument) for argument in layer.arguments]
    inside += [f"{name}={value!r}" for name, value in layer.options.items()]
    return f"{layer.target.removeprefix('specc.runtime.links.')}({', '.join(inside)})"


def lower(kind, options, inputs, output):
    entry = LINKS[kind]
    made = entry.lower(entry.Options.model_validate(options), inputs, output)
    return [printed(layer) for layer in made.layers]


def refused(kind, options, inputs, output):
    with pytest.raises(LinkShapeError) as caught:
        lower(kind, options, inputs, output)
    assert str(caught.value) == f"{caught.value.reason}; {caught.value.fix}"
    return caught.value.reason, caught.value.fix


def test_the_index_has_every_kind():
    kinds = "conv convolution deconv ema embed gru layers linear mlp resnet set"
    assert tuple(LINKS) == tuple(kinds.split())
    with pytest.raises(KeyError):
        LINKS["mpl"]


def test_mlp():
    assert lower("mlp", {"mlp": [500, 500], "activation": "tanh"}, (40,), (64,)) == [
        "nn.Linear(40, 500)",
        "nn.Tanh()",
        "nn.Linear(500, 500)",
        "nn.Tanh()",
        "nn.Linear(500, 64)",
    ]


def test_a_trunk_ends_after_the_last_activation():
    mlp = LINKS["mlp"]
    options = mlp.Options(mlp=(500,), activation="tanh")
    trunk = mlp.trunk(options, (64,), ((40,), (40,)))
    assert [printed(layer) for layer in trunk.layers] == ["nn.Linear(64, 500)", "nn.Tanh()"]
    assert trunk.output == (500,)
    head = mlp.head(options, trunk.output, (40,))
    assert [printed(layer) for layer in head.layers] == ["nn.Linear(500, 40)"]


def test_the_trunk_of_a_linear_link_is_empty():
    linear = LINKS["linear"]
    trunk = linear.trunk(linear.Options(), (64,), ((40,),))
    assert trunk.layers == ()
    assert trunk.output == (64,)


def test_an_event_that_is_no_vector_is_made_at_the_end():
    assert lower("linear", {}, (3,), (1, 2, 2)) == [
        "nn.Linear(3, 4)",
        "nn.Unflatten(-1, (1, 2, 2))",
    ]
    assert lower("linear", {}, (3,), ()) == ["nn.Linear(3, 1)", "squeeze.Squeeze()"]


def test_batch_normalization_folds_the_leading_axes():
    given = {"mlp": [5], "normalization": "batch", "bias": False}
    assert lower("mlp", given, (3,), (2,)) == [
        "nn.Linear(3, 5, bias=False)",
        "fold_leading.FoldLeading(nn.BatchNorm1d(5), event_rank=1)",
        "nn.ReLU()",
        "nn.Linear(5, 2, bias=False)",
    ]


def test_resnet():
    assert lower("resnet", {"resnet": [5, 5, 6]}, (3,), (2,)) == [
        "nn.Linear(3, 5)",
        "residual.Residual(nn.Sequential(nn.ReLU(), nn.Linear(5, 5), nn.ReLU(), nn.Linear(5, 5)))",
        "residual.Residual(nn.Sequential(nn.ReLU(), nn.Linear(5, 5), nn.ReLU(), nn.Linear(5, 5)))",
        "residual.Residual(nn.Sequential(nn.ReLU(), nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 6)),"
        " nn.Linear(5, 6, bias=False))",
        "nn.ReLU()",
        "nn.Linear(6, 2)",
    ]


def test_conv():
    assert lower("conv", {"conv": [32, 64]}, (1, 28, 28), (10,)) == [
        "fold_leading.FoldLeading(nn.Sequential("
        "nn.Conv2d(1, 32, 3, stride=2, padding=1), nn.ReLU(), "
        "nn.Conv2d(32, 64, 3, stride=2, padding=1), nn.ReLU()), event_rank=3)",
        "nn.Flatten(-3)",
        "nn.Linear(3136, 10)",
    ]


def test_an_image_made_of_an_image_is_one_stack():
    assert lower("conv", {"conv": [8], "stride": 1}, (28, 28), (2, 28, 28)) == [
        "nn.Unflatten(-2, (1, 28))",
        "fold_leading.FoldLeading(nn.Sequential("
        "nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 2, 1)), event_rank=3)",
    ]


def test_deconv_is_the_mirror_of_conv():
    assert lower("deconv", {"deconv": [64, 32]}, (10,), (1, 28, 28)) == [
        "nn.Linear(10, 3136)",
        "nn.Unflatten(-1, (64, 7, 7))",
        "fold_leading.FoldLeading(nn.Sequential(nn.ReLU(), "
        "nn.ConvTranspose2d(64, 32, 3, stride=2, padding=1, output_padding=1), nn.ReLU(), "
        "nn.ConvTranspose2d(32, 1, 3, stride=2, padding=1, output_padding=1)), event_rank=3)",
    ]


def test_deconv_makes_up_for_odd_sides():
    made = lower("deconv", {"deconv": [4]}, (10,), (9, 8))
    assert "output_padding=(0, 1)" in made[2]
    assert made[3] == "nn.Flatten(-3, -2)"


def test_the_heads_of_a_deconv_share_all_but_the_last_convolution():
    deconv = LINKS["deconv"]
    options = deconv.Options(deconv=(64, 32))
    trunk = deconv.trunk(options, (10,), ((1, 28, 28), (3, 28, 28)))
    assert trunk.output == (32, 14, 14)
    assert [printed(layer) for layer in deconv.head(options, trunk.output, (3, 28, 28)).layers] == [
        "fold_leading.FoldLeading("
        "nn.ConvTranspose2d(32, 3, 3, stride=2, padding=1, output_padding=1), event_rank=3)"
    ]


def test_listed_layers_on_images_are_folded_together():
    listed = [{"conv2d": {"channels": 4}}, "batch_norm", "relu", "flatten", "layer_norm", "linear"]
    assert lower("layers", {"layers": listed}, (1, 4, 4), (3,)) == [
        "fold_leading.FoldLeading(nn.Sequential("
        "nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU()), event_rank=3)",
        "nn.Flatten(-3)",
        "nn.LayerNorm(16)",
        "nn.Linear(16, 3)",
    ]


def test_listed_layers_that_know_any_axes_are_not_folded():
    listed = [{"linear": 8}, {"unflatten": [2, 2, 2]}, "relu", "layer_norm"]
    assert lower("layers", {"layers": listed}, (3,), (2, 2, 2)) == [
        "nn.Linear(3, 8)",
        "nn.Unflatten(-1, (2, 2, 2))",
        "nn.ReLU()",
        "nn.LayerNorm((2, 2, 2))",
    ]


def test_layers_may_follow_a_linear_of_inferred_size():
    listed = [{"linear": 8}, "tanh", "linear", "batch_norm"]
    assert lower("layers", {"layers": listed, "bias": False}, (3,), (2, 2)) == [
        "nn.Linear(3, 8, bias=False)",
        "nn.Tanh()",
        "nn.Linear(8, 4, bias=False)",
        "fold_leading.FoldLeading(nn.BatchNorm1d(4), event_rank=1)",
        "nn.Unflatten(-1, (2, 2))",
    ]


def test_the_input_rank_of_listed_layers_is_that_of_the_first_that_minds():
    layers = LINKS["layers"]

    def rank(*listed):
        return layers.input_rank(layers.Options.model_validate({"layers": list(listed)}))

    assert rank("relu", {"conv2d": {"channels": 2}}, "flatten", "linear") == 3
    assert rank("relu", "linear") == 1
    assert rank("tanh") == 1
    assert rank({"max_pool2d": 2}) == 3
    assert LINKS["conv"].input_rank(LINKS["conv"].Options(conv=(1,))) == 3
    assert LINKS["mlp"].input_rank(LINKS["mlp"].Options(mlp=(1,))) == 1


def test_a_flatten_of_a_vector_is_left_out():
    assert lower("layers", {"layers": ["flatten", "linear"]}, (3,), (2,)) == ["nn.Linear(3, 2)"]


@pytest.mark.parametrize(
    "kind, options, inputs, output, reason, fix",
    [
        (
            "conv",
            {"conv": [4]},
            (64,),
            (5,),
            "takes an image [channels, height, width], and is given [64]",
            "give its input such a shape, or use an `mlp`",
        ),
        (
            "conv",
            {"conv": [4, 4], "kernel": 5, "padding": 0},
            (1, 8, 8),
            (5,),
            "has a kernel of 5, larger than the map of 2 (padding 0) it gets",
            "use fewer layers, a smaller kernel, or more padding",
        ),
        (
            "conv",
            {"conv": [4]},
            (1, 8, 8),
            (1, 8, 8),
            "makes maps of 4 x 4, and [1, 8, 8] is wanted",
            "change the stride or the number of layers, or let the link make a vector",
        ),
        (
            "conv",
            {"conv": [4], "hidden": [5]},
            (1, 8, 8),
            (1, 4, 4),
            "has hidden layers, which make a vector, and an image is wanted",
            "leave `hidden` out",
        ),
        (
            "deconv",
            {"deconv": [4]},
            (5,),
            (64,),
            "makes an image [channels, height, width], and [64] is wanted",
            "give what it feeds such a shape, or use an `mlp`",
        ),
        (
            "deconv",
            {"deconv": [4]},
            (5,),
            (),
            "makes an image [channels, height, width], and one number is wanted",
            "give what it feeds such a shape, or use an `mlp`",
        ),
        (
            "deconv",
            {"deconv": [4, 4], "kernel": 5, "padding": 0},
            (5,),
            (1, 8, 8),
            "cannot make a map of 2 with a kernel of 5 and padding 0",
            "use fewer layers, a smaller kernel, or more padding",
        ),
        (
            "layers",
            {"layers": [{"linear": 8}, "tanh"]},
            (5,),
            (3,),
            "ends with [8], and [3] is wanted",
            "end the list with a bare `linear`, whose size is inferred",
        ),
        (
            "layers",
            {"layers": ["linear", {"linear": 4}, "batch_norm"]},
            (5,),
            (3,),
            "has layer 1, `linear`, which has no size",
            "say `linear: 500`, or put it last",
        ),
        (
            "layers",
            {"layers": [{"conv2d": {"channels": 2}}, "linear"]},
            (1, 8, 8),
            (3,),
            "ends with a `linear`, which takes a vector and is given [2, 6, 6]",
            "put `flatten` before it",
        ),
        (
            "layers",
            {"layers": [{"linear": 8}, {"conv2d": {"channels": 2}}]},
            (5,),
            (3,),
            "has layer 2, `conv2d`, which takes an image [channels, height, width]"
            " and is given [8]",
            "put `flatten` or `unflatten` before it",
        ),
        (
            "layers",
            {"layers": [{"linear": 8}, {"unflatten": [3, 3]}]},
            (5,),
            (3, 3),
            "has layer 2, `unflatten`, which unflattens 8 features to [3, 3], which holds 9",
            "make the two sizes equal",
        ),
        (
            "layers",
            {"layers": [{"unflatten": [2, 4]}, "batch_norm"]},
            (8,),
            (2, 4),
            "has layer 2, `batch_norm`, which normalizes [2, 4] over the batch,"
            " which is no vector and no image",
            "use `layer_norm`, or flatten first",
        ),
        (
            "layers",
            {"layers": [{"conv2d": {"channels": 3}}, {"group_norm": 2}]},
            (1, 8, 8),
            (3, 6, 6),
            "has layer 2, `group_norm`, which divides 3 channels into 2 groups",
            "use a divisor of the channels",
        ),
        (
            "layers",
            {"layers": [{"max_pool2d": 9}]},
            (1, 8, 8),
            (1, 0, 0),
            "has layer 1, `max_pool2d`, which has a kernel of 9, larger than the map of 8"
            " (padding 0) it gets",
            "use fewer layers, a smaller kernel, or more padding",
        ),
        (
            "layers",
            {"layers": [{"conv_transpose2d": {"channels": 1, "output_padding": 1}}]},
            (1, 8, 8),
            (1, 11, 11),
            "has layer 1, `conv_transpose2d`, which has an output_padding of 1,"
            " not less than the stride of 1",
            "make it less than the stride",
        ),
        (
            "layers",
            {"layers": [{"conv_transpose2d": {"channels": 1, "padding": 9}}]},
            (1, 8, 8),
            (1, 1, 1),
            "has layer 1, `conv_transpose2d`, which has a padding of 9,"
            " which leaves nothing of the map",
            "use less padding",
        ),
    ],
)
def test_what_cannot_fit_is_refused_with_a_reason(kind, options, inputs, output, reason, fix):
    assert refused(kind, options, inputs, output) == (reason, fix)


def test_the_heads_of_one_deconv_must_agree():
    deconv = LINKS["deconv"]
    with pytest.raises(LinkShapeError, match=r"\[1, 8, 8\] and \[1, 9, 9\] are wanted"):
        deconv.trunk(deconv.Options(deconv=(4,)), (3,), ((1, 8, 8), (1, 9, 9)))
