use crate::mock::*;
use dodona_primitives_staking::{Offence, OperatorInfo, RewardSink, Role, StakeSlash};
use frame_support::assert_ok;
use sp_runtime::Perbill;

#[test]
fn info_should_be_the_same_when_the_account_is_the_operator_or_its_hot_key() {
	ExtBuilder::default().bonded(1, 1000).build_and_execute(|| {
		assert_ok!(Staking::unbond(signed(1), 400));
		Staking::oblige(&1);
		Staking::reward_operator(&1, earnings(42));
		Staking::punish(&1, Offence::NoShow, Perbill::from_percent(10));
		let info = OperatorInfo {
			operator: 1,
			role: Role::Worker,
			hot_key: hot(1),
			bonded: 540,
			unbonding: vec![(360, 1 + UNBONDING_PERIOD)],
			active: true,
			strikes: 1,
			obligations: 1,
			earned: 42,
			delegated: 0,
			counted: 0,
		};
		assert_eq!(Staking::operator_info(1), Some(info.clone()));
		assert_eq!(Staking::operator_info(hot(1)), Some(info));
	});
}

#[test]
fn info_should_show_no_strikes_when_their_window_is_over() {
	ExtBuilder::default().bonded(1, 1000).build_and_execute(|| {
		Staking::punish(&1, Offence::NoShow, Perbill::zero());
		advance(STRIKE_WINDOW - 1);
		assert_eq!(Staking::operator_info(1).unwrap().strikes, 1);
		advance(1);
		assert_eq!(Staking::operator_info(1).unwrap().strikes, 0);
	});
}

#[test]
fn info_should_be_none_when_the_account_is_unknown() {
	ExtBuilder::default().bonded(1, 1000).build_and_execute(|| {
		assert_eq!(Staking::operator_info(2), None);
	});
}

#[test]
fn operators_should_be_listed_up_to_the_limit_when_there_are_more() {
	ExtBuilder::default()
		.bonded(3, 300)
		.bonded(1, 100)
		.bonded(2, 200)
		.build_and_execute(|| {
			assert_ok!(Staking::chill(signed(1)));
			let listed = |limit| {
				Staking::operators(limit)
					.into_iter()
					.map(|info| (info.operator, info.active))
					.collect::<Vec<_>>()
			};
			assert_eq!(listed(0), []);
			assert_eq!(listed(2), [(3, true), (1, false)]);
			assert_eq!(listed(u32::MAX), [(3, true), (1, false), (2, true)]);
		});
}
