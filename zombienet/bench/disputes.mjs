// How long a dispute takes, from the challenge to the verdict, on a development chain with a block
// every six seconds: all workers compute one operation wrongly, `dodona watch` challenges them.
// Prints a table. `node bench/disputes.mjs [network…]`, with DODONA_NODE and DODONA_CLI as the tests.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Chain, corrupt, Fault } from '../tests/support/chain.mjs';
import { shapes } from '../tests/support/llama.mjs';
import { Node } from '../tests/support/node.mjs';
import { Tool } from '../tests/support/tool.mjs';
import { fileOf, numbers, tensor, valuesIn } from '../tests/support/weights.mjs';

const BLOCK_TIME = 6_000;
/** Blocks in which a result can be challenged, and for each move. */
const WINDOW = 10;
/** Blocks that a request and its dispute may take. */
const LONG = 100;

const conv = (outputs, kernel, more) => ({ type: 'conv2d', outputs, kernel, ...more });
const linear = (outputs) => ({ type: 'linear', outputs });
const [relu, tanh, flatten] = ['relu', 'tanh', 'flatten'].map((type) => ({ type }));
const pool = (type, size) => ({ type, size });

/** What is measured: shapes, an operation in each layer that does something else, and what is asked. */
const NETWORKS = {
	// The network of zk-OPML's and opML's own measurements.
	dnn: {
		title: 'perceptron, 15,910 parameters',
		config: { architecture: 'mlp', widths: [784, 20, 10] },
		operations: [['product', 1]],
	},
	lenet: {
		title: 'LeNet, 61,706 parameters',
		config: {
			architecture: 'cnn',
			input: [1, 28, 28],
			layers: [
				conv(6, 5, { padding: 2 }), tanh, pool('avg_pool', 2), conv(16, 5), tanh, pool('avg_pool', 2), flatten,
				linear(120), tanh, linear(84), tanh, linear(10),
			],
		},
		operations: [['patches', 3], ['product', 3], ['activation', 4], ['pool', 5], ['order', 6], ['product', 11]],
	},
	large: {
		title: 'convolutional network, 3.5 million parameters',
		config: {
			architecture: 'cnn',
			input: [3, 32, 32],
			layers: [
				conv(32, 3), relu, pool('max_pool', 2), conv(64, 3), relu, pool('max_pool', 2), flatten, linear(1400), relu,
				linear(180), relu, linear(10),
			],
		},
		operations: [['patches', 3], ['product', 3], ['activation', 1], ['pool', 5], ['order', 6], ['product', 11]],
	},
	llama: {
		title: 'language model, 11.7 million parameters',
		config: {
			architectures: ['LlamaForCausalLM'], model_type: 'llama', hidden_act: 'silu',
			hidden_size: 320, intermediate_size: 864, num_hidden_layers: 8, num_attention_heads: 10,
			num_key_value_heads: 5, head_dim: 32, max_position_embeddings: 256, vocab_size: 4096,
			rms_norm_eps: 1e-5, rope_theta: 10000.0, tie_word_embeddings: false, bos_token_id: 0, eos_token_id: 0,
		},
		// But `exponentials`: with all of them negated, and their sum, the shares are what they were.
		operations: [
			['embedding', 0], ['norm', 3], ['queries', 3], ['rotation', 3], ['scores', 3],
			['mixture', 3], ['attended', 3], ['inner', 3], ['activation', 3], ['outer', 3], ['logits', 8], ['choice', 8],
		],
		token: 20,
	},
};

/** The tensors of a network, by name: their shapes. */
function tensorsOf(config) {
	const tensors = {};
	if (config.architecture === 'mlp') {
		config.widths.slice(1).forEach((outputs, layer) => {
			tensors[`layers.${layer}.weight`] = [outputs, config.widths[layer]];
			tensors[`layers.${layer}.bias`] = [outputs];
		});
	} else if (config.architecture === 'cnn') {
		let [channels, height, width] = config.input;
		config.layers.forEach(({ type, outputs, kernel, stride, padding = 0, size }, layer) => {
			const slide = (side, window, step) => Math.floor((side + 2 * padding - window) / step) + 1;
			if (type === 'conv2d') {
				tensors[`${layer}.weight`] = [outputs, channels, kernel, kernel];
				tensors[`${layer}.bias`] = [outputs];
				[channels, height, width] = [outputs, ...[height, width].map((side) => slide(side, kernel, stride ?? 1))];
			} else if (type === 'linear') {
				tensors[`${layer}.weight`] = [outputs, channels];
				tensors[`${layer}.bias`] = [outputs];
				channels = outputs;
			} else if (type === 'flatten') {
				channels *= height * width;
			} else if (size) {
				[height, width] = [height, width].map((side) => slide(side, size, stride ?? size));
			}
		});
	} else {
		Object.assign(tensors, Object.fromEntries(shapes({
			vocabulary: config.vocab_size,
			hidden: config.hidden_size,
			intermediate: config.intermediate_size,
			layers: config.num_hidden_layers,
			heads: config.num_attention_heads,
			kvHeads: config.num_key_value_heads,
		})));
		// One that is tied would say its last token again and again, whatever is wrong.
		tensors['lm_head.weight'] = [config.vocab_size, config.hidden_size];
	}
	return tensors;
}

/** Weights that look random. */
function weightsOf(config) {
	const next = numbers(1);
	return fileOf(Object.entries(tensorsOf(config)).map(([name, shape]) => {
		const scale = 1.5 / Math.sqrt(valuesIn(shape.slice(1)));
		return tensor(name, shape, () => (2 * next() - 1) * scale);
	}));
}

const node = await Node.start(undefined, ['--dev-block-time', `${BLOCK_TIME}`]);
const chain = await Chain.connect(node);
const tool = new Tool({ node });
const folder = mkdtempSync(join(tmpdir(), 'dodona-bench-'));

/** The network as a folder that the tool publishes. */
function folderOf(name, config) {
	const path = join(folder, name);
	mkdirSync(path);
	writeFileSync(join(path, 'config.json'), JSON.stringify(config));
	writeFileSync(join(path, 'model.safetensors'), weightsOf(config));
	return path;
}

/** The question: numbers, or tokens. */
function question(config, number) {
	const path = join(folder, 'question.json');
	if (config.model_type === 'llama') {
		const tokens = Array.from({ length: 16 }, (_, i) => 17 + number + i * 31);
		// Drawn, as a likeliest token often is the same whatever was wrong.
		return ['--tokens', tokens.join(','), '--max-tokens', '16', '--temperature', '1', '--seed', `${number}`];
	}
	const length = config.widths ? config.widths[0] : valuesIn(config.input);
	writeFileSync(path, JSON.stringify(Array.from({ length }, (_, i) => (number % 2 ? -1 : 1) * Math.sin(number + i * i))));
	return ['--input', path];
}

const { Challenged, ClaimWon, Finalized, Adjudicated, TraceShown, Moved, StepExecuted } = chain.api.events.inference;
const MOVES = [[TraceShown, 'open'], [Moved, 'descend'], [StepExecuted, 'settle'], [Adjudicated, 'adjudicate']];
const time = async (block) => (await (await chain.at(block)).query.timestamp.now()).toNumber();

/** Follows the chain until somebody has won; returns when, and the moves, or nothing if nobody challenges. */
async function dispute(from) {
	let begun;
	const moves = {};
	const found = await chain.follow('a verdict', from, async (at, block) => {
		const events = await at.query.system.events();
		for (const { event, phase } of events) {
			if (Challenged.is(event)) {
				begun ??= block;
			}
			for (const [kind, name] of MOVES.filter(([kind]) => kind.is(event) && phase.isApplyExtrinsic)) {
				const hash = await chain.api.rpc.chain.getBlockHash(block);
				const { block: { extrinsics } } = await chain.api.rpc.chain.getBlock(hash);
				const bytes = extrinsics[phase.asApplyExtrinsic.toNumber()].encodedLength;
				const move = moves[name] ??= { count: 0, bytes: 0 };
				move.count += 1;
				move.bytes = Math.max(move.bytes, bytes);
			}
		}
		const is = (kind) => events.some(({ event }) => kind.is(event));
		if (begun === undefined && is(Finalized)) {
			return { blocks: undefined };
		}
		if (!is(ClaimWon) && !is(Adjudicated)) {
			return undefined;
		}
		return { blocks: block - begun, ms: await time(block) - await time(begun), moves };
	}, LONG);
	return found.blocks === undefined ? undefined : found;
}

console.log('| network | wrong operation | from the challenge to the verdict | moves, and the longest in bytes |');
console.log('|---|---|---|---|');
try {
	const wanted = process.argv.slice(2);
	const networks = Object.entries(NETWORKS).filter(([name]) => !wanted.length || wanted.includes(name));
	for (const [name, { config }] of networks) {
		const about = ['--name', `bench/${name}`, '--licence', 'CC0-1.0', '--price', '1'];
		await tool.succeeds('model', 'publish', folderOf(name, config), ...about);
	}
	await chain.govern('Inference', { ChallengePeriod: WINDOW, MovePeriod: WINDOW });
	for (const [name, { title, config, operations, token = 0 }] of networks) {
		const watch = tool.start('--suri', '//Eve', '--json', 'watch', '--challenge', '--budget', '5000', '--models', `bench/${name}`);
		createInterface({ input: watch.child.stdout }).on('line', (line) => process.env.VERBOSE && console.error(line));
		for (const [number, [operation, layer]] of operations.entries()) {
			await chain.setFaults(corrupt(operation, layer, token));
			let found;
			// What is computed wrongly need not change the answer.
			for (let attempt = 0; !found; attempt += 1) {
				const from = await chain.best();
				const asked = tool.run('--suri', '//Bob', 'ask', `bench/${name}`, ...question(config, number + attempt));
				found = await dispute(from + 1);
				await asked;
			}
			const { blocks, ms, moves } = found;
			const shown = Object.entries(moves).map(([move, { count, bytes }]) => `${count} × ${move} (${bytes})`);
			console.log(`| ${title} | ${operation}, layer ${layer} | ${blocks} blocks, ${ms / 1000} s | ${shown.join(', ')} |`);
		}
		await chain.setFaults(Fault.none);
		watch.child.kill();
	}
} finally {
	await chain.disconnect();
	await node.stop();
	rmSync(folder, { recursive: true, force: true });
}
