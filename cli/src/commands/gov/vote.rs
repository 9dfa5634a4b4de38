//! Votes on referenda, one's own and delegated ones.

use super::{
	referendum, status,
	tracks::{self, Track},
};
use crate::{
	args::gov::{Conviction, Delegate, Side, Undelegate, Vote, VoteWeight},
	chain::{account_of, At, Balance, BlockNumber, Chain},
	error::{Error, Result},
	Session,
};
use serde_json::json;
use subxt::{dynamic::Value, ext::scale_value::ValueDef, utils::AccountId32};

pub const PALLET: &str = "ConvictionVoting";
/// The bit of a vote that says aye.
pub const AYE: u8 = 0b1000_0000;
/// The bits that are its conviction.
pub const LEVEL: u8 = !AYE;

/// For how many periods a conviction locks tokens if their side wins.
pub fn periods(level: u8) -> u32 {
	match level {
		0 => 0,
		level => 1u32.checked_shl(u32::from(level) - 1).unwrap_or(u32::MAX),
	}
}

/// An account, as a call names it.
pub fn target(account: &AccountId32) -> Value {
	Value::unnamed_variant("Id", [Value::from_bytes(account.0)])
}

impl Conviction {
	/// As the chain counts it.
	fn level(self) -> u8 {
		match self {
			Self::None => 0,
			Self::X1 => 1,
			Self::X2 => 2,
			Self::X3 => 3,
			Self::X4 => 4,
			Self::X5 => 5,
			Self::X6 => 6,
		}
	}

	/// As the chain names it.
	fn name(self) -> String {
		match self.level() {
			0 => "None".into(),
			level => format!("Locked{level}x"),
		}
	}

	/// For how many periods tokens are locked if their side wins.
	fn periods(self) -> u32 {
		periods(self.level())
	}

	/// How many votes so many tokens are.
	fn votes(self, tokens: Balance) -> Balance {
		match self.level() {
			0 => tokens / 10,
			level => tokens.saturating_mul(level.into()),
		}
	}

	/// What it costs, for people.
	fn lock_text(self, period: Option<BlockNumber>) -> String {
		match (self.periods(), period) {
			(0, _) => "no lock".into(),
			(periods, Some(period)) => {
				format!(
					"locked for {} blocks after the end if that side wins",
					period.saturating_mul(periods)
				)
			},
			(periods, None) => format!("locked for {periods} periods if that side wins"),
		}
	}
}

/// The byte of a vote.
fn ballot(side: Side, conviction: Conviction) -> u8 {
	match side {
		Side::Aye => AYE | conviction.level(),
		Side::Nay => conviction.level(),
	}
}

pub async fn vote(session: &Session, args: Vote) -> Result<()> {
	let Vote { referendum: index, side, weight } = args;
	let chain = session.connect().await?;
	let at = chain.best().await?;
	referendum::ongoing(&chain, &at, index).await?;
	let amount = amount(&chain, &weight)?;
	let vote = Value::named_variant(
		"Standard",
		[
			("vote", Value::u128(ballot(side, weight.conviction).into())),
			("balance", Value::u128(amount)),
		],
	);
	let signer = session.signer(&chain).await?;
	chain.execute(&signer, PALLET, "vote", (index, vote)).await?;
	let lock = weight.conviction.lock_text(chain.constant(&at, PALLET, "VoteLockingPeriod"));
	let votes = weight.conviction.votes(amount);
	let side = match side {
		Side::Aye => "aye",
		Side::Nay => "nay",
	};
	session.output.note(format!(
		"{} voted {side} with {}, {lock}",
		account_of(&signer),
		chain.token.show(amount)
	));
	let view = status::View::of(&chain, &chain.best().await?, index).await?;
	let mut document = view.json();
	document["vote"] = json!({
		"side": side,
		"amount": amount.to_string(),
		"votes": votes.to_string(),
		"lock_periods": weight.conviction.periods(),
	});
	session.output.result(&document, || view.text(&chain));
	Ok(())
}

fn amount(chain: &Chain, weight: &VoteWeight) -> Result<Balance> {
	match weight.amount.of(&chain.token).map_err(Error::usage)? {
		0 => Err(Error::usage("nothing can't vote").hint("--amount above 0")),
		amount => Ok(amount),
	}
}

pub async fn delegate(session: &Session, args: Delegate) -> Result<()> {
	let Delegate { to, tracks: names, weight } = args;
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let all = tracks::all(&chain, &at)?;
	let tracks = tracks::named(&all, &names)?;
	let amount = amount(&chain, &weight)?;
	let signer = session.signer(&chain).await?;
	// One after the other: two of them don't fit into one block.
	for track in &tracks {
		session.output.note(format!("delegating on {} …", track.name()));
		let conviction = Value::unnamed_variant(weight.conviction.name(), []);
		let call = (track.id, target(&to.0), conviction, amount);
		chain.execute(&signer, PALLET, "delegate", call).await?;
	}
	let names = names_of(&tracks);
	let document = json!({
		"from": account_of(&signer),
		"to": to.0,
		"tracks": names,
		"amount": amount.to_string(),
		"votes": weight.conviction.votes(amount).to_string(),
	});
	session.output.result(&document, || {
		let (who, shown) = (account_of(&signer), chain.token.show(amount));
		format!("{} votes with {shown} of {who} on {}", to.0, names.join(", "))
	});
	Ok(())
}

pub async fn undelegate(session: &Session, args: Undelegate) -> Result<()> {
	let chain = session.connect().await?;
	let at = chain.best().await?;
	let all = tracks::all(&chain, &at)?;
	let tracks = tracks::named(&all, &args.tracks)?;
	let signer = session.signer(&chain).await?;
	let mut delegated = Vec::new();
	for track in tracks {
		if delegates(&chain, &at, &account_of(&signer), track).await? {
			delegated.push(track);
		}
	}
	if delegated.is_empty() {
		return Err(Error::failed(format!("{} delegates no votes there", account_of(&signer)))
			.because("NotDelegating")
			.hint("name the tracks on which it does"));
	}
	for track in &delegated {
		chain.execute(&signer, PALLET, "undelegate", (track.id,)).await?;
	}
	let names = names_of(&delegated);
	session
		.output
		.result(&json!({ "from": account_of(&signer), "tracks": names }), || {
			format!("{} votes itself on {}", account_of(&signer), names.join(", "))
		});
	Ok(())
}

/// Whether somebody else votes for `account` on a track.
async fn delegates(chain: &Chain, at: &At, account: &AccountId32, track: &Track) -> Result<bool> {
	let voting: Option<Value> = chain.stored(at, PALLET, "VotingFor", (*account, track.id)).await?;
	let is_delegating = |voting: &Value| match &voting.value {
		ValueDef::Variant(kind) => kind.name == "Delegating",
		_ => false,
	};
	Ok(voting.as_ref().is_some_and(is_delegating))
}

fn names_of(tracks: &[&Track]) -> Vec<String> {
	tracks.iter().map(|track| track.name().to_owned()).collect()
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn ballot_should_have_the_side_in_its_highest_bit() {
		assert_eq!(ballot(Side::Nay, Conviction::None), 0);
		assert_eq!(ballot(Side::Nay, Conviction::X6), 6);
		assert_eq!(ballot(Side::Aye, Conviction::None), 128);
		assert_eq!(ballot(Side::Aye, Conviction::X1), 129);
	}

	#[test]
	fn conviction_should_be_what_the_chain_makes_of_it() {
		let of = |conviction: Conviction| {
			(conviction.name(), conviction.periods(), conviction.votes(100))
		};
		assert_eq!(of(Conviction::None), ("None".into(), 0, 10));
		assert_eq!(of(Conviction::X1), ("Locked1x".into(), 1, 100));
		assert_eq!(of(Conviction::X3), ("Locked3x".into(), 4, 300));
		assert_eq!(of(Conviction::X6), ("Locked6x".into(), 32, 600));
		assert_eq!(Conviction::None.lock_text(Some(10)), "no lock");
		assert!(Conviction::X3.lock_text(Some(10)).starts_with("locked for 40 blocks"));
	}
}
