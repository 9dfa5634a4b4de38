//! The runtime as a whole: what its presets build, and how its pallets meet.

mod fees;
mod genesis;
mod governance;
mod idle;
mod messages;
mod randomness;
mod stateful;

use crate::{genesis_config_presets::get_preset, RuntimeGenesisConfig};
use frame_support::genesis_builder_helper::build_state;
use serde_json::Value;
use sp_io::TestExternalities;

/// Overwrites `base` with what `patch` has, as a chain spec does.
fn merge(base: &mut Value, patch: Value) {
	match (base, patch) {
		(Value::Object(base), Value::Object(patch)) => {
			for (key, value) in patch {
				merge(base.entry(key).or_insert(Value::Null), value);
			}
		},
		(base, patch) => *base = patch,
	}
}

/// The state after the genesis that `preset` describes, or the default one.
fn state_of(preset: Option<&str>) -> TestExternalities {
	let mut config =
		serde_json::to_value(RuntimeGenesisConfig::default()).expect("the default is valid JSON");
	if let Some(preset) = preset {
		let patch = get_preset(&preset.into()).expect("the preset exists");
		merge(&mut config, serde_json::from_slice(&patch).expect("a preset is valid JSON"));
	}
	let config = serde_json::to_vec(&config).expect("a merged genesis is valid JSON");
	let mut state = TestExternalities::default();
	state.execute_with(|| {
		build_state::<RuntimeGenesisConfig>(config).expect("the preset builds a genesis");
	});
	state
}

/// The state after the genesis of a development chain.
fn dev() -> TestExternalities {
	state_of(Some(sp_genesis_builder::DEV_RUNTIME_PRESET))
}
