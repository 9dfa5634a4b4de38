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
	audit: Option<BlockNumber>,
	finalized: Option<BlockNumber>,
	failed: Option<BlockNumber>,
}

impl Progress {
	pub fn new(requested: BlockNumber) -> Self {
		Self {
			requested,
			attempt: 0,
			committee: None,
			agreed: None,
			audit: None,
			finalized: None,
			failed: None,
		}
	}

	/// Takes note of the request's state after this block; returns what is new, for people.
	pub fn observe(&mut self, block: u64, info: &Info) -> Vec<String> {
		let block = number(block);
		let request = &info.request;
		let mut news = Vec::new();
		if let Some(committee) = request.state.committee() {
			if request.attempt > self.attempt {
				self.attempt = request.attempt;
				let seats = committee.len();
				news.push(match is_audited(info) {
					true => {
						self.audit = Some(block);
						format!(
							"a second committee of {seats} looks at the answer from block {block}"
						)
					},
					false => {
						self.committee = Some(block);
						format!("a committee of {seats} is drawn in block {block}")
					},
				});
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
			"audit": self.audit,
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
			("audit", self.audit),
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

/// Whether a quorum has agreed already, and a second committee is asked.
fn is_audited(info: &Info) -> bool {
	info.agreed_at.is_some()
}

/// What the request waits for.
pub fn waiting_for(info: &Info) -> String {
	match &info.request.state {
		RequestState::Queued { .. } if is_audited(info) => {
			"waiting for a second committee, to audit the answer".into()
		},
		RequestState::Committing { until, .. } if is_audited(info) => {
			format!("a second committee audits the answer, until block {until}")
		},
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
			json!({ "request": 10, "committee": 11, "agreed": 13, "audit": null, "final": 17, "failed": null })
		);
	}

	#[test]
	fn progress_should_tell_an_audit_from_another_attempt() {
		let mut progress = Progress::new(10);
		progress.observe(11, &committing(1));
		let queued = info(1, State::Queued { since: 16 }, Some(13));
		progress.observe(16, &queued);
		assert!(waiting_for(&queued).contains("second committee"));
		let audit = Info { agreed_at: Some(13), ..committing(2) };
		assert_eq!(progress.observe(18, &audit).len(), 1);
		assert!(waiting_for(&audit).contains("second committee"));
		assert_eq!(progress.text(), "request 10, committee 11 (+1), agreed 13 (+3), audit 18 (+8)");
		assert_eq!(progress.json()["audit"], 18);
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
