use super::{dev, state_of};
use crate::{
	governance::{origins::Origin, tracks::Tracks},
	BlockNumber, ConvictionVoting, ModelEvaluation, ModelRegistry, OriginCaller, Referenda,
	Runtime, RuntimeCall, RuntimeOrigin, Scheduler, System, DAYS, HOURS, UNIT,
};
use codec::Encode;
use dodona_engine::architecture::mlp;
use dodona_primitives_inference::{Admission, Evaluation, Metric, Stage};
use dodona_primitives_models::{
	pages_root, Architecture, ArtifactRef, Manifest, Price, VersionId, VersionState,
};
use frame_support::{
	assert_noop, assert_ok,
	dispatch::DispatchClass,
	traits::{schedule::DispatchTime, Get, Hooks, StorePreimage},
};
use pallet_conviction_voting::{AccountVote, Conviction, Vote};
use pallet_referenda::{ReferendumInfo, TracksInfo};
use sp_keyring::Sr25519Keyring::{self, Alice, Bob, Eve};
use sp_runtime::{DispatchError, Perbill};

pub(super) fn signed(who: Sr25519Keyring) -> RuntimeOrigin {
	RuntimeOrigin::signed(who.to_account_id())
}

/// The blocks up to `n`, as far as referenda know them.
fn run_to(n: BlockNumber) {
	while System::block_number() < n {
		System::set_block_number(System::block_number() + 1);
		Scheduler::on_initialize(System::block_number());
	}
}

/// A version of a model of the commons that waits for approval, and has shown what it claims.
pub(super) fn proposed_version() -> VersionId {
	System::set_block_number(1);
	let name = b"digits".to_vec();
	assert_ok!(ModelRegistry::register(signed(Bob), name));
	assert_ok!(ModelRegistry::donate_to_commons(signed(Bob), 0));
	propose_next(1)
}

/// A version of a model of Bob's that is in use.
pub(super) fn owned_version() -> VersionId {
	assert_ok!(ModelRegistry::register(signed(Bob), b"digits".to_vec()));
	let version = propose_next(1);
	assert_ok!(ModelRegistry::approve_version(signed(Bob), version));
	assert_ok!(ModelRegistry::activate_version(signed(Bob), version));
	version
}

/// Another version of it.
fn propose_next(number: u32) -> VersionId {
	let widths = vec![4, 2].try_into().expect("two widths fit");
	let weights = [number as u8; 200];
	let (artifact, _, _) = ArtifactRef::of(&weights);
	let manifest = Manifest {
		architecture: Architecture::Mlp(mlp::Config { widths }),
		artifact,
		pages: pages_root(&weights),
		tokenizer: None,
		folder: None,
		known_answers: Default::default(),
		engine: dodona_engine::ENGINE_VERSION,
		derived_from: None,
		licence: b"MIT".to_vec().try_into().expect("is a short licence"),
		price: Price { request: UNIT, work: 0 },
	};
	assert_ok!(ModelRegistry::propose_version(signed(Bob), 0, manifest));
	let version = VersionId { model: 0, number };
	pallet_model_evaluation::Admissions::<Runtime>::insert(version, Admission::Reproduced);
	version
}

/// Submits a referendum in the name of `origin`, with its deposit.
fn propose(who: Sr25519Keyring, origin: impl Into<OriginCaller>, call: RuntimeCall) -> u32 {
	let index = pallet_referenda::ReferendumCount::<Runtime>::get();
	let proposal = <crate::Preimage as StorePreimage>::bound(call).expect("the call is short");
	assert_ok!(Referenda::submit(
		signed(who),
		Box::new(origin.into()),
		proposal,
		DispatchTime::After(0),
	));
	assert_ok!(Referenda::place_decision_deposit(signed(who), index));
	index
}

/// Submits a referendum in the name of `origin` and has Alice vote for it.
fn submit(origin: impl Into<OriginCaller>, call: RuntimeCall) {
	let index = propose(Alice, origin, call);
	let vote = AccountVote::Standard {
		vote: Vote { aye: true, conviction: Conviction::Locked1x },
		balance: 900_000 * UNIT,
	};
	assert_ok!(ConvictionVoting::vote(signed(Alice), index, vote));
}

/// What Bob proposes to keep voters busy.
fn spam() -> u32 {
	let call = frame_system::Call::remark_with_event { remark: b"spam".to_vec() };
	propose(Bob, OriginCaller::system(frame_system::RawOrigin::Root), call.into())
}

fn cancel(index: u32) -> RuntimeCall {
	RuntimeCall::Referenda(pallet_referenda::Call::cancel { index })
}

fn kill(index: u32) -> RuntimeCall {
	RuntimeCall::Referenda(pallet_referenda::Call::kill { index })
}

fn referendum(index: u32) -> pallet_referenda::ReferendumInfoOf<Runtime, ()> {
	pallet_referenda::ReferendumInfoFor::<Runtime>::get(index).expect("was submitted")
}

fn approve(version: VersionId) -> RuntimeCall {
	RuntimeCall::ModelRegistry(pallet_model_registry::Call::approve_version { version })
}

fn state(version: VersionId) -> Option<VersionState<BlockNumber>> {
	ModelRegistry::version(version).map(|info| info.state)
}

#[test]
fn referendum_should_approve_a_version_within_a_minute_when_the_chain_is_for_development() {
	dev().execute_with(|| {
		let version = proposed_version();
		submit(Origin::ModelCurator, approve(version));
		assert_eq!(state(version), Some(VersionState::Proposed));
		run_to(60);
		assert_eq!(state(version), Some(VersionState::Approved));
	});
}

#[test]
fn referendum_should_approve_nothing_when_it_speaks_as_the_guardian() {
	dev().execute_with(|| {
		let version = proposed_version();
		submit(Origin::ModelGuardian, approve(version));
		run_to(100);
		assert_eq!(state(version), Some(VersionState::Proposed));
	});
}

#[test]
fn version_should_not_be_approved_when_an_account_says_so() {
	dev().execute_with(|| {
		let version = proposed_version();
		assert_noop!(
			ModelRegistry::approve_version(signed(Alice), version),
			DispatchError::BadOrigin
		);
	});
}

#[test]
fn delegation_should_fit_into_a_block_when_all_votes_are_in_use() {
	use pallet_conviction_voting::WeightInfo;
	type Weights = <Runtime as pallet_conviction_voting::Config>::WeightInfo;
	let votes = <Runtime as pallet_conviction_voting::Config>::MaxVotes::get();
	let limits = crate::configs::RuntimeBlockWeights::get();
	let most = limits.get(DispatchClass::Normal).max_extrinsic.expect("is limited");
	for weight in [Weights::delegate(votes), Weights::undelegate(votes)] {
		assert!(weight.all_lte(most), "{weight:?} of {most:?}");
	}
}

#[test]
fn tracks_should_be_sound() {
	dev().execute_with(|| {
		assert_ok!(Tracks::check_integrity());
		for (origin, track) in [
			(OriginCaller::system(frame_system::RawOrigin::Root), Tracks::ROOT),
			(Origin::ModelCurator.into(), Tracks::MODEL_CURATOR),
			(Origin::ModelGuardian.into(), Tracks::MODEL_GUARDIAN),
			(Origin::ReferendumCanceller.into(), Tracks::REFERENDUM_CANCELLER),
			(Origin::ReferendumKiller.into(), Tracks::REFERENDUM_KILLER),
		] {
			assert_eq!(Tracks::track_for(&origin), Ok(track));
			assert!(Tracks::tracks().any(|known| known.id == track));
		}
		let signed = OriginCaller::system(frame_system::RawOrigin::Signed(Alice.to_account_id()));
		assert_eq!(Tracks::track_for(&signed), Err(()));
	});
}

#[test]
fn tracks_should_prevent_harm_within_an_hour_when_voters_agree() {
	state_of(None).execute_with(|| {
		let info = |id| {
			let track = Tracks::tracks().find(|track| track.id == id);
			track.expect("the track exists").into_owned().info
		};
		let soonest = |id| {
			let info = info(id);
			info.prepare_period + info.confirm_period + info.min_enactment_period
		};
		let curator = info(Tracks::MODEL_CURATOR);
		for id in [Tracks::MODEL_GUARDIAN, Tracks::REFERENDUM_CANCELLER, Tracks::REFERENDUM_KILLER]
		{
			assert!(soonest(id) <= HOURS, "{id}");
			// Where less time is left to object, more must agree, and at a higher price.
			let urgent = info(id);
			for passed in [Perbill::zero(), Perbill::from_percent(50), Perbill::one()] {
				let (own, other) = (&urgent.min_approval, &curator.min_approval);
				assert!(own.threshold(passed) > other.threshold(passed), "{id}");
			}
			assert!(urgent.decision_deposit >= 10 * curator.decision_deposit, "{id}");
		}
		assert!(soonest(Tracks::ROOT) > DAYS);
	});
}

#[test]
fn version_should_be_taken_down_within_blocks_when_the_chain_is_for_development() {
	dev().execute_with(|| {
		let version = proposed_version();
		let reason = b"harmful".to_vec();
		submit(
			Origin::ModelGuardian,
			RuntimeCall::ModelRegistry(pallet_model_registry::Call::revoke_version {
				version,
				reason,
			}),
		);
		run_to(8);
		assert!(matches!(state(version), Some(VersionState::Revoked { .. })));
	});
}

/// What is decided about a candidate that scored so, of the two versions of a measured model, if
/// all vote for it.
fn decided(
	candidate: u32,
	active: u32,
	origin: impl Into<OriginCaller>,
) -> VersionState<BlockNumber> {
	let first = proposed_version();
	assert_ok!(ModelRegistry::approve_version(RuntimeOrigin::root(), first));
	assert_ok!(ModelRegistry::activate_version(RuntimeOrigin::root(), first));
	let second = propose_next(2);
	assert_ok!(ModelEvaluation::set_hold_out(
		RuntimeOrigin::from(Origin::ModelCurator),
		first.model,
		Default::default(),
		100,
		Metric::Accuracy,
		10,
		Perbill::from_percent(5),
		Bob.to_account_id(),
	));
	let evaluation = Evaluation {
		against: first.number,
		first: 0,
		revealed: 10,
		samples: 10,
		pending: 0,
		candidate: 0,
		active: 0,
		stage: Stage::Scored {
			candidate: Perbill::from_percent(candidate),
			active: Perbill::from_percent(active),
		},
	};
	let set = pallet_model_evaluation::HoldOuts::<Runtime>::get(first.model).expect("was set");
	let metric = set.hold_out.metric;
	let course = pallet_model_evaluation::Course { set: set.number, metric, evaluation };
	pallet_model_evaluation::Evaluations::<Runtime>::insert(second, course);
	submit(origin, approve(second));
	run_to(100);
	state(second).expect("is known")
}

#[test]
fn candidate_should_be_approved_when_it_beats_the_version_in_use_by_the_margin() {
	dev().execute_with(|| {
		assert_eq!(decided(85, 80, Origin::ModelCurator), VersionState::Approved);
	});
}

#[test]
fn candidate_should_not_be_approved_when_all_vote_for_it_and_it_is_not_better() {
	for (candidate, active) in [(84, 80), (80, 80), (10, 80)] {
		dev().execute_with(|| {
			let state = decided(candidate, active, Origin::ModelCurator);
			assert_eq!(state, VersionState::Proposed, "{candidate}");
		});
	}
}

#[test]
fn candidate_should_be_approved_without_being_better_when_root_says_so() {
	dev().execute_with(|| {
		let root = OriginCaller::system(frame_system::RawOrigin::Root);
		assert_eq!(decided(10, 80, root), VersionState::Approved);
	});
}

#[test]
fn version_should_be_suspended_at_once_when_a_guardian_says_so_and_nobody_else() {
	dev().execute_with(|| {
		let version = proposed_version();
		assert_ok!(ModelRegistry::approve_version(RuntimeOrigin::root(), version));
		let reason = b"harmful".to_vec();
		assert_noop!(
			ModelRegistry::suspend_version(signed(Alice), version, reason.clone()),
			DispatchError::BadOrigin
		);
		assert_ok!(ModelRegistry::suspend_version(signed(Eve), version, reason));
		assert!(matches!(state(version), Some(VersionState::Suspended { .. })));
		// Whether it goes on is not for the guardian to say.
		assert_noop!(
			ModelRegistry::lift_suspension(signed(Eve), version),
			DispatchError::BadOrigin
		);
		let call = pallet_model_registry::Call::lift_suspension { version };
		submit(Origin::ModelGuardian, call.into());
		run_to(8);
		assert_eq!(state(version), Some(VersionState::Approved));
	});
}

#[test]
fn root_should_decide_when_somebody_else_keeps_it_busy() {
	dev().execute_with(|| {
		System::set_block_number(1);
		let spam = (1..10).map(|_| spam()).collect::<Vec<_>>();
		let items = vec![(b"decided".to_vec(), vec![1])];
		let call = frame_system::Call::set_storage { items };
		submit(OriginCaller::system(frame_system::RawOrigin::Root), call.into());
		run_to(60);
		assert_eq!(sp_io::storage::get(b"decided").as_deref(), Some(&[1][..]));
		assert!(spam
			.into_iter()
			.all(|index| matches!(referendum(index), ReferendumInfo::Rejected(..))));
	});
}

#[test]
fn referendum_should_end_when_the_canceller_says_so() {
	dev().execute_with(|| {
		System::set_block_number(1);
		let spam = spam();
		submit(Origin::ReferendumCanceller, cancel(spam));
		run_to(12);
		assert!(matches!(referendum(spam), ReferendumInfo::Cancelled(..)));
		// It is given back.
		assert_ok!(Referenda::refund_decision_deposit(signed(Bob), spam));
	});
}

#[test]
fn referendum_should_lose_its_deposits_when_the_killer_says_so() {
	dev().execute_with(|| {
		System::set_block_number(1);
		let treasury = || System::account(crate::configs::TreasuryAccount::get()).data.free;
		let before = treasury();
		let spam = spam();
		submit(Origin::ReferendumKiller, kill(spam));
		run_to(12);
		assert!(matches!(referendum(spam), ReferendumInfo::Killed(..)));
		assert_eq!(treasury() - before, 1_001 * UNIT);
	});
}

#[test]
fn referendum_should_go_on_when_anybody_else_wants_it_to_end() {
	dev().execute_with(|| {
		System::set_block_number(1);
		let spam = spam();
		submit(Origin::ReferendumCanceller, kill(spam));
		submit(Origin::ReferendumKiller, cancel(spam));
		submit(Origin::ModelGuardian, cancel(spam));
		run_to(30);
		assert!(matches!(referendum(spam), ReferendumInfo::Ongoing(..)));
		for index in 1..=3 {
			assert!(matches!(referendum(index), ReferendumInfo::Approved(..)));
		}
		assert_noop!(Referenda::cancel(signed(Bob), spam), DispatchError::BadOrigin);
	});
}

#[test]
fn penalties_should_end_up_in_the_treasury_when_nobody_calls_them_off() {
	use crate::{
		configs::parameters::dynamic_params::staking::SlashDeferPeriod, ContributorStaking,
	};
	use dodona_primitives_staking::{Offence, StakeSlash};
	dev().execute_with(|| {
		System::set_block_number(1);
		let treasury = || System::account(crate::configs::TreasuryAccount::get()).data.free;
		let before = treasury();
		let (operator, _) = crate::genesis_config_presets::worker(1);
		let expected =
			ContributorStaking::punish(&operator, Offence::Dissent, Perbill::from_percent(5));
		assert!(expected > 0);
		assert_eq!(treasury(), before);

		System::set_block_number(1 + SlashDeferPeriod::get());
		assert_ok!(ContributorStaking::apply_slash(signed(Bob), operator, 0));
		assert_eq!(treasury() - before, expected);
	});
}

#[test]
fn proposal_should_fit_into_the_referendum_when_it_is_one_call() {
	let call = approve(VersionId { model: 0, number: 1 });
	assert!(call.encoded_size() <= frame_support::traits::BoundedInline::bound());
}
