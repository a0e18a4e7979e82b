"""The energy of a manifest, read and refused."""

import pytest

from specc.runtime.energies import Energy, Unit, parse_energy
from specc.runtime.json_object import JsonObject, ManifestError

WRITTEN = {
    "energy": ["v", "h"],
    "free_energy": ["v"],
    "units": {
        "v": {
            "role": "observed",
            "distribution": "bernoulli",
            "shape": [784],
            "method": "v_given_h",
            "given": ["h"],
            "parameters": ["logits"],
        },
        "h": {"role": "latent", "distribution": "normal", "shape": [20]},
    },
    "blocks": [["h"], ["v"]],
}


def read(**changes):
    return parse_energy(JsonObject({**WRITTEN, **changes}, "energy"))


def test_an_energy_is_read():
    v = Unit("observed", "bernoulli", (784,), "v_given_h", ("h",), ("logits",))
    h = Unit("latent", "normal", (20,), "", (), ())
    assert read() == Energy(("v", "h"), ("v",), {"v": v, "h": h}, (("h",), ("v",)))
    assert read(free_energy=None).free_energy is None


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"blocks": [["g"]]}, "`energy.blocks` has `g`, which is no unit"),
        ({"blocks": [[1]]}, "not a list of names"),
        ({"energy": "v"}, "not of type list"),
        ({"units": {"v": {}}}, r"`energy.units.v.role` is missing"),
    ],
)
def test_a_damaged_energy_is_refused(changes, message):
    with pytest.raises(ManifestError, match=message):
        read(**changes)
