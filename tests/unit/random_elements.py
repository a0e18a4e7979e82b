"""Random specs with finite latents on a plate: summed out, or weighed or drawn by the guide."""

from __future__ import annotations

from hypothesis import strategies as st

HEAD = """specc: 1
name: made
data: {source: npz, path: d.npz, fields: {x: {from: x}, k: {from: k, dtype: int64}}}
plates: {users: 3}
model:
  k: {given: k, plate_index: users}
  w: {parameter: real, shape: [2]}
  v: {parameter: real, shape: [2, 2]}
"""
WAYS = ("mle", "map", "elbo", "{elbo: {particles: 2}}")
DATA = (
    'normal, loc: "{}", scale: 1.5',
    'poisson, rate: "softplus({})"',
    'bernoulli, logits: "{}"',
)


@st.composite
def element_specs(draw):
    """The text of a spec; u is a class of each user, b another one, e a number, c of a row."""

    def chance():
        return draw(st.booleans())

    way = draw(st.sampled_from(WAYS))
    guided = "elbo" in way
    asked = ", draw: enumerate" if guided else ""
    model, guide, terms = [], [], ["w[u[k]]"]
    weighs = guided and chance()
    first = draw(st.sampled_from(["bernoulli, logits: 0.4", "categorical, logits: w"]))
    model.append(f"u: {{latent: {first}, plate: users{'' if weighs else asked}}}")
    if weighs:
        own = first.replace("0.4", "qu").replace("w", "qu")
        shape = ", shape: [2]" if "categorical" in first else ""
        kind = draw(st.sampled_from(["enumerate", "enumerate", "score"]))
        guide.append(f"qu: {{parameter: real, plate: users{shape}}}")
        guide.append(f"u: {{latent: {own}, plate: users, draw: {kind}}}")
    if chance():
        model.append(f'b: {{latent: bernoulli, logits: "w[u]", plate: users{asked}}}')
        terms.append("b[k]")
    if way != "mle" and chance():
        model.append('e: {latent: normal, loc: "w[u]", scale: 1.5, plate: users}')
        terms.append("e[k]")
        if guided:
            guide.append("qe: {parameter: real, plate: users}")
            guide.append("e: {latent: normal, loc: qe, scale: 0.5}")
    if chance():
        model.append(f'c: {{latent: categorical, logits: "v[u[k]]"{asked}}}')
        terms.append("w[c]")
    if guided and chance():
        model.append(f'z: {{latent: normal, loc: "{terms[-1]}", scale: 1}}')
        guide.append('z: {latent: normal, params: "g(x)"}')
        terms.append("z")
    parts = draw(st.permutations(terms))
    value = draw(st.sampled_from([" + ", " * ", " - 0.5 * "])).join(parts)
    model.append(f"x: {{observed: {draw(st.sampled_from(DATA)).format(value)}, shape: [2]}}")
    lines = [*model, *([] if not guided else ["guide:", *guide])]
    text = "".join(f"{'' if line == 'guide:' else '  '}{line}\n" for line in lines)
    needed = "links: {g: linear}\n" if "g(x)" in text else ""
    own = "" if guide or not guided else "  unused: {parameter: real}\n"
    return f"{HEAD}{text}{own}{needed}objective: {way}\n"
