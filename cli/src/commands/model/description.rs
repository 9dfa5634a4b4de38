//! What is said of a model, as the command line and the chain have it.

use crate::{
	commands::text,
	error::{Error, Result},
};
use dodona_primitives_models::{Metadata, Mirror, Tag};
use serde_json::{json, Value};

/// What a publisher says. What is not said stays as it is.
#[derive(Default)]
pub struct Said<'a> {
	pub description: Option<&'a str>,
	pub tags: &'a [String],
	pub mirrors: &'a [String],
	/// Hash of the model's card.
	pub card: Option<[u8; 32]>,
}

impl Said<'_> {
	/// The metadata that were `before`, with what is said. Refuses what the chain would refuse.
	pub fn over(&self, before: &Metadata) -> Result<Metadata> {
		let mut metadata = before.clone();
		if let Some(description) = self.description {
			let has_controls = description.chars().any(char::is_control);
			metadata.description = description
				.as_bytes()
				.to_vec()
				.try_into()
				.ok()
				.filter(|_| !has_controls)
				.ok_or_else(|| Error::usage("a description is a line of up to 256 bytes"))?;
		}
		if !self.tags.is_empty() {
			let tags: Result<Vec<Tag>> = self.tags.iter().map(|it| tag(it)).collect();
			metadata.tags =
				tags?.try_into().map_err(|_| Error::usage("a model has up to 8 tags"))?;
		}
		if !self.mirrors.is_empty() {
			let mirrors: Result<Vec<Mirror>> = self.mirrors.iter().map(|it| mirror(it)).collect();
			metadata.mirrors =
				mirrors?.try_into().map_err(|_| Error::usage("a model has up to 4 mirrors"))?;
		}
		if let Some(card) = self.card {
			metadata.card = Some(card.into());
		}
		Ok(metadata)
	}
}

fn tag(text: &str) -> Result<Tag> {
	let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
	let well_formed = text.bytes().next().is_some_and(alphanumeric)
		&& text.bytes().all(|byte| alphanumeric(byte) || b"-._".contains(&byte));
	Tag::try_from(text.as_bytes().to_vec())
		.ok()
		.filter(|_| well_formed)
		.ok_or_else(|| {
			Error::usage(format!("`{text}` can't be a tag"))
				.hint("a-z, 0-9, `-`, `.` and `_`, up to 32 characters, a letter or digit first")
		})
}

fn mirror(text: &str) -> Result<Mirror> {
	let is_address = text.starts_with("https://") || text.starts_with("http://");
	let well_formed = is_address && text.bytes().all(|byte| byte.is_ascii_graphic());
	Mirror::try_from(text.as_bytes().to_vec())
		.ok()
		.filter(|_| well_formed)
		.ok_or_else(|| {
			Error::usage(format!("`{text}` can't be a mirror"))
				.hint("https://… or http://…, up to 128 characters")
		})
}

/// For scripts.
pub fn metadata_json(metadata: &Metadata) -> Value {
	json!({
		"description": text(&metadata.description),
		"tags": metadata.tags.iter().map(|tag| text(tag)).collect::<Vec<_>>(),
		"mirrors": metadata.mirrors.iter().map(|mirror| text(mirror)).collect::<Vec<_>>(),
		"card": metadata.card.map(super::chunk_json),
	})
}

#[cfg(test)]
mod tests {
	use super::*;

	fn words(words: &[&str]) -> Vec<String> {
		words.iter().map(|word| word.to_string()).collect()
	}

	#[test]
	fn metadata_should_keep_what_nobody_says_anew() {
		let before = Said {
			description: Some("before"),
			tags: &words(&["a", "b"]),
			mirrors: &words(&["https://a/"]),
			card: Some([1; 32]),
		};
		let before = before.over(&Metadata::default()).unwrap();
		assert_eq!(Said::default().over(&before).unwrap(), before);
		let after = Said { tags: &words(&["c.1"]), ..Said::default() }.over(&before).unwrap();
		assert_eq!(after.tags.len(), 1);
		assert_eq!(Metadata { tags: before.tags.clone(), ..after }, before);
	}

	#[test]
	fn metadata_should_be_refused_when_the_chain_would_refuse_them() {
		let long = "a".repeat(257);
		for description in ["a\nb", "\u{7f}", &long] {
			let said = Said { description: Some(description), ..Said::default() };
			assert!(said.over(&Metadata::default()).is_err(), "{description}");
		}
		let long = "a".repeat(33);
		for tags in [&[""][..], &["A"], &["a b"], &["ä"], &["-a"], &[&long], &["a"; 9]] {
			let said = Said { tags: &words(tags), ..Said::default() };
			assert!(said.over(&Metadata::default()).is_err(), "{tags:?}");
		}
		let long = format!("https://{}", "a".repeat(121));
		for mirrors in
			[&["ftp://a"][..], &["a"], &["https://a b"], &["https://ä"], &[&long], &["http://a"; 5]]
		{
			let said = Said { mirrors: &words(mirrors), ..Said::default() };
			assert!(said.over(&Metadata::default()).is_err(), "{mirrors:?}");
		}
	}
}
