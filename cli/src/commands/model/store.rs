//! Chunks onto the chain: those that it does not keep, and again where it was interrupted.

use super::{artifact::Piece, keep::record};
use crate::{
	chain::{account_of, At, Balance, Chain, Submitted},
	error::{Error, Result},
	Session,
};
use dodona_primitives_models::{chunk_cid, ArtifactRef};
use indicatif::ProgressBar;
use std::{
	collections::{BTreeSet, VecDeque},
	time::Instant,
};
use subxt::utils::Static;
use subxt_signer::sr25519::Keypair;

const STORAGE: &str = "TransactionStorage";
/// Chunks that are sent before the first of them has to be in a block: a little more than fit into
/// one, so that none is left half empty.
const IN_FLIGHT: usize = 8;
/// How often it is looked for chunks that are not there although they were sent.
const ROUNDS: u32 = 5;
/// Blocks after which transactions of an earlier run are not waited for any more.
const SETTLING: u32 = 20;

/// What was stored.
#[derive(Debug, Default)]
pub struct Stored {
	pub pieces: usize,
	pub bytes: u64,
	pub seconds: f64,
	pub fees: Balance,
}

impl Stored {
	/// In MiB per second.
	pub fn rate(&self) -> f64 {
		if self.seconds > 0.0 {
			self.bytes as f64 / (1024.0 * 1024.0) / self.seconds
		} else {
			0.0
		}
	}
}

/// The pieces that the chain does not keep, each once.
pub async fn missing<'a>(chain: &Chain, at: &At, pieces: &[Piece<'a>]) -> Result<Vec<Piece<'a>>> {
	let mut seen = BTreeSet::new();
	let mut missing = Vec::new();
	for piece in pieces {
		if seen.insert(piece.hash) && record(chain, at, piece.hash).await?.is_none() {
			missing.push(*piece);
		}
	}
	Ok(missing)
}

/// Stores the pieces that the chain does not keep.
pub async fn store(
	session: &Session,
	chain: &Chain,
	signer: &Keypair,
	pieces: &[Piece<'_>],
) -> Result<Stored> {
	settle(session, chain, signer).await?;
	let start = Instant::now();
	let mut stored = Stored::default();
	let mut left = usize::MAX;
	let mut idle = 0;
	let mut blocks = chain.blocks().await?;
	loop {
		let missing = missing(chain, &chain.best().await?, pieces).await?;
		// A fork may have taken chunks away, or somebody else the room in a block.
		idle = if missing.len() < left { 0 } else { idle + 1 };
		left = missing.len();
		if left == 0 {
			stored.seconds = start.elapsed().as_secs_f64();
			return Ok(stored);
		}
		if idle == ROUNDS {
			return Err(Error::failed(format!("{left} chunks can't be stored: blocks are full"))
				.hint("run it again later: what is stored stays"));
		}
		if idle > 0 {
			chain.block_after(&mut blocks, &chain.best().await?).await?;
		}
		let bytes = missing.iter().map(|piece| piece.len as u64).sum();
		let bar = session.output.bytes(bytes, "storing");
		round(chain, signer, &missing, &bar, &mut stored).await?;
		bar.finish_and_clear();
	}
}

/// Waits for transactions of an earlier run that are still on their way: they may store the same.
async fn settle(session: &Session, chain: &Chain, signer: &Keypair) -> Result<()> {
	let account = account_of(signer);
	let mut blocks = chain.blocks().await?;
	for _ in 0..SETTLING {
		let at = chain.best().await?;
		if chain.nonce(&account).await? <= chain.nonce_at(&at, &account).await? {
			break;
		}
		session.output.note("waiting for transactions that are on their way …");
		chain.block_after(&mut blocks, &at).await?;
	}
	Ok(())
}

/// Sends each of the pieces once.
async fn round(
	chain: &Chain,
	signer: &Keypair,
	pieces: &[Piece<'_>],
	bar: &ProgressBar,
	stored: &mut Stored,
) -> Result<()> {
	let mut nonce = chain.nonce(&account_of(signer)).await?;
	let mut waiting: VecDeque<(usize, Submitted)> = VecDeque::new();
	for piece in pieces {
		if waiting.len() == IN_FLIGHT {
			if let Some((len, submitted)) = waiting.pop_front() {
				included(chain, len, submitted, bar, stored).await?;
			}
		}
		// Nodes index the last bytes of an extrinsic: the call has to be the whole of it.
		let call = (Static(piece.read()?),);
		match chain.submit(signer, nonce, STORAGE, "store", call).await {
			Ok(submitted) => waiting.push_back((piece.len, submitted)),
			Err(error) if is_passing(&error) => break,
			Err(error) => return Err(error),
		}
		nonce += 1;
	}
	for (len, submitted) in waiting {
		included(chain, len, submitted, bar, stored).await?;
	}
	Ok(())
}

async fn included(
	chain: &Chain,
	len: usize,
	submitted: Submitted,
	bar: &ProgressBar,
	stored: &mut Stored,
) -> Result<()> {
	match chain.included(submitted).await {
		Ok(included) => {
			stored.fees += included.fee();
			stored.pieces += 1;
			stored.bytes += len as u64;
		},
		// Somebody else was faster, with the same chunk or with others: that is looked at anew.
		Err(error) if is_passing(&error) => {},
		Err(error) => return Err(error),
	}
	bar.inc(len as u64);
	Ok(())
}

fn is_passing(error: &Error) -> bool {
	let name = error.reason.as_deref().and_then(|reason| reason.rsplit('.').next());
	if let Some(name) = name {
		return matches!(name, "AlreadyStored" | "BlockFull");
	}
	// A nonce that was taken meanwhile, or a full pool. The pool has no names for its errors.
	let texts = ["priority", "outdated", "temporarily banned", "already imported", "dropped"];
	let message = error.message.to_lowercase();
	texts.iter().any(|text| message.contains(text))
}

/// Checks that the node serves the index of what was stored.
pub async fn read_back(chain: &Chain, artifact: &ArtifactRef) -> Result<()> {
	let missing = || {
		Error::failed("the node does not serve what is stored on the chain")
			.hint("publish to a node that keeps the chain's blocks (--blocks-pruning archive)")
	};
	let index = chain.chunk(&chunk_cid(artifact.index)).await?.ok_or_else(missing)?;
	artifact
		.open_index(&index)
		.map(|_| ())
		.ok_or_else(|| Error::failed("the node serves another index than was stored"))
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn chunks_should_be_looked_for_again_when_somebody_else_was_faster() {
		for (reason, passing) in [
			("TransactionStorage.AlreadyStored", true),
			("TransactionStorage.BlockFull", true),
			("TransactionStorage.TooLarge", false),
			("Token.FundsUnavailable", false),
		] {
			assert_eq!(is_passing(&Error::refused("no").because(reason)), passing, "{reason}");
		}
		for (message, passing) in [
			("The priority of the transaction is too low (pool 6 > current 6)", true),
			("Transaction is outdated", true),
			("Inability to pay some fees", false),
		] {
			let error = Error::refused(format!("TransactionStorage.store is not valid: {message}"));
			assert_eq!(is_passing(&error), passing, "{message}");
		}
	}

	#[test]
	fn rate_should_be_in_mebibytes_per_second() {
		let stored = Stored { bytes: 3 << 20, seconds: 2.0, ..Stored::default() };
		assert_eq!((stored.rate(), Stored::default().rate()), (1.5, 0.0));
	}
}
