// Engine servers: the one that a node's workers use, and one in a process of its own.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Process } from './process.mjs';

const ANNOUNCED = /workers of the node at \S+ use the engine at (http:\S+)/;
/** Between two looks at a server, which tells nothing by itself. */
const PAUSE_MS = 20;
const PATIENCE_MS = 120_000;

export class Engine {
	constructor(address) {
		this.address = address;
	}

	/** The one that the node's workers use. */
	static async of(chain) {
		return new Engine(await chain.engine());
	}

	/** What it says of itself: memory, models, jobs, counters. */
	async status() {
		return (await fetch(`${this.address}/health`)).json();
	}

	/** Waits until it has generated so many tokens. */
	async generates(tokens) {
		const end = Date.now() + PATIENCE_MS;
		let status;
		do {
			await pause(PAUSE_MS);
			status = await this.status();
			if (Date.now() > end) {
				throw new Error(`not ${tokens} tokens after ${PATIENCE_MS / 1000} s: ${JSON.stringify(status)}`);
			}
		} while (status.counters.tokens < tokens);
	}
}

export class EngineServer extends Engine {
	/** Starts a server for the node's workers, with a cache of its own, or the one in `folder`. */
	static async start(node, folder = mkdtempSync(join(tmpdir(), 'dodona-engine-'))) {
		const args = ['engine', '--listen', '127.0.0.1:0', '--node', node.ws, '--cache', folder];
		const process = new Process(args, `${folder}.log`);
		console.log(`the engine server's log: ${process.log}`);
		return Object.assign(new EngineServer(await process.says(ANNOUNCED)), { folder, process });
	}

	/** Ends it as a power cut would. */
	async kill() {
		await this.process.kill();
	}

	/** Ends it as Ctrl-C would, and removes its cache. */
	async stop() {
		await this.process.interrupt();
		rmSync(this.folder, { recursive: true, force: true });
	}
}
