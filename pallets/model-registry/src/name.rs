//! What a model may be called.

use dodona_primitives_models::Organisation;

/// Whether `name` is a slug: `org/name` or `name`, each a valid part.
pub(crate) fn is_valid(name: &[u8]) -> bool {
	let mut parts = name.split(|byte| *byte == b'/');
	parts.by_ref().take(2).all(is_valid_part) && parts.next().is_none()
}

/// Whether `part` is of lower-case ASCII letters, digits, `-`, `.` and `_`, beginning with a letter
/// or a digit.
pub(crate) fn is_valid_part(part: &[u8]) -> bool {
	let is_alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
	part.first().is_some_and(is_alphanumeric)
		&& part.iter().all(|byte| is_alphanumeric(byte) || b"-._".contains(byte))
}

/// The organisation that a valid name begins with, if any.
pub(crate) fn organisation(name: &[u8]) -> Option<Organisation> {
	let mut parts = name.split(|byte| *byte == b'/');
	let (first, _) = (parts.next()?, parts.next()?);
	Organisation::try_from(first.to_vec()).ok()
}
