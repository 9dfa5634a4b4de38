// Processes of the node's program: each has a log, and is ended by its id.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../..', import.meta.url));
const built = join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), 'debug');
const program = process.env.DODONA_NODE ?? join(built, 'dodona-node');
export const cli = process.env.DODONA_CLI ?? join(built, 'dodona');

// Starting compiles the runtime's Wasm, several times.
const PATIENCE_MS = 300_000;

export class Process {
	/** Starts the program; what it logs is added to the file `log`. */
	constructor(args, log) {
		if (!existsSync(program)) {
			throw new Error(`there is no ${program}: cargo xtask build, or set DODONA_NODE`);
		}
		this.log = log;
		this.child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
		this.ended = once(this.child, 'exit');
		process.on('exit', () => this.child.kill('SIGKILL'));
		const file = createWriteStream(log, { flags: 'a' });
		this.lines = createInterface({ input: this.child.stderr });
		this.lines.on('line', (line) => file.write(`${line}\n`));
	}

	/** What `pattern` captures in a line of the log. A process that never says it is killed. */
	async says(pattern) {
		let timer;
		try {
			return await new Promise((found, failed) => {
				const fail = (why) => failed(new Error(`${why}, see ${this.log}`));
				timer = setTimeout(() => fail(`not ready after ${PATIENCE_MS / 1000} s`), PATIENCE_MS);
				this.lines.on('line', (line) => {
					const match = pattern.exec(line);
					if (match) {
						found(match[1]);
					}
				});
				this.ended.then(([code, signal]) => fail(`it ended (${code ?? signal})`), failed);
			});
		} catch (error) {
			this.child.kill('SIGKILL');
			throw error;
		} finally {
			clearTimeout(timer);
		}
	}

	/** Ends it as a power cut would. */
	async kill() {
		process.kill(this.child.pid, 'SIGKILL');
		await this.ended;
	}

	/** Ends it as Ctrl-C would, unless it has ended. */
	async interrupt() {
		if (this.child.exitCode === null && this.child.signalCode === null) {
			process.kill(this.child.pid, 'SIGINT');
			await this.ended;
		}
	}
}
