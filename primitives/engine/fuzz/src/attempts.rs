//! What somebody shows who would like a step to give something else.

use crate::{reader::Reader, runs::Run};
use codec::Encode;
use dodona_engine::trace::{
	EndWitness, Hash, Hasher, Program, TraceFault, Witness, MAX_HASHES, MAX_PAGES, PAGE,
};

/// What is said about a step, and shown for it.
pub struct Attempt {
	pub step: u64,
	/// The state before it.
	pub before: Hash,
	/// Length of the weights.
	pub weights_len: u64,
	/// The witness, encoded.
	pub witness: Vec<u8>,
}

impl Attempt {
	/// What `reader` makes of a step of `run`.
	pub fn read(run: &Run, reader: &mut Reader<'_>) -> Self {
		let steps = run.program.steps() as usize;
		let at = reader.below(steps);
		let mut this = Self {
			step: at as u64,
			before: run.states[at],
			weights_len: run.artifact.len() as u64,
			witness: Vec::new(),
		};
		// Most attempts are about the witness alone.
		let lies = reader.byte();
		if lies & 0xc1 == 0xc1 {
			this.step = reader.number();
		}
		if lies & 0xc2 == 0xc2 {
			this.weights_len = reader.number();
		}
		if lies & 0xc4 == 0xc4 {
			this.before = run.states[reader.below(steps)];
		}
		if lies & 0xc8 == 0xc8 {
			this.before[reader.below(32)] ^= reader.byte();
		}
		this.witness = match reader.byte() % 8 {
			0 => reader.rest().to_vec(),
			1 => overwritten(truth(run, this.step).encode(), reader),
			2 => filled(&run.program, this.step, reader).encode(),
			_ => damaged(truth(run, this.step), reader).encode(),
		};
		this
	}

	/// Whether all but the witness is true.
	pub fn is_about(&self, run: &Run) -> bool {
		self.step < run.program.steps()
			&& self.before == run.states[self.step as usize]
			&& self.weights_len == run.artifact.len() as u64
	}

	/// What the chain would say.
	pub fn execute<H: Hasher>(&self, run: &Run, witness: &Witness) -> Result<Hash, TraceFault> {
		let Self { step, before, weights_len, .. } = self;
		run.program.execute::<H>(*step, before, &run.weights, *weights_len, witness)
	}
}

/// The witness of a step; of the last one, if there is no such step.
pub fn truth(run: &Run, step: u64) -> Witness {
	run.trace.witness(step.min(run.program.steps() - 1)).unwrap().1
}

/// What shows the end of `run`, encoded, and changed by `reader`.
pub fn end(run: &Run, reader: &mut Reader<'_>) -> Vec<u8> {
	let EndWitness { memory, memory_hashes } = run.trace.end().unwrap().2;
	let (mut pages, mut hashes) = (memory.into_inner(), memory_hashes.into_inner());
	match reader.byte() % 4 {
		0 => reader.rest().to_vec(),
		1 => overwritten((pages, hashes).encode(), reader),
		_ => {
			for _ in 0..reader.byte() % 8 {
				match reader.byte() & 1 {
					0 => change(&mut pages, reader),
					_ => change(&mut hashes, reader),
				}
			}
			(pages, hashes).encode()
		},
	}
}

/// Changes bytes without looking at what they are.
fn overwritten(mut bytes: Vec<u8>, reader: &mut Reader<'_>) -> Vec<u8> {
	for _ in 0..reader.byte() % 8 {
		let at = reader.u32() as usize % bytes.len().max(1);
		match reader.byte() % 8 {
			0 => bytes.truncate(at),
			_ => bytes.iter_mut().skip(at).zip(reader.some()).for_each(|(at, byte)| *at = *byte),
		}
	}
	bytes
}

/// As many pages as the step can open, or nearly, of what `reader` says.
fn filled(program: &Program, step: u64, reader: &mut Reader<'_>) -> Witness {
	let most = program.cost(step).unwrap_or_default().pages as usize;
	let memory = reader.below(most + 2);
	let mut pages = |count| {
		let page = pattern::<PAGE>(reader);
		let mut pages = vec![page; count];
		for _ in 0..reader.byte() % 8 {
			let at = reader.below(count);
			if let Some(page) = pages.get_mut(at) {
				*page = pattern(reader);
			}
		}
		pages
	};
	let mut memory = pages(memory);
	let weights = pages((most + 1).saturating_sub(memory.len()));
	let mut hashes = || vec![pattern(reader); reader.byte().into()];
	// The run goes on, or the step does nothing.
	if let Some(page) = memory.first_mut() {
		page[..4].fill(0);
	}
	witness(memory, hashes(), weights, hashes())
}

/// Changes pages and hashes.
fn damaged(truth: Witness, reader: &mut Reader<'_>) -> Witness {
	let [mut memory, mut weights] = [truth.memory, truth.weights].map(|pages| pages.into_inner());
	let [mut memory_hashes, mut weights_hashes] =
		[truth.memory_hashes, truth.weights_hashes].map(|hashes| hashes.into_inner());
	for _ in 0..reader.byte() % 8 {
		match reader.byte() % 6 {
			0 | 1 => change(&mut memory, reader),
			2 => change(&mut weights, reader),
			3 => change(&mut memory_hashes, reader),
			4 => change(&mut weights_hashes, reader),
			// A page of the one as one of the other.
			_ => {
				let (from, to) = match reader.byte() & 1 {
					0 => (&mut memory, &mut weights),
					_ => (&mut weights, &mut memory),
				};
				let at = reader.below(from.len());
				if at < from.len() {
					to.insert(reader.below(to.len() + 1), from.remove(at));
				}
			},
		}
	}
	witness(memory, memory_hashes, weights, weights_hashes)
}

/// Changes one item, or which there are.
fn change<const N: usize>(items: &mut Vec<[u8; N]>, reader: &mut Reader<'_>) {
	let choice = reader.byte() % 9;
	let (at, to) = (reader.below(items.len()), reader.below(items.len() + 1));
	if choice == 0 {
		return items.insert(to, pattern(reader));
	}
	let other = to.min(items.len().saturating_sub(1));
	let Some(item) = items.get_mut(at) else { return };
	match choice {
		1 => drop(items.remove(at)),
		2 => items.insert(to, items[at]),
		3 => items.swap(at, other),
		4 => items.rotate_left(at),
		5 => *item = pattern(reader),
		6 => {
			let number = reader.number().to_le_bytes();
			let at = reader.below(N / 8);
			item[at * 8..][..8].copy_from_slice(&number);
		},
		7 => item[reader.below(N)] ^= reader.byte(),
		_ => {
			let at = reader.below(N);
			item.iter_mut().skip(at).zip(reader.some()).for_each(|(at, byte)| *at = *byte);
		},
	}
}

/// The next bytes again and again; zeros if there are none.
fn pattern<const N: usize>(reader: &mut Reader<'_>) -> [u8; N] {
	let mut bytes = [0; N];
	bytes
		.iter_mut()
		.zip(reader.some().iter().cycle())
		.for_each(|(at, byte)| *at = *byte);
	bytes
}

/// As much of it as a witness can have.
fn witness(
	memory: Vec<[u8; PAGE]>,
	memory_hashes: Vec<Hash>,
	weights: Vec<[u8; PAGE]>,
	weights_hashes: Vec<Hash>,
) -> Witness {
	fn bounded<T, B: TryFrom<Vec<T>>>(mut items: Vec<T>, most: u32) -> B {
		items.truncate(most as usize);
		B::try_from(items).ok().unwrap()
	}
	Witness {
		memory: bounded(memory, MAX_PAGES),
		memory_hashes: bounded(memory_hashes, MAX_HASHES),
		weights: bounded(weights, MAX_PAGES),
		weights_hashes: bounded(weights_hashes, MAX_HASHES),
	}
}
