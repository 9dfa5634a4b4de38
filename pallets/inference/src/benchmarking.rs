//! Benchmarks of the calls and of what the block hook does.

use super::*;
use crate::{
	moves::{Before, WitnessOf},
	residents::ResidentBytes,
};
use alloc::{vec, vec::Vec};
use dodona_engine::{
	architecture::{cnn, Class},
	golden,
	trace::{Operation, Program, Trace},
	Model,
};
use dodona_primitives_inference::{
	outcome_hash, quorum, Adjudicator, Challenger, Children, Claim, Contest, Dispute, Input, Move,
	Opening, Output, Request, RequestId, RequestState, Run, Schedule, Seat, SeatStatus, Statement,
	Submission, Submissions, MAX_CHILDREN, MAX_CLAIMS, MAX_COMMITTEE, MAX_INPUT_LEN,
	MAX_OUTPUT_LEN, MAX_RESIDENT_LEN, MAX_WEIGHTS_LEN,
};
use dodona_primitives_models::{pages_root, Architecture, ArtifactRef, Blake2, VersionId};
use dodona_primitives_staking::StakeSlash;
use frame_benchmarking::v2::*;
use frame_support::{pallet_prelude::*, traits::fungible::MutateHold, weights::WeightMeter};
use frame_system::{pallet_prelude::BlockNumberFor, RawOrigin};
use sp_core::H256;
use sp_runtime::{traits::One, Perbill, Saturating};

/// What the benchmarks need of the rest of the runtime.
pub trait BenchmarkHelper<AccountId> {
	/// An active version of a new model with this many inputs and outputs, both 32-bit floats, of
	/// a price above zero.
	fn version(inputs: u32, outputs: u32) -> VersionId;

	/// An active version of a new model of this architecture, with these weights.
	fn network(architecture: Architecture, weights: &[u8]) -> VersionId;

	/// This many bonded operators, each with its hot key, that can be drawn.
	fn operators(count: u32) -> Vec<(AccountId, AccountId)>;

	/// An account that can pay for requests.
	fn requester() -> AccountId;

	/// Others, one for each number, that can pay for challenges.
	fn challenger(number: u32) -> AccountId;

	/// Makes committees have this many seats.
	fn set_committee_size(seats: u32);
}

/// The salt of every seat.
const SALT: [u8; 32] = [7; 32];

/// An operator with its hot key.
type Worker<T> = (<T as frame_system::Config>::AccountId, <T as frame_system::Config>::AccountId);

fn output<T: Config>(len: u32) -> Output {
	BoundedVec::truncate_from(vec![1; len as usize])
}

/// A request that is in `state` for ever, with its fee held.
fn stage<T: Config>(
	version: VersionId,
	state: RequestState<T::AccountId, BlockNumberFor<T>>,
) -> Result<RequestId, BenchmarkError> {
	let requester = T::BenchmarkHelper::requester();
	let fee = Pallet::<T>::fee(version, &[]).ok_or("the version has a price")?;
	T::Currency::hold(&HoldReason::Fee.into(), &requester, fee)?;
	let id = NextRequestId::<T>::mutate(|next| {
		*next = next.saturating_add(1);
		next.saturating_sub(1)
	});
	let created = frame_system::Pallet::<T>::block_number();
	Inputs::<T>::insert(id, Input::truncate_from(vec![0; MAX_INPUT_LEN as usize]));
	for seat in state.committee().into_iter().flatten() {
		T::Stake::oblige(&seat.operator);
		Assignments::<T>::insert(&seat.operator, id, ());
	}
	Pallet::<T>::put(id, Request { requester, version, fee, created, attempt: 1, state });
	Ok(id)
}

/// The seats of `workers`, each with the status that its position gives.
fn seats<T: Config>(
	workers: &[Worker<T>],
	status: impl Fn(usize) -> SeatStatus,
) -> BoundedVec<Seat<T::AccountId>, ConstU32<MAX_COMMITTEE>> {
	let seat = |(index, (operator, _)): (usize, &Worker<T>)| Seat {
		operator: operator.clone(),
		status: status(index),
	};
	BoundedVec::truncate_from(workers.iter().enumerate().map(seat).collect())
}

/// A model whose runs are traced, its weights, and a question as long as one can be.
struct Traced {
	network: Architecture,
	weights: Vec<u8>,
	question: Vec<u8>,
}

impl Traced {
	/// With so many outputs.
	fn new(inputs: u32, outputs: u32) -> Result<Self, BenchmarkError> {
		Self::new_with(&[inputs, 1, outputs.max(1)])
	}

	/// With layers of these widths.
	fn new_with(widths: &[u32]) -> Result<Self, BenchmarkError> {
		let network = golden::mlp(widths);
		let weights = golden::artifact(&network, 1, 1.0).map_err(|_| "it is an artifact")?;
		let question = golden::input(&network, 1);
		Ok(Self { network, weights, question })
	}

	fn trace(&self) -> Result<Trace<Blake2>, BenchmarkError> {
		let program = Program::new(&self.network, &self.question).map_err(|_| "it has runs")?;
		Ok(Trace::record(&program, &self.weights, None).map_err(|_| "it runs")?)
	}

	fn run(&self) -> Run<'_> {
		Run {
			architecture: &self.network,
			input: &self.question,
			pages: pages_root(&self.weights),
			size: self.weights.len() as u64,
		}
	}

	/// A disputed request for it, whose single seat gave the right answer, and that seat's hot key.
	/// Nobody has moved.
	fn disputed<T: Config>(&self) -> Result<(RequestId, T::AccountId), BenchmarkError> {
		let version = T::BenchmarkHelper::network(self.network.clone(), &self.weights);
		let model = Model::load(&self.network, &self.weights).map_err(|_| "it is a model")?;
		let right = model.run(&self.question).map_err(|_| "it has an answer")?;
		let outcome = outcome_hash(&right);
		let workers = T::BenchmarkHelper::operators(1);
		let committee = seats::<T>(&workers, |_| SeatStatus::Revealed(outcome));
		let id = stage_dispute::<T>(version, committee, &[Some(outcome), None])?;
		Inputs::<T>::insert(id, Input::truncate_from(self.question.clone()));
		Outputs::<T>::insert(id, outcome, Output::truncate_from(right));
		let mut dispute = Disputes::<T>::get(id).ok_or("the dispute is there")?;
		dispute.schedule = T::Adjudicator::schedule(&self.run()).ok_or("it has runs")?;
		Disputes::<T>::insert(id, dispute);
		let (_, hot_key) = workers.into_iter().next().ok_or("there is one")?;
		Ok((id, hot_key))
	}
}

/// A request in dispute, with these claims. All but the first have a bond.
fn stage_dispute<T: Config>(
	version: VersionId,
	committee: BoundedVec<Seat<T::AccountId>, ConstU32<MAX_COMMITTEE>>,
	answers: &[Option<H256>],
) -> Result<RequestId, BenchmarkError> {
	let until = soon::<T>();
	let id = stage::<T>(version, RequestState::Disputed { committee, outcome: None, until })?;
	let mut claims = BoundedVec::default();
	for (number, answer) in (0..).zip(answers) {
		let bond = T::ChallengeBond::get();
		let challenger =
			(number > 0).then(|| Challenger { who: T::BenchmarkHelper::challenger(number), bond });
		if let Some(challenger) = &challenger {
			T::Currency::hold(&HoldReason::Challenge.into(), &challenger.who, bond)?;
		}
		let claim = Claim { id: number, answer: *answer, challenger, opening: None };
		let _ = claims.try_push(claim);
	}
	let dispute = Dispute {
		next_claim: claims.len() as u32,
		claims,
		rounds: 0,
		schedule: Schedule { steps: 1, depth: 0 },
		takes_room: false,
		refuted: BoundedVec::default(),
		revived: 0,
		contest: Contest::Opening,
	};
	Disputes::<T>::insert(id, dispute);
	Ok(id)
}

/// Has both sides of a dispute show these roots, and be where `contest` says.
fn have_opened<T: Config>(
	id: RequestId,
	roots: [H256; 2],
	schedule: Schedule,
	contest: Contest,
) -> Result<(), BenchmarkError> {
	let mut dispute = Disputes::<T>::get(id).ok_or("the dispute is there")?;
	let by = T::BenchmarkHelper::requester();
	for (claim, root) in dispute.claims.iter_mut().zip(roots) {
		claim.opening = Some(Opening { root, by: by.clone(), before: MAX_CLAIMS });
	}
	dispute.schedule = schedule;
	dispute.contest = contest;
	Disputes::<T>::insert(id, dispute);
	Ok(())
}

fn hashes<Bound: Get<u32>>(hashes: Vec<[u8; 32]>) -> BoundedVec<H256, Bound> {
	BoundedVec::truncate_from(hashes.into_iter().map(H256).collect())
}

/// Seats that have each revealed another outcome, with all the outputs there.
fn dissenting<T: Config>(
	workers: &[Worker<T>],
) -> (BoundedVec<Seat<T::AccountId>, ConstU32<MAX_COMMITTEE>>, Vec<Output>) {
	let said = |index: usize| {
		let mut output = output::<T>(MAX_OUTPUT_LEN);
		output.iter_mut().take(1).for_each(|byte| *byte = index as u8);
		output
	};
	let outputs: Vec<Output> = (0..workers.len()).map(said).collect();
	(seats::<T>(workers, |index| SeatStatus::Revealed(outcome_hash(&said(index)))), outputs)
}

/// A deadline that the next call keeps.
fn soon<T: Config>() -> BlockNumberFor<T> {
	frame_system::Pallet::<T>::block_number().saturating_add(One::one())
}

/// A network with about so many bytes of weights, and a run that takes little.
fn network_of(bytes: u32) -> Result<Traced, BenchmarkError> {
	const INPUTS: u32 = 256;
	// A weight for each input, one for the output, and a bias; and a header of up to 512 bytes.
	let hidden = bytes.saturating_sub(512) / 4 / (INPUTS + 2);
	Traced::new_with(&[INPUTS, hidden.max(1), 1])
}

/// Its weights, put into the state without regard to the work of a run.
fn have_reside<T: Config>(traced: &Traced, version: VersionId) -> Result<(), BenchmarkError> {
	let depositor = T::BenchmarkHelper::requester();
	let bytes = traced.weights.len() as u32;
	let deposit = Pallet::<T>::resident_deposit(bytes);
	T::Currency::hold(&HoldReason::Resident.into(), &depositor, deposit)?;
	Residents::<T>::insert(version, Resident { depositor, deposit, bytes, work: 1 });
	ResidentWeights::<T>::insert(version, ResidentBytes::truncate_from(traced.weights.clone()));
	Ok(())
}

/// A block after every deadline.
fn late<T: Config>() -> BlockNumberFor<T> {
	let late = frame_system::Pallet::<T>::block_number().saturating_add(1_000_000u32.into());
	frame_system::Pallet::<T>::set_block_number(late);
	late
}

/// The commitment of `operator` to `outcome` in the next request that is staged.
fn commitment<T: Config>(operator: &T::AccountId, outcome: H256) -> H256 {
	Pallet::<T>::commitment_of(NextRequestId::<T>::get(), 1, operator, outcome, &SALT)
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn request(i: Linear<4, { MAX_INPUT_LEN }>) -> Result<(), BenchmarkError> {
		let floats = i / 4;
		let version = T::BenchmarkHelper::version(floats, 1);
		let requester = T::BenchmarkHelper::requester();
		let input = vec![0; (floats * 4) as usize];
		let fee = Pallet::<T>::fee(version, &input).ok_or("the version has a price")?;

		#[extrinsic_call]
		_(RawOrigin::Signed(requester), version.model, None, input, fee);

		assert_eq!(NextRequestId::<T>::get(), 1);
		Ok(())
	}

	/// One commitment, and not the last that its request waits for.
	#[benchmark]
	fn commit(c: Linear<2, { MAX_COMMITTEE }>) -> Result<(), BenchmarkError> {
		let version = T::BenchmarkHelper::version(16, 1);
		let workers = T::BenchmarkHelper::operators(c);
		let until = frame_system::Pallet::<T>::block_number().saturating_add(One::one());
		let committee = seats::<T>(&workers, |_| SeatStatus::Assigned);
		let id = stage::<T>(version, RequestState::Committing { committee, until })?;
		let (_, hot_key) = workers.last().ok_or("there are workers")?.clone();
		let statement = Statement::Commit { commitment: H256::repeat_byte(1) };
		let submission = Submission { request: id, attempt: 1, statement };
		let submissions = Submissions::truncate_from(vec![submission]);

		#[extrinsic_call]
		submit(RawOrigin::Signed(hot_key), submissions);

		let state = Requests::<T>::get(id).ok_or("the request is there")?.state;
		let committed = |seat: &Seat<_>| seat.status != SeatStatus::Assigned;
		assert!(state.committee().into_iter().flatten().any(committed));
		Ok(())
	}

	/// One reveal, and not the last that its request waits for.
	#[benchmark]
	fn reveal(
		c: Linear<2, { MAX_COMMITTEE }>,
		o: Linear<4, { MAX_OUTPUT_LEN }>,
	) -> Result<(), BenchmarkError> {
		let version = T::BenchmarkHelper::version(16, o / 4);
		let workers = T::BenchmarkHelper::operators(c);
		let until = frame_system::Pallet::<T>::block_number().saturating_add(One::one());
		let output = output::<T>(o / 4 * 4);
		let outcome = outcome_hash(&output);
		let (operator, hot_key) = workers.last().ok_or("there are workers")?.clone();
		let committed = commitment::<T>(&operator, outcome);
		let committee = seats::<T>(&workers, |_| SeatStatus::Committed(committed));
		let id = stage::<T>(version, RequestState::Revealing { committee, until })?;
		let statement = Statement::Reveal { outcome, salt: SALT, output: Some(output) };
		let submission = Submission { request: id, attempt: 1, statement };
		let submissions = Submissions::truncate_from(vec![submission]);

		#[extrinsic_call]
		submit(RawOrigin::Signed(hot_key), submissions);

		assert!(Outputs::<T>::contains_key(id, outcome));
		Ok(())
	}

	/// A block without draws and deadlines.
	#[benchmark]
	fn serve_block() {
		let now = ServedUpTo::<T>::get().saturating_add(One::one());
		let mut meter = WeightMeter::new();

		#[block]
		{
			Pallet::<T>::serve(now, &mut meter);
		}

		assert_eq!(ServedUpTo::<T>::get(), now);
	}

	/// `Queued` → `Committing`.
	#[benchmark]
	fn draw(c: Linear<1, { MAX_COMMITTEE }>) -> Result<(), BenchmarkError> {
		let version = T::BenchmarkHelper::version(16, 1);
		T::BenchmarkHelper::set_committee_size(c);
		T::BenchmarkHelper::operators(c.saturating_mul(2));
		let since = frame_system::Pallet::<T>::block_number();
		let id = stage::<T>(version, RequestState::Queued { since })?;

		#[block]
		{
			Pallet::<T>::do_draw(id, H256::repeat_byte(1), since);
		}

		let state = Requests::<T>::get(id).ok_or("the request is there")?.state;
		assert!(matches!(state, RequestState::Committing { .. }));
		Ok(())
	}

	/// `Queued` → `Failed`, with a refund: the end of every request that comes to nothing.
	#[benchmark]
	fn fail() -> Result<(), BenchmarkError> {
		let version = T::BenchmarkHelper::version(16, 1);
		let since = frame_system::Pallet::<T>::block_number();
		let id = stage::<T>(version, RequestState::Queued { since })?;
		let now = late::<T>();

		#[block]
		{
			Pallet::<T>::do_advance(id, now)?;
		}

		let state = Requests::<T>::get(id).ok_or("the request is there")?.state;
		assert!(matches!(state, RequestState::Failed { .. }));
		Ok(())
	}

	/// `Committing` → `Revealing`: a bare quorum committed, and all the others are punished.
	#[benchmark]
	fn close_commitments(c: Linear<2, { MAX_COMMITTEE }>) -> Result<(), BenchmarkError> {
		let version = T::BenchmarkHelper::version(16, 1);
		let workers = T::BenchmarkHelper::operators(c);
		let until = frame_system::Pallet::<T>::block_number();
		let committee = seats::<T>(&workers, |index| {
			if index < quorum(c) as usize {
				SeatStatus::Committed(H256::repeat_byte(1))
			} else {
				SeatStatus::Assigned
			}
		});
		let id = stage::<T>(version, RequestState::Committing { committee, until })?;
		let now = late::<T>();

		#[block]
		{
			Pallet::<T>::do_advance(id, now)?;
		}

		let state = Requests::<T>::get(id).ok_or("the request is there")?.state;
		assert!(matches!(state, RequestState::Revealing { .. }));
		Ok(())
	}

	/// `Revealing` → `Queued`: nobody revealed, and all are punished.
	#[benchmark]
	fn tally(c: Linear<2, { MAX_COMMITTEE }>) -> Result<(), BenchmarkError> {
		let version = T::BenchmarkHelper::version(16, 1);
		let workers = T::BenchmarkHelper::operators(c);
		let until = frame_system::Pallet::<T>::block_number();
		let committee = seats::<T>(&workers, |_| SeatStatus::Committed(H256::repeat_byte(1)));
		let id = stage::<T>(version, RequestState::Revealing { committee, until })?;
		let now = late::<T>();

		#[block]
		{
			Pallet::<T>::do_advance(id, now)?;
		}

		let state = Requests::<T>::get(id).ok_or("the request is there")?.state;
		assert!(!matches!(state, RequestState::Revealing { .. }));
		Ok(())
	}

	/// `Agreed` → `Finalized`: a bare quorum is paid, and all the others are punished.
	#[benchmark]
	fn finalize(c: Linear<2, { MAX_COMMITTEE }>) -> Result<(), BenchmarkError> {
		let version = T::BenchmarkHelper::version(16, MAX_OUTPUT_LEN / 4);
		let workers = T::BenchmarkHelper::operators(c);
		let until = frame_system::Pallet::<T>::block_number();
		let right = output::<T>(MAX_OUTPUT_LEN);
		let outcome = outcome_hash(&right);
		let said = |index: usize| {
			let mut output = right.clone();
			if index >= quorum(c) as usize {
				output.iter_mut().take(1).for_each(|byte| *byte = index as u8 + 2);
			}
			output
		};
		let committee =
			seats::<T>(&workers, |index| SeatStatus::Revealed(outcome_hash(&said(index))));
		let id = stage::<T>(version, RequestState::Agreed { committee, outcome, until })?;
		for index in 0..c as usize {
			let output = said(index);
			Outputs::<T>::insert(id, outcome_hash(&output), output);
		}
		let now = late::<T>();

		#[block]
		{
			Pallet::<T>::do_advance(id, now)?;
		}

		let state = Requests::<T>::get(id).ok_or("the request is there")?.state;
		assert!(matches!(state, RequestState::Finalized { .. }));
		Ok(())
	}

	/// Removes a request that ended.
	#[benchmark]
	fn prune() -> Result<(), BenchmarkError> {
		let version = T::BenchmarkHelper::version(16, MAX_OUTPUT_LEN / 4);
		let at = frame_system::Pallet::<T>::block_number();
		let output = output::<T>(MAX_OUTPUT_LEN);
		let outcome = outcome_hash(&output);
		let committee = BoundedVec::default();
		let id = stage::<T>(version, RequestState::Finalized { committee, outcome, at })?;
		Outputs::<T>::insert(id, outcome, output);
		AgreedAt::<T>::insert(id, at);
		let now = late::<T>();

		#[block]
		{
			Pallet::<T>::do_advance(id, now)?;
		}

		assert!(!Requests::<T>::contains_key(id));
		Ok(())
	}

	/// A claim with an output of so many bytes, against a result.
	#[benchmark]
	fn challenge(o: Linear<4, { MAX_OUTPUT_LEN }>) -> Result<(), BenchmarkError> {
		let version = T::BenchmarkHelper::version(MAX_INPUT_LEN / 4, o / 4);
		let workers = T::BenchmarkHelper::operators(MAX_COMMITTEE);
		let outcome = H256::repeat_byte(1);
		let committee = seats::<T>(&workers, |_| SeatStatus::Revealed(outcome));
		let until = soon::<T>();
		let id = stage::<T>(version, RequestState::Agreed { committee, outcome, until })?;
		let requester = T::BenchmarkHelper::requester();

		#[extrinsic_call]
		_(RawOrigin::Signed(requester), id, Some(output::<T>(o / 4 * 4)));

		assert!(Disputes::<T>::contains_key(id));
		Ok(())
	}

	/// The trace of a run with an output of so many bytes.
	#[benchmark]
	fn open(b: Linear<4, { MAX_OUTPUT_LEN }>) -> Result<(), BenchmarkError> {
		let traced = Traced::new(MAX_INPUT_LEN / 4, b / 4)?;
		let (id, hot_key) = traced.disputed::<T>()?;
		let trace = traced.trace()?;
		let (end, path, witness, _) = trace.end().map_err(|_| "it has an end")?;
		let (root, end) = (H256(trace.root()), H256(end));
		let shown = Move::Open { root, end, path: hashes(path), witness: witness.into() };

		#[extrinsic_call]
		play(RawOrigin::Signed(hot_key), id, 0, shown);

		let game = Disputes::<T>::get(id).ok_or("the dispute is there")?;
		assert!(game.claims.iter().any(|claim| claim.opening.is_some()));
		Ok(())
	}

	/// The second of two moves.
	#[benchmark]
	fn descend() -> Result<(), BenchmarkError> {
		let (id, _) = Traced::new(MAX_INPUT_LEN / 4, 1)?.disputed::<T>()?;
		let nodes = |seed: u8| -> Children {
			let last = MAX_CHILDREN.saturating_sub(1) as usize;
			let node = |at: usize| H256::repeat_byte(if at < last { 1 } else { seed });
			BoundedVec::truncate_from((0..=last).map(node).collect())
		};
		let (one, other) = (nodes(2), nodes(3));
		let roots = [T::Adjudicator::fold(&one), T::Adjudicator::fold(&other)];
		let schedule = Schedule { steps: 1 << 30, depth: 30 };
		let moves = [Some(one), None];
		let contest = Contest::Descending { level: 0, index: 0, nodes: roots, moves };
		have_opened::<T>(id, roots, schedule, contest)?;
		let requester = T::BenchmarkHelper::requester();

		#[extrinsic_call]
		play(RawOrigin::Signed(requester), id, 1, Move::Descend(other));

		let game = Disputes::<T>::get(id).ok_or("the dispute is there")?;
		assert!(matches!(game.contest, Contest::Descending { level: 6, index: 63, .. }));
		Ok(())
	}

	/// A step with a witness of so many bytes: a product of that many weights and numbers. The
	/// step's own work is counted besides.
	#[benchmark]
	fn settle(b: Linear<16_384, { 2 * MAX_INPUT_LEN }>) -> Result<(), BenchmarkError> {
		let traced = Traced::new(b / 8, 1)?;
		let (id, _) = traced.disputed::<T>()?;
		let trace = traced.trace()?;
		let (before, witness) = trace.witness(1).map_err(|_| "there is such a step")?;
		let before: Before = before.map(|(state, path)| (H256(state), hashes(path)));
		let witness: WitnessOf<T> = witness.into();
		let schedule = T::Adjudicator::schedule(&traced.run()).ok_or("it has runs")?;
		let wrong = H256::repeat_byte(1);
		let leaves = [wrong, H256::repeat_byte(2)];
		let contest = Contest::Settling { step: 1, leaves };
		have_opened::<T>(id, [H256(trace.root()), wrong], schedule, contest)?;
		let requester = T::BenchmarkHelper::requester();

		#[extrinsic_call]
		_(RawOrigin::Signed(requester), id, before, witness);

		// Both were wrong; the seats stand again.
		let contest = Disputes::<T>::get(id).map(|game| game.contest);
		assert!(!matches!(contest, Some(Contest::Settling { .. })));
		Ok(())
	}

	/// So many thousands of work, in steps that do much for what they read: a convolution's.
	#[benchmark]
	fn step(w: Linear<1_000, 20_000>) -> Result<(), BenchmarkError> {
		let layers = vec![cnn::Layer::Conv2d { outputs: 8, kernel: 3, stride: 1, padding: 0 }];
		let layers = BoundedVec::truncate_from(layers);
		let config = cnn::Config { class: Class::F32, channels: 8, height: 24, width: 24, layers };
		let network = Architecture::Cnn(config);
		let weights = golden::artifact(&network, 1, 1.0).map_err(|_| "it is an artifact")?;
		let question = golden::input(&network, 1);
		let traced = Traced { network, weights, question };
		let run = traced.run();
		let program = Program::new(&traced.network, &traced.question).map_err(|_| "it has runs")?;
		let is_product = |number: &u64| {
			let described = program.describe(*number);
			described.is_some_and(|it| it.operation == Operation::Product)
		};
		let work = |number: &u64| T::Adjudicator::work(&run, *number);
		let products = (0..program.steps()).filter(is_product);
		let number = products.max_by_key(work).ok_or("it has a product")?;
		let times = u64::from(w) * 1_000 / work(&number).max(1);
		let (before, witness) =
			traced.trace()?.witness(number).map_err(|_| "there is such a step")?;
		let before = before.map(|(state, _)| H256(state));
		let witness: WitnessOf<T> = witness.into();
		let mut failed = 0;

		#[block]
		{
			for _ in 0..times {
				let after = T::Adjudicator::execute(&run, number, before, &witness);
				failed += u32::from(after.is_err());
			}
		}

		assert_eq!((times > 0, failed), (true, 0));
		Ok(())
	}

	/// Weights of so many bytes, and the little that is computed with them.
	#[benchmark]
	fn adjudicate(b: Linear<2048, { MAX_WEIGHTS_LEN }>) -> Result<(), BenchmarkError> {
		const INPUTS: u32 = 256;
		// A weight for each input, one for the output, and a bias; and a header of up to 512 bytes.
		let hidden = (b - 512) / 4 / (INPUTS + 2);
		let network = golden::mlp(&[INPUTS, hidden, 1]);
		let weights = golden::artifact(&network, 1, 1.0).map_err(|_| "it is an artifact")?;
		let question = golden::input(&network, 1);
		let traced = Traced { network, weights: weights.clone(), question };
		let (id, _) = traced.disputed::<T>()?;

		#[block]
		{
			// Above [`Config::MaxAdjudicationWork`] the call would refuse: see `compute`.
			let artifact = ArtifactRef::of(&weights).0;
			let asked = Requests::<T>::get(id).ok_or("the request is there")?;
			let case = Pallet::<T>::case(id, &asked).map_err(|_| "it can be decided")?;
			assert!(artifact == case.manifest.artifact);
			let model = Model::load(&case.manifest.architecture, &weights);
			assert!(model.is_ok_and(|model| model.run(&case.input).is_ok()));
		}

		Ok(())
	}

	/// So many thousands of what counts as work, of the kind that takes longest: convolutions that
	/// multiply each value with one weight.
	#[benchmark]
	fn compute(w: Linear<8, 999>) -> Result<(), BenchmarkError> {
		const LAYERS: u32 = 61;
		let conv = cnn::Layer::Conv2d { outputs: 1, kernel: 1, stride: 1, padding: 0 };
		let mut layers = vec![conv; LAYERS as usize - 1];
		layers.push(cnn::Layer::MaxPool { size: 2, stride: 2 });
		let (channels, height, width) = (1, w * 1_000 / LAYERS / 64, 64);
		let layers = BoundedVec::truncate_from(layers);
		let config = cnn::Config { class: Class::Q8, channels, height, width, layers };
		let network = Architecture::Cnn(config);
		let weights = golden::artifact(&network, 1, 1.0).map_err(|_| "it is an artifact")?;
		let model = Model::load(&network, &weights).map_err(|_| "it is a model")?;
		let input = golden::input(&network, 1);
		let output;

		#[block]
		{
			output = model.run(&input);
		}

		assert!(output.is_ok());
		Ok(())
	}

	/// `Revealing` → `Disputed`: each seat has revealed something else.
	#[benchmark]
	fn dispute(c: Linear<2, { MAX_COMMITTEE }>) -> Result<(), BenchmarkError> {
		let version = T::BenchmarkHelper::version(MAX_INPUT_LEN / 4, MAX_OUTPUT_LEN / 4);
		let workers = T::BenchmarkHelper::operators(c);
		let until = frame_system::Pallet::<T>::block_number();
		let (committee, outputs) = dissenting::<T>(&workers);
		let id = stage::<T>(version, RequestState::Revealing { committee, until })?;
		for output in outputs {
			Outputs::<T>::insert(id, outcome_hash(&output), output);
		}
		let now = late::<T>();

		#[block]
		{
			Pallet::<T>::do_advance(id, now)?;
		}

		assert!(Disputes::<T>::contains_key(id));
		Ok(())
	}

	/// `Disputed` → `Queued`: nobody moved for the last two claims, and all seats are punished.
	#[benchmark]
	fn lapse(c: Linear<2, { MAX_COMMITTEE }>) -> Result<(), BenchmarkError> {
		let version = T::BenchmarkHelper::version(16, MAX_OUTPUT_LEN / 4);
		let workers = T::BenchmarkHelper::operators(c);
		let (committee, outputs) = dissenting::<T>(&workers);
		let answers: Vec<_> = outputs.iter().map(|output| Some(outcome_hash(output))).collect();
		let two = answers.get(..2).ok_or("there are two")?;
		let id = stage_dispute::<T>(version, committee, two)?;
		for output in outputs {
			Outputs::<T>::insert(id, outcome_hash(&output), output);
		}
		let now = late::<T>();

		#[block]
		{
			Pallet::<T>::do_advance(id, now)?;
		}

		assert!(!Disputes::<T>::contains_key(id));
		Ok(())
	}

	/// `Disputed` → `Finalized`: the first of all the claims there can be is right, and all seats
	/// are punished.
	#[benchmark]
	fn conclude(c: Linear<2, { MAX_COMMITTEE }>) -> Result<(), BenchmarkError> {
		let version = T::BenchmarkHelper::version(16, MAX_OUTPUT_LEN / 4);
		let workers = T::BenchmarkHelper::operators(c);
		let (committee, outputs) = dissenting::<T>(&workers);
		let right = output::<T>(MAX_OUTPUT_LEN.saturating_sub(4));
		let claim = |number: u32| {
			let mut output = right.clone();
			output.iter_mut().take(1).for_each(|byte| *byte = number as u8);
			output
		};
		let claims: Vec<Output> = (0..MAX_CLAIMS).map(claim).collect();
		let answers: Vec<_> = claims.iter().map(|output| Some(outcome_hash(output))).collect();
		let id = stage_dispute::<T>(version, committee.clone(), &answers)?;
		for output in outputs.into_iter().chain(claims) {
			Outputs::<T>::insert(id, outcome_hash(&output), output);
		}
		let mut asked = Requests::<T>::get(id).ok_or("the request is there")?;
		let game = Disputes::<T>::get(id).ok_or("the dispute is there")?;
		let answer = answers.first().copied().flatten();
		let finder = Some(T::BenchmarkHelper::requester());
		let now = late::<T>();

		#[block]
		{
			asked.state =
				Pallet::<T>::end_dispute(id, &asked, committee, game, answer, finder, now);
			Pallet::<T>::put(id, asked);
		}

		let state = Requests::<T>::get(id).ok_or("the request is there")?.state;
		assert!(matches!(state, RequestState::Finalized { .. }));
		Ok(())
	}

	/// `Agreed` → `Queued` for a second committee, once it is known that there is one.
	#[benchmark]
	fn begin_audit(c: Linear<2, { MAX_COMMITTEE }>) -> Result<(), BenchmarkError> {
		let version = T::BenchmarkHelper::version(16, 1);
		let workers = T::BenchmarkHelper::operators(c);
		let outcome = H256::repeat_byte(1);
		let committee = seats::<T>(&workers, |_| SeatStatus::Revealed(outcome));
		let until = frame_system::Pallet::<T>::block_number();
		let agreed = RequestState::Agreed { committee: committee.clone(), outcome, until };
		let id = stage::<T>(version, agreed)?;
		AgreedAt::<T>::insert(id, until);
		Idle::<T>::insert(id, ());
		let now = late::<T>();

		#[block]
		{
			let mut asked = Requests::<T>::get(id).ok_or("the request is there")?;
			let rate = Perbill::one().max(T::AuditRate::get());
			let half = committee.get(..committee.len() / 2).unwrap_or_default();
			assert!(Pallet::<T>::has_to_be_audited(rate, id, &asked, half));
			asked.state = Pallet::<T>::begin_audit(id, committee, outcome, now);
			Pallet::<T>::put(id, asked);
		}

		assert!(Pallet::<T>::audit_of(id).is_some());
		Ok(())
	}

	/// Weights of so many bytes.
	#[benchmark]
	fn reside(b: Linear<2048, { MAX_RESIDENT_LEN }>) -> Result<(), BenchmarkError> {
		let Traced { network, weights, .. } = network_of(b)?;
		let version = T::BenchmarkHelper::network(network, &weights);
		let requester = T::BenchmarkHelper::requester();

		#[extrinsic_call]
		_(RawOrigin::Signed(requester), version, weights);

		assert!(Residents::<T>::contains_key(version));
		Ok(())
	}

	#[benchmark]
	fn unreside() -> Result<(), BenchmarkError> {
		let traced = network_of(MAX_RESIDENT_LEN)?;
		let version = T::BenchmarkHelper::network(traced.network.clone(), &traced.weights);
		have_reside::<T>(&traced, version)?;
		let requester = T::BenchmarkHelper::requester();

		#[extrinsic_call]
		_(RawOrigin::Signed(requester), version);

		assert!(!Residents::<T>::contains_key(version));
		Ok(())
	}

	/// A look at what could be computed, in a block that has no weight left for it.
	#[benchmark]
	fn idle() -> Result<(), BenchmarkError> {
		let traced = network_of(MAX_RESIDENT_LEN)?;
		let version = T::BenchmarkHelper::network(traced.network.clone(), &traced.weights);
		have_reside::<T>(&traced, version)?;
		let workers = T::BenchmarkHelper::operators(MAX_COMMITTEE);
		let outcome = H256::repeat_byte(1);
		let committee = seats::<T>(&workers, |_| SeatStatus::Revealed(outcome));
		let until = frame_system::Pallet::<T>::block_number();
		let id = stage::<T>(version, RequestState::Agreed { committee, outcome, until })?;
		Idle::<T>::insert(id, ());
		let left = T::WeightInfo::idle();

		#[block]
		{
			Pallet::<T>::reexecute(until, left);
		}

		assert!(Idle::<T>::contains_key(id));
		Ok(())
	}

	/// Computing a result again, with weights of so many bytes: it is right.
	#[benchmark]
	fn reexecute(b: Linear<2048, { MAX_RESIDENT_LEN }>) -> Result<(), BenchmarkError> {
		let traced = network_of(b)?;
		let version = T::BenchmarkHelper::network(traced.network.clone(), &traced.weights);
		have_reside::<T>(&traced, version)?;
		let model = Model::load(&traced.network, &traced.weights).map_err(|_| "it is a model")?;
		let right = model.run(&traced.question).map_err(|_| "it has an answer")?;
		let outcome = outcome_hash(&right);
		let workers = T::BenchmarkHelper::operators(MAX_COMMITTEE);
		let committee = seats::<T>(&workers, |_| SeatStatus::Revealed(outcome));
		let until = frame_system::Pallet::<T>::block_number();
		let id = stage::<T>(version, RequestState::Agreed { committee, outcome, until })?;
		Inputs::<T>::insert(id, Input::truncate_from(traced.question.clone()));
		Idle::<T>::insert(id, ());

		#[block]
		{
			Pallet::<T>::reexecute(until, Weight::MAX);
		}

		assert!(Checks::<T>::get(id) == Some(Check::Confirmed));
		Ok(())
	}
}
