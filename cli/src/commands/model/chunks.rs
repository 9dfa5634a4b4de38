//! Chunks from wherever they are: each is checked against its hash.

use super::mirror::Web;
use crate::{
	chain::Chain,
	error::{Error, Result},
};
use dodona_primitives_models::{chunk_cid, chunk_hash};
use std::cell::{Cell, OnceCell};

/// Where chunks come from: a node, and then mirrors.
pub struct Chunks<'a> {
	chain: &'a Chain,
	mirrors: Mirrors,
}

impl<'a> Chunks<'a> {
	pub fn new(chain: &'a Chain, mirrors: Vec<String>) -> Self {
		Self { chain, mirrors: Mirrors::new(mirrors) }
	}

	/// The chunk with this hash.
	pub async fn get(&self, hash: [u8; 32]) -> Result<Vec<u8>> {
		let fault = match self.chain.chunk(&chunk_cid(hash.into())).await {
			Ok(Some(bytes)) if chunk_hash(&bytes).0 == hash => return Ok(bytes),
			Ok(Some(_)) => "the node serves something else".to_owned(),
			Ok(None) => "the node does not have it".to_owned(),
			Err(error) if self.mirrors.addresses.is_empty() => return Err(error),
			Err(error) => error.message,
		};
		self.mirrors.get(hash, fault).await
	}

	/// How many came from mirrors.
	pub fn mirrored(&self) -> u64 {
		self.mirrors.used.get()
	}
}

/// Addresses of web servers that have chunks, too.
struct Mirrors {
	addresses: Vec<String>,
	web: OnceCell<Web>,
	/// How often one of them had what it was asked for.
	used: Cell<u64>,
}

impl Mirrors {
	fn new(addresses: Vec<String>) -> Self {
		Self { addresses, web: OnceCell::new(), used: Cell::new(0) }
	}

	/// The chunk with this hash from the first that has it; `fault` is why the node did not do.
	async fn get(&self, hash: [u8; 32], fault: String) -> Result<Vec<u8>> {
		let cid = chunk_cid(hash.into());
		let mut faults = vec![fault];
		for address in &self.addresses {
			match self.web.get_or_init(Web::new).chunk(address, &cid).await {
				Ok(bytes) if chunk_hash(&bytes).0 == hash => {
					self.used.set(self.used.get() + 1);
					return Ok(bytes);
				},
				Ok(_) => faults.push(format!("{address} serves something else")),
				Err(fault) => faults.push(format!("{address}: {fault}")),
			}
		}
		Err(Error::failed(format!("there is no chunk {cid}: {}", faults.join("; ")))
			.because("ChunkUnavailable")
			.hint("name another node with --url, or a mirror with --mirror"))
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::commands::model::mirror::tests::{answer, Server};

	#[tokio::test]
	async fn chunk_should_come_from_the_first_mirror_that_really_has_it() {
		let hash = chunk_hash(b"chunk").0;
		let path = format!("/{}", chunk_cid(hash.into()));
		let server = |body: &[u8]| Server::start([(path.clone(), answer("200 OK", body))].into());
		let (absent, lying, honest) = (Server::start([].into()), server(b"lies"), server(b"chunk"));
		let servers = [&absent, &lying, &honest].map(Server::address);
		let mirrors = Mirrors::new(servers.to_vec());
		assert_eq!(mirrors.get(hash, String::new()).await.unwrap(), b"chunk");
		assert_eq!(mirrors.used.get(), 1);

		let mirrors = Mirrors::new(servers[..2].to_vec());
		let error = mirrors.get(hash, "the node is asleep".into()).await.unwrap_err();
		assert_eq!((error.reason.as_deref(), mirrors.used.get()), (Some("ChunkUnavailable"), 0));
		for what in ["the node is asleep", "404", "serves something else"] {
			assert!(error.message.contains(what), "{}", error.message);
		}
	}
}
