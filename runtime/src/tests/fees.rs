use super::dev;
use crate::{
	configs::{RuntimeBlockLength, RuntimeBlockWeights},
	genesis_config_presets::worker,
	AccountId, Balance, BlockNumber, Runtime, RuntimeCall, RuntimeOrigin, System,
};
use dodona_primitives_inference::{
	Request, RequestState, Seat, SeatStatus, Statement, Submission, Submissions,
};
use dodona_primitives_models::{VersionId, CHUNK_SIZE};
use frame_support::dispatch::{DispatchClass, GetDispatchInfo};
use pallet_skip_feeless_payment::SkipCheckIfFeeless;
use pallet_transaction_payment::ChargeTransactionPayment;
use sp_core::H256;
use sp_runtime::{
	traits::DispatchTransaction,
	transaction_validity::{InvalidTransaction, TransactionSource, TransactionValidityError},
};

/// Puts a request on chain that waits for the commitment of `operator`.
fn assign(operator: AccountId) {
	System::set_block_number(1);
	let seat = Seat { operator, status: SeatStatus::Assigned };
	let committee = vec![seat].try_into().expect("one seat fits");
	let request = Request::<AccountId, Balance, BlockNumber> {
		requester: AccountId::from([9; 32]),
		version: VersionId { model: 0, number: 1 },
		fee: 0,
		created: 1,
		attempt: 1,
		state: RequestState::Committing { committee, until: 10 },
	};
	pallet_inference::Requests::<Runtime>::insert(0, request);
}

fn commit() -> RuntimeCall {
	let statement = Statement::Commit { commitment: H256::repeat_byte(1) };
	let submissions: Submissions = vec![Submission { request: 0, attempt: 1, statement }]
		.try_into()
		.expect("one submission fits");
	RuntimeCall::Inference(pallet_inference::Call::submit { submissions })
}

/// Whether `who` could send `call`, as far as its fee is concerned.
fn charge(who: AccountId, call: RuntimeCall) -> Result<(), TransactionValidityError> {
	let extension =
		SkipCheckIfFeeless::<Runtime, _>::from(ChargeTransactionPayment::<Runtime>::from(0));
	let (info, origin) = (call.get_dispatch_info(), RuntimeOrigin::signed(who));
	extension
		.validate_only(origin, &call, &info, 100, TransactionSource::External, 0)
		.map(|_| ())
}

#[test]
fn submit_should_be_free_when_the_seat_is_assigned() {
	dev().execute_with(|| {
		let (operator, hot_key) = worker(1);
		assign(operator);
		assert_eq!(charge(hot_key, commit()), Ok(()));
	});
}

#[test]
fn submit_should_cost_a_fee_when_the_seat_is_somebody_elses() {
	dev().execute_with(|| {
		let (operator, _) = worker(1);
		let (_, hot_key) = worker(2);
		assign(operator);
		assert_eq!(charge(hot_key, commit()), Err(InvalidTransaction::Payment.into()));
	});
}

#[test]
fn anything_else_should_cost_a_fee_when_a_hot_key_signs_it() {
	dev().execute_with(|| {
		let (operator, hot_key) = worker(1);
		assign(operator);
		let call = frame_system::Call::remark { remark: vec![1] };
		assert_eq!(charge(hot_key, call.into()), Err(InvalidTransaction::Payment.into()));
	});
}

#[test]
fn blocks_should_have_room_for_as_many_chunks_as_may_be_stored() {
	let chunks = <Runtime as pallet_artifact_storage::Config>::MaxChunksPerBlock::get();
	// A kilobyte for the rest of the extrinsic.
	let length = chunks * (CHUNK_SIZE + 1_024);
	assert!(length <= *RuntimeBlockLength::get().max.get(DispatchClass::Normal));
	let data = vec![0; CHUNK_SIZE as usize];
	let call = RuntimeCall::TransactionStorage(pallet_artifact_storage::Call::store { data });
	let each = call
		.get_dispatch_info()
		.call_weight
		.saturating_add(RuntimeBlockWeights::get().get(DispatchClass::Normal).base_extrinsic)
		.saturating_add(frame_support::weights::Weight::from_parts(0, CHUNK_SIZE.into()));
	let most = RuntimeBlockWeights::get().get(DispatchClass::Normal).max_total;
	assert!(each.saturating_mul(chunks.into()).all_lte(most.expect("users have a limit")));
}
