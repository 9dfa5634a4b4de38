#!/usr/bin/env python3
"""Prints the known answers in src/golden/networks.rs. Needs numpy; shares no code with the engine.

Every operation is one of numpy's on float32, which rounds once; sums are loops in the contract's
order. exp, erf and tanh are those of FreeBSD's msun, which libm has too, step by step.
"""

import numpy as np

F = np.float32


def bits(x):
    return int(F(x).view(np.uint32))


def value(word):
    return np.uint32(word).view(F)


def generator(seed):
    while True:
        seed = (seed * 1_664_525 + 1_013_904_223) & 0xFFFFFFFF
        yield F(F(seed >> 8) / F(1 << 23)) - F(1)


def total(values):
    sum = F(0)
    for item in values:
        sum = sum + item
    return sum


def horner(x, *coefficients):
    """c0 + x * (c1 + x * (c2 + ...)), the coefficients as words."""
    sum = value(coefficients[-1])
    for word in reversed(coefficients[:-1]):
        sum = value(word) + x * sum
    return sum


def exp(x):
    magnitude, negative = bits(x) & 0x7FFFFFFF, bits(x) >> 31
    if magnitude >= 0x42B17218 and not negative:
        return F(np.inf)
    if magnitude >= 0x42CFF1B5 and negative:
        return F(0)
    k, high, low = 0, x, F(0)
    if magnitude > 0x3EB17218:
        if magnitude > 0x3F851592:
            k = int(value(0x3FB8AA3B) * x + (F(-0.5) if negative else F(0.5)))
        else:
            k = -1 if negative else 1
        high = x - F(k) * value(0x3F317200)
        low = F(k) * value(0x35BFBE8E)
        x = high - low
    elif magnitude <= 0x39000000:
        return F(1) + x
    square = x * x
    c = x - square * (F(1.6666625440e-1) + square * F(-2.7667332906e-3))
    y = F(1) + (x * c / (F(2) - c) - low + high)
    return F(np.ldexp(y, k))


def expm1(x):
    """Where |x| is below 39 ln 2 and above 2**-25."""
    magnitude, negative = bits(x) & 0x7FFFFFFF, bits(x) >> 31
    ln2_high, ln2_low = value(0x3F317180), value(0x3717F7D1)
    k, c = 0, F(0)
    if magnitude > 0x3EB17218:
        if magnitude < 0x3F851592:
            k = -1 if negative else 1
        else:
            k = int(value(0x3FB8AA3B) * x + (F(-0.5) if negative else F(0.5)))
        high, low = x - F(k) * ln2_high, F(k) * ln2_low
        x = high - low
        c = (high - x) - low
    half = F(0.5) * x
    square = x * half
    r1 = F(1) + square * (F(-3.3333212137e-2) + square * F(1.5807170421e-3))
    t = F(3) - r1 * half
    e = square * ((r1 - t) / (F(6) - x * t))
    if k == 0:
        return x - (x * e - square)
    e = x * (e - c) - c
    e = e - square
    if k == -1:
        return F(0.5) * (x - e) - F(0.5)
    if k == 1:
        return F(-2) * (e - (x + F(0.5))) if x < F(-0.25) else F(1) + F(2) * (x - e)
    power, inverse = F(2.0**k), F(2.0**-k)
    assert 0 <= k <= 56
    if k < 23:
        return (x - e + (F(1) - inverse)) * power
    return (x - (e + inverse) + F(1)) * power


def tanh(x):
    magnitude = bits(x) & 0x7FFFFFFF
    positive = value(magnitude)
    if magnitude > 0x41200000:
        y = F(1) + F(0) / positive
    elif magnitude > 0x3F0C9F54:
        y = F(1) - F(2) / (expm1(F(2) * positive) + F(2))
    elif magnitude > 0x3E82C578:
        t = expm1(F(2) * positive)
        y = t / (t + F(2))
    else:
        t = expm1(F(-2) * positive)
        y = -t / (t + F(2))
    return -y if bits(x) >> 31 else y


def erf(x):
    magnitude, negative = bits(x) & 0x7FFFFFFF, bits(x) >> 31
    if magnitude < 0x31800000:
        return F(0.125) * (F(8) * x + value(0x3F8375D4) * x)
    if magnitude < 0x3F580000:
        z = x * x
        r = horner(z, 0x3E0375D4, 0xBEA66BEB, 0xBCE9528F, 0xBBBD1489, 0xB7C756B1)
        s = horner(z, 0x3F800000, 0x3ECBBBCE, 0x3D852A63, 0x3BA68116, 0x390AEE49, 0xB684E21A)
        return x + x * (r / s)
    y = F(1) - (erfc(x, magnitude) if magnitude < 0x40C00000 else value(0x03800000))
    return -y if negative else y


def erfc(x, magnitude):
    x = value(magnitude)
    if magnitude < 0x3FA00000:
        s = x - F(1)
        p = horner(s, 0xBB1ACDC6, 0x3ED46805, 0xBEBE9208, 0x3EA2FE54, 0xBDE31CC2, 0x3D1151B3,
                   0xBB0DF9C0)
        q = horner(s, 0x3F800000, 0x3DD9F331, 0x3F0A5785, 0x3D931AE7, 0x3E013307, 0x3C5F6E13,
                   0x3C445AA3)
        return F(1) - value(0x3F58560B) - p / q
    s = F(1) / (x * x)
    if magnitude < 0x4036DB6D:
        r = horner(s, 0xBC21A093, 0xBF31A0B7, 0xC128F022, 0xC2798057, 0xC322658C, 0xC3389AE7,
                   0xC2A2932B, 0xC11D077E)
        q = horner(s, 0x3F800000, 0x419D35CE, 0x4309A863, 0x43D9486F, 0x442158C9, 0x43D6810B,
                   0x42D9451F, 0x40D23F7C, 0xBD777F97)
    else:
        r = horner(s, 0xBC21A092, 0xBF4C9DD4, 0xC18E104B, 0xC320A2EA, 0xC41F6441, 0xC480230B,
                   0xC3F1C275)
        q = horner(s, 0x3F800000, 0x41F2B459, 0x43A2E571, 0x44C01759, 0x4547FDBB, 0x451F90CE,
                   0x43ED43A7, 0xC1B38712)
    z = value(magnitude & 0xFFFFE000)
    return exp(-z * z - F(0.5625)) * exp((z - x) * (z + x) + r / q) / x


def gelu(x):
    return (x * F(0.5)) * (F(1) + erf(x * F(0.70710678118654752440)))


def gelu_tanh(x):
    cube = (x * x) * x
    inner = F(0.7978845608028654) * (x + F(0.044715) * cube)
    return (F(0.5) * x) * (F(1) + tanh(inner))


def each(function, x):
    return np.array([function(item) for item in x.ravel()], F).reshape(x.shape)


def softmax(values):
    most = max(values)
    values = [exp(item - most) for item in values]
    sum = total(values)
    return [item / sum for item in values]


class Weights:
    """Out of the generator, in the order in which the architecture asks for them."""

    def __init__(self, seed, q8):
        self.draw, self.q8 = generator(seed), q8

    def take(self, count):
        return np.array([next(self.draw) for _ in range(count)], F)

    def table(self, rows, columns):
        return self.take(rows * columns).reshape(rows, columns) * (F(1) / root(columns))

    def norm(self, size):
        return F(1) + self.take(size) * F(0.5), self.take(size) * F(0.5)

    def matrix(self, outputs, inputs, bias=True):
        return Matrix(self, outputs, inputs, bias)


def root(inputs):
    return F(1 << (inputs.bit_length() // 2))


class Matrix:
    def __init__(self, weights, outputs, inputs, bias):
        values = weights.take(outputs * inputs).reshape(outputs, inputs)
        self.scales = None
        if weights.q8:
            self.values = np.trunc(values * F(127)).astype(np.int64)
            scales = weights.take(outputs) * F(0.5)
            self.scales = (F(1) + scales) * ((F(1) / root(inputs)) / F(128))
        else:
            self.values = values * (F(1) / root(inputs))
        self.bias = weights.take(outputs) * F(0.5) if bias else None

    def row(self, j):
        if self.scales is None:
            return self.values[j]
        return self.values[j].astype(F) * self.scales[j]

    def apply(self, x):
        if self.scales is None:
            y = np.zeros(len(self.values), F)
            for k in range(len(x)):
                y = y + x[k] * self.values[:, k]
        else:
            most = max(abs(item) for item in x)
            bytes = np.zeros(len(x), np.int64)
            if most != 0:
                bytes = np.array([np.rint(item * (F(127) / most)) for item in x]).astype(np.int64)
            y = ((self.values @ bytes).astype(F) * (most / F(127))) * self.scales
        return y + self.bias


def layer_norm(x, norm, eps):
    mean = total(x) / F(len(x))
    variance = total((item - mean) * (item - mean) for item in x) / F(len(x))
    weight, bias = norm
    return ((x - mean) / np.sqrt(variance + F(eps))) * weight + bias


def bert(seed, q8, vocab, positions, types, hidden, intermediate, layers, heads, eps, activation,
         mean, normalize, tokens):
    weights = Weights(seed, q8)
    words = weights.matrix(vocab, hidden, bias=False)
    positions, types = weights.table(positions, hidden), weights.table(types, hidden)
    norm = weights.norm(hidden)
    x = [
        layer_norm((words.row(token) + types[0]) + positions[place], norm, eps)
        for place, token in enumerate(tokens)
    ]
    size = hidden // heads
    factor = F(1) / np.sqrt(F(size))
    for _ in range(layers):
        query, key, value = (weights.matrix(hidden, hidden) for _ in range(3))
        output, attention_norm = weights.matrix(hidden, hidden), weights.norm(hidden)
        up, down = weights.matrix(intermediate, hidden), weights.matrix(hidden, intermediate)
        norm = weights.norm(hidden)
        queries, keys, values = ([part.apply(row) for row in x] for part in (query, key, value))
        for place, row in enumerate(x):
            seen = np.zeros(hidden, F)
            for head in range(0, hidden, size):
                of = range(head, head + size)
                scores = [total(queries[place][d] * k[d] for d in of) * factor for k in keys]
                for share, v in zip(softmax(scores), values):
                    seen[of] = seen[of] + share * v[of]
            row = layer_norm(output.apply(seen) + row, attention_norm, eps)
            inner = each(activation, up.apply(row))
            x[place] = layer_norm(down.apply(inner) + row, norm, eps)
    y = np.array([total(row[d] for row in x) for d in range(hidden)], F) / F(len(x)) if mean else x[0]
    return y / np.sqrt(total(item * item for item in y)) if normalize else y


def windows(x, size, stride):
    """Rows of columns of windows, each [channels, size, size]."""
    rows = range(0, x.shape[1] - size + 1, stride)
    columns = range(0, x.shape[2] - size + 1, stride)
    return [[x[:, r : r + size, c : c + size] for c in columns] for r in rows]


def cnn(seed, q8, shape, layers):
    weights, draw = Weights(seed, q8), generator(~seed & 0xFFFFFFFF)
    x = np.array([next(draw) for _ in range(int(np.prod(shape)))], F).reshape(shape)
    for kind, *sizes in layers:
        if kind == "conv":
            outputs, size, stride, padding = sizes
            matrix = weights.matrix(outputs, x.shape[0] * size * size)
            x = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
            x = [[matrix.apply(w.ravel()) for w in row] for row in windows(x, size, stride)]
            x = np.array(x, F).transpose(2, 0, 1)
        elif kind == "linear":
            x = weights.matrix(sizes[0], len(x)).apply(x)
        elif kind == "relu":
            x = each(lambda item: item if item > 0 else F(0), x)
        elif kind == "tanh":
            x = each(tanh, x)
        elif kind == "flatten":
            x = x.ravel()
        else:
            size = sizes[0]

            def pool(values):
                values = values.ravel()
                return max(values) if kind == "max" else total(values) / F(size * size)

            x = [[[pool(c) for c in w] for w in row] for row in windows(x, *sizes)]
            x = np.array(x, F).transpose(2, 0, 1)
    return x.ravel()


def main():
    answers = [
        bert(21, False, 37, 16, 2, 12, 20, 2, 3, 1e-12, gelu, True, True, [3, 1, 4, 1, 5]),
        bert(22, True, 37, 16, 1, 10, 17, 2, 2, 1e-5, gelu_tanh, False, False, [9, 2, 6]),
        cnn(23, False, (2, 9, 8), [
            ("conv", 5, 3, 2, 1), ("relu",), ("max", 2, 1), ("conv", 4, 2, 1, 0), ("tanh",),
            ("avg", 2, 1), ("flatten",), ("linear", 6),
        ]),
        cnn(24, True, (1, 8, 8), [
            ("conv", 3, 3, 1, 1), ("relu",), ("max", 2, 2), ("flatten",), ("linear", 5),
            ("relu",), ("linear", 4),
        ]),
    ]
    for answer in answers:
        print(", ".join(f"{bits(item):#010x}" for item in answer))


if __name__ == "__main__":
    main()
