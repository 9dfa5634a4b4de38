//! Standing up for what a worker has said: plays for its claim in a dispute.
//!
//! What is to be said next is read off the dispute, and computed again each time: here, or by an
//! engine server, which keeps what it has recorded.

use super::{
	failures::{Failures, Subject},
	runs::Run,
	switches::Fault,
	WorkError, Worker,
};
use crate::{
	moves::{MoveOf, WitnessOf},
	Assignments, Call, Config, DisputeOf, Disputes, Pallet, Requests, LOG_TARGET,
};
use alloc::{collections::BTreeSet, vec};
use codec::Encode;
use dodona_primitives_inference::{
	player::{self, Next, Planted, Said},
	Contest, Move, Output, RequestId, RequestState, SeatStatus,
};
use dodona_primitives_models::VersionId;
use frame_system::{
	offchain::{SendSignedTransaction, Signer},
	pallet_prelude::BlockNumberFor,
};
use sp_core::H256;
use sp_io::hashing::blake2_256;
use sp_runtime::offchain::{Duration, Timestamp};

/// How long an engine server may take to say what a corrupt run ends in, or that it is at it.
const ASK_TIME: Duration = Duration::from_millis(1_000);

/// Most disputes that are looked at after a block.
const MOST_DISPUTES: usize = 64;

/// What a worker has said, and how it is disputed.
struct Stand<T: Config> {
	request: RequestId,
	attempt: u32,
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
		// One of those who said the same speaks for all.
		let mut heard = BTreeSet::<(RequestId, H256)>::new();
		for worker in workers {
			// Only a worker's own: others can't keep it from them, however many there are.
			let own = Assignments::<T>::iter_key_prefix(&worker.operator);
			let disputed = own.filter(|request| Disputes::<T>::contains_key(request));
			for request in disputed.take(MOST_DISPUTES) {
				let Some(stand) = Self::stand(now, request, worker) else { continue };
				if heard.contains(&(request, stand.said)) || !stand.is_asked() {
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
				let spoken = Self::speak(&stand, worker, &failures, now, until);
				if matches!(spoken, Ok(true) | Err(WorkError::Computing)) {
					heard.insert((request, stand.said));
				}
				// The pool has something else of this worker, or the engine server is at it: the next block
				// is early enough.
				if matches!(spoken, Ok(false) | Err(WorkError::Computing)) {
					failures.worked(subject);
				}
				if let Err(error) = spoken {
					Self::report(now, request, worker, &error);
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
		Some(Stand {
			request: id,
			attempt: request.attempt,
			version: request.version,
			dispute,
			said,
		})
	}

	/// Says what comes next. `false` if the pool did not take it.
	fn speak(
		stand: &Stand<T>,
		worker: &Worker<T>,
		failures: &Failures<BlockNumberFor<T>>,
		now: BlockNumberFor<T>,
		until: Timestamp,
	) -> Result<bool, WorkError> {
		let planted = match worker.fault {
			Some(Fault::Corrupt(planted)) => Some(planted),
			_ => None,
		};
		let run = Run::of::<T>(stand.request, stand.version, planted, now, until, failures)?;
		let known = run.known()?;
		if known.answer != Some(stand.said) {
			// It was wrong, and can only lose.
			return Err(WorkError::SaidSomethingElse);
		}
		let next = player::next_of_seat(&stand.dispute, &known);
		if next == Next::Wait {
			return Ok(true);
		}
		let request = stand.request;
		let call = match run.say(&next)? {
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

	/// The answer of a run with a wrong result where one is planted.
	pub(super) fn corrupted(
		id: RequestId,
		version: VersionId,
		planted: Planted,
		now: BlockNumberFor<T>,
	) -> Result<Output, WorkError> {
		let failures = Failures::of(Self::genesis_hash());
		let until = sp_io::offchain::timestamp().add(ASK_TIME);
		Run::of::<T>(id, version, Some(planted), now, until, &failures)?.output()
	}
}

impl<T: Config> Stand<T> {
	/// Whether anything can be said for what the worker has said: to find out what, its run has to
	/// be recorded.
	fn is_asked(&self) -> bool {
		// As long as two play, another seat may have shown a wrong trace for it.
		let is_over = self.dispute.contest == Contest::Won;
		!is_over || !self.dispute.claims.iter().any(|claim| claim.answer == Some(self.said))
	}

	/// What is asked of the worker, which it says once: until the dispute has changed, again after
	/// longer and longer pauses.
	fn subject(&self) -> H256 {
		let shown = self.dispute.claims.iter().filter(|claim| claim.opening.is_some()).count();
		let asked = (self.request, self.attempt, self.said, shown as u32, &self.dispute.contest);
		H256(asked.using_encoded(blake2_256))
	}
}
