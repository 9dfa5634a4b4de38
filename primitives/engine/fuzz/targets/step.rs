//! Witnesses of steps and of ends: true ones that were changed, and any bytes.
#![no_main]

use codec::{Decode, Encode};
use dodona_engine::trace::{Blake, EndWitness, TraceFault, Witness, PAGE};
use dodona_engine_fuzz::{
	attempts::{self, Attempt},
	memory::within,
	runs::{run, Run},
	Reader,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
	let mut reader = Reader::new(bytes);
	let run = run(reader.byte());
	match reader.byte() % 8 {
		0 => end(run, &mut reader),
		_ => step(run, &Attempt::read(run, &mut reader)),
	}
});

/// Decodes what somebody sent, with memory for little more than it.
fn decode<T: Decode + Encode>(bytes: &[u8]) -> Option<T> {
	let most = 4 * bytes.len() + 16 * PAGE;
	let decoded = within(most, || T::decode(&mut &*bytes)).ok()?;
	// Nothing is encoded in two ways.
	assert!(bytes.starts_with(&decoded.encode()));
	Some(decoded)
}

fn step(run: &Run, attempt: &Attempt) {
	let Some(witness) = decode::<Witness>(&attempt.witness) else { return };
	let cost = run.program.cost(attempt.step);
	// Decoded, as numbers and once more in the order of a kernel, or a header with its tensors.
	let most = 16 * PAGE * (16 + cost.unwrap_or_default().pages as usize);
	let result = within(most, || attempt.execute::<Blake>(run, &witness));
	assert_eq!(result, attempt.execute::<Blake>(run, &witness));

	let pages = witness.memory.len() + witness.weights.len();
	match cost {
		None => assert_eq!(result, Err(TraceFault::NoSuchStep)),
		Some(cost) if pages > cost.pages as usize => {
			let refused = matches!(result, Err(TraceFault::TooManyPages { .. }));
			assert!(refused, "{pages} pages, {cost:?}: {result:?}");
		},
		Some(_) => {},
	}
	if attempt.is_about(run) {
		// One witness, and one state that it shows.
		let is_true = witness == attempts::truth(run, attempt.step);
		assert_eq!(result.is_ok(), is_true, "{result:?}");
		if let Ok(after) = result {
			assert_eq!(after, run.states[attempt.step as usize + 1]);
		}
	}
	if !run.states.contains(&attempt.before) {
		assert!(result.is_err(), "a state that nobody knows the pages of");
	}
}

fn end(run: &Run, reader: &mut Reader<'_>) {
	let bytes = attempts::end(run, reader);
	let Some(witness) = decode::<EndWitness>(&bytes) else { return };
	let (state, _, truth, end) = run.trace.end().unwrap();
	let open = || run.program.open_end::<Blake>(&state, &witness);
	let shown = within(4 * bytes.len() + 16 * PAGE, open);
	assert_eq!(shown, open());
	assert_eq!(shown.is_ok(), witness == truth, "{shown:?}");
	if let Ok(shown) = shown {
		assert_eq!(shown, end);
	}
}
