//! What is said to the chain: challenges and moves.

use super::{decide::Act, Task, Watcher};
use crate::{
	chain::{At, Balance, Submitted},
	commands::{
		dispute::{find, PALLET},
		hex0x,
	},
	error::{Error, Kind, Result},
};
use codec::Encode;
use dodona_engine::trace::Program;
use dodona_primitives_inference::{
	player::{say, Next, Said},
	Move,
};
use serde_json::{json, Value};
use std::collections::BTreeSet;
use subxt::utils::Static;

/// Blocks after which what the chain refused is tried again.
const PAUSE: u64 = 4;

impl Watcher<'_> {
	/// Sends what there is to say, and waits until it is in a block.
	pub async fn perform(&mut self, at: &At, tasks: Vec<Task>) -> Result<()> {
		let now = at.block_number();
		let mut nonce = None;
		let mut sent: Vec<(Task, Value, Submitted)> = Vec::new();
		let mut at_stake = self.at_stake(at).await?;
		for task in tasks {
			let waits = |(act, until): &(Act, u64)| *act == task.act && now < *until;
			if self.pauses.get(&task.id).is_some_and(waits) {
				continue;
			}
			if task.act == Act::Challenge {
				if let Some(reason) = self.objection(&task, at_stake) {
					self.pause(&task, now.saturating_add(u64::from(task.until)));
					let document = json!({ "model": task.case.name, "reason": reason.0 });
					let text =
						format!("the answer of {} is WRONG, but {}", task.case.name, reason.1);
					self.tell("unchallenged", task.id, document, text);
					continue;
				}
				at_stake = at_stake.saturating_add(task.bond);
			}
			let next = match nonce {
				Some(nonce) => nonce,
				None => self.chain.nonce(&self.me).await?,
			};
			match self.submit(at, &task, next).await {
				Ok(None) => {},
				Ok(Some((document, submitted))) => {
					nonce = Some(next.saturating_add(1));
					sent.push((task, document, submitted));
				},
				Err(error) => self.refused(&task, error, now)?,
			}
		}
		for (task, mut document, submitted) in sent {
			match self.chain.included(submitted).await {
				Ok(included) => {
					if let Value::Object(fields) = &mut document {
						fields.insert("block".into(), included.block.into());
						fields.insert("fee".into(), included.fee().to_string().into());
					}
					self.playing.insert(task.id);
					let (event, text) = told(&task.act);
					let text = format!("{text}, in block {}", included.block);
					self.tell(event, task.id, document, text);
				},
				Err(error) => self.refused(&task, error, now)?,
			}
		}
		Ok(())
	}

	/// What this account has in bonds.
	async fn at_stake(&self, at: &At) -> Result<Balance> {
		let mut sum: Balance = 0;
		for id in self.bonds.iter().map(|(id, _)| *id).collect::<BTreeSet<_>>() {
			let Some((info, _)) = find(self.chain, at, id).await? else { continue };
			let challengers = info.dispute.claims.iter().filter_map(|it| it.challenger.as_ref());
			let mine = challengers.filter(|challenger| challenger.who == self.me);
			sum = mine.fold(sum, |sum, challenger| sum.saturating_add(challenger.bond));
		}
		Ok(sum)
	}

	/// Why an answer can't be challenged, for scripts and for people.
	fn objection(&self, task: &Task, at_stake: Balance) -> Option<(&'static str, String)> {
		if Program::new(&task.case.version.manifest.architecture, &task.input).is_err() {
			return Some((
				"NotDecidable",
				"the runtime can't decide what this model answers".into(),
			));
		}
		let needed = at_stake.saturating_add(task.bond);
		(needed > self.budget).then(|| {
			let [bond, left] = [task.bond, self.budget.saturating_sub(at_stake)]
				.map(|amount| self.chain.token.show(amount));
			("OverBudget", format!("a challenge takes {bond}, and {left} of the budget are left"))
		})
	}

	fn pause(&mut self, task: &Task, until: u64) {
		self.pauses.insert(task.id, (task.act.clone(), until));
	}

	/// The chain, or the node's pool, did not take it. Often somebody else was faster.
	fn refused(&mut self, task: &Task, error: Error, now: u64) -> Result<()> {
		if error.kind == Kind::Unreachable {
			return Err(error);
		}
		self.pause(task, now.saturating_add(PAUSE));
		let document = json!({ "reason": error.reason, "message": error.message });
		self.tell("refused", task.id, document, &error.message);
		Ok(())
	}

	/// Sends what a task says, if it says something.
	async fn submit(
		&mut self,
		at: &At,
		task: &Task,
		nonce: u64,
	) -> Result<Option<(Value, Submitted)>> {
		let (chain, signer, id) = (self.chain, &self.signer, task.id);
		let submitted = match &task.act {
			Act::Challenge => {
				let Some(answer) = self.answers.get(&id) else { return Ok(None) };
				let output = answer.output().map(<[u8]>::to_vec);
				let document = json!({
					"answer": answer.hash().map(hex0x),
					"bond": task.bond.to_string(),
					"bytes": output.encoded_size(),
				});
				let call = (id, Static(output));
				(document, chain.submit(signer, nonce, PALLET, "challenge", call).await?)
			},
			Act::Adjudicate => {
				let weights = self.weights.get(chain, at, &task.case.version).await?;
				let document = json!({ "bytes": weights.len() });
				let call = (id, Static(weights.to_vec()));
				(document, chain.submit(signer, nonce, PALLET, "adjudicate", call).await?)
			},
			Act::Say(next) => {
				let Some(said) = self.traces.get(&id).and_then(|trace| say(trace, next)) else {
					return Err(Error::failed("there is no evidence that fits into a call"));
				};
				let bytes = said.encoded_size();
				match said {
					Said::Play { claim, step } => {
						let kind = match step {
							Move::Open { .. } => "open",
							Move::Descend(_) => "descend",
						};
						let document = json!({ "move": kind, "claim": claim, "bytes": bytes });
						let call = (id, claim, Static(step));
						(document, chain.submit(signer, nonce, PALLET, "play", call).await?)
					},
					Said::Settle { before, witness } => {
						let document = json!({ "move": "settle", "bytes": bytes });
						let call = (id, Static(before), Static(witness));
						(document, chain.submit(signer, nonce, PALLET, "settle", call).await?)
					},
				}
			},
			Act::Nothing | Act::FindAnswer | Act::Record => return Ok(None),
		};
		Ok(Some(submitted))
	}
}

/// What was done, for scripts and for people.
fn told(act: &Act) -> (&'static str, &'static str) {
	match act {
		Act::Challenge => ("challenged", "the answer is WRONG: challenged"),
		Act::Adjudicate => ("adjudicated", "had the runtime run the model"),
		Act::Say(Next::Open { .. }) => ("moved", "showed the trace"),
		Act::Say(Next::Descend { .. }) => ("moved", "said what is below the node"),
		Act::Say(_) => ("moved", "had the runtime execute the step"),
		Act::Nothing | Act::FindAnswer | Act::Record => ("waited", "waited"),
	}
}
