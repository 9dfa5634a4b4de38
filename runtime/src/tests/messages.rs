use super::dev;
use crate::{configs::xcm::XcmConfig, RuntimeCall, System};
use codec::Encode;
use frame_support::{dispatch::GetDispatchInfo, weights::constants::RocksDbWeight};
use xcm::{latest::prelude::*, VersionedAssets, VersionedLocation};
use xcm_executor::XcmExecutor;

/// Executes `program` as if it came from `origin`.
fn execute(origin: Location, program: Xcm<RuntimeCall>) -> Outcome {
	System::set_block_number(1);
	let mut hash = program.using_encoded(sp_io::hashing::blake2_256);
	XcmExecutor::<XcmConfig>::prepare_and_execute(
		origin,
		program,
		&mut hash,
		Weight::MAX,
		Weight::zero(),
	)
}

/// Tries to set a storage item as root.
fn superuser() -> Xcm<RuntimeCall> {
	let items = vec![(b"owned".to_vec(), vec![1])];
	let call = RuntimeCall::System(frame_system::Call::set_storage { items });
	Xcm(vec![
		UnpaidExecution { weight_limit: Unlimited, check_origin: None },
		Transact {
			origin_kind: OriginKind::Superuser,
			fallback_max_weight: None,
			call: call.encode().into(),
		},
	])
}

#[test]
fn program_should_be_refused_when_it_does_not_pay() {
	dev().execute_with(|| {
		for origin in [Location::parent(), Location::new(1, [Parachain(1000)])] {
			let outcome = execute(origin, superuser());
			assert!(
				matches!(
					outcome,
					Outcome::Incomplete {
						error: InstructionError { error: XcmError::Barrier, .. },
						..
					} | Outcome::Error(InstructionError { error: XcmError::Barrier, .. })
				),
				"{outcome:?}"
			);
		}
		assert_eq!(sp_io::storage::get(b"owned"), None);
	});
}

#[test]
fn asset_should_not_be_minted_when_it_is_teleported_or_reserved_elsewhere() {
	dev().execute_with(|| {
		let supply = crate::Balances::total_issuance();
		let asset: Assets = (Location::here(), 10 * crate::UNIT).into();
		for receive in [ReceiveTeleportedAsset(asset.clone()), ReserveAssetDeposited(asset.clone())]
		{
			let program = Xcm(vec![
				receive,
				BuyExecution {
					fees: (Location::here(), 10 * crate::UNIT).into(),
					weight_limit: Unlimited,
				},
				DepositAsset {
					assets: All.into(),
					beneficiary: AccountId32 { network: None, id: [7; 32] }.into(),
				},
			]);
			let outcome = execute(Location::parent(), program);
			assert!(outcome.clone().ensure_complete().is_err(), "{outcome:?}");
		}
		assert_eq!(crate::Balances::total_issuance(), supply);
	});
}

#[test]
fn calls_should_be_charged_for_storage_and_proof_when_they_concern_messages() {
	let call = pallet_xcm::Call::<crate::Runtime>::claim_assets {
		assets: Box::new(VersionedAssets::from(Assets::new())),
		beneficiary: Box::new(VersionedLocation::from(Location::here())),
	};
	let weight = RuntimeCall::from(call).get_dispatch_info().call_weight;
	// What the largest of them took where somebody measured them.
	let measured = RocksDbWeight::get()
		.reads_writes(9, 4)
		.saturating_add(Weight::from_parts(200_000_000, 20_000));
	assert!(weight.all_gte(measured), "{weight}");
}
