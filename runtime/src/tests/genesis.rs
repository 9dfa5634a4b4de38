use super::{dev, state_of};
use crate::{
	configs::parameters::{
		dynamic_params::{governance, inference},
		RuntimeParameters,
	},
	genesis_config_presets::{preset_names, worker, PARA_ID, WORKERS},
	ContributorStaking, ParachainInfo, Runtime, Session, System, MINUTES,
};
use frame_support::traits::{dynamic_params::AggregatedKeyValue, Get};
use sp_keyring::Sr25519Keyring;
use sp_runtime::Perbill;

#[test]
fn presets_should_build_a_chain_with_bonded_workers() {
	for preset in preset_names() {
		state_of(Some(preset.as_ref())).execute_with(|| {
			let operators = ContributorStaking::operators(256);
			assert_eq!(operators.len(), WORKERS as usize, "{preset}");
			for (operator, hot_key) in (1..=WORKERS).map(worker) {
				let info = ContributorStaking::operator_info(hot_key.clone()).expect("is bonded");
				assert_eq!(info.operator, operator);
				assert!(info.active);
				assert_eq!(System::account(&hot_key).data.free, 0);
			}
			assert_eq!(ParachainInfo::parachain_id(), PARA_ID);
			assert_eq!(
				pallet_sudo::Key::<Runtime>::get(),
				Some(Sr25519Keyring::Alice.to_account_id())
			);
		});
	}
}

#[test]
fn presets_should_differ_in_their_collators() {
	let collators = |preset| state_of(Some(preset)).execute_with(|| Session::validators().len());
	assert_eq!(collators(sp_genesis_builder::DEV_RUNTIME_PRESET), 1);
	assert_eq!(collators(sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET), 2);
}

#[test]
fn preset_should_be_unknown_when_its_name_is() {
	assert_eq!(crate::genesis_config_presets::get_preset(&"mainnet".into()), None);
}

#[test]
fn worker_paths_should_be_the_documented_ones() {
	use sp_core::Pair;
	let public = |path: &str| {
		sp_core::sr25519::Pair::from_string(path, None)
			.expect("is a derivation path")
			.public()
	};
	let (operator, hot_key) = worker(3);
	assert_eq!(operator, public("//Worker//3").into());
	assert_eq!(hot_key, public("//Worker//3//hot").into());
}

#[test]
fn genesis_should_have_neither_sudo_nor_short_periods_when_not_asked_to() {
	state_of(None).execute_with(|| {
		assert_eq!(pallet_sudo::Key::<Runtime>::get(), None);
		assert_eq!(inference::CommitPeriod::get(), 5 * MINUTES);
		assert_eq!(inference::CommitteeSize::get(), 7);
		assert_eq!(inference::DrawPeriod::get(), 100);
		assert_eq!(inference::AuditRate::get(), Perbill::from_percent(2));
		assert_eq!(governance::UrgentConfirmPeriod::get(), 30 * MINUTES);
	});
}

#[test]
fn periods_should_be_short_when_the_genesis_asks_for_it() {
	dev().execute_with(|| {
		assert_eq!(inference::CommitteeSize::get(), 4);
		assert_eq!(inference::CommitPeriod::get(), 10);
		assert_eq!(inference::RevealPeriod::get(), 10);
		assert_eq!(inference::ChallengePeriod::get(), 1);
		assert_eq!(inference::DrawPeriod::get(), 40);
		assert!(inference::AuditRate::get().is_zero());
		assert_eq!(
			<Runtime as pallet_inference::Config>::ChallengePeriod::get(),
			inference::ChallengePeriod::get()
		);
		// From submission to enactment in well under two minutes of blocks of a second.
		let slowest = governance::PreparePeriod::get()
			+ governance::DecisionPeriod::get()
			+ governance::ConfirmPeriod::get()
			+ governance::EnactmentPeriod::get();
		assert!(slowest <= 60);
	});
}

#[test]
fn governed_values_should_stay_within_bounds_when_set_beyond_them() {
	dev().execute_with(|| {
		let set = |parameter: inference::Parameters| {
			let (key, value) = RuntimeParameters::Inference(parameter).into_parts();
			pallet_parameters::Parameters::<Runtime>::set(key, value);
		};
		set(inference::Parameters::CommitteeSize(inference::CommitteeSize, Some(1_000)));
		set(inference::Parameters::MaxAttempts(inference::MaxAttempts, Some(0)));
		set(inference::Parameters::CommitPeriod(inference::CommitPeriod, Some(0)));
		set(inference::Parameters::DrawPeriod(inference::DrawPeriod, Some(0)));
		set(inference::Parameters::WorkerShare(
			inference::WorkerShare,
			Some(Perbill::from_percent(95)),
		));
		type Config = Runtime;
		assert_eq!(<Config as pallet_inference::Config>::CommitteeSize::get(), 32);
		assert_eq!(<Config as pallet_inference::Config>::MaxAttempts::get(), 1);
		assert_eq!(<Config as pallet_inference::Config>::CommitPeriod::get(), 1);
		assert_eq!(<Config as pallet_inference::Config>::DrawPeriod::get(), 1);
		set(inference::Parameters::MaxAttempts(inference::MaxAttempts, Some(1_000)));
		assert_eq!(
			<Config as pallet_inference::Config>::MaxAttempts::get(),
			pallet_inference::ATTEMPTS_LIMIT
		);
		assert_eq!(
			<Config as pallet_inference::Config>::ContributorShare::get(),
			Perbill::from_percent(5)
		);
	});
}
