//! Traces with a wrong result anywhere, asked for anything. What comes after it are states that no
//! run has.
#![no_main]

use dodona_engine::{
	trace::{fold, node_at, Blake, End, Fault, Hash, Limits, Proven, Trace, TraceFault, LEVELS},
	EngineError, Model,
};
use dodona_engine_fuzz::{
	memory::within,
	runs::{run, Run},
	Reader,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
	let mut reader = Reader::new(bytes);
	let run = run(reader.byte());
	let steps = run.program.steps() as usize;
	let fault = (reader.byte() != 0).then(|| Fault {
		step: reader.below(steps) as u64,
		at: reader.u32(),
		bits: reader.byte(),
		words: 1,
	});
	let limits = match reader.byte() % 4 {
		0 => Limits { hashes: reader.byte().into(), states: reader.byte().into() },
		_ => Limits::default(),
	};
	within(64 << 20, || {
		let artifact = run.artifact.clone();
		let trace = Trace::record_within(&run.program, artifact, fault, limits).unwrap();
		let asked = Asked { run, trace, fault };
		asked.end();
		if let Some(fault) = fault {
			(fault.step..run.program.steps()).take(3).for_each(|step| asked.step(step));
		}
		for _ in 0..reader.byte() % 8 {
			match reader.byte() % 4 {
				0 => asked.step(reader.below(steps) as u64),
				1 => asked.leaf(reader.below(1 << run.program.depth()) as u64),
				2 => asked.anything(reader.number()),
				_ => asked.node(reader.number() as u32, reader.number()),
			}
		}
	});
});

/// A trace that is asked, and how it came to be.
struct Asked {
	run: &'static Run,
	trace: Trace<Blake>,
	fault: Option<Fault>,
}

impl Asked {
	/// Whoever has nothing but the artifact's root finds the state after `step`, which is the next
	/// one of the trace, but where the fault is.
	fn step(&self, step: u64) {
		let Self { run, trace, fault } = self;
		let (before, witness) = trace.witness(step).unwrap();
		let before = self.before(step, before);
		let (len, program) = (run.artifact.len() as u64, &run.program);
		let after = program.execute::<Blake>(step, &before, &run.weights, len, &witness).unwrap();
		let pages = witness.memory.len() + witness.weights.len();
		let cost = program.cost(step).unwrap();
		assert!(pages <= cost.pages as usize, "{:?}: {pages} pages", program.describe(step));

		let recorded = self.state(step);
		let at = step as usize;
		match fault {
			Some(fault) if fault.step == step => {
				assert_eq!((before, after), (run.states[at], run.states[at + 1]));
				assert_eq!(recorded == after, fault.bits == 0);
			},
			Some(fault) if fault.step < step => assert_eq!(after, recorded),
			_ => assert_eq!([after, recorded], [run.states[at + 1]; 2]),
		}
	}

	/// The state before a step, which the trace proves.
	fn before(&self, step: u64, proven: Option<Proven>) -> Hash {
		let Some((state, path)) = proven else {
			assert_eq!(step, 0);
			return self.run.states[0];
		};
		assert_eq!(path.len(), self.run.program.depth() as usize);
		assert_eq!(node_at::<Blake>(state, step - 1, &path), self.trace.root());
		state
	}

	/// The state after `step`, as the trace has it.
	fn state(&self, step: u64) -> Hash {
		if step + 1 == self.run.program.steps() {
			return self.trace.end().unwrap().0;
		}
		self.before(step + 1, self.trace.witness(step + 1).unwrap().0)
	}

	/// From the root down to a leaf, as a dispute goes.
	fn leaf(&self, leaf: u64) {
		let Self { run, trace, .. } = self;
		let depth = run.program.depth();
		let (mut level, mut node) = (0, trace.root());
		while level < depth {
			let down = LEVELS.min(depth - level);
			let children = trace.children(level, leaf >> (depth - level)).unwrap();
			assert_eq!((children.len(), fold::<Blake>(&children)), (1 << down, node));
			level += down;
			node = children[(leaf >> (depth - level)) as usize & ((1 << down) - 1)];
		}
		let is_step = leaf < run.program.steps();
		assert_eq!(node, if is_step { self.state(leaf) } else { Hash::default() });
	}

	/// A node that there need not be.
	fn node(&self, level: u32, index: u64) {
		let children = self.trace.children(level, index);
		let is_node = level < self.run.program.depth() && index >> level == 0;
		assert_eq!(children.is_ok(), is_node, "{children:?}");
	}

	/// A step that there need not be.
	fn anything(&self, step: u64) {
		let Self { run, trace, .. } = self;
		let (program, len) = (&run.program, run.artifact.len() as u64);
		let is_step = step < program.steps();
		let (place, cost) = (program.describe(step), program.cost(step));
		assert_eq!((place.is_some(), cost.is_some()), (is_step, is_step));
		if let Some(cost) = cost {
			let most = program.max_cost();
			assert!(cost.pages <= most.pages && cost.work <= most.work, "{place:?}: {cost:?}");
			return self.step(step);
		}
		let fault = Err(TraceFault::NoSuchStep);
		assert_eq!(trace.witness(step).map(drop), fault);
		let (_, witness) = trace.witness(0).unwrap();
		let start = program.start::<Blake>();
		let executed = program.execute::<Blake>(step, &start, &run.weights, len, &witness);
		assert_eq!(executed.map(drop), fault);
	}

	/// What the run ended with is shown, and is the model's answer unless there is a fault.
	fn end(&self) {
		let Self { run, trace, fault } = self;
		assert_eq!(trace.weights_root(), run.weights);
		let (state, path, witness, end) = trace.end().unwrap();
		assert_eq!(node_at::<Blake>(state, run.program.steps() - 1, &path), trace.root());
		assert_eq!(run.program.open_end::<Blake>(&state, &witness).as_ref(), Ok(&end));
		if fault.is_none() {
			let model = Model::load(&run.architecture, &run.artifact).unwrap();
			match model.run(&run.input) {
				Ok(output) => assert_eq!(end, End::Output(output)),
				Err(error) => {
					assert!(matches!(error, EngineError::NonFiniteResult { .. }), "{error}");
					assert_eq!(end, End::Fault);
				},
			}
		}
	}
}
