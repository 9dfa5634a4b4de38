//! Random sequences of everything that can happen, beside a plain account of who earned what.

use crate::{math::WHOLE, mock::*, *};
use dodona_primitives_models::{ContributionKind, EntryId, ModelId, VersionId};
use frame_support::traits::{GetCallName, UnfilteredDispatchable};
use proptest::{
	collection::vec,
	prelude::*,
	strategy::ValueTree,
	test_runner::{RngAlgorithm, TestRng, TestRunner},
};
use sp_core::U256;
use sp_runtime::Perbill;
use std::collections::{BTreeMap, BTreeSet};

const MODELS: ModelId = 4;
const VERSIONS: u32 = 6;
const ACCOUNTS: u8 = 8;

#[derive(Clone, Debug)]
enum Step {
	/// By an account; what it names may be replaced by something that there is.
	Call(u8, Call<Test>, usize),
	Earn(VersionId, Balance),
	Own(ModelId, Option<u8>),
	Deregister(ModelId),
	LineageShare(Perbill),
	Advance(u64),
}

fn accounts() -> impl Strategy<Value = u8> {
	1..=ACCOUNTS
}

fn models() -> impl Strategy<Value = ModelId> {
	1..=MODELS
}

fn versions() -> impl Strategy<Value = VersionId> {
	(models(), 1..=VERSIONS).prop_map(|(model, number)| version(model, number))
}

fn shares() -> impl Strategy<Value = Perbill> {
	prop_oneof![
		8 => (0..=400_000_000u32).prop_map(Perbill::from_parts),
		2 => (0..=1_000_000_000u32).prop_map(Perbill::from_parts),
		1 => (0..3u32).prop_map(Perbill::from_parts),
	]
}

fn kinds() -> impl Strategy<Value = ContributionKind> {
	prop_oneof![Just(ContributionKind::Dataset), Just(ContributionKind::Application)]
}

fn calls() -> impl Strategy<Value = Call<Test>> {
	let vesting = prop_oneof![Just(0), 1..30u64, 1..=MAX_VESTING + 1];
	prop_oneof![
		4 => (models(), kinds(), shares()).prop_map(|(model, kind, share)| {
			Call::propose_contribution { model, kind, content: content(), share }
		}),
		3 => (shares(), vesting).prop_map(|(share, vesting)| {
			Call::accept_contribution { id: 0, share, vesting }
		}),
		1 => Just(Call::reject_contribution { id: 0 }),
		1 => Just(Call::withdraw_contribution { id: 0 }),
		1 => Just(Call::end_share { model: 0, entry: 0 }),
		1 => (1..=ACCOUNTS + 2).prop_map(|to| {
			// Two of them have no account to be paid little into.
			let to = if to > ACCOUNTS { account(to + 150) } else { account(to) };
			Call::transfer_share { model: 0, entry: 0, to }
		}),
		3 => Just(Call::claim { model: 0, entry: 0 }),
		8 => versions().prop_map(|version| Call::distribute { version }),
	]
}

fn steps() -> impl Strategy<Value = Step> {
	let amounts = prop_oneof![4 => 0..30u128, 4 => 0..5_000u128, 1 => 0..1u128 << 80];
	prop_oneof![
		16 => (accounts(), calls(), 0..1_000usize)
			.prop_map(|(who, call, aim)| Step::Call(who, call, aim)),
		8 => (versions(), amounts).prop_map(|(version, amount)| Step::Earn(version, amount)),
		1 => (models(), prop::option::of(accounts()))
			.prop_map(|(model, owner)| Step::Own(model, owner)),
		1 => (1..=MODELS * 8).prop_map(Step::Deregister),
		1 => (0..=1_000_000_000u32).prop_map(|share| Step::LineageShare(Perbill::from_parts(share))),
		4 => (0..20u64).prop_map(Step::Advance),
	]
}

/// What an entry should have earned.
#[derive(Clone, Default, Debug)]
struct Known {
	share: Perbill,
	from: u64,
	until: u64,
	/// In amount × parts.
	earned: U256,
	paid: Balance,
}

impl Known {
	fn parts(&self, now: u64) -> u128 {
		let whole = u128::from(self.share.deconstruct()) << 32;
		match self.until.checked_sub(self.from) {
			Some(blocks) if now < self.until => {
				whole / u128::from(blocks) * u128::from(now - self.from)
			},
			_ => whole,
		}
	}
}

#[derive(Default)]
struct World {
	entries: BTreeMap<(ModelId, EntryId), Known>,
	successes: BTreeMap<&'static str, u32>,
}

/// Makes most calls name something that there is, by somebody who may.
fn aim(who: &mut u8, call: &mut Call<Test>, at: usize) {
	let governor = |model| match Owners::get().get(&model) {
		Some(Some(owner)) => AsRef::<[u8]>::as_ref(owner)[0],
		_ => CURATOR,
	};
	let open: Vec<_> =
		Contributions::<Test>::iter().collect::<BTreeMap<_, _>>().into_iter().collect();
	let all: Vec<_> = Entries::<Test>::iter().collect();
	match call {
		Call::accept_contribution { id, share, .. } => {
			if let Some((found, contribution)) = open.get(at % open.len().max(1)) {
				*id = *found;
				*share = contribution.share * *share;
				if !at.is_multiple_of(8) {
					*who = governor(contribution.model);
				}
			}
		},
		Call::reject_contribution { id } => {
			if let Some((found, contribution)) = open.get(at % open.len().max(1)) {
				*id = *found;
				if !at.is_multiple_of(8) {
					*who = governor(contribution.model);
				}
			}
		},
		Call::withdraw_contribution { id } => {
			if let Some((found, contribution)) = open.get(at % open.len().max(1)) {
				*id = *found;
				if !at.is_multiple_of(8) {
					*who = AsRef::<[u8]>::as_ref(&contribution.author)[0];
				}
			}
		},
		Call::end_share { model, entry }
		| Call::transfer_share { model, entry, .. }
		| Call::claim { model, entry } => {
			if let Some((of, id, found)) = all.get(at % all.len().max(1)) {
				(*model, *entry) = (*of, *id);
				if !at.is_multiple_of(8) {
					*who = AsRef::<[u8]>::as_ref(&found.holder)[0];
				}
			}
		},
		_ => (),
	}
}

impl World {
	fn take(&mut self, step: Step) {
		match step {
			Step::Call(mut who, mut call, at) => {
				aim(&mut who, &mut call, at);
				let name = call.get_call_name();
				let ends = match call {
					Call::end_share { model, entry } => Some((model, entry)),
					_ => None,
				};
				events();
				let result = frame_support::storage::with_storage_layer(|| {
					call.dispatch_bypass_filter(signed(who))
				});
				*self.successes.entry(name).or_default() += u32::from(result.is_ok());
				self.follow();
				if let Some(gone) = ends.filter(|_| result.is_ok()) {
					let known = self.entries.remove(&gone).unwrap();
					// Nothing whole is left behind.
					assert_eq!(known.earned / U256::from(WHOLE), known.paid.into());
				}
			},
			Step::Earn(version, amount) => earn(version, amount),
			Step::Own(model, owner) => {
				let _ = Owners::mutate(|owners| owners.insert(model, owner.map(account)));
			},
			Step::Deregister(model) => {
				let _ = Owners::mutate(|owners| owners.remove(&model));
			},
			Step::LineageShare(share) => LineageShare::set(share),
			Step::Advance(blocks) => advance(blocks),
		}
	}

	/// Notes what events say.
	fn follow(&mut self) {
		let now = System::block_number();
		for event in events() {
			match event {
				Event::ContributionAccepted { model, entry, share, vested, .. } => {
					let known = Known { share, from: now, until: vested, ..Default::default() };
					assert!(self.entries.insert((model, entry), known).is_none());
				},
				Event::Claimed { model, entry, amount, .. } => {
					self.entries.get_mut(&(model, entry)).expect("it is known").paid += amount;
				},
				Event::Distributed { version, amount, passed_on, shared, remainder, .. } => {
					assert_eq!(amount, passed_on + shared + remainder);
					let kept = U256::from(amount - passed_on);
					for ((model, _), known) in &mut self.entries {
						if *model == version.model {
							known.earned += kept * U256::from(known.parts(now));
						}
					}
				},
				_ => (),
			}
		}
	}

	fn check(&self, shown: &str) {
		check();
		let stored: BTreeSet<_> = Entries::<Test>::iter_keys().collect();
		assert_eq!(stored, self.entries.keys().copied().collect(), "{shown}");
		for ((model, id), known) in &self.entries {
			let table = Tables::<Test>::get(model);
			let earner = Entries::<Test>::get(model, id).expect("it is stored").earner;
			let all = U256::from(known.paid + earner.pending(&table.royalties));
			assert_eq!(all, known.earned / U256::from(WHOLE), "{shown}");
		}
	}
}

/// Each of the models but the first was made from the one before, here and there by way of several
/// versions; and the first from itself only.
fn lineage() {
	for model in 1..=MODELS {
		for number in 2..=VERSIONS {
			let parent = match (model, number) {
				(1, _) | (_, 4..) => version(model, number - 1),
				_ => version(model - 1, VERSIONS + 2 - number),
			};
			derived(version(model, number), parent);
		}
	}
}

/// Everybody takes what is theirs: nothing may be left.
fn everybody_leaves(mut world: World) {
	Owners::set((1..=MODELS).map(|model| (model, None)).collect());
	for id in Contributions::<Test>::iter_keys().collect::<Vec<_>>() {
		Royalties::reject_contribution(signed(CURATOR), id).expect("it waits");
	}
	// From those that were derived last; nothing climbs further than through all versions.
	for _ in 0..MODELS * VERSIONS {
		for model in (1..=MODELS).rev() {
			for number in (1..=VERSIONS).rev() {
				let _ = distribute(version(model, number));
			}
		}
	}
	world.follow();
	world.check("all is distributed");
	assert_eq!(Inherited::<Test>::iter().count(), 0);
	let all: Vec<_> = Entries::<Test>::iter().collect();
	for (model, id, entry) in all {
		// So that whatever is left can be paid.
		earn_into(&entry.holder);
		let origin = RuntimeOrigin::signed(entry.holder);
		Royalties::end_share(origin, model, id).expect("it is the holder");
	}
	check();
	assert_eq!(waiting(), 0);
	assert_eq!((1..=ACCOUNTS).map(held).sum::<Balance>(), 0);
	let Flows { received, paid, treasury } = Totals::<Test>::get();
	assert_eq!(received, paid + treasury);
}

fn earn_into(who: &AccountId) {
	use frame_support::traits::fungible::Mutate;
	Balances::mint_into(who, EXISTENTIAL_DEPOSIT).expect("it can be paid");
}

/// Takes all steps; says how often each call did something.
fn run(steps: impl Iterator<Item = Step>) -> BTreeMap<&'static str, u32> {
	let mut successes = BTreeMap::new();
	ExtBuilder.build_and_execute(|| {
		lineage();
		Owners::mutate(|owners| {
			owners.extend([(3, Some(account(3))), (4, Some(account(4)))]);
		});
		let mut world = World::default();
		for step in steps {
			let shown = format!("{step:?}");
			world.take(step);
			world.check(&shown);
		}
		successes = core::mem::take(&mut world.successes);
		everybody_leaves(world);
	});
	successes
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(64))]

	// Short ones, so that what fails is made small.
	#[test]
	fn invariants_should_hold_whatever_happens(steps in vec(steps(), 1..120)) {
		run(steps.into_iter());
	}
}

/// Steps of the long runs together; `DODONA_SEED` repeats one of them.
const LONG_RUNS: u64 = 6;
const LONG_RUN: usize = 2_500;

#[test]
fn invariants_should_hold_through_many_thousand_steps() {
	let repeated = std::env::var("DODONA_SEED").ok().and_then(|seed| seed.parse::<u64>().ok());
	let first = repeated.unwrap_or_else(|| {
		let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
		now.expect("it is later than 1970").as_nanos() as u64
	});
	let runs = if repeated.is_some() { 1 } else { LONG_RUNS };
	let mut successes = BTreeMap::<&str, u32>::new();
	for seed in (0..runs).map(|run| first.wrapping_add(run)) {
		println!("repeat it with DODONA_SEED={seed}");
		let bytes = sp_io::hashing::blake2_256(&seed.to_le_bytes());
		let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
		let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), rng);
		let strategy = steps();
		let steps = (0..LONG_RUN)
			.map(|_| strategy.new_tree(&mut runner).expect("nothing is filtered").current());
		for (name, times) in run(steps) {
			*successes.entry(name).or_default() += times;
		}
	}
	println!("{successes:#?}");
	// Or it would show nothing.
	for name in Call::<Test>::get_call_names() {
		let times = successes.get(name).copied().unwrap_or_default();
		assert!(repeated.is_some() || times >= 10, "{name} worked {times} times");
	}
}
