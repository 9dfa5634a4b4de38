//! The way of a request through the blocks.

use super::Info;
use crate::chain::{number, BlockNumber};
use dodona_primitives_inference::RequestState;
use serde_json::{json, Value};

/// The block of each step, as far as they have happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Progress {
	requested: BlockNumber,
	attempt: u32,
	committee: Option<BlockNumber>,
	agreed: Option<BlockNumber>,
	finalized: Option<BlockNumber>,
	failed: Option<BlockNumber>,
}

impl Progress {
	pub fn new(requested: BlockNumber) -> Self {
		Self { requested, attempt: 0, committee: None, agreed: None, finalized: None, failed: None }
	}

	/// Takes note of the request's state after this block; returns what is new, for people.
	pub fn observe(&mut self, block: u64, info: &Info) -> Vec<String> {
		let block = number(block);
		let request = &info.request;
		let mut news = Vec::new();
		if let Some(committee) = request.state.committee() {
			if request.attempt > self.attempt {
				self.attempt = request.attempt;
				self.committee = Some(block);
				news.push(format!("a committee of {} is drawn in block {block}", committee.len()));
			}
		}
		if self.agreed.is_none() && info.agreed_at.is_some() {
			self.agreed = info.agreed_at;
			news.push(format!("a quorum agrees in block {block}"));
		}
		match request.state {
			RequestState::Finalized { at, .. } if self.finalized.is_none() => {
				self.finalized = Some(at);
				news.push(format!("the answer is final in block {at}"));
			},
			RequestState::Failed { at, .. } if self.failed.is_none() => {
				self.failed = Some(at);
				news.push(format!("the request fails in block {at}"));
			},
			_ => {},
		}
		news
	}

	pub fn json(&self) -> Value {
		json!({
			"request": self.requested,
			"committee": self.committee,
			"agreed": self.agreed,
			"final": self.finalized,
			"failed": self.failed,
		})
	}

	/// One line, with the distances from the request.
	pub fn text(&self) -> String {
		let mut steps = vec![format!("request {}", self.requested)];
		let named = [
			("committee", self.committee),
			("agreed", self.agreed),
			("final", self.finalized),
			("failed", self.failed),
		];
		for (name, block) in named {
			if let Some(block) = block {
				let distance = block.saturating_sub(self.requested);
				steps.push(format!("{name} {block} (+{distance})"));
			}
		}
		steps.join(", ")
	}
}

/// What the request waits for.
pub fn waiting_for(info: &Info) -> String {
	match &info.request.state {
		RequestState::Queued { .. } => "waiting for a committee".into(),
		RequestState::Committing { until, .. } => {
			format!("the committee computes, until block {until}")
		},
		RequestState::Revealing { until, .. } => {
			format!("the committee reveals, until block {until}")
		},
		RequestState::Agreed { until, .. } => format!("open to challenge until block {until}"),
		RequestState::Disputed { .. } => "in dispute".into(),
		RequestState::Finalized { .. } | RequestState::Failed { .. } => String::new(),
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use dodona_primitives_inference::{FailureReason, Request, Seat, SeatStatus};
	use dodona_primitives_models::VersionId;

	type State = RequestState<subxt::utils::AccountId32, BlockNumber>;

	fn info(attempt: u32, state: State, agreed_at: Option<BlockNumber>) -> Info {
		let request = Request {
			requester: [0; 32].into(),
			version: VersionId { model: 0, number: 1 },
			fee: 5,
			created: 10,
			attempt,
			state,
		};
		Info { id: 0, request, outputs: vec![], agreed_at }
	}

	fn committing(attempt: u32) -> Info {
		let seat = Seat { operator: [1; 32].into(), status: SeatStatus::Assigned };
		let committee = vec![seat].try_into().unwrap();
		info(attempt, State::Committing { committee, until: 20 }, None)
	}

	#[test]
	fn progress_should_name_the_first_block_of_each_step() {
		let mut progress = Progress::new(10);
		assert!(progress.observe(10, &info(0, State::Queued { since: 10 }, None)).is_empty());
		assert_eq!(progress.observe(11, &committing(1)).len(), 1);
		assert!(progress.observe(12, &committing(1)).is_empty());
		let outcome = Default::default();
		let committee = Default::default();
		let agreed = State::Agreed { committee, outcome, until: 16 };
		progress.observe(13, &info(1, agreed, Some(13)));
		let committee = Default::default();
		let done = State::Finalized { committee, outcome, at: 17 };
		progress.observe(17, &info(1, done, Some(13)));
		assert_eq!(progress.text(), "request 10, committee 11 (+1), agreed 13 (+3), final 17 (+7)");
		assert_eq!(
			progress.json(),
			json!({ "request": 10, "committee": 11, "agreed": 13, "final": 17, "failed": null })
		);
	}

	#[test]
	fn progress_should_name_the_last_committee_when_one_failed() {
		let mut progress = Progress::new(10);
		progress.observe(11, &committing(1));
		progress.observe(21, &info(1, State::Queued { since: 21 }, None));
		progress.observe(22, &committing(2));
		let failed = State::Failed { reason: FailureReason::NoQuorum, at: 33 };
		progress.observe(33, &info(2, failed, None));
		assert_eq!(progress.text(), "request 10, committee 22 (+12), failed 33 (+23)");
	}
}
