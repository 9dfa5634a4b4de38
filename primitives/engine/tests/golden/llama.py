#!/usr/bin/env python3
"""Prints the known answers in src/golden/llama.rs. Needs numpy; shares no code with the engine.

Every operation is one of numpy's on float32, which rounds once; sums are loops in the contract's
order. exp is fdlibm's for floats, step by step; cos, sin and pow are the C library's in binary64,
rounded to float32.
"""

import math

import numpy as np

F = np.float32
MASK = (1 << 64) - 1


def generator(seed):
    while True:
        seed = (seed * 1_664_525 + 1_013_904_223) & 0xFFFFFFFF
        yield F(F(seed >> 8) / F(1 << 23)) - F(1)


def exp(x):
    if x > F(88.722839):
        return F(np.inf)
    if x < F(-103.972084):
        return F(0)
    high, low, k = x, F(0), 0
    if abs(x) > F(1.0397208):
        k = int(F(1.4426950216) * x + F(math.copysign(0.5, x)))
    elif abs(x) > F(0.34657359):
        k = int(math.copysign(1, x))
    elif abs(x) <= F(2.0**-13):
        return F(1) + x
    high, low = x - F(k) * F(6.9314575195e-01), F(k) * F(1.4286067653e-06)
    x = high - low
    square = x * x
    c = x - square * (F(1.6666625440e-1) + square * F(-2.7667332906e-3))
    y = F(1) + (x * c / (F(2) - c) - low + high)
    return F(math.ldexp(float(y), k))


def total(values):
    sum = F(0)
    for value in values:
        sum = sum + value
    return sum


class Matrix:
    def __init__(self, values, scales=None):
        self.values, self.scales = values, scales

    def row(self, j):
        if self.scales is None:
            return self.values[j]
        return self.values[j].astype(F) * self.scales[j]

    def product(self, x):
        if self.scales is None:
            sums = np.zeros(len(self.values), F)
            for k in range(len(x)):
                sums = sums + x[k] * self.values[:, k]
            return sums
        most = max(abs(value) for value in x)
        if most == 0:
            return np.zeros(len(self.values), F)
        quantized = np.array([np.rint(value * (F(127) / most)) for value in x]).astype(np.int64)
        sums = self.values.astype(np.int64) @ quantized
        return (sums.astype(F) * (most / F(127))) * self.scales


class Llama:
    def __init__(self, seed, q8, vocab, hidden, intermediate, layers, heads, kv_heads, head_dim,
                 theta, scaling=None, tied=False, qkv_bias=False, o_bias=False, mlp_bias=False):
        self.hidden, self.heads, self.kv_heads, self.dim = hidden, heads, kv_heads, head_dim
        draw = generator(seed)

        def take(count):
            return np.array([next(draw) for _ in range(count)], F)

        def matrix(outputs, inputs, bias=False):
            root = F(1 << (inputs.bit_length() // 2))
            values = take(outputs * inputs).reshape(outputs, inputs)
            scales = None
            if q8:
                values = np.trunc(values * F(127)).astype(np.int8)
                scales = (F(1) + take(outputs) * F(0.5)) * ((F(1) / root) / F(128))
            else:
                values = values * (F(1) / root)
            return Matrix(values, scales), take(outputs) * F(0.5) if bias else None

        def norm():
            return F(1) + take(hidden) * F(0.5)

        attention, kv = heads * head_dim, kv_heads * head_dim
        self.embedding = matrix(vocab, hidden)
        self.layers = []
        for _ in range(layers):
            layer = {"norm": norm()}
            for name, outputs in (("q", attention), ("k", kv), ("v", kv)):
                layer[name] = matrix(outputs, hidden, qkv_bias)
            layer["o"] = matrix(hidden, attention, o_bias)
            layer["mlp_norm"] = norm()
            layer["gate"] = matrix(intermediate, hidden, mlp_bias)
            layer["up"] = matrix(intermediate, hidden, mlp_bias)
            layer["down"] = matrix(hidden, intermediate, mlp_bias)
            self.layers.append(layer)
        self.norm = norm()
        self.head = self.embedding if tied else matrix(vocab, hidden)

        self.frequencies = []
        for pair in range(head_dim // 2):
            power = F(math.pow(float(F(theta)), float(F(2 * pair) / F(head_dim))))
            self.frequencies.append(self.scaled(F(1) / power, scaling))

    @staticmethod
    def scaled(frequency, scaling):
        if scaling is None:
            return frequency
        if scaling[0] == "linear":
            return frequency / F(scaling[1])
        factor, low, high, positions = (F(value) for value in scaling[1:])
        wave = F(2 * math.pi) / frequency
        if wave > positions / low:
            return frequency / factor
        if wave < positions / high:
            return frequency
        smooth = (positions / wave - low) / (high - low)
        return (F(1) - smooth) * frequency / factor + smooth * frequency

    @staticmethod
    def apply(linear, x):
        matrix, bias = linear
        y = matrix.product(x)
        return y if bias is None else y + bias

    @staticmethod
    def rms_norm(x, weight):
        mean = total(value * value for value in x) / F(len(x))
        return (x * (F(1) / np.sqrt(mean + F(1e-5)))) * weight

    def rotate(self, heads, position):
        half = self.dim // 2
        angles = [F(position) * frequency for frequency in self.frequencies]
        cosines = np.array([F(math.cos(float(angle))) for angle in angles], F)
        sines = np.array([F(math.sin(float(angle))) for angle in angles], F)
        for head in heads.reshape(-1, self.dim):
            left, right = head[:half].copy(), head[half:].copy()
            head[:half] = left * cosines - right * sines
            head[half:] = right * cosines + left * sines

    def attend(self, q, keys, values):
        out = np.zeros(self.heads * self.dim, F)
        factor = F(1 / math.sqrt(self.dim))
        for head in range(self.heads):
            of = slice(head * self.dim, (head + 1) * self.dim)
            kv = head // (self.heads // self.kv_heads) * self.dim
            scores = []
            for key in keys:
                key = key[kv : kv + self.dim]
                scores.append(total(q[of][d] * key[d] for d in range(self.dim)) * factor)
            shares = softmax(scores)
            for share, value in zip(shares, values):
                out[of] = out[of] + share * value[kv : kv + self.dim]
        return out

    def logits(self, tokens, cache):
        """The logits after `tokens`; `cache` has the keys and values of those done before."""
        for position in range(len(cache[0][0]), len(tokens)):
            x = self.embedding[0].row(tokens[position])
            for layer, (keys, values) in zip(self.layers, cache):
                y = self.rms_norm(x, layer["norm"])
                q, k = self.apply(layer["q"], y), self.apply(layer["k"], y)
                self.rotate(q, position)
                self.rotate(k, position)
                keys.append(k)
                values.append(self.apply(layer["v"], y))
                x = x + self.apply(layer["o"], self.attend(q, keys, values))
                y = self.rms_norm(x, layer["mlp_norm"])
                gate = self.apply(layer["gate"], y)
                gate = np.array([value / (F(1) + exp(-value)) for value in gate], F)
                x = x + self.apply(layer["down"], gate * self.apply(layer["up"], y))
        return self.apply(self.head, self.rms_norm(x, self.norm))

    def generate(self, prompt, count, sampling=None):
        tokens, cache = list(prompt), [([], []) for _ in self.layers]
        for number in range(count):
            logits = self.logits(tokens, cache)
            tokens.append(choose(logits, sampling, number))
        return tokens[len(prompt) :], logits


def softmax(values):
    most = max(values)
    values = [exp(value - most) for value in values]
    sum = total(values)
    return [value / sum for value in values]


def choose(logits, sampling, number):
    if sampling is None:
        return int(np.argmax(logits))
    temperature, top_k, top_p, seed = sampling
    values = [(logit / F(temperature), token) for token, logit in enumerate(logits)]
    values = sorted(values, key=lambda pair: (-pair[0], pair[1]))[: top_k or None]
    values.sort(key=lambda pair: pair[1])
    shares = softmax([value for value, _ in values])
    kept, sum = [], F(0)
    order = zip(shares, (token for _, token in values))
    for share, token in sorted(order, key=lambda pair: (-pair[0], pair[1])):
        kept.append((token, share))
        sum = sum + share
        if top_p < 1 and sum >= F(top_p):
            break
    kept.sort()
    target = uniform(seed, number) * total(share for _, share in kept)
    sum = F(0)
    for token, share in kept:
        sum = sum + share
        if sum > target:
            return token
    raise AssertionError


def finalize(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def uniform(seed, number):
    bits = finalize((finalize(seed) + (number + 1) * 0x9E3779B97F4A7C15) & MASK)
    return F(bits >> 40) / F(1 << 24)


def main():
    cases = [
        (
            Llama(11, False, 37, 12, 20, 2, 4, 2, 6, 500_000, ("llama3", 8, 1, 4, 16),
                  qkv_bias=True),
            [3, 1, 4, 1, 5],
            (0.8, 0, 1, 15),
        ),
        (
            Llama(12, True, 37, 18, 33, 2, 3, 1, 8, 10_000, ("linear", 4), tied=True),
            [9, 2, 6],
            (1.5, 20, 0.9, 13),
        ),
        (
            Llama(14, False, 37, 10, 17, 3, 2, 2, 6, 10_000, qkv_bias=True, o_bias=True,
                  mlp_bias=True),
            [5, 3, 5],
            None,
        ),
    ]
    for llama, prompt, sampling in cases:
        tokens, logits = llama.generate(prompt, 24, sampling)
        print("tokens:", tokens)
        print("logits:", ", ".join(f"{value.view(np.uint32):#010x}" for value in logits[:6]))
    print("uniform:", [int(uniform(7, number) * F(1 << 24)) for number in range(4)])


if __name__ == "__main__":
    main()
