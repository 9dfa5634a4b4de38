//! Text to tokens and back, as a model's `tokenizer.json` says.

use super::folder;
use crate::error::{Error, Result};
use std::path::Path;
use tokenizers::TruncationParams;

/// The file of a folder that a tokenizer is read from.
pub const FILE: &str = "tokenizer.json";
/// Longest tokenizer that is read, in bytes.
pub const MAX_LEN: usize = 64 * 1024 * 1024;

/// The tokenizer of a model.
pub struct Tokenizer(tokenizers::Tokenizer);

/// The tokens of a text.
pub struct Encoded {
	pub tokens: Vec<u32>,
	/// Whether the text had more of them than the model reads at once.
	pub is_cut: bool,
}

impl Tokenizer {
	/// The tokenizer in `folder`, if there is one.
	pub fn open(folder: &Path) -> Result<Option<Self>> {
		let Some(json) = folder::read(folder, FILE, MAX_LEN)? else { return Ok(None) };
		let fault = |error| Error::usage(format!("{}: {error}", folder.join(FILE).display()));
		Self::parse(&json).map(Some).map_err(fault)
	}

	/// The tokenizer in `json`.
	pub fn parse(json: &[u8]) -> Result<Self, String> {
		let mut inner =
			tokenizers::Tokenizer::from_bytes(json).map_err(|error| error.to_string())?;
		// For batches: one text is neither padded nor, unless the model says so, cut.
		inner.with_padding(None);
		inner.with_truncation(None).map_err(|error| error.to_string())?;
		Ok(Self(inner))
	}

	/// The tokens of `text` with those that the model wants around it, cut to `most`.
	pub fn encode(&mut self, text: &str, most: Option<usize>) -> Result<Encoded> {
		let fault = |error| Error::usage(format!("the text can't be tokenised: {error}"));
		let truncation =
			most.map(|max_length| TruncationParams { max_length, ..Default::default() });
		self.0.with_truncation(truncation).map_err(fault)?;
		let encoding = self.0.encode_fast(text, true).map_err(fault)?;
		let is_cut = !encoding.get_overflowing().is_empty();
		Ok(Encoded { tokens: encoding.get_ids().to_vec(), is_cut })
	}

	/// The text of `tokens`, without those that only mean something to the model.
	pub fn decode(&self, tokens: &[u32]) -> Result<String> {
		self.0.decode(tokens, true).map_err(unreadable)
	}

	/// The text of tokens that come one by one.
	pub fn stream(&self) -> impl FnMut(u32) -> Result<Option<String>> + '_ {
		let mut stream = self.0.decode_stream(true);
		move |token| stream.step(token).map_err(unreadable)
	}
}

fn unreadable(error: impl std::fmt::Display) -> Error {
	Error::failed(format!("the tokens can't be read as text: {error}"))
		.hint("see the tokens themselves with --json")
}

#[cfg(test)]
pub mod tests {
	use super::*;
	use crate::commands::model::temporary::Folder;

	/// Bytes and two longer tokens, of which a text is made as GPT-2's is; `[BOS]` goes in front.
	pub fn json() -> String {
		// Printable bytes stand for themselves, the others are moved up: GPT-2's alphabet.
		let mut others = 0x100..;
		let symbols = (0..=255u8).map(|byte| match byte {
			b'!'..=b'~' | 0xa1..=0xac | 0xae.. => char::from(byte),
			_ => char::from_u32(others.next().unwrap()).unwrap(),
		});
		let mut vocabulary: serde_json::Map<String, serde_json::Value> =
			symbols.zip(0u32..).map(|(symbol, id)| (symbol.into(), id.into())).collect();
		vocabulary.insert("he".into(), 256.into());
		vocabulary.insert("hel".into(), 257.into());
		let special = |id: u32, content: &str| {
			serde_json::json!({
				"id": id, "content": content, "special": true, "single_word": false,
				"lstrip": false, "rstrip": false, "normalized": false,
			})
		};
		let bytes = serde_json::json!({
			"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true,
		});
		serde_json::json!({
			"version": "1.0",
			"truncation": {
				"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0,
			},
			"padding": {
				"strategy": { "Fixed": 16 }, "direction": "Right", "pad_to_multiple_of": null,
				"pad_id": 0, "pad_type_id": 0, "pad_token": "!",
			},
			"added_tokens": [special(258, "[BOS]"), special(259, "[END]")],
			"normalizer": null,
			"pre_tokenizer": bytes,
			"post_processor": {
				"type": "TemplateProcessing",
				"single": [
					{ "SpecialToken": { "id": "[BOS]", "type_id": 0 } },
					{ "Sequence": { "id": "A", "type_id": 0 } },
				],
				"pair": [{ "Sequence": { "id": "A", "type_id": 0 } }],
				"special_tokens": {
					"[BOS]": { "id": "[BOS]", "ids": [258], "tokens": ["[BOS]"] },
				},
			},
			"decoder": bytes,
			"model": {
				"type": "BPE", "vocab": vocabulary, "merges": [["h", "e"], ["he", "l"]],
			},
		})
		.to_string()
	}

	fn tokenizer(test: &str) -> Tokenizer {
		let folder = Folder::new(test, &[("tokenizer.json", &json())]);
		Tokenizer::open(folder.as_path()).unwrap().unwrap()
	}

	#[test]
	fn tokenizer_should_neither_pad_nor_cut_when_nobody_asks_for_it() {
		let encoded = tokenizer("whole").encode("hello", None).unwrap();
		assert_eq!(encoded.tokens, [258, 257, 108, 111]);
		assert!(!encoded.is_cut);
	}

	#[test]
	fn tokenizer_should_say_that_it_cuts_when_a_text_is_longer_than_allowed() {
		let mut tokenizer = tokenizer("cut");
		let encoded = tokenizer.encode("hello", Some(3)).unwrap();
		assert_eq!((encoded.tokens, encoded.is_cut), (vec![258, 257, 108], true));
		let encoded = tokenizer.encode("hello", Some(4)).unwrap();
		assert_eq!((encoded.tokens, encoded.is_cut), (vec![258, 257, 108, 111], false));
	}

	#[test]
	fn stream_should_give_whole_characters_when_they_come_byte_by_byte() {
		let mut tokenizer = tokenizer("stream");
		let text = "hello ½ €\n";
		let tokens = tokenizer.encode(text, None).unwrap().tokens;
		assert_eq!(tokenizer.decode(&tokens).unwrap(), text);

		let mut stream = tokenizer.stream();
		let pieces: Vec<_> = tokens.iter().filter_map(|token| stream(*token).unwrap()).collect();
		assert_eq!(pieces.concat(), text);
		assert!(pieces.contains(&"½".into()), "{pieces:?}");
		assert_eq!(stream(259).unwrap(), None);
	}

	#[test]
	fn tokenizer_should_be_absent_or_refused_when_the_file_is() {
		let empty = Folder::new("no-tokenizer", &[]);
		assert!(Tokenizer::open(empty.as_path()).unwrap().is_none());
		let broken = Folder::new("broken-tokenizer", &[("tokenizer.json", "{}")]);
		let error = Tokenizer::open(broken.as_path()).err().unwrap();
		assert_eq!(error.kind, crate::error::Kind::Usage);
		assert!(error.message.contains("tokenizer.json"), "{}", error.message);
	}
}
