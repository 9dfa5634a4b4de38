use super::dev;
use crate::{
	governance::{origins::Origin, tracks::Tracks},
	BlockNumber, ConvictionVoting, ModelRegistry, OriginCaller, Referenda, Runtime, RuntimeCall,
	RuntimeOrigin, Scheduler, System, UNIT,
};
use codec::Encode;
use dodona_engine::architecture::mlp;
use dodona_primitives_models::{
	Architecture, ArtifactRef, Manifest, Numeric, VersionId, VersionState,
};
use frame_support::{
	assert_noop, assert_ok,
	traits::{schedule::DispatchTime, Hooks, StorePreimage},
};
use pallet_conviction_voting::{AccountVote, Conviction, Vote};
use pallet_referenda::TracksInfo;
use sp_keyring::Sr25519Keyring::{self, Alice, Bob};
use sp_runtime::DispatchError;

fn signed(who: Sr25519Keyring) -> RuntimeOrigin {
	RuntimeOrigin::signed(who.to_account_id())
}

/// The blocks up to `n`, as far as referenda know them.
fn run_to(n: BlockNumber) {
	while System::block_number() < n {
		System::set_block_number(System::block_number() + 1);
		Scheduler::on_initialize(System::block_number());
	}
}

/// A version of a model of the commons that waits for approval.
fn proposed_version() -> VersionId {
	System::set_block_number(1);
	let name = b"digits".to_vec().try_into().expect("is a short name");
	assert_ok!(ModelRegistry::register(signed(Bob), name));
	assert_ok!(ModelRegistry::donate_to_commons(signed(Bob), 0));
	let widths = vec![4, 2].try_into().expect("two widths fit");
	let (artifact, _, _) = ArtifactRef::of(&[0; 200]);
	let manifest = Manifest {
		architecture: Architecture::Mlp(mlp::Config { widths }),
		numeric: Numeric::F32,
		artifact,
		engine: dodona_engine::ENGINE_VERSION,
		derived_from: None,
		licence: b"MIT".to_vec().try_into().expect("is a short licence"),
		price: UNIT,
	};
	assert_ok!(ModelRegistry::propose_version(signed(Bob), 0, manifest));
	VersionId { model: 0, number: 1 }
}

/// Submits a referendum in the name of `origin` and has Alice vote for it.
fn submit(origin: impl Into<OriginCaller>, call: RuntimeCall) {
	let index = pallet_referenda::ReferendumCount::<Runtime>::get();
	let proposal = <crate::Preimage as StorePreimage>::bound(call).expect("the call is short");
	assert_ok!(Referenda::submit(
		signed(Alice),
		Box::new(origin.into()),
		proposal,
		DispatchTime::After(0),
	));
	assert_ok!(Referenda::place_decision_deposit(signed(Alice), index));
	let vote = AccountVote::Standard {
		vote: Vote { aye: true, conviction: Conviction::Locked1x },
		balance: 900_000 * UNIT,
	};
	assert_ok!(ConvictionVoting::vote(signed(Alice), index, vote));
}

fn approve(version: VersionId) -> RuntimeCall {
	RuntimeCall::ModelRegistry(pallet_model_registry::Call::approve_version { version })
}

fn state(version: VersionId) -> Option<VersionState> {
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
fn tracks_should_be_sound() {
	dev().execute_with(|| {
		assert_ok!(Tracks::check_integrity());
		for (origin, track) in [
			(OriginCaller::system(frame_system::RawOrigin::Root), Tracks::ROOT),
			(Origin::ModelCurator.into(), Tracks::MODEL_CURATOR),
			(Origin::ModelGuardian.into(), Tracks::MODEL_GUARDIAN),
		] {
			assert_eq!(Tracks::track_for(&origin), Ok(track));
		}
		let signed = OriginCaller::system(frame_system::RawOrigin::Signed(Alice.to_account_id()));
		assert_eq!(Tracks::track_for(&signed), Err(()));
	});
}

#[test]
fn penalties_should_end_up_in_the_treasury() {
	use dodona_primitives_staking::{Offence, StakeSlash};
	use sp_runtime::Perbill;
	dev().execute_with(|| {
		let treasury = || System::account(crate::configs::TreasuryAccount::get()).data.free;
		let before = treasury();
		let (operator, _) = crate::genesis_config_presets::worker(1);
		let taken = <crate::ContributorStaking as StakeSlash>::punish(
			&operator,
			Offence::Dissent,
			Perbill::from_percent(5),
		);
		assert!(taken > 0);
		assert_eq!(treasury() - before, taken);
	});
}

#[test]
fn proposal_should_fit_into_the_referendum_when_it_is_one_call() {
	let call = approve(VersionId { model: 0, number: 1 });
	assert!(call.encoded_size() <= frame_support::traits::BoundedInline::bound());
}
