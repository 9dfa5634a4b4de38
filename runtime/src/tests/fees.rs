use super::dev;
use crate::{
	configs::{RuntimeBlockLength, RuntimeBlockWeights},
	feeless::{FeelessFirst, FEELESS_PRIORITY},
	genesis_config_presets::worker,
	AccountId, Balance, BlockNumber, Runtime, RuntimeCall, RuntimeOrigin, System, TxExtension,
	UNIT,
};
use codec::Encode;
use dodona_primitives_inference::{
	Request, RequestState, Seat, SeatStatus, Statement, Submission, Submissions,
};
use dodona_primitives_models::{VersionId, CHUNK_SIZE};
use frame_support::dispatch::{DispatchClass, GetDispatchInfo};
use pallet_skip_feeless_payment::SkipCheckIfFeeless;
use pallet_transaction_payment::ChargeTransactionPayment;
use scale_info::meta_type;
use sp_core::H256;
use sp_keyring::Sr25519Keyring::Alice;
use sp_runtime::{
	traits::{DispatchTransaction, TransactionExtension},
	transaction_validity::{
		InvalidTransaction, TransactionSource, TransactionValidityError, ValidTransaction,
	},
};

type Payment = ChargeTransactionPayment<Runtime>;

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

fn commitment_of(byte: u8) -> RuntimeCall {
	let statement = Statement::Commit { commitment: H256::repeat_byte(byte) };
	let submissions: Submissions = vec![Submission { request: 0, attempt: 1, statement }]
		.try_into()
		.expect("one submission fits");
	RuntimeCall::Inference(pallet_inference::Call::submit { submissions })
}

fn commit() -> RuntimeCall {
	commitment_of(1)
}

fn remark() -> RuntimeCall {
	frame_system::Call::remark { remark: vec![1] }.into()
}

/// What `extension` says about `who` sending `call`.
fn validate(
	extension: impl TransactionExtension<RuntimeCall, Implicit = ()>,
	who: AccountId,
	call: RuntimeCall,
) -> Result<ValidTransaction, TransactionValidityError> {
	let (info, origin) = (call.get_dispatch_info(), RuntimeOrigin::signed(who));
	extension
		.validate_only(origin, &call, &info, 100, TransactionSource::External, 0)
		.map(|(valid, ..)| valid)
}

/// What the pool is told about `who` sending `call` with a tip, as far as its fee is concerned.
fn pool(
	who: AccountId,
	call: RuntimeCall,
	tip: Balance,
) -> Result<ValidTransaction, TransactionValidityError> {
	validate(FeelessFirst::from(Payment::from(tip)), who, call)
}

/// Whether `who` could send `call`, as far as its fee is concerned.
fn charge(who: AccountId, call: RuntimeCall) -> Result<(), TransactionValidityError> {
	pool(who, call, 0).map(|_| ())
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
		assert_eq!(charge(hot_key, remark()), Err(InvalidTransaction::Payment.into()));
	});
}

#[test]
fn submit_should_come_before_what_pays_when_it_is_free() {
	dev().execute_with(|| {
		let (operator, hot_key) = worker(1);
		assign(operator);
		let free = pool(hot_key, commit(), 0).expect("is free");
		assert_eq!(free.priority, FEELESS_PRIORITY);
		let tipped = pool(Alice.to_account_id(), remark(), UNIT).expect("Alice can pay");
		assert!(tipped.priority < free.priority, "{} >= {}", tipped.priority, free.priority);
	});
}

#[test]
fn submit_should_be_in_the_pool_once_when_it_is_free() {
	dev().execute_with(|| {
		let (operator, hot_key) = worker(1);
		assign(operator);
		let provides = |who, call| pool(who, call, 0).expect("is valid").provides;
		let free = provides(hot_key.clone(), commit());
		assert_eq!(free.len(), 1);
		assert_eq!(provides(hot_key, commitment_of(2)), free);
		let (operator, hot_key) = worker(2);
		assign(operator);
		assert_ne!(provides(hot_key, commit()), free);
	});
}

#[test]
fn transaction_should_be_where_its_tip_puts_it_when_it_is_not_free() {
	dev().execute_with(|| {
		let (operator, _) = worker(1);
		assign(operator);
		for call in [commit(), remark()] {
			for tip in [0, UNIT] {
				let paid = pool(Alice.to_account_id(), call.clone(), tip).expect("Alice can pay");
				let wrapped = SkipCheckIfFeeless::<Runtime, _>::from(Payment::from(tip));
				assert_eq!(validate(wrapped, Alice.to_account_id(), call.clone()), Ok(paid));
			}
		}
	});
}

#[test]
fn extensions_should_be_those_that_every_client_knows() {
	let extensions = <TxExtension as TransactionExtension<RuntimeCall>>::metadata();
	assert_eq!(
		extensions.iter().map(|extension| extension.identifier).collect::<Vec<_>>(),
		[
			"AuthorizeCall",
			"CheckNonZeroSender",
			"CheckSpecVersion",
			"CheckTxVersion",
			"CheckGenesis",
			"CheckMortality",
			"CheckNonce",
			"CheckWeight",
			"ChargeTransactionPayment",
			"CheckMetadataHash",
			"WeightReclaim",
		]
	);
	assert_eq!(extensions[8].ty, meta_type::<Payment>());
	assert_eq!(extensions[8].implicit, meta_type::<()>());
	assert_eq!(meta_type::<FeelessFirst>(), meta_type::<Payment>());
	assert_eq!(FeelessFirst::from(Payment::from(7)).encode(), Payment::from(7).encode());
}

#[test]
fn blocks_should_have_room_for_six_full_chunks() {
	let chunks = 6;
	assert!(chunks <= <Runtime as pallet_artifact_storage::Config>::MaxChunksPerBlock::get());
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
