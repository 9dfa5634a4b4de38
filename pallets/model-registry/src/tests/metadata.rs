use crate::{mock::*, Descriptions, Error, Event, HoldReason};
use dodona_primitives_models::{Metadata, Mirror, Tag};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{BoundedVec, DispatchError, DispatchResult, TokenError};

fn set(who: AccountId, metadata: Metadata) -> DispatchResult {
	ModelRegistry::set_metadata(signed(who), 0, Some(metadata))
}

fn clear(who: AccountId) -> DispatchResult {
	ModelRegistry::set_metadata(signed(who), 0, None)
}

fn described(text: &[u8]) -> Metadata {
	Metadata { description: text.to_vec().try_into().unwrap(), ..Default::default() }
}

fn tagged(tag: &[u8]) -> Metadata {
	let tags: Vec<Tag> = vec![Default::default(), tag.to_vec().try_into().unwrap()];
	let tags = if tag.is_empty() { tags } else { tags[1..].to_vec() };
	Metadata { tags: BoundedVec::truncate_from(tags), ..Default::default() }
}

fn mirrored(mirror: &[u8]) -> Metadata {
	let mirrors: Vec<Mirror> = vec![
		b"https://example.org".to_vec().try_into().unwrap(),
		mirror.to_vec().try_into().unwrap(),
	];
	Metadata { mirrors: BoundedVec::truncate_from(mirrors), ..Default::default() }
}

#[test]
fn metadata_should_be_recorded_and_the_deposit_follow_their_size() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		for length in [10, 200, 5, 5] {
			assert_ok!(set(ALICE, metadata(length)));
			assert_eq!(events().last(), Some(&Event::MetadataSet { model: 0 }));
			assert_eq!(Descriptions::<Test>::get(0).unwrap().metadata, metadata(length));
			assert_eq!(held(HoldReason::Metadata, ALICE), metadata_deposit(&metadata(length)));
		}
		let more = metadata_deposit(&metadata(6)) - metadata_deposit(&metadata(5));
		assert_eq!(more, DEPOSIT_PER_BYTE);
	});
}

#[test]
fn metadata_should_be_gone_and_the_deposit_back_when_they_are_cleared() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		assert_ok!(set(ALICE, metadata(10)));
		assert_ok!(clear(ALICE));
		assert_eq!(events().last(), Some(&Event::MetadataCleared { model: 0 }));
		assert!(!Descriptions::<Test>::contains_key(0));
		assert_eq!(held(HoldReason::Metadata, ALICE), 0);
		// There is nothing left to clear, and no harm in it.
		assert_ok!(clear(ALICE));
	});
}

#[test]
fn metadata_should_be_the_curators_and_free_when_the_model_is_in_the_commons() {
	ExtBuilder::default().commons_model(ALICE, "commons").build_and_execute(|| {
		for who in [ALICE, BOB] {
			assert_noop!(set(who, metadata(10)), DispatchError::BadOrigin);
		}
		for length in [10, 200] {
			assert_ok!(set(CURATOR, metadata(length)));
			assert_eq!(Descriptions::<Test>::get(0).unwrap().deposit, 0);
		}
		assert_ok!(clear(CURATOR));
		for who in [ALICE, CURATOR] {
			assert_eq!(held(HoldReason::Metadata, who), 0);
		}
	});
}

#[test]
fn set_metadata_should_fail_when_the_signer_does_not_govern_the_model() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		for who in [BOB, CURATOR] {
			assert_noop!(set(who, metadata(1)), Error::<Test>::NotOwner);
			assert_noop!(clear(who), Error::<Test>::NotOwner);
		}
		assert_noop!(
			ModelRegistry::set_metadata(signed(ALICE), 7, None),
			Error::<Test>::UnknownModel
		);
	});
}

#[test]
fn set_metadata_should_fail_when_the_deposit_cannot_be_held() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		let spent = Balances::free_balance(ALICE) - 1 - metadata_deposit(&metadata(1));
		let transfer = Balances::transfer_allow_death(signed(ALICE), BOB, spent);
		assert_ok!(transfer);
		assert_noop!(set(ALICE, metadata(2)), DispatchError::Token(TokenError::FundsUnavailable));
		assert_ok!(set(ALICE, metadata(1)));
	});
}

#[test]
fn set_metadata_should_fail_when_the_description_is_no_text() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		for text in [&b"\xff"[..], b"a\nb", b"\x1b[2J", b"\0", "\u{85}".as_bytes(), b"\x7f"] {
			assert_noop!(set(ALICE, described(text)), Error::<Test>::InvalidDescription);
		}
		for text in ["", "Reads digits.", "Erzählt Märchen 🧚"] {
			assert_ok!(set(ALICE, described(text.as_bytes())));
		}
	});
}

#[test]
fn set_metadata_should_fail_when_a_tag_is_not_like_a_part_of_a_name() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		for tag in [&b""[..], b"Text", b"a b", b"-a", b".", b"a/b", b"\xff"] {
			assert_noop!(set(ALICE, tagged(tag)), Error::<Test>::InvalidTag);
		}
		for tag in [&b"text"[..], b"text-generation", b"0", b"llama-3.2_1b"] {
			assert_ok!(set(ALICE, tagged(tag)));
		}
	});
}

#[test]
fn set_metadata_should_fail_when_a_mirror_is_no_address() {
	ExtBuilder::default().model(ALICE, "digits").build_and_execute(|| {
		for mirror in [
			&b""[..],
			b"https://",
			b"http://",
			b"https:/example.org",
			b"ftp://example.org",
			b"javascript:alert(1)",
			b"HTTPS://example.org",
			b" https://example.org",
			b"https://example.org/a b",
			b"https://example.org/\n",
			"https://exämple.org".as_bytes(),
		] {
			assert_noop!(set(ALICE, mirrored(mirror)), Error::<Test>::InvalidMirror);
		}
		for mirror in [&b"http://localhost:8080"[..], b"https://dweb.link/ipfs/"] {
			assert_ok!(set(ALICE, mirrored(mirror)));
		}
	});
}
