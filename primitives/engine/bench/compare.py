#!/usr/bin/env python3
"""Times the engine, candle, llama.cpp and transformers on the same weights.

    cargo build --release
    pip install -r requirements.txt
    python compare.py --contender target/release/contender

Makes a random llama of 125 million weights, and from it an 8-bit one and llama.cpp's files. Then all
take turns, round after round, and the fastest round of each counts: whatever else the machine does
meets all of them.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

VOCAB = 32_000
PROMPT = 512
ANSWER = 128


def random_model(folder):
    """Writes a llama with random weights."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=VOCAB,
        hidden_size=768,
        intermediate_size=2048,
        num_hidden_layers=12,
        num_attention_heads=12,
        num_key_value_heads=4,
        max_position_embeddings=1024,
        tie_word_embeddings=False,
        bos_token_id=None,
        eos_token_id=None,
        # Larger than usual, so that the likeliest token is so by far.
        initializer_range=0.05,
    )
    LlamaForCausalLM(config).save_pretrained(folder, max_shard_size="100GB")


def write_gguf(folder, path):
    """Writes the folder's weights as llama.cpp reads them, in f32."""
    import gguf
    from safetensors.numpy import load_file

    config = json.loads((folder / "config.json").read_text())
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    head_dim = config["hidden_size"] // heads
    rope = config.get("rope_parameters") or {}
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_vocab_size(config["vocab_size"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_dimension_count(head_dim)
    writer.add_rope_freq_base(rope.get("rope_theta", 10_000.0))
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("no_vocab")
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config["num_hidden_layers"])
    for name, tensor in load_file(folder / "model.safetensors").items():
        # llama.cpp turns neighbours against each other, transformers the halves of a head.
        rows = {"q_proj": heads, "k_proj": kv_heads}.get(name.split(".")[-2])
        if rows:
            halves = tensor.reshape(rows, 2, head_dim // 2, -1)
            tensor = halves.swapaxes(1, 2).reshape(tensor.shape)
        writer.add_tensor(names.get_name(name, try_suffixes=(".weight",)), tensor.astype("float32"))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def quantize_gguf(path, out):
    """Writes the Q8_0 file of an f32 one."""
    import llama_cpp

    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0
    failed = llama_cpp.llama_model_quantize(str(path).encode(), str(out).encode(), params)
    if failed:
        sys.exit(f"llama.cpp did not quantise {path}")


def prompt(count):
    return [at * 7919 % VOCAB for at in range(count)]


class LlamaCpp:
    def __init__(self, path, threads, repack=True):
        import ctypes

        import llama_cpp
        import numpy

        self.lib, self.numpy, self.token = llama_cpp, numpy, llama_cpp.llama_token
        # Says more than anybody wants to read.
        self.log = llama_cpp.llama_log_callback(lambda *_: None)
        llama_cpp.llama_log_set(self.log, ctypes.c_void_p())
        llama_cpp.llama_backend_init()
        params = llama_cpp.llama_model_default_params()
        params.use_extra_bufts = repack
        self.model = llama_cpp.llama_load_model_from_file(path.encode(), params)
        params = llama_cpp.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch = 1024, PROMPT, PROMPT
        params.n_threads = params.n_threads_batch = threads
        self.context = llama_cpp.llama_new_context_with_model(self.model, params)

    def forward(self, tokens):
        array = (self.token * len(tokens))(*tokens)
        if self.lib.llama_decode(self.context, self.lib.llama_batch_get_one(array, len(tokens))):
            sys.exit("llama.cpp failed")
        logits = self.lib.llama_get_logits(self.context)
        return int(self.numpy.ctypeslib.as_array(logits, shape=(VOCAB,)).argmax())

    def clear(self):
        self.lib.llama_memory_clear(self.lib.llama_get_memory(self.context), True)

    def prefill(self, tokens):
        self.clear()
        self.forward(tokens)

    def decode(self, first, count):
        self.clear()
        tokens = [first]
        for _ in range(count):
            tokens.append(self.forward(tokens[-1:]))
        return tokens[1:]


class Transformers:
    def __init__(self, path, threads):
        import torch
        from transformers import AutoModelForCausalLM

        torch.set_num_threads(threads)
        self.torch = torch
        self.model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()

    def forward(self, tokens, past):
        with self.torch.inference_mode():
            ids = self.torch.tensor([tokens])
            out = self.model(ids, past_key_values=past, use_cache=True, logits_to_keep=1)
        return int(out.logits[0, -1].argmax()), out.past_key_values

    def prefill(self, tokens):
        self.forward(tokens, None)

    def decode(self, first, count):
        tokens, past = [first], None
        for _ in range(count):
            token, past = self.forward(tokens[-1:], past)
            tokens.append(token)
        return tokens[1:]


def serve(kind, path, threads):
    """Answers the commands that src/bin/contender.rs describes."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    # Importing is no part of loading.
    if kind == "transformers":
        import transformers.models.llama.modeling_llama  # noqa: F401
    else:
        import llama_cpp  # noqa: F401
    start = time.perf_counter()
    if kind == "transformers":
        model = Transformers(path, threads)
    else:
        model = LlamaCpp(path, threads, repack=kind == "llama.cpp")
    print(time.perf_counter() - start, file=answers)
    for line in sys.stdin:
        command, *count = line.split()
        start = time.perf_counter()
        if command == "prefill":
            model.prefill(prompt(int(count[0])))
            print(time.perf_counter() - start, file=answers)
        elif command == "decode":
            tokens = model.decode(1, int(count[0]))
            print(time.perf_counter() - start, tokens, file=answers)
        else:
            status = Path("/proc/self/status").read_text()
            print(int(status.split("VmHWM:")[1].split()[0]) * 1024, file=answers)


class Contender:
    def __init__(self, name, command, threads):
        self.name, self.command = name, command
        number = str(threads)
        self.environment = os.environ | {"RAYON_NUM_THREADS": number, "OMP_NUM_THREADS": number}
        self.load = self.prompt = self.decode = float("inf")
        self.can_prefill = True
        self.tokens = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            self.command,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.load = min(self.load, float(self.answer()))

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise EOFError(f"{self.name} ended: {self.process.wait()}")
        return line

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.answer()

    def round(self):
        seconds, tokens = self.ask(f"decode {ANSWER}").split(" ", 1)
        self.decode, self.tokens = min(self.decode, float(seconds)), json.loads(tokens)
        if not self.can_prefill:
            return
        try:
            self.prompt = min(self.prompt, float(self.ask(f"prefill {PROMPT}")))
        except EOFError as error:
            # llama.cpp takes AMX for there if the processor says so; some virtual machines lie.
            print(f"{error}, at a prompt", file=sys.stderr)
            self.can_prefill = False
            self.start()

    def end(self):
        self.memory = int(self.ask("memory"))
        self.process.stdin.close()
        self.process.wait()


def number(value):
    return f"{value:.0f}" if value else "–"


def machine():
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return f"{model[0] if model else platform.processor()}, {os.cpu_count()} cores"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--contender", default="target/release/contender")
    parser.add_argument("--work", type=Path, default=Path("target/compare"), help="for the models")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--only", nargs="+", help="those whose names begin so")
    parser.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        kind, path, threads = args.serve
        return serve(kind, path, int(threads))

    args.work.mkdir(parents=True, exist_ok=True)
    floats = args.work / "f32"
    if not (floats / "model.safetensors").exists():
        random_model(floats)
    bytes_ = args.work / "q8"
    if not (bytes_ / "config.json").exists():
        subprocess.run([args.contender, "quantize", floats, bytes_], check=True)
    gguf = {kind: args.work / f"{kind}.gguf" for kind in ("f32", "q8_0")}
    for kind, make in [
        ("f32", lambda path: write_gguf(floats, path)),
        ("q8_0", lambda path: quantize_gguf(gguf["f32"], path)),
    ]:
        if not gguf[kind].exists():
            part = gguf[kind].with_suffix(".part")
            make(part)
            part.rename(gguf[kind])

    def python(kind, path):
        return lambda threads: [sys.executable, __file__, "--serve", kind, str(path), str(threads)]

    commands = {
        "engine F32": lambda _: [args.contender, "engine", str(floats)],
        "candle f32": lambda _: [args.contender, "candle", str(floats)],
        "transformers f32": python("transformers", floats),
        "llama.cpp f32": python("llama.cpp", gguf["f32"]),
        "engine Q8": lambda _: [args.contender, "engine", str(bytes_)],
        "llama.cpp Q8_0": python("llama.cpp", gguf["q8_0"]),
        "llama.cpp Q8_0, not repacked": python("llama.cpp-plain", gguf["q8_0"]),
    }
    print(f"{machine()}; best of {args.rounds} rounds in turns\n")
    print("| | threads | load, s | memory, MiB | prompt, tokens/s | answer, tokens/s |")
    print("|---|---|---|---|---|---|")
    done = {}
    for threads in args.threads:
        running = [
            Contender(name, command(threads), threads)
            for name, command in commands.items()
            if not args.only or any(name.startswith(only) for only in args.only)
        ]
        for _ in range(args.rounds):
            for contender in running:
                contender.round()
        for contender in running:
            contender.end()
            done[contender.name, threads] = contender
            print(
                f"| {contender.name} | {threads} | {contender.load:.2f} "
                f"| {contender.memory / 2**20:.0f} | {number(PROMPT / contender.prompt)} "
                f"| {number(ANSWER / contender.decode)} |",
                flush=True,
            )

    print("\n| ratio | threads | prompt | answer | same tokens |")
    print("|---|---|---|---|---|")
    for ours, other in [
        ("engine F32", "candle f32"),
        ("engine F32", "transformers f32"),
        ("engine F32", "llama.cpp f32"),
        ("engine Q8", "llama.cpp Q8_0"),
        ("engine Q8", "llama.cpp Q8_0, not repacked"),
    ]:
        for threads in args.threads:
            pair = [done.get((name, threads)) for name in (ours, other)]
            if None in pair:
                continue
            a, b = pair
            pairs = enumerate(zip(a.tokens, b.tokens))
            same = next((at for at, (x, y) in pairs if x != y), ANSWER)
            # Other roundings to bytes are other models.
            same = f"{same} of {ANSWER}" if "F32" in ours else "–"
            prompt = f"{b.prompt / a.prompt:.2f}" if b.can_prefill else "–"
            print(f"| {ours} / {other} | {threads} | {prompt} | {b.decode / a.decode:.2f} | {same} |")


if __name__ == "__main__":
    main()
