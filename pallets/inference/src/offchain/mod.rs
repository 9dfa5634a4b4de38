//! The worker: answers the requests that this node's operators have a seat in.
//!
//! It runs after every block that the node imports, for all hot keys in the keystore. First it says
//! whatever needs no computation: no reveal waits for a model. Then it computes, the most urgent
//! first, until its time is up. What a seat has computed is kept in the node's local storage BEFORE
//! the commitment is sent, so that a restart loses nothing; whatever did not reach the chain is said
//! again after the next block.

mod artifact;
pub(crate) mod failures;
pub(crate) mod memory;
mod models;
pub(crate) mod switches;

use crate::{Assignments, Call, Config, Inputs, Outputs, Pallet, RequestOf, Requests, LOG_TARGET};
use alloc::{collections::BTreeMap, vec, vec::Vec};
use artifact::FetchError;
use codec::Encode;
use core::fmt;
use dodona_engine::{EngineError, Model};
use dodona_primitives_inference::{
	outcome_hash, Output, RequestId, RequestState, SeatStatus, Statement, Submission, Submissions,
};
use dodona_primitives_models::{ModelInspect, VersionId};
use dodona_primitives_staking::StakeInspect;
use failures::{Failures, Subject};
use frame_system::{
	offchain::{Account, SendSignedTransaction, Signer},
	pallet_prelude::BlockNumberFor,
};
use memory::{Memory, SeatId, SeatRecord};
use models::Models;
use sp_core::H256;
use sp_io::hashing::blake2_256;
use sp_runtime::offchain::{Duration, Timestamp};
use switches::Fault;

/// How long one run may begin new computations; the rest waits for the next block.
const RUN_TIME: Duration = Duration::from_millis(4_000);

/// How long the weights of one version may take to arrive.
const FETCH_TIME: Duration = Duration::from_millis(4_000);

/// Why the worker has nothing to say about a request now. It tries again after a later block.
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
	/// It failed lately, or another run is at it.
	TooEarly(Subject),
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
			Self::TooEarly(Subject::Weights(VersionId { model, number })) => {
				write!(f, "the weights of version {number} of model {model} are tried again later")
			},
			Self::TooEarly(Subject::Answer(_)) => f.write_str("the answer is tried again later"),
			Self::NotPersisted => f.write_str("the seat's record could not be written"),
			Self::UnknownCommitment => f.write_str(
				"the seat's commitment was made by another node with this hot key, or the node's \
				 database was lost: the salt is not here",
			),
		}
	}
}

impl WorkError {
	/// Whether it is worth a warning: the others only say that the turn will come.
	fn is_news(&self) -> bool {
		!matches!(self, Self::OutOfTime | Self::TooEarly(_))
	}
}

/// One of this node's hot keys.
struct Worker<T: Config> {
	account: Account<T>,
	operator: T::AccountId,
	fault: Option<Fault>,
	memory: Memory<BlockNumberFor<T>>,
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
struct Task<BlockNumber> {
	/// The worker's position in this run.
	worker: usize,
	/// The last block in which a commitment is taken.
	last: BlockNumber,
	version: VersionId,
	seat: SeatId,
}

/// What the computations of one run share.
struct Run<T: Config> {
	now: BlockNumberFor<T>,
	/// When no new computation is begun.
	until: Timestamp,
	/// Outputs by question: the hot keys of one node compute them once.
	answers: BTreeMap<H256, Output>,
	models: Models,
	failures: Failures<BlockNumberFor<T>>,
}

impl<T: Config> Pallet<T> {
	/// One run of the worker, for all hot keys of this node.
	pub(crate) fn work(now: BlockNumberFor<T>) {
		let until = sp_io::offchain::timestamp().add(RUN_TIME);
		let workers: Vec<Worker<T>> = Signer::<T, T::AuthorityId>::keystore_accounts()
			.filter_map(|account| {
				let operator = T::Stake::operator_of(&account.id)?;
				let fault = switches::fault(&account.id);
				let memory = Memory::of(Self::genesis_hash(), &operator);
				Some(Worker { account, operator, fault, memory })
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
		if !tasks.is_empty() {
			Self::answer_all(now, until, &workers, tasks);
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
		workers: &[Worker<T>],
		mut tasks: Vec<Task<BlockNumberFor<T>>>,
	) {
		let (answers, models) = (BTreeMap::new(), Models::default());
		let failures = Failures::of(Self::genesis_hash());
		let failed = failures.subjects();
		let mut run: Run<T> = Run { now, until, answers, models, failures };
		// What has failed comes last: however urgent it is, the others will get their turn.
		tasks.sort_by_key(|Task { worker, last, version, seat }| {
			let has_failed = failed.contains(&Subject::Weights(*version))
				|| failed.contains(&Subject::Answer(seat.subject));
			(has_failed, *last, seat.request, *worker)
		});
		let mut said: Vec<Vec<Submission>> = workers.iter().map(|_| Vec::new()).collect();
		for task in tasks {
			let Some((worker, said)) = workers.get(task.worker).zip(said.get_mut(task.worker))
			else {
				continue;
			};
			match Self::commit_to_answer(&task, worker, &mut run) {
				Ok(submission) => said.push(submission),
				Err(error) => Self::report(now, task.seat.request, worker, &error),
			}
		}
		for (worker, said) in workers.iter().zip(said) {
			Self::say(worker, said);
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

	/// Answers, remembers and commits.
	fn commit_to_answer(
		task: &Task<BlockNumberFor<T>>,
		worker: &Worker<T>,
		run: &mut Run<T>,
	) -> Result<Submission, WorkError> {
		let output = Self::answer(task, run)?;
		let output = if worker.fault == Some(Fault::Lie) { lie(output) } else { output };
		let outcome = outcome_hash(&output);
		let record = SeatRecord { salt: sp_io::offchain::random_seed(), outcome, output };
		let record = worker
			.memory
			.remember(run.now, task.seat, record)
			.ok_or(WorkError::NotPersisted)?;
		let statement = Self::commit_to(task.seat, worker, &record);
		let SeatId { request, attempt, .. } = task.seat;
		Ok(Submission { request, attempt, statement })
	}

	/// What a record is about: after a reorganisation the same id may be another question.
	fn subject(id: RequestId, request: &RequestOf<T>) -> Result<H256, WorkError> {
		let input = Inputs::<T>::get(id).ok_or(WorkError::Gone)?;
		Ok(H256((request.version, &request.requester, input).using_encoded(blake2_256)))
	}

	/// The answer: fetches and checks the weights, and runs the engine on them.
	fn answer(task: &Task<BlockNumberFor<T>>, run: &mut Run<T>) -> Result<Output, WorkError> {
		let Task { version, seat, .. } = task;
		if let Some(output) = run.answers.get(&seat.subject) {
			return Ok(output.clone());
		}
		let Run { now, until, models, failures, .. } = run;
		if sp_io::offchain::timestamp() >= *until {
			return Err(WorkError::OutOfTime);
		}
		// By itself: what one input does to a model says nothing of its other inputs.
		let answer = Subject::Answer(seat.subject);
		if failures.is_early(answer, *now) {
			return Err(WorkError::TooEarly(answer));
		}
		let input = Inputs::<T>::get(seat.request).ok_or(WorkError::Gone)?;
		let model = models.get(*version, || {
			let manifest = T::Models::manifest(*version).ok_or(WorkError::Gone)?;
			let weights = Subject::Weights(*version);
			if !failures.begin(weights, *now) {
				return Err(WorkError::TooEarly(weights));
			}
			let until = sp_io::offchain::timestamp().add(FETCH_TIME);
			let bytes = artifact::fetch(&manifest.artifact, until).map_err(WorkError::Artifact)?;
			let model = Model::load(&manifest.architecture, &bytes).map_err(WorkError::Engine)?;
			failures.worked(weights);
			Ok(model)
		})?;
		if !failures.begin(answer, *now) {
			return Err(WorkError::TooEarly(answer));
		}
		let output = model.run(&input).map_err(WorkError::Engine)?;
		let output = Output::try_from(output).map_err(|_| WorkError::OutputTooLong)?;
		failures.worked(answer);
		run.answers.insert(seat.subject, output.clone());
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
