//! Benchmarks of the calls and of what the block hook does.

use super::*;
use alloc::{vec, vec::Vec};
use dodona_primitives_inference::{
	outcome_hash, quorum, Input, Output, Request, RequestId, RequestState, Seat, SeatStatus,
	Statement, Submission, Submissions, MAX_COMMITTEE, MAX_INPUT_LEN, MAX_OUTPUT_LEN,
};
use dodona_primitives_models::VersionId;
use dodona_primitives_staking::StakeSlash;
use frame_benchmarking::v2::*;
use frame_support::{pallet_prelude::*, traits::fungible::MutateHold, weights::WeightMeter};
use frame_system::{pallet_prelude::BlockNumberFor, RawOrigin};
use sp_core::H256;
use sp_runtime::{traits::One, Saturating};

/// What the benchmarks need of the rest of the runtime.
pub trait BenchmarkHelper<AccountId> {
	/// An active version of a new model with this many inputs and outputs, both 32-bit floats, of
	/// a price above zero.
	fn version(inputs: u32, outputs: u32) -> VersionId;

	/// This many bonded operators, each with its hot key, that can be drawn.
	fn operators(count: u32) -> Vec<(AccountId, AccountId)>;

	/// An account that can pay for requests.
	fn requester() -> AccountId;

	/// Makes committees have this many seats.
	fn set_committee_size(seats: u32);
}

/// The salt of every seat.
const SALT: [u8; 32] = [7; 32];

/// An operator with its hot key.
type Worker<T> = (<T as frame_system::Config>::AccountId, <T as frame_system::Config>::AccountId);

fn output<T: Config>(len: u32) -> Output {
	BoundedVec::truncate_from(vec![1; len as usize])
}

/// A request that is in `state` for ever, with its fee held.
fn stage<T: Config>(
	version: VersionId,
	state: RequestState<T::AccountId, BlockNumberFor<T>>,
) -> Result<RequestId, BenchmarkError> {
	let requester = T::BenchmarkHelper::requester();
	let fee = Pallet::<T>::fee(version, &[]).ok_or("the version has a price")?;
	T::Currency::hold(&HoldReason::Fee.into(), &requester, fee)?;
	let id = NextRequestId::<T>::mutate(|next| {
		*next = next.saturating_add(1);
		next.saturating_sub(1)
	});
	let created = frame_system::Pallet::<T>::block_number();
	Inputs::<T>::insert(id, Input::truncate_from(vec![0; MAX_INPUT_LEN as usize]));
	for seat in state.committee().into_iter().flatten() {
		T::Stake::oblige(&seat.operator);
		Assignments::<T>::insert(&seat.operator, id, ());
	}
	Pallet::<T>::put(id, Request { requester, version, fee, created, attempt: 1, state });
	Ok(id)
}

/// The seats of `workers`, each with the status that its position gives.
fn seats<T: Config>(
	workers: &[Worker<T>],
	status: impl Fn(usize) -> SeatStatus,
) -> BoundedVec<Seat<T::AccountId>, ConstU32<MAX_COMMITTEE>> {
	let seat = |(index, (operator, _)): (usize, &Worker<T>)| Seat {
		operator: operator.clone(),
		status: status(index),
	};
	BoundedVec::truncate_from(workers.iter().enumerate().map(seat).collect())
}

/// A block after every deadline.
fn late<T: Config>() -> BlockNumberFor<T> {
	let late = frame_system::Pallet::<T>::block_number().saturating_add(1_000_000u32.into());
	frame_system::Pallet::<T>::set_block_number(late);
	late
}

/// The commitment of `operator` to `outcome` in the next request that is staged.
fn commitment<T: Config>(operator: &T::AccountId, outcome: H256) -> H256 {
	Pallet::<T>::commitment_of(NextRequestId::<T>::get(), 1, operator, outcome, &SALT)
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn request(i: Linear<4, { MAX_INPUT_LEN }>) -> Result<(), BenchmarkError> {
		let floats = i / 4;
		let version = T::BenchmarkHelper::version(floats, 1);
		let requester = T::BenchmarkHelper::requester();
		let input = vec![0; (floats * 4) as usize];
		let fee = Pallet::<T>::fee(version, &input).ok_or("the version has a price")?;

		#[extrinsic_call]
		_(RawOrigin::Signed(requester), version.model, None, input, fee);

		assert_eq!(NextRequestId::<T>::get(), 1);
		Ok(())
	}

	/// One commitment, and not the last that its request waits for.
	#[benchmark]
	fn commit(c: Linear<2, { MAX_COMMITTEE }>) -> Result<(), BenchmarkError> {
		let version = T::BenchmarkHelper::version(16, 1);
		let workers = T::BenchmarkHelper::operators(c);
		let until = frame_system::Pallet::<T>::block_number().saturating_add(One::one());
		let committee = seats::<T>(&workers, |_| SeatStatus::Assigned);
		let id = stage::<T>(version, RequestState::Committing { committee, until })?;
		let (_, hot_key) = workers.last().ok_or("there are workers")?.clone();
		let statement = Statement::Commit { commitment: H256::repeat_byte(1) };
		let submission = Submission { request: id, attempt: 1, statement };
		let submissions = Submissions::truncate_from(vec![submission]);

		#[extrinsic_call]
		submit(RawOrigin::Signed(hot_key), submissions);

		let state = Requests::<T>::get(id).ok_or("the request is there")?.state;
		let committed = |seat: &Seat<_>| seat.status != SeatStatus::Assigned;
		assert!(state.committee().into_iter().flatten().any(committed));
		Ok(())
	}

	/// One reveal, and not the last that its request waits for.
	#[benchmark]
	fn reveal(
		c: Linear<2, { MAX_COMMITTEE }>,
		o: Linear<4, { MAX_OUTPUT_LEN }>,
	) -> Result<(), BenchmarkError> {
		let version = T::BenchmarkHelper::version(16, o / 4);
		let workers = T::BenchmarkHelper::operators(c);
		let until = frame_system::Pallet::<T>::block_number().saturating_add(One::one());
		let output = output::<T>(o / 4 * 4);
		let outcome = outcome_hash(&output);
		let (operator, hot_key) = workers.last().ok_or("there are workers")?.clone();
		let committed = commitment::<T>(&operator, outcome);
		let committee = seats::<T>(&workers, |_| SeatStatus::Committed(committed));
		let id = stage::<T>(version, RequestState::Revealing { committee, until })?;
		let statement = Statement::Reveal { outcome, salt: SALT, output: Some(output) };
		let submission = Submission { request: id, attempt: 1, statement };
		let submissions = Submissions::truncate_from(vec![submission]);

		#[extrinsic_call]
		submit(RawOrigin::Signed(hot_key), submissions);

		assert!(Outputs::<T>::contains_key(id, outcome));
		Ok(())
	}

	/// A block without draws and deadlines.
	#[benchmark]
	fn serve_block() {
		let now = ServedUpTo::<T>::get().saturating_add(One::one());
		let mut meter = WeightMeter::new();

		#[block]
		{
			Pallet::<T>::serve(now, &mut meter);
		}

		assert_eq!(ServedUpTo::<T>::get(), now);
	}

	/// `Queued` → `Committing`.
	#[benchmark]
	fn draw(c: Linear<1, { MAX_COMMITTEE }>) -> Result<(), BenchmarkError> {
		let version = T::BenchmarkHelper::version(16, 1);
		T::BenchmarkHelper::set_committee_size(c);
		T::BenchmarkHelper::operators(c.saturating_mul(2));
		let since = frame_system::Pallet::<T>::block_number();
		let id = stage::<T>(version, RequestState::Queued { since })?;

		#[block]
		{
			Pallet::<T>::do_draw(id, H256::repeat_byte(1), since);
		}

		let state = Requests::<T>::get(id).ok_or("the request is there")?.state;
		assert!(matches!(state, RequestState::Committing { .. }));
		Ok(())
	}

	/// `Queued` → `Failed`, with a refund: the end of every request that comes to nothing.
	#[benchmark]
	fn fail() -> Result<(), BenchmarkError> {
		let version = T::BenchmarkHelper::version(16, 1);
		let since = frame_system::Pallet::<T>::block_number();
		let id = stage::<T>(version, RequestState::Queued { since })?;
		let now = late::<T>();

		#[block]
		{
			Pallet::<T>::do_advance(id, now)?;
		}

		let state = Requests::<T>::get(id).ok_or("the request is there")?.state;
		assert!(matches!(state, RequestState::Failed { .. }));
		Ok(())
	}

	/// `Committing` → `Revealing`: a bare quorum committed, and all the others are punished.
	#[benchmark]
	fn close_commitments(c: Linear<2, { MAX_COMMITTEE }>) -> Result<(), BenchmarkError> {
		let version = T::BenchmarkHelper::version(16, 1);
		let workers = T::BenchmarkHelper::operators(c);
		let until = frame_system::Pallet::<T>::block_number();
		let committee = seats::<T>(&workers, |index| {
			if index < quorum(c) as usize {
				SeatStatus::Committed(H256::repeat_byte(1))
			} else {
				SeatStatus::Assigned
			}
		});
		let id = stage::<T>(version, RequestState::Committing { committee, until })?;
		let now = late::<T>();

		#[block]
		{
			Pallet::<T>::do_advance(id, now)?;
		}

		let state = Requests::<T>::get(id).ok_or("the request is there")?.state;
		assert!(matches!(state, RequestState::Revealing { .. }));
		Ok(())
	}

	/// `Revealing` → `Queued`: nobody revealed, and all are punished.
	#[benchmark]
	fn tally(c: Linear<2, { MAX_COMMITTEE }>) -> Result<(), BenchmarkError> {
		let version = T::BenchmarkHelper::version(16, 1);
		let workers = T::BenchmarkHelper::operators(c);
		let until = frame_system::Pallet::<T>::block_number();
		let committee = seats::<T>(&workers, |_| SeatStatus::Committed(H256::repeat_byte(1)));
		let id = stage::<T>(version, RequestState::Revealing { committee, until })?;
		let now = late::<T>();

		#[block]
		{
			Pallet::<T>::do_advance(id, now)?;
		}

		let state = Requests::<T>::get(id).ok_or("the request is there")?.state;
		assert!(!matches!(state, RequestState::Revealing { .. }));
		Ok(())
	}

	/// `Agreed` → `Finalized`: a bare quorum is paid, and all the others are punished.
	#[benchmark]
	fn finalize(c: Linear<2, { MAX_COMMITTEE }>) -> Result<(), BenchmarkError> {
		let version = T::BenchmarkHelper::version(16, MAX_OUTPUT_LEN / 4);
		let workers = T::BenchmarkHelper::operators(c);
		let until = frame_system::Pallet::<T>::block_number();
		let right = output::<T>(MAX_OUTPUT_LEN);
		let outcome = outcome_hash(&right);
		let said = |index: usize| {
			let mut output = right.clone();
			if index >= quorum(c) as usize {
				output.iter_mut().take(1).for_each(|byte| *byte = index as u8 + 2);
			}
			output
		};
		let committee =
			seats::<T>(&workers, |index| SeatStatus::Revealed(outcome_hash(&said(index))));
		let id = stage::<T>(version, RequestState::Agreed { committee, outcome, until })?;
		for index in 0..c as usize {
			let output = said(index);
			Outputs::<T>::insert(id, outcome_hash(&output), output);
		}
		let now = late::<T>();

		#[block]
		{
			Pallet::<T>::do_advance(id, now)?;
		}

		let state = Requests::<T>::get(id).ok_or("the request is there")?.state;
		assert!(matches!(state, RequestState::Finalized { .. }));
		Ok(())
	}

	/// Removes a request that ended.
	#[benchmark]
	fn prune() -> Result<(), BenchmarkError> {
		let version = T::BenchmarkHelper::version(16, MAX_OUTPUT_LEN / 4);
		let at = frame_system::Pallet::<T>::block_number();
		let output = output::<T>(MAX_OUTPUT_LEN);
		let outcome = outcome_hash(&output);
		let committee = BoundedVec::default();
		let id = stage::<T>(version, RequestState::Finalized { committee, outcome, at })?;
		Outputs::<T>::insert(id, outcome, output);
		AgreedAt::<T>::insert(id, at);
		let now = late::<T>();

		#[block]
		{
			Pallet::<T>::do_advance(id, now)?;
		}

		assert!(!Requests::<T>::contains_key(id));
		Ok(())
	}
}
