//! Agreement, finality and who is punished.

use super::*;

/// A request that is agreed on by 1, 2 and 3, while 4 says something else, and the runtime can't
/// decide who is right.
fn agreed_with_a_dissenter() -> RequestId {
	Decides::set(false);
	let id = ask_and_draw();
	(1..=3).for_each(|number| commit(id, number, &output()));
	commit(id, 4, &wrong_output());
	(1..=3).for_each(|number| reveal(id, number, &output()));
	reveal(id, 4, &wrong_output());
	assert!(matches!(state(id), RequestState::Agreed { .. }));
	id
}

#[test]
fn result_should_be_the_quorums_and_the_dissenter_is_punished_when_it_is_final() {
	ExtBuilder::default().build_and_execute(|| {
		let id = agreed_with_a_dissenter();
		let RequestState::Agreed { until, .. } = state(id) else { panic!("agreed") };
		go_to(until);
		assert!(Punished::get().is_empty(), "not while the outcome can be challenged");
		assert_eq!(held(&requester()), PRICE, "nobody is paid while it can be challenged");
		next_block();
		let outcome = outcome_hash(&output());
		assert!(matches!(
			state(id),
			RequestState::Finalized { outcome: result, .. } if result == outcome
		));
		assert_eq!(Punished::get(), vec![(account(4), Offence::Dissent, DissentPenalty::get())]);
		assert_eq!(Outputs::<Test>::get(id, outcome), Some(output()));
		assert_eq!(Outputs::<Test>::get(id, outcome_hash(&wrong_output())), None);
	});
}

#[test]
fn fee_should_be_split_by_rule_and_the_dissenters_part_goes_back() {
	ExtBuilder::default().build_and_execute(|| {
		agreed_with_a_dissenter();
		go_to(10);
		// 80 % of 1,000 for four seats: 200 each; 15 % for the contributor; the treasury gets 50.
		for number in 1..=3 {
			assert_eq!(free(&account(number)), 200);
		}
		assert_eq!(free(&account(4)), 0);
		assert_eq!(free(&account(90)), 150);
		assert_eq!(free(&treasury()), 1 + 50);
		assert_eq!((held(&requester()), free(&requester())), (0, 100_000 - 800));
	});
}

#[test]
fn request_should_be_rated_by_what_it_cost_when_it_is_final() {
	ExtBuilder::default().build_and_execute(|| {
		agreed_with_a_dissenter();
		assert_eq!(Inference::finalized(0), None);
		go_to(10);
		let rated = Inference::finalized(0).unwrap();
		assert_eq!((rated.requester, rated.treasury), (requester(), 50));
		let RequestState::Finalized { at, .. } = state(0) else { panic!("it is final") };
		assert_eq!(rated.at, at);
		assert_eq!(Inference::finalized(1), None);
	});
}

#[test]
fn free_model_should_be_answered_all_the_same() {
	ExtBuilder::default().build_and_execute(|| {
		Asked::set(Price { request: 0, work: 0 });
		agreed_with_a_dissenter();
		go_to(10);
		assert_eq!(free(&requester()), 100_000);
		assert_eq!(Punished::get().len(), 1);
	});
}

#[test]
fn request_should_not_be_final_without_a_quorum() {
	ExtBuilder::default().build_and_execute(|| {
		MaxAttempts::set(1);
		Decides::set(false);
		let id = ask_and_draw();
		for (number, output) in
			[(1, output()), (2, output()), (3, wrong_output()), (4, wrong_output())]
		{
			commit(id, number, &output);
		}
		for (number, output) in
			[(1, output()), (2, output()), (3, wrong_output()), (4, wrong_output())]
		{
			reveal(id, number, &output);
		}
		let reason = FailureReason::NoQuorum;
		assert_eq!(state(id), RequestState::Failed { reason, at: 2 });
		assert_eq!((held(&requester()), free(&requester())), (0, 100_000));
		// Two said one thing and two another: nobody is shown to be wrong.
		assert!(Punished::get().is_empty());
		assert_eq!(Outputs::<Test>::iter_prefix(id).count(), 0);
	});
}

#[test]
fn ended_request_should_be_pruned_after_its_retention_and_not_before() {
	ExtBuilder::default().build_and_execute(|| {
		let id = agreed_with_a_dissenter();
		let RequestState::Agreed { until, .. } = state(id) else { panic!("agreed") };
		assert!(Inputs::<Test>::contains_key(id));
		go_to(until + 1);
		assert!(!Inputs::<Test>::contains_key(id), "it is in the block's body for those who check");
		go_to(until + 1 + 10);
		assert!(state(id).is_terminal());
		next_block();
		assert_eq!(Requests::<Test>::get(id), None);
		assert_eq!(AgreedAt::<Test>::get(id), None);
		assert_eq!(Outputs::<Test>::iter().count(), 0);
		assert!(events().contains(&Event::Pruned { request: id }));
		go_to(40);
		assert_eq!(Deadlines::<Test>::iter().count(), 0);
	});
}
