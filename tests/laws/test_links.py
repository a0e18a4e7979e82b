"""Laws of every link: shapes over any leading axes, one batch row at a time, heads, options."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from specc.catalog.link import LinkOptions, LinkShapeError
from specc.catalog.links.blocks.activation import ACTIVATIONS, Activation
from specc.catalog.links.blocks.folding import sequence
from specc.catalog.parameters import parameters
from specc.catalog.registry import LINKS
from tests.laws.instantiate import module, network, resolve, run

LEADING = [(3,), (2, 3), (2, 1, 3)]

# kind, options, input, output: every code path of each link.
CASES = [
    ("linear", {}, (7,), (5,)),
    ("linear", {"linear": True, "bias": False}, (7,), ()),
    ("linear", {"init": "orthogonal"}, (7,), (2, 3)),
    ("mlp", {"mlp": [11, 13], "activation": "tanh"}, (7,), (5,)),
    ("mlp", {"mlp": []}, (7,), (5,)),
    ("mlp", {"mlp": [11]}, (1,), ()),
    ("mlp", {"mlp": [11]}, (7,), (1, 4, 4)),
    ("mlp", {"mlp": [11, 11], "normalization": "batch"}, (7,), (5,)),
    ("mlp", {"mlp": [11, 11], "normalization": "layer", "dropout": 0.5}, (7,), (5,)),
    ("resnet", {"resnet": [11, 11, 13]}, (7,), (5,)),
    ("resnet", {"resnet": [11], "normalization": "batch", "dropout": 0.1}, (7,), (2, 2)),
    ("resnet", {"resnet": [11, 12], "normalization": "layer", "bias": False}, (7,), ()),
    ("conv", {"conv": [4, 6]}, (3, 9, 8), (5,)),
    ("conv", {"conv": [4], "hidden": [7], "normalization": "batch"}, (1, 8, 8), ()),
    ("conv", {"conv": [4], "kernel": 5, "stride": 1, "dropout": 0.2}, (1, 8, 8), (2, 8, 8)),
    ("conv", {"conv": [4], "normalization": "layer"}, (8, 8), (3,)),
    ("conv", {"conv": [4], "kernel": 4, "padding": 0, "bias": False}, (2, 8, 8), (3,)),
    ("conv", {"conv": [4], "stride": 1}, (8, 8), (2, 8, 8)),
    ("deconv", {"deconv": [6, 4]}, (7,), (3, 9, 8)),
    ("deconv", {"deconv": [6], "hidden": [5], "normalization": "batch"}, (7,), (1, 28, 28)),
    ("deconv", {"deconv": [6, 4], "kernel": 4, "normalization": "layer"}, (7,), (8, 8)),
    ("deconv", {"deconv": [6, 4, 2], "stride": 3, "kernel": 5, "bias": False}, (7,), (1, 17, 28)),
    ("mlp", {"mlp": [11], "spectral_norm": True}, (7,), (5,)),
    ("conv", {"conv": [4, 6], "spectral_norm": True}, (3, 9, 8), (5,)),
    ("deconv", {"deconv": [6, 4], "spectral_norm": True}, (7,), (3, 9, 8)),
    ("embed", {}, (7,), (5,)),
    ("embed", {"embed": True}, (7,), ()),
    ("set", {"set": [11, 13], "activation": "tanh"}, (4, 7), (5,)),
    ("set", {"set": [11], "pool": "sum", "hidden": [9]}, (4, 7), ()),
    ("set", {"set": [11], "pool": "none", "hidden": [9]}, (4, 7), (4, 5)),
    ("set", {"set": [], "normalization": "layer", "dropout": 0.1}, (4, 7), (2, 2)),
    ("gru", {}, (7,), (5,)),
    ("gru", {"gru": True, "init": "orthogonal"}, (2,), (1,)),
    ("gru", {"bias": False}, (7,), (2,)),
    ("layers", {"layers": [{"linear": 11}, "tanh", "linear"]}, (7,), (5,)),
    ("layers", {"layers": ["linear"]}, (7,), (2, 2)),
    (
        "layers",
        {"layers": [{"linear": 8}, "batch_norm", "relu", {"dropout": 0.1}, {"linear": 5}]},
        (7,),
        (5,),
    ),
    (
        "layers",
        {"layers": [{"linear": 12}, "layer_norm", {"unflatten": [3, 2, 2]}]},
        (7,),
        (3, 2, 2),
    ),
    (
        "layers",
        {
            "layers": [
                {"conv2d": {"channels": 4, "padding": 1}},
                "batch_norm",
                "relu",
                {"max_pool2d": 2},
                {"conv2d": {"channels": 6, "kernel": 3, "stride": 2, "padding": 1}},
                {"group_norm": 2},
                "layer_norm",
                "silu",
                {"avg_pool2d": 2},
                "flatten",
                "linear",
            ]
        },
        (1, 8, 8),
        (5,),
    ),
    (
        "layers",
        {
            "layers": [
                {"linear": 32},
                {"unflatten": [8, 2, 2]},
                "relu",
                {"conv_transpose2d": {"channels": 4, "kernel": 4, "stride": 2, "padding": 1}},
                {"upsample": 2},
                {
                    "conv_transpose2d": {
                        "channels": 1,
                        "stride": 2,
                        "padding": 1,
                        "output_padding": 1,
                    }
                },
            ]
        },
        (7,),
        (1, 16, 16),
    ),
]
IDS = [f"{kind}-{number}" for number, (kind, *_) in enumerate(CASES)]


def lowered(kind, given, inputs, output):
    entry = LINKS[kind]
    return entry.lower(entry.Options.model_validate(given), inputs, output)


@pytest.mark.parametrize("kind, options, inputs, output", CASES, ids=IDS)
@pytest.mark.parametrize("leading", LEADING, ids=str)
def test_the_result_has_the_wanted_shape_over_any_leading_axes(
    kind, options, inputs, output, leading
):
    made = lowered(kind, options, inputs, output)
    assert made.output == output
    assert run(made, inputs, leading).shape == (*leading, *output)


@pytest.mark.parametrize("kind, options, inputs, output", CASES, ids=IDS)
def test_events_do_not_see_each_other_when_evaluated(kind, options, inputs, output):
    net = network(lowered(kind, options, inputs, output)).double().eval()
    x = torch.randn(2, 3, *inputs, dtype=torch.float64)
    one_by_one = torch.stack(
        [torch.stack([net(x[i, j][None])[0] for j in range(3)]) for i in (0, 1)]
    )
    torch.testing.assert_close(net(x), one_by_one)


@pytest.mark.parametrize("kind, options, inputs, output", CASES, ids=IDS)
def test_every_parameter_takes_part(kind, options, inputs, output):
    torch.manual_seed(0)
    net = network(lowered(kind, options, inputs, output))
    y = net(torch.randn(8, *inputs))
    y.mul(torch.randn_like(y)).sum().backward()
    assert [name for name, p in net.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize("kind, options, inputs, output", CASES, ids=IDS)
def test_a_trunk_and_a_head_are_the_whole(kind, options, inputs, output):
    entry = LINKS[kind]
    chosen = entry.Options.model_validate(options)
    trunk = entry.trunk(chosen, inputs, (output, output))
    head = entry.head(chosen, trunk.output, output)
    assert head.output == output
    torch.manual_seed(0)
    features = run(trunk, inputs, (2, 3))
    assert features.shape == (2, 3, *trunk.output)
    assert network(head)(features).shape == (2, 3, *output)
    whole = entry.lower(chosen, inputs, output)
    assert shapes(trunk) + shapes(head) == shapes(whole)


def shapes(made):
    return [tuple(p.shape) for p in network(made).parameters()]


@pytest.mark.parametrize("kind, options, inputs, output", CASES, ids=IDS)
def test_the_parameters_are_known_without_torch(kind, options, inputs, output):
    layer = sequence(lowered(kind, options, inputs, output).layers)
    named = {name: tuple(p.shape) for name, p in module(layer).named_parameters()}
    assert parameters(layer) == named
    assert list(parameters(layer)) == list(named)


@pytest.mark.parametrize("name", LINKS)
def test_the_example_is_valid_and_shows_the_kind(name):
    entry = LINKS[name]
    example = yaml.safe_load(entry.example)
    assert name in example
    assert isinstance(entry.Options.model_validate(example), LinkOptions)


@pytest.mark.parametrize("name", LINKS)
def test_an_entry_is_named_like_its_file_and_its_main_option(name):
    entry = LINKS[name]
    assert entry.name == name
    assert next(iter(entry.Options.model_fields)) or name in entry.Options.model_fields
    assert name in entry.Options.model_fields


@pytest.mark.parametrize("name", LINKS)
def test_every_option_is_described_and_in_the_json_schema(name):
    properties = LINKS[name].Options.model_json_schema()["properties"]
    assert properties.keys() == LINKS[name].Options.model_fields.keys()
    assert all(option["description"].endswith(".") for option in properties.values())


@pytest.mark.parametrize("name", LINKS)
def test_unknown_options_and_loose_types_are_refused(name):
    entry = LINKS[name]
    example = yaml.safe_load(entry.example)
    for wrong in ({"activationn": "tanh"}, {"bias": "yes"}, {"bias": 1}, {"init": "xavier"}):
        with pytest.raises(ValueError, match="validation error"):
            entry.Options.model_validate(example | wrong)


@pytest.mark.parametrize("name", get_args(Activation))
def test_an_activation_is_torch_s_own(name):
    made = lowered("mlp", {"mlp": [4, 4], "activation": name}, (3,), (2,))
    listed = [type(part) for part in network(made)]
    bent = resolve(ACTIVATIONS[name])
    assert listed == [nn.Linear, bent, nn.Linear, bent, nn.Linear]


def test_the_table_of_activations_is_the_list_of_names():
    assert ACTIVATIONS.keys() == set(get_args(Activation))


@pytest.mark.parametrize(
    "options, expected",
    [
        ({"normalization": "layer"}, ["Linear", "LayerNorm", "ReLU", "Linear"]),
        ({"normalization": "batch"}, ["Linear", "FoldLeading", "ReLU", "Linear"]),
        ({"dropout": 0.25}, ["Linear", "ReLU", "Dropout", "Linear"]),
    ],
)
def test_normalization_comes_before_the_activation_and_dropout_after(options, expected):
    net = network(lowered("mlp", {"mlp": [4], **options}, (3,), (2,)))
    assert [type(part).__name__ for part in net] == expected


def test_dropout_drops_its_share_in_training_only():
    net = network(lowered("mlp", {"mlp": [4], "dropout": 0.25}, (3,), (2,)))
    assert net[2].p == 0.25
    x = torch.ones(100, 4)
    assert (net[2](x) == 0).any()
    assert (net.eval()[2](x) == x).all()


def test_batch_normalization_is_over_particles_and_rows():
    net = network(lowered("mlp", {"mlp": [4], "normalization": "batch"}, (3,), (2,)))
    y = net[:2](torch.randn(5, 7, 3))
    torch.testing.assert_close(y.mean((0, 1)), torch.zeros(4), atol=1e-6, rtol=0)


@pytest.mark.parametrize("state_first", [True, False])
def test_a_gated_unit_is_that_of_torch(state_first):
    unit = network(lowered("gru", {}, (7,), (5,)))[0]
    cell = nn.GRUCell(2, 5)
    with torch.no_grad():
        for name, part in (("ih", unit.of_input), ("hh", unit.of_state)):
            getattr(cell, f"weight_{name}").copy_(part.weight)
            getattr(cell, f"bias_{name}").copy_(part.bias)
    x, h = torch.randn(4, 2), torch.randn(4, 5)
    found = unit(torch.cat([h, x] if state_first else [x, h], -1))
    assert torch.allclose(found, cell(x, h), atol=1e-6) == state_first


@pytest.mark.parametrize("inputs, output", [((5,), (5,)), ((4,), (5,)), ((9,), (2, 2)), ((9,), ())])
def test_a_gated_unit_makes_a_state_of_a_state_and_more(inputs, output):
    with pytest.raises(LinkShapeError):
        lowered("gru", {}, inputs, output)


def test_an_embedding_is_the_row_of_a_class():
    """For probabilities it is the mean of the rows."""
    table = network(lowered("embed", {}, (4,), (3,)))
    rows = table[0].weight
    assert rows.shape == (4, 3)
    ones = torch.eye(4)[[2, 0, 2]]
    assert torch.equal(table(ones), torch.nn.functional.embedding(torch.tensor([2, 0, 2]), rows))
    shares = torch.tensor([0.1, 0.2, 0.3, 0.4])
    torch.testing.assert_close(table(shares), (shares[:, None] * rows).sum(0))


@pytest.mark.parametrize("pool", ["mean", "sum"])
def test_a_set_network_is_deep_sets(pool):
    """rho(pool of phi(x_i)) is invariant to the order of elements; a sum counts duplicates."""
    options = {"set": [11, 6], "pool": pool, "hidden": [9], "activation": "tanh"}
    net = network(lowered("set", options, (5, 3), (2,)))
    x = torch.randn(4, 5, 3)
    phi, rho = net[:4], net[5:]
    combined = phi(x).mean(-2) if pool == "mean" else phi(x).sum(-2)
    torch.testing.assert_close(net(x), rho(combined))
    torch.testing.assert_close(net(x), net(x[:, [3, 1, 4, 0, 2]]))
    assert not torch.allclose(net(x), net(x[:, [3, 1, 4, 0, 0]]), atol=1e-3)
    twice = torch.cat([x, x], 1)
    assert torch.allclose(net(twice), net(x), atol=1e-5) == (pool == "mean")


def test_a_set_network_without_pooling_maps_each_element():
    """y_i = rho(phi(x_i)), also with another number of elements."""
    options = {"set": [11], "pool": "none", "hidden": [9], "activation": "tanh"}
    net = network(lowered("set", options, (5, 3), (5, 2)))
    x = torch.randn(4, 5, 3)
    assert net(x).shape == (4, 5, 2)
    torch.testing.assert_close(net(x)[:, 2], net(x[:, 2]))
    torch.testing.assert_close(net(x)[:, [3, 1, 4, 0, 2]], net(x[:, [3, 1, 4, 0, 2]]))


@pytest.mark.parametrize("output", [(), (2,), (4, 2), (5, 2, 2)])
def test_without_pooling_there_is_a_result_for_each_element(output):
    with pytest.raises(LinkShapeError, match="makes 5 elements"):
        lowered("set", {"set": [4], "pool": "none"}, (5, 3), output)


def test_an_mlp_of_the_elements_side_by_side_depends_on_their_order():
    net = network(lowered("mlp", {"mlp": [11], "activation": "tanh"}, (15,), (2,)))
    x = torch.randn(4, 5, 3)
    assert not torch.allclose(net(x.flatten(1)), net(x[:, [3, 1, 4, 0, 2]].flatten(1)), atol=1e-3)


@pytest.mark.parametrize("inputs", [(7,), (3, 4, 5)])
def test_a_set_is_elements_by_numbers(inputs):
    with pytest.raises(LinkShapeError, match="takes a set"):
        lowered("set", {"set": [4]}, inputs, (2,))


# The sizes of Radford et al. (2016), section 3, for images of 28 x 28: kernels of 4, strides of 2.
DCGAN = {"kernel": 4, "stride": 2, "padding": 1}


def test_convolutions_of_the_sizes_of_dcgan():
    critic = lowered(
        "conv", {"conv": [64, 128], "activation": "leaky_relu", **DCGAN}, (1, 28, 28), ()
    )
    maps = list(network(critic)[0].module)
    shapes_of_maps, x = [], torch.randn(2, 1, 28, 28)
    for layer in maps:
        x = layer(x)
        shapes_of_maps.append(tuple(x.shape[1:]))
    assert shapes_of_maps[0] == (64, 14, 14)
    assert shapes_of_maps[-1] == (128, 7, 7)
    generator = lowered(
        "deconv", {"deconv": [128, 64], "normalization": "batch", **DCGAN}, (100,), (1, 28, 28)
    )
    ups = [m for m in network(generator).modules() if isinstance(m, nn.ConvTranspose2d)]
    assert [(m.in_channels, m.out_channels) for m in ups] == [(128, 64), (64, 1)]
    assert [(m.kernel_size, m.stride, m.padding, m.output_padding) for m in ups] == [
        ((4, 4), (2, 2), (1, 1), (0, 0))
    ] * 2
    first = next(m for m in network(generator).modules() if isinstance(m, nn.Linear))
    assert first.out_features == 128 * 7 * 7
    assert run(generator, (100,), (2,)).shape == (2, 1, 28, 28)


SIDES = st.integers(1, 40)


@settings(max_examples=60, deadline=None)
@given(
    height=SIDES,
    width=SIDES,
    kernel=st.integers(1, 6),
    stride=st.integers(1, 4),
    channels=st.lists(st.integers(1, 3), min_size=1, max_size=4),
    output=st.sampled_from([(), (2,), (3, 2)]),
)
def test_convolutions_fit_or_are_refused(height, width, kernel, stride, channels, output):
    options = {"conv": channels, "kernel": kernel, "stride": stride}
    try:
        made = lowered("conv", options, (2, height, width), output)
    except LinkShapeError as error:
        assert "larger than the map" in error.reason
        return
    assert run(made, (2, height, width), (2, 1)).shape == (2, 1, *output)


@settings(max_examples=60, deadline=None)
@given(
    height=SIDES,
    width=SIDES,
    kernel=st.integers(1, 6),
    stride=st.integers(1, 4),
    padding=st.none() | st.integers(0, 3),
    channels=st.lists(st.integers(1, 3), min_size=1, max_size=4),
)
def test_transposed_convolutions_reach_every_size_or_are_refused(
    height, width, kernel, stride, padding, channels
):
    options = {"deconv": channels, "kernel": kernel, "stride": stride, "padding": padding}
    try:
        made = lowered("deconv", options, (3,), (2, height, width))
    except LinkShapeError as error:
        assert "cannot make a map" in error.reason
        return
    assert run(made, (3,), (2, 1)).shape == (2, 1, 2, height, width)


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(["mlp", "resnet"]),
    inputs=st.integers(1, 9),
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    output=st.lists(st.integers(1, 3), max_size=3),
)
def test_dense_links_fit_any_sizes(kind, inputs, sizes, output):
    made = lowered(kind, {kind: sizes, "activation": "elu"}, (inputs,), tuple(output))
    assert run(made, (inputs,), (2, 1)).shape == (2, 1, *output)
