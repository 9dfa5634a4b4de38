//! `dodona gov refund`: the deposits of a referendum that is over.

use super::{
	calls::{self, UTILITY},
	referendum::{self, Deposit, Index, Referendum},
};
use crate::{
	chain::Balance,
	error::{Error, Result},
	Session,
};
use serde_json::json;

const PALLET: &str = "Referenda";

/// What of a referendum's deposits comes back now, for submission and for the decision.
#[derive(Debug, Default, PartialEq, Eq)]
struct Due {
	submission: Option<Balance>,
	decision: Option<Balance>,
	/// What stays with the referendum that was not approved.
	kept: Option<Balance>,
}

impl Due {
	/// Refuses a referendum of which nothing comes back.
	fn of(referendum: &Referendum, index: Index) -> Result<Self> {
		let amount = |deposit: &Option<Deposit>| deposit.as_ref().map(|deposit| deposit.amount);
		let due = match referendum {
			Referendum::Ongoing(_) => {
				return Err(Error::failed(format!("referendum {index} goes on"))
					.because("Unfinished")
					.hint(format!("see how it stands with `dodona gov status {index}`")));
			},
			Referendum::Approved(_, submission, decision)
			| Referendum::Cancelled(_, submission, decision) => {
				Self { submission: amount(submission), decision: amount(decision), kept: None }
			},
			// Who proposes what voters don't want pays for it with the small one.
			Referendum::Rejected(_, submission, decision)
			| Referendum::TimedOut(_, submission, decision) => {
				Self { submission: None, decision: amount(decision), kept: amount(submission) }
			},
			Referendum::Killed(_) => Self::default(),
		};
		if due.submission.is_none() && due.decision.is_none() {
			return Err(Error::failed(format!("no deposit of referendum {index} comes back"))
				.because("NoDeposit")
				.hint(format!("see what became of it with `dodona gov status {index}`")));
		}
		Ok(due)
	}
}

pub async fn run(session: &Session, index: Index) -> Result<()> {
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let due = Due::of(&referendum::get(&chain, &at, index).await?, index)?;
	let mut steps = Vec::new();
	for (deposit, call) in
		[(due.decision, "refund_decision_deposit"), (due.submission, "refund_submission_deposit")]
	{
		if deposit.is_some() {
			steps.push(chain.call_data(&at, PALLET, call, (index,))?);
		}
	}
	let signer = session.signer(&chain).await?;
	let included = chain.execute(&signer, UTILITY, "batch_all", (calls::batched(steps),)).await?;
	let text = |amount: Option<Balance>| amount.map(|amount| amount.to_string());
	let document = json!({
		"referendum": index,
		"block": included.block,
		"submission": text(due.submission),
		"decision": text(due.decision),
		"kept": text(due.kept),
	});
	session.output.result(&document, || {
		let show = |amount: Balance| chain.token.show(amount);
		let mut lines = Vec::new();
		for (amount, what) in [(due.decision, "the decision"), (due.submission, "submission")] {
			lines.extend(amount.map(|amount| format!("{} for {what} are back", show(amount))));
		}
		let kept = due.kept.map(|kept| format!("{} for submission are lost", show(kept)));
		lines.extend(kept);
		lines.join("\n")
	});
	Ok(())
}

#[cfg(test)]
mod tests {
	use super::*;

	fn deposits() -> (Option<Deposit>, Option<Deposit>) {
		(Some(Deposit { amount: 1 }), Some(Deposit { amount: 10 }))
	}

	#[test]
	fn both_deposits_should_come_back_when_the_referendum_was_approved_or_cancelled() {
		for make in [Referendum::Approved, Referendum::Cancelled] {
			let (submission, decision) = deposits();
			let due = Due::of(&make(7, submission, decision), 3).unwrap();
			assert_eq!(due, Due { submission: Some(1), decision: Some(10), kept: None });
		}
	}

	#[test]
	fn only_the_decision_deposit_should_come_back_when_voters_did_not_want_it() {
		for make in [Referendum::Rejected, Referendum::TimedOut] {
			let (submission, decision) = deposits();
			let due = Due::of(&make(7, submission, decision), 3).unwrap();
			assert_eq!(due, Due { submission: None, decision: Some(10), kept: Some(1) });
		}
	}

	#[test]
	fn refund_should_be_refused_when_nothing_comes_back() {
		let (submission, _) = deposits();
		for nothing in [
			Referendum::Killed(7),
			Referendum::Approved(7, None, None),
			Referendum::TimedOut(7, submission, None),
		] {
			assert_eq!(Due::of(&nothing, 3).unwrap_err().reason.as_deref(), Some("NoDeposit"));
		}
	}
}
