//! One file for each command.

pub mod ask;
mod cache;
pub mod contribution;
pub mod dev;
pub mod dispute;
mod fetch;
pub mod gov;
pub mod model;
mod question;
pub mod rate;
pub mod stake;
pub mod status;
pub mod watch;
mod weights;
pub mod worker;

use crate::{
	args::ModelRef,
	chain::{At, Balance, BlockNumber, Chain},
	error::{Error, Result},
};
use dodona_engine::Class;
use dodona_primitives_models::{
	Architecture, ModelId, ModelInfo, VersionId, VersionInfo, VersionState,
};
use dodona_primitives_staking::OperatorInfo;
use subxt::utils::AccountId32;

type Model = ModelInfo<AccountId32>;
type Version = VersionInfo<AccountId32, Balance, BlockNumber>;
type Operator = OperatorInfo<AccountId32, Balance, BlockNumber>;

/// Most entries that the runtime lists at once.
const PAGE: u32 = 256;

/// The model with this name, if there is one.
async fn find_model(chain: &Chain, at: &At, name: &str) -> Result<Option<Model>> {
	chain.call(at, "ModelRegistryApi_model_by_name", (name.as_bytes(),)).await
}

/// The model with this name.
async fn model_by_name(chain: &Chain, at: &At, name: &str) -> Result<Model> {
	find_model(chain, at, name).await?.ok_or_else(|| {
		Error::failed(format!("there is no model `{name}`"))
			.because("UnknownModel")
			.hint("see the names in `dodona model list`")
	})
}

/// All models.
async fn models(chain: &Chain, at: &At) -> Result<Vec<Model>> {
	let end: Option<ModelId> = chain.stored(at, "ModelRegistry", "NextModelId", ()).await?;
	let mut all: Vec<Model> = Vec::new();
	// Of some ids there are no models any more.
	for start in (0..end.unwrap_or(0)).step_by(PAGE as usize) {
		let page: Vec<Model> = chain.call(at, "ModelRegistryApi_models", (start, PAGE)).await?;
		all.extend(page);
	}
	Ok(all)
}

/// The number of a version that somebody named, the active one unless they named another.
fn number_of(model: &Model, named: &ModelRef) -> Result<u32> {
	named.version.or(model.active).ok_or_else(|| {
		let name = &named.name;
		Error::failed(format!("`{name}` has no active version"))
			.because("NoActiveVersion")
			.hint(format!("name a version, such as {name}@1: see `dodona model show {name}`"))
	})
}

/// The name of a model.
async fn model_name(chain: &Chain, at: &At, id: ModelId) -> Result<String> {
	let found: Vec<Model> = chain.call(at, "ModelRegistryApi_models", (id, 1u32)).await?;
	let model = found.into_iter().find(|model| model.id == id);
	Ok(model.map_or_else(|| format!("model {id}"), |model| text(&model.name)))
}

/// A version.
async fn version(chain: &Chain, at: &At, id: VersionId) -> Result<Option<Version>> {
	chain.call(at, "ModelRegistryApi_version", (id,)).await
}

/// A model's version of this number.
async fn version_of(chain: &Chain, at: &At, model: &Model, number: u32) -> Result<Version> {
	version(chain, at, VersionId { model: model.id, number }).await?.ok_or_else(|| {
		let name = text(&model.name);
		Error::failed(format!("there is no version `{name}@{number}`"))
			.because("UnknownVersion")
			.hint(format!("see its versions with `dodona model show {name}`"))
	})
}

/// Where a version is in its life, in a word.
fn state_text<N>(state: &VersionState<N>) -> &'static str {
	match state {
		VersionState::Proposed => "proposed",
		VersionState::Approved => "approved",
		VersionState::Active => "active",
		VersionState::Deprecated => "deprecated",
		VersionState::Revoked { .. } => "revoked",
		VersionState::Suspended { .. } => "suspended",
	}
}

/// The operators, up to a page of them.
async fn operators(chain: &Chain, at: &At) -> Result<Vec<Operator>> {
	chain.call(at, "ContributorStakingApi_operators", (PAGE,)).await
}

/// A bounded string of the chain, readable.
fn text(bytes: &[u8]) -> String {
	String::from_utf8_lossy(bytes).into_owned()
}

/// Bytes in hex.
fn hex0x(bytes: impl AsRef<[u8]>) -> String {
	format!("0x{}", hex::encode(bytes))
}

/// The first characters of something long.
fn short(text: &str) -> String {
	match text.char_indices().nth(10) {
		Some((end, _)) => format!("{}…", &text[..end]),
		None => text.to_owned(),
	}
}

/// An architecture, shortly; a perceptron as it is written on the command line.
fn architecture_text(architecture: &Architecture) -> String {
	let class = |class: Class| match class {
		Class::F32 => "f32",
		Class::Q8 => "q8",
	};
	match architecture {
		Architecture::Mlp(config) => {
			let widths: Vec<String> = config.widths.iter().map(|width| width.to_string()).collect();
			format!("mlp:{}", widths.join(","))
		},
		Architecture::Llama(config) => {
			format!("llama:{} layers of {}, {}", config.layers, config.hidden, class(config.class))
		},
		Architecture::Bert(config) => {
			format!("bert:{} layers of {}, {}", config.layers, config.hidden, class(config.class))
		},
		Architecture::Cnn(config) => {
			format!("cnn:{} layers, {}", config.layers.len(), class(config.class))
		},
	}
}
