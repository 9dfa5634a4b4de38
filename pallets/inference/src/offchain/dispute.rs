//! Standing up for what a worker has said: plays for its claim in a dispute.
//!
//! What is to be said next is read off the dispute, and computed again each time. With weights that
//! don't fit into this Wasm, a claim is left to others who stand for the same answer.

use super::{
	artifact,
	failures::{Failures, Subject},
	switches::Fault,
	WorkError, Worker,
};
use crate::{
	moves::{MoveOf, WitnessOf},
	Call, Config, DisputeOf, Disputes, Inputs, Pallet, Requests, LOG_TARGET,
};
use alloc::{vec, vec::Vec};
use codec::Encode;
use dodona_engine::trace::{End, Limits, Program, Trace};
use dodona_primitives_inference::{
	player::{self, Next, Planted, Said},
	Contest, Move, Output, RequestId, RequestState, SeatStatus,
};
use dodona_primitives_models::{pages_root, Blake2, Manifest, ModelInspect, VersionId};
use frame_system::{
	offchain::{SendSignedTransaction, Signer},
	pallet_prelude::BlockNumberFor,
};
use sp_core::H256;
use sp_io::hashing::blake2_256;
use sp_runtime::offchain::{Duration, Timestamp};

/// How long the weights of one version may take to arrive.
const FETCH_TIME: Duration = Duration::from_millis(4_000);

/// Most disputes that are looked at after a block.
const MOST_DISPUTES: usize = 64;

/// Most steps and work of a run that is recorded here: a second or two. What is larger is left to
/// others.
const MOST_STEPS: u64 = 100_000;
const MOST_WORK: u64 = 200_000_000;

/// What is kept of a run: the memory of this Wasm is small.
const LIMITS: Limits = Limits { hashes: 16 * 1024, states: 8 };

type Recorded = Trace<Blake2>;

/// What a worker has said, and how it is disputed.
struct Stand<T: Config> {
	request: RequestId,
	version: VersionId,
	dispute: DisputeOf<T>,
	/// Hash of the output that its seat revealed.
	said: H256,
}

impl<T: Config> Pallet<T> {
	/// Plays for what these workers have said, one run at a time, until their time is up.
	pub(super) fn stand_up(now: BlockNumberFor<T>, until: Timestamp, workers: &[Worker<T>]) {
		if workers.is_empty() {
			return;
		}
		let failures = Failures::of(Self::genesis_hash());
		for request in Disputes::<T>::iter_keys().take(MOST_DISPUTES) {
			// One of those who said the same speaks for all.
			let mut heard: Vec<H256> = Vec::new();
			for worker in workers {
				let Some(stand) = Self::stand(now, request, worker) else { continue };
				if heard.contains(&stand.said) || !stand.is_asked() {
					continue;
				}
				if sp_io::offchain::timestamp() >= until {
					return;
				}
				// What the pool has taken needs a while to change the dispute.
				let subject = Subject::Answer(stand.subject());
				if !failures.begin(subject, now) {
					continue;
				}
				match Self::speak(&stand, worker, &failures, now) {
					Ok(true) => heard.push(stand.said),
					// The pool has something else of this worker; the next block is early enough.
					Ok(false) => failures.worked(subject),
					Err(error) => Self::report(now, request, worker, &error),
				}
			}
		}
	}

	/// What the worker's seat has said of a request in dispute.
	fn stand(now: BlockNumberFor<T>, id: RequestId, worker: &Worker<T>) -> Option<Stand<T>> {
		let request = Requests::<T>::get(id)?;
		let RequestState::Disputed { committee, until, .. } = request.state else { return None };
		// What is said now is heard in the next block at the earliest.
		if until <= now {
			return None;
		}
		let seat = committee.iter().find(|seat| seat.operator == worker.operator)?;
		let SeatStatus::Revealed(said) = seat.status else { return None };
		let dispute = Disputes::<T>::get(id)?;
		Some(Stand { request: id, version: request.version, dispute, said })
	}

	/// Says what comes next. `false` if the pool did not take it.
	fn speak(
		stand: &Stand<T>,
		worker: &Worker<T>,
		failures: &Failures<BlockNumberFor<T>>,
		now: BlockNumberFor<T>,
	) -> Result<bool, WorkError> {
		let planted = match worker.fault {
			Some(Fault::Corrupt(planted)) => Some(planted),
			_ => None,
		};
		let trace = Self::record(stand.request, stand.version, planted, failures, now)?;
		let known = player::known(&trace).ok_or(WorkError::NoEvidence)?;
		if known.answer != Some(stand.said) {
			// It was wrong, and can only lose.
			return Err(WorkError::SaidSomethingElse);
		}
		let next = player::next(&stand.dispute, &known);
		if matches!(next, Next::Wait | Next::Challenge) {
			return Ok(true);
		}
		let request = stand.request;
		let call = match player::say(&trace, &next).ok_or(WorkError::NoEvidence)? {
			Said::Play { claim, step } => {
				let step: MoveOf<T> = match step {
					Move::Open { root, end, path, witness } => {
						Move::Open { root, end, path, witness: witness.into() }
					},
					Move::Descend(children) => Move::Descend(children),
				};
				Call::play { request, claim, step }
			},
			Said::Settle { before, witness } => {
				let witness: WitnessOf<T> = witness.into();
				Call::settle { request, before, witness }
			},
		};
		log::debug!(target: LOG_TARGET, "{:?} plays in request {request}: {next:?}", worker.operator);
		let signer = Signer::<T, T::AuthorityId>::all_accounts()
			.with_filter(vec![worker.account.public.clone()]);
		let sent = signer.send_signed_transaction(|_| call.clone());
		Ok(sent.iter().any(|(_, result)| result.is_ok()))
	}

	/// Records the run of a request, with a wrong result where one is planted.
	pub(super) fn record(
		id: RequestId,
		version: VersionId,
		planted: Option<Planted>,
		failures: &Failures<BlockNumberFor<T>>,
		now: BlockNumberFor<T>,
	) -> Result<Recorded, WorkError> {
		let input = Inputs::<T>::get(id).ok_or(WorkError::Gone)?;
		let manifest = T::Models::manifest(version).ok_or(WorkError::Gone)?;
		let Manifest { architecture, artifact, .. } = &manifest;
		let program = Program::new(architecture, &input).map_err(WorkError::Engine)?;
		if program.steps() > MOST_STEPS || architecture.work(&input) > MOST_WORK {
			return Err(WorkError::TooLongToRecord);
		}
		let weights = Subject::Weights(version);
		if !failures.begin(weights, now) {
			return Err(WorkError::TooEarly(weights));
		}
		let until = sp_io::offchain::timestamp().add(FETCH_TIME);
		let bytes =
			artifact::fetch(artifact, until).map_err(|error| WorkError::Artifact(error, None))?;
		if pages_root(&bytes) != manifest.pages {
			return Err(WorkError::OtherPages);
		}
		failures.worked(weights);
		let fault = planted.and_then(|planted| planted.fault(&program));
		Recorded::record_within(&program, bytes, fault, LIMITS).map_err(WorkError::Engine)
	}

	/// The answer of a run with a wrong result where one is planted.
	pub(super) fn corrupted(
		id: RequestId,
		version: VersionId,
		planted: Planted,
		now: BlockNumberFor<T>,
	) -> Result<Output, WorkError> {
		let failures = Failures::of(Self::genesis_hash());
		let trace = Self::record(id, version, Some(planted), &failures, now)?;
		match trace.end().map_err(|_| WorkError::NoEvidence)?.3 {
			End::Output(output) => Output::try_from(output).map_err(|_| WorkError::OutputTooLong),
			End::Fault => Err(WorkError::NoEvidence),
		}
	}
}

impl<T: Config> Stand<T> {
	/// Whether anything can be said for what the worker has said: to find out what, its run has to
	/// be recorded.
	fn is_asked(&self) -> bool {
		let mut claims = self.dispute.claims.iter().filter(|it| it.answer == Some(self.said));
		claims.any(|claim| match (&self.dispute.contest, self.dispute.side(claim.id)) {
			(Contest::Won, _) => false,
			_ if claim.opening.is_none() => claim.challenger.is_none(),
			(Contest::Descending { moves, .. }, Some(side)) => {
				moves.get(side).is_some_and(Option::is_none)
			},
			(Contest::Settling { .. }, side) => side.is_some(),
			_ => false,
		})
	}

	/// What is asked of the worker, which it says once: until the dispute has changed, again after
	/// longer and longer pauses.
	fn subject(&self) -> H256 {
		let shown = self.dispute.claims.iter().filter(|claim| claim.opening.is_some()).count();
		let asked = (self.request, self.said, shown as u32, &self.dispute.contest);
		H256(asked.using_encoded(blake2_256))
	}
}
