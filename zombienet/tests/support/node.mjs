// A real node of our own, on ports that the system picks.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Process } from './process.mjs';

export { cli, root } from './process.mjs';

const LISTENING = /Running JSON-RPC server: addr=.*?127\.0\.0\.1:(\d+)/;

export class Node {
	/** Starts a development chain, or goes on with the one in `folder`, with `more` arguments. */
	static async start(folder, more = []) {
		const node = new Node();
		node.folder = folder ?? mkdtempSync(join(tmpdir(), 'dodona-end-to-end-'));
		node.process = new Process([
			'--dev', '--base-path', node.folder,
			'--rpc-port', '0', '--rpc-methods', 'unsafe', '--port', '0',
			'--no-prometheus', '--no-telemetry', '--no-hardware-benchmarks',
			'-l', 'runtime::inference=debug',
			// Tests look back as far as they like.
			'--state-pruning', 'archive',
			...more,
		], `${node.folder}.log`);
		console.log(`the node's log: ${node.process.log}`);
		const port = await node.process.says(LISTENING);
		node.http = `http://127.0.0.1:${port}`;
		node.ws = `ws://127.0.0.1:${port}`;
		return node;
	}

	/** Ends the node as a power cut would. */
	async kill() {
		await this.process.kill();
	}

	/** Ends the node as Ctrl-C would, and forgets its chain. */
	async stop() {
		await this.process.interrupt();
		rmSync(this.folder, { recursive: true, force: true });
	}
}
