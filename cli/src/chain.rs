//! The connection to a node: reading state, signing, submitting, following blocks.

pub mod state;

use crate::{
	amount::Token,
	error::{Error, Result},
};
use codec::{Decode, DecodeAll, Encode};
use jsonrpsee::{
	core::{
		client::{ClientT, Error as RpcError},
		params::ArrayParams,
	},
	rpc_params,
	ws_client::{WsClient, WsClientBuilder},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{fmt::Display, str::FromStr, sync::Arc, time::Duration};
use subxt::{
	client::{Blocks, OnlineClientAtBlock, OnlineClientAtBlockImpl},
	config::DefaultExtrinsicParamsBuilder,
	dynamic,
	error::{DispatchError, TokenError, TransactionEventsError},
	ext::{scale_decode::DecodeAsType, scale_encode::EncodeAsFields},
	extrinsics::ExtrinsicEvents,
	rpcs::RpcClient,
	transactions::{TransactionInBlock, TransactionProgress, TransactionStatus},
	utils::{AccountId32, H256},
	OnlineClient, SubstrateConfig,
};
use subxt_signer::{sr25519::Keypair, SecretUri};
use tokio::time::timeout;

/// The type of balances.
pub type Balance = u128;
/// The type of block numbers.
pub type BlockNumber = u32;
/// The chain at one block.
pub type At = OnlineClientAtBlock<SubstrateConfig>;

/// For how long no news from the chain is no reason to worry.
const PATIENCE: Duration = Duration::from_secs(120);
/// Blocks in which a transaction can be included. They may come all at once: from a development chain
/// that has stood still, or from a node that has fallen behind.
const MORTALITY: u64 = 256;
/// Largest message in either direction: a chunk in hex, with room to spare.
const MAX_MESSAGE: u32 = 32 * 1024 * 1024;
/// What the node answers when it has not got a chunk.
const CHUNK_NOT_FOUND: i32 = -32810;

/// A connection to a node of the chain.
pub struct Chain {
	/// The chain's token.
	pub token: Token,
	client: OnlineClient<SubstrateConfig>,
	rpc: Arc<WsClient>,
	url: String,
}

/// A transaction in a block.
pub struct Included {
	/// The block's number.
	pub block: BlockNumber,
	/// What happened.
	pub events: ExtrinsicEvents<SubstrateConfig>,
}

/// A transaction on its way into a block.
pub struct Submitted {
	name: String,
	signer: AccountId32,
	progress: TransactionProgress<SubstrateConfig, OnlineClientAtBlockImpl<SubstrateConfig>>,
}

impl Chain {
	/// Connects to the node at `url`.
	pub async fn connect(url: &str) -> Result<Self> {
		if !url.starts_with("ws://") && !url.starts_with("wss://") {
			return Err(Error::usage(format!("`{url}` is no WebSocket address"))
				.hint("--url ws://127.0.0.1:9944"));
		}
		let rpc = WsClientBuilder::new()
			.connection_timeout(Duration::from_secs(10))
			.max_buffer_capacity_per_subscription(4096)
			.max_request_size(MAX_MESSAGE)
			.max_response_size(MAX_MESSAGE)
			.build(url)
			.await
			.map_err(|error| {
				Error::unreachable(format!("no chain at {url}: {error}")).hint(
					"start a development chain with `cargo xtask dev`, or name a node with --url",
				)
			})?;
		let rpc = Arc::new(rpc);
		let client =
			OnlineClient::from_rpc_client(RpcClient::new(rpc.clone()))
				.await
				.map_err(|error| {
					Error::unreachable(format!("{url} does not serve a chain: {error}"))
				})?;
		let token = Token { symbol: "DONA".into(), decimals: 12 };
		let mut this = Self { token, client, rpc, url: url.into() };
		let properties: Value = this.rpc("system_properties", rpc_params![]).await?;
		this.token = Token::from_properties(&properties)
			.ok_or_else(|| Error::failed("the chain does not say what its token is"))?;
		if this.best().await?.metadata_ref().pallet_by_name("ModelRegistry").is_none() {
			return Err(Error::failed(format!("the chain at {url} has no model registry"))
				.hint("name a node of a Dodona chain with --url"));
		}
		Ok(this)
	}

	/// Calls a method of the node's JSON-RPC.
	pub async fn rpc<R: DeserializeOwned>(&self, method: &str, params: ArrayParams) -> Result<R> {
		self.rpc
			.request(method, params)
			.await
			.map_err(|error| self.failure(method, error))
	}

	/// The hash of the chain's first block.
	pub fn genesis(&self) -> H256 {
		self.client.genesis_hash()
	}

	/// The chain at its best block.
	pub async fn best(&self) -> Result<At> {
		let hash: H256 = self.rpc("chain_getBlockHash", rpc_params![]).await?;
		self.client
			.at_block(hash)
			.await
			.map_err(|error| self.failure("the best block", error))
	}

	/// The chain at its last finalised block.
	pub async fn finalized(&self) -> Result<At> {
		self.client
			.at_current_block()
			.await
			.map_err(|error| self.failure("the last finalised block", error))
	}

	/// The chain at the block with this number.
	pub async fn at(&self, number: u64) -> Result<At> {
		self.client
			.at_block(number)
			.await
			.map_err(|error| self.failure(format!("block {number}"), error))
	}

	/// New blocks of the best chain, beginning with the last finalised ones.
	pub async fn blocks(&self) -> Result<Blocks<SubstrateConfig>> {
		self.client
			.stream_best_blocks()
			.await
			.map_err(|error| self.failure("new blocks", error))
	}

	/// Number of the next new block.
	pub async fn next_block(&self, blocks: &mut Blocks<SubstrateConfig>) -> Result<u64> {
		match timeout(PATIENCE, blocks.next()).await {
			Ok(Some(Ok(block))) => Ok(block.number()),
			Ok(Some(Err(error))) => Err(self.failure("the next block", error)),
			Ok(None) => Err(self.lost()),
			Err(_) => Err(self.stalled("there is no new block")),
		}
	}

	/// Waits for a block after `at`.
	pub async fn block_after(&self, blocks: &mut Blocks<SubstrateConfig>, at: &At) -> Result<()> {
		while self.next_block(blocks).await? <= at.block_number() {}
		Ok(())
	}

	/// Calls `function` of the runtime's API with SCALE-encoded `args`, a tuple.
	pub async fn call<R: Decode>(&self, at: &At, function: &str, args: impl Encode) -> Result<R> {
		let bytes = at
			.runtime_apis()
			.call_raw(function, Some(&args.encode()))
			.await
			.map_err(|error| self.failure(format!("runtime API {function}"), error))?;
		R::decode_all(&mut &bytes[..]).map_err(|error| {
			Error::failed(format!("runtime API {function} answers something else: {error}"))
				.hint("use the `dodona` of the chain's release")
		})
	}

	/// A constant of a pallet; `None` if the runtime has none of this name.
	pub fn constant<R: DecodeAsType>(&self, at: &At, pallet: &str, name: &str) -> Option<R> {
		at.constants().entry(dynamic::constant::<R>(pallet, name)).ok()
	}

	/// What `account` can spend, before existential deposit and locks.
	pub async fn free_balance(&self, at: &At, account: &AccountId32) -> Result<Balance> {
		self.account(at, account).await.map(|(_, free)| free)
	}

	/// The next nonce of `account`, without what waits in the node's pool.
	pub async fn nonce_at(&self, at: &At, account: &AccountId32) -> Result<u64> {
		self.account(at, account).await.map(|(nonce, _)| nonce.into())
	}

	/// Nonce and free balance.
	async fn account(&self, at: &At, account: &AccountId32) -> Result<(u32, Balance)> {
		let address = dynamic::storage::<(AccountId32,), dynamic::Value>("System", "Account");
		let value = at
			.storage()
			.fetch(address, (*account,))
			.await
			.map_err(|error| self.failure("the balance", error))?;
		// Nonce and three counters, then the balances with the free one in front.
		let bytes = value.bytes();
		<((u32, u32, u32, u32), Balance)>::decode(&mut &bytes[..])
			.map(|((nonce, ..), free)| (nonce, free))
			.map_err(|error| Error::failed(format!("the balance is unreadable: {error}")))
	}

	/// The SCALE-encoded value of a pallet's map at this key, if there is one.
	pub async fn entry(
		&self,
		at: &At,
		pallet: &str,
		map: &str,
		key: H256,
	) -> Result<Option<Vec<u8>>> {
		let address = dynamic::storage::<(H256,), dynamic::Value>(pallet, map);
		at.storage()
			.try_fetch(address, (key,))
			.await
			.map(|value| value.map(|value| value.into_bytes()))
			.map_err(|error| self.failure(format!("{pallet}.{map}"), error))
	}

	/// The chunk at this CID, if the node has it.
	pub async fn chunk(&self, cid: &str) -> Result<Option<Vec<u8>>> {
		let method = "bitswap_v1_get";
		match self.rpc.request::<String, _>(method, rpc_params![cid]).await {
			Ok(digits) => hex::decode(digits.trim_start_matches("0x"))
				.map(Some)
				.map_err(|error| Error::failed(format!("{method} answers no hex: {error}"))),
			Err(RpcError::Call(error)) if error.code() == CHUNK_NOT_FOUND => Ok(None),
			Err(error) => Err(self.failure(method, error)),
		}
	}

	/// The SCALE-encoded fields of the block's events of this name.
	pub async fn events(&self, at: &At, pallet: &str, name: &str) -> Result<Vec<Vec<u8>>> {
		let events =
			at.events().fetch().await.map_err(|error| self.failure("the events", error))?;
		Ok(events
			.iter()
			.filter_map(|event| event.ok())
			.filter(|event| event.pallet_name() == pallet && event.event_name() == name)
			.map(|event| event.field_bytes().to_vec())
			.collect())
	}

	/// The signing key that `suri` says; without one //Alice, where anybody may be //Alice.
	pub async fn signer(&self, suri: Option<&str>) -> Result<Keypair> {
		let suri = match suri {
			Some(suri) => suri,
			None => {
				let kind: Value = self.rpc("system_chainType", rpc_params![]).await?;
				if !matches!(kind.as_str(), Some("Development" | "Local")) {
					return Err(Error::usage("this is no development chain: say who signs").hint(
						"set DODONA_SURI, or pass --suri '<secret phrase, hex seed or //path>'",
					));
				}
				"//Alice"
			},
		};
		// The parsers' errors may quote the secret.
		SecretUri::from_str(suri)
			.ok()
			.and_then(|uri| Keypair::from_uri(&uri).ok())
			.ok_or_else(|| {
				Error::usage("the signing key is no secret phrase, hex seed or //path")
					.hint("check --suri or DODONA_SURI")
			})
	}

	/// The next nonce of `account`, counting what waits in the node's pool.
	pub async fn nonce(&self, account: &AccountId32) -> Result<u64> {
		self.rpc("system_accountNextIndex", rpc_params![account.to_string()]).await
	}

	/// What the chain takes for including this call.
	pub async fn fee(
		&self,
		signer: &Keypair,
		pallet: &str,
		call: &str,
		args: impl EncodeAsFields,
	) -> Result<Balance> {
		let nonce = self.nonce(&account_of(signer)).await?;
		let name = format!("{pallet}.{call}");
		let params = signing(nonce).build();
		let signed = self
			.best()
			.await?
			.tx()
			.create_signed(&dynamic::tx(pallet, call, args), signer, params)
			.await
			.map_err(|error| self.failure(&name, error))?;
		signed.partial_fee_estimate().await.map_err(|error| self.failure(&name, error))
	}

	/// Signs the call and sends it to the node.
	pub async fn submit(
		&self,
		signer: &Keypair,
		nonce: u64,
		pallet: &str,
		call: &str,
		args: impl EncodeAsFields,
	) -> Result<Submitted> {
		let name = format!("{pallet}.{call}");
		let params = signing(nonce).build();
		// Signed against a finalised block: a transaction that names another may never be valid.
		let signed = self
			.finalized()
			.await?
			.tx()
			.create_signed(&dynamic::tx(pallet, call, args), signer, params)
			.await
			.map_err(|error| self.failure(&name, error))?;
		let progress =
			signed.submit_and_watch().await.map_err(|error| self.failure(&name, error))?;
		Ok(Submitted { name, signer: account_of(signer), progress })
	}

	/// Waits until the transaction is in a block of the best chain, and has succeeded there.
	pub async fn included(&self, submitted: Submitted) -> Result<Included> {
		let Submitted { name, signer, mut progress } = submitted;
		loop {
			let status = match timeout(PATIENCE, progress.next()).await {
				Ok(Some(Ok(status))) => status,
				Ok(Some(Err(error))) => return Err(self.failure(&name, error)),
				Ok(None) => return Err(self.lost()),
				Err(_) => return Err(self.stalled(format!("{name} is in no block yet"))),
			};
			match status {
				TransactionStatus::InBestBlock(block)
				| TransactionStatus::InFinalizedBlock(block) => return self.outcome(&name, block).await,
				TransactionStatus::Invalid { message }
				| TransactionStatus::Dropped { message }
				| TransactionStatus::Error { message } => {
					let refused = Error::refused(format!("{name} is not valid: {message}"));
					// The pool gives no name to its errors, only a text.
					return Err(if message.contains("pay some fees") {
						refused.hint(format!("fund {signer} with {}", self.token.symbol))
					} else {
						refused.hint("run it again")
					});
				},
				TransactionStatus::Validated
				| TransactionStatus::Broadcasted
				| TransactionStatus::NoLongerInBestBlock => {},
			}
		}
	}

	/// Signs and sends the call, and waits until it has succeeded.
	pub async fn execute(
		&self,
		signer: &Keypair,
		pallet: &str,
		call: &str,
		args: impl EncodeAsFields,
	) -> Result<Included> {
		let nonce = self.nonce(&account_of(signer)).await?;
		self.included(self.submit(signer, nonce, pallet, call, args).await?).await
	}

	async fn outcome(
		&self,
		name: &str,
		block: TransactionInBlock<SubstrateConfig, OnlineClientAtBlockImpl<SubstrateConfig>>,
	) -> Result<Included> {
		let at = block.at().await.map_err(|error| self.failure(name, error))?;
		match block.wait_for_success().await {
			Ok(events) => Ok(Included { block: number(at.block_number()), events }),
			Err(TransactionEventsError::ExtrinsicFailed(error)) => Err(refusal(name, error)),
			Err(error) => Err(self.failure(name, error)),
		}
	}

	/// Why `what` did not work: a lost connection, or else `error`.
	fn failure(&self, what: impl Display, error: impl Display) -> Error {
		if self.rpc.is_connected() {
			Error::failed(format!("{what}: {error}"))
		} else {
			self.lost()
		}
	}

	fn lost(&self) -> Error {
		Error::unreachable(format!("the connection to {} is lost", self.url))
			.hint("is the node still running?")
	}

	fn stalled(&self, what: impl Display) -> Error {
		let seconds = PATIENCE.as_secs();
		Error::unreachable(format!("{what}, after {seconds} seconds"))
			.hint("does the chain still make blocks? see `dodona status`")
	}
}

impl Included {
	/// The SCALE-encoded fields of this transaction's first event of this name.
	pub fn event(&self, pallet: &str, name: &str) -> Option<Vec<u8>> {
		self.events
			.iter()
			.filter_map(|event| event.ok())
			.find(|event| event.pallet_name() == pallet && event.event_name() == name)
			.map(|event| event.field_bytes().to_vec())
	}

	/// What the signer paid for the transaction itself.
	pub fn fee(&self) -> Balance {
		self.event("TransactionPayment", "TransactionFeePaid")
			.and_then(|fields| <(AccountId32, Balance, Balance)>::decode(&mut &fields[..]).ok())
			.map(|(_, fee, _)| fee)
			.unwrap_or_default()
	}
}

/// How all transactions are signed.
fn signing(nonce: u64) -> DefaultExtrinsicParamsBuilder<SubstrateConfig> {
	DefaultExtrinsicParamsBuilder::new().nonce(nonce).mortal(MORTALITY)
}

/// The account that `signer` signs for.
pub fn account_of(signer: &Keypair) -> AccountId32 {
	signer.public_key().0.into()
}

/// A block's number in the chain's own type.
pub fn number(number: u64) -> BlockNumber {
	BlockNumber::try_from(number).unwrap_or(BlockNumber::MAX)
}

/// The error of a transaction that is in a block and failed there.
fn refusal(name: &str, error: DispatchError) -> Error {
	let DispatchError::Module(module) = &error else {
		let refused = Error::refused(format!("{name}: {error}"));
		return match error {
			DispatchError::BadOrigin => {
				refused.because("BadOrigin").hint("sign with the account that may do this")
			},
			DispatchError::Token(TokenError::FundsUnavailable) => {
				refused.because("Token.FundsUnavailable").hint("fund the signing account")
			},
			_ => refused,
		};
	};
	match module.details() {
		Ok(details) => {
			let reason = format!("{}.{}", details.pallet.name(), details.variant.name);
			let docs = details.variant.docs.join(" ");
			Error::refused(format!("{name}: {reason}: {}", docs.trim())).because(reason)
		},
		Err(_) => Error::refused(format!("{name}: {error}")),
	}
}
