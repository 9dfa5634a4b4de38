//! Random sequences of calls over all of our pallets, on the chain that they are joined in.

use super::{dev, governance};
use crate::{
	configs::parameters::{
		dynamic_params::{feedback, inference, staking},
		RuntimeParameters,
	},
	genesis_config_presets::worker,
	randomness::Seed,
	AccountId, Balance, Balances, Contributions, ContributorStaking, Feedback, Hash, Inference,
	ModelEvaluation, ModelRegistry, Parameters, Runtime, RuntimeOrigin, System, TransactionStorage,
	UNIT,
};
use dodona_primitives_inference::{
	commitment, outcome_hash, rating_commitment, CommitmentContext, Rating, RequestId,
	RequestState, SeatStatus, Statement, Submission,
};
use dodona_primitives_models::{ContributionKind, VersionId};
use frame_support::{assert_ok, traits::OnPoll, weights::WeightMeter, BoundedVec};
use sp_core::H256;
use sp_keyring::Sr25519Keyring::{self, Alice, Bob, Charlie, Dave, Eve, Ferdie};
use sp_runtime::{traits::Zero, DispatchResult, Perbill};
use std::collections::BTreeMap;

const PEOPLE: [Sr25519Keyring; 6] = [Alice, Bob, Charlie, Dave, Eve, Ferdie];
const RUNS: u64 = 4;
const STEPS: u32 = 2_600;
const VERSION: VersionId = VersionId { model: 0, number: 1 };
const INPUT: [u8; 16] = [0; 16];

/// Numbers that look random: SplitMix64.
struct Dice(u64);

impl Dice {
	fn roll(&mut self, sides: u64) -> u64 {
		self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
		let mut x = self.0;
		x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
		x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
		(x ^ (x >> 31)) % sides
	}

	fn person(&mut self) -> AccountId {
		PEOPLE[self.roll(PEOPLE.len() as u64) as usize].to_account_id()
	}

	fn operator(&mut self) -> AccountId {
		worker(self.roll(4) as u32 + 1).0
	}

	fn amount(&mut self) -> Balance {
		let most = [1, 20, 1_000, 20_000][self.roll(4) as usize];
		Balance::from(self.roll(1_000_000)) * most * UNIT / 1_000_000
	}

	fn fraction(&mut self) -> Perbill {
		Perbill::from_percent(self.roll(40) as u32)
	}
}

fn by(who: AccountId) -> RuntimeOrigin {
	RuntimeOrigin::signed(who)
}

/// A block begins, with randomness that nobody could know, and does what it does by itself.
fn next_block(dice: &mut Dice) {
	let now = System::block_number() + 1;
	System::set_block_number(now);
	System::set_parent_hash(Hash::from_low_u64_be(dice.roll(u64::MAX)));
	Seed::put((Hash::from_low_u64_be(dice.roll(u64::MAX)), now));
	let mut meter = WeightMeter::new();
	ModelRegistry::on_poll(now, &mut meter);
	ContributorStaking::on_poll(now, &mut meter);
	Inference::on_poll(now, &mut meter);
	Feedback::on_poll(now, &mut meter);
}

/// What every invariant of every pallet says.
fn check() {
	TransactionStorage::do_try_state().expect("chunks, deposits and ends agree");
	ModelRegistry::do_try_state().expect("models, versions and deposits agree");
	ModelEvaluation::do_try_state().expect("evaluations and questions agree");
	ContributorStaking::do_try_state().expect("holds, ledgers, pools and credits agree");
	Inference::do_try_state().expect("requests, queues and fees agree");
	Contributions::do_try_state().expect("shares and what waits agree");
	Feedback::do_try_state().expect("ratings, stakes and counts agree");
	let accounts = frame_system::Account::<Runtime>::iter_values();
	let sum: Balance = accounts.map(|account| account.data.free + account.data.reserved).sum();
	assert_eq!(sum, Balances::total_issuance(), "every unit is somebody's");
}

/// What one of the operators says in each request that it has a seat in.
fn work(dice: &mut Dice, number: u32) -> DispatchResult {
	let (operator, hot_key) = worker(number);
	let mut submissions = Vec::new();
	for id in pallet_inference::Assignments::<Runtime>::iter_key_prefix(&operator).take(16) {
		let request = pallet_inference::Requests::<Runtime>::get(id).expect("has a seat in it");
		// Some say something else, and some say nothing.
		let lies = (id + u64::from(number)) % 17 == 0;
		let output = vec![u8::from(lies) * number as u8; 8];
		let output = BoundedVec::truncate_from(output);
		let (salt, outcome) = ([number as u8; 32], outcome_hash(&output));
		let seat = |committee: &[dodona_primitives_inference::Seat<AccountId>]| {
			committee.iter().find(|seat| seat.operator == operator).map(|seat| seat.status)
		};
		let statement = match &request.state {
			RequestState::Committing { committee, .. }
				if seat(committee) == Some(SeatStatus::Assigned) =>
			{
				let genesis = Inference::genesis_hash();
				let attempt = request.attempt;
				let context =
					CommitmentContext { genesis, request: id, attempt, operator: &operator };
				Statement::Commit { commitment: commitment(&context, outcome, &salt) }
			},
			RequestState::Revealing { .. } => {
				Statement::Reveal { outcome, salt, output: Some(output) }
			},
			_ => continue,
		};
		if dice.roll(12) > 0 {
			submissions.push(Submission { request: id, attempt: request.attempt, statement });
		}
	}
	let submissions = BoundedVec::truncate_from(submissions);
	Inference::submit(by(hot_key), submissions)
		.map(|_| ())
		.map_err(|error| error.error)
}

fn rating_of(request: RequestId) -> (Rating, [u8; 32]) {
	(if request.is_multiple_of(3) { Rating::Bad } else { Rating::Good }, [request as u8; 32])
}

/// One of the things that people do; its name, and how it ended.
fn step(dice: &mut Dice) -> (&'static str, DispatchResult) {
	let (who, other) = (dice.person(), dice.person());
	let (operator, amount) = (dice.operator(), dice.amount());
	let own = by(operator.clone());
	let last = pallet_inference::NextRequestId::<Runtime>::get();
	let request = last.saturating_sub(dice.roll(60) + 1);
	let (few, entry) = (dice.roll(6) as u32, dice.roll(4) as u32);
	match dice.roll(36) {
		0..=5 => ("ask", Inference::request(by(who), 0, None, INPUT.to_vec(), UNIT)),
		6..=13 => ("work", work(dice, few % 4 + 1)),
		14 | 15 => {
			("delegate", ContributorStaking::delegate(by(who), operator, amount, Perbill::one()))
		},
		16 => ("undelegate", ContributorStaking::undelegate(by(who), operator, amount)),
		17 => (
			"withdraw_delegation",
			ContributorStaking::withdraw_delegation(by(other), operator, who, few > 2),
		),
		18 => ("claim", ContributorStaking::claim(by(other), operator, who)),
		19 => ("bond_extra", ContributorStaking::bond_extra(own, amount)),
		20 => ("unbond", ContributorStaking::unbond(own, amount)),
		21 => ("rebond", ContributorStaking::rebond(own, amount)),
		22 => ("withdraw_unbonded", ContributorStaking::withdraw_unbonded(own)),
		23 => ("resume", ContributorStaking::resume(own)),
		24 => ("set_commission", ContributorStaking::set_commission(own, dice.fraction())),
		25 => ("collect", ContributorStaking::collect(by(other), operator, who)),
		26 => {
			let slash = pallet_contributor_staking::NextSlash::<Runtime>::get().saturating_sub(1);
			let root = RuntimeOrigin::root();
			("cancel_slash", ContributorStaking::cancel_slash(root, operator, slash))
		},
		27 => {
			let content = H256::from_low_u64_be(request);
			let (kind, share) = (ContributionKind::Dataset, dice.fraction());
			("propose", Contributions::propose_contribution(by(who), 0, kind, content, share))
		},
		28 => {
			let next = pallet_contributions::NextContribution::<Runtime>::get();
			let id = next.saturating_sub(dice.roll(6) as u32 + 1);
			// Their owner is Bob.
			let owner = by(Bob.to_account_id());
			match few {
				0 => ("reject", Contributions::reject_contribution(owner, id)),
				1 => ("withdraw", Contributions::withdraw_contribution(by(who), id)),
				_ => (
					"accept",
					Contributions::accept_contribution(
						owner,
						id,
						Perbill::from_percent(few),
						few * 20,
					),
				),
			}
		},
		29 => ("claim_share", Contributions::claim(by(other), 0, entry)),
		30 if few == 0 => ("end_share", Contributions::end_share(by(who), 0, entry)),
		30 => ("transfer_share", Contributions::transfer_share(by(who), 0, entry, other)),
		31 => {
			let result = Contributions::distribute(by(who), VERSION);
			("distribute", result.map(|_| ()).map_err(|error| error.error))
		},
		32 | 33 => {
			let Some(asked) = pallet_inference::Requests::<Runtime>::get(request) else {
				return ("rate", Ok(()));
			};
			let (rating, salt) = rating_of(request);
			let rater = asked.requester;
			let genesis = Inference::genesis_hash();
			if few > 2 {
				("reveal_rating", Feedback::reveal_rating(by(rater), request, rating, salt))
			} else {
				let said = rating_commitment(genesis, request, &rater, rating, &salt);
				("commit_rating", Feedback::commit_rating(by(rater), request, said))
			}
		},
		34 => ("endow", ModelRegistry::endow(by(who), 0, amount)),
		_ => {
			let defer = staking::Parameters::SlashDeferPeriod(
				staking::SlashDeferPeriod,
				Some([0, 3, 10][few as usize % 3]),
			);
			let parameter = RuntimeParameters::Staking(defer);
			("defer", Parameters::set_parameter(RuntimeOrigin::root(), parameter))
		},
	}
}

/// Random steps from the state of a development chain with a model of Bob's; how often each kind of
/// step did something.
fn run(seed: u64, done: &mut BTreeMap<&'static str, u32>) {
	let mut dice = Dice(seed);
	System::set_block_number(1);
	let version = governance::owned_version();
	assert_eq!(version, VERSION);
	let long = inference::Parameters::ResultRetention(inference::ResultRetention, Some(200));
	// The four operators are enough for two committees.
	let small = inference::Parameters::CommitteeSize(inference::CommitteeSize, Some(2));
	let audited =
		inference::Parameters::AuditRate(inference::AuditRate, Some(Perbill::from_percent(40)));
	// Delegations can leave before the end.
	let quick = inference::Parameters::MaxMovePeriods(inference::MaxMovePeriods, Some(1));
	let short = feedback::Parameters::RoundLength(feedback::RoundLength, Some(40));
	let ours = [long, small, audited, quick].map(RuntimeParameters::Inference);
	for parameter in ours.into_iter().chain([RuntimeParameters::Feedback(short)]) {
		assert_ok!(Parameters::set_parameter(RuntimeOrigin::root(), parameter));
	}
	for number in 0..STEPS {
		let (name, result) = step(&mut dice);
		*done.entry(name).or_default() += u32::from(result.is_ok());
		if dice.roll(4) == 0 {
			next_block(&mut dice);
		}
		if number % 8 == 0 {
			check();
		}
	}
	// Left alone, every request ends, and all fees are paid or returned.
	for _ in 0..400 {
		next_block(&mut dice);
	}
	check();
	assert!(pallet_inference::Requests::<Runtime>::iter().next().is_none());
	for person in PEOPLE {
		let fee = pallet_inference::HoldReason::Fee.into();
		let held = <Balances as frame_support::traits::fungible::InspectHold<_>>::balance_on_hold(
			&fee,
			&person.to_account_id(),
		);
		assert!(held.is_zero());
	}
}

/// Calls of all runs together: `RUNS · STEPS`. `DODONA_SEED` repeats one of them.
#[test]
fn invariants_should_hold_through_many_thousand_calls_over_all_pallets() {
	let repeated = std::env::var("DODONA_SEED").ok().and_then(|seed| seed.parse::<u64>().ok());
	let seeds = repeated.map_or(1..=RUNS, |seed| seed..=seed);
	let mut done = BTreeMap::new();
	let mut slashed = false;
	for seed in seeds {
		println!("repeat it with DODONA_SEED={seed}");
		dev().execute_with(|| {
			run(seed, &mut done);
			slashed |= pallet_contributor_staking::NextSlash::<Runtime>::get() > 0;
		});
	}
	println!("{done:?}");
	assert!(slashed, "some are slashed in between");
	if repeated.is_none() {
		for (name, times) in done {
			assert!(times > 0, "{name} never did anything");
		}
	}
}
