"""Trains the digits classifier and writes what the chain needs to serve it.

    python3 -m venv /tmp/digits
    /tmp/digits/bin/pip install -r requirements.txt
    /tmp/digits/bin/python train.py

The data are the UCI handwritten digits that ship inside scikit-learn: nothing is downloaded.
`train.py --check` trains nothing: it measures the committed weights on the held-out images.
"""

import json
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

HERE = Path(__file__).resolve().parent
SEED = 2609
# Chosen by cross-validation on the training images.
WIDTHS = [64, 64, 32, 10]
LEAST_ACCURACY = 0.97
SAMPLES = 50

EPOCHS = 300
BATCH = 32
RATE = 2e-3
DECAY = 5e-4
JITTER = 0.1


def split():
    """A fifth of the images, in equal shares of the digits, is never trained on."""
    digits = load_digits()
    pixels = (digits.data / 16).astype(np.float32)
    return train_test_split(
        pixels, digits.target, test_size=0.2, random_state=SEED, stratify=digits.target
    )


def forward(layers, x):
    """The activations of every layer: ReLU between layers, none after the last."""
    activations = [x]
    for i, (weight, bias) in enumerate(layers):
        x = x @ weight.T + bias
        if i + 1 < len(layers):
            x = np.maximum(x, 0)
        activations.append(x)
    return activations


def gradients(layers, x, truth):
    """Of the mean cross-entropy, layer by layer."""
    activations = forward(layers, x)
    logits = activations[-1]
    probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    probabilities[np.arange(len(truth)), truth] -= 1
    delta = probabilities / len(truth)
    result = []
    for (weight, _), below in zip(reversed(layers), reversed(activations[:-1])):
        result.append((delta.T @ below, delta.sum(axis=0)))
        delta = (delta @ weight) * (below > 0)
    return result[::-1]


def shifted(x, rng):
    """Each image moved by at most one pixel in each direction, two times in three not at all."""
    images = np.pad(x.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
    rows = rng.choice([0, 1, 2], size=len(x), p=[1 / 6, 2 / 3, 1 / 6])
    columns = rng.choice([0, 1, 2], size=len(x), p=[1 / 6, 2 / 3, 1 / 6])
    moved = [image[r : r + 8, c : c + 8] for image, r, c in zip(images, rows, columns)]
    return np.stack(moved).reshape(-1, 64)


def train(x, truth):
    """Adam with decoupled weight decay and a cosine schedule, on jittered images."""
    rng = np.random.default_rng(SEED)
    layers = [
        [
            rng.normal(0, np.sqrt(2 / inputs), (outputs, inputs)),
            np.zeros(outputs),
        ]
        for inputs, outputs in zip(WIDTHS, WIDTHS[1:])
    ]
    first = [[np.zeros_like(p) for p in layer] for layer in layers]
    second = [[np.zeros_like(p) for p in layer] for layer in layers]
    step = 0
    for epoch in range(EPOCHS):
        rate = RATE * 0.5 * (1 + np.cos(np.pi * epoch / EPOCHS))
        order = rng.permutation(len(x))
        for start in range(0, len(x), BATCH):
            step += 1
            batch = order[start : start + BATCH]
            images = shifted(x[batch], rng)
            images = np.clip(images + rng.normal(0, JITTER, images.shape), 0, 1)
            for i, grads in enumerate(gradients(layers, images, truth[batch])):
                for j, grad in enumerate(grads):
                    first[i][j] += 0.1 * (grad - first[i][j])
                    second[i][j] += 0.001 * (grad * grad - second[i][j])
                    mean = first[i][j] / (1 - 0.9**step)
                    spread = np.sqrt(second[i][j] / (1 - 0.999**step)) + 1e-8
                    layers[i][j] -= rate * (mean / spread + DECAY * layers[i][j])
        if (epoch + 1) % 50 == 0:
            print(f"epoch {epoch + 1}/{EPOCHS}: {accuracy(layers, x, truth):.2%} of the training set")
    return [tuple(p.astype(np.float32) for p in layer) for layer in layers]


def accuracy(layers, x, truth):
    return float((forward(layers, x)[-1].argmax(axis=1) == truth).mean())


def write(layers, x, truth):
    tensors = {}
    for i, (weight, bias) in enumerate(layers):
        tensors[f"layers.{i}.weight"] = np.ascontiguousarray(weight)
        tensors[f"layers.{i}.bias"] = np.ascontiguousarray(bias)
    save_file(tensors, HERE / "model.safetensors")
    config = {
        "name": "digits",
        "license": "CC-BY-4.0",
        "architecture": "mlp",
        "widths": WIDTHS,
    }
    (HERE / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    # The first of the held-out images as the split shuffled them, right or wrong.
    samples = [
        json.dumps({"truth": int(t), "input": [float(v) for v in image]})
        for image, t in zip(x[:SAMPLES], truth[:SAMPLES])
    ]
    (HERE / "held-out.json").write_text("[\n" + ",\n".join(samples) + "\n]\n")
    seven = x[list(truth).index(7)]
    (HERE / "seven.json").write_text(json.dumps([float(v) for v in seven]) + "\n")


def read():
    tensors = load_file(HERE / "model.safetensors")
    return [
        (tensors[f"layers.{i}.weight"], tensors[f"layers.{i}.bias"])
        for i in range(len(tensors) // 2)
    ]


def main():
    x, held_out, truth, held_out_truth = split()
    if "--check" not in sys.argv[1:]:
        write(train(x, truth), held_out, held_out_truth)
    # What was written is measured, not what was in memory.
    reached = accuracy(read(), held_out, held_out_truth)
    print(f"{reached:.2%} of {len(held_out)} held-out images are right")
    if reached < LEAST_ACCURACY:
        sys.exit(f"less than {LEAST_ACCURACY:.0%}: change the training, not the limit")


if __name__ == "__main__":
    main()
