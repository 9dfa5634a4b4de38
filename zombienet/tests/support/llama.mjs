// A random language model of our own, as Hugging Face writes one, that takes its time to answer.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compactToU8a, u8aConcat } from '@polkadot/util';
import { fileOf, numbers, tensor } from './weights.mjs';

/** The longest answer that the chain takes, in tokens. */
export const LONGEST = 4096;
/** Together more weights than a worker's own Wasm can hold. */
const [VOCABULARY, HIDDEN, INTERMEDIATE, LAYERS, HEADS, KV_HEADS] = [512, 256, 768, 3, 8, 4];

/** The tensors' shapes by their names, of a model with tied embeddings. */
export function shapes({ vocabulary, hidden, intermediate, layers, heads, kvHeads }) {
	const kv = hidden / heads * kvHeads;
	const all = Array.from({ length: layers }, (_, i) => Object.entries({
		'input_layernorm': [hidden],
		'self_attn.q_proj': [hidden, hidden],
		'self_attn.k_proj': [kv, hidden],
		'self_attn.v_proj': [kv, hidden],
		'self_attn.o_proj': [hidden, hidden],
		'post_attention_layernorm': [hidden],
		'mlp.gate_proj': [intermediate, hidden],
		'mlp.up_proj': [intermediate, hidden],
		'mlp.down_proj': [hidden, intermediate],
	}).map(([name, shape]) => [`model.layers.${i}.${name}.weight`, shape]));
	return [
		['model.embed_tokens.weight', [vocabulary, hidden]],
		...all.flat(),
		['model.norm.weight', [hidden]],
	];
}

/** Writes the model that `seed` says into `folder`, its weights in so many files. */
export function write(folder, seed, { layers = LAYERS, files = 1 } = {}) {
	const next = numbers(seed);
	const size = {
		vocabulary: VOCABULARY, hidden: HIDDEN, intermediate: INTERMEDIATE, layers, heads: HEADS, kvHeads: KV_HEADS,
	};
	const all = shapes(size).map(([name, shape]) => {
		// Norms do nothing; sums of the others neither vanish nor grow from layer to layer.
		const width = Math.sqrt(3 / shape.at(-1));
		const value = shape.length === 1 ? () => 1 : () => (2 * next() - 1) * width;
		return tensor(name, shape, value);
	});
	const places = {};
	for (let file = 0; file < files; file += 1) {
		const digits = (number) => `${number}`.padStart(5, '0');
		const path = files === 1 ? 'model.safetensors' : `model-${digits(file + 1)}-of-${digits(files)}.safetensors`;
		const share = Math.ceil(all.length / files);
		const tensors = all.slice(file * share, (file + 1) * share);
		for (const { name } of tensors) {
			places[name] = path;
		}
		writeFileSync(join(folder, path), fileOf(tensors));
	}
	if (files > 1) {
		const index = JSON.stringify({ weight_map: places });
		writeFileSync(join(folder, 'model.safetensors.index.json'), index);
	}
	writeFileSync(join(folder, 'config.json'), JSON.stringify({
		architectures: ['LlamaForCausalLM'],
		vocab_size: VOCABULARY,
		hidden_size: HIDDEN,
		intermediate_size: INTERMEDIATE,
		num_hidden_layers: layers,
		num_attention_heads: HEADS,
		num_key_value_heads: KV_HEADS,
		max_position_embeddings: 2 * LONGEST,
		rms_norm_eps: 1e-5,
		rope_theta: 10000,
		hidden_act: 'silu',
		tie_word_embeddings: true,
		eos_token_id: null,
	}));
}

/** Writes a tokenizer for it, of one word for each token. */
export function writeTokenizer(folder) {
	const vocab = Object.fromEntries(Array.from({ length: VOCABULARY }, (_, i) => [`w${i}`, i]));
	writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify({
		version: '1.0',
		truncation: null,
		padding: null,
		added_tokens: [],
		normalizer: null,
		pre_tokenizer: { type: 'Whitespace' },
		post_processor: null,
		decoder: null,
		model: { type: 'WordLevel', vocab, unk_token: 'w0' },
	}));
}

/** A prompt as the engine takes it: `most` more tokens, drawn by `seed`, no stop tokens of its own. */
export function encode(tokens, most, seed) {
	const words = new Uint8Array(new Uint32Array([...tokens, most]).buffer);
	// Drawn at temperature 1 from all tokens.
	const [one, all] = [new Uint8Array(new Float32Array([1]).buffer), new Uint8Array(4)];
	const sampling = u8aConcat([1], one, all, one, new Uint8Array(new BigUint64Array([BigInt(seed)]).buffer));
	return u8aConcat(compactToU8a(tokens.length), words, sampling, compactToU8a(0));
}
