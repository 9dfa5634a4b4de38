use crate::{draw::StoredNodes, mock::*, *};
use frame_support::assert_ok;
use sp_runtime::DispatchError;

/// What the invariants say after `damage` to a state with three operators, one of them chilled
/// and one with stake unbonding.
fn complaint(damage: impl FnOnce()) -> DispatchError {
	ExtBuilder::default()
		.bonded(1, 100)
		.bonded(2, 200)
		.bonded(3, 300)
		.build()
		.execute_with(|| {
			assert_ok!(Staking::chill(signed(2)));
			assert_ok!(Staking::unbond(signed(3), 50));
			assert_ok!(Staking::do_try_state());
			damage();
			Staking::do_try_state().expect_err("the damage is seen")
		})
}

fn change(operator: AccountId, change: impl FnOnce(&mut Ledger<Test>)) {
	Ledgers::<Test>::mutate_extant(operator, change);
}

#[test]
fn try_state_should_complain_when_holds_and_ledgers_differ() {
	let differs = DispatchError::Other("an operator's hold differs from its ledger");
	assert_eq!(complaint(|| change(1, |ledger| ledger.bonded += 1)), differs);
	assert_eq!(complaint(|| change(3, |ledger| ledger.unbonding[0].amount -= 1)), differs);
}

#[test]
fn try_state_should_complain_when_chunks_are_not_merged() {
	let twice = complaint(|| {
		change(3, |ledger| {
			let mut half = ledger.unbonding[0];
			half.amount /= 2;
			ledger.unbonding[0].amount -= half.amount;
			ledger.unbonding.try_push(half).unwrap();
		})
	});
	assert_eq!(twice, DispatchError::Other("two unbonding chunks mature in one block"));
	let empty = complaint(|| {
		change(3, |ledger| {
			ledger.unbonding.try_push(UnbondingChunk { amount: 0, until: 99 }).unwrap();
		})
	});
	assert_eq!(empty, DispatchError::Other("an unbonding chunk is empty"));
}

#[test]
fn try_state_should_complain_when_weights_and_stakes_differ() {
	let differs = DispatchError::Other("an operator's weight in draws isn't its stake");
	assert_eq!(complaint(|| change(2, |ledger| ledger.chilled = false)), differs);
	let leaf = || Weights::<Test>::mutate((0, 0), |node| node[0] += 1);
	assert_eq!(complaint(leaf), differs);
	let miscounted = DispatchError::Other("the eligible are miscounted");
	assert_eq!(complaint(|| Eligible::<Test>::put(3)), miscounted);
}

#[test]
fn try_state_should_complain_when_the_tree_does_not_add_up() {
	let unsummed = DispatchError::Other("a weight isn't the sum of the node below");
	for level in 1..sum_tree::LEVELS {
		let inner = || Weights::<Test>::mutate((level, 0), |node| node[0] += 1);
		assert_eq!(complaint(inner), unsummed);
		let phantom = || Weights::<Test>::mutate((level, 0), |node| node[5] += 1);
		assert_eq!(complaint(phantom), unsummed);
	}
	let vacant = || sum_tree::set(&mut StoredNodes::<Test>::new(), 9, 1);
	assert_eq!(complaint(vacant), DispatchError::Other("a vacant slot has a weight"));
	let unreached = || Weights::<Test>::remove((sum_tree::LEVELS - 1, 0));
	assert_eq!(complaint(unreached), DispatchError::Other("a node isn't reached from the top"));
	let zeros = || Weights::<Test>::insert((0, 7), sum_tree::Node::default());
	assert_eq!(complaint(zeros), DispatchError::Other("a node of zeros is stored"));
}

#[test]
fn try_state_should_complain_when_slots_or_hot_keys_are_mixed_up() {
	let slot = DispatchError::Other("an operator's slot isn't its own");
	assert_eq!(complaint(|| change(1, |ledger| ledger.slot = 1)), slot);
	let extra = DispatchError::Other("slots are miscounted");
	assert_eq!(complaint(|| Slots::<Test>::insert(3, 4)), extra);
	let stranger = DispatchError::Other("an operator's hot key isn't its own");
	assert_eq!(complaint(|| HotKeys::<Test>::insert(hot(1), 2)), stranger);
	let stray = DispatchError::Other("a hot key has no operator");
	assert_eq!(complaint(|| HotKeys::<Test>::insert(77, 1)), stray);
	let itself = DispatchError::Other("an operator is a hot key");
	assert_eq!(complaint(|| HotKeys::<Test>::insert(2, 1)), itself);
	let mute = || {
		System::dec_sufficients(&hot(3));
	};
	assert_eq!(complaint(mute), DispatchError::Other("a hot key can't sign"));
}

/// What the invariants say after `damage` to a state in which account 4 delegates to operators 1
/// and 3 and leaves the latter, account 5 delegates to operator 1, earnings drip, wait for a cause
/// and for the end of an era, a slash has been taken and another waits.
fn pool_complaint(damage: impl FnOnce()) -> DispatchError {
	use dodona_primitives_staking::{Offence, Payee, PendingRewards, RewardSink, StakeSlash};
	ExtBuilder::default()
		.bonded(1, 1_000)
		.bonded(3, 1_000)
		.build()
		.execute_with(|| {
			assert_ok!(delegate(4, 1, 500));
			assert_ok!(delegate(5, 1, 300));
			assert_ok!(delegate(4, 3, 200));
			assert_ok!(Staking::undelegate(signed(4), 3, 100));
			Staking::reward_operator(&1, earnings(1_000));
			Staking::reward_contributor(Some(&7), earnings(100));
			assert!(Staking::credit(8, Payee::Operator(3), earnings(50)).is_ok());
			Staking::punish(&1, Offence::Dissent, sp_runtime::Perbill::from_percent(10));
			SlashDefer::set(5);
			Staking::punish(&1, Offence::Dissent, sp_runtime::Perbill::from_percent(10));
			assert_ok!(Staking::do_try_state());
			damage();
			Staking::do_try_state().expect_err("the damage is seen")
		})
}

fn pool_change(operator: AccountId, change: impl FnOnce(&mut Pool)) {
	Pools::<Test>::mutate_extant(operator, change);
}

fn delegation_change(operator: AccountId, change: impl FnOnce(&mut Delegation<Test>)) {
	Delegations::<Test>::mutate(4, operator, |delegation| {
		change(delegation.as_mut().expect("it delegates"))
	});
}

#[test]
fn try_state_should_complain_when_delegations_and_pools_differ() {
	let other = DispatchError::Other;
	assert_eq!(
		pool_complaint(|| delegation_change(1, |delegation| delegation.held -= 1)),
		other("a delegator's hold differs from its delegations")
	);
	assert_eq!(
		pool_complaint(|| {
			delegation_change(1, |delegation| delegation.held -= 1);
			delegation_change(3, |delegation| delegation.held += 1);
		}),
		other("what delegators hold isn't what their pool says")
	);
	assert_eq!(
		pool_complaint(|| pool_change(1, |pool| pool.shares.uncollected += 1)),
		other("what delegators hold isn't what their pool says")
	);
	assert_eq!(
		pool_complaint(|| delegation_change(3, |delegation| delegation.unbonding[0].shares += 1)),
		other("a pool's shares aren't its delegations'")
	);
	assert_eq!(
		pool_complaint(|| pool_change(3, |pool| pool.shares.active += 1)),
		other("a pool's active shares aren't its delegations'")
	);
	assert_eq!(
		pool_complaint(|| pool_change(1, |pool| pool.delegators += 1)),
		other("a pool's delegators are miscounted")
	);
	assert_eq!(
		pool_complaint(|| delegation_change(3, |delegation| {
			let empty = UnbondingShares { shares: 0, until: 99 };
			delegation.unbonding.try_push(empty).unwrap();
		})),
		other("a chunk of no shares is unbonding")
	);
	assert_eq!(
		pool_complaint(|| Delegations::<Test>::insert(9, 1, Delegation::default())),
		other("an empty delegation is stored")
	);
	let orphan = Delegation { unclaimed: 1, ..Default::default() };
	assert_eq!(
		pool_complaint(|| Delegations::<Test>::insert(9, 7, orphan)),
		other("a delegation has no pool")
	);
}

#[test]
fn try_state_should_complain_when_pools_and_ledgers_differ() {
	let other = DispatchError::Other;
	assert_eq!(
		pool_complaint(|| change(1, |ledger| ledger.delegated += 1)),
		other("an operator's ledger and pool differ")
	);
	assert_eq!(
		pool_complaint(|| change(1, |ledger| ledger.delegated = ledger.counted - 1)),
		other("more counts in draws than is delegated")
	);
	assert_eq!(
		pool_complaint(|| pool_change(1, |pool| pool.closed = true)),
		other("an operator's ledger and pool differ")
	);
	assert_eq!(
		pool_complaint(|| Pools::<Test>::insert(9, Pool::default())),
		other("a pool without operator is open")
	);
	let closed = Pool { closed: true, ..Default::default() };
	assert_eq!(
		pool_complaint(|| Pools::<Test>::insert(9, closed)),
		other("a closed pool without delegators is stored")
	);
}

#[test]
fn try_state_should_complain_when_earnings_do_not_add_up() {
	let other = DispatchError::Other;
	let lost = other("some earnings are lost, or paid twice");
	assert_eq!(pool_complaint(|| EarningsTotals::<Test>::mutate(|all| all.paid += 1)), lost);
	assert_eq!(pool_complaint(|| pool_change(1, |pool| pool.stream.unclaimed += 1)), lost);
	assert_eq!(pool_complaint(|| Credits::<Test>::remove(8)), lost);
	assert_eq!(
		pool_complaint(|| CurrentPayout::<Test>::put(Payout { workers: 1, ..Default::default() })),
		lost
	);
	assert_eq!(
		pool_complaint(|| drop(Staking::take_from_pot(1))),
		other("earnings that wait aren't in the pallet's account")
	);
	assert_eq!(
		pool_complaint(|| delegation_change(1, |delegation| delegation.unclaimed += 2)),
		other("delegators could claim more than there is")
	);
}

#[test]
fn try_state_should_complain_when_slashes_or_eras_are_mixed_up() {
	let other = DispatchError::Other;
	assert_eq!(
		pool_complaint(|| SlashQueue::<Test>::remove(0)),
		other("a slash that waits isn't in the queue")
	);
	assert_eq!(
		pool_complaint(|| SlashQueue::<Test>::insert(7, 1)),
		other("the queue has a slash too many")
	);
	assert_eq!(
		pool_complaint(|| NextSlash::<Test>::put(0)),
		other("a slash has a number of the future")
	);
	assert_eq!(
		pool_complaint(|| PendingSlashes::<Test>::insert(3, PendingSlashesOf::<Test>::default())),
		other("an empty list of slashes is stored")
	);
	assert_eq!(
		pool_complaint(|| PendingSlashes::<Test>::insert(9, PendingSlashes::<Test>::get(1))),
		other("a slash waits for nobody")
	);
	assert_eq!(
		pool_complaint(|| SeatPoints::<Test>::insert(0, 3, 1)),
		other("an era's seats are miscounted")
	);
	assert_eq!(
		pool_complaint(|| SeatPoints::<Test>::insert(1, 3, 1)),
		other("the seats of an era that is paid are miscounted")
	);
	assert_eq!(
		pool_complaint(|| ContributorPoints::<Test>::insert(0, 7, 1)),
		other("an era's contributions are miscounted")
	);
	assert_eq!(
		pool_complaint(|| ContributorPoints::<Test>::insert(1, 7, 1)),
		other("contributions of an era that is paid are miscounted")
	);
}
