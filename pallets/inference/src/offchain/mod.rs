//! The worker: answers the requests that this node's operators have a seat in.
//!
//! It runs after every block that the node imports, once for each hot key in the keystore. What a
//! seat has computed is kept in the node's local storage BEFORE the commitment is sent, so that a
//! restart loses nothing; whatever did not reach the chain is said again after the next block.

mod artifact;
mod memory;
pub(crate) mod switches;

use crate::{Assignments, Call, Config, Inputs, Outputs, Pallet, RequestOf, Requests, LOG_TARGET};
use alloc::{collections::BTreeMap, vec, vec::Vec};
use artifact::FetchError;
use codec::Encode;
use core::fmt;
use dodona_engine::{EngineError, Model};
use dodona_primitives_inference::{
	outcome_hash, Output, RequestId, RequestState, Seat, SeatStatus, Statement, Submission,
	Submissions, MAX_SUBMISSIONS,
};
use dodona_primitives_models::ModelInspect;
use dodona_primitives_staking::StakeInspect;
use frame_system::{
	offchain::{Account, SendSignedTransaction, Signer},
	pallet_prelude::BlockNumberFor,
};
use memory::{Memory, SeatRecord};
use sp_core::H256;
use sp_io::hashing::blake2_256;
use sp_runtime::offchain::{Duration, Timestamp};
use switches::Fault;

/// How long one run may begin new computations; the rest waits for the next block.
const RUN_TIME: Duration = Duration::from_millis(4_000);

/// Why the worker has nothing to say about a request now. It tries again after the next block.
#[derive(Debug)]
pub(crate) enum WorkError {
	/// The chain's state has no such request, input or version any more.
	Gone,
	/// The weights can't be had, or are not what the version names.
	Artifact(FetchError),
	/// The engine refuses the weights or the input.
	Engine(EngineError),
	/// The output is longer than a reveal can carry.
	OutputTooLong,
	/// This run's time is up.
	OutOfTime,
	/// The seat's record could not be written; without it nothing is committed.
	NotPersisted,
	/// The chain has a commitment of this seat that this node knows no salt for.
	UnknownCommitment,
}

impl fmt::Display for WorkError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::Gone => f.write_str("the request, its input or its version is gone"),
			Self::Artifact(error) => write!(f, "the weights can't be had: {error}"),
			Self::Engine(error) => write!(f, "the engine refuses: {error}"),
			Self::OutputTooLong => f.write_str("the output is longer than a reveal can carry"),
			Self::OutOfTime => f.write_str("no time left in this run"),
			Self::NotPersisted => f.write_str("the seat's record could not be written"),
			Self::UnknownCommitment => f.write_str(
				"the seat's commitment was made by another node with this hot key, or the node's \
				 database was lost: the salt is not here",
			),
		}
	}
}

/// Outputs of this run by request: the hot keys of one node compute them once.
type Answers = BTreeMap<RequestId, Output>;

impl<T: Config> Pallet<T> {
	/// One run of the worker, for all hot keys of this node.
	pub(crate) fn work(now: BlockNumberFor<T>) {
		let until = sp_io::offchain::timestamp().add(RUN_TIME);
		let mut answers = Answers::new();
		for account in Signer::<T, T::AuthorityId>::keystore_accounts() {
			if let Some(operator) = T::Stake::operator_of(&account.id) {
				Self::work_for(now, &account, &operator, until, &mut answers);
			}
		}
	}

	/// Says everything that `operator` has to say now, in one extrinsic.
	fn work_for(
		now: BlockNumberFor<T>,
		account: &Account<T>,
		operator: &T::AccountId,
		until: Timestamp,
		answers: &mut Answers,
	) {
		let fault = switches::fault(&account.id);
		if fault == Some(Fault::Silent) {
			return;
		}
		let mut requests: Vec<RequestId> = Assignments::<T>::iter_key_prefix(operator).collect();
		requests.sort_unstable();
		let memory = Memory::of(Self::genesis_hash(), operator);
		memory.tidy(now, &requests);

		let mut submissions = Submissions::default();
		for id in requests {
			if submissions.len() >= MAX_SUBMISSIONS as usize {
				break;
			}
			match Self::statement(now, id, operator, fault, &memory, until, answers) {
				Ok(Some((attempt, statement))) => {
					// Room was checked above.
					let _ = submissions.try_push(Submission { request: id, attempt, statement });
				},
				Ok(None) => (),
				Err(error) => log::warn!(
					target: LOG_TARGET,
					"request {id}: no statement of {operator:?} at block {now:?}: {error}",
				),
			}
		}
		if submissions.is_empty() {
			return;
		}
		log::debug!(target: LOG_TARGET, "{operator:?} says {} things", submissions.len());
		let signer =
			Signer::<T, T::AuthorityId>::all_accounts().with_filter(vec![account.public.clone()]);
		let sent =
			signer.send_signed_transaction(|_| Call::submit { submissions: submissions.clone() });
		if !sent.iter().any(|(_, result)| result.is_ok()) {
			log::debug!(target: LOG_TARGET, "{operator:?}: not taken by the pool; said again later");
		}
	}

	/// What `operator` has to say about a request, with the attempt that it is about.
	fn statement(
		now: BlockNumberFor<T>,
		id: RequestId,
		operator: &T::AccountId,
		fault: Option<Fault>,
		memory: &Memory<BlockNumberFor<T>>,
		until: Timestamp,
		answers: &mut Answers,
	) -> Result<Option<(u32, Statement)>, WorkError> {
		let request = Requests::<T>::get(id).ok_or(WorkError::Gone)?;
		let seat = |committee: &[Seat<T::AccountId>]| {
			committee.iter().find(|seat| seat.operator == *operator).map(|seat| seat.status)
		};
		let attempt = request.attempt;
		let commitment = |record: &SeatRecord| {
			Self::commitment_of(id, attempt, operator, record.outcome, &record.salt)
		};
		let said = match &request.state {
			// What is said now is heard in the next block at the earliest: a statement that is too late
			// by then would keep all others of its extrinsic from being feeless.
			RequestState::Committing { committee, until: last }
				if *last > now && seat(committee) == Some(SeatStatus::Assigned) =>
			{
				let subject = Self::subject(id, &request)?;
				let record = match memory.recall(id, attempt, subject) {
					Some(record) => record,
					None => {
						let output = Self::answer(id, &request, until, answers)?;
						let output = if fault == Some(Fault::Lie) { lie(output) } else { output };
						let record = SeatRecord {
							request: id,
							attempt,
							subject,
							salt: sp_io::offchain::random_seed(),
							outcome: outcome_hash(&output),
							output,
						};
						memory.remember(now, record).ok_or(WorkError::NotPersisted)?
					},
				};
				Some(Statement::Commit { commitment: commitment(&record) })
			},
			RequestState::Revealing { committee, until: last } if *last > now => {
				match seat(committee) {
					Some(SeatStatus::Committed(committed)) if fault != Some(Fault::Mute) => {
						let subject = Self::subject(id, &request)?;
						let record = memory
							.recall(id, attempt, subject)
							.filter(|record| commitment(record) == committed)
							.ok_or(WorkError::UnknownCommitment)?;
						let known = Outputs::<T>::contains_key(id, record.outcome);
						Some(Statement::Reveal {
							outcome: record.outcome,
							salt: record.salt,
							output: (!known).then_some(record.output),
						})
					},
					_ => None,
				}
			},
			_ => None,
		};
		Ok(said.map(|statement| (attempt, statement)))
	}

	/// What a record is about: after a reorganisation the same id may be another question.
	fn subject(id: RequestId, request: &RequestOf<T>) -> Result<H256, WorkError> {
		let input = Inputs::<T>::get(id).ok_or(WorkError::Gone)?;
		Ok(H256((request.version, &request.requester, input).using_encoded(blake2_256)))
	}

	/// The answer: fetches and checks the weights, and runs the engine on them.
	fn answer(
		id: RequestId,
		request: &RequestOf<T>,
		until: Timestamp,
		answers: &mut Answers,
	) -> Result<Output, WorkError> {
		if let Some(output) = answers.get(&id) {
			return Ok(output.clone());
		}
		if sp_io::offchain::timestamp() >= until {
			return Err(WorkError::OutOfTime);
		}
		let manifest = T::Models::manifest(request.version).ok_or(WorkError::Gone)?;
		let input = Inputs::<T>::get(id).ok_or(WorkError::Gone)?;
		let bytes = artifact::fetch(&manifest.artifact, until).map_err(WorkError::Artifact)?;
		let model = Model::load(&manifest.architecture, &bytes).map_err(WorkError::Engine)?;
		let output = model.run(&input).map_err(WorkError::Engine)?;
		let output = Output::try_from(output).map_err(|_| WorkError::OutputTooLong)?;
		answers.insert(id, output.clone());
		Ok(output)
	}
}

/// Another output of the same length: what a dishonest worker would say.
fn lie(mut output: Output) -> Output {
	for byte in output.iter_mut() {
		*byte = byte.wrapping_add(1);
	}
	output
}
