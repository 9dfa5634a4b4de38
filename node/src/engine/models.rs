//! Models in memory, and what makes room for what.

use super::{
	error::{Stop, Unavailable},
	metrics::Metrics,
};
use codec::Encode;
use dodona_engine::{Architecture, Class, Model};
use dodona_primitives_inference::Job;
use dodona_primitives_models::ArtifactRef;
use parking_lot::{Condvar, Mutex};
use serde_json::{json, Value};
use std::{collections::HashMap, time::Duration};

/// How often a job that waits for memory looks at whether it was given up.
const LOOK: Duration = Duration::from_millis(100);

/// Weights and what is computed with them: a model.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Key(Vec<u8>);

impl Key {
	/// The model of a job.
	pub fn of(job: &Job) -> Self {
		// With the root over the pages: what is loaded is known to have it.
		Self((&job.artifact, &job.pages, &job.architecture).encode())
	}
}

/// Memory that a job needs, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Needs {
	/// For the weights, before they are loaded: at least about what they take.
	pub model: u64,
	/// For what is computed from the input: a cache of keys and values, a text's vectors.
	pub work: u64,
}

impl Needs {
	/// What `job` needs.
	pub fn of(job: &Job) -> Self {
		let Job { architecture, artifact: ArtifactRef { size, .. }, input, .. } = job;
		let width = match architecture.class() {
			Class::F32 => 4,
			Class::Q8 => 1,
		};
		let work = match architecture {
			Architecture::Llama(config) => config.decode_input(input).map_or(0, |prompt| {
				let positions =
					(prompt.tokens.len() as u64).saturating_add(prompt.max_tokens.into());
				positions.saturating_mul(config.cache_bytes())
			}),
			Architecture::Bert(config) => config.tokens(input).map_or(0, |tokens| {
				let [hidden, intermediate] = [config.hidden, config.intermediate].map(u64::from);
				let values = hidden.saturating_mul(6).saturating_add(intermediate);
				values.saturating_mul(4).saturating_mul(tokens.len() as u64)
			}),
			Architecture::Mlp(_) | Architecture::Cnn(_) => 0,
		};
		Self { model: architecture.parameters().saturating_mul(width).max(*size), work }
	}

	/// Refuses what can never fit.
	pub fn check(&self, limit: u64) -> Result<(), Unavailable> {
		let needed = self.model.saturating_add(self.work);
		if needed > limit {
			return Err(Unavailable::TooLarge { needed, limit });
		}
		Ok(())
	}
}

/// Models in memory.
pub struct Models {
	limit: u64,
	state: Mutex<State>,
	/// A model was loaded, or a job let go of one.
	changed: Condvar,
	metrics: Metrics,
}

#[derive(Default)]
struct State {
	slots: HashMap<Key, Slot>,
	/// Working memory of all jobs.
	work: u64,
	clock: u64,
}

struct Slot {
	/// None while it is being loaded.
	model: Option<Model>,
	root: String,
	bytes: u64,
	/// Jobs that use it.
	users: usize,
	/// When it was used last.
	used: u64,
}

/// A model in use. It stays in memory until this is dropped.
pub struct Lease<'a> {
	models: &'a Models,
	key: Key,
	work: u64,
}

impl Models {
	/// No models, and room for `limit` bytes of them with what is computed from inputs.
	pub fn new(limit: u64, metrics: Metrics) -> Self {
		Self { limit, state: Mutex::default(), changed: Condvar::new(), metrics }
	}

	/// Most memory that is used, in bytes.
	pub fn limit(&self) -> u64 {
		self.limit
	}

	/// Whether the model is in memory.
	pub fn has(&self, key: &Key) -> bool {
		self.state.lock().slots.get(key).is_some_and(|slot| slot.model.is_some())
	}

	/// The model of `job`, loaded by `load` unless it is there: while one job does that, others wait
	/// for it. Makes room by forgetting models that no job uses, the one used last at the end, and
	/// waits for jobs that use the others.
	pub fn get(
		&self,
		job: &Job,
		given_up: impl Fn() -> bool,
		load: impl FnOnce() -> Result<Model, Stop>,
	) -> Result<(Model, Lease<'_>), Stop> {
		let (key, needs) = (Key::of(job), Needs::of(job));
		needs.check(self.limit)?;
		let mut state = self.state.lock();
		loop {
			let needed = match state.slots.get(&key) {
				None => Some(needs.model.saturating_add(needs.work)),
				Some(Slot { model: Some(_), .. }) => Some(needs.work),
				Some(Slot { model: None, .. }) => None,
			};
			if needed.is_some_and(|needed| self.make_room(&mut state, needed, &key)) {
				break;
			}
			self.changed.wait_for(&mut state, LOOK);
			if given_up() {
				return Err(Unavailable::GivenUp.into());
			}
		}
		let used = state.clock;
		state.clock = used.saturating_add(1);
		state.work = state.work.saturating_add(needs.work);
		let slot = state.slots.entry(key.clone()).or_insert_with(|| Slot {
			model: None,
			root: format!("{:?}", job.artifact.root),
			bytes: needs.model,
			users: 0,
			used,
		});
		slot.users = slot.users.saturating_add(1);
		slot.used = used;
		let loaded = slot.model.clone();
		self.publish(&state);
		drop(state);
		// From here on, dropping it undoes all of this.
		let lease = Lease { models: self, key, work: needs.work };
		let model = match loaded {
			Some(model) => model,
			None => lease.put(load()?)?,
		};
		Ok((model, lease))
	}

	/// Forgets models until `needed` more bytes fit; `false` if those that are left don't leave room.
	fn make_room(&self, state: &mut State, needed: u64, keep: &Key) -> bool {
		loop {
			if state.bytes().saturating_add(state.work).saturating_add(needed) <= self.limit {
				return true;
			}
			let idle = state.slots.iter().filter(|(key, slot)| slot.users == 0 && *key != keep);
			let Some(key) = idle.min_by_key(|(_, slot)| slot.used).map(|(key, _)| key.clone())
			else {
				return false;
			};
			state.slots.remove(&key);
			self.metrics.evictions.inc();
			self.publish(state);
		}
	}

	fn publish(&self, state: &State) {
		let loaded = state.slots.values().filter(|slot| slot.model.is_some()).count();
		self.metrics.models.set(loaded as u64);
		self.metrics.model_bytes.set(state.bytes());
	}

	/// What is in memory, for people.
	pub fn list(&self) -> Vec<Value> {
		let state = self.state.lock();
		let loaded = state.slots.values().filter(|slot| slot.model.is_some());
		loaded
			.map(
				|Slot { root, bytes, users, .. }| json!({ "root": root, "bytes": bytes, "users": users }),
			)
			.collect()
	}

	/// What is used, in bytes.
	pub fn used(&self) -> u64 {
		let state = self.state.lock();
		state.bytes().saturating_add(state.work)
	}
}

impl State {
	fn bytes(&self) -> u64 {
		self.slots.values().fold(0, |sum, slot| sum.saturating_add(slot.bytes))
	}
}

impl Lease<'_> {
	/// Makes the model known to others, if it fits now that its size is known.
	fn put(&self, model: Model) -> Result<Model, Stop> {
		let Models { limit, state, changed, .. } = self.models;
		let needs = Needs { model: model.bytes() as u64, work: self.work };
		needs.check(*limit)?;
		let mut state = state.lock();
		if let Some(slot) = state.slots.get_mut(&self.key) {
			slot.model = Some(model.clone());
			slot.bytes = needs.model;
		}
		// If it is larger than it looked, others go as far as they can.
		self.models.make_room(&mut state, 0, &self.key);
		self.models.publish(&state);
		changed.notify_all();
		Ok(model)
	}
}

impl Drop for Lease<'_> {
	fn drop(&mut self) {
		let mut state = self.models.state.lock();
		state.work = state.work.saturating_sub(self.work);
		if let Some(slot) = state.slots.get_mut(&self.key) {
			slot.users = slot.users.saturating_sub(1);
			// It could not be loaded.
			if slot.model.is_none() {
				state.slots.remove(&self.key);
			}
		}
		self.models.publish(&state);
		self.models.changed.notify_all();
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use dodona_engine::{golden, ENGINE_VERSION};
	use dodona_primitives_inference::Input;
	use sp_core::H256;
	use std::{
		sync::atomic::{AtomicBool, Ordering},
		thread,
	};
	use substrate_prometheus_endpoint::Registry;

	/// A question to a model of its own for each `seed`, and that model.
	fn job(seed: u32) -> (Job, Model) {
		let architecture = golden::mlp(&[16, 32, 16]);
		let bytes = golden::artifact(&architecture, seed, 1.0).expect("it is sound");
		let model = Model::load(&architecture, &bytes).expect("it is sound");
		let input = Input::truncate_from(golden::input(&architecture, seed));
		let (artifact, ..) = ArtifactRef::of(&bytes);
		let pages = H256::zero();
		(Job { engine: ENGINE_VERSION, architecture, artifact, pages, input }, model)
	}

	/// Room for so many models of these jobs.
	fn room_for(count: u64) -> Models {
		let metrics = Metrics::new(&Registry::new()).expect("the names are new");
		Models::new(job(1).0.artifact.size * count, metrics)
	}

	/// Has the model of `job`, and lets go of it.
	fn load(models: &Models, (job, model): &(Job, Model)) {
		models.get(job, || false, || Ok(model.clone())).expect("it fits");
	}

	#[test]
	fn models_should_go_in_the_order_of_their_last_use_when_room_is_needed() {
		let models = room_for(2);
		let [first, second, third] = [1, 2, 3].map(job);
		for job in [&first, &second, &first, &third] {
			load(&models, job);
		}
		let has = [&first, &second, &third].map(|(job, _)| models.has(&Key::of(job)));
		assert_eq!(has, [true, false, true]);
	}

	#[test]
	fn model_should_be_loaded_once_when_two_jobs_want_it() {
		let models = room_for(2);
		let (job, model) = job(1);
		let waits = AtomicBool::new(false);
		thread::scope(|scope| {
			let (started, is_started) = std::sync::mpsc::channel();
			let (models, job, waits) = (&models, &job, &waits);
			scope.spawn(move || {
				let load = || {
					started.send(()).expect("somebody waits");
					while !waits.load(Ordering::SeqCst) {
						thread::yield_now();
					}
					Ok(model)
				};
				models.get(job, || false, load).expect("it fits");
			});
			is_started.recv().expect("it is being loaded");
			let look = || {
				waits.store(true, Ordering::SeqCst);
				false
			};
			models.get(job, look, || panic!("it is loaded twice")).expect("it fits");
		});
	}

	#[test]
	fn memory_should_be_free_again_when_a_model_can_not_be_loaded() {
		let models = room_for(1);
		let (job, model) = job(1);
		let failed = models.get(&job, || false, || Err(Unavailable::Crashed.into()));
		assert_eq!(failed.err(), Some(Unavailable::Crashed.into()));
		assert_eq!(models.used(), 0);
		let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
			let _ = models.get(&job, || false, || panic!("a bug"));
		}));
		assert!(panicked.is_err());
		assert_eq!(models.used(), 0);
		load(&models, &(job, model));
		assert_ne!(models.used(), 0);
	}

	#[test]
	fn job_should_not_wait_for_memory_when_it_is_given_up() {
		let models = room_for(1);
		let [(first, model), (second, other)] = [1, 2].map(job);
		let (_, lease) = models.get(&first, || false, || Ok(model)).expect("it fits");
		let given_up = models.get(&second, || true, || Ok(other.clone()));
		assert_eq!(given_up.err(), Some(Unavailable::GivenUp.into()));
		drop(lease);
		load(&models, &(second, other));
	}
}
