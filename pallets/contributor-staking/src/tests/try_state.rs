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
