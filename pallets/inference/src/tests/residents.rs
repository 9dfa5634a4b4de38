//! Models whose weights are in the state, and what idle blocks do with them.

use super::*;

/// A request for a resident version that all seats have given this answer to.
fn agreed_on(said: Output) -> RequestId {
	if !Residents::<Test>::contains_key(VERSION) {
		assert_ok!(reside(52, weights()));
	}
	let id = revealed(&[said.clone(), said.clone(), said.clone(), said]);
	assert!(matches!(state(id), RequestState::Agreed { .. }));
	id
}

fn waiting() -> Vec<RequestId> {
	Idle::<Test>::iter_keys().collect()
}

/// What the chain needs to compute a result again.
fn enough() -> Weight {
	let resident = Residents::<Test>::get(VERSION).unwrap();
	<() as WeightInfo>::idle()
		+ Inference::weight_of_reexecution(resident.bytes, resident.work)
		+ Inference::weight_of_conclusion(dodona_primitives_inference::MAX_COMMITTEE)
}

#[test]
fn weights_should_be_kept_for_a_deposit_that_comes_back() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(reside(52, weights()));
		let deposit = 10 + 2 * weights().len() as u128;
		assert_eq!((deposited(52), free(&account(52))), (deposit, 100_000 - deposit));
		assert_eq!(ResidentWeights::<Test>::get(VERSION).unwrap().into_inner(), weights());
		let depositor = account(52);
		let made = Event::MadeResident { version: VERSION, depositor, deposit };
		assert!(events().contains(&made));
		check();
		let unreside =
			|number| Inference::unreside(RuntimeOrigin::signed(account(number)), VERSION);
		assert_noop!(unreside(53), Error::<Test>::NotYourResident);
		assert_ok!(unreside(52));
		assert_eq!((deposited(52), free(&account(52))), (0, 100_000));
		assert_eq!(Residents::<Test>::iter().count() + ResidentWeights::<Test>::iter().count(), 0);
		assert_noop!(unreside(52), Error::<Test>::NotResident);
		// Anyone takes away what may not answer any more; the deposit goes to whom it came from.
		assert_ok!(reside(52, weights()));
		Answering::set(false);
		assert_ok!(unreside(53));
		assert_eq!((deposited(52), free(&account(52))), (0, 100_000));
	});
}

#[test]
fn weights_should_be_refused_when_they_are_not_what_can_be_run() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(reside(52, weights_with(1.0)), Error::<Test>::WrongWeights);
		assert_noop!(
			reside(52, vec![0; MAX_RESIDENT_LEN as usize + 1]),
			Error::<Test>::TooLargeToReside
		);
		assert!(reside(70, weights()).is_err(), "it has nothing to hold");
		// Four multiply-accumulates, and two layers.
		MaxAdjudicationWork::set(2_003);
		assert_noop!(reside(52, weights()), Error::<Test>::TooLargeToRun);
		MaxAdjudicationWork::set(2_004);
		Decides::set(false);
		assert_noop!(reside(52, weights()), Error::<Test>::NotDecidable);
		Decides::set(true);
		Answering::set(false);
		assert_noop!(reside(52, weights()), Error::<Test>::VersionNotServed);
		Answering::set(true);
		assert_ok!(reside(52, weights()));
		assert_noop!(reside(53, weights()), Error::<Test>::AlreadyResident);
	});
}

#[test]
fn unanimous_liars_should_be_caught_without_a_challenger() {
	ExtBuilder::default().build_and_execute(|| {
		let id = agreed_on(wrong_output());
		idle(Weight::MAX);
		assert_eq!(result(id), Some(outcome_hash(&output())));
		assert_eq!(Outputs::<Test>::iter_prefix(id).count(), 1);
		assert_eq!(Outputs::<Test>::get(id, outcome_hash(&output())), Some(output()));
		let punished: Vec<_> = Punished::get().into_iter().map(|(who, ..)| who).collect();
		assert_eq!(punished, [1, 2, 3, 4].map(account));
		assert!(Reporters::get().is_empty());
		// As nobody was right, the seats' part goes back.
		assert_eq!((held(&requester()), free(&requester())), (0, 100_000 - PRICE + 800));
		assert_eq!((free(&account(90)), free(&treasury())), (150, 1 + 50));
		let answer = Some(outcome_hash(&output()));
		assert!(events().contains(&Event::Adjudicated { request: id, answer }));
		assert!(waiting().is_empty());
		assert_eq!(Told::get(), vec![(id, Some(output().into_inner()))]);
		go_to(System::block_number() + 12);
		assert_eq!(Requests::<Test>::iter().count(), 0);
	});
}

#[test]
fn requester_should_have_the_fee_back_when_the_engine_refuses_the_weights() {
	ExtBuilder::default().build_and_execute(|| {
		let garbage = vec![7; 100];
		Artifact::set(ArtifactRef::of(&garbage).0);
		assert_ok!(reside(52, garbage));
		let id = agreed_on(output());
		idle(Weight::MAX);
		let reason = FailureReason::NoAnswer;
		assert!(matches!(state(id), RequestState::Failed { reason: why, .. } if why == reason));
		assert_eq!(free(&requester()), 100_000);
		assert_eq!(Punished::get().len(), 4);
	});
}

#[test]
fn right_result_should_be_confirmed_and_not_audited() {
	ExtBuilder::default().build_and_execute(|| {
		AuditRate::set(Perbill::one());
		let id = agreed_on(output());
		idle(Weight::MAX);
		assert!(events().contains(&Event::Confirmed { request: id }));
		assert_eq!(Checks::<Test>::get(id), Some(Check::Confirmed));
		assert!(matches!(state(id), RequestState::Agreed { .. }), "its window is open");
		assert!(waiting().is_empty());
		go_to(until(id) + 1);
		assert_eq!(result(id), Some(outcome_hash(&output())));
		assert!((1..=4).all(|number| free(&account(number)) == 200));
		assert!(Punished::get().is_empty());
		go_to(System::block_number() + 12);
		assert_eq!(Checks::<Test>::iter().count(), 0);
	});
}

#[test]
fn one_result_should_be_computed_again_in_a_block() {
	ExtBuilder::default().build_and_execute(|| {
		let ids = [(); 3].map(|_| agreed_on(output()));
		for left in (0..ids.len()).rev() {
			idle(Weight::MAX);
			assert_eq!(waiting().len(), left);
		}
		let confirmed = |event: &Event<Test>| matches!(event, Event::Confirmed { .. });
		assert_eq!(events().iter().filter(|event| confirmed(event)).count(), ids.len());
		assert_eq!(idle(Weight::MAX), <() as WeightInfo>::idle());
	});
}

#[test]
fn result_should_wait_when_the_block_has_no_weight_for_it() {
	ExtBuilder::default().build_and_execute(|| {
		let id = agreed_on(wrong_output());
		let enough = enough();
		let (time, proof) = (Weight::from_parts(1, 0), Weight::from_parts(0, 1));
		assert_eq!(idle(Weight::zero()), Weight::zero());
		for left in [enough - time, enough - proof] {
			assert_eq!(idle(left), <() as WeightInfo>::idle());
			assert_eq!(waiting(), [id]);
		}
		let used = idle(enough);
		assert!(waiting().is_empty());
		assert_eq!(result(id), Some(outcome_hash(&output())));
		// The proof has the weights in it, and the verdict over the four seats is paid for.
		assert!(used.proof_size() > weights().len() as u64);
		let resident = Residents::<Test>::get(VERSION).unwrap();
		let run = Inference::weight_of_reexecution(resident.bytes, resident.work);
		let verdict = Inference::weight_of_conclusion(4);
		assert_eq!(used, <() as WeightInfo>::idle() + run + verdict);
		assert!(run.proof_size() >= u64::from(resident.bytes));
	});
}

#[test]
fn idle_block_should_decide_a_dispute_as_well() {
	ExtBuilder::default().build_and_execute(|| {
		let id = agreed_on(wrong_output());
		// A friend of the liars challenges, so that it is no result any more.
		assert_ok!(challenge(51, id, None));
		idle(Weight::MAX);
		assert_eq!(result(id), Some(outcome_hash(&output())));
		let punished: Vec<_> = Punished::get().into_iter().map(|(who, ..)| who).collect();
		assert_eq!(punished, [1, 2, 3, 4].map(account));
		assert_eq!((bonded(51), free(&account(51))), (0, 100_000 - BOND));
	});
}

#[test]
fn result_should_not_wait_any_more_when_it_can_not_be_challenged() {
	ExtBuilder::default().build_and_execute(|| {
		let id = agreed_on(output());
		assert_eq!(waiting(), [id]);
		assert_ok!(challenge(51, id, None));
		idle(Weight::MAX);
		assert!(state(id).is_terminal());
		assert!(waiting().is_empty());
		let id = agreed_on(output());
		assert_ok!(challenge(51, id, None));
		go_to(until(id) + 1);
		go_to(until(id) + 1);
		assert!(state(id).is_terminal());
		assert!(waiting().is_empty());
		let id = agreed_on(output());
		go_to(until(id) + 1);
		assert!(state(id).is_terminal());
		assert!(waiting().is_empty());
		AuditRate::set(Perbill::one());
		let id = agreed_on(output());
		go_to(until(id) + 1);
		assert!(matches!(state(id), RequestState::Queued { .. }));
		assert!(waiting().is_empty());
		AuditRate::set(Perbill::zero());
		// Its version was published for an engine that this runtime had before.
		let id = agreed_on(output());
		Published::set(0);
		go_to(until(id) + 1);
		assert!(matches!(state(id), RequestState::Queued { .. }));
		assert!(waiting().is_empty());
	});
}

#[test]
fn result_should_stand_when_the_weights_are_gone_or_nobody_can_decide() {
	ExtBuilder::default().build_and_execute(|| {
		let id = agreed_on(wrong_output());
		assert_ok!(Inference::unreside(RuntimeOrigin::signed(account(52)), VERSION));
		idle(Weight::MAX);
		assert!(waiting().is_empty());
		assert!(matches!(state(id), RequestState::Agreed { .. }));

		let id = agreed_on(wrong_output());
		Decides::set(false);
		let used = idle(Weight::MAX);
		assert!(used.any_gt(<() as WeightInfo>::idle()), "what was read is paid for");
		assert!(waiting().is_empty());
		assert!(matches!(state(id), RequestState::Agreed { .. }));
		Decides::set(true);

		let id = agreed_on(wrong_output());
		MaxAdjudicationWork::set(2_003);
		assert_eq!(idle(Weight::MAX), <() as WeightInfo>::idle());
		assert!(waiting().is_empty());
		assert!(matches!(state(id), RequestState::Agreed { .. }));
	});
}

#[test]
fn result_should_not_wait_when_its_version_has_no_weights_in_the_state() {
	ExtBuilder::default().build_and_execute(|| {
		revealed(&[output(), output(), output(), output()]);
		assert!(waiting().is_empty());
	});
}
