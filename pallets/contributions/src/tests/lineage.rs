//! What is passed on to the versions that others were derived from.

use crate::{mock::*, *};
use dodona_primitives_models::VersionId;
use frame_support::{assert_noop, assert_ok};

fn steps(version: VersionId) -> Vec<(Balance, Balance)> {
	Inherited::<Test>::get(version)
		.iter()
		.map(|step| (step.earned, step.through))
		.collect()
}

/// The first version of each of the models 10, 11, …, each derived from the one before.
fn chain(models: u32) -> Vec<VersionId> {
	let versions: Vec<_> = (0..models).map(|model| version(10 + model, 1)).collect();
	for (parent, child) in versions.iter().zip(versions.iter().skip(1)) {
		derived(*child, *parent);
	}
	for version in &versions {
		let owner = account(60 + version.model as u8 - 10);
		Owners::mutate(|owners| owners.insert(version.model, Some(owner)));
	}
	versions
}

#[test]
fn distribute_should_pass_a_part_on_to_the_model_that_the_version_descends_from() {
	ExtBuilder.build_and_execute(|| {
		derived(VERSION, version(COMMONS, 4));
		grant(AUTHOR, 50, 0);
		events();
		pay(VERSION, 1_000);
		let owner = Some(account(OWNER));
		assert_eq!(
			events(),
			vec![Event::Distributed {
				version: VERSION,
				amount: 1_000,
				passed_on: 100,
				shared: 450,
				remainder: 450,
				owner
			}]
		);
		assert_eq!(steps(version(COMMONS, 4)), vec![(100, 0)]);
		assert_eq!(Royalties::undistributed(version(COMMONS, 4)), 100);
		assert_ok!(distribute(version(COMMONS, 4)));
		assert_eq!((gained(TREASURY), pending(0)), (100, 450));
		assert_noop!(distribute(version(COMMONS, 4)), Error::<Test>::NothingToDistribute);
	});
}

#[test]
fn lineage_should_climb_a_model_a_call_and_end_at_the_most() {
	ExtBuilder.build_and_execute(|| {
		let versions = chain(6);
		pay(versions[5], 1_000_000);
		for version in versions.iter().rev().skip(1) {
			let _ = distribute(*version);
		}
		// Three models above the one that earned it.
		let got: Vec<_> = (0..6).map(|model| gained(60 + model)).collect();
		assert_eq!(got, vec![0, 0, 1_000, 9_000, 90_000, 900_000]);
		assert_noop!(distribute(versions[1]), Error::<Test>::NothingToDistribute);
	});
}

#[test]
fn depth_should_be_that_of_each_amount_when_they_meet() {
	ExtBuilder.build_and_execute(|| {
		let versions = chain(6);
		pay(versions[5], 1_000_000);
		assert_ok!(distribute(versions[4]));
		pay(versions[4], 10_000);
		assert_eq!(steps(versions[3]), vec![(1_000, 0), (10_000, 0)]);
		earn(versions[3], 100);
		assert_ok!(distribute(versions[3]));
		assert_eq!(steps(versions[2]), vec![(10, 0), (100, 0), (1_000, 0)]);
		assert_ok!(distribute(versions[2]));
		// What came through three models stays.
		assert_eq!(steps(versions[1]), vec![(0, 0), (1, 0), (10, 0)]);
		assert_eq!(gained(62), 1_110 - 11);
	});
}

#[test]
fn versions_of_the_same_model_should_make_no_difference() {
	ExtBuilder.build_and_execute(|| {
		derived(VERSION, version(COMMONS, 1));
		derived(version(MODEL, 2), VERSION);
		derived(version(MODEL, 3), version(MODEL, 2));
		pay(version(MODEL, 3), 1_000);
		assert_eq!(gained(OWNER), 900);
		assert_eq!(steps(version(COMMONS, 1)), vec![(100, 0)]);
	});
}

#[test]
fn nothing_should_be_passed_on_when_a_version_descends_only_from_its_own_model() {
	ExtBuilder.build_and_execute(|| {
		derived(version(MODEL, 2), VERSION);
		derived(version(MODEL, 3), version(MODEL, 2));
		pay(version(MODEL, 3), 1_000);
		assert_eq!((gained(OWNER), waiting()), (1_000, 0));
	});
}

#[test]
fn no_number_of_versions_should_keep_the_part_of_the_model_they_descend_from() {
	ExtBuilder.build_and_execute(|| {
		derived(VERSION, version(COMMONS, 1));
		for number in 1..10 {
			derived(version(MODEL, number + 1), version(MODEL, number));
		}
		pay(version(MODEL, 10), 1_000);
		// Too far to see: it goes through a version on the way, whole.
		assert_eq!(steps(version(MODEL, 7)), vec![(0, 100)]);
		for number in (1..10).rev() {
			let _ = distribute(version(MODEL, number));
		}
		assert_eq!((gained(OWNER), steps(version(COMMONS, 1))), (900, vec![(100, 0)]));
	});
}

#[test]
fn what_comes_through_should_be_the_models_own_when_there_is_no_other_after_all() {
	ExtBuilder.build_and_execute(|| {
		for number in 1..10 {
			derived(version(MODEL, number + 1), version(MODEL, number));
		}
		pay(version(MODEL, 10), 1_000);
		assert_eq!(steps(version(MODEL, 7)), vec![(0, 100)]);
		pay(version(MODEL, 7), 50);
		for number in (1..7).rev() {
			let _ = distribute(version(MODEL, number));
		}
		assert_eq!((gained(OWNER), waiting()), (1_050, 0));
	});
}

#[test]
fn what_comes_through_should_keep_its_depth() {
	ExtBuilder.build_and_execute(|| {
		let versions = chain(3);
		// Between the second model and the first there are more versions than are looked at.
		let long = |number| version(versions[1].model, number);
		for number in 1..10 {
			derived(long(number + 1), long(number));
		}
		derived(versions[2], long(10));
		pay(versions[2], 1_000_000);
		assert_eq!(steps(long(10)), vec![(100_000, 0)]);
		assert_ok!(distribute(long(10)));
		assert_eq!(steps(long(7)), vec![(0, 0), (0, 10_000)]);
		for number in (1..8).rev() {
			let _ = distribute(long(number));
		}
		assert_eq!(steps(versions[0]), vec![(0, 0), (10_000, 0)]);
		assert_eq!(gained(61), 90_000);
	});
}

#[test]
fn royalties_should_be_paid_when_there_is_no_record_of_the_parents_model_any_more() {
	ExtBuilder.build_and_execute(|| {
		grant(AUTHOR, 40, 0);
		derived(version(COMMONS, 1), VERSION);
		Owners::mutate(|owners| owners.remove(&MODEL));
		pay(version(COMMONS, 1), 1_000);
		assert_ok!(distribute(VERSION));
		// Whoever gave something still has a share; what was the owner's is the treasury's.
		assert_eq!((pending(0), gained(TREASURY)), (40, 900 + 60));
	});
}

#[test]
fn nothing_should_be_passed_on_when_the_lineage_share_is_zero() {
	ExtBuilder.build_and_execute(|| {
		derived(VERSION, version(COMMONS, 4));
		LineageShare::set(percent(0));
		pay(VERSION, 1_000);
		assert_eq!((gained(OWNER), Inherited::<Test>::iter().count()), (1_000, 0));
		LineageShare::set(percent(100));
		pay(VERSION, 1_000);
		assert_eq!((gained(OWNER), steps(version(COMMONS, 4))), (1_000, vec![(1_000, 0)]));
	});
}

#[test]
fn lineage_should_lose_no_unit_when_it_does_not_divide() {
	ExtBuilder.build_and_execute(|| {
		derived(VERSION, version(COMMONS, 4));
		pay(VERSION, 19);
		assert_eq!((gained(OWNER), steps(version(COMMONS, 4))), (18, vec![(1, 0)]));
		pay(VERSION, 9);
		assert_eq!((gained(OWNER), steps(version(COMMONS, 4))), (27, vec![(1, 0)]));
	});
}
