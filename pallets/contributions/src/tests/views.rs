//! What clients are shown.

use crate::mock::*;
use dodona_primitives_models::{ContributionInfo, ContributionKind, RoyaltyInfo, RoyaltyTable};
use frame_support::assert_ok;

#[test]
fn royalties_should_show_shares_what_is_left_and_what_can_be_claimed() {
	ExtBuilder.build_and_execute(|| {
		assert_eq!(Royalties::royalties(9), None);
		let empty = RoyaltyTable {
			owner: Some(account(OWNER)),
			remainder: percent(100),
			waiting: 0,
			entries: vec![],
		};
		assert_eq!(Royalties::royalties(MODEL), Some(empty));
		grant(AUTHOR, 20, 0);
		grant(OTHER, 40, 10);
		advance(5);
		pay(VERSION, 1_001);
		let info = |id, who, share, vested, until, pending| RoyaltyInfo {
			id,
			holder: account(who),
			kind: ContributionKind::Dataset,
			content: content(),
			share: percent(share),
			vested: percent(vested),
			from: 1,
			until,
			pending,
		};
		let table = RoyaltyTable {
			owner: Some(account(OWNER)),
			remainder: percent(60),
			waiting: 401,
			entries: vec![info(0, AUTHOR, 20, 20, 1, 200), info(1, OTHER, 40, 20, 11, 200)],
		};
		assert_eq!(Royalties::royalties(MODEL), Some(table));
		assert_ok!(Royalties::claim(signed(AUTHOR), MODEL, 1));
		let after = Royalties::royalties(MODEL).unwrap();
		assert_eq!(after.waiting, 201);
		assert_eq!((after.entries[0].pending, after.entries[1].pending), (200, 0));
		// The whole share is shown as soon as it counts.
		advance(5);
		let after = Royalties::royalties(MODEL).unwrap();
		assert_eq!((after.entries[1].vested, after.remainder), (percent(40), percent(40)));
	});
}

#[test]
fn royalties_should_be_shown_when_there_is_no_such_model_any_more() {
	ExtBuilder.build_and_execute(|| {
		grant(AUTHOR, 20, 0);
		Owners::mutate(|owners| owners.remove(&MODEL));
		let table = Royalties::royalties(MODEL).unwrap();
		assert_eq!((table.owner, table.entries.len()), (None, 1));
	});
}

#[test]
fn contributions_should_show_what_waits_oldest_first() {
	ExtBuilder.build_and_execute(|| {
		let first = propose(OTHER, MODEL, 5).unwrap();
		propose(AUTHOR, COMMONS, 6).unwrap();
		let last = propose(AUTHOR, MODEL, 7).unwrap();
		let info = |id, who, share| ContributionInfo {
			id,
			author: account(who),
			kind: ContributionKind::Dataset,
			content: content(),
			share: percent(share),
			deposit: DEPOSIT,
		};
		let all = vec![info(first, OTHER, 5), info(last, AUTHOR, 7)];
		assert_eq!(Royalties::contributions(MODEL), all);
		assert_ok!(Royalties::withdraw_contribution(signed(OTHER), first));
		assert_eq!(Royalties::contributions(MODEL), all[1..]);
		assert_eq!(Royalties::contributions(9), vec![]);
	});
}

#[test]
fn undistributed_should_show_what_fees_and_derived_versions_brought() {
	ExtBuilder.build_and_execute(|| {
		assert_eq!(Royalties::undistributed(VERSION), 0);
		earn(VERSION, 30);
		derived(version(COMMONS, 1), VERSION);
		pay(version(COMMONS, 1), 100);
		assert_eq!(Royalties::undistributed(VERSION), 40);
		assert_ok!(distribute(VERSION));
		assert_eq!(Royalties::undistributed(VERSION), 0);
	});
}
