//! The chains that need no file: their specs are built from the embedded runtime and its presets.

use dodona_runtime::{genesis_config_presets::PARA_ID, SS58_PREFIX, TOKEN_DECIMALS, TOKEN_SYMBOL};
use polkadot_omni_node_lib::chain_spec::{
	ChainSpec, DiskChainSpecLoader, Extensions, GenericChainSpec, LoadSpec,
};
use sc_chain_spec::{ChainType, Properties};

/// A chain that is known by name.
struct Known {
	name: &'static str,
	id: &'static str,
	kind: ChainType,
	preset: &'static str,
	relay_chain: &'static str,
}

impl Known {
	/// One node, without a relay chain.
	const DEV: Self = Self {
		name: "Dodona Development",
		id: "dodona-dev",
		kind: ChainType::Development,
		preset: "development",
		relay_chain: "rococo-local",
	};
	/// Two collators and a relay chain on one machine.
	const LOCAL: Self = Self {
		name: "Dodona Local Testnet",
		id: "dodona-local",
		kind: ChainType::Local,
		preset: "local_testnet",
		relay_chain: "rococo-local",
	};

	fn spec(self) -> Result<Box<dyn ChainSpec>, String> {
		let code = dodona_runtime::WASM_BINARY
			.ok_or("this node was built without its runtime: unset SKIP_WASM_BUILD and rebuild")?;
		let extensions = Extensions::new(self.relay_chain.into(), PARA_ID.into());
		let spec = GenericChainSpec::builder(code, extensions)
			.with_name(self.name)
			.with_id(self.id)
			.with_protocol_id(self.id)
			.with_chain_type(self.kind)
			.with_properties(properties())
			.with_genesis_config_preset_name(self.preset)
			.build();
		Ok(Box::new(spec))
	}
}

/// How wallets show amounts and addresses.
fn properties() -> Properties {
	let mut properties = Properties::new();
	properties.insert("tokenSymbol".into(), TOKEN_SYMBOL.into());
	properties.insert("tokenDecimals".into(), TOKEN_DECIMALS.into());
	properties.insert("ss58Format".into(), SS58_PREFIX.into());
	properties
}

/// Finds chain specs: the known ones by name, all others in files.
pub struct Chains;

impl LoadSpec for Chains {
	fn load_spec(&self, id: &str) -> Result<Box<dyn ChainSpec>, String> {
		match id {
			"dev" | "dodona-dev" => Known::DEV.spec(),
			"" | "local" | "dodona-local" => Known::LOCAL.spec(),
			path => DiskChainSpecLoader.load_spec(path).map_err(|error| {
				format!("{error}\n`--chain` takes `dev`, `local` or the path of a chain spec")
			}),
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn chains_should_build_a_genesis_when_known_by_name() {
		for (name, id) in [("dev", "dodona-dev"), ("local", "dodona-local"), ("", "dodona-local")] {
			let spec = Chains.load_spec(name).expect("is built in");
			assert_eq!(spec.id(), id);
			assert_eq!(spec.properties().get("tokenSymbol"), Some(&"DONA".into()));
			assert!(!spec.build_storage().expect("the preset is valid").top.is_empty());
		}
	}

	#[test]
	fn chain_should_be_refused_when_neither_known_nor_a_file() {
		let Err(error) = Chains.load_spec("/no/such/spec.json") else {
			panic!("there is no such file");
		};
		assert!(error.contains("`--chain` takes"), "{error}");
	}
}
