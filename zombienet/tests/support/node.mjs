// A real node of our own: started on ports that the system picks, ended by its process id.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../..', import.meta.url));
const built = join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), 'debug');
const program = process.env.DODONA_NODE ?? join(built, 'dodona-node');
export const cli = process.env.DODONA_CLI ?? join(built, 'dodona');

const LISTENING = /Running JSON-RPC server: addr=.*?127\.0\.0\.1:(\d+)/;
// Starting compiles the runtime's Wasm, several times.
const PATIENCE_MS = 300_000;

export class Node {
	/** Starts a development chain, or goes on with the one in `folder`. */
	static async start(folder) {
		if (!existsSync(program)) {
			throw new Error(`there is no ${program}: cargo xtask build, or set DODONA_NODE`);
		}
		const node = new Node();
		node.folder = folder ?? mkdtempSync(join(tmpdir(), 'dodona-end-to-end-'));
		node.log = `${node.folder}.log`;
		const log = createWriteStream(node.log, { flags: folder ? 'a' : 'w' });
		node.child = spawn(program, [
			'--dev', '--base-path', node.folder,
			'--rpc-port', '0', '--rpc-methods', 'unsafe', '--port', '0',
			'--no-prometheus', '--no-telemetry', '--no-hardware-benchmarks',
			'-l', 'runtime::inference=debug',
		], { stdio: ['ignore', 'ignore', 'pipe'] });
		node.ended = once(node.child, 'exit');
		process.on('exit', () => node.child.kill('SIGKILL'));
		console.log(`the node's log: ${node.log}`);
		const port = await node.port(log).catch((error) => {
			node.child.kill('SIGKILL');
			throw error;
		});
		node.http = `http://127.0.0.1:${port}`;
		node.ws = `ws://127.0.0.1:${port}`;
		return node;
	}

	/** The port that the node listens on, out of what it logs. */
	port(log) {
		return new Promise((found, failed) => {
			const timer = setTimeout(
				() => failed(new Error(`the node does not listen after ${PATIENCE_MS / 1000} s`)),
				PATIENCE_MS,
			);
			const lines = createInterface({ input: this.child.stderr });
			lines.on('line', (line) => {
				log.write(`${line}\n`);
				const match = LISTENING.exec(line);
				if (match) {
					clearTimeout(timer);
					found(match[1]);
				}
			});
			this.child.on('error', failed);
			this.ended.then(([code, signal]) => {
				clearTimeout(timer);
				failed(new Error(`the node ended (${code ?? signal}), see ${this.log}`));
			});
		});
	}

	/** Ends the node as a power cut would. */
	async kill() {
		process.kill(this.child.pid, 'SIGKILL');
		await this.ended;
	}

	/** Ends the node as Ctrl-C would, and forgets its chain. */
	async stop() {
		if (this.child.exitCode === null && this.child.signalCode === null) {
			process.kill(this.child.pid, 'SIGINT');
			await this.ended;
		}
		rmSync(this.folder, { recursive: true, force: true });
	}
}
