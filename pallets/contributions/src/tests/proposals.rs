//! How contributions are proposed and decided.

use crate::{mock::*, *};
use dodona_primitives_models::ContributionKind;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchError, Perbill, TokenError};

#[test]
fn propose_should_hold_the_deposit_and_wait() {
	ExtBuilder.build_and_execute(|| {
		let (kind, share) = (ContributionKind::Evaluation, percent(5));
		let call = Royalties::propose_contribution(signed(AUTHOR), MODEL, kind, content(), share);
		assert_ok!(call);
		assert_eq!(held(AUTHOR), DEPOSIT);
		let author = account(AUTHOR);
		assert_eq!(
			Contributions::<Test>::get(0),
			Some(Contribution {
				model: MODEL,
				author: author.clone(),
				kind,
				content: content(),
				share,
				deposit: DEPOSIT,
			})
		);
		let content = content();
		assert_eq!(
			events(),
			vec![Event::ContributionProposed { id: 0, model: MODEL, author, kind, content, share }]
		);
	});
}

#[test]
fn propose_should_be_refused_when_there_is_no_such_model_or_share() {
	ExtBuilder.build_and_execute(|| {
		assert_noop!(propose(AUTHOR, 9, 5), Error::<Test>::UnknownModel);
		assert_noop!(propose(AUTHOR, MODEL, 0), Error::<Test>::ShareIsZero);
	});
}

#[test]
fn propose_should_be_refused_when_the_deposit_cannot_be_held() {
	ExtBuilder.build_and_execute(|| {
		assert_noop!(propose(150, MODEL, 5), TokenError::FundsUnavailable);
	});
}

#[test]
fn propose_should_be_refused_when_too_many_wait() {
	ExtBuilder.build_and_execute(|| {
		for _ in 0..MAX_OPEN_PER_ACCOUNT {
			assert_ok!(propose(AUTHOR, MODEL, 5));
		}
		assert_noop!(propose(AUTHOR, COMMONS, 5), Error::<Test>::TooManyOwnProposals);
		for _ in MAX_OPEN_PER_ACCOUNT..MAX_OPEN {
			assert_ok!(propose(OTHER, MODEL, 5));
		}
		assert_noop!(propose(OTHER, MODEL, 5), Error::<Test>::TooManyProposals);
		assert_ok!(propose(OTHER, COMMONS, 5));
		// What is decided makes room for both.
		assert_ok!(Royalties::reject_contribution(signed(OWNER), 0));
		assert_ok!(propose(AUTHOR, MODEL, 5));
	});
}

#[test]
fn accept_should_grant_the_share_and_return_the_deposit() {
	ExtBuilder.build_and_execute(|| {
		let id = propose(AUTHOR, MODEL, 20).unwrap();
		events();
		assert_ok!(Royalties::accept_contribution(signed(OWNER), id, percent(15), 40));
		assert_eq!(held(AUTHOR), 0);
		assert!(!Contributions::<Test>::contains_key(id));
		let entry = entry(0);
		assert_eq!((entry.holder, entry.content), (account(AUTHOR), content()));
		assert_eq!(entry.earner.share, percent(15));
		assert_eq!((entry.earner.from, entry.earner.until), (1, 41));
		let (holder, share) = (account(AUTHOR), percent(15));
		assert_eq!(
			events(),
			vec![Event::ContributionAccepted {
				id,
				model: MODEL,
				entry: 0,
				holder,
				share,
				vested: 41
			}]
		);
	});
}

#[test]
fn accept_should_be_refused_when_the_origin_does_not_govern_the_model() {
	ExtBuilder.build_and_execute(|| {
		let accept = |who, id| Royalties::accept_contribution(signed(who), id, percent(1), 0);
		let own = propose(AUTHOR, MODEL, 20).unwrap();
		let common = propose(AUTHOR, COMMONS, 20).unwrap();
		for (who, id) in [(AUTHOR, own), (CURATOR, own), (AUTHOR, common), (OWNER, common)] {
			assert_noop!(accept(who, id), DispatchError::BadOrigin);
			let reject = Royalties::reject_contribution(signed(who), id);
			assert_noop!(reject, DispatchError::BadOrigin);
		}
		assert_ok!(accept(OWNER, own));
		assert_ok!(accept(CURATOR, common));
		assert_noop!(accept(OWNER, own), Error::<Test>::UnknownContribution);
	});
}

#[test]
fn accept_should_be_refused_when_it_grants_nothing_or_more_than_requested() {
	ExtBuilder.build_and_execute(|| {
		let id = propose(AUTHOR, MODEL, 20).unwrap();
		let accept =
			|share, vesting| Royalties::accept_contribution(signed(OWNER), id, share, vesting);
		assert_noop!(accept(Perbill::zero(), 0), Error::<Test>::ShareIsZero);
		let more = Perbill::from_parts(200_000_001);
		assert_noop!(accept(more, 0), Error::<Test>::MoreThanRequested);
		assert_noop!(accept(percent(20), MAX_VESTING + 1), Error::<Test>::VestingTooLong);
		assert_ok!(accept(percent(20), MAX_VESTING));
	});
}

#[test]
fn accept_should_be_refused_when_shares_would_be_more_than_everything() {
	ExtBuilder.build_and_execute(|| {
		grant(AUTHOR, 60, 0);
		grant(OTHER, 30, 1_000);
		let id = propose(OTHER, MODEL, 100).unwrap();
		let accept = |share| Royalties::accept_contribution(signed(OWNER), id, share, 0);
		let more = Perbill::from_parts(100_000_001);
		assert_noop!(accept(more), Error::<Test>::NotEnoughLeft);
		assert_ok!(accept(percent(10)));
		// Now the owner gets nothing once all have vested.
		advance(1_000);
		pay(VERSION, 1_000);
		assert_eq!((pending(0), pending(1), pending(2)), (600, 300, 100));
		assert_eq!(gained(OWNER), 0);
	});
}

#[test]
fn accept_should_be_refused_when_the_table_is_full() {
	ExtBuilder.build_and_execute(|| {
		for _ in 0..MAX_ENTRIES {
			grant(AUTHOR, 1, 5);
		}
		let id = propose(OTHER, MODEL, 1).unwrap();
		let accept = || Royalties::accept_contribution(signed(OWNER), id, percent(1), 0);
		assert_noop!(accept(), Error::<Test>::TooManyEntries);
		assert_ok!(Royalties::end_share(signed(AUTHOR), MODEL, 3));
		assert_ok!(accept());
		// No number is used twice.
		assert_eq!(entry(MAX_ENTRIES).holder, account(OTHER));
	});
}

#[test]
fn reject_should_return_the_deposit_and_grant_nothing() {
	ExtBuilder.build_and_execute(|| {
		let id = propose(AUTHOR, MODEL, 20).unwrap();
		events();
		assert_ok!(Royalties::reject_contribution(signed(OWNER), id));
		assert_eq!(held(AUTHOR), 0);
		assert_eq!(Entries::<Test>::iter().count(), 0);
		let author = account(AUTHOR);
		let expected = Event::ContributionRejected { id, model: MODEL, author };
		assert_eq!(events(), vec![expected]);
		assert_noop!(
			Royalties::reject_contribution(signed(OWNER), id),
			Error::<Test>::UnknownContribution
		);
	});
}

#[test]
fn withdraw_should_return_the_deposit_when_the_author_asks_for_it() {
	ExtBuilder.build_and_execute(|| {
		let id = propose(AUTHOR, MODEL, 20).unwrap();
		events();
		let withdraw = |who| Royalties::withdraw_contribution(signed(who), id);
		assert_noop!(withdraw(OTHER), Error::<Test>::NotTheAuthor);
		assert_noop!(withdraw(OWNER), Error::<Test>::NotTheAuthor);
		// Even when there is no model any more.
		Owners::mutate(|owners| owners.remove(&MODEL));
		assert_ok!(withdraw(AUTHOR));
		assert_eq!(held(AUTHOR), 0);
		let author = account(AUTHOR);
		let expected = Event::ContributionWithdrawn { id, model: MODEL, author };
		assert_eq!(events(), vec![expected]);
		assert_noop!(withdraw(AUTHOR), Error::<Test>::UnknownContribution);
	});
}
