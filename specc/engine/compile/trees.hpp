// Transitions of the no-U-turn sampler of several chains: the trees of samplers/no_u_turn.py.
//
// Each chain has a stack of subtrees, of which two of equal size are joined at once, so that the
// same subtrees are joined in the same order as by the recursion. In a round every chain makes one
// leapfrog step, all with one call of the density; chains do not wait for each other. A chain reads
// its uniform numbers from a buffer, and pauses if there may be too few left for a step.
#include <algorithm>
#include <vector>

static const double DIVERGENT = 1000.0;

struct Phase {
  double q[SIZE], p[SIZE], g[SIZE], v;
};

struct Tree {
  double first[SIZE], sum[SIZE], weight;
  Phase last;
  double q[SIZE], g[SIZE], v;
};

static double dot(const double* x, const double* y) {
  double found = 0.0;
  for (long i = 0; i < SIZE; ++i) found += x[i] * y[i];
  return found;
}

// The generalized U-turn criterion; the ends count half in the sum of the momenta.
static bool turns(const double* first, const double* last, const double* sum) {
  double one = 0.0, other = 0.0;
  for (long i = 0; i < SIZE; ++i) {
    const double rho = sum[i] - 0.5 * (first[i] + last[i]);
    one += first[i] * rho;
    other += last[i] * rho;
  }
  return one <= 0.0 || other <= 0.0;
}

static double log_add(double a, double b) {
  const double high = a > b ? a : b, low = a > b ? b : a;
  return high + std::log1p(std::exp(low - high));
}

static double ratio(double a, double b) { return std::exp(std::min(0.0, a - b)); }

enum Status { ENDED, GROWS, PAUSES };

struct Chain {
  std::vector<double> uniform, factor;
  std::vector<Tree> stack;
  size_t used = 0;
  long max_depth = 0, height = 0, leaf = 0, depth = 0, leapfrogs = 0;
  bool is_dense = false, is_forward = false, is_divergent = false;
  double size = 0.0, step = 0.0, energy = 0.0, acceptance = 0.0, weight = 0.0;
  Phase back, forward, now;
  double sum[SIZE], middle[SIZE], asked[SIZE] = {};
  double q[SIZE], g[SIZE], v;
  Status status = ENDED;

  double draw() { return uniform[used++]; }

  // The momentum after the gradient has pulled it for some time: p + time L^T g.
  void pull(const double* p, const double* g, double time, double* to) const {
    if (!is_dense) {
      for (long i = 0; i < SIZE; ++i) to[i] = p[i] + time * factor[i] * g[i];
      return;
    }
    for (long j = 0; j < SIZE; ++j) to[j] = 0.0;
    for (long i = 0; i < SIZE; ++i)
      for (long j = 0; j <= i; ++j) to[j] += factor[i * SIZE + j] * g[i];
    for (long j = 0; j < SIZE; ++j) to[j] = p[j] + time * to[j];
  }

  // The position after it has moved for some time: q + time L p.
  void move(const double* q, const double* p, double time, double* to) const {
    for (long i = 0; i < SIZE; ++i) {
      double speed = 0.0;
      if (!is_dense) speed = factor[i] * p[i];
      else for (long j = 0; j <= i; ++j) speed += factor[i * SIZE + j] * p[j];
      to[i] = q[i] + time * speed;
    }
  }

  void begin() {
    depth = leapfrogs = 0;
    acceptance = weight = 0.0;
    is_divergent = false;
    energy = 0.5 * dot(now.p, now.p) - now.v;
    back = forward = now;
    std::copy(now.p, now.p + SIZE, sum);
    take(now.q, now.g, now.v);
    double_tree();
  }

  void take(const double* position, const double* gradient, double value) {
    std::copy(position, position + SIZE, q);
    std::copy(gradient, gradient + SIZE, g);
    v = value;
  }

  // Starts a subtree as large as the tree, at one of its ends.
  void double_tree() {
    if (depth >= max_depth) {
      status = ENDED;
      return;
    }
    is_forward = draw() < 0.5;
    step = is_forward ? size : -size;
    now = is_forward ? forward : back;
    leaf = height = 0;
    ask();
  }

  void ask() {
    pull(now.p, now.g, 0.5 * step, middle);
    move(now.q, middle, step, asked);
    // A step draws for each pair that it joins, for the new subtree, and for the next direction.
    status = uniform.size() - used > size_t(max_depth) + 3 ? GROWS : PAUSES;
  }

  void answer(double value, const double* gradient) {
    std::copy(asked, asked + SIZE, now.q);
    std::copy(gradient, gradient + SIZE, now.g);
    now.v = value < INFINITY ? value : -INFINITY;
    pull(middle, gradient, 0.5 * step, now.p);
    double after = 0.5 * dot(now.p, now.p) - now.v;
    if (after != after) after = INFINITY;
    const double log_weight = energy - after;
    ++leapfrogs;
    acceptance += std::exp(std::min(0.0, log_weight));
    if (!(log_weight > -DIVERGENT)) {
      is_divergent = true;
      status = ENDED;
      return;
    }
    push(log_weight);
    for (long n = leaf; n & 1; n >>= 1)
      if (!join()) {
        status = ENDED;
        return;
      }
    if (++leaf < 1L << depth) ask();
    else end_doubling();
  }

  void push(double log_weight) {
    Tree& tree = stack[height++];
    std::copy(now.p, now.p + SIZE, tree.first);
    std::copy(now.p, now.p + SIZE, tree.sum);
    std::copy(now.q, now.q + SIZE, tree.q);
    std::copy(now.g, now.g + SIZE, tree.g);
    tree.v = now.v;
    tree.weight = log_weight;
    tree.last = now;
  }

  // Joins the two last subtrees; false if the joined one turns.
  bool join() {
    const Tree& late = stack[--height];
    Tree& early = stack[height - 1];
    for (long i = 0; i < SIZE; ++i) early.sum[i] += late.sum[i];
    if (turns(early.first, late.last.p, early.sum)) return false;
    early.weight = log_add(early.weight, late.weight);
    if (draw() < ratio(late.weight, early.weight)) {
      std::copy(late.q, late.q + SIZE, early.q);
      std::copy(late.g, late.g + SIZE, early.g);
      early.v = late.v;
    }
    early.last = late.last;
    return true;
  }

  void end_doubling() {
    const Tree& tree = stack[0];
    if (draw() < ratio(tree.weight, weight)) take(tree.q, tree.g, tree.v);
    (is_forward ? forward : back) = tree.last;
    weight = log_add(weight, tree.weight);
    for (long i = 0; i < SIZE; ++i) sum[i] += tree.sum[i];
    ++depth;
    if (turns(back.p, forward.p, sum)) status = ENDED;
    else double_tree();
  }
};

typedef std::vector<Chain> Trees;

extern "C" void* trees_create(long chains) { return new Trees(chains); }

extern "C" void trees_delete(void* made) { delete static_cast<Trees*>(made); }

// A transition from `begun`, a position with its gradient and a momentum.
extern "C" void trees_begin(
    void* made, long number, const double* begun, double value, double step,
    const double* factor, long is_dense, long max_depth, const double* uniform, long count) {
  Chain& own = (*static_cast<Trees*>(made))[number];
  std::copy(begun, begun + SIZE, own.now.q);
  std::copy(begun + SIZE, begun + 2 * SIZE, own.now.g);
  std::copy(begun + 2 * SIZE, begun + 3 * SIZE, own.now.p);
  own.now.v = value;
  own.size = step;
  own.is_dense = is_dense;
  own.factor.assign(factor, factor + (is_dense ? long(SIZE) * SIZE : SIZE));
  own.max_depth = max_depth;
  own.stack.resize(max_depth + 1);
  own.uniform.assign(uniform, uniform + count);
  own.used = 0;
  own.begin();
}

extern "C" void trees_refill(void* made, long number, const double* uniform, long count) {
  Chain& own = (*static_cast<Trees*>(made))[number];
  own.uniform.erase(own.uniform.begin(), own.uniform.begin() + own.used);
  own.uniform.insert(own.uniform.end(), uniform, uniform + count);
  own.used = 0;
  own.status = GROWS;
}

// One leapfrog step of each chain that grows; whether all of them go on, and there is one.
static bool round_of(Trees& own, const void* const* c) {
  const long chains = own.size();
  bool goes_on = false, stops = false;
  for (long first = 0; first < chains; first += LANES) {
    V q[SIZE], g[SIZE], v;
    bool any = false;
    for (long k = 0; k < LANES; ++k) {
      const Chain& chain = own[std::min(first + k, chains - 1)];
      any |= chain.status == GROWS;
      for (long i = 0; i < SIZE; ++i) LANE(q[i], k) = chain.asked[i];
    }
    if (!any) continue;
    density(c, q, g, &v);
    double gradient[SIZE];
    for (long k = 0; k < LANES && first + k < chains; ++k) {
      Chain& chain = own[first + k];
      if (chain.status != GROWS) continue;
      for (long i = 0; i < SIZE; ++i) gradient[i] = LANE(g[i], k);
      chain.answer(LANE(v, k), gradient);
      stops |= chain.status != GROWS;
      goes_on |= chain.status == GROWS;
    }
  }
  return goes_on && !stops;
}

// Rounds until a chain has ended its transition, or pauses; the status of each chain.
extern "C" void trees_grow(void* made, const void* const* c, int64_t* status) {
  Trees& own = *static_cast<Trees*>(made);
  bool goes_on = true;
  for (const Chain& chain : own) goes_on &= chain.status != PAUSES;
  while (goes_on) goes_on = round_of(own, c);
  for (size_t k = 0; k < own.size(); ++k) status[k] = own[k].status;
}

// The next state of a chain with its gradient; value, energy, depth, steps, acceptance, divergence.
extern "C" void trees_end(void* made, long number, double* ended, double* numbers) {
  const Chain& own = (*static_cast<Trees*>(made))[number];
  std::copy(own.q, own.q + SIZE, ended);
  std::copy(own.g, own.g + SIZE, ended + SIZE);
  const double found[] = {
      own.v, own.energy, double(own.depth), double(own.leapfrogs), own.acceptance,
      double(own.is_divergent)};
  std::copy(found, found + 6, numbers);
}
