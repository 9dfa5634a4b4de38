//! Calls of the staking pallet, and what to do when it refuses one.

use super::PALLET;
use crate::{
	chain::{Chain, Included, Submitted},
	error::{Error, Result},
};
use subxt::ext::scale_encode::EncodeAsFields;
use subxt_signer::sr25519::Keypair;

/// Signs and sends a call of the pallet, and waits until it has succeeded.
pub async fn execute(
	chain: &Chain,
	signer: &Keypair,
	call: &str,
	args: impl EncodeAsFields,
) -> Result<Included> {
	chain.execute(signer, PALLET, call, args).await.map_err(advised)
}

/// Waits until a call of the pallet has succeeded.
pub async fn included(chain: &Chain, submitted: Submitted) -> Result<Included> {
	chain.included(submitted).await.map_err(advised)
}

/// Adds what to do about a refusal that is known by name.
fn advised(error: Error) -> Error {
	let Some(name) = error.reason.as_deref().and_then(|reason| reason.strip_prefix(PALLET)) else {
		return error;
	};
	match hint(name.trim_start_matches('.')) {
		Some(hint) => error.hint(hint),
		None => error,
	}
}

fn hint(reason: &str) -> Option<&'static str> {
	Some(match reason {
		"AlreadyBonded" => "bond more with `dodona worker bond-extra`",
		"NotBonded" => "see the operators with `dodona stake operators`",
		"OperatorIsHotKey" | "HotKeyIsOperator" | "HotKeyInUse" => {
			"a hot key is a key of its own, used for nothing else: make a new one"
		},
		"BondTooLow" => "keep the least bond or more, or unbond `all`",
		"NotEnoughBonded" | "NotEnoughUnbonding" => "see what there is with `dodona worker status`",
		"TooManyUnbonding" => "withdraw what has finished first, or wait: see `dodona stake show`",
		"ObligationsOpen" => {
			"`dodona worker pause`, and withdraw when `dodona worker status` shows no open seats"
		},
		"NothingToWithdraw" => "see from which block with `dodona stake show`",
		"AlreadyChilled" => "be drawn again with `dodona worker resume`",
		"SlashPending" => "see until when with `dodona stake pool <operator>`",
		"PoolClosed" | "PoolFull" | "NotAWorker" => {
			"choose another operator: `dodona stake operators`"
		},
		"CommissionTooHigh" => "see what it keeps with `dodona stake pool <operator>`",
		"DelegationTooLow" => "delegate more, or undelegate `all`",
		"NotDelegated" | "NotEnoughDelegated" => "see what is delegated with `dodona stake show`",
		"NothingToClaim" => "what is earned becomes due little by little: try again later",
		"CannotBePaid" => "fund the account with the existential deposit, or wait for more",
		_ => return None,
	})
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn refusal_should_come_with_a_hint_when_it_is_the_pallets() {
		let refused = |reason: &str| advised(Error::refused("no").because(reason)).hint;
		assert!(refused("ContributorStaking.PoolFull").is_some());
		assert_eq!(refused("Balances.PoolFull"), None);
		assert_eq!(refused("ContributorStaking.Unheard"), None);
		assert_eq!(advised(Error::failed("no")).hint, None);
	}
}
