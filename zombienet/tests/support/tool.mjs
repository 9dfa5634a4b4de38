// The command line tool, run as anyone would run it.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cli } from './node.mjs';

/** More than a language model's logits take. */
const MAX_OUTPUT = 64 * 1024 * 1024;

export class Tool {
	/** Talks to the node that `world` has when it is run; `env` has more variables. */
	constructor(world, env = {}) {
		this.world = world;
		this.env = env;
	}

	/** Runs the tool; returns its exit code, or the signal that ended it, and what it printed. */
	run(...args) {
		return this.start(...args).ended;
	}

	/** Starts the tool; returns its process, and what `run` returns, later. */
	start(...args) {
		const env = { ...process.env, DODONA_URL: this.world.node.ws, ...this.env };
		let child;
		const ended = new Promise((ended) => {
			child = execFile(cli, args, { env, maxBuffer: MAX_OUTPUT }, (error, stdout, stderr) => {
				ended({ code: error ? error.code ?? error.signal : 0, stdout, stderr });
			});
		});
		return { child, ended };
	}

	/** Runs the tool, which must succeed; returns its JSON. */
	async succeeds(...args) {
		const { code, stdout, stderr } = await this.run('--json', ...args);
		assert.equal(code, 0, `dodona ${args.join(' ')}: ${stderr}`);
		return JSON.parse(stdout);
	}

	/** Runs the tool, which must fail with this exit code; returns its JSON. */
	async fails(code, ...args) {
		const result = await this.run('--json', ...args);
		assert.equal(result.code, code, `dodona ${args.join(' ')}: ${result.stdout} ${result.stderr}`);
		const { error } = JSON.parse(result.stdout);
		assert.ok(error.message);
		return error;
	}
}
