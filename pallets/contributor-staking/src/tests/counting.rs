//! Counts what a piece of code reads and writes.

/// How many keys were looked up, and how many changed: each counts once.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Accesses {
	pub reads: usize,
	pub writes: usize,
}

/// Runs `execute` in `ext`, and counts.
pub fn count(ext: &mut sp_io::TestExternalities, execute: impl FnOnce()) -> Accesses {
	// What has been changed before is looked up like all the rest, not found among the changes.
	ext.commit_all().expect("the changes are no transaction's");
	let recorder = Default::default();
	ext.execute_with_recorder(Clone::clone(&recorder), execute);
	let reads = recorder.recorded_keys().values().map(|keys| keys.len()).sum();
	let writes = ext.overlayed_changes().changes().count();
	Accesses { reads, writes }
}
