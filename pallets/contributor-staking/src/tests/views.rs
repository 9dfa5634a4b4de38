use crate::mock::*;
use dodona_primitives_staking::{
	DelegationInfo, Offence, RewardSink, SlashInfo, StakeSlash, UnbondingInfo,
};
use frame_support::assert_ok;
use sp_runtime::Perbill;

#[test]
fn stake_should_show_everything_an_account_has_at_stake() {
	ExtBuilder::default().bonded(1, 1000).bonded(2, 1000).build_and_execute(|| {
		assert_ok!(delegate(1, 2, 400));
		assert_ok!(Staking::unbond(signed(1), 100));
		advance(1);
		assert_ok!(Staking::undelegate(signed(1), 2, 100));
		assert_ok!(Staking::set_compound(signed(1), 2, true));
		advance(1);
		assert_ok!(Staking::unbond(signed(1), 50));
		Staking::reward_operator(&2, earnings(1_300));
		Staking::punish(&2, Offence::Dissent, Perbill::from_percent(10));
		advance(DRIP_PERIOD);

		let info = Staking::stake_info(1);
		assert_eq!(info.bonded, 850);
		assert_eq!(info.claimable, 300);
		let unbonding = |operator, amount, until| UnbondingInfo { operator, amount, until };
		assert_eq!(
			info.unbonding,
			[
				unbonding(1, 100, 1 + UNBONDING_PERIOD),
				unbonding(2, 90, 2 + UNBONDING_PERIOD),
				unbonding(1, 50, 3 + UNBONDING_PERIOD),
			]
		);
		assert_eq!(
			info.delegations,
			[DelegationInfo {
				operator: 2,
				active: 270,
				unbonding: vec![(90, 2 + UNBONDING_PERIOD)],
				held: 400,
				uncollected: 40,
				claimable: 300,
				compound: true,
			}]
		);
		assert_eq!(Staking::pending_rewards(1), 300);
		assert_eq!(Staking::pending_rewards(7), 0);
		assert_eq!(Staking::stake_info(7).delegations, []);
	});
}

#[test]
fn pool_should_show_what_a_delegator_has_to_know() {
	ExtBuilder::default().bonded(1, 1000).build_and_execute(|| {
		assert_ok!(Staking::set_commission(signed(1), Perbill::from_percent(10)));
		assert_ok!(delegate(2, 1, 400));
		assert_ok!(delegate(3, 1, 600));
		assert_ok!(Staking::undelegate(signed(2), 1, 400));
		assert_ok!(Staking::set_commission(signed(1), Perbill::from_percent(20)));
		Staking::reward_operator(&1, earnings(1_600));
		Staking::punish(&1, Offence::Dissent, Perbill::from_percent(10));
		SlashDefer::set(7);
		Staking::punish_reported(&1, Offence::NoShow, Perbill::from_percent(1), &9);

		let info = Staking::pool_info(1).unwrap();
		assert_eq!((info.own, info.active, info.unbonding), (900, 540, 360));
		assert_eq!((info.uncollected, info.delegators, info.room), (100, 2, 4 * 900 - 540));
		assert_eq!(info.commission, Perbill::from_percent(10));
		assert_eq!(info.raise, Some((Perbill::from_percent(20), 1 + COMMISSION_DELAY)));
		assert_eq!((info.dripping, info.drips_until, info.unclaimed), (540, 1 + DRIP_PERIOD, 540));
		assert!(!info.closed);
		assert_eq!(
			info.slashes,
			[SlashInfo {
				id: 0,
				offence: Offence::NoShow,
				fraction: Perbill::from_percent(1),
				due: 8,
				reporter: Some(9),
			}]
		);
	});
}

#[test]
fn pool_should_be_there_for_every_operator_and_for_nobody_else() {
	ExtBuilder::default().bonded(1, 1000).build_and_execute(|| {
		let info = Staking::pool_info(1).unwrap();
		assert_eq!((info.own, info.active, info.room), (1000, 0, 4000));
		assert_eq!(Staking::pool_info(2), None);
	});
}
