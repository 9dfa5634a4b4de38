//! A version shows that it reproduces the answers that it claims.

use super::{artifact::Artifact, bill::Fees};
use crate::{
	chain::{At, Balance, Chain},
	error::{Error, Kind, Result},
	Session,
};
use dodona_engine::Architecture;
use dodona_primitives_inference::{Admission, KnownAnswers};
use dodona_primitives_models::{Manifest, VersionId};
use subxt::utils::Static;
use subxt_signer::sr25519::Keypair;

const PALLET: &str = "ModelEvaluation";
/// How often committees are asked, if they don't answer.
const ATTEMPTS: u32 = 3;

/// What a version is asked.
#[derive(Clone, Copy)]
pub struct Question<'a> {
	pub answers: &'a KnownAnswers,
	pub manifest: &'a Manifest<Balance>,
	pub weights: &'a Artifact,
}

impl Question<'_> {
	/// Whether the runtime may compute the answers itself: those of a small network, at once.
	fn is_small(&self, chain: &Chain, at: &At) -> bool {
		let Manifest { architecture, artifact, .. } = self.manifest;
		let work = self
			.answers
			.iter()
			.fold(0u64, |sum, answer| sum.saturating_add(architecture.work(&answer.input)));
		let most = chain.constant::<u64>(at, PALLET, "MaxAdmissionWork").unwrap_or(0);
		matches!(architecture, Architecture::Mlp(_) | Architecture::Cnn(_))
			&& artifact.chunks == 1
			&& work <= most
	}

	/// What committees are paid for the answers.
	fn fee(&self) -> Balance {
		self.answers.iter().map(|answer| self.manifest.fee(&answer.input)).sum()
	}

	/// The highest of the questions' fees.
	fn max_fee(&self) -> Balance {
		self.answers
			.iter()
			.map(|answer| self.manifest.fee(&answer.input))
			.max()
			.unwrap_or(0)
	}

	/// The call that has the runtime compute the answers.
	fn here(
		&self,
		id: VersionId,
	) -> Result<(Static<VersionId>, Static<KnownAnswers>, Static<Vec<u8>>)> {
		let weights = self.weights.pieces().next().map_or(Ok(Vec::new()), |piece| piece.read())?;
		Ok((Static(id), Static(self.answers.clone()), Static(weights)))
	}

	/// The call that has committees compute them.
	fn asked(&self, id: VersionId) -> (Static<VersionId>, Static<KnownAnswers>, Balance) {
		(Static(id), Static(self.answers.clone()), self.max_fee())
	}
}

/// How a version is admitted, and what that costs at most.
enum Way {
	Here(Balance),
	Asked(Balance),
}

impl Way {
	/// The cheaper one: what the runtime computes takes room in a block, which is paid for.
	async fn of(fees: &Fees<'_>, at: &At, id: VersionId, question: Question<'_>) -> Result<Self> {
		let asked = question.fee() + fees.of(PALLET, "admit", question.asked(id)).await?;
		if question.is_small(fees.chain, at) {
			let here = fees.of(PALLET, "admit_here", question.here(id)?).await?;
			if here <= asked {
				return Ok(Self::Here(here));
			}
		}
		Ok(Self::Asked(asked))
	}
}

/// What admission costs at most.
pub async fn fees(
	fees: &Fees<'_>,
	at: &At,
	version: VersionId,
	question: Question<'_>,
) -> Result<Balance> {
	match Way::of(fees, at, version, question).await? {
		Way::Here(fee) | Way::Asked(fee) => Ok(fee),
	}
}

/// Has the version admitted, if it isn't; returns what that cost.
pub async fn admit(
	session: &Session,
	chain: &Chain,
	signer: &Keypair,
	version: VersionId,
	question: Question<'_>,
) -> Result<Balance> {
	let mut paid = 0;
	let mut asked = 0;
	let mut attempts = 0;
	let mut has_room = true;
	let mut blocks = chain.blocks().await?;
	let spinner = session.output.spinner("waiting for committees to repeat the answers");
	loop {
		let at = chain.best().await?;
		let admission: Option<Admission> =
			chain.call(&at, "EvaluationApi_admission", (version,)).await?;
		match admission {
			Some(Admission::Reproduced) => break,
			Some(Admission::Contradicted { request }) => {
				return Err(Error::failed(format!(
					"the version gives another answer than it claims: see request {request}"
				))
				.because("AnswersContradicted")
				.hint("revoke it, and publish with a `dodona` of the chain's release"))
			},
			Some(Admission::Asked { .. }) => chain.block_after(&mut blocks, &at).await?,
			None | Some(Admission::Unanswered) if attempts == ATTEMPTS => {
				return Err(Error::request_failed("no committee repeated the version's answers")
					.because("Unanswered")
					.hint("see the workers in `dodona status`; run it again to ask again"))
			},
			None | Some(Admission::Unanswered) => {
				attempts += 1;
				let what =
					if attempts == 1 { "having its answers repeated" } else { "asking again" };
				spinner.suspend(|| session.output.note(format!("{what} …")));
				let way = Way::of(&Fees::new(chain, signer), &at, version, question).await?;
				let included = match way {
					Way::Here(_) if has_room => {
						let call = question.here(version)?;
						match chain.execute(signer, PALLET, "admit_here", call).await {
							// Not a word from the chain: it is more than a block has room for.
							Err(error) if error.kind == Kind::Refused && error.reason.is_none() => {
								has_room = false;
								attempts -= 1;
								continue;
							},
							executed => executed?,
						}
					},
					Way::Here(_) | Way::Asked(_) => {
						let call = question.asked(version);
						let included = chain.execute(signer, PALLET, "admit", call).await?;
						// Once they answer. If they don't, it comes back.
						asked = question.fee();
						included
					},
				};
				paid += included.fee();
			},
		}
	}
	spinner.finish_and_clear();
	Ok(paid + asked)
}
