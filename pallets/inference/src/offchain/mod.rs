//! The worker: answers the requests that this node's operators have a seat in.
//!
//! It runs after every block that the node imports, for all hot keys in the keystore. First it says
//! whatever needs no computation: no reveal waits for a model. Then it has answers computed, the
//! most urgent first, until its time is up. What it has said, it stands up for in a dispute. What a
//! seat has computed is kept in the node's local storage BEFORE the commitment is sent, so that a
//! restart loses nothing; whatever did not reach the chain is said again after the next block.

pub(crate) mod artifact;
pub(crate) mod compute;
mod dispute;
pub(crate) mod engine;
pub(crate) mod failures;
pub(crate) mod memory;
mod models;
pub(crate) mod rpc;
pub(crate) mod runs;
pub(crate) mod switches;

use crate::{Assignments, Call, Config, Inputs, Outputs, Pallet, RequestOf, Requests, LOG_TARGET};
use alloc::{vec, vec::Vec};
use artifact::FetchError;
use codec::Encode;
use compute::{Computer, Standing};
use core::fmt;
use dodona_primitives_inference::{
	outcome_hash, EngineError, Output, RequestId, RequestState, SeatStatus, Statement, Submission,
	Submissions,
};
use dodona_primitives_models::VersionId;
use dodona_primitives_staking::StakeInspect;
use engine::Away;
use failures::{Failures, Subject};
use frame_system::{
	offchain::{Account, SendSignedTransaction, Signer},
	pallet_prelude::BlockNumberFor,
};
use memory::{Memory, SeatId, SeatRecord};
use sp_core::H256;
use sp_io::hashing::blake2_256;
use sp_runtime::offchain::{
	storage_lock::{StorageLock, Time},
	Duration, Timestamp,
};
use switches::Fault;

/// How long one run may begin new computations and wait for an engine server; the rest waits for
/// the next block.
const RUN_TIME: Duration = Duration::from_millis(4_000);

/// How long one run may begin to record what is in dispute: answers have deadlines, too.
const STAND_TIME: Duration = Duration::from_millis(2_000);

/// Why the worker has nothing to say about a request now. It tries again after a later block.
#[derive(Debug)]
pub(crate) enum WorkError {
	/// The chain's state has no such request, input or version any more.
	Gone,
	/// The weights can't be had, or are not what the version names; and an engine server, if there
	/// is one, does not help.
	Artifact(FetchError, Option<Away>),
	/// The engine refuses the weights or the input.
	Engine(EngineError),
	/// The output is longer than a reveal can carry.
	OutputTooLong,
	/// This run's time is up.
	OutOfTime,
	/// The engine server is at it.
	Computing,
	/// It failed lately, or another run is at it.
	TooEarly(Subject),
	/// The seat's record could not be written; without it nothing is committed.
	NotPersisted,
	/// The chain has a commitment of this seat that this node knows no salt for.
	UnknownCommitment,
	/// The root over the weights' pages is not the one in the manifest.
	OtherPages,
	/// The run has more steps than are recorded here, and there is no engine server.
	TooLongToRecord,
	/// The engine server does not help with a run in dispute.
	Server(Away),
	/// There is nothing to show that fits into a call.
	NoEvidence,
	/// The run ends in something else than this worker has said.
	SaidSomethingElse,
}

impl fmt::Display for WorkError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::Gone => f.write_str("the request, its input or its version is gone"),
			Self::Artifact(error, None) => write!(f, "the weights can't be had: {error}"),
			Self::Artifact(error, Some(away)) => {
				write!(f, "{away}; and the weights can't be had: {error}")
			},
			Self::Engine(error) => write!(f, "the engine refuses: {error}"),
			Self::OutputTooLong => f.write_str("the output is longer than a reveal can carry"),
			Self::OutOfTime => f.write_str("no time left in this run"),
			Self::Computing => f.write_str("the engine server is at it"),
			Self::TooEarly(Subject::Weights(VersionId { model, number })) => {
				write!(f, "the weights of version {number} of model {model} are tried again later")
			},
			Self::TooEarly(Subject::Answer(_)) => f.write_str("the answer is tried again later"),
			Self::NotPersisted => f.write_str("the seat's record could not be written"),
			Self::UnknownCommitment => f.write_str(
				"the seat's commitment was made by another node with this hot key, or the node's \
				 database was lost: the salt is not here",
			),
			Self::OtherPages => f.write_str(
				"the root over the weights' pages is not the one in the manifest: anybody can have the \
				 version revoked by `modelRegistry.refutePages`",
			),
			Self::TooLongToRecord => f.write_str(
				"the run is too long to be recorded here: start an engine server, see docs/running.md",
			),
			Self::Server(away) => write!(f, "nothing is said for the answer in dispute: {away}"),
			Self::NoEvidence => f.write_str("there is no evidence that fits into a call"),
			Self::SaidSomethingElse => {
				f.write_str("the answer in dispute is not what the engine computes: it can't be defended")
			},
		}
	}
}

impl WorkError {
	/// Whether it is worth a warning: the others only say that the turn will come.
	pub fn is_news(&self) -> bool {
		!matches!(self, Self::OutOfTime | Self::Computing | Self::TooEarly(_))
	}
}

/// One of this node's hot keys.
struct Worker<T: Config> {
	account: Account<T>,
	operator: T::AccountId,
	fault: Option<Fault>,
	memory: Memory<BlockNumberFor<T>>,
	/// Commitments to be sent.
	unsaid: Vec<Submission>,
}

/// What an open seat has to do.
enum Duty {
	/// Say what it knows.
	Say(Statement),
	/// Answer first.
	Answer {
		/// The version that has to answer.
		version: VersionId,
		/// The seat.
		seat: SeatId,
	},
}

/// An answer that a worker owes.
pub(crate) struct Task<BlockNumber> {
	/// The worker's position in this run.
	pub worker: usize,
	/// The last block in which a commitment is taken.
	pub last: BlockNumber,
	/// The version that has to answer.
	pub version: VersionId,
	/// The seat.
	pub seat: SeatId,
}

impl<T: Config> Pallet<T> {
	/// One run of the worker, for all hot keys of this node.
	pub(crate) fn work(now: BlockNumberFor<T>) {
		let begun = sp_io::offchain::timestamp();
		let until = begun.add(RUN_TIME);
		let mut workers: Vec<Worker<T>> = Signer::<T, T::AuthorityId>::keystore_accounts()
			.filter_map(|account| {
				let operator = T::Stake::operator_of(&account.id)?;
				let fault = switches::fault(&account.id);
				let memory = Memory::of(Self::genesis_hash(), &operator);
				Some(Worker { account, operator, fault, memory, unsaid: Vec::new() })
			})
			.filter(|worker| worker.fault != Some(Fault::Silent))
			.collect();

		let mut tasks = Vec::new();
		for (index, worker) in workers.iter().enumerate() {
			let owed = Self::say_what_is_known(now, worker);
			tasks.extend(owed.into_iter().map(|(last, version, seat)| Task {
				worker: index,
				last,
				version,
				seat,
			}));
		}
		Self::stand_up(now, begun.add(STAND_TIME), &workers);
		if !tasks.is_empty() {
			Self::answer_all(now, until, &mut workers, tasks);
		}
	}

	/// Says what `worker` can say without a computation; returns the answers that it owes.
	fn say_what_is_known(
		now: BlockNumberFor<T>,
		worker: &Worker<T>,
	) -> Vec<(BlockNumberFor<T>, VersionId, SeatId)> {
		let requests: Vec<RequestId> =
			Assignments::<T>::iter_key_prefix(&worker.operator).collect();
		worker.memory.tidy(now, &requests);
		let (mut known, mut owed) = (Vec::new(), Vec::new());
		for request in requests {
			match Self::duty(now, request, worker) {
				Ok(Some((last, attempt, Duty::Say(statement)))) => {
					known.push((last, Submission { request, attempt, statement }));
				},
				Ok(Some((last, _, Duty::Answer { version, seat }))) => {
					owed.push((last, version, seat));
				},
				Ok(None) => (),
				Err(error) => Self::report(now, request, worker, &error),
			}
		}
		// Where there is no room for all: a reveal that is late costs more than a commitment.
		known.sort_by_key(|(last, Submission { request, statement, .. })| {
			(matches!(statement, Statement::Commit { .. }), *last, *request)
		});
		Self::say(worker, known.into_iter().map(|(_, submission)| submission).collect());
		owed
	}

	/// Answers what the workers owe, as far as the time reaches, and commits.
	fn answer_all(
		now: BlockNumberFor<T>,
		until: Timestamp,
		workers: &mut [Worker<T>],
		mut tasks: Vec<Task<BlockNumberFor<T>>>,
	) {
		let mut computer = Computer::<T>::new(now, until, Failures::of(Self::genesis_hash()));
		let failed = computer.failures();
		// What has failed comes last: however urgent it is, the others will get their turn.
		tasks.sort_by_key(|Task { worker, last, version, seat }| {
			let has_failed = failed.contains(&Subject::Weights(*version))
				|| failed.contains(&Subject::Answer(seat.subject));
			(has_failed, *last, seat.request, *worker)
		});
		// An engine server gets all questions before it is waited for, and works on them at once.
		let (mut own, mut pending) = (Vec::new(), Vec::new());
		for task in tasks {
			match computer.ask(&task, false) {
				Ok(Standing::Known(output)) => Self::conclude(now, &task, workers, Ok(output)),
				Ok(Standing::Pending) if !computer.has_to_help(&task) => pending.push(task),
				Ok(Standing::Pending | Standing::Own(_)) => own.push(task),
				Err(error) => Self::conclude(now, &task, workers, Err(error)),
			}
		}
		Self::say_answers(workers);
		for task in own {
			Self::conclude(now, &task, workers, computer.compute(&task));
		}
		Self::say_answers(workers);
		if !pending.is_empty() {
			Self::wait_for_all(now, until, workers, &mut computer, pending);
		}
	}

	/// Waits for what an engine server computes, and commits to each answer when it comes.
	fn wait_for_all(
		now: BlockNumberFor<T>,
		until: Timestamp,
		workers: &mut [Worker<T>],
		computer: &mut Computer<T>,
		tasks: Vec<Task<BlockNumberFor<T>>>,
	) {
		// A node has few threads for its workers, and where blocks are quick, runs would wait in all
		// of them. One that does not wait finds out in the next block.
		let key = (b"dodona/waiting/", Self::genesis_hash()).encode();
		let left = until.diff(&sp_io::offchain::timestamp());
		let mut lock = StorageLock::<Time>::with_deadline(&key, left);
		let turn = lock.try_lock();
		for task in tasks {
			let output = match turn {
				Ok(_) => computer.wait_for(&task),
				Err(_) => Err(WorkError::Computing),
			};
			Self::conclude(now, &task, workers, output);
			Self::say_answers(workers);
		}
	}

	/// Remembers an answer and has the worker commit to it, or says why there is none.
	fn conclude(
		now: BlockNumberFor<T>,
		task: &Task<BlockNumberFor<T>>,
		workers: &mut [Worker<T>],
		output: Result<Output, WorkError>,
	) {
		let Some(worker) = workers.get_mut(task.worker) else { return };
		match output.and_then(|output| Self::commit_to_answer(now, task, worker, output)) {
			Ok(submission) => worker.unsaid.push(submission),
			Err(error) => Self::report(now, task.seat.request, worker, &error),
		}
	}

	/// Sends the commitments that are not sent yet.
	fn say_answers(workers: &mut [Worker<T>]) {
		for worker in workers {
			let unsaid = core::mem::take(&mut worker.unsaid);
			Self::say(worker, unsaid);
		}
	}

	/// Logs why there is nothing to say.
	fn report(now: BlockNumberFor<T>, id: RequestId, worker: &Worker<T>, error: &WorkError) {
		let level = if error.is_news() { log::Level::Warn } else { log::Level::Debug };
		let operator = &worker.operator;
		log::log!(
			target: LOG_TARGET,
			level,
			"request {id}: no statement of {operator:?} at block {now:?}: {error}",
		);
	}

	/// Sends one extrinsic with the first of `submissions`; the others are said after the next block.
	fn say(worker: &Worker<T>, submissions: Vec<Submission>) {
		let mut submissions = Submissions::truncate_from(submissions);
		if submissions.is_empty() {
			return;
		}
		// Only in this order an extrinsic is feeless.
		submissions.sort_by_key(|submission| submission.request);
		let operator = &worker.operator;
		log::debug!(target: LOG_TARGET, "{operator:?} says {} things", submissions.len());
		let signer = Signer::<T, T::AuthorityId>::all_accounts()
			.with_filter(vec![worker.account.public.clone()]);
		let sent =
			signer.send_signed_transaction(|_| Call::submit { submissions: submissions.clone() });
		if !sent.iter().any(|(_, result)| result.is_ok()) {
			log::debug!(target: LOG_TARGET, "{operator:?}: not taken by the pool; said again later");
		}
	}

	/// What `worker` has to do for a request, the last block in which the chain takes it, and the
	/// attempt that it is about.
	fn duty(
		now: BlockNumberFor<T>,
		id: RequestId,
		worker: &Worker<T>,
	) -> Result<Option<(BlockNumberFor<T>, u32, Duty)>, WorkError> {
		let request = Requests::<T>::get(id).ok_or(WorkError::Gone)?;
		let (committing, last) = match &request.state {
			RequestState::Committing { until, .. } => (true, *until),
			RequestState::Revealing { until, .. } => (false, *until),
			_ => return Ok(None),
		};
		// What is said now is heard in the next block at the earliest: a statement that is too late by
		// then would keep all others of its extrinsic from being feeless.
		if last <= now {
			return Ok(None);
		}
		let status = request
			.state
			.committee()
			.and_then(|seats| seats.iter().find(|seat| seat.operator == worker.operator))
			.map(|seat| seat.status);
		let attempt = request.attempt;
		let seat = || {
			let subject = Self::subject(id, &request)?;
			Ok(SeatId { request: id, attempt, subject })
		};
		let duty = match status {
			Some(SeatStatus::Assigned) if committing => {
				let seat = seat()?;
				match worker.memory.recall(seat) {
					Some(record) => Duty::Say(Self::commit_to(seat, worker, &record)),
					None => Duty::Answer { version: request.version, seat },
				}
			},
			Some(SeatStatus::Committed(committed))
				if !committing && worker.fault != Some(Fault::Mute) =>
			{
				let record = worker
					.memory
					.recall(seat()?)
					.filter(|SeatRecord { salt, outcome, .. }| {
						let operator = &worker.operator;
						Self::commitment_of(id, attempt, operator, *outcome, salt) == committed
					})
					.ok_or(WorkError::UnknownCommitment)?;
				let known = Outputs::<T>::contains_key(id, record.outcome);
				Duty::Say(Statement::Reveal {
					outcome: record.outcome,
					salt: record.salt,
					output: (!known).then_some(record.output),
				})
			},
			_ => return Ok(None),
		};
		Ok(Some((last, attempt, duty)))
	}

	/// The commitment to what is remembered of a seat.
	fn commit_to(seat: SeatId, worker: &Worker<T>, record: &SeatRecord) -> Statement {
		let SeatId { request, attempt, .. } = seat;
		let SeatRecord { outcome, salt, .. } = record;
		let commitment = Self::commitment_of(request, attempt, &worker.operator, *outcome, salt);
		Statement::Commit { commitment }
	}

	/// Remembers an answer and commits to it.
	fn commit_to_answer(
		now: BlockNumberFor<T>,
		task: &Task<BlockNumberFor<T>>,
		worker: &Worker<T>,
		output: Output,
	) -> Result<Submission, WorkError> {
		let output = match worker.fault {
			Some(Fault::Lie) => lie(output),
			Some(Fault::Corrupt(planted)) => {
				Self::corrupted(task.seat.request, task.version, planted, now)?
			},
			_ => output,
		};
		let outcome = outcome_hash(&output);
		let record = SeatRecord { salt: sp_io::offchain::random_seed(), outcome, output };
		let record =
			worker.memory.remember(now, task.seat, record).ok_or(WorkError::NotPersisted)?;
		let statement = Self::commit_to(task.seat, worker, &record);
		let SeatId { request, attempt, .. } = task.seat;
		Ok(Submission { request, attempt, statement })
	}

	/// What a record is about: after a reorganisation the same id may be another question.
	fn subject(id: RequestId, request: &RequestOf<T>) -> Result<H256, WorkError> {
		let input = Inputs::<T>::get(id).ok_or(WorkError::Gone)?;
		Ok(H256((request.version, &request.requester, input).using_encoded(blake2_256)))
	}
}

/// Another output of the same length: what a dishonest worker would say.
fn lie(mut output: Output) -> Output {
	for byte in output.iter_mut() {
		*byte = byte.wrapping_add(1);
	}
	output
}
