"""Specs that the random generator seldom makes, including those of former bugs."""

HEAD = """specc: 1
name: made
data: {source: npz, path: d.npz, fields: {%s}}
"""
H = "h: {from: h, dtype: int64}"
X, Y, N = "x: {from: x}", "y: {from: y}", "n: {from: n, shape: [], dtype: int64}"
G, E, K = "g: {from: g, shape: [2]}", "e: {from: e, shape: [3, 2]}", "k: {from: k, dtype: int64}"


def spec(body, *fields, lengths="", plates=""):
    """A spec in which `plate: t` is a sequence of three steps."""
    scan = f"t: {{scan: 3{lengths and f', lengths: {lengths}'}}}" if "plate: t" in body else ""
    shown = ", ".join(part for part in (plates, scan) if part)
    head = HEAD % ", ".join((X, *fields))
    return head + (f"plates: {{{shown}}}\n" if shown else "") + body.lstrip("\n")


CHAIN = """
model:
  table: {parameter: real, shape: [4, 3]}
  z: {latent: categorical, logits: "table[z[t-1]]", initial: 3, classes: 3, plate: t}
  %s
objective: mle
"""

SELDOM = {
    "entries that depend on each other, all their values weighed": spec(
        """
model:
  n0: {latent: bernoulli, logits: 0.5, shape: [2]}
  x: {observed: poisson, rate: "exp(f0(n0))", shape: [2]}
guide:
  n0: {latent: bernoulli, logits: "f1(n0)"}
links: {f0: linear, f1: {masked_mlp: [4]}}
objective: elbo
"""
    ),
    "a normal latent integrated out beside a class that is summed out": spec(
        """
model:
  n0: {latent: normal, loc: 0.5, scale: 1.5, shape: [2]}
  n1: {latent: bernoulli, logits: 0.3}
  x: {observed: normal, loc: "f0(n0) + n1", scale: 1.5, shape: [2]}
links: {f0: linear}
objective: mle
"""
    ),
    "one name for what the model and the guide compute": spec(
        """
model:
  g: {given: g}
  h: {let: "tanh(f0(g))", shape: [2]}
  z: {latent: bernoulli, logits: "f1(h)", shape: [2]}
  x: {observed: normal, loc: "f2(z)", scale: 1, shape: [2]}
guide:
  h: {let: "tanh(f3(x))", shape: [2]}
  z: {latent: bernoulli, logits: "c(z, h)"}
links: {f0: linear, f1: linear, f2: linear, f3: linear, c: {masked_mlp: [4]}}
objective: elbo
""",
        G,
    ),
    "a draw for each value of a class, and a node that is a number": spec(
        """
model:
  c: {latent: categorical, logits: "1", classes: 3}
  half: {let: "exp(0) / 2"}
  z: {latent: gamma, concentration: 2, rate: half, shape: [2]}
  x: {observed: normal, loc: "f1(z, half)", scale: 1.5, shape: [2]}
guide:
  c: {latent: categorical, logits: "f0(x)", classes: 3}
  z: {latent: gamma, concentration: "c + 1", rate: 1}
links: {f0: linear, f1: linear}
objective: elbo
"""
    ),
    "values of no class, where the first data are integers": spec(
        """
model:
  k: {given: k, plate_index: users}
  u: {parameter: real, plate: users}
  z: {latent: bernoulli, logits: "u[k]", shape: [2]}
  x: {observed: normal, loc: "f(z)", scale: 1, shape: [2]}
links: {f: linear}
objective: mle
""",
        K,
        plates="users: 3",
    ),
    "elements with a class and a number, and rows with a class given both": spec(
        """
model:
  k: {given: k, plate_index: users}
  w: {parameter: real, shape: [3]}
  u: {latent: categorical, logits: w, plate: users, draw: enumerate}
  e: {latent: normal, loc: "w[u]", scale: 1.5, plate: users}
  c: {latent: bernoulli, logits: "w[u[k]]", draw: enumerate}
  z: {latent: normal, loc: "c - e[k]", scale: 1}
  x: {observed: normal, loc: "f(z, c) + w[u[k]] * e[k]", scale: 1.5, shape: [2]}
guide:
  e: {latent: normal, loc: 0.3, scale: 0.5}
  z: {latent: normal, params: "g(x)"}
links: {f: linear, g: linear}
objective: {elbo: {particles: 2}}
""",
        K,
        plates="users: 3",
    ),
    "elements that are weighed, with a number given the class": spec(
        """
model:
  k: {given: k, plate_index: users}
  w: {parameter: real, shape: [3]}
  u: {latent: categorical, logits: w, plate: users}
  e: {latent: normal, loc: "w[u]", scale: 1.5, plate: users}
  x: {observed: normal, loc: "w[u[k]] * e[k]", scale: 1.5, shape: [2]}
guide:
  v: {parameter: real, plate: users, shape: [3]}
  u: {latent: categorical, logits: v, draw: enumerate}
  a: {parameter: real, shape: [3]}
  e: {latent: normal, loc: "a[u]", scale: 0.5}
objective: {elbo: {particles: 2}}
""",
        K,
        plates="users: 3",
    ),
    "pairs of elements that are weighed": spec(
        """
model:
  k: {given: k, plate_index: users}
  h: {given: h, plate_index: users}
  w: {parameter: real, shape: [3, 3]}
  a: {parameter: real, shape: [3]}
  u: {latent: categorical, logits: a, plate: users}
  x: {observed: normal, loc: "w[u[k], u[h]] + u[k] * u[h]", scale: 1.5, shape: [2]}
guide:
  v: {parameter: real, plate: users, shape: [3]}
  u: {latent: categorical, logits: v, draw: enumerate}
objective: elbo
""",
        K,
        H,
        plates="users: 3",
    ),
    "points of elements whose prior is a mixture": spec(
        """
model:
  k: {given: k, plate_index: users}
  w: {parameter: real, shape: [3]}
  u: {latent: categorical, logits: w, plate: users}
  e: {latent: normal, loc: "w[u]", scale: 1.5, plate: users}
  c: {latent: categorical, logits: "w * e[k] + w[u[k]]", classes: 3}
  x: {observed: normal, loc: "w[c] * e[k]", scale: 1.5, shape: [2]}
objective: map
""",
        K,
        plates="users: 3",
    ),
    "what is learnt for each step": spec(
        """
model:
  n: {given: n}
  w: {parameter: real, shape: [2], plate: t}
  v: {parameter: positive, plate: t}
  h: {let: "tanh(f0(h[t-1], w, z[t-1]))", initial: 0, shape: [2], plate: t}
  z: {latent: normal, loc: "h + w", scale: v, initial: 0, shape: [2], plate: t}
  x: {observed: normal, loc: "f1(z, v)", scale: 1, shape: [2], plate: t}
guide:
  w: {parameter: real, shape: [2], plate: t}
  z: {latent: normal, loc: "f2(z[t-1], w)", scale: "softplus(w) + 0.1"}
links: {f0: linear, f1: linear, f2: linear}
objective: {elbo: {particles: 2}}
""",
        N,
        lengths="n",
    ),
    "states summed out beside what a guide draws": spec(
        """
model:
  n: {given: n}
  c: {latent: normal, loc: "sum(e)", scale: 1, shape: [2], plate: t}
  e: {given: e, plate: t}
  table: {parameter: real, shape: [4, 3]}
  z: {latent: categorical, logits: "table[z[t-1]] + sum(c)", initial: 3, classes: 3, plate: t,
    draw: enumerate}
  x: {observed: normal, loc: "f(z, c, z[t-1])", scale: 1, shape: [2], plate: t}
guide:
  c: {latent: normal, params: "g(x, c[t-1])", initial: 0}
links: {f: linear, g: linear}
objective: {iwae: {particles: 3}}
""",
        N,
        E,
        lengths="n",
    ),
    "states that only the step after depends on": spec(
        CHAIN % ('x: {observed: normal, loc: "2 * z[t-1]", scale: 1, shape: [2], plate: t}')
    ),
    "states that nothing depends on, in rows of unequal length": spec(
        CHAIN % ('n: {given: n}\n  x: {observed: normal, loc: "table[0, 0]", scale: 1, plate: t}'),
        N,
        lengths="n",
    ),
    "states that are alike at each step, seen twice": spec(
        """
model:
  w: {parameter: real, shape: [3]}
  z: {latent: categorical, logits: w, initial: 0, classes: 3, plate: t, reverse: true}
  x: {observed: normal, loc: "f(z, z[t+1])", scale: 1, shape: [2], plate: t}
links: {f: linear}
objective: mle
"""
    ),
    "a Kalman filter of numbers": spec(
        """
model:
  z: {latent: normal, loc: "f(z[t+1])", scale: 1.5, initial: 0.5, shape: [], plate: t,
    reverse: true}
  x: {observed: normal, loc: "g(z)", scale: 1.5, shape: [], plate: t}
links: {f: linear, g: linear}
objective: mle
"""
    ),
    "a state that only its own past moves, and one that the row's length does": spec(
        """
model:
  n: {given: n}
  h: {let: "tanh(f0(h[t-1]))", initial: 0.5, shape: [2], plate: t}
  b: {let: "tanh(f1(b[t+1], h))", initial: 1, shape: [2], plate: t, reverse: true}
  z: {latent: gamma, concentration: "softplus(f2(h, b))", rate: 1, shape: [2], plate: t}
  x: {observed: normal, loc: "f3(z, h[t-1])", scale: 1, shape: [2], plate: t}
guide:
  z: {latent: gamma, params: "f4(x)"}
links: {f0: linear, f1: linear, f2: linear, f3: linear, f4: linear}
objective: elbo
""",
        N,
        lengths="n",
    ),
    "a latent of the row between two sequences that it is read from and written to": spec(
        """
model:
  n: {given: n}
  e: {given: e, plate: t}
  w: {parameter: real, shape: [3, 2]}
  c: {latent: normal, loc: "mean(e, t)", scale: 1, shape: [2]}
  h: {let: "tanh(f0(h[t-2], c))", initial: [0, 0.5], shape: [2], plate: t}
  x: {observed: normal, loc: "h[t-1] + w[index(t)]", scale: 1, shape: [2], plate: t}
guide:
  b: {let: "tanh(f1(b[t+1], x))", initial: 1, shape: [2], plate: t, reverse: true}
  c: {latent: normal, params: "f2(first(b, t), last(x, t), sum(x * index(t), t), x[0])"}
links: {f0: linear, f1: linear, f2: linear}
objective: {elbo: {particles: 2}}
""",
        N,
        E,
        lengths="n",
    ),
    "a latent that looks two steps back, and data that do": spec(
        """
model:
  z: {latent: normal, loc: "z[t-1] - 0.5 * z[t-2]", scale: 1, initial: [1, 2], shape: [],
    plate: t}
  x: {observed: normal, loc: "z + x[t-2]", scale: 1, initial: "[0, 1]", shape: [], plate: t}
guide:
  z: {latent: normal, loc: "f(z[t-2], x)", scale: 0.5}
links: {f: linear}
objective: {iwae: {particles: 3}}
"""
    ),
    "a set with a latent for each element, and what their sum says": spec(
        """
model:
  n: {given: n}
  e: {given: e, plate: s}
  z: {latent: normal, loc: e, scale: 1, shape: [2], plate: s}
  x: {observed: normal, loc: "f0(sum(z, s))", scale: 1, shape: [2]}
guide:
  z: {latent: normal, params: "f1(x, e, max(e, s))"}
links: {f0: linear, f1: linear}
objective: {elbo: {particles: 2}}
""",
        N,
        E,
        plates="s: {size: 3, lengths: n}",
    ),
    "a class of each element of a set": spec(
        """
model:
  w: {parameter: real, shape: [3]}
  z: {latent: categorical, logits: w, classes: 3, plate: s}
  x: {observed: normal, loc: "f(z)", scale: 1, shape: [2], plate: s}
links: {f: linear}
objective: mle
""",
        plates="s: {size: 3}",
    ),
    "a value of the row at each step, and the one before": spec(
        """
model:
  g: {given: g}
  h: {let: "tanh(f0(g))", initial: 0.5, shape: [2], plate: t}
  c: {let: 0.5, plate: t}
  x: {observed: normal, loc: "f1(h, h[t-1], c)", scale: 1, shape: [2], plate: t}
links: {f0: linear, f1: linear}
objective: mle
""",
        G,
    ),
    "a start that a network makes of what is drawn": spec(
        """
model:
  a: {parameter: real}
  c: {latent: normal, loc: 0, scale: 1, shape: [2]}
  z: {latent: normal, loc: "f0(z[t-1])", scale: 1, initial: "tanh(f1(c))", shape: [2], plate: t}
  y: {observed: normal, loc: "z + y[t-1]", scale: 1, initial: a, shape: [2], plate: t}
  x: {observed: normal, loc: c, scale: 1, shape: [2]}
guide:
  c: {latent: normal, params: "f2(x)"}
  z: {latent: normal, params: "f3(z[t-1], y)", initial: "c"}
links: {f0: linear, f1: linear, f2: linear, f3: linear}
objective: {iwae: {particles: 3}}
""",
        Y,
    ),
    "the data of the step before, in a guide": spec(
        """
model:
  z: {latent: normal, loc: 0, scale: 1, shape: [2], plate: t}
  x: {observed: normal, loc: "f0(z, x[t-1])", scale: 1, initial: 0.5, shape: [2], plate: t}
guide:
  z: {latent: normal, params: "f1(x, x[t-1])"}
links: {f0: linear, f1: linear}
objective: {elbo: {particles: 2}}
"""
    ),
    "an element of a plate at each step": spec(
        """
model:
  k: {given: k, plate_index: users}
  u: {latent: gamma, concentration: 1.5, rate: 1.5, shape: [2], plate: users}
  e: {given: e, plate: t}
  x: {observed: normal, loc: "f(u[k], e)", scale: 1.5, shape: [2], plate: t}
guide:
  u: {latent: gamma, concentration: 1.5, rate: 2, plate: users}
links: {f: linear}
objective: {elbo: {particles: 2}}
""",
        K,
        E,
        plates="users: 3",
    ),
}
